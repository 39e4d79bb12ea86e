//! The key figures of reports against the oracle's snapshots of the same periods.

use crate::differences;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::Timezone;
use nmc_core::access::Acting;
use nmc_core::testing::{Business, TestDb};
use nmc_core::workflows::{WantedReport, report_content};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeMap;

/// The last periods of each kind that are compared.
const PERIODS: usize = 3;

/// A key figure, a line: value, target, variance and trend.
fn line(name: &str, numbers: [Option<Decimal>; 3], trend: Option<&str>) -> String {
    let shown = numbers.map(|number| number.map_or_else(|| "null".to_owned(), |number| number.normalize().to_string()));
    format!("{name} {} {}", shown.join(" "), trend.unwrap_or("null"))
}

/// A snapshot as a report says it, which has no trend for counts of what is not over.
fn line_of(snapshot: &Value, now: DateTime<Utc>) -> String {
    let numbers = ["value", "target", "variance"].map(|field| snapshot[field].as_str().map(|text| text.parse().unwrap()));
    let name = snapshot["kpi"].as_str().unwrap();
    let is_compared = instant(&snapshot["until"]) <= now || !["calls", "missed_calls"].contains(&name);
    line(name, numbers, snapshot["trend"].as_str().filter(|_| is_compared))
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// What reports of the last days, weeks and months of which something is known say, against what the oracle does.
pub(crate) fn compare(db: &TestDb, business: &Business, snapshots: &[Value]) -> Result<(), String> {
    let zone: Timezone = db.query::<String>("SELECT timezone FROM tenants").remove(0).parse().unwrap();
    let now = db.store.now();
    for kind in ["daily", "weekly", "monthly"] {
        let mut periods: BTreeMap<DateTime<Utc>, Vec<String>> = BTreeMap::new();
        for snapshot in snapshots.iter().filter(|snapshot| snapshot["period"] == kind) {
            periods.entry(instant(&snapshot["from"])).or_default().push(line_of(snapshot, now));
        }
        // No report is made of what has not begun, or of what is long ago.
        periods.retain(|from, _| *from <= now && *from > now - TimeDelta::days(300));
        for (from, mut expected) in periods.into_iter().rev().take(PERIODS) {
            let date = zone.date(from).unwrap();
            let wanted = match kind {
                "daily" => WantedReport::Daily(date),
                "weekly" => WantedReport::Weekly(date),
                _ => WantedReport::Monthly(date),
            };
            let report = report_content(&db.store, &Acting::Application(business.tenant), wanted).unwrap();
            let kpis = report.kpis.iter().filter(|kpi| kpi.value.is_some());
            let mut said: Vec<String> = kpis
                .map(|kpi| line(&kpi.name, [kpi.value, kpi.target, kpi.variance], kpi.trend.map(nmc_core::TrendDirection::label)))
                .collect();
            said.sort();
            expected.sort();
            let differ = differences(("the report", &said), ("the oracle", &expected));
            if !differ.is_empty() || report.period.from != from {
                return Err(format!("{kind} of {from} and {}:{differ}", report.period.from));
            }
        }
    }
    Ok(())
}
