//! Who is told of an alert when it is raised, and once it is over.

use super::contacts::email_for;
use super::{Scene, rule};
use chrono::TimeDelta;
use nmc_core::alerts::{Address, Alert, AlertFilter, NewAlertRule, NewEscalationContact, NotificationFilter};
use nmc_core::people::{NewProfile, NewUser, PreferencesPatch};
use nmc_core::testing::wait_until;
use nmc_core::{
    AlertEventType, AlertStatus, ContactType, NotificationChannel as Channel, NotificationStatus as Status, PageRequest, UserId,
    UserRole,
};

impl Scene {
    fn member(&self, email: &str, role: UserRole, accepted: bool) -> UserId {
        let new = NewUser {
            email: email.parse().unwrap(),
            password_hash: if accepted { "$2b$" } else { "!" }.to_owned(),
            first_name: None,
            last_name: None,
            role,
            email_verified: false,
        };
        self.run(|tx| tx.users().create(&new)).unwrap().id
    }

    /// Who is told of an alert by what, and where that stands.
    fn notices(&self, alert: &Alert) -> Vec<(String, Channel, String, Status)> {
        let filter = NotificationFilter { alert: Some(alert.id), ..NotificationFilter::default() };
        let rows = self.run(|tx| tx.notifications().list(&filter, PageRequest::first())).unwrap().items;
        let row = |row: &nmc_core::alerts::Notification| {
            (row.template_used.clone().unwrap(), row.channel, row.recipient.as_str().to_owned(), row.status)
        };
        let mut notices: Vec<_> = rows.iter().map(row).collect();
        notices.sort_by_key(|(template, channel, to, _)| (template.clone(), channel.label(), to.clone()));
        notices
    }

    fn loud(&self, channels: &[Channel]) -> Alert {
        self.raise(self.rule(&NewAlertRule { notification_channels: channels.to_vec(), ..rule("loud") }).id)
    }
}

#[test]
fn owners_and_administrators_are_told_as_they_want() {
    let scene = Scene::new();
    let admin = scene.member("admin@example.com", UserRole::Admin, true);
    let quiet = scene.member("quiet@example.com", UserRole::Admin, true);
    let invited = scene.member("new@example.com", UserRole::Admin, false);
    let profile = |user_id, phone: Option<&str>| NewProfile {
        user_id,
        first_name: "Ann".to_owned(),
        last_name: "Lee".to_owned(),
        display_name: None,
        phone_number: phone.map(|phone| phone.parse().unwrap()),
        timezone: None,
    };
    let no_mail = PreferencesPatch { email_notifications_enabled: Some(false), ..PreferencesPatch::default() };
    scene.run(|tx| tx.profiles().create(&profile(admin, Some("+14155550123")))).unwrap();
    scene.run(|tx| tx.profiles().create(&profile(quiet, None))).unwrap();
    scene.run(|tx| tx.preferences().create(quiet)).unwrap();
    scene.run(|tx| tx.preferences().update(quiet, &no_mail)).unwrap();
    let alert = scene.loud(&[Channel::Email, Channel::Sms, Channel::Dashboard]);
    let expected = |channel, to: &str| ("triggered".to_owned(), channel, to.to_owned(), Status::Pending);
    let mut people = [admin.to_string(), quiet.to_string()];
    people.sort();
    assert_eq!(
        scene.notices(&alert),
        [
            expected(Channel::Dashboard, &people[0]),
            expected(Channel::Dashboard, &people[1]),
            expected(Channel::Email, "admin@example.com"),
            expected(Channel::Sms, "+14155550123"),
        ]
    );
    assert!(!people.contains(&invited.to_string()), "whoever has not accepted the invitation hears of nothing");
}

#[test]
fn webhooks_of_the_rule_and_of_all_rules_are_told() {
    let scene = Scene::new();
    let to = |rule_id, url: &str| {
        scene.contact(&NewEscalationContact {
            contact_type: ContactType::Webhook,
            contact_value: Address::new(url),
            ..email_for(rule_id)
        })
    };
    let other = scene.rule(&rule("other")).id;
    to(None, "https://all.example.com/");
    to(Some(other), "https://other.example.com/");
    let alert = scene.loud(&[Channel::Webhook]);
    let [(_, channel, url, _)] = scene.notices(&alert).try_into().unwrap();
    assert_eq!((channel, url.as_str()), (Channel::Webhook, "https://all.example.com/"));
}

