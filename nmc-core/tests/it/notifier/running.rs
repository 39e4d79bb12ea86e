//! The worker as it runs, with all its threads.

use super::AlertTemplate::Triggered;
use super::NotificationChannel::{Email, Sms, Webhook};
use super::NotificationStatus::{Delivered, Pending, Retrying};
use super::{Death, Notifying, raise};
use crate::plans::explained_as_tenant;
use chrono::TimeDelta;
use nmc_core::alerts::{Address, Alert, NewNotification};
use nmc_core::delivery::{Mail, MailError, MailReceipt, MailSender, OutboundWebhook, WebhookAnswer, WebhookError, WebhookSender};
use nmc_core::testing::{Business, Gate, finally, query, wait_until};
use nmc_core::workflows::{Notifier, NotifierConfig, NotifierPass, Senders};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A receiver that takes its time for one host, until the gate opens.
struct SlowHost {
    gate: Gate,
    taken: Mutex<Vec<String>>,
    waiting: Mutex<usize>,
    /// What the hosts that take their time have in their names; "slow" if nothing else is said.
    hangs: Mutex<Option<&'static str>>,
}

impl WebhookSender for SlowHost {
    fn send(&self, webhook: &OutboundWebhook<'_>) -> Result<WebhookAnswer, WebhookError> {
        if webhook.url.contains(self.hangs.lock().unwrap().unwrap_or("slow")) {
            *self.waiting.lock().unwrap() += 1;
            self.gate.wait();
        }
        self.taken.lock().unwrap().push(webhook.url.to_owned());
        Ok(WebhookAnswer { status: 200, body: String::new() })
    }
}

#[test]
fn slow_receiver_of_one_business_does_not_hold_the_others() {
    let notifying = Notifying::new();
    let store = &notifying.scene.db.store;
    let others: Vec<(Business, Alert)> = (0..5)
        .map(|number| {
            let business = Business::onboard(store, &format!("Business {number}"));
            let alert = raise(store, &business, "Too many missed calls");
            (business, alert)
        })
        .collect();
    let known = notifying.queue_to(Webhook, Triggered, "https://slow.example.com/known");
    let hosts = Arc::new(SlowHost {
        gate: Gate::default(),
        taken: Mutex::default(),
        waiting: Mutex::default(),
        hangs: Mutex::new(Some("nothing yet")),
    });
    let webhooks: Arc<dyn WebhookSender> = hosts.clone();
    let senders = Senders { webhooks: Some((webhooks, notifying.keys.clone())), ..notifying.senders() };
    let config = NotifierConfig { webhooks: 8, per_receiver: 4, idle: Duration::from_millis(5), ..NotifierConfig::default() };
    let notifier = Notifier::new(store.clone(), senders, config);
    std::thread::scope(|threads| {
        let _stop = finally(|| {
            hosts.gate.open();
            notifier.stop();
        });
        threads.spawn(|| notifier.run());
        // It has answered quickly until now: a host of which nothing is known has one slot.
        wait_until("it is known", || notifying.reload(&known).status == Delivered);
        *hosts.hangs.lock().unwrap() = None;
        for number in 0..12 {
            notifying.queue_to(Webhook, Triggered, &format!("https://slow.example.com/{number}"));
        }
        wait_until("the slow ones have their share", || *hosts.waiting.lock().unwrap() == 4);
        for (business, alert) in &others {
            let new = NewNotification {
                alert_id: alert.id,
                channel: Webhook,
                recipient: Address::new("https://fast.example.com/x"),
                template_used: None,
                message_content: None,
                max_attempts: 3,
            };
            store.tenant(&business.tenant, |tx| tx.notifications().create(&new)).unwrap();
        }
        wait_until("the others have theirs", || hosts.taken.lock().unwrap().len() == 1 + 5);
        assert_eq!(*hosts.waiting.lock().unwrap(), 4, "no business has all the senders");
        hosts.gate.open();
        wait_until("all have theirs", || hosts.taken.lock().unwrap().len() == 1 + 17);
        let status = |status| {
            let filter = nmc_core::alerts::NotificationFilter { status: Some(status), ..Default::default() };
            notifying.scene.tx(|tx| tx.notifications().count(&filter)).unwrap()
        };
        wait_until("all are noted", || status(Delivered) == 1 + 12);
        assert_eq!(status(Pending) + status(Retrying), 0);
    });
}

