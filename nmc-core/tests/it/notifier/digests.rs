//! Storms of alerts: what goes to one recipient goes in one message.

use super::AlertTemplate::{Escalated, Resolved, Test, Triggered};
use super::NotificationChannel::{Email, Sms, Webhook};
use super::NotificationStatus::{Delivered, Failed};
use super::{Death, DyingMailer, Notifying, mailer, raise};
use chrono::TimeDelta;
use nmc_core::alerts::{Address, AlertTemplate, NewAlertRule, NewNotification, Notification, NotificationFilter, attempts_by};
use nmc_core::delivery::MailLinks;
use nmc_core::testing::{Fault, SmtpFault, SmtpStep, unique_phone};
use nmc_core::workflows::{NotifierPass, Senders};
use nmc_core::{AlertId, AlertOperator, AlertSeverity, Clock as _, NotificationChannel, NotificationId, PageRequest};
use proptest::prelude::*;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

const JOE: &str = "joe@example.com";

impl Notifying {
    fn queue_of(&self, alert: AlertId, channel: NotificationChannel, template: AlertTemplate, to: &str) -> Notification {
        let new = NewNotification {
            alert_id: alert,
            channel,
            recipient: Address::new(to),
            template_used: Some(template.label().to_owned()),
            message_content: None,
            max_attempts: attempts_by(channel),
        };
        self.scene.tx(|tx| tx.notifications().create(&new)).unwrap()
    }

    /// So many alerts with this name and a number, of which each of these is told.
    fn storm(&self, name: &str, many: usize, channel: NotificationChannel, to: &[&str]) -> Vec<Notification> {
        let mut rows = Vec::new();
        for number in 0..many {
            let alert = raise(&self.scene.db.store, &self.scene.business, &format!("{name} {number}"));
            for to in to {
                self.scene.clock.advance(TimeDelta::milliseconds(2));
                rows.push(self.queue_of(alert.id, channel, Triggered, to));
            }
        }
        rows
    }

    fn take(&self, alert: AlertId) {
        self.scene.tx_as(self.scene.staff, |tx| tx.alerts().acknowledge(alert, None)).unwrap();
    }

    fn subjects(&self) -> Vec<String> {
        self.smtp.taken().iter().map(|mail| mail.header("Subject").unwrap()).collect()
    }

    /// The digests that these were told in; `None` for one by itself.
    fn digests(&self, rows: &[Notification]) -> Vec<Option<NotificationId>> {
        rows.iter()
            .map(|row| self.reload(row))
            .inspect(|row| assert_eq!(row.status, Delivered))
            .map(|row| row.digest_id)
            .collect()
    }
}

#[test]
fn storm_of_fifty_alerts_is_five_mails_and_a_digest() {
    let notifying = Notifying::new();
    let rows = notifying.storm("Storm", 50, Email, &[JOE]);
    assert_eq!(notifying.pass(), NotifierPass { delivered: 50, ..NotifierPass::default() });
    let digests = notifying.digests(&rows);
    assert!(digests[..5].iter().all(Option::is_none) && digests[5..].iter().all(|of| *of == Some(rows[5].id)), "{digests:?}");
    let taken = notifying.smtp.taken();
    assert_eq!(taken.len(), 6);
    let digest = &taken[5];
    assert_eq!((digest.to.as_slice(), digest.header("References")), (&[JOE.to_owned()][..], None));
    assert_eq!(digest.header("Subject").as_deref(), Some("News of 45 alerts, the worst high: Joe's Plumbing"));
    let named = digest.text.matches("- Alert (high): Storm ").count();
    assert!(named == 20 && digest.text.contains("and 25 more."), "{}", digest.text);
    // The history of each says in what it was told, and that it was.
    let told = notifying.scene.tx(|tx| tx.alert_history().list(rows[7].alert_id, &Default::default(), PageRequest::first()));
    let details = told.unwrap().items.remove(0).details.unwrap();
    assert_eq!(details["digest"], serde_json::json!(rows[5].id));
    assert!(notifying.scene.tx(|tx| tx.alerts().get(rows[49].alert_id)).unwrap().notification_sent);
    // Ten minutes later the storm is over.
    notifying.scene.clock.advance(TimeDelta::minutes(10));
    let late = notifying.storm("Later", 2, Email, &[JOE]);
    assert_eq!((notifying.pass().delivered, notifying.smtp.taken().len()), (2, 8));
    assert_eq!(notifying.digests(&late), [None, None]);
}

