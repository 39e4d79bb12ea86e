//! Storms of alerts: what goes to one recipient goes in one message.

use super::AlertTemplate::{Escalated, Resolved, Test, Triggered};
use super::NotificationChannel::{Email, Sms, Webhook};
use super::NotificationStatus::{Delivered, Failed};
use super::{Death, DyingMailer, Notifying, mailer, raise};
use chrono::TimeDelta;
use nmc_core::alerts::{Address, AlertTemplate, NewNotification, Notification, NotificationFilter, attempts_by};
use nmc_core::testing::{Fault, SmtpFault, SmtpStep, unique_phone};
use nmc_core::workflows::{NotifierPass, Senders};
use nmc_core::{AlertId, NotificationChannel, NotificationId, PageRequest};
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
    assert_eq!(digest.header("Subject").as_deref(), Some("45 messages about alerts, the worst high: Joe's Plumbing"));
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
    assert!(body.starts_with("Joe's Plumbing: 25 messages of alerts: Storm ") && body.len() <= 160, "{body}");
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
    assert_eq!(notifying.pass().delivered, 3);
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
    for _ in 0..3 {
        notifying.pass();
        notifying.scene.clock.advance(TimeDelta::seconds(2));
    }
    assert!(more.iter().all(|row| notifying.reload(row).status == Delivered), "40 texts would be too many, 6 are not");
}
