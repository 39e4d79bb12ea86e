//! What trade metrics count, where it takes more than a row to say it: queues in an outage, late failures, and who waits.

use super::alert_rounds::Scene;
use chrono::{DateTime, DurationRound as _, NaiveTime, SecondsFormat, TimeDelta};
use nmc_core::alerts::{AlertMove, AlertRule, Judgement, NewAlertRule, Sample, TRADE_METRICS, TimelineEntry, timeline};
use nmc_core::conversations::{Worker, WorkerConfig};
use nmc_core::telephony::{Pace, SmsSender};
use nmc_core::tenants::TenantPatch;
use nmc_core::testing::{FakeSms, FakeTwilio, SmsForm, TwilioFault, VoiceForm, unique_phone, unique_sid};
use nmc_core::twilio::TwilioSms;
use nmc_core::workflows::{receive_text, record_voice_status};
use nmc_core::{
    AlertOperator, AlertSeverity, AlertStatus, Clock as _, MessageId, MessageStatus, NoDataPolicy, PageRequest, PhoneNumber,
};
use rust_decimal::Decimal;
use std::iter::repeat_n;
use std::sync::Arc;

const NOT_NOW: TwilioFault = TwilioFault::AnswerWith(503, 20_503);

impl Scene {
    fn worker_of(&self, sender: impl SmsSender + 'static) -> Worker {
        Worker::new(self.db.store.clone(), Arc::new(sender), WorkerConfig::default())
    }

    /// A worker whose provider answers with 503 so many times.
    fn worker_in_an_outage(&self, answers: usize) -> (FakeTwilio, Worker) {
        let twilio = FakeTwilio::with_clock(self.clock.clone());
        twilio.fail_sends_with(repeat_n(NOT_NOW, answers));
        let worker = self.worker_of(TwilioSms::new(&twilio.account()));
        (twilio, worker)
    }

    fn queue(&self) -> MessageId {
        self.business.queue(&self.db.store, &unique_phone(), "Hello").unwrap().id
    }

    fn later(&self, minutes: i64) {
        self.clock.advance(TimeDelta::minutes(minutes));
    }

    /// What a metric is now, by a round.
    fn now_is(&self, metric: &str) -> Option<String> {
        assert_eq!(self.rounds().failed, 0);
        self.measured(self.clock.now()).remove(metric)
    }
}

#[test]
fn texts_that_wait_for_their_next_try_are_late() {
    let scene = Scene::new();
    scene.run(|tx| tx.add_default_alert_rules()).unwrap();
    let (twilio, worker) = scene.worker_in_an_outage(11);
    scene.queue();
    let mut ages = Vec::new();
    for _ in 0..14 {
        worker.pass().unwrap();
        ages.push(scene.now_is("nmc.queue_age_minutes").unwrap());
        scene.later(1);
    }
    assert_eq!(ages, (0..14).map(|minutes: i64| minutes.to_string()).collect::<Vec<_>>());
    let open = || {
        let alerts = scene.run(|tx| tx.alerts().list(&Default::default(), PageRequest::first())).unwrap().items;
        alerts.into_iter().map(|alert| (alert.message, alert.status)).collect::<Vec<_>>()
    };
    assert!(open()[0].0.starts_with("Texts are not sent: "), "{:?}", open());
    assert_eq!(twilio.texts().len(), 0);
    // The provider is back.
    let (twilio, worker) = scene.worker_in_an_outage(0);
    scene.later(30);
    worker.pass().unwrap();
    assert_eq!((twilio.texts().len(), scene.now_is("nmc.queue_age_minutes").as_deref()), (1, Some("0")));
    assert_eq!(open()[0].1, AlertStatus::Resolved);
}

