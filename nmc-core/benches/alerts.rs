//! Rounds of alerts: every rule of many businesses as a new business has them and more, measured from rows of every kind, evaluated, raised,
//! told and settled; beside rules that are evaluated one by one. The server is the test kit's, which does not wait for the disk.
//!
//! `cargo bench -p nmc-core --bench alerts`

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that can't run has nothing better to do, and this one prints"
)]

use chrono::TimeDelta;
use nmc_core::alerts::{NewAlertRule, evaluate};
use nmc_core::people::NewUser;
use nmc_core::testing::{Business, ManualClock, TestDb, noon};
use nmc_core::workflows::{Rounds, alert_rounds};
use nmc_core::{AlertOperator, AlertRuleId, AlertSeverity, Clock as _, NotificationChannel, UserRole};
use std::sync::Arc;
use std::time::{Duration, Instant};

const BUSINESSES: usize = 1_000;
const CALLS: usize = 100;
const CONVERSATIONS: usize = 20;
/// Texts of each conversation.
const TEXTS: usize = 5;
/// Rules that are evaluated one by one, as a sample.
const ONE_BY_ONE: usize = 1_000;

/// A metric of each statement that measures, one that is reported, and above what each raises an alert.
const RULES: &[(&str, i64)] = &[
    ("nmc.missed_calls_15m", 10),
    ("nmc.calls_vs_usual_1h", 1_000_000),
    ("nmc.longest_wait_minutes", 1_000_000),
    ("nmc.texts_failed_1h", 1_000_000),
    ("nmc.opt_outs_1d", 1_000_000),
    ("nmc.unassigned_conversations", 1_000_000),
    ("nmc.spend_today", 1_000_000),
    ("nmc.numbers_in_trouble", 1_000_000),
    ("nmc.queue_age_minutes", 1_000_000),
    ("own", 10),
];

