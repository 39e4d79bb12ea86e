//! What is left by a worker that dies between the claim and the note, and what the next one makes of it.

use super::AlertTemplate::{Escalated, Triggered};
use super::NotificationChannel::{Dashboard, Email, Sms, Webhook};
use super::NotificationStatus::{Delivered, Failed};
use super::{Death, DyingMailer, Notifying, mailer};
use chrono::TimeDelta;
use nmc_core::AlertEventType;
use nmc_core::alerts::attempts_by;
use nmc_core::testing::Fault;
use nmc_core::workflows::{NotifierPass, Senders};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

/// Whoever dies between sending and noting leaves a lease; the next one sends the same thing again, and it is recorded once.
#[test]
fn crash_at_any_point_delivers_at_least_once_and_records_once() {
    for channel in [Email, Sms, Webhook] {
        for death in [Death::Before, Death::After] {
            let notifying = Notifying::new();
            let row = notifying.queue(channel, Triggered);
            let dying = Arc::new(DyingMailer { inner: mailer(&notifying.smtp), dies: Mutex::default() });
            match channel {
                Email => dying.dies.lock().unwrap().push_back(death),
                Webhook => notifying.webhooks.dies.lock().unwrap().push_back(death),
                _ => notifying.sms.fail_with([if death == Death::Before { Fault::DieBefore } else { Fault::DieAfter }]),
            }
            let notifier = notifying.over(Senders { mail: Some(dying), ..notifying.senders() });
            notifying.scene.tick();
            assert!(catch_unwind(AssertUnwindSafe(|| notifier.pass())).is_err(), "it died");
            assert_eq!(notifier.pass().unwrap(), NotifierPass::default(), "the lease holds");
            notifying.scene.clock.advance(TimeDelta::minutes(3));
            assert_eq!(notifier.pass().unwrap().delivered, 1);
            let after = notifying.reload(&row);
            assert_eq!((after.status, after.attempts, after.error_message), (Delivered, 2, None));
            assert_eq!(notifying.said(AlertEventType::NotificationSent), 1, "recorded once");
            let ids: Vec<String> = match channel {
                Email => notifying.smtp.taken().iter().filter_map(|mail| mail.header("Message-ID")).collect(),
                Webhook => notifying.webhooks.taken.lock().unwrap().iter().map(|(id, ..)| id.clone()).collect(),
                _ => notifying.sms.taken().iter().map(|text| text.id.to_string()).collect(),
            };
            // A text is looked up first: it does not go out twice.
            let times = if death == Death::After && channel != Sms { 2 } else { 1 };
            assert!(ids.len() == times && ids.iter().all(|id| *id == ids[0]), "{channel:?}: {ids:?}");
        }
    }
}

/// The dashboard's is delivered with its claim: there is nothing in between that could be lost, or come twice.
#[test]
fn crash_at_the_first_level_leaves_each_channel_told_once() {
    for death in [Death::Before, Death::After] {
        let notifying = Notifying::new();
        let rows = [Email, Dashboard, Webhook].map(|channel| notifying.queue(channel, Escalated));
        let dying = Arc::new(DyingMailer { inner: mailer(&notifying.smtp), dies: Mutex::new([death].into()) });
        let notifier = notifying.over(Senders { mail: Some(dying), ..notifying.senders() });
        notifying.scene.tick();
        assert!(catch_unwind(AssertUnwindSafe(|| notifier.pass())).is_err(), "it died");
        for _ in 0..2 {
            notifying.scene.clock.advance(TimeDelta::minutes(3));
            notifier.pass().unwrap();
        }
        for row in &rows {
            assert_eq!(notifying.reload(row).status, Delivered, "{:?}", row.channel);
        }
        assert_eq!(notifying.said(AlertEventType::NotificationSent), 3, "each is recorded once");
    }
}

#[test]
fn crash_of_the_last_attempt_ends_the_notification_visibly() {
    let notifying = Notifying::new();
    let row = notifying.queue(Webhook, Triggered);
    notifying.scene.tick();
    for _ in 0..attempts_by(Webhook) {
        notifying.webhooks.dies.lock().unwrap().push_back(Death::Before);
        let notifier = notifying.notifier();
        assert!(catch_unwind(AssertUnwindSafe(|| notifier.pass())).is_err());
        notifying.scene.clock.advance(TimeDelta::minutes(3));
    }
    assert_eq!(notifying.notifier().pass().unwrap(), NotifierPass::default());
    assert_eq!(notifying.fate(&row), (Failed, "the last attempt ended without a word".to_owned()));
}
