//! Workers that die before any of their statements, in the round that evaluates and passes on as in the delivery; and that another one
//! leaves each contact told of each step: recorded once, delivered once at the least.

use super::NotificationChannel::{Email, Sms, Webhook};
use super::{FakeWebhooks, HOOK};
use crate::support::{Scene, dec};
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::access::TokenKeys;
use nmc_core::alerts::{Address, NewAlertRule, NewEscalationContact};
use nmc_core::delivery::{Mail, MailError, MailReceipt, MailSender};
use nmc_core::telephony::{Lookup, OutboundSms, Pace, SendError, SendReceipt, SmsSender};
use nmc_core::testing::{killed_before, noon, unique_phone, unique_sid, wait_until};
use nmc_core::workflows::{Notifier, NotifierConfig, Senders, alert_rounds};
use nmc_core::{AlertId, AlertOperator, AlertRuleId, AlertSeverity, Clock as _, ContactType, MessageStatus, NotificationChannel};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const OWNER: &str = "joe@example.com";

/// A mailer in memory, which remembers the ids of what it took.
#[derive(Default)]
struct Mails(Mutex<Vec<String>>);

impl MailSender for Mails {
    fn send(&self, mail: &Mail<'_>) -> Result<MailReceipt, MailError> {
        self.0.lock().unwrap().push(mail.id.to_string());
        Ok(MailReceipt { said: String::new() })
    }
}

/// A provider of texts in memory, which knows each again by its id: the words of one are those of another day's.
#[derive(Default)]
struct Texts(Mutex<Vec<String>>);

impl SmsSender for Texts {
    fn send(&self, sms: &OutboundSms<'_>) -> Result<SendReceipt, SendError> {
        self.0.lock().unwrap().push(sms.id.to_string());
        Ok(SendReceipt { sid: unique_sid("SM"), status: MessageStatus::Accepted, error_code: None })
    }

    fn lookup(&self, sms: &OutboundSms<'_>, _since: DateTime<Utc>) -> Result<Lookup, SendError> {
        let taken = self.0.lock().unwrap();
        let held = taken.iter().filter(|id| **id == sms.id.to_string());
        Ok(Lookup::Held(
            held.map(|_| SendReceipt { sid: unique_sid("SM"), status: MessageStatus::Accepted, error_code: None }).collect(),
        ))
    }
}

/// A rule that tells the owner by mail, passes on to a phone, and then to a webhook.
struct Ladder {
    scene: Scene,
    rule: AlertRuleId,
    phone: String,
    mails: Arc<Mails>,
    texts: Arc<Texts>,
    webhooks: Arc<FakeWebhooks>,
    keys: TokenKeys,
}

/// A worker that delivers and dies before this statement of it, if it comes so far, and how often it did.
struct Mortal {
    at: u64,
    deaths: usize,
}

impl Ladder {
    fn new() -> Self {
        let scene = Scene::new();
        scene.db.execute(&format!("UPDATE users SET email = '{OWNER}', role = 'owner', password_hash = '$2b$'"));
        let rule = NewAlertRule {
            notification_channels: vec![Email],
            escalation_enabled: true,
            escalation_delay_minutes: 30,
            escalation_repeats: 0,
            ..NewAlertRule::new("Too many jobs", "jobs", AlertOperator::GreaterThan, dec!(10), AlertSeverity::High)
        };
        let rule = scene.tx(|tx| tx.alert_rules().create(&rule)).unwrap().id;
        let phone = unique_phone().to_string();
        for (escalation_level, contact_type, value) in [(1, ContactType::Phone, phone.as_str()), (2, ContactType::Webhook, HOOK)]
        {
            let contact_value = Address::new(value);
            let contact =
                NewEscalationContact { rule_id: Some(rule), escalation_level, contact_type, contact_value, is_active: true };
            scene.tx(|tx| tx.escalation_contacts().create(&contact)).unwrap();
        }
        let keys = TokenKeys::ephemeral(noon()).unwrap();
        Self { scene, rule, phone, mails: Arc::default(), texts: Arc::default(), webhooks: Arc::default(), keys }
    }

