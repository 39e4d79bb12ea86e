//! The links in mails and texts about alerts: who gets them, what they do, and when they do nothing.

use super::AlertTemplate::{Escalated, Test, Triggered};
use super::NotificationChannel::{Email, Sms};
use super::{Notifying, raise};
use chrono::TimeDelta;
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, TokenKeys};
use nmc_core::alerts::{ALERT_LINK_LIFETIME, AlertEvent, AlertEventFilter, AlertLinkAction, AlertTemplate};
use nmc_core::delivery::MailLinks;
use nmc_core::people::{NewProfile, UserPatch};
use nmc_core::testing::{Business, Fault, noon};
use nmc_core::workflows::{Followed, Notifier, NotifierConfig, NotifierPass, Senders};
use nmc_core::{AlertEventType, AlertStatus, Clock as _, PageRequest, Secret, UserId, UserRole};
use std::sync::Barrier;

const TO: &str = "https://nmc.example.com/v1/alert-links/";
const SHORT: &str = "https://nmc.example.com/a/";

/// A business with an alert, and somebody of its staff who gets mails about it.
struct Linked {
    notifying: Notifying,
    ann: UserId,
    keys: TokenKeys,
}

fn secret(token: &str) -> Secret {
    Secret::new(token)
}

impl Linked {
    fn new() -> Self {
        Self::with(TokenKeys::ephemeral(noon()).unwrap())
    }

    fn with(keys: TokenKeys) -> Self {
        let notifying = Notifying::new();
        let ann = notifying.scene.staff;
        let sql = "UPDATE users SET email = 'ann@example.com', email_verified = true, email_verified_at = now(), role = 'admin' WHERE id = ";
        notifying.scene.db.execute(&format!("{sql}'{ann}'"));
        Self { notifying, ann, keys }
    }

    fn authenticator(&self) -> Authenticator {
        let hasher = Hasher::new(4, 2, 100).unwrap();
        Authenticator::new(self.notifying.scene.db.store.clone(), hasher, self.keys.clone(), LoginPolicy::default())
    }

    fn senders(&self) -> Senders {
        let to = |page: &str| format!("https://nmc.example.com/app#/{page}?token=");
        let links = MailLinks {
            invitation: to("invite"),
            password_reset: to("reset"),
            verification: to("verify"),
            alert: TO.to_owned(),
            alert_in_text: SHORT.to_owned(),
            alerts: "https://nmc.example.com/app#/alerts".to_owned(),
        };
        Senders { links: Some((links, self.keys.clone())), ..self.notifying.senders() }
    }

    fn pass(&self) -> NotifierPass {
        self.notifying.scene.tick();
        Notifier::new(self.notifying.scene.db.store.clone(), self.senders(), NotifierConfig::default()).pass().unwrap()
    }

