//! Rounds of alerts: what is measured of a business, when, and that one worker at a time does it.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use nmc_core::alerts::{AlertFilter, AlertRulePatch, MeasurementFilter, NewAlertRule, TRADE_METRICS};
use nmc_core::conversations::{Worker, WorkerConfig};
use nmc_core::telephony::Pace;
use nmc_core::testing::{Business, FakeSms, ManualClock, SmsForm, Taken, TestDb};
use nmc_core::workflows::{Rounds, alert_rounds, record_delivery};
use nmc_core::{AlertOperator, AlertSeverity, AlertStatus, Clock as _, PageRequest, PhoneNumber, Result, TenantTx};
use std::collections::BTreeMap;
use std::sync::Arc;

fn utc(text: &str) -> DateTime<Utc> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc()
}

/// A business in Los Angeles, and a clock that stands still on a Wednesday, at 12:00 of its day.
pub(super) struct Scene {
    pub(super) db: TestDb,
    pub(super) clock: Arc<ManualClock>,
    pub(super) business: Business,
}

impl Scene {
    pub(super) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(utc("2026-06-10 19:00")));
        let db = TestDb::with_clock(clock.clone());
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        Self { db, clock, business }
    }

    pub(super) fn run<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.tenant(&self.business.tenant, work)
    }

    pub(super) fn rounds(&self) -> Rounds {
        alert_rounds(&self.db.store).unwrap()
    }

    /// A rule that watches a metric, and raises an alert above a value.
    pub(super) fn watch(&self, metric: &str, threshold: i64) -> nmc_core::alerts::AlertRule {
        let new = NewAlertRule::new(metric, metric, AlertOperator::GreaterThan, threshold.into(), AlertSeverity::High);
        self.run(|tx| tx.alert_rules().create(&new)).unwrap()
    }

    fn watch_all(&self) {
        TRADE_METRICS.iter().for_each(|metric| drop(self.watch(metric.name, 1_000_000)));
    }

    /// What was measured at this instant, by metric.
    pub(super) fn measured(&self, at: DateTime<Utc>) -> BTreeMap<String, String> {
        let filter = MeasurementFilter { from: Some(at), until: Some(at + TimeDelta::microseconds(1)), ..Default::default() };
        let page = self.run(|tx| tx.measurements().list(&filter, PageRequest::first())).unwrap();
        page.items.into_iter().map(|row| (row.metric_name, row.metric_value.normalize().to_string())).collect()
    }

    /// Sends what is queued, and reports what became of each text.
    pub(super) fn deliver(&self, statuses: &[&str]) {
        let sms = Arc::new(FakeSms::new());
        let config = WorkerConfig { pace: Pace::NONE, ..WorkerConfig::default() };
        Worker::new(self.db.store.clone(), sms.clone(), config).pass().unwrap();
        let taken = sms.taken();
        assert_eq!(taken.len(), statuses.len());
        for (text, status) in taken.iter().zip(statuses) {
            self.report(text, status);
        }
    }

    pub(super) fn report(&self, text: &Taken, status: &str) {
        let to: PhoneNumber = text.text.1.parse().unwrap();
        let form = SmsForm::delivery(&self.business.number, &to, &text.sid, status);
        record_delivery(&self.db.store, &form.parse_delivery(Some(text.id))).unwrap();
    }

    /// A call that began so many minutes ago, and what came of it.
    fn call(&self, minutes_ago: i64, outcome: &str) {
        let at = (self.clock.now() - TimeDelta::minutes(minutes_ago)).to_rfc3339();
        let tenant = self.business.tenant.id();
        self.db.execute(&format!(
            "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, call_type, outcome, started_at, created_at, price)
             VALUES ('{tenant}', 'anonymous', '+14155550100', 'inbound', 'completed', 'voice', '{outcome}', '{at}', '{at}', 0.01)"
        ));
    }
}

/// With `nmc.` left out.
pub(super) fn named(values: &[(&str, &str)]) -> BTreeMap<String, String> {
    values.iter().map(|(name, value)| (format!("nmc.{name}"), (*value).to_owned())).collect()
}