#[test]
fn storm_reaches_a_phone_in_five_texts_and_one_segment() {
    let notifying = Notifying::new();
    let phone = notifying.phone.to_string();
    let rows = notifying.storm("Storm", 30, Sms, &[&phone]);
    for _ in 0..6 {
        notifying.pass();
        notifying.scene.clock.advance(TimeDelta::seconds(2));
    }
    let told = notifying.digests(&rows).into_iter().flatten().count();
    let taken = notifying.sms.taken();
    assert_eq!((taken.len(), told), (6, 25));
    let body = &taken[5].text.2;
    assert!(body.starts_with("Joe's Plumbing: news of 25 alerts: Storm ") && body.len() <= 160, "{body}");
    assert!(body.contains(" more. STOP ends these texts."), "{body}");
}

#[test]
fn recipients_channels_and_tests_are_gathered_apart() {
    let notifying = Notifying::new();
    let both = notifying.storm("Storm", 7, Email, &[JOE, "ann@example.com"]);
    let few = notifying.storm("Later", 3, Email, &["few@example.com"]);
    let hooks = notifying.storm("Last", 8, Webhook, &[super::HOOK]);
    let test = notifying.queue_to(Email, Test, JOE);
    assert_eq!(notifying.pass().delivered, 14 + 3 + 8 + 1);
    let digests = notifying.digests(&both);
    let of = |who: usize| digests.iter().skip(who).step_by(2).copied().collect::<Vec<_>>();
    assert_eq!(of(0), [None, None, None, None, None, Some(both[10].id), Some(both[10].id)]);
    assert_eq!(of(1), [None, None, None, None, None, Some(both[11].id), Some(both[11].id)]);
    assert_eq!((notifying.digests(&few), notifying.digests(&hooks)), (vec![None; 3], vec![None; 8]));
    assert_eq!(notifying.digests(&[test]), [None]);
    assert_eq!(notifying.smtp.taken().len(), 6 + 6 + 3 + 1);
    assert_eq!(notifying.webhooks.taken.lock().unwrap().len(), 8, "each event by itself");
    // Nor does a test whose turn comes first take others along.
    let test = notifying.queue_to(Email, Test, JOE);
    let more = notifying.storm("More", 2, Email, &[JOE]);
    assert_eq!(notifying.pass(), NotifierPass { delivered: 1, put_back: 2, failed: 0 });
    notifying.scene.clock.advance(TimeDelta::minutes(3));
    assert_eq!(notifying.pass().delivered, 2);
    assert_eq!((notifying.digests(&[test]), notifying.digests(&more)), (vec![None], vec![Some(more[0].id); 2]));
}

#[test]
fn digest_leaves_out_what_somebody_has_taken() {
    let notifying = Notifying::new();
    let rows = notifying.storm("Storm", 10, Email, &[JOE]);
    notifying.scene.tick();
    notifying.take(rows[7].alert_id);
    // Somebody queues it nevertheless.
    let again = notifying.queue_of(rows[7].alert_id, Email, Escalated, JOE);
    notifying.pass();
    assert_eq!(notifying.fate(&rows[7]), (Failed, "acknowledged before it was sent".to_owned()));
    assert_eq!(notifying.fate(&again), (Failed, "the alert was acknowledged before it was sent".to_owned()));
    let text = notifying.smtp.taken()[5].text.clone();
    assert!(text.contains("Storm 6") && !text.contains("Storm 7") && text.contains("Storm 8"), "{text}");
}

#[test]
fn resolution_goes_to_whom_a_digest_told() {
    let notifying = Notifying::new();
    let rows = notifying.storm("Storm", 8, Email, &[JOE]);
    notifying.pass();
    notifying.scene.clock.advance(TimeDelta::minutes(11));
    notifying.scene.tx(|tx| tx.alerts().auto_resolve(rows[7].alert_id)).unwrap();
    notifying.queue_of(rows[7].alert_id, Email, Resolved, "ann@example.com");
    assert_eq!(notifying.pass(), NotifierPass { delivered: 1, failed: 1, put_back: 0 });
    assert_eq!(notifying.subjects().last().map(String::as_str), Some("Resolved: Storm 7"));
}

