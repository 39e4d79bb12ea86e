//! Rounds of alerts: every rule of many businesses, measured from rows, evaluated, raised and settled; beside rules that are evaluated one
//! by one. The server is the test kit's, which does not wait for the disk.
//!
//! `cargo bench -p nmc-core --bench alerts`

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that can't run has nothing better to do, and this one prints"
)]

use chrono::TimeDelta;
use nmc_core::alerts::{NewAlertRule, TRADE_METRICS, evaluate};
use nmc_core::testing::{Business, ManualClock, TestDb, noon};
use nmc_core::workflows::{Rounds, alert_rounds};
use nmc_core::{AlertOperator, AlertRuleId, AlertSeverity, Clock as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

const BUSINESSES: usize = 1_000;
const RULES: usize = 10;
const CALLS: usize = 100;
/// Rules that are evaluated one by one, as a sample.
const ONE_BY_ONE: usize = 1_000;

fn main() {
    let clock = Arc::new(ManualClock::new(noon()));
    let db = TestDb::with_clock(clock.clone());
    println!("{BUSINESSES} businesses with {RULES} rules and {CALLS} calls of the last day each");
    let mut rules: Vec<(usize, AlertRuleId)> = Vec::new();
    let businesses: Vec<Business> = (0..BUSINESSES).map(|n| Business::onboard(&db.store, &format!("business {n}"))).collect();
    for (place, business) in businesses.iter().enumerate() {
        let created = db.store.tenant(&business.tenant, |tx| {
            let new = |n: usize| {
                let metric = if n < RULES / 2 {
                    TRADE_METRICS.get(n).map_or("own", |metric| metric.name).to_owned()
                } else {
                    format!("own {n}")
                };
                NewAlertRule::new(format!("rule {n}"), metric, AlertOperator::GreaterThan, 10.into(), AlertSeverity::High)
            };
            (0..RULES).map(|n| Ok(tx.alert_rules().create(&new(n))?.id)).collect::<nmc_core::Result<Vec<_>>>()
        });
        rules.extend(created.expect("rules").into_iter().map(|rule| (place, rule)));
    }
    db.execute(&format!(
        "INSERT INTO calls (tenant_id, caller_phone, called_phone, call_direction, call_status, call_type, outcome, started_at, created_at)
         SELECT t.id, 'anonymous', '+14155550100', 'inbound', 'completed', 'voice', CASE n % 3 WHEN 0 THEN 'missed' ELSE 'answered' END, at, at
         FROM tenants t, generate_series(1, {CALLS}) n, LATERAL (SELECT '{}'::timestamptz - (n - 20) * interval '14 minutes' AS at) AS began",
        clock.now().to_rfc3339()
    ));
    db.execute("ANALYZE");
    let report = |value: i64| {
        db.execute(&format!(
            "INSERT INTO alert_metrics_cache (tenant_id, metric_name, metric_value, measurement_time)
             SELECT t.id, 'own ' || n, {value}, '{}' FROM tenants t, generate_series({}, {}) n",
            clock.now().to_rfc3339(),
            RULES / 2,
            RULES - 1
        ));
    };
    let round = |value: i64, workers: usize| {
        clock.advance(TimeDelta::minutes(1));
        report(value);
        let begun = Instant::now();
        let rounds = std::thread::scope(|threads| {
            let workers: Vec<_> = (0..workers).map(|_| threads.spawn(|| alert_rounds(&db.store).expect("rounds"))).collect();
            workers.into_iter().map(|worker| worker.join().expect("a worker")).collect::<Vec<_>>()
        });
        (begun.elapsed(), rounds)
    };
    round(1, 1);
    for workers in [1, 2] {
        print(&format!("{workers} at once, nothing moves"), &round(2, workers));
        print(&format!("{workers} at once, half of the rules raise an alert"), &round(11, workers));
        print(&format!("{workers} at once, those alerts settle themselves"), &round(3, workers));
    }
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