#[test]
fn alert_of_a_trade_metric_says_what_it_counts() {
    let scene = Scene::new();
    let rule = scene.watch("nmc.missed_calls_1h", 2);
    [10, 20, 30].iter().for_each(|minutes| scene.call(*minutes, "missed"));
    assert_eq!(scene.rounds().raised, 1);
    let alert = scene.run(|tx| tx.alerts().find_open_by_rule(rule.id)).unwrap().unwrap();
    assert_eq!(
        alert.message, "nmc.missed_calls_1h: calls of the last hour that nobody answered: 3, above 2",
        "after the rule's name"
    );
    // The words of a wait explain its 0 as well, to who writes a rule.
    let waits = scene.watch("nmc.longest_wait_minutes", 30);
    let alert = scene.run(|tx| tx.alerts().raise(waits.id, 45.into(), None)).unwrap().alert;
    let told = "nmc.longest_wait_minutes: minutes that the longest waiting customer has waited for an answer: 45, above 30";
    assert_eq!(alert.message, told);
}

#[test]
fn what_nobody_did_has_no_value_and_is_not_zero() {
    let scene = Scene::new();
    scene.watch_all();
    scene.clock.advance(TimeDelta::minutes(60));
    let rounds = scene.rounds();
    // Its number works, nobody waits, no conversation is unassigned and no text is late: these are values.
    let expected = named(&[
        ("longest_wait_minutes", "0"),
        ("numbers_in_trouble", "0"),
        ("queue_age_minutes", "0"),
        ("unassigned_conversations", "0"),
    ]);
    assert_eq!(scene.measured(scene.clock.now()), expected);
    assert_eq!((rounds.businesses, rounds.measured, rounds.compared, rounds.failed), (1, 4, 4, 0));
}

#[test]
fn calls_are_counted_by_the_time_they_began() {
    let scene = Scene::new();
    scene.watch_all();
    scene.clock.advance(TimeDelta::minutes(60));
    for (minutes_ago, outcome) in
        [(0, "missed"), (14, "answered"), (15, "missed"), (59, "voicemail"), (60, "missed"), (1_440, "missed")]
    {
        scene.call(minutes_ago, outcome);
    }
    scene.call(100, "blocked");
    // One of a week ago at this hour: three in the last hour are thrice as many, and a fourth begins it.
    scene.call(7 * 1_440 + 5, "answered");
    scene.call(14 * 1_440 + 5, "answered");
    scene.call(14 * 1_440 + 6, "answered");
    scene.rounds();
    let measured = scene.measured(scene.clock.now());
    let expected = named(&[
        ("missed_calls_15m", "1"),
        ("missed_calls_1h", "3"),
        ("missed_calls_1d", "4"),
        ("missed_rate_15m", "50"),
        ("missed_rate_1h", "75"),
        ("missed_rate_1d", "66.6667"),
        // Four of the last hour, and one and two of the same hour of earlier weeks.
        ("calls_vs_usual_1h", "266.6667"),
        ("spend_today", "0.06"),
    ]);
    for (metric, value) in &expected {
        assert_eq!(measured.get(metric), Some(value), "{metric}: {measured:?}");
    }
}

#[test]
fn spend_is_of_the_day_of_the_business() {
    let scene = Scene::new();
    scene.watch("nmc.spend_today", 1);
    scene.clock.advance(TimeDelta::minutes(60));
    // It is 13:00 there; the day began 13 hours ago.
    scene.call(13 * 60, "missed");
    scene.call(13 * 60 + 1, "missed");
    scene.rounds();
    assert_eq!(scene.measured(scene.clock.now()), named(&[("spend_today", "0.01")]));
}

#[test]
fn a_customer_waits_until_staff_have_answered() {
    let scene = Scene::new();
    scene.watch("nmc.longest_wait_minutes", 9);
    scene.watch("nmc.unassigned_conversations", 10);
    let tenant = scene.business.tenant.id();
    let customer = nmc_core::testing::unique_phone();
    let conversation = scene.business.conversation_with(&scene.db.store, &customer);
    let text = |minutes_ago: i64, direction: &str, kind: &str| {
        let at = (scene.clock.now() - TimeDelta::minutes(minutes_ago)).to_rfc3339();
        let status = if direction == "inbound" { "received" } else { "delivered" };
        scene.db.execute(&format!(
            "INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, message_kind, from_number, to_number,
                 message_status, sent_at, message_sid, created_at)
             VALUES ('{tenant}', '{conversation}', 'x', '{direction}', '{kind}', '+14155550100', '+14155550101', '{status}', '{at}',
                 gen_random_uuid()::text, '{at}')"
        ));
    };
    scene.clock.advance(TimeDelta::minutes(60));
    text(30, "inbound", "message");
    text(25, "outbound", "message");
    text(10, "inbound", "message");
    text(5, "inbound", "message");
    // A greeting answers nothing.
    text(4, "outbound", "greeting");
    let rounds = scene.rounds();
    assert_eq!(scene.measured(scene.clock.now())["nmc.longest_wait_minutes"], "10");
    assert_eq!(scene.measured(scene.clock.now())["nmc.unassigned_conversations"], "1");
    assert_eq!(rounds.raised, 1);
    scene.clock.advance(TimeDelta::minutes(1));
    text(0, "outbound", "message");
    assert_eq!(scene.rounds().resolved, 1);
    assert_eq!(scene.measured(scene.clock.now())["nmc.longest_wait_minutes"], "0");
}