/// Whoever dies with a digest leaves it as it was: the same mail again, recorded once, and what came since in another.
#[test]
fn crash_with_a_digest_sends_the_same_one_again() {
    for death in [Death::Before, Death::After] {
        let notifying = Notifying::new();
        notifying.storm("Storm", 5, Email, &[JOE]);
        notifying.pass();
        let rows = notifying.storm("Later", 4, Email, &[JOE]);
        let dying = Arc::new(DyingMailer { inner: mailer(&notifying.smtp), dies: Mutex::default() });
        dying.dies.lock().unwrap().push_back(death);
        let notifier = notifying.over(Senders { mail: Some(dying), ..notifying.senders() });
        notifying.scene.tick();
        assert!(catch_unwind(AssertUnwindSafe(|| notifier.pass())).is_err(), "it died");
        assert_eq!(notifier.pass().unwrap(), NotifierPass::default(), "the lease holds");
        let since = notifying.storm("Last", 1, Email, &[JOE]);
        notifying.scene.clock.advance(TimeDelta::minutes(3));
        assert_eq!(notifier.pass().unwrap().delivered, 5);
        assert_eq!((notifying.digests(&rows), notifying.digests(&since)), (vec![Some(rows[0].id); 4], vec![None]));
        let digests: Vec<_> = notifying.smtp.taken().into_iter().filter(|mail| mail.text.contains("Much has happened")).collect();
        assert_eq!(digests.len(), if death == Death::After { 2 } else { 1 });
        assert!(digests.iter().all(|mail| mail.header("Message-ID") == digests[0].header("Message-ID")));
        let told = |row: &Notification| {
            let history =
                notifying.scene.tx(|tx| tx.alert_history().list(row.alert_id, &Default::default(), PageRequest::first()));
            history.unwrap().items.iter().filter(|event| event.event_type == nmc_core::AlertEventType::NotificationSent).count()
        };
        assert!(rows.iter().all(|row| told(row) == 1), "recorded once");
    }
}

#[test]
fn digest_of_texts_that_is_in_doubt_is_looked_up_first() {
    let notifying = Notifying::new();
    let phone = notifying.phone.to_string();
    notifying.storm("Storm", 5, Sms, &[&phone]);
    for _ in 0..5 {
        notifying.pass();
        notifying.scene.clock.advance(TimeDelta::seconds(2));
    }
    assert_eq!(notifying.sms.taken().len(), 5);
    let rows = notifying.storm("Later", 3, Sms, &[&phone]);
    notifying.sms.fail_with([Fault::DieAfter]);
    let notifier = notifying.notifier();
    notifying.scene.tick();
    assert!(catch_unwind(AssertUnwindSafe(|| notifier.pass())).is_err(), "it died");
    notifying.scene.clock.advance(TimeDelta::minutes(3));
    assert_eq!(notifier.pass().unwrap().delivered, 3);
    assert_eq!((notifying.sms.taken().len(), notifying.digests(&rows)), (6, vec![Some(rows[0].id); 3]));
}

/// One that is acknowledged after a crash makes another mail of it: with the same id its reader would never see which is left out.
#[test]
fn digest_that_has_changed_is_another_mail() {
    for taken in [0, 2] {
        let notifying = Notifying::new();
        notifying.storm("Storm", 5, Email, &[JOE]);
        notifying.pass();
        let rows = notifying.storm("Later", 4, Email, &[JOE]);
        let dying = Arc::new(DyingMailer { inner: mailer(&notifying.smtp), dies: Mutex::new([Death::After].into()) });
        let notifier = notifying.over(Senders { mail: Some(dying), ..notifying.senders() });
        notifying.scene.tick();
        assert!(catch_unwind(AssertUnwindSafe(|| notifier.pass())).is_err(), "it died");
        notifying.scene.clock.advance(TimeDelta::minutes(3));
        notifying.take(rows[taken].alert_id);
        assert_eq!(notifier.pass().unwrap().delivered, 3);
        let mails = notifying.smtp.taken();
        assert_ne!(mails[5].header("Message-ID"), mails[6].header("Message-ID"));
        let name = format!("Later {taken}");
        assert!(mails[5].text.contains(&name) && !mails[6].text.contains(&name), "{}", mails[6].text);
        let others: Vec<_> = rows.iter().filter(|row| row.id != rows[taken].id).cloned().collect();
        assert_eq!(notifying.digests(&others), [Some(rows[0].id); 3]);
    }
}

