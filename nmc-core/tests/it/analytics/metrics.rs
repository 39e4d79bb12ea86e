//! Metric points, one by one and by the thousand, and snapshots of key figures.

use crate::support::{Scene, all_pages, dec, refused};
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::analytics::{FIGURES, KpiFilter, Metric, MetricFilter, MetricTotals, NewKpiSnapshot, NewMetric};
use nmc_core::testing::noon;
use nmc_core::{AggregationLevel, Error, KpiPeriod, Loaded, MetricType, Store, TrendDirection};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn point(name: &str, value: Decimal, at: DateTime<Utc>) -> NewMetric {
    NewMetric::raw(MetricType::Call, name, value, at)
}

/// An object in an object, and so on.
fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }))
}

fn later(minutes: i64) -> DateTime<Utc> {
    noon() + TimeDelta::minutes(minutes)
}

#[test]
fn a_point_is_found_under_its_key_and_replaced_in_place() {
    let scene = Scene::new();
    let new = NewMetric {
        dimensions: json!({"line": "main"}),
        aggregation_level: AggregationLevel::Hourly,
        period_start: Some(later(0)),
        period_end: Some(later(60)),
        ..point("  missed  ", dec!(1.23456), later(0))
    };
    let first = scene.tx(|tx| tx.metrics().create(&new)).unwrap();
    assert_eq!(
        (first.metric_name.as_str(), first.metric_value),
        ("missed", dec!(1.2346)),
        "trimmed, and rounded like NUMERIC(15,4)"
    );
    assert_eq!(scene.tx(|tx| tx.metrics().get(first.id)).unwrap(), first);
    assert_eq!(
        refused(scene.tx(|tx| tx.metrics().create(&new))),
        ("timestamp".to_owned(), "already has a value of this metric at this level".to_owned())
    );
    scene.clock.advance(TimeDelta::minutes(1));
    let again = NewMetric { metric_value: dec!(-2), dimensions: json!({}), period_end: None, ..new };
    let second = scene.tx(|tx| tx.metrics().upsert_by_key(&again)).unwrap();
    let expected = Metric {
        metric_value: dec!(-2),
        dimensions: json!({}),
        period_end: None,
        updated_at: first.updated_at + TimeDelta::minutes(1),
        ..first.clone()
    };
    assert_eq!(second, expected, "the same row with the new value, and nothing else");
    scene.tx(|tx| tx.metrics().delete(first.id)).unwrap();
    assert_eq!(scene.tx(|tx| tx.metrics().find(first.id)).unwrap(), None);
    assert!(matches!(scene.tx(|tx| tx.metrics().delete(first.id)), Err(Error::NotFound { entity: "metric" })));
}

#[test]
fn a_point_that_breaks_a_rule_names_the_field() {
    let scene = Scene::new();
    let good = point("missed", dec!(1), noon());
    let cases: Vec<(NewMetric, &str, &str)> = vec![
        (NewMetric { metric_name: " ".to_owned(), ..good.clone() }, "metric_name", "must not be empty"),
        (NewMetric { metric_name: "x".repeat(101), ..good.clone() }, "metric_name", "must be at most 100 characters"),
        (NewMetric { metric_name: "a\0b".to_owned(), ..good.clone() }, "metric_name", "must not contain NUL"),
        (
            NewMetric { metric_value: dec!(100_000_000_000), ..good.clone() },
            "metric_value",
            "must be between -100000000000 and 100000000000",
        ),
        (NewMetric { dimensions: json!([1]), ..good.clone() }, "dimensions", "must be an object"),
        (NewMetric { dimensions: json!({"a": ["\0"]}), ..good.clone() }, "dimensions", "must not contain NUL"),
        (NewMetric { dimensions: nested(70), ..good.clone() }, "dimensions", "must be nested at most 64 deep"),
        (
            NewMetric { dimensions: json!({"a": "x".repeat(70_000)}), ..good.clone() },
            "dimensions",
            "must be at most 65536 bytes of JSON",
        ),
        (
            NewMetric { timestamp: DateTime::<Utc>::MIN_UTC, ..good.clone() },
            "timestamp",
            "must lie between the years 1970 and 9999",
        ),
        (
            NewMetric { period_start: Some(later(1)), period_end: Some(later(0)), ..good.clone() },
            "period_end",
            "must not be before period_start",
        ),
    ];
    for (bad, field, rule) in cases {
        assert_eq!(refused(scene.tx(|tx| tx.metrics().create(&bad))), (field.to_owned(), rule.to_owned()));
        assert_eq!(refused(scene.tx(|tx| tx.metrics().upsert_by_key(&bad))), (field.to_owned(), rule.to_owned()));
        let many = [good.clone(), bad];
        assert_eq!(refused(scene.tx(|tx| tx.metrics().upsert_many(&many))), (format!("rows[1].{field}"), rule.to_owned()));
    }
    assert_eq!(scene.tx(|tx| tx.metrics().count(&MetricFilter::default())).unwrap(), 0, "nothing half-written");
}