    /// The tokens of the mail that is sent now to this address: to acknowledge, to snooze, to resolve.
    fn mailed(&self, template: AlertTemplate, to: &str) -> Vec<String> {
        self.notifying.queue_to(Email, template, to);
        assert_eq!(self.pass().delivered, 1);
        let text = self.notifying.smtp.taken().pop().unwrap().text.replace("=\n", "");
        let token =
            |rest: &str| rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).next().unwrap().to_owned();
        let tokens: Vec<String> = text.split(TO).skip(1).map(token).collect();
        let (text, html) = tokens.split_at(tokens.len() / 2);
        assert_eq!(text, html, "both parts have the same");
        text.to_vec()
    }

    fn tokens(&self) -> [String; 3] {
        self.mailed(Triggered, "ann@example.com").try_into().unwrap()
    }

    fn look(&self, token: &str) -> Followed {
        self.authenticator().look_at_alert_link(&secret(token)).unwrap()
    }

    fn follow(&self, token: &str) -> Followed {
        self.notifying.scene.tick();
        self.authenticator().follow_alert_link(&secret(token), None).unwrap()
    }

    /// What was done by a link that was used, and whether its reader did it; none for whoever is no user any more.
    fn used(&self, token: &str) -> Option<(AlertLinkAction, bool)> {
        match self.look(token) {
            Followed::Used(answer) => answer.map(|answer| (answer.action, answer.is_by_reader)),
            other => panic!("{other:?}"),
        }
    }

    /// Presses a button of the page.
    fn press(&self, token: &str, action: AlertLinkAction) -> Followed {
        self.notifying.scene.tick();
        self.authenticator().follow_alert_link(&secret(token), Some(action)).unwrap()
    }

    /// What the page offers.
    fn offers(&self, token: &str) -> Vec<AlertLinkAction> {
        match self.look(token) {
            Followed::Ready(about) => about.actions,
            other => panic!("{other:?}"),
        }
    }

    /// Gives a user the number that texts go to.
    fn has_phone(&self, user: UserId) {
        let profile = NewProfile {
            user_id: user,
            first_name: "Pat".to_owned(),
            last_name: "Doe".to_owned(),
            display_name: None,
            phone_number: Some(self.notifying.phone.clone()),
            timezone: None,
        };
        self.notifying.scene.tx(|tx| tx.profiles().create(&profile)).unwrap();
    }

    /// The token of the text that is sent now; none if it holds no link.
    fn texted(&self, template: AlertTemplate) -> Option<String> {
        self.notifying.queue(Sms, template);
        // Sooner it would be a storm.
        self.notifying.scene.clock.advance(TimeDelta::minutes(3));
        assert_eq!(self.pass().delivered, 1);
        let body = self.notifying.sms.taken().pop().unwrap().text.2;
        let (_, rest) = body.split_once(SHORT)?;
        Some(rest.split(' ').next().unwrap().to_owned())
    }

    fn snooze(&self) {
        let until = self.notifying.scene.tick() + TimeDelta::hours(3);
        let snooze = |tx: &mut nmc_core::TenantTx<'_>| tx.alerts().snooze(self.notifying.alert.id, until, None);
        self.notifying.scene.tx_as(self.ann, snooze).unwrap();
    }

    fn status(&self) -> AlertStatus {
        self.notifying.scene.tx(|tx| tx.alerts().get(self.notifying.alert.id)).unwrap().status
    }

    fn history(&self, event: AlertEventType) -> Vec<AlertEvent> {
        let filter = AlertEventFilter { event_type: Some(event), ..AlertEventFilter::default() };
        let list =
            |tx: &mut nmc_core::TenantTx<'_>| tx.alert_history().list(self.notifying.alert.id, &filter, PageRequest::first());
        self.notifying.scene.tx(list).unwrap().items
    }

    fn change(&self, patch: &UserPatch) {
        self.notifying.scene.tick();
        self.notifying.scene.tx(|tx| tx.users().update(self.ann, patch)).unwrap();
    }
}

#[test]
fn link_acts_as_the_recipient_and_the_history_names_them() {
    for (which, action, status, event) in [
        (0, AlertLinkAction::Acknowledge, AlertStatus::Acknowledged, AlertEventType::Acknowledged),
        (1, AlertLinkAction::Snooze, AlertStatus::Snoozed, AlertEventType::Snoozed),
        (2, AlertLinkAction::Resolve, AlertStatus::Resolved, AlertEventType::Resolved),
    ] {
        let linked = Linked::new();
        let tokens = linked.tokens();
        let before = linked.notifying.scene.db.rows_of(linked.notifying.scene.business.tenant.id());
        assert!(matches!(linked.look(&tokens[which]), Followed::Ready(about) if about.rule_name == "Too many missed calls"));
        let after = linked.notifying.scene.db.rows_of(linked.notifying.scene.business.tenant.id());
        assert_eq!(before, after, "looking changes nothing");
        assert!(matches!(linked.follow(&tokens[which]), Followed::Done(_)));
        assert_eq!(linked.status(), status);
        let events = linked.history(event);
        assert_eq!((events.len(), events[0].user_id), (1, Some(linked.ann)));
        for token in &tokens {
            assert_eq!(
                (linked.used(token), linked.follow(token)),
                (Some((action, true)), linked.look(token)),
                "one link of a mail"
            );
        }
        let alert = linked.notifying.scene.tx(|tx| tx.alerts().get(linked.notifying.alert.id)).unwrap();
        let hour = linked.notifying.scene.clock.now() + TimeDelta::hours(1);
        assert!(alert.snoozed_until.is_none_or(|until| until <= hour && until > hour - TimeDelta::minutes(1)));
    }
}