/// Receivers that hang until the end, more than a business has slots for: mail, texts, its known healthy host and those of others arrive.
#[test]
fn hanging_receivers_hold_up_nothing_else() {
    let notifying = Notifying::new();
    let store = &notifying.scene.db.store;
    let known = notifying.queue_to(Webhook, Triggered, "https://healthy.example.com/x");
    let hosts =
        Arc::new(SlowHost { gate: Gate::default(), taken: Mutex::default(), waiting: Mutex::default(), hangs: Mutex::default() });
    let webhooks: Arc<dyn WebhookSender> = hosts.clone();
    let senders = Senders { webhooks: Some((webhooks, notifying.keys.clone())), ..notifying.senders() };
    let config = NotifierConfig { idle: Duration::from_millis(5), ..NotifierConfig::default() };
    let notifier = Notifier::new(store.clone(), senders, config);
    std::thread::scope(|threads| {
        let _stop = finally(|| {
            hosts.gate.open();
            notifier.stop();
        });
        threads.spawn(|| notifier.run());
        wait_until("a host of it has answered", || notifying.reload(&known).status == Delivered);
        for number in 0..30 {
            for _ in 0..3 {
                notifying.queue_to(Webhook, Triggered, &format!("https://slow{number}.example.com/x"));
            }
        }
        wait_until("a business has what it may have", || *hosts.waiting.lock().unwrap() == 16);
        let other = Business::onboard(store, "Healthy");
        let alert = raise(store, &other, "Too many missed calls");
        let new = NewNotification {
            alert_id: alert.id,
            channel: Webhook,
            recipient: Address::new("https://fast.example.com/x"),
            template_used: None,
            message_content: None,
            max_attempts: 3,
        };
        store.tenant(&other.tenant, |tx| tx.notifications().create(&new)).unwrap();
        let healthy = notifying.queue_to(Webhook, Triggered, "https://healthy.example.com/y");
        let rows = [notifying.queue(Email, Triggered), notifying.queue(Sms, Triggered), healthy];
        wait_until("others, other channels and the healthy host get theirs", || {
            hosts.taken.lock().unwrap().iter().any(|url| url.contains("fast"))
                && rows.iter().all(|row| notifying.reload(row).status == Delivered)
        });
        assert_eq!(*hosts.waiting.lock().unwrap(), 16, "and all that while they hang");
    });
}

/// Nobody has heard of any of them yet, as after a restart: each that hangs has one slot, however much waits for it.
#[test]
fn healthy_host_does_not_wait_for_nine_that_hang() {
    let notifying = Notifying::new();
    for number in 0..9 {
        for _ in 0..3 {
            notifying.queue_to(Webhook, Triggered, &format!("https://slow{number}.example.com/x"));
        }
    }
    let healthy: Vec<_> = (0..3).map(|_| notifying.queue_to(Webhook, Triggered, "https://fast.example.com/x")).collect();
    let hosts =
        Arc::new(SlowHost { gate: Gate::default(), taken: Mutex::default(), waiting: Mutex::default(), hangs: Mutex::default() });
    let webhooks: Arc<dyn WebhookSender> = hosts.clone();
    let senders = Senders { webhooks: Some((webhooks, notifying.keys.clone())), ..notifying.senders() };
    let config = NotifierConfig { idle: Duration::from_millis(5), ..NotifierConfig::default() };
    let notifier = Notifier::new(notifying.scene.db.store.clone(), senders, config);
    std::thread::scope(|threads| {
        let _stop = finally(|| {
            hosts.gate.open();
            notifier.stop();
        });
        threads.spawn(|| notifier.run());
        wait_until("it has all of them", || healthy.iter().all(|row| notifying.reload(row).status == Delivered));
        assert_eq!(*hosts.waiting.lock().unwrap(), 9, "one attempt at each, and none has ended");
        assert_eq!(hosts.taken.lock().unwrap().len(), 3);
    });
}