#[test]
fn texts_that_wait_for_the_morning_are_not_late() {
    let scene = Scene::new();
    scene.watch("nmc.queue_age_minutes", 1_000);
    scene.db.execute("UPDATE business_settings SET greeting_at_any_hour = false");
    let missed = |caller: &str| {
        let call = VoiceForm::missed(caller, &scene.business.number, &unique_sid("CA"));
        assert!(record_voice_status(&scene.db.store, &call.parse()).unwrap().greeting.is_some());
    };
    // 20:57 there: the first is tried, and then it is night.
    scene.later(8 * 60 + 57);
    missed("+14155550177");
    let (_twilio, worker) = scene.worker_in_an_outage(9);
    worker.pass().unwrap();
    scene.later(1);
    assert_eq!(scene.now_is("nmc.queue_age_minutes").as_deref(), Some("1"));
    scene.later(3);
    worker.pass().unwrap();
    // The other call comes at night.
    missed("+14155550178");
    let waiting = scene.business.messages(&scene.db.store, &Default::default());
    assert_eq!(waiting.iter().map(|text| text.attempts).collect::<Vec<_>>(), [0, 1]);
    scene.later(60);
    assert_eq!(scene.now_is("nmc.queue_age_minutes").as_deref(), Some("0"));
    // 08:02.
    scene.later(10 * 60 + 1);
    assert_eq!(scene.now_is("nmc.queue_age_minutes").as_deref(), Some("2"), "since the morning began");
}

#[test]
fn texts_that_wait_for_their_turn_are_not_late() {
    let scene = Scene::new();
    scene.watch("nmc.queue_age_minutes", 1_000);
    let waiting = [(); 3].map(|()| scene.queue());
    scene.later(12);
    assert_eq!(scene.now_is("nmc.queue_age_minutes").as_deref(), Some("12"), "nobody sends");
    // Its number sends one text at a time.
    scene.later(1);
    assert_eq!(scene.worker_of(FakeSms::new()).pass().unwrap().sent, 1);
    let is_queued = |id: &&MessageId| scene.business.message(&scene.db.store, **id).message_status == MessageStatus::Queued;
    assert_eq!(waiting.iter().filter(is_queued).count(), 2);
    assert_eq!(scene.now_is("nmc.queue_age_minutes").as_deref(), Some("0"));
    scene.later(2);
    assert_eq!(scene.now_is("nmc.queue_age_minutes").as_deref(), Some("15"), "and then no more");
    // One that is held back sends none.
    let until = scene.clock.now() + TimeDelta::hours(1);
    scene.db.execute(&format!("UPDATE number_pacing SET free_at = '{until}', held_until = '{until}', hold_reason = 'x'"));
    scene.later(1);
    assert_eq!(scene.now_is("nmc.queue_age_minutes").as_deref(), Some("16"));
}

#[test]
fn texts_count_as_failed_when_they_are_given_up() {
    let scene = Scene::new();
    scene.watch("nmc.texts_failed_1h", 1_000);
    scene.watch("nmc.text_failure_rate_1h", 1_000);
    let (_twilio, worker) = scene.worker_in_an_outage(50);
    let id = scene.queue();
    let status = || scene.business.message(&scene.db.store, id).message_status;
    while status() == MessageStatus::Queued {
        assert_eq!(scene.now_is("nmc.texts_failed_1h"), None);
        scene.later(5);
        worker.pass().unwrap();
    }
    let given_up = scene.business.message(&scene.db.store, id);
    assert_eq!(given_up.message_status, MessageStatus::Failed, "{:?}", given_up.error_message);
    assert!(scene.clock.now() - given_up.created_at > TimeDelta::hours(1), "{given_up:?}");
    assert_eq!(scene.now_is("nmc.texts_failed_1h").as_deref(), Some("1"));
    assert_eq!(scene.measured(scene.clock.now())["nmc.text_failure_rate_1h"], "100");
    scene.later(55);
    assert_eq!(scene.now_is("nmc.texts_failed_1h").as_deref(), Some("1"));
    scene.later(5);
    assert_eq!(scene.now_is("nmc.texts_failed_1h"), None, "an hour without a text");
}