#[test]
fn storm_during_which_the_mail_server_is_away_is_not_lost() {
    let notifying = Notifying::new();
    let later = SmtpFault::Answer(SmtpStep::Data, "451 later".to_owned());
    notifying.smtp.fail_with(std::iter::repeat_n(later.clone(), 20));
    let rows = notifying.storm("Storm", 20, Email, &[JOE]);
    assert_eq!((notifying.pass().put_back, notifying.sent()), (20, 0));
    // It is back for five mails, away for the digest, and back.
    notifying.scene.clock.advance(TimeDelta::minutes(2));
    let first = notifying.pass();
    assert_eq!((first.delivered, notifying.smtp.taken().len()), (20, 6));
    let more = notifying.storm("Later", 3, Email, &[JOE]);
    notifying.scene.clock.advance(TimeDelta::minutes(3));
    notifying.smtp.fail_with([later]);
    assert_eq!(notifying.pass(), NotifierPass { put_back: 3, ..NotifierPass::default() });
    let due: HashSet<_> = more.iter().map(|row| notifying.reload(row).next_attempt_at).collect();
    assert_eq!(due.len(), 1, "they are tried again together");
    assert!(more.iter().all(|row| notifying.reload(row).attempts == 1), "an attempt at each");
    notifying.scene.clock.advance(TimeDelta::minutes(2));
    assert_eq!((notifying.pass().delivered, notifying.smtp.taken().len()), (3, 7));
    assert_eq!(notifying.digests(&more), [Some(more[0].id); 3]);
    assert!(rows.iter().all(|row| notifying.reload(row).status == Delivered));
    let open = NotificationFilter { open: Some(true), ..NotificationFilter::default() };
    assert_eq!(notifying.scene.tx(|tx| tx.notifications().count(&open)).unwrap(), 0);
}

#[test]
fn digest_counts_once_toward_the_texts_of_a_day() {
    let notifying = Notifying::new();
    let (phone, other) = (notifying.phone.to_string(), unique_phone());
    notifying.storm("Storm", 40, Sms, &[&phone]);
    for _ in 0..6 {
        notifying.pass();
        notifying.scene.clock.advance(TimeDelta::seconds(2));
    }
    assert_eq!(notifying.sms.taken().len(), 6);
    let more = notifying.storm("Later", 2, Sms, &[&phone, other.as_str()]);
    for _ in 0..4 {
        notifying.pass();
        notifying.scene.clock.advance(TimeDelta::minutes(1));
    }
    assert!(more.iter().all(|row| notifying.reload(row).status == Delivered), "40 texts would be too many, 6 are not");
}

/// Alerts that trickle in, one a minute: after the fifth they are told every three minutes, those of three minutes at once.
#[test]
fn alerts_that_trickle_in_are_told_every_few_minutes() {
    let notifying = Notifying::new();
    let mut rows = Vec::new();
    for number in 0..19 {
        rows.extend(notifying.storm(&format!("Minute {number}"), 1, Email, &[JOE]));
        notifying.pass();
        notifying.scene.clock.advance(TimeDelta::seconds(59));
    }
    notifying.scene.clock.advance(TimeDelta::minutes(3));
    notifying.pass();
    let digests = notifying.digests(&rows);
    assert!(digests[..5].iter().all(Option::is_none) && digests[5..].iter().all(Option::is_some), "{digests:?}");
    assert_eq!(notifying.smtp.taken().len(), 5 + 5, "{:?}", notifying.subjects());
    assert!(rows.iter().all(|row| notifying.reload(row).attempts == 1), "waiting is no attempt");
    // Until it has been quiet for ten minutes.
    notifying.scene.clock.advance(TimeDelta::minutes(10));
    let late = notifying.storm("Later", 1, Email, &[JOE]);
    assert_eq!((notifying.pass().delivered, notifying.digests(&late)), (1, vec![None]));
}