#[test]
fn what_was_not_sent_is_called_off_once_somebody_has_seen_to_it() {
    let scene = Scene::new();
    scene.member("admin@example.com", UserRole::Admin, true);
    let ada = scene.ada;
    let seen = scene.loud(&[Channel::Email]);
    scene.run_as(ada, |tx| tx.alerts().acknowledge(seen.id, None)).unwrap();
    let notices = scene.notices(&seen);
    assert_eq!(notices.iter().map(|(.., status)| *status).collect::<Vec<_>>(), [Status::Failed]);
    // Nobody was told of it, so nobody is told that it is over.
    scene.run_as(ada, |tx| tx.alerts().resolve(seen.id, None)).unwrap();
    assert_eq!(scene.notices(&seen), notices);
}

#[test]
fn whoever_was_told_is_told_that_it_is_over() {
    let scene = Scene::new();
    scene.member("admin@example.com", UserRole::Admin, true);
    scene.member("other@example.com", UserRole::Admin, true);
    let alert = scene.loud(&[Channel::Email]);
    // One has it, the other one's is still waiting.
    let [claim] = scene.run(|tx| tx.notifications().claim(1, TimeDelta::minutes(1))).unwrap().try_into().unwrap();
    let to = claim.notification.recipient.as_str().to_owned();
    scene.run(|tx| tx.notifications().deliver(&claim, None)).unwrap();
    scene.run(|tx| tx.alerts().auto_resolve(alert.id)).unwrap();
    let over: Vec<_> = scene.notices(&alert).into_iter().filter(|(template, ..)| template == "resolved").collect();
    assert_eq!(over, [("resolved".to_owned(), Channel::Email, to, Status::Pending)]);
}

#[test]
fn a_test_reaches_whoever_hears_of_a_rule_and_is_no_open_alert() {
    let scene = Scene::new();
    scene.member("admin@example.com", UserRole::Admin, true);
    scene.contact(&NewEscalationContact { escalation_level: 3, ..email_for(None) });
    let rule = scene.rule(&NewAlertRule { notification_channels: vec![Channel::Email], ..rule("tried out") });
    let (alert, queued) = scene.run(|tx| tx.alerts().test(rule.id)).unwrap();
    let notice = |to: &str| ("test".to_owned(), Channel::Email, to.to_owned(), Status::Pending);
    assert_eq!(scene.notices(&alert), [notice("admin@example.com"), notice("joe@example.com")]);
    assert_eq!((queued.len(), alert.status, alert.auto_resolved), (2, AlertStatus::Resolved, true));
    assert_eq!((alert.is_test, alert.message.as_str()), (true, "tried out: this is a test"));
    let filter = |is_test| AlertFilter { is_test: Some(is_test), ..AlertFilter::default() };
    let counted = [true, false].map(|is_test| scene.run(|tx| tx.alerts().count(&filter(is_test))).unwrap());
    assert_eq!(counted, [1, 0]);
    assert_eq!(scene.event_types(alert.id), [AlertEventType::Resolved]);
    // A real one is raised beside it, and seeing to that one does not call the test off.
    let real = scene.raise(rule.id);
    scene.run_as(scene.ada, |tx| tx.alerts().resolve(real.id, None)).unwrap();
    assert!(scene.notices(&alert).iter().all(|(.., status)| *status == Status::Pending));
    let lonely = scene.rule(&NewAlertRule { notification_channels: Vec::new(), ..super::rule("lonely") }).id;
    scene.db.execute("UPDATE escalation_contacts SET is_active = false");
    scene.refuses("notification_channels reach nobody, and there are no contacts", |tx| tx.alerts().test(lonely));
}

#[test]
fn sixth_test_of_a_business_within_a_minute_is_refused() {
    let scene = Scene::new();
    scene.contact(&email_for(None));
    let rules = ["one", "two"].map(|name| scene.rule(&rule(name)).id);
    for number in 0..5 {
        scene.run(|tx| tx.alerts().test(rules[number % 2])).unwrap();
    }
    let why = "tests were five within a minute, the most that a business has: try again in a minute";
    scene.refuses(why, |tx| tx.alerts().test(rules[0]));
    scene.clock.advance(TimeDelta::seconds(61));
    scene.run(|tx| tx.alerts().test(rules[0])).unwrap();
}

#[test]
fn of_tests_at_once_the_fifth_is_the_last() {
    let scene = Scene::new();
    scene.contact(&email_for(None));
    let rule = scene.rule(&rule("one")).id;
    for _ in 0..4 {
        scene.run(|tx| tx.alerts().test(rule)).unwrap();
    }
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    std::thread::scope(|threads| {
        let late = scene.run(|tx| {
            tx.alerts().test(rule)?;
            let late = threads.spawn(|| scene.run(|tx| tx.alerts().test(rule)).map(drop));
            wait_until("the other one waits", || late.is_finished() || scene.db.query::<i64>(waits) == [1]);
            Ok(late)
        });
        late.unwrap().join().unwrap().unwrap_err();
    });
}