#[test]
fn points_are_filtered_listed_and_summed() {
    let scene = Scene::new();
    let hourly =
        |value, minutes| NewMetric { aggregation_level: AggregationLevel::Hourly, ..point("missed", value, later(minutes)) };
    let points = [
        NewMetric { dimensions: json!({"line": "main", "floor": 1}), ..point("missed", dec!(1.5), later(0)) },
        NewMetric { dimensions: json!({"line": "side"}), ..point("missed", dec!(-4), later(1)) },
        point("answered", dec!(3), later(2)),
        NewMetric { metric_type: MetricType::Revenue, ..point("missed", dec!(100), later(3)) },
        hourly(dec!(7), 4),
    ];
    for point in &points {
        scene.tx(|tx| tx.metrics().create(point)).unwrap();
    }
    let all = MetricFilter::default;
    let cases: Vec<(MetricFilter, &[i64])> = vec![
        (all(), &[4, 3, 2, 1, 0]),
        (MetricFilter { metric_type: Some(MetricType::Call), ..all() }, &[4, 2, 1, 0]),
        (MetricFilter { metric_name: Some("missed".to_owned()), ..all() }, &[4, 3, 1, 0]),
        (MetricFilter { aggregation_level: Some(AggregationLevel::Hourly), ..all() }, &[4]),
        (MetricFilter { dimensions: Some(json!({"line": "main"})), ..all() }, &[0]),
        (MetricFilter { from: Some(later(1)), until: Some(later(3)), ..all() }, &[2, 1]),
    ];
    for (filter, minutes) in cases {
        let listed = all_pages(2, |page| scene.tx(|tx| tx.metrics().list(&filter, page)));
        let at: Vec<i64> = listed.iter().map(|row| (row.timestamp - noon()).num_minutes()).collect();
        assert_eq!(at, minutes, "{filter:?}");
        assert_eq!(scene.tx(|tx| tx.metrics().count(&filter)).unwrap(), i64::try_from(minutes.len()).unwrap());
    }
    let filter = MetricFilter { metric_type: Some(MetricType::Call), ..all() };
    let totals = scene.tx(|tx| tx.metrics().totals(&filter)).unwrap();
    assert_eq!(totals, MetricTotals { points: 4, sum: Some(dec!(7.5)), min: Some(dec!(-4)), max: Some(dec!(7)) });
    let none = MetricFilter { metric_name: Some("nothing".to_owned()), ..all() };
    assert_eq!(scene.tx(|tx| tx.metrics().totals(&none)).unwrap(), MetricTotals { points: 0, sum: None, min: None, max: None });
    let latest =
        |level| scene.tx(|tx| tx.metrics().latest(MetricType::Call, "missed", level)).unwrap().map(|row| row.metric_value);
    assert_eq!((latest(AggregationLevel::Raw), latest(AggregationLevel::Daily)), (Some(dec!(-4)), None));
    // Retention, a bounded bite at a time, and of one level.
    let bite = || scene.tx(|tx| tx.metrics().delete_before(AggregationLevel::Raw, later(3), 2)).unwrap();
    assert_eq!((bite(), bite(), bite()), (2, 1, 0));
    assert_eq!(scene.tx(|tx| tx.metrics().count(&all())).unwrap(), 2);
}