#[test]
fn one_that_stays_alone_in_a_storm_is_told_by_itself() {
    let notifying = Notifying::new();
    notifying.storm("Storm", 5, Email, &[JOE]);
    assert_eq!(notifying.pass().delivered, 5);
    let row = notifying.storm("Later", 1, Email, &[JOE]);
    assert_eq!(notifying.pass().put_back, 1);
    let why = "the recipient has had many messages, and gets this in the next one";
    assert_eq!(notifying.fate(&row[0]), (super::Retrying, why.to_owned()));
    notifying.scene.clock.advance(TimeDelta::minutes(3));
    assert_eq!((notifying.pass().delivered, notifying.digests(&row)), (1, vec![None]));
    assert_eq!(notifying.subjects().last().map(String::as_str), Some("Alert (high): Later 0"));
}

/// Whenever the storm is over for a moment, another alert goes first, by itself, and with it the storm begins again.
#[test]
fn one_that_waits_for_others_is_not_passed_by_for_ever() {
    let notifying = Notifying::new();
    let later = |seconds| notifying.scene.clock.advance(TimeDelta::seconds(seconds));
    for number in 0..5 {
        notifying.storm(&format!("Storm {number}"), 1, Email, &[JOE]);
        assert_eq!(notifying.pass().delivered, 1);
        later(118);
    }
    let row = notifying.storm("Waiting", 1, Email, &[JOE]);
    assert_eq!(notifying.pass().put_back, 1);
    later(10);
    notifying.storm("First", 1, Email, &[JOE]);
    assert_eq!(notifying.pass(), NotifierPass { delivered: 1, ..NotifierPass::default() });
    later(60);
    assert_eq!(notifying.pass().put_back, 1);
    later(54);
    notifying.storm("Second", 1, Email, &[JOE]);
    assert_eq!(notifying.pass(), NotifierPass { delivered: 1, ..NotifierPass::default() });
    later(66);
    assert_eq!((notifying.pass().delivered, notifying.digests(&row)), (1, vec![None]));
}

#[test]
fn acknowledged_alert_drops_out_of_a_digest_that_waits() {
    let notifying = Notifying::new();
    notifying.storm("Storm", 7, Email, &[JOE]);
    notifying.pass();
    let rows = notifying.storm("Later", 3, Email, &[JOE]);
    assert_eq!(notifying.pass().put_back, 3);
    notifying.take(rows[1].alert_id);
    assert_eq!(notifying.fate(&rows[1]), (Failed, "acknowledged before it was sent".to_owned()));
    notifying.scene.clock.advance(TimeDelta::minutes(3));
    assert_eq!(notifying.pass().delivered, 2);
    let text = notifying.smtp.taken().pop().unwrap().text;
    assert!(text.contains("Later 0") && !text.contains("Later 1") && text.contains("Later 2"), "{text}");
}

impl Notifying {
    fn raise_as(&self, name: &str, severity: AlertSeverity) -> AlertId {
        let rule = NewAlertRule::new(name, "missed_calls", AlertOperator::GreaterThan, super::dec!(10), severity);
        self.scene.clock.advance(TimeDelta::milliseconds(2));
        let raise = |tx: &mut nmc_core::TenantTx<'_>| {
            let rule = tx.alert_rules().create(&rule)?;
            tx.alerts().raise(rule.id, super::dec!(12), None)
        };
        self.scene.tx(raise).unwrap().alert.id
    }
}

#[test]
fn worst_of_what_is_due_at_once_is_told_first() {
    let notifying = Notifying::new();
    let severities = [AlertSeverity::Low, AlertSeverity::Critical, AlertSeverity::Medium, AlertSeverity::High];
    for severity in severities {
        let alert = notifying.raise_as(&severity.to_string(), severity);
        notifying.queue_of(alert, Email, Triggered, JOE);
    }
    assert_eq!(notifying.pass().delivered, 4);
    let expected = ["critical", "high", "medium", "low"].map(|severity| format!("Alert ({severity}): {severity}"));
    assert_eq!(notifying.subjects(), expected);
}

