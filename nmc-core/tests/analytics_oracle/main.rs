//! The library's figures against those of an independent program, which scripts/test-analytics.sh has Python for.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod buckets;
mod engine;
mod history;
mod python;
mod reports;

use history::{History, Step, step};
use nmc_core::testing::{Business, TestDb};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use std::cell::Cell;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// The figures and snapshots that are stored, and what is kept of calls that have ended and of conversations, a line each, as the oracle's.
fn stored(db: &TestDb, business: &Business) -> Vec<String> {
    let at = |column: &str| format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
    let (from, until, end, id) = (at("period_start"), at("period_end"), at("snapshot_date"), business.tenant.id());
    let or_null = |columns: &[&str]| {
        columns.iter().map(|column| format!("coalesce({column}::text, 'null')")).collect::<Vec<_>>().join(", ")
    };
    let of_calls = or_null(&[
        "a.call_id",
        "a.conversation_id",
        "phone_number",
        "a.call_type",
        "a.call_status",
        "call_duration",
        "cost_per_call",
    ]);
    let of_conversations = or_null(&[
        "conversation_id",
        "call_id",
        "message_count",
        "ai_message_count",
        "human_message_count",
        "conversation_duration",
        "resolution_status",
    ]);
    let (call_at, conversation_at) = (at("call_date"), at("conversation_date"));
    let mut lines: Vec<String> = db.query(&format!(
        "SELECT concat_ws(' ', aggregation_level, {from}, {until}, metric_type, metric_name, metric_value,
                          replace(dimensions::text, '\": ', '\":')) AS line
         FROM analytics_metrics WHERE tenant_id = '{id}' AND metric_name LIKE 'nmc.%'
         UNION ALL
         SELECT concat_ws(' ', period_type, {from}, {end}, kpi_name, kpi_value, coalesce(kpi_target::text, 'null'),
                          coalesce(variance_percentage::text, 'null'), coalesce(trend_direction, 'null'))
         FROM kpi_snapshots WHERE tenant_id = '{id}'
         UNION ALL
         SELECT concat_ws(' ', 'call', {of_calls}, {call_at}) FROM call_analytics AS a JOIN calls AS c ON c.tenant_id = a.tenant_id AND c.id = a.call_id
         WHERE a.tenant_id = '{id}' AND (c.outcome IS NOT NULL OR c.call_status IN ('completed', 'busy', 'no-answer', 'failed', 'canceled'))
         UNION ALL
         SELECT concat_ws(' ', 'conversation', {of_conversations}, {conversation_at}) FROM conversation_analytics WHERE tenant_id = '{id}'"
    ));
    lines.sort();
    lines
}

/// Lines that only one of two has, each with whose it is.
fn differences(left: (&str, &[String]), right: (&str, &[String])) -> String {
    let only = |(name, of): (&str, &[String]), other: &[String]| {
        of.iter().filter(|line| !other.contains(line)).map(|line| format!("\n  only {name}: {line}")).collect::<String>()
    };
    only(left, right.1) + &only(right, left.1)
}

/// What a history makes of the figures, against what the oracle makes of its rows, and against all computed anew.
fn compare(history: &History) -> Result<usize, String> {
    let (db, business) = (&history.db, &history.business);
    engine::roll_up(&db.store).unwrap();
    let incremental = stored(db, business);
    let expected = python::computed(db, business);
    let lines = &expected.lines;
    let differ = differences(("the library", &incremental), ("the oracle", lines));
    if !differ.is_empty() || incremental.len() != lines.len() {
        return Err(format!("{} and {} lines:{differ}", incremental.len(), lines.len()));
    }
    reports::compare(db, business, &expected.snapshots)?;
    engine::mark_all(db, business).unwrap();
    engine::roll_up(&db.store).unwrap();
    let differ = differences(("before", &incremental), ("computed anew", &stored(db, business)));
    if differ.is_empty() { Ok(lines.len()) } else { Err(differ) }
}

/// 40 histories unless told (`NMC_RANDOM_RUNS=1000`): half of them are the same each time, each other one comes of a seed of its own, the next
/// after that of the one before. The first is printed, and that of a history that fails, which comes again alone with `NMC_RANDOM_RUNS=1` and
/// this `NMC_RANDOM_SEED`.
#[test]
fn random_histories_give_the_figures_of_the_oracle() {
    let runs: u32 = std::env::var("NMC_RANDOM_RUNS").map_or(40, |runs| runs.parse().unwrap());
    let first: u64 = std::env::var("NMC_RANDOM_SEED")
        .map_or_else(|_| RandomState::new().build_hasher().finish(), |seed| seed.parse().unwrap());
    eprintln!("NMC_RANDOM_SEED={first}");
    let (mut lines, mut deaths) = run(runs / 2, TestRng::deterministic_rng(RngAlgorithm::ChaCha), "the same each time");
    for seed in (0..runs - runs / 2).map(|n| first.wrapping_add(n.into())) {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let again = format!("NMC_RANDOM_RUNS=1 NMC_RANDOM_SEED={seed}");
        let came = run(1, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes), &again);
        (lines, deaths) = (lines + came.0, deaths + came.1);
    }
    // A single history may be short.
    if runs > 1 {
        let runs = usize::try_from(runs).unwrap();
        assert!(lines > 200 * runs, "busy histories: {lines} lines");
        assert!(deaths > runs / 2, "roll-ups that died: {deaths}");
    }
}

/// Runs so many histories; how many lines they had, and how many roll-ups died. `again` says how one that fails comes again.
fn run(cases: u32, rng: TestRng, again: &str) -> (usize, usize) {
    let config = Config { cases, max_shrink_time: 60_000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let histories = (0_usize..64, -2_i64..6, prop::collection::vec(step(), 20..100));
    let (lines, deaths) = (Cell::new(0), Cell::new(0));
    let ran = runner.run(&histories, |(zone, days, steps): (usize, i64, Vec<Step>)| {
        let mut history = History::begun(zone, days);
        steps.into_iter().for_each(|step| history.take(step));
        lines.set(lines.get() + compare(&history).map_err(TestCaseError::fail)?);
        deaths.set(deaths.get() + history.deaths);
        Ok(())
    });
    match ran {
        Err(TestError::Fail(why, (zone, days, steps))) => {
            panic!("{again}: {why}\nafter zone {zone}, {days} days before, and {steps:?}")
        }
        other => other.unwrap(),
    }
    (lines.get(), deaths.get())
}