#[test]
fn texts_count_as_failed_when_the_carrier_says_so() {
    let scene = Scene::new();
    scene.watch("nmc.texts_failed_1h", 1_000);
    scene.watch("nmc.text_failure_rate_1h", 1_000);
    let send = |count: usize| {
        for _ in 0..count {
            scene.queue();
        }
        let sms = Arc::new(FakeSms::new());
        let config = WorkerConfig { pace: Pace::NONE, ..WorkerConfig::default() };
        Worker::new(scene.db.store.clone(), sms.clone(), config).pass().unwrap();
        sms.taken()
    };
    let old = send(2);
    scene.later(180);
    let new = send(3);
    scene.report(&old[0], "undelivered");
    scene.report(&new[0], "failed");
    scene.report(&new[1], "delivered");
    // What was called off at the provider's has not failed.
    scene.report(&old[1], "canceled");
    scene.later(5);
    assert_eq!(scene.now_is("nmc.texts_failed_1h").as_deref(), Some("2"));
    // Of the three that went out in this hour, and the old one.
    assert_eq!(scene.measured(scene.clock.now())["nmc.text_failure_rate_1h"], "50");
    scene.later(60);
    scene.report(&new[2], "undelivered");
    assert_eq!(scene.now_is("nmc.texts_failed_1h").as_deref(), Some("1"));
    assert_eq!(scene.measured(scene.clock.now())["nmc.text_failure_rate_1h"], "100");
}

impl Scene {
    fn text(&self, customer: &PhoneNumber, body: &str) {
        receive_text(&self.db.store, &SmsForm::text(customer.as_str(), &self.business.number, body).parse()).unwrap();
    }

    fn longest_wait(&self) -> String {
        self.now_is("nmc.longest_wait_minutes").unwrap()
    }
}

#[test]
fn who_may_not_be_answered_does_not_wait() {
    // What somebody texts, five minutes apart each time, and how long they have waited five minutes later.
    for (texts, minutes) in [
        (&["How much?"][..], "5"),
        (&["STOP"], "0"),
        (&["How much?", "Stop!"], "0"),
        (&["HELP"], "0"),
        (&["Help?", " info "], "0"),
        (&["How much?", "HELP"], "10"),
        (&["HELP", "How much?"], "5"),
        (&["Help\n\nSent from my iPhone"], "0"),
        (&["help help"], "0"),
        // No keyword to who reads it, and answered by nobody.
        (&["Help 24/7?"], "5"),
        (&["Help, my basement is flooded"], "5"),
        (&["START"], "0"),
        (&["STOP", "START"], "0"),
        (&["STOP", "START", "Are you there?"], "5"),
        (&["STOP", "Are you there?"], "0"),
        // No wish beyond doubt: a person has to read it.
        (&["stop messaging my husband's number"], "5"),
    ] {
        for customer in [unique_phone(), "+5215512345678".parse().unwrap(), "+5491123456789".parse().unwrap()] {
            let scene = Scene::new();
            scene.watch("nmc.longest_wait_minutes", 1_000);
            for text in texts {
                scene.text(&customer, text);
                scene.later(5);
            }
            assert_eq!(scene.longest_wait(), minutes, "{texts:?} of {customer:?}");
        }
    }
}

/// One who opted out before spellings were known as one, or by whoever wrote to the database.
#[test]
fn who_opted_out_in_another_spelling_does_not_wait() {
    for (short, long) in [("+525512345678", "+5215512345678"), ("+541123456789", "+5491123456789")] {
        let scene = Scene::new();
        scene.watch("nmc.longest_wait_minutes", 1_000);
        scene.text(&short.parse().unwrap(), "Are you there?");
        scene.later(5);
        assert_eq!(scene.longest_wait(), "5");
        let tenant = scene.business.tenant.id();
        scene.db.execute(&format!(
            "INSERT INTO consents (tenant_id, customer_phone, action, source) VALUES ('{tenant}', '{long}', 'opt_out', 'provider')"
        ));
        scene.later(1);
        assert_eq!(scene.longest_wait(), "0", "{long}");
    }
}