/// A receiver that was slow once has slots of its own: a healthy host does not wait even where a business has no other left.
#[test]
fn slow_receivers_are_kept_apart_from_healthy_ones() {
    let notifying = Notifying::new();
    let store = &notifying.scene.db.store;
    let hosts =
        Arc::new(SlowHost { gate: Gate::default(), taken: Mutex::default(), waiting: Mutex::default(), hangs: Mutex::default() });
    let webhooks: Arc<dyn WebhookSender> = hosts.clone();
    let senders = Senders { webhooks: Some((webhooks, notifying.keys.clone())), ..notifying.senders() };
    let queue = |host: &str| notifying.queue_to(Webhook, Triggered, &format!("https://{host}.example.com/x"));
    // Every receiver counts as slow once it was tried.
    let config =
        NotifierConfig { webhooks: 8, slow_after: Duration::ZERO, idle: Duration::from_millis(5), ..NotifierConfig::default() };
    let notifier = Notifier::new(store.clone(), senders, config);
    std::thread::scope(|threads| {
        let _stop = finally(|| {
            hosts.gate.open();
            notifier.stop();
        });
        threads.spawn(|| notifier.run());
        let known: Vec<_> = (0..6).map(|number| queue(&format!("known{number}"))).collect();
        wait_until("all are known", || known.iter().all(|row| notifying.reload(row).status == Delivered));
        *hosts.hangs.lock().unwrap() = Some("known");
        (0..6).for_each(|number| drop(queue(&format!("known{number}"))));
        wait_until("one of the two slow slots is theirs", || *hosts.waiting.lock().unwrap() == 1);
        let healthy: Vec<_> = (0..6).map(|number| queue(&format!("healthy{number}"))).collect();
        wait_until("the healthy ones arrive", || healthy.iter().all(|row| notifying.reload(row).status == Delivered));
        assert_eq!(*hosts.waiting.lock().unwrap(), 1);
    });
}

#[test]
fn sender_that_panics_takes_no_other_notification_along() {
    let notifying = Notifying::new();
    let row = notifying.queue(Webhook, Triggered);
    notifying.webhooks.dies.lock().unwrap().push_back(Death::Before);
    let mail = notifying.queue(Email, Triggered);
    let notifier = notifying.notifier();
    std::thread::scope(|threads| {
        let _stop = finally(|| notifier.stop());
        threads.spawn(|| notifier.run());
        wait_until("both are noted", || notifying.reload(&mail).status == Delivered && notifying.reload(&row).status == Retrying);
    });
    assert_eq!(notifying.fate(&row), (Retrying, "the sender failed without a word".to_owned()));
}

/// The oldest, whose turn is first, can't be decided about: here, the table of the numbers' paces is not as it should be.
#[test]
fn notification_that_fails_here_keeps_no_other_waiting() {
    let notifying = Notifying::new();
    let text = notifying.queue(Sms, Triggered);
    let mail = notifying.queue(Email, Triggered);
    notifying.scene.db.execute("ALTER TABLE number_pacing RENAME COLUMN free_at TO mislaid");
    assert_eq!(notifying.pass(), NotifierPass { delivered: 1, put_back: 1, failed: 0 });
    assert_eq!(notifying.reload(&mail).status, Delivered);
    let held = notifying.reload(&text);
    assert_eq!((held.status, held.attempts, held.lease_owner.is_some()), (Pending, 1, true));
    notifying.scene.db.execute("ALTER TABLE number_pacing RENAME COLUMN mislaid TO free_at");
    notifying.scene.clock.advance(TimeDelta::minutes(3));
    assert_eq!(notifying.pass().delivered, 1);
}

/// A receiver that looks into the database while it is asked.
struct Looking {
    connection: Mutex<diesel::PgConnection>,
    open: Mutex<Vec<i64>>,
}

impl WebhookSender for Looking {
    fn send(&self, _: &OutboundWebhook<'_>) -> Result<WebhookAnswer, WebhookError> {
        let open = query(
            &mut self.connection.lock().unwrap(),
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
        );
        self.open.lock().unwrap().extend::<Vec<i64>>(open);
        Ok(WebhookAnswer { status: 200, body: String::new() })
    }
}