    fn pass(&self) -> nmc_core::Result<nmc_core::workflows::NotifierPass> {
        let senders = Senders {
            mail: Some(self.mails.clone()),
            texts: Some(self.texts.clone()),
            webhooks: Some((self.webhooks.clone(), self.keys.clone())),
            links: None,
        };
        let config = NotifierConfig { pace: Pace::NONE, ..NotifierConfig::default() };
        Notifier::new(self.scene.db.store.clone(), senders, config).pass()
    }

    fn after(&self, minutes: i64) {
        self.scene.clock.advance(TimeDelta::minutes(minutes));
    }

    /// So many minutes later the round is made. Nothing of it is left by one that died.
    fn round(&self, after: i64) {
        self.after(after);
        wait_until("the round is made", || alert_rounds(&self.scene.db.store).unwrap().businesses == 1);
    }

    /// The round is tried by worker after worker, each of which dies a statement later than the one before, until one comes through.
    fn round_of_mortals(&self, after: i64) {
        self.after(after);
        let (before, waiting) = (self.rows(), self.waiting());
        let mut at = 0;
        loop {
            match killed_before(at, || alert_rounds(&self.scene.db.store).unwrap().businesses) {
                Some(1) => break,
                // The server has not seen yet that the one before is dead.
                Some(_) => std::thread::yield_now(),
                None => at += 1,
            }
            assert_eq!((self.rows(), self.waiting()), (before, waiting), "a round is whole or not at all: before statement {at}");
        }
        assert!(at > 5, "{at} deaths");
    }

    fn rows(&self) -> i64 {
        self.scene.db.query("SELECT count(*) FROM notifications")[0]
    }

    fn waiting(&self) -> i64 {
        self.scene.db.query("SELECT count(*) FROM notifications WHERE status IN ('pending', 'retrying')")[0]
    }

    /// A worker delivers, if it lives; `meanwhile` something happens; and when its lease has run out, another one does the rest.
    fn deliver(&self, mortal: &mut Mortal, meanwhile: impl FnOnce()) {
        self.after(1);
        match killed_before(mortal.at, || self.pass()) {
            Some(pass) => drop(pass.unwrap()),
            None => mortal.deaths += 1,
        }
        meanwhile();
        if self.waiting() == 0 {
            return;
        }
        self.after(3);
        wait_until("another worker has delivered", || {
            self.pass().unwrap();
            self.waiting() == 0
        });
    }

    fn measure(&self, value: &str) {
        self.scene.tick();
        self.scene.tx(|tx| tx.measurements().record("jobs", value.parse().unwrap(), self.scene.clock.now())).unwrap();
    }

    fn open(&self) -> AlertId {
        self.scene.tx(|tx| tx.alerts().find_open_by_rule(self.rule)).unwrap().unwrap().id
    }

    fn acknowledge(&self, alert: AlertId) {
        self.scene.tick();
        self.scene.tx_as(self.scene.staff, |tx| tx.alerts().acknowledge(alert, None)).unwrap();
    }

    /// How often each notification was taken by a mail server, the provider of texts or a receiver of webhooks.
    fn taken(&self) -> BTreeMap<String, usize> {
        let mut taken = BTreeMap::new();
        let mails = self.mails.0.lock().unwrap().clone().into_iter();
        let texts = self.texts.0.lock().unwrap().clone().into_iter();
        let hooks = self.webhooks.taken.lock().unwrap().iter().map(|hook| hook.0.clone()).collect::<Vec<_>>();
        mails.chain(texts).chain(hooks).for_each(|id| *taken.entry(id).or_default() += 1);
        taken
    }

    /// What is on record of an alert, step by step, with the id and the status of each.
    fn recorded(&self, alert: AlertId) -> Vec<(String, String, String)> {
        let sql = format!(
            "SELECT concat_ws(' ', id, status, template_used, channel, recipient) FROM notifications WHERE alert_id = '{alert}'
             ORDER BY created_at, channel, recipient"
        );
        let part = |line: String| {
            let mut words = line.splitn(3, ' ').map(str::to_owned);
            let mut next = || words.next().unwrap();
            (next(), next(), next())
        };
        self.scene.db.query::<String>(&sql).into_iter().map(part).collect()
    }