#[test]
fn load_of_thousands_reports_each_batch_and_may_run_again() {
    let scene = Scene::new();
    let count = Store::BATCH * 2 + 7;
    let points = || {
        (0..count).map(|n| point("missed", Decimal::from(n % 10), noon() + TimeDelta::milliseconds(i64::try_from(n).unwrap())))
    };
    let load = |points: Vec<NewMetric>| {
        let mut reports = Vec::new();
        let loaded = scene.db.store.load(
            &scene.business.tenant,
            points,
            |tx, batch| tx.metrics().upsert_many(batch),
            |so_far| reports.push(so_far),
        );
        (loaded, reports)
    };
    let so_far =
        |taken: usize, written: usize| Loaded { taken: u64::try_from(taken).unwrap(), written: u64::try_from(written).unwrap() };
    let (loaded, reports) = load(points().collect());
    assert_eq!(loaded.unwrap(), so_far(count, count));
    let batch = Store::BATCH;
    assert_eq!(reports, [so_far(batch, batch), so_far(2 * batch, 2 * batch), so_far(count, count)]);
    // Again, with one value changed: one row is written.
    let changed =
        points().enumerate().map(|(n, p)| NewMetric { metric_value: if n == 17 { dec!(99) } else { p.metric_value }, ..p });
    assert_eq!(load(changed.collect()).0.unwrap(), so_far(count, 1));
    assert_eq!(scene.tx(|tx| tx.metrics().count(&MetricFilter::default())).unwrap(), i64::try_from(count).unwrap());
    // A bad point far into the input: what was reported stays, and the error counts from the first.
    let mut bad: Vec<NewMetric> = points().map(|p| NewMetric { metric_name: "other".to_owned(), ..p }).collect();
    bad[batch + 3].metric_name = String::new();
    let (failed, reports) = load(bad);
    assert_eq!(refused(failed), (format!("rows[{}].metric_name", batch + 3), "must not be empty".to_owned()));
    assert_eq!(reports, [so_far(batch, batch)]);
    let others = MetricFilter { metric_name: Some("other".to_owned()), ..MetricFilter::default() };
    assert_eq!(scene.tx(|tx| tx.metrics().count(&others)).unwrap(), i64::try_from(batch).unwrap(), "no part of the second batch");
    let too_many: Vec<NewMetric> = points().take(batch + 1).collect();
    assert_eq!(refused(scene.tx(|tx| tx.metrics().upsert_many(&too_many))).1, format!("must be at most {batch} at once"));
}

/// Few keys and few values, so that points meet: in the database, and among themselves.
fn clashing() -> impl Strategy<Value = Vec<NewMetric>> {
    let one = (0..3_i64, 0..3_usize, 0..3_i64, prop::bool::ANY).prop_map(|(minute, name, value, is_daily)| NewMetric {
        aggregation_level: if is_daily { AggregationLevel::Daily } else { AggregationLevel::Raw },
        dimensions: if value == 0 { json!({}) } else { json!({ "value": value }) },
        ..point(["a", "b", " a "][name], value.into(), later(minute))
    });
    prop::collection::vec(one, 0..30)
}