#[test]
fn texts_numbers_and_the_queue_are_measured() {
    let scene = Scene::new();
    let number = scene.business.add_number(&scene.db.store);
    scene.watch_all();
    let tenant = scene.business.tenant.id();
    let customer = nmc_core::testing::unique_phone();
    scene.business.conversation_with(&scene.db.store, &customer);
    scene.clock.advance(TimeDelta::minutes(20));
    ["a", "b", "c"].iter().for_each(|body| drop(scene.business.queue(&scene.db.store, &customer, body).unwrap()));
    scene.deliver(&["delivered", "undelivered", "delivered"]);
    scene.business.queue(&scene.db.store, &customer, "waits").unwrap();
    scene.db.execute(&format!("UPDATE phone_numbers SET status = 'error', status_reason = 'x' WHERE phone_number = '{number}'"));
    scene.db.execute(&format!(
        "INSERT INTO consents (tenant_id, customer_phone, action, source, created_at)
         SELECT '{tenant}', '+14155550177', 'opt_out', 'staff', '{}' FROM generate_series(1, 2)",
        scene.clock.now().to_rfc3339()
    ));
    scene.clock.advance(TimeDelta::minutes(40));
    scene.rounds();
    let measured = scene.measured(scene.clock.now());
    let expected = named(&[
        ("texts_failed_1h", "1"),
        ("text_failure_rate_1h", "33.3333"),
        ("opt_outs_1d", "1"),
        ("numbers_in_trouble", "1"),
        ("queue_age_minutes", "40"),
    ]);
    for (metric, value) in &expected {
        assert_eq!(measured.get(metric), Some(value), "{metric}: {measured:?}");
    }
}

#[test]
fn each_metric_is_measured_at_its_times_by_late_workers_too() {
    let scene = Scene::new();
    scene.watch("nmc.missed_calls_15m", 100);
    scene.watch("nmc.missed_calls_1h", 100);
    scene.call(0, "missed");
    let one = named(&[("missed_calls_15m", "1")]);
    let both = named(&[("missed_calls_15m", "1"), ("missed_calls_1h", "1")]);
    // The rules are of 19:00: what is due then is measured then.
    scene.rounds();
    assert_eq!(scene.measured(utc("2026-06-10 19:00")), both);
    assert_eq!(scene.rounds(), Rounds::default(), "and not twice");
    scene.clock.advance(TimeDelta::seconds(61));
    assert_eq!(scene.rounds().measured, 1, "nothing is measured again before its time");
    assert_eq!(scene.measured(utc("2026-06-10 19:01")), one);
    // It comes at 19:07, after five minutes of nothing: the hour is measured as it was at 19:05.
    scene.clock.advance(TimeDelta::minutes(6));
    scene.rounds();
    assert_eq!(scene.measured(utc("2026-06-10 19:05")), named(&[("missed_calls_1h", "1")]));
    assert_eq!(scene.measured(utc("2026-06-10 19:07")), one);
}

#[test]
fn a_round_raises_tells_and_settles() {
    let scene = Scene::new();
    let rule = scene.watch("nmc.missed_calls_15m", 2);
    for _ in 0..3 {
        scene.call(1, "missed");
    }
    assert_eq!(scene.rounds().raised, 1);
    let open = || {
        let filter = AlertFilter { rule: Some(rule.id), ..AlertFilter::default() };
        scene.run(|tx| tx.alerts().list(&filter, PageRequest::first())).unwrap().items.remove(0)
    };
    assert_eq!((open().status, open().metric_value), (AlertStatus::Triggered, 3.into()));
    scene.clock.advance(TimeDelta::minutes(14));
    scene.call(1, "answered");
    assert_eq!(scene.rounds().resolved, 1);
    assert_eq!((open().status, open().auto_resolved), (AlertStatus::Resolved, true));
}