    fn said(&self, alert: AlertId, event: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM alert_history WHERE alert_id = '{alert}' AND event_type = '{event}'");
        self.scene.db.query(&sql)[0]
    }

    /// A step as `recorded` has it.
    fn step(&self, template: &str, channel: NotificationChannel) -> String {
        let recipient = match channel {
            Email => OWNER,
            Sms => &self.phone,
            _ => HOOK,
        };
        format!("{template} {channel} {recipient}")
    }

    /// An alert that goes all the way up, is acknowledged then, and ends by itself; in the rounds that may be dying, too.
    fn climbs(&self, mortal: &mut Mortal, round: impl Fn(&Self, i64)) {
        self.measure("11");
        round(self, 1);
        let alert = self.open();
        self.deliver(mortal, || {});
        for _ in 0..2 {
            round(self, 31);
            self.deliver(mortal, || {});
        }
        let before = self.taken();
        self.acknowledge(alert);
        round(self, 31);
        self.deliver(mortal, || {});
        assert_eq!(self.taken(), before, "nobody is paged after that");
        self.measure("1");
        round(self, 1);
        self.deliver(mortal, || {});
        let rows = self.recorded(alert);
        let expected = [
            ("triggered", Email),
            ("escalated", Sms),
            ("escalated", Sms),
            ("escalated", Webhook),
            ("resolved", Email),
            ("resolved", Sms),
            ("resolved", Webhook),
        ];
        let expected = expected.map(|(template, channel)| self.step(template, channel));
        let steps: Vec<&String> = rows.iter().map(|(.., step)| step).collect();
        assert_eq!(steps, expected.iter().collect::<Vec<_>>(), "before statement {}", mortal.at);
        let taken = self.taken();
        for (id, status, step) in &rows {
            let times = taken.get(id).copied().unwrap_or_default();
            // What was sent and not noted goes once more; of a text the provider is asked first.
            let most = if step.contains(" sms ") { 1 } else { 2 };
            assert!(status == "delivered" && (1..=most).contains(&times), "{step}: {status}, {times} times, at {}", mortal.at);
        }
        let said = ["notification_sent", "escalated", "acknowledged", "resolved"].map(|event| self.said(alert, event));
        assert_eq!(said, [7, 2, 1, 1], "before statement {}", mortal.at);
    }

    /// An alert that somebody sees to after whoever was telling of it died.
    fn is_seen_to(&self, mortal: &mut Mortal) {
        self.measure("11");
        self.round(1);
        let alert = self.open();
        let mut at_the_time = BTreeMap::new();
        self.deliver(mortal, || {
            self.acknowledge(alert);
            at_the_time = self.taken();
        });
        self.round(31);
        self.deliver(mortal, || {});
        assert_eq!(self.taken(), at_the_time, "nobody is paged after that, before statement {}", mortal.at);
        let rows = self.recorded(alert);
        let [(id, status, step)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(*step, self.step("triggered", Email));
        assert!(status == "failed" || at_the_time.contains_key(id), "{status}");
        self.measure("1");
        self.round(1);
        self.deliver(mortal, || {});
        // Whoever was told hears that it is over, and nobody else.
        let over = self.recorded(alert).into_iter().skip(1).filter(|(_, status, _)| status == "delivered").count();
        assert_eq!(over, usize::from(status == "delivered"), "before statement {}", mortal.at);
    }
}

/// Rounds that die first; then each day other alerts, over which whoever delivers dies a statement later than the day before.
#[test]
fn worker_that_dies_anywhere_skips_and_repeats_nobody() {
    let ladder = Ladder::new();
    ladder.climbs(&mut Mortal { at: u64::MAX, deaths: 0 }, Ladder::round_of_mortals);
    let mut all = 0;
    for at in 0.. {
        // A day later: so many texts a day.
        ladder.after(1_440);
        let (mut climbing, mut seen_to) = (Mortal { at, deaths: 0 }, Mortal { at, deaths: 0 });
        ladder.climbs(&mut climbing, Ladder::round);
        ladder.is_seen_to(&mut seen_to);
        all += climbing.deaths + seen_to.deaths;
        if climbing.deaths == 0 {
            break;
        }
        assert!(at < 500, "it never runs through");
    }
    assert!(all > 100, "{all} deaths");
}