#[test]
fn a_text_that_came_after_the_minute_has_not_waited() {
    let scene = Scene::new();
    scene.watch("nmc.longest_wait_minutes", 1_000);
    let minute = scene.clock.now();
    let at = |seconds| scene.clock.advance(TimeDelta::seconds(seconds));
    at(20);
    scene.text(&unique_phone(), "How much?");
    at(20);
    assert_eq!(scene.rounds().failed, 0);
    assert_eq!(scene.measured(minute)["nmc.longest_wait_minutes"], "0");
    // Nor does an answer that came after it end a wait before.
    at(80);
    scene.db.execute("UPDATE messages SET message_direction = 'outbound', message_status = 'sent', message_kind = 'message'");
    scene.text(&unique_phone(), "And for me?");
    scene.db.execute(&format!(
        "UPDATE messages SET created_at = '{minute}'::timestamptz + interval '90 seconds' WHERE message_direction = 'inbound';
         UPDATE messages SET created_at = '{minute}'::timestamptz + interval '130 seconds', conversation_id = (
             SELECT conversation_id FROM messages WHERE message_direction = 'inbound') WHERE message_direction = 'outbound'"
    ));
    at(15);
    assert_eq!(scene.rounds().failed, 0);
    assert_eq!(scene.measured(minute + TimeDelta::minutes(2))["nmc.longest_wait_minutes"], "0.5");
}

#[test]
fn a_customer_waits_behind_many_who_asked_for_help() {
    let scene = Scene::new();
    scene.watch("nmc.longest_wait_minutes", 1_000);
    for _ in 0..51 {
        scene.text(&unique_phone(), "HELP");
        scene.clock.advance(TimeDelta::microseconds(1));
    }
    scene.later(1);
    scene.text(&unique_phone(), "How much?");
    scene.later(4);
    assert_eq!(scene.rounds().failed, 0);
    let minute = scene.clock.now().duration_trunc(TimeDelta::minutes(1)).unwrap();
    let waited: f64 = scene.measured(minute)["nmc.longest_wait_minutes"].parse().unwrap();
    assert!((3.9..=4.0).contains(&waited), "{waited}");
}

#[test]
fn a_customer_who_opted_out_at_the_desk_does_not_wait() {
    let scene = Scene::new();
    scene.watch("nmc.longest_wait_minutes", 1_000);
    let (one, other) = (unique_phone(), unique_phone());
    scene.text(&one, "How much?");
    scene.later(5);
    scene.text(&other, "And for me?");
    scene.later(5);
    assert_eq!(scene.longest_wait(), "10");
    let tenant = scene.business.tenant.id();
    scene.db.execute(&format!(
        "INSERT INTO consents (tenant_id, customer_phone, action, source) VALUES ('{tenant}', '{}', 'opt_out', 'staff')",
        one.as_str()
    ));
    scene.later(1);
    assert_eq!(scene.longest_wait(), "6", "the other one's");
}