#[test]
fn no_transaction_is_open_while_something_is_sent() {
    let notifying = Notifying::new();
    let connection = Mutex::new(notifying.scene.db.superuser());
    let looking = Arc::new(Looking { connection, open: Mutex::default() });
    let webhooks: Arc<dyn WebhookSender> = looking.clone();
    notifying.queue(Webhook, Triggered);
    notifying.scene.tick();
    let senders = Senders { webhooks: Some((webhooks, notifying.keys.clone())), ..notifying.senders() };
    assert_eq!(notifying.over(senders).pass().unwrap().delivered, 1);
    assert_eq!(*looking.open.lock().unwrap(), [0]);
}

#[test]
fn queue_is_looked_through_once_for_many_claims() {
    let notifying = Notifying::new();
    for _ in 0..40 {
        notifying.queue(super::Dashboard, Triggered);
    }
    // The store below has the clock of the machine.
    let config = NotifierConfig { expiry: TimeDelta::days(3_650), ..NotifierConfig::default() };
    let sent = notifying.scene.db.round_trips(|store| {
        assert_eq!(Notifier::new(store.clone(), notifying.senders(), config).pass().unwrap().delivered, 40);
    });
    let looks = sent.iter().filter(|sent| sent.sql.contains("INNER JOIN \"alerts\"")).count();
    // One, one that finds nothing left, and one more for each second that it takes.
    assert!((2..20).contains(&looks), "{looks}");
}

/// A mail server that takes everything, and stops the worker after three mails.
#[derive(Default)]
struct ThreeMails(Mutex<(usize, Option<Notifier>)>);

impl MailSender for ThreeMails {
    fn send(&self, _: &Mail<'_>) -> Result<MailReceipt, MailError> {
        let mut known = self.0.lock().unwrap();
        known.0 += 1;
        if known.0 == 3 {
            known.1.take().unwrap().stop();
        }
        Ok(MailReceipt { said: String::new() })
    }
}

#[test]
fn claim_reads_few_rows_however_many_wait() {
    let notifying = Notifying::new();
    notifying.queue_to(Email, Triggered, "a@example.com");
    notifying.scene.db.execute(
        "INSERT INTO notifications (tenant_id, alert_id, channel, recipient, template_used, max_attempts, next_attempt_at, created_at)
         SELECT tenant_id, alert_id, channel, n || recipient, template_used, max_attempts, next_attempt_at, created_at
         FROM notifications, generate_series(1, 10000) AS n;
         ANALYZE notifications, alerts",
    );
    let config = NotifierConfig { expiry: TimeDelta::days(3_650), ..NotifierConfig::default() };
    let sent = notifying.scene.db.round_trips(|store| {
        let mails = Arc::new(ThreeMails::default());
        let senders = Senders { mail: Some(mails.clone()), ..Senders::default() };
        let notifier = Notifier::new(store.clone(), senders, config);
        mails.0.lock().unwrap().1 = Some(notifier.clone());
        assert_eq!(notifier.pass().unwrap().delivered, 3);
    });
    let read = |part: &str| -> Vec<f64> {
        let tenant = notifying.scene.business.tenant;
        let options = "ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF";
        let of = sent.iter().filter(|sent| sent.sql.contains(part));
        let plans =
            of.map(|sent| explained_as_tenant(&mut notifying.scene.db.superuser(), tenant, sent, "force_generic_plan", options));
        plans
            .map(|plan| {
                assert!(!plan.contains("Seq Scan on notifications"), "{plan}");
                let scan = plan.lines().find(|line| line.contains(" on notifications")).unwrap();
                scan.split_once("actual rows=").unwrap().1.split(' ').next().unwrap().parse().unwrap()
            })
            .collect()
    };
    assert_eq!(read("INNER JOIN \"alerts\""), [500.0], "one look");
    let claims = read("array_position");
    assert!(claims.len() == 3 && claims[1..].iter().all(|rows| *rows <= 16.0), "{claims:?}");
}