fn main() {
    let clock = Arc::new(ManualClock::new(noon() + TimeDelta::hours(8)));
    let db = TestDb::with_clock(clock.clone());
    let mut rules: Vec<(usize, AlertRuleId)> = Vec::new();
    let businesses: Vec<Business> = (0..BUSINESSES).map(|n| Business::onboard(&db.store, &format!("business {n}"))).collect();
    for (place, business) in businesses.iter().enumerate() {
        let owner = NewUser {
            email: format!("owner{place}@example.com").parse().expect("an address"),
            password_hash: "$2b$".to_owned(),
            first_name: None,
            last_name: None,
            role: UserRole::Owner,
            email_verified: true,
        };
        let created = db.store.tenant(&business.tenant, |tx| {
            tx.users().create(&owner)?;
            let mut created: Vec<AlertRuleId> = tx.add_default_alert_rules()?.iter().map(|rule| rule.id).collect();
            for (metric, above) in RULES {
                let new = NewAlertRule::new(*metric, *metric, AlertOperator::GreaterThan, (*above).into(), AlertSeverity::High);
                let channels = vec![NotificationChannel::Dashboard, NotificationChannel::Email];
                created.push(tx.alert_rules().create(&NewAlertRule { notification_channels: channels, ..new })?.id);
            }
            Ok(created)
        });
        rules.extend(created.expect("rules").into_iter().map(|rule| (place, rule)));
    }
    println!(
        "{BUSINESSES} businesses with {} rules, {CALLS} calls of the last day and {CONVERSATIONS} open conversations of {TEXTS} texts each",
        rules.len() / BUSINESSES
    );
    let now = clock.now().to_rfc3339();
    let calls = |count: usize, outcome: &str, at: &str| {
        db.execute(&format!(
            "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, call_type, outcome, started_at, created_at, price)
             SELECT t.id, 'anonymous', '+14155550100', 'inbound', 'completed', 'voice', {outcome}, at, at, 0.0085
             FROM tenants t, generate_series(1, {count}) n, LATERAL (SELECT {at} AS at) AS began"
        ));
    };
    calls(
        CALLS,
        "CASE n % 3 WHEN 0 THEN 'missed' ELSE 'answered' END",
        &format!("'{now}'::timestamptz - n * interval '14 minutes'"),
    );
    // The same hour of the weeks before.
    calls(40, "'answered'", &format!("'{now}'::timestamptz - (n % 4 + 1) * interval '7 days' - n * interval '1 minute'"));
    // A text from the customer, and what staff answered; in every fifth conversation the last word is the customer's, and one has failed.
    db.execute(&format!(
        "INSERT INTO conversations (tenant_id, customer_phone, channel, created_at)
             SELECT t.id, '+1415555' || (1000 + n), 'sms', '{now}'::timestamptz - interval '1 day' FROM tenants t, generate_series(1, {CONVERSATIONS}) n;
         INSERT INTO messages (tenant_id, conversation_id, message_body, message_direction, from_number, to_number, message_status, message_sid,
                 sent_at, created_at, price)
             SELECT c.tenant_id, c.id, 'How much?', CASE n % 2 WHEN 0 THEN 'inbound' ELSE 'outbound' END, '+14155550100', c.customer_phone,
                 CASE n % 2 WHEN 0 THEN 'received' ELSE 'delivered' END, gen_random_uuid()::text, at, at, 0.0079
             FROM (SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY customer_phone) AS place FROM conversations) AS c,
                 generate_series(1, {TEXTS}) n, LATERAL (SELECT '{now}'::timestamptz - (n + c.place) * interval '20 minutes' AS at) AS began
             WHERE NOT (c.place % 5 = 0 AND n = 1);
         INSERT INTO conversation_events (tenant_id, conversation_id, event_type, event_data, created_at)
             SELECT m.tenant_id, m.conversation_id, 'message_failed', jsonb_build_object('message_id', m.id), m.created_at + interval '1 minute'
             FROM messages m WHERE m.to_number = '+14155551001' AND m.message_direction = 'outbound';
         UPDATE messages SET message_status = 'undelivered' WHERE to_number = '+14155551001' AND message_direction = 'outbound';
         INSERT INTO consents (tenant_id, customer_phone, action, source, created_at)
             SELECT t.id, '+14155551002', 'opt_out', 'staff', '{now}' FROM tenants t"
    ));
    db.execute("ANALYZE");
    let report = |value: i64| {
        db.execute(&format!(
            "INSERT INTO alert_metrics_cache (tenant_id, metric_name, metric_value, measurement_time, created_at)
             SELECT t.id, 'own', {value}, at, at FROM tenants t, (SELECT '{}'::timestamptz AS at) AS now",
            clock.now().to_rfc3339()
        ));
    };
    let round = |minutes: i64, value: i64, workers: usize| {
        clock.advance(TimeDelta::minutes(minutes));
        report(value);
        let begun = Instant::now();
        let rounds = std::thread::scope(|threads| {
            let workers: Vec<_> = (0..workers).map(|_| threads.spawn(|| alert_rounds(&db.store).expect("rounds"))).collect();
            workers.into_iter().map(|worker| worker.join().expect("a worker")).collect::<Vec<_>>()
        });
        (begun.elapsed(), rounds)
    };
    round(0, 1, 1);
    for workers in [1, 2] {
        print(&format!("{workers} at once, every metric is due, nothing moves"), &round(15, 2, workers));
        print(&format!("{workers} at once, between those, nothing moves"), &round(1, 2, workers));
        // Eleven missed calls, and a value that is reported.
        calls(11, "'missed'", &format!("'{}'::timestamptz", clock.now().to_rfc3339()));
        print(&format!("{workers} at once, alerts are raised and told of"), &round(1, 11, workers));
        print(&format!("{workers} at once, a quarter of an hour later"), &round(16, 3, workers));
        // The next begins at a quarter of an hour again.
        round(12, 3, 1);
    }
    let told: Vec<String> = db.query("SELECT channel || ': ' || count(*) FROM notifications GROUP BY channel ORDER BY 1");
    println!("notifications: {}", told.join(", "));
    clock.advance(TimeDelta::minutes(1));
    report(4);
    let begun = Instant::now();
    for (place, rule) in rules.iter().step_by(rules.len() / ONE_BY_ONE) {
        let business = businesses.get(*place).expect("its business");
        db.store.tenant(&business.tenant, |tx| evaluate(tx, *rule)).expect("an evaluation");
    }
    let each = begun.elapsed() / u32::try_from(ONE_BY_ONE).expect("a few");
    println!(
        "one by one, measured by somebody else: {:?} for {} rules",
        each * u32::try_from(rules.len()).expect("a few"),
        rules.len()
    );
}

fn print(what: &str, (took, rounds): &(Duration, Vec<Rounds>)) {
    let sum = |of: fn(&Rounds) -> usize| rounds.iter().map(of).sum::<usize>();
    println!(
        "{what}: {took:?}; {} businesses, {} measured, {} compared, {} raised, {} settled, {} failed",
        sum(|rounds| rounds.businesses),
        sum(|rounds| rounds.measured),
        sum(|rounds| rounds.compared),
        sum(|rounds| rounds.raised),
        sum(|rounds| rounds.resolved),
        sum(|rounds| rounds.failed)
    );
}