#[test]
fn link_used_at_once_from_many_sides_acts_once() {
    let linked = Linked::new();
    let tokens = linked.tokens();
    linked.notifying.scene.tick();
    let (authenticator, barrier) = (&linked.authenticator(), &Barrier::new(6));
    let came: Vec<Followed> = std::thread::scope(|scope| {
        let follow = |n: usize| {
            let token = secret(&tokens[n % 2]);
            scope.spawn(move || {
                barrier.wait();
                authenticator.follow_alert_link(&token, None).unwrap()
            })
        };
        let threads: Vec<_> = (0..6).map(follow).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(came.iter().filter(|came| matches!(came, Followed::Done(_))).count(), 1, "{came:?}");
    assert_eq!(came.iter().filter(|came| matches!(came, Followed::Used(Some(_)))).count(), 5, "{came:?}");
    let acted = linked.history(AlertEventType::Acknowledged).len() + linked.history(AlertEventType::Snoozed).len();
    assert_eq!(acted, 1);
}

#[test]
fn link_that_nobody_signed_or_of_elsewhere_leads_nowhere() {
    let linked = Linked::new();
    let [token, ..] = linked.tokens();
    let mut forged = token.clone().into_bytes();
    forged[20] ^= 1;
    let [of_other_keys, ..] = Linked::new().tokens();
    // Signed by the same keys, about what another database has.
    let [of_elsewhere, ..] = Linked::with(linked.keys.clone()).tokens();
    for token in [&*String::from_utf8_lossy(&forged), &of_other_keys, &of_elsewhere, "", "nmca_", "rubbish"] {
        assert_eq!((linked.look(token), linked.follow(token)), (Followed::Void, Followed::Void), "{token}");
    }
    assert_eq!(linked.status(), AlertStatus::Triggered);
    linked.notifying.scene.db.execute("DELETE FROM notifications");
    assert_eq!(linked.follow(&token), Followed::Void, "the notification is gone");
    linked.notifying.scene.db.execute("UPDATE tenants SET is_active = false, status = 'suspended'");
    assert_eq!(linked.follow(&token), Followed::Void);
}

#[test]
fn link_is_good_for_a_week() {
    let linked = Linked::new();
    let [token, ..] = linked.tokens();
    linked.notifying.scene.clock.advance(ALERT_LINK_LIFETIME - TimeDelta::seconds(2));
    assert!(matches!(linked.look(&token), Followed::Ready(_)));
    linked.notifying.scene.clock.advance(TimeDelta::seconds(2));
    assert_eq!((linked.look(&token), linked.follow(&token)), (Followed::Expired, Followed::Expired));
    assert_eq!(linked.status(), AlertStatus::Triggered);
}

#[test]
fn link_of_somebody_who_may_no_longer_is_refused() {
    type Deed = (&'static str, fn(&Linked));
    let deeds: [Deed; 4] = [
        ("deactivated", |linked| linked.change(&UserPatch { is_active: Some(false), ..UserPatch::default() })),
        ("a viewer", |linked| linked.change(&UserPatch { role: Some(UserRole::Viewer), ..UserPatch::default() })),
        ("another address", |linked| {
            linked.change(&UserPatch { email: Some("eve@example.com".parse().unwrap()), ..UserPatch::default() });
        }),
        ("not verified", |linked| linked.notifying.scene.db.execute("UPDATE users SET email_verified = false")),
    ];
    for (what, deed) in deeds {
        let linked = Linked::new();
        let [token, ..] = linked.tokens();
        deed(&linked);
        assert_eq!((linked.look(&token), linked.follow(&token)), (Followed::Refused, Followed::Refused), "{what}");
        assert_eq!(linked.status(), AlertStatus::Triggered, "{what}");
    }
}

#[test]
fn link_of_an_alert_that_has_moved_says_where_it_is() {
    let linked = Linked::new();
    let [acknowledge, snooze, resolve] = linked.tokens();
    linked.notifying.acknowledge();
    assert_eq!(linked.look(&acknowledge), Followed::Settled(AlertStatus::Acknowledged));
    assert_eq!(linked.follow(&acknowledge), Followed::Settled(AlertStatus::Acknowledged), "and is not used up");
    assert!(matches!(linked.look(&snooze), Followed::Ready(_)));
    linked.notifying.resolve();
    for token in [&acknowledge, &snooze, &resolve] {
        assert_eq!(linked.follow(token), Followed::Settled(AlertStatus::Resolved));
    }
    assert_eq!(linked.history(AlertEventType::Resolved).len(), 1);
}

#[test]
fn link_is_good_while_the_key_that_signed_it_is_kept() {
    let folder = std::env::temp_dir().join(format!("nmc-links-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("keys");
    let mut linked = Linked::with(TokenKeys::open(&file, noon()).unwrap());
    let [token, ..] = linked.tokens();
    TokenKeys::rotate(&file, noon()).unwrap();
    linked.keys = TokenKeys::open(&file, noon()).unwrap();
    assert!(matches!(linked.look(&token), Followed::Ready(_)), "the old key still checks");
    assert_ne!(linked.mailed(Escalated, "ann@example.com")[0], token, "the new one signs");
    TokenKeys::replace(&file, noon()).unwrap();
    linked.keys = TokenKeys::open(&file, noon()).unwrap();
    assert_eq!(linked.follow(&token), Followed::Void, "it is kept no more");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn only_a_user_who_may_act_gets_links_and_only_when_asked() {
    let linked = Linked::new();
    assert_eq!(linked.mailed(Triggered, "ann@example.com").len(), 3);
    assert_eq!(linked.mailed(Escalated, "ann@example.com").len(), 3);
    assert_eq!(linked.mailed(Triggered, "office@example.com").len(), 0, "an address that several may read");
    assert_eq!(linked.mailed(Test, "ann@example.com").len(), 0);
    linked.change(&UserPatch { role: Some(UserRole::Viewer), ..UserPatch::default() });
    linked.notifying.queue_to(Email, Triggered, "ann@example.com");
    assert_eq!(linked.pass().delivered, 0, "whoever may not act is not told at all");
    linked.change(&UserPatch { role: Some(UserRole::Admin), ..UserPatch::default() });
    let before = linked.notifying.smtp.taken().len();
    // Whoever was told hears that it is over.
    linked.notifying.resolve();
    assert!(linked.pass().delivered >= 2);
    let over = linked.notifying.smtp.taken().split_off(before);
    assert!(over.iter().all(|mail| mail.text.contains("This alert is over") && !mail.text.contains("alert-links")));
    // Without an address to lead to, a mail has none, and goes out all the same.
    let other = raise(&linked.notifying.scene.db.store, &linked.notifying.scene.business, "Too many again");
    let notifying = Notifying { alert: other, ..linked.notifying };
    notifying.queue_to(Email, Triggered, "ann@example.com");
    assert_eq!(notifying.pass().delivered, 1);
    assert!(!notifying.smtp.taken().pop().unwrap().text.contains("alert-links"));
}

#[test]
fn user_of_another_business_acts_on_nothing_here() {
    let linked = Linked::new();
    let rival = Business::onboard(&linked.notifying.scene.db.store, "Rival Rooter");
    let eve = rival.user(&linked.notifying.scene.db.store);
    linked.notifying.scene.db.execute(&format!(
        "UPDATE users SET email = 'eve@example.com', email_verified = true, email_verified_at = now(), role = 'owner' WHERE id = '{eve}'"
    ));
    assert_eq!(linked.mailed(Triggered, "eve@example.com").len(), 0);
    let [token, ..] = linked.tokens();
    linked.notifying.scene.db.execute("UPDATE notifications SET recipient = 'eve@example.com'");
    assert_eq!(linked.follow(&token), Followed::Refused);
}

#[test]
fn link_of_a_mail_wakes_an_alert_that_sleeps() {
    use AlertLinkAction::{Acknowledge, Resolve, Snooze, Wake};
    let linked = Linked::new();
    let [acknowledge, snooze, _] = linked.tokens();
    assert_eq!(linked.offers(&acknowledge), [Acknowledge]);
    assert_eq!(linked.press(&acknowledge, Wake), Followed::Settled(AlertStatus::Triggered), "it is awake");
    linked.snooze();
    assert_eq!((linked.offers(&acknowledge), linked.offers(&snooze)), (vec![Acknowledge, Wake], vec![Snooze, Wake]));
    assert_eq!(linked.press(&acknowledge, Resolve), Followed::Settled(AlertStatus::Snoozed), "no link is for more than it says");
    assert!(matches!(linked.press(&acknowledge, Wake), Followed::Done(_)));
    assert_eq!((linked.status(), linked.used(&snooze)), (AlertStatus::Triggered, Some((Wake, true))));
    assert_eq!(linked.history(AlertEventType::Unsnoozed)[0].user_id, Some(linked.ann));
}

#[test]
fn link_of_a_text_does_one_of_what_it_offers_once() {
    use AlertLinkAction::{Acknowledge, Resolve, Snooze, Wake};
    for (action, status, event) in [
        (Acknowledge, AlertStatus::Acknowledged, AlertEventType::Acknowledged),
        (Snooze, AlertStatus::Snoozed, AlertEventType::Snoozed),
        (Wake, AlertStatus::Triggered, AlertEventType::Unsnoozed),
        (Resolve, AlertStatus::Resolved, AlertEventType::Resolved),
    ] {
        let linked = Linked::new();
        linked.has_phone(linked.ann);
        let token = linked.texted(Triggered).unwrap();
        let kept = linked.notifying.scene.db.query::<String>("SELECT link_hash FROM notifications WHERE channel = 'sms'");
        assert!(kept.len() == 1 && kept[0].len() == 64 && !kept[0].contains(&token), "its hash is kept");
        assert_eq!(linked.offers(&token), [Acknowledge, Snooze, Resolve]);
        assert!(matches!(linked.follow(&token), Followed::Ready(_)), "nothing was chosen");
        assert_eq!(linked.press(&token, Wake), Followed::Settled(AlertStatus::Triggered));
        if action == Wake {
            linked.snooze();
            assert_eq!(linked.offers(&token), AlertLinkAction::ALL);
        }
        assert!(matches!(linked.press(&token, action), Followed::Done(about) if about.actions == [action]));
        assert_eq!(linked.status(), status);
        assert_eq!(linked.history(event)[0].user_id, Some(linked.ann));
        assert_eq!((linked.used(&token), linked.press(&token, Resolve)), (Some((action, true)), linked.look(&token)));
    }
}

#[test]
fn claim_of_a_colleague_takes_no_link_out_of_a_text() {
    use AlertLinkAction::{Acknowledge, Resolve};
    let linked = Linked::new();
    linked.has_phone(linked.ann);
    let before = linked.texted(Triggered).unwrap();
    let db = &linked.notifying.scene.db;
    let other = linked.notifying.scene.business.user(&db.store);
    linked.has_phone(other);
    let is = |role: &str| {
        let sql = "email_verified = true, email_verified_at = now(), role = ";
        db.execute(&format!("UPDATE users SET {sql}'{role}' WHERE id = '{other}'"));
    };
    for role in ["viewer", "user", "admin"] {
        is(role);
        assert_eq!(linked.offers(&before)[0], Acknowledge, "{role}");
        assert!(linked.texted(Triggered).is_some(), "{role}");
    }
    assert!(matches!(linked.press(&linked.texted(Triggered).unwrap(), Resolve), Followed::Done(_)));
    assert_eq!(linked.history(AlertEventType::Resolved)[0].user_id, Some(linked.ann), "as whom the text was for");
    // What went to one of them stays theirs, whoever comes to stand above.
    is("owner");
    assert_eq!(linked.look(&before), Followed::Settled(AlertStatus::Resolved));
}

#[test]
fn link_that_was_used_tells_users_alone_what_was_done() {
    let linked = Linked::new();
    let [acknowledge, snooze, _] = linked.tokens();
    assert!(matches!(linked.follow(&acknowledge), Followed::Done(_)));
    assert_eq!(linked.used(&snooze), Some((AlertLinkAction::Acknowledge, true)));
    let db = &linked.notifying.scene.db;
    // Somebody else has the address by now.
    db.execute(&format!("UPDATE users SET email = 'gone@example.com' WHERE id = '{}'", linked.ann));
    assert_eq!(linked.used(&snooze), None);
    let bob = linked.notifying.scene.business.user(&db.store);
    let proved = "email = 'ann@example.com', email_verified = true, email_verified_at = now()";
    db.execute(&format!("UPDATE users SET {proved} WHERE id = '{bob}'"));
    assert_eq!(linked.used(&snooze), Some((AlertLinkAction::Acknowledge, false)));
}

#[test]
fn text_holds_a_link_for_a_user_of_its_number() {
    let linked = Linked::new();
    let db = &linked.notifying.scene.db;
    assert_eq!(linked.texted(Triggered), None, "a number that is nobody's");
    linked.has_phone(linked.ann);
    assert!(linked.texted(Triggered).is_some() && linked.texted(Escalated).is_some());
    assert_eq!(linked.texted(Test), None);
    db.execute("UPDATE users SET email_verified = false");
    assert_eq!(linked.texted(Triggered), None);
    db.execute("UPDATE users SET email_verified = true, email_verified_at = now()");
    linked.notifying.resolve();
    linked.notifying.scene.clock.advance(TimeDelta::hours(1));
    linked.pass();
    let over = linked.notifying.sms.taken().pop().unwrap().text.2;
    assert!(over.contains(": Over ") && !over.contains("https"), "{over}");
    // Without an address to lead to, a text has none, and goes out all the same.
    let other = raise(&linked.notifying.scene.db.store, &linked.notifying.scene.business, "Too many again");
    let notifying = Notifying { alert: other, ..linked.notifying };
    notifying.queue(Sms, Triggered);
    assert_eq!(notifying.pass().delivered, 1);
    assert!(!notifying.sms.taken().pop().unwrap().text.2.contains("https"));
}

#[test]
fn link_of_a_text_ends_with_its_holder_and_its_key() {
    let linked = Linked::new();
    linked.has_phone(linked.ann);
    let token = linked.texted(Triggered).unwrap();
    let mut forged = token.clone();
    forged.replace_range(3..4, if &token[3..4] == "A" { "B" } else { "A" });
    for token in [forged.as_str(), &token[1..], &format!("{token}A")] {
        assert_eq!(
            (linked.look(token), linked.press(token, AlertLinkAction::Resolve)),
            (Followed::Void, Followed::Void),
            "{token}"
        );
    }
    let viewer = |role| linked.change(&UserPatch { role: Some(role), ..UserPatch::default() });
    viewer(UserRole::Viewer);
    assert_eq!((linked.look(&token), linked.press(&token, AlertLinkAction::Resolve)), (Followed::Refused, Followed::Refused));
    viewer(UserRole::Admin);
    linked.notifying.scene.db.execute("UPDATE user_profiles SET phone_number = NULL");
    assert_eq!(linked.look(&token), Followed::Refused, "the number is theirs no more");
    linked.notifying.scene.db.execute(&format!("UPDATE user_profiles SET phone_number = '{}'", linked.notifying.phone));
    assert!(matches!(linked.look(&token), Followed::Ready(_)));
    let other_keys = Linked { keys: TokenKeys::ephemeral(noon()).unwrap(), ..linked };
    assert_eq!(other_keys.look(&token), Followed::Void, "its key is kept no more");
}

/// The old copy of it, on a telephone that stayed in the office, is not the link of whoever has the number now.
#[test]
fn link_of_a_text_is_of_whom_it_went_to() {
    let linked = Linked::new();
    linked.has_phone(linked.ann);
    let token = linked.texted(Triggered).unwrap();
    let db = &linked.notifying.scene.db;
    let bob = linked.notifying.scene.business.user(&db.store);
    db.execute(&format!("UPDATE users SET email_verified = true, email_verified_at = now(), role = 'admin' WHERE id = '{bob}'"));
    db.execute("UPDATE user_profiles SET phone_number = NULL");
    linked.has_phone(bob);
    assert_eq!((linked.look(&token), linked.press(&token, AlertLinkAction::Resolve)), (Followed::Void, Followed::Void));
    // Two spellings of a number are one telephone.
    db.execute("UPDATE user_profiles SET phone_number = '+525512345678' WHERE phone_number IS NULL");
    db.execute(&format!("UPDATE user_profiles SET phone_number = '+5215512345678' WHERE user_id = '{bob}'"));
    db.execute(&format!("UPDATE users SET role = 'owner' WHERE id = '{bob}'"));
    let mexican = linked.notifying.queue_to(Sms, Triggered, "+525512345678");
    linked.notifying.scene.clock.advance(TimeDelta::minutes(3));
    assert_eq!(linked.pass().delivered, 1, "{mexican:?}");
    let body = linked.notifying.sms.taken().pop().unwrap().text.2;
    let token = body.split_once(SHORT).unwrap().1.split(' ').next().unwrap();
    assert!(matches!(linked.press(token, AlertLinkAction::Resolve), Followed::Done(_)));
    assert_eq!(linked.history(AlertEventType::Resolved)[0].user_id, Some(bob), "who stands higher");
}

#[test]
fn text_in_doubt_stays_as_it_was_when_keys_are_rotated() {
    let folder = std::env::temp_dir().join(format!("nmc-links-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("keys");
    let mut linked = Linked::with(TokenKeys::open(&file, noon()).unwrap());
    linked.has_phone(linked.ann);
    linked.notifying.sms.fail_with([Fault::LostAfter]);
    linked.notifying.queue(Sms, Triggered);
    assert_eq!(linked.pass().delivered, 0);
    TokenKeys::rotate(&file, noon()).unwrap();
    linked.keys = TokenKeys::open(&file, noon()).unwrap();
    linked.notifying.scene.clock.advance(TimeDelta::minutes(3));
    assert_eq!(linked.pass().delivered, 1);
    let [taken] = linked.notifying.sms.taken().try_into().unwrap();
    let (_, rest) = taken.text.2.split_once(SHORT).unwrap();
    assert!(matches!(linked.look(rest.split(' ').next().unwrap()), Followed::Ready(_)), "{}", taken.text.2);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn link_of_a_text_is_good_for_a_week() {
    let linked = Linked::new();
    linked.has_phone(linked.ann);
    let token = linked.texted(Triggered).unwrap();
    linked.notifying.scene.clock.advance(ALERT_LINK_LIFETIME - TimeDelta::minutes(4));
    assert!(matches!(linked.look(&token), Followed::Ready(_)));
    linked.notifying.scene.clock.advance(TimeDelta::minutes(4));
    assert_eq!((linked.look(&token), linked.press(&token, AlertLinkAction::Resolve)), (Followed::Expired, Followed::Expired));
    linked.notifying.scene.db.execute("UPDATE tenants SET is_active = false, status = 'suspended'");
    assert_eq!(linked.look(&token), Followed::Void);
}