#[test]
fn a_wait_is_of_business_hours_alone() {
    let scene = Scene::new();
    scene.watch("nmc.longest_wait_minutes", 30);
    // It closes at 18:00, and opens at 7:00.
    scene.later(5 * 60 + 50);
    scene.text(&unique_phone(), "How much?");
    scene.later(5);
    assert_eq!(scene.longest_wait(), "5");
    scene.later(125);
    scene.text(&unique_phone(), "And for me?");
    assert_eq!(scene.longest_wait(), "10", "20:00");
    scene.later(11 * 60);
    assert_eq!(
        (scene.rounds().raised, scene.measured(scene.clock.now())["nmc.longest_wait_minutes"].as_str()),
        (0, "10"),
        "7:00"
    );
    scene.later(20);
    assert_eq!(scene.longest_wait(), "30");
    scene.later(1);
    assert_eq!(scene.rounds().raised, 1, "7:21");
    // A holiday is no time to wait: it is Thursday now.
    scene.run(|tx| tx.holidays().upsert_by_day("2026-06-12".parse().unwrap(), "Founders' day")).unwrap();
    scene.later(2 * 24 * 60);
    assert_eq!(scene.longest_wait(), (31 + 11 * 60).to_string(), "of Thursday and Saturday");
    // Who never closes has the clock, but for holidays.
    let hours = TenantPatch {
        business_hours_start: Some(NaiveTime::MIN),
        business_hours_end: Some(NaiveTime::MIN),
        ..TenantPatch::default()
    };
    scene.run(|tx| tx.tenants().update(&hours)).unwrap();
    scene.later(1);
    assert_eq!(
        scene.longest_wait(),
        (6 * 60 + 10 + 24 * 60 + 7 * 60 + 22).to_string(),
        "from Wednesday at 17:50 to Saturday at 7:22"
    );
}

#[test]
fn spend_is_of_one_currency() {
    let scene = Scene::new();
    scene.watch("nmc.spend_today", 1_000);
    let charge = |price: &str, unit: &str| {
        let id = scene.queue();
        scene.db.execute(&format!("UPDATE messages SET price = {price}, price_unit = '{unit}' WHERE id = '{id}'"));
    };
    charge("9", "EUR");
    assert_eq!(scene.now_is("nmc.spend_today"), None);
    scene.later(60);
    charge("0.0079", "USD");
    scene.db.execute(&format!(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, call_type, outcome, started_at, created_at, price, price_unit)
         SELECT '{}', 'anonymous', '+14155550100', 'inbound', 'completed', 'voice', 'missed', at, at, 2, unit
         FROM (VALUES ('USD'), ('JPY')) AS u (unit), (SELECT timestamptz '{}') AS t (at)",
        scene.business.tenant.id(),
        scene.clock.now()
    ));
    assert_eq!(scene.now_is("nmc.spend_today").as_deref(), Some("2.0079"));
}

/// A move as it is told: when, what, the value, and the message of an alert that is raised.
fn told(rule: &AlertRule, entry: &TimelineEntry, last: Option<Decimal>) -> String {
    let at = entry.at.timestamp();
    let last = last.unwrap_or_default().normalize();
    match entry.made {
        AlertMove::Raise(value) => {
            let known = TRADE_METRICS.iter().find(|metric| metric.name == rule.metric);
            let words = known.map(|metric| format!("{}:", metric.description.split(';').next().unwrap()));
            let words = words.unwrap_or_else(|| format!("{} is", rule.metric));
            let (value, threshold) = (value.normalize(), rule.threshold.normalize());
            format!("{at} triggered {value} {}: {words} {value}, above {threshold}", rule.name)
        }
        AlertMove::RaiseForSilence(since) => {
            let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
            format!("{at} triggered {last} {}: nothing has been measured of {} since {since}", rule.name, rule.metric)
        }
        AlertMove::Clear(value) => format!("{at} resolved {}", value.map_or(last, |value| value.normalize())),
        AlertMove::Flap(changes) => format!("{at} flapping {changes}"),
    }
}

