//! Metric points by the thousand: an array per column (what the library does) beside a multi-row INSERT, and one by one.

use super::pairs::compare;
use super::{Scene, Side};
use chrono::{DateTime, TimeDelta};
use diesel::prelude::*;
use diesel::upsert::excluded;
use nmc_core::analytics::NewMetric;
use nmc_core::schema::analytics_metrics as metrics;
use nmc_core::{MetricId, MetricType, Result, Store, TenantTx};
use std::cell::Cell;
use std::time::Instant;

/// Points per statement: eleven values each, of the 65,535 that a statement takes.
const BATCH: usize = 5_000;

/// Points that nobody has seen yet.
fn points(count: usize) -> Vec<NewMetric> {
    thread_local! {
        static NEXT: Cell<i64> = const { Cell::new(0) };
    }
    let first = NEXT.replace(NEXT.get() + i64::try_from(count).expect("a count"));
    let begin = DateTime::UNIX_EPOCH + TimeDelta::days(365 * 50);
    (first..)
        .take(count)
        .map(|n| NewMetric {
            dimensions: serde_json::json!({"source": "bench", "line": n % 8}),
            ..NewMetric::raw(MetricType::Call, format!("metric {}", n % 20), n.into(), begin + TimeDelta::milliseconds(n))
        })
        .collect()
}

/// The same upsert with a row of values per point.
fn multi_row(tx: &mut TenantTx<'_>, points: &[NewMetric]) -> Result<u64> {
    let now = tx.now();
    tx.diesel(|conn, tenant| {
        let rows: Vec<_> = points
            .iter()
            .map(|point| {
                (
                    point,
                    metrics::id.eq(MetricId::new(uuid::Uuid::now_v7())),
                    metrics::tenant_id.eq(tenant),
                    metrics::created_at.eq(now),
                    metrics::updated_at.eq(now),
                )
            })
            .collect();
        diesel::insert_into(metrics::table)
            .values(rows)
            .on_conflict((
                metrics::tenant_id,
                metrics::metric_type,
                metrics::metric_name,
                metrics::timestamp,
                metrics::aggregation_level,
            ))
            .do_update()
            .set((
                metrics::metric_value.eq(excluded(metrics::metric_value)),
                metrics::dimensions.eq(excluded(metrics::dimensions)),
                metrics::updated_at.eq(excluded(metrics::updated_at)),
            ))
            .execute(conn)
    })
    .map(|rows| u64::try_from(rows).expect("a count"))
}

pub(crate) fn run(scene: &Scene, rounds: usize) {
    let Side { store, tenant, .. } = &scene.walled;
    let load = |store: &Store, points: Vec<NewMetric>| {
        let count = points.len();
        let loaded = store.load(tenant, points, |tx, batch| tx.metrics().upsert_many(batch), |_| {}).expect("a load");
        assert_eq!(usize::try_from(loaded.written).expect("a count"), count);
    };
    let rows = |store: &Store, points: &[NewMetric]| {
        for batch in points.chunks(BATCH) {
            store.tenant(tenant, |tx| multi_row(tx, batch)).expect("rows");
        }
    };
    println!("\nnew metric points, with transactions: an array per column | multi-row INSERT");
    for count in [1, 10, 1_000, 20_000] {
        let times = u32::try_from((2_000 / count).max(1)).expect("a number");
        compare(&format!("{count} points"), rounds, times, || load(store, points(count)), || rows(store, &points(count)));
    }
    println!("\nthe same again, nothing changed: an array per column | multi-row INSERT");
    let known = points(20_000);
    rows(store, &known);
    let again = || {
        let loaded = store.load(tenant, known.clone(), |tx, batch| tx.metrics().upsert_many(batch), |_| {}).expect("a load");
        assert_eq!(loaded.written, 0);
    };
    compare("20000 points", rounds, 1, again, || rows(store, &known));

    let mut rates: Vec<f64> = (0..rounds)
        .map(|_| {
            let points = points(50_000);
            let begun = Instant::now();
            load(store, points);
            50_000.0 / begun.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    let at = |share: usize| rates.get(rates.len() * share / 4).expect("a rate");
    println!("\n50,000 new points through store.load: {:.0} points/s, median ({:.0}–{:.0})", at(2), at(1), at(3));
}