#[test]
fn a_business_without_rules_in_use_has_its_round_once_an_hour() {
    let scene = Scene::new();
    let rule = scene.watch("nmc.missed_calls_15m", 2);
    let enabled = |is_enabled| {
        let patch = AlertRulePatch { is_enabled: Some(is_enabled), ..AlertRulePatch::default() };
        scene.run(|tx| tx.alert_rules().update(rule.id, &patch)).unwrap();
    };
    assert_eq!(scene.rounds().businesses, 1);
    enabled(false);
    scene.clock.advance(TimeDelta::minutes(1));
    assert_eq!(scene.rounds().businesses, 1);
    scene.clock.advance(TimeDelta::minutes(59));
    assert_eq!(scene.rounds().businesses, 0);
    // A rule in use brings it forward.
    enabled(true);
    assert_eq!(scene.rounds().businesses, 1);
    scene.clock.advance(TimeDelta::minutes(1));
    assert_eq!(scene.rounds().businesses, 1);
    scene.business.suspend(&scene.db, true);
    scene.clock.advance(TimeDelta::minutes(1));
    assert_eq!(scene.rounds().businesses, 0, "a suspended business has no rounds");
}

#[test]
fn a_round_that_another_worker_makes_is_left_to_it() {
    let scene = Scene::new();
    scene.watch("nmc.missed_calls_15m", 2);
    let mut other = scene.db.superuser();
    other.batch_execute("BEGIN; SELECT FROM alert_rounds FOR UPDATE").unwrap();
    assert_eq!(scene.rounds(), Rounds::default());
    other.batch_execute("ROLLBACK").unwrap();
    let made: usize = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..4).map(|_| threads.spawn(|| scene.rounds().businesses)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(made, 1);
}

/// One business's rows that can't be measured keep nobody else from their round.
#[test]
fn a_business_whose_round_fails_keeps_no_other_from_its_own() {
    let scene = Scene::new();
    scene.watch("nmc.spend_today", 2);
    let other = Business::onboard(&scene.db.store, "Other");
    let new = NewAlertRule::new("a", "nmc.spend_today", AlertOperator::GreaterThan, 1.into(), AlertSeverity::High);
    scene.db.store.tenant(&other.tenant, |tx| tx.alert_rules().create(&new)).unwrap();
    scene.call(1, "missed");
    scene.db.execute(&format!(
        "DROP TRIGGER calls_keep_marks ON calls; ALTER TABLE calls ALTER price TYPE numeric; UPDATE calls SET price = 1e20 WHERE tenant_id = '{}'",
        scene.business.tenant.id()
    ));
    let rounds = scene.rounds();
    assert_eq!((rounds.businesses, rounds.failed), (1, 1));
}

#[test]
fn old_values_are_deleted_once_an_hour() {
    let scene = Scene::new();
    scene.watch("nmc.longest_wait_minutes", 2);
    scene.rounds();
    let begun = scene.clock.now();
    scene.clock.advance(TimeDelta::days(7) + TimeDelta::minutes(1));
    scene.rounds();
    assert_eq!(scene.measured(begun).len(), 0);
    scene.clock.advance(TimeDelta::minutes(1));
    let last = scene.clock.now() - TimeDelta::days(7) - TimeDelta::minutes(1);
    scene.run(|tx| tx.measurements().record("old", 1.into(), last)).unwrap();
    scene.rounds();
    assert_eq!(scene.measured(last).len(), 1, "within the hour it stays");
}

#[test]
fn a_business_begins_with_rules_that_are_its_own() {
    let scene = Scene::new();
    let names = |rules: &[nmc_core::alerts::AlertRule]| rules.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>();
    let added = scene.run(|tx| tx.add_default_alert_rules()).unwrap();
    assert!(added.len() >= 6 && added.iter().all(|rule| rule.is_enabled), "{:?}", names(&added));
    // Each watches what is measured.
    assert!(added.iter().all(|rule| TRADE_METRICS.iter().any(|metric| metric.name == rule.metric)));
    assert_eq!(scene.run(|tx| tx.add_default_alert_rules()).unwrap(), [], "those that it has stay as they are");
    scene.run(|tx| tx.alert_rules().delete(added[0].id, nmc_core::Confirmed::irrevocably())).unwrap();
    assert_eq!(names(&scene.run(|tx| tx.add_default_alert_rules()).unwrap()), [added[0].name.clone()]);
    scene.clock.advance(TimeDelta::hours(1));
    assert_eq!(scene.rounds().failed, 0);
}