/// Two hours and a half of a business, with an outage, missed calls, texts that fail and values that come late: what its rounds told, a
/// replay tells to the letter.
#[test]
fn rounds_are_told_alike_by_a_replay() {
    let scene = Scene::new();
    let mut rules = scene.run(|tx| tx.add_default_alert_rules()).unwrap();
    rules.push(scene.watch("nmc.missed_calls_15m", 2));
    rules.push(scene.watch("nmc.unassigned_conversations", 3));
    rules.push(scene.watch("own", 10));
    let new = NewAlertRule {
        judgement: Judgement { no_data_policy: NoDataPolicy::Alert, no_data_seconds: 300, ..Judgement::default() },
        ..NewAlertRule::new("own is silent", "own", AlertOperator::GreaterThan, 12.into(), AlertSeverity::Low)
    };
    rules.push(scene.run(|tx| tx.alert_rules().create(&new)).unwrap());
    let sms = Arc::new(FakeSms::new());
    let worker = Worker::new(scene.db.store.clone(), sms.clone(), WorkerConfig { pace: Pace::NONE, ..WorkerConfig::default() });
    let customer = unique_phone();
    let (mut minutes, mut passed_over, mut late) = (Vec::new(), Vec::new(), 0);
    for minute in 0..150_i64 {
        let now = scene.clock.now();
        let record = |value: i64, at| drop(scene.run(|tx| tx.measurements().record("own", value.into(), at)).unwrap());
        match minute {
            35 | 77 => passed_over.push(now),
            100..110 => {}
            _ => record(if minute / 10 % 2 == 0 { 3 } else { 11 }, now),
        }
        if matches!(minute, 37 | 80) {
            record(13, *passed_over.last().unwrap());
        }
        match minute {
            5 => scene.text(&customer, "How much?"),
            50 => drop(scene.business.queue(&scene.db.store, &customer, "100 dollars").unwrap()),
            10..20 => drop(scene.business.missed(&scene.db.store)),
            40 | 65..70 => drop(scene.queue()),
            _ => {}
        }
        // Nobody sends from the 40th to the 59th minute.
        if !(40..60).contains(&minute) {
            worker.pass().unwrap();
        }
        if minute == 75 {
            sms.taken().iter().rev().take(5).for_each(|text| scene.report(text, "undelivered"));
        }
        let rounds = scene.rounds();
        assert_eq!(rounds.failed, 0);
        late += rounds.late;
        minutes.push(now);
        scene.later(1);
    }
    assert_eq!(late, 4, "two values, of two rules each");
    let hours = scene.run(|tx| tx.tenants().business_hours()).unwrap();
    let mut moved = 0;
    for rule in &rules {
        let samples: Vec<String> = scene.db.query(&format!(
            "SELECT extract(epoch FROM measurement_time)::bigint || ' ' || metric_value FROM alert_metrics_cache
             WHERE metric_name = '{}' ORDER BY measurement_time",
            rule.metric
        ));
        let samples: Vec<Sample> = samples
            .iter()
            .map(|line| line.split_once(' ').unwrap())
            .map(|(at, value)| Sample {
                at: DateTime::from_timestamp(at.parse().unwrap(), 0).unwrap(),
                value: value.parse().unwrap(),
            })
            .filter(|sample| rule.metric != "own" || !passed_over.contains(&sample.at))
            .collect();
        let last = |at| samples.iter().rev().find(|sample| sample.at <= at).map(|sample| sample.value);
        let mut replayed: Vec<String> =
            timeline(rule, &hours, &samples, &minutes).iter().map(|entry| told(rule, entry, last(entry.at))).collect();
        let mut lived: Vec<String> = scene.db.query(&format!(
            "SELECT extract(epoch FROM h.created_at)::bigint || ' ' || h.event_type || ' ' || CASE h.event_type
                 WHEN 'triggered' THEN trim_scale(a.metric_value) || ' ' || a.message WHEN 'flapping' THEN h.details ->> 'changes'
                 ELSE h.details ->> 'value' END
             FROM alert_history h JOIN alerts a ON a.tenant_id = h.tenant_id AND a.id = h.alert_id
             WHERE a.rule_id = '{}' AND h.event_type IN ('triggered', 'resolved', 'flapping')",
            rule.id
        ));
        replayed.sort();
        lived.sort();
        assert_eq!(lived, replayed, "{}", rule.name);
        moved += usize::from(!lived.is_empty());
    }
    assert!(moved >= 8, "something happens: {moved}");
}