#[test]
fn mail_of_a_digest_leads_to_the_page_of_alerts() {
    let notifying = Notifying::new();
    notifying.storm("Storm", 7, Email, &[JOE]);
    notifying.scene.tick();
    let to = |page: &str| format!("https://nmc.example.com/app#/{page}");
    let links = MailLinks {
        invitation: to("invite"),
        password_reset: to("reset"),
        verification: to("verify"),
        alert: to("alert"),
        alert_in_text: to("a"),
        alerts: to("alerts"),
    };
    let senders = Senders { links: Some((links, notifying.keys.clone())), ..notifying.senders() };
    assert_eq!(notifying.over(senders).pass().unwrap().delivered, 7);
    let text = notifying.smtp.taken().pop().unwrap().text;
    assert!(text.contains("See to them: https://nmc.example.com/app#/alerts"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes when, and is acknowledged before its turn or not: who was to be told is, soon, once, and in few mails.
    #[test]
    fn alerts_at_any_times_are_each_told_soon_or_called_off(
        steps in prop::collection::vec((0_i64..400, 1_usize..3, any::<bool>()), 10..30),
    ) {
        let notifying = Notifying::new();
        let (mut rows, mut sent) = (Vec::new(), Vec::new());
        let pass = |sent: &mut Vec<chrono::DateTime<chrono::Utc>>| {
            let before = notifying.smtp.taken().len();
            notifying.pass();
            let new = notifying.smtp.taken().len() - before;
            sent.extend(std::iter::repeat_n(notifying.scene.clock.now(), new));
        };
        for (number, (wait, many, is_taken)) in steps.into_iter().enumerate() {
            let new = notifying.storm(&format!("Step {number}"), many, Email, &[JOE]);
            if is_taken && number % 2 == 0 {
                notifying.scene.tick();
                notifying.take(new[0].alert_id);
            }
            rows.extend(new);
            for _ in 0..=wait / 30 {
                pass(&mut sent);
                notifying.scene.clock.advance(TimeDelta::seconds(29));
            }
        }
        for _ in 0..8 {
            pass(&mut sent);
            notifying.scene.clock.advance(TimeDelta::seconds(29));
        }
        let mails: String = notifying.smtp.taken().into_iter().map(|mail| mail.text).collect();
        for row in rows.iter().map(|row| notifying.reload(row)) {
            let rule = notifying.scene.tx(|tx| tx.alerts().get(row.alert_id)).unwrap().rule_name;
            let told = mails.matches(&format!("Alert (high): {rule}\n")).count();
            match row.status {
                Delivered => {
                    let took = row.delivered_at.unwrap() - row.created_at;
                    prop_assert!(told == 1 && took <= TimeDelta::seconds(240), "{rule}: told {told} times, after {took}");
                }
                Failed => prop_assert_eq!((told, row.error_message.as_deref()), (0, Some("acknowledged before it was sent"))),
                other => prop_assert!(false, "{} is still {}", rule, other),
            }
        }
        // Five, the digest with which a storm begins, and three more.
        for (place, at) in sent.iter().enumerate() {
            let within = sent[place..].iter().filter(|other| **other < *at + TimeDelta::minutes(10)).count();
            prop_assert!(within <= 9, "{within} in ten minutes");
        }
    }
}

#[test]
fn what_is_over_is_told_last_however_bad_it_was() {
    let notifying = Notifying::new();
    let [over, low] =
        [AlertSeverity::Critical, AlertSeverity::Low].map(|severity| notifying.raise_as(&severity.to_string(), severity));
    notifying.queue_of(over, Email, Resolved, JOE);
    notifying.queue_of(low, Email, Triggered, JOE);
    let claimed = notifying.scene.tx(|tx| tx.notifications().claim(2, TimeDelta::minutes(1))).unwrap();
    assert_eq!(claimed.iter().map(|claim| claim.notification.alert_id).collect::<Vec<_>>(), [low, over]);
}

#[test]
fn tests_and_news_of_webhooks_make_no_storm() {
    let notifying = Notifying::new();
    notifying.scene.db.execute(&format!("UPDATE users SET role = 'owner', password_hash = '$2b$', email = '{JOE}'"));
    for template in [Test, AlertTemplate::WebhookRetired] {
        (0..4).for_each(|_| drop(notifying.queue_of(notifying.alert.id, Email, template, JOE)));
    }
    assert_eq!(notifying.pass().delivered, 8);
    let alerts = notifying.storm("Alarm", 2, Email, &[JOE]);
    assert_eq!(notifying.pass().delivered, 2, "at once");
    assert_eq!(notifying.digests(&alerts), [None, None]);
}