type Stored = BTreeMap<(String, &'static str, DateTime<Utc>), (Decimal, Value)>;

#[test]
fn many_at_once_are_the_same_as_one_after_the_other() {
    let scene = Scene::new();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
    let stored = |scene: &Scene| -> Stored {
        let rows = all_pages(200, |page| scene.tx(|tx| tx.metrics().list(&MetricFilter::default(), page)));
        rows.into_iter()
            .map(|row| ((row.metric_name, row.aggregation_level.label(), row.timestamp), (row.metric_value, row.dimensions)))
            .collect()
    };
    runner
        .run(&(clashing(), clashing()), |(first, second)| {
            let clear = || scene.db.execute("DELETE FROM analytics_metrics");
            clear();
            for point in first.iter().chain(&second) {
                scene.tx(|tx| tx.metrics().upsert_by_key(point)).unwrap();
            }
            let expected = stored(&scene);
            clear();
            for batch in [&first, &second] {
                scene.tx(|tx| tx.metrics().upsert_many(batch)).unwrap();
            }
            prop_assert_eq!(stored(&scene), expected);
            prop_assert_eq!(scene.tx(|tx| tx.metrics().upsert_many(&[])).unwrap(), 0);
            Ok(())
        })
        .unwrap();
}

fn snapshot(name: &str, value: Decimal, target: Option<Decimal>, days: i64) -> NewKpiSnapshot {
    NewKpiSnapshot {
        kpi_name: name.to_owned(),
        kpi_value: value,
        kpi_target: target,
        trend_direction: Some(TrendDirection::Up),
        period_type: KpiPeriod::Daily,
        snapshot_date: noon() + TimeDelta::days(days),
    }
}

#[test]
fn a_snapshot_s_variance_is_reckoned_from_value_and_target() {
    let scene = Scene::new();
    for (day, (value, target, variance)) in [
        (dec!(12), Some(dec!(10)), Some(dec!(20))),
        (dec!(8), Some(dec!(10)), Some(dec!(-20))),
        (dec!(-8), Some(dec!(-10)), Some(dec!(20))),
        (dec!(1), Some(dec!(3)), Some(dec!(-66.67))),
        (dec!(99_999_999_999), Some(dec!(0.0001)), Some(dec!(99_999_999_998_999_900))),
        (dec!(5), Some(dec!(0)), None),
        (dec!(5), Some(dec!(0.00001)), None),
        (dec!(5), None, None),
    ]
    .into_iter()
    .enumerate()
    {
        let row =
            scene.tx(|tx| tx.kpi_snapshots().create(&snapshot("rate", value, target, i64::try_from(day).unwrap()))).unwrap();
        assert_eq!(row.variance_percentage, variance, "{value} of {target:?}");
    }
}

#[test]
fn latest_snapshot_of_a_figure_is_of_the_latest_date() {
    let scene = Scene::new();
    for (name, value, day) in [("rate", 1, 0), ("rate", 3, 2), ("rate", 2, 1), ("wait", 9, 0)] {
        scene.tx(|tx| tx.kpi_snapshots().create(&snapshot(name, value.into(), None, day))).unwrap();
    }
    let weekly = NewKpiSnapshot { period_type: KpiPeriod::Weekly, ..snapshot("rate", dec!(7), None, 5) };
    scene.tx(|tx| tx.kpi_snapshots().create(&weekly)).unwrap();
    let latest = |name: &str| scene.tx(|tx| tx.kpi_snapshots().latest(name, KpiPeriod::Daily)).unwrap().map(|row| row.kpi_value);
    assert_eq!((latest("rate"), latest("none")), (Some(dec!(3)), None));
    let each = scene.tx(|tx| tx.kpi_snapshots().latest_of(&["wait", "rate", "none", "rate"], KpiPeriod::Daily)).unwrap();
    assert_eq!(
        each.iter().map(|row| (row.kpi_name.as_str(), row.kpi_value)).collect::<Vec<_>>(),
        [("rate", dec!(3)), ("wait", dec!(9))]
    );

    let replaced = scene.tx(|tx| tx.kpi_snapshots().upsert_by_key(&snapshot("rate", dec!(4), Some(dec!(8)), 2))).unwrap();
    assert_eq!((replaced.kpi_value, replaced.variance_percentage), (dec!(4), Some(dec!(-50))));
    let taken = scene.tx(|tx| tx.kpi_snapshots().create(&snapshot("rate", dec!(4), None, 2)));
    assert_eq!(refused(taken), ("snapshot_date".to_owned(), "already has a snapshot of this figure".to_owned()));

    let all = KpiFilter::default;
    let days = |count| Some(noon() + TimeDelta::days(count));
    for (filter, expected) in [
        (all(), vec![7, 4, 2, 1, 9]),
        (KpiFilter { kpi_name: Some("rate".to_owned()), ..all() }, vec![7, 4, 2, 1]),
        (KpiFilter { period_type: Some(KpiPeriod::Weekly), ..all() }, vec![7]),
        (KpiFilter { from: days(1), until: days(3), ..all() }, vec![4, 2]),
    ] {
        let mut listed: Vec<Decimal> =
            all_pages(2, |page| scene.tx(|tx| tx.kpi_snapshots().list(&filter, page))).iter().map(|row| row.kpi_value).collect();
        let mut expected: Vec<Decimal> = expected.into_iter().map(Decimal::from).collect();
        // Two of one date have no order of their own.
        listed.sort();
        expected.sort();
        assert_eq!(listed, expected, "{filter:?}");
        assert_eq!(scene.tx(|tx| tx.kpi_snapshots().count(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }
    scene.tx(|tx| tx.kpi_snapshots().delete(replaced.id)).unwrap();
    assert!(matches!(scene.tx(|tx| tx.kpi_snapshots().get(replaced.id)), Err(Error::NotFound { .. })));
}

#[test]
fn figures_are_found_by_name_whatever_their_type() {
    let scene = Scene::new();
    for name in FIGURES {
        let kind = match *name {
            _ if name.starts_with("nmc.calls_") => "call",
            _ if name.starts_with("nmc.revenue") => "revenue",
            _ => "conversation",
        };
        scene.db.execute(&format!(
            "INSERT INTO analytics_metrics (tenant_id, metric_type, metric_name, metric_value) VALUES ('{}', '{kind}', '{name}', 1)",
            scene.business.tenant.id()
        ));
        let filter = MetricFilter { metric_name: Some((*name).to_owned()), ..MetricFilter::default() };
        assert_eq!(scene.tx(|tx| tx.metrics().count(&filter)).unwrap(), 1, "{name}");
    }
}
