//! `nmc alert metrics` and `nmc alert measure`: what rules can watch.

use super::alert_list::figure;
use crate::database::business;
use crate::error::CliResult;
use crate::options::judgement::number;
use crate::options::moment::Moment;
use crate::options::{FormatArg, TenantArg};
use crate::output::{Columns, plain, time};
use clap::Args;
use nmc_core::alerts::{AlertRuleFilter, Measurement, TRADE_METRICS, TradeMetric};
use nmc_core::{PageRequest, Result, Store, TenantTx, When};
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::BTreeSet;

/// A value that somebody else has measured.
#[derive(Args)]
pub(crate) struct MeasureArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The metric's name, up to 100 characters; names that begin with nmc. are nmc's own
    #[arg(value_name = "METRIC")]
    metric: String,
    /// What was measured, in the metric's unit
    #[arg(value_name = "VALUE", allow_negative_numbers = true, value_parser = number)]
    value: Decimal,
    /// When, on the clock of the business, like "2026-11-29 08:30" [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Moment>,
    #[command(flatten)]
    format: FormatArg,
}

const METRICS: Columns<TradeMetric> = Columns(&[
    ("name", |metric| json!(metric.name)),
    ("every_minutes", |metric| json!(metric.every_minutes)),
    ("description", |metric| json!(metric.description)),
]);

const COLUMNS: Columns<Measurement> = Columns(&[
    ("id", |row| json!(row.id)),
    ("metric", |row| json!(row.metric_name)),
    ("value", |row| figure(row.metric_value)),
    ("at", |row| time(row.measurement_time)),
]);

/// Prints what nmc measures by itself.
pub(super) fn metrics(format: FormatArg) -> CliResult<()> {
    METRICS.all(format.format, TRADE_METRICS)
}

pub(super) fn run(store: &Store, args: &MeasureArgs) -> CliResult<()> {
    let (proof, zone) = business(store, &args.tenant.tenant)?;
    let at = args.at.map_or(When::Now, |at| When::At(at.start(zone)));
    let recorded = store.as_operator(&proof, |tx| {
        let row = tx.measurements().record(&args.metric, args.value, at)?;
        let latest = tx.measurements().latest(&row.metric_name)?;
        Ok((watched(tx)?, latest.filter(|latest| latest.measurement_time > row.measurement_time), row))
    });
    let names = [("metric_name", "METRIC"), ("metric_value", "VALUE"), ("measurement_time", "--at")];
    let (watched, later, row) = recorded.map_err(|error| error.renamed(&names))?;
    COLUMNS.one(args.format.format, &row)?;
    if let Some(later) = later {
        let at = later.measurement_time.with_timezone(&zone.tz()).format("%Y-%m-%d %H:%M");
        eprintln!("a later value is known, of {at}: rules judge in the order of time, and may not look at this one any more");
    }
    if !watched.contains(&row.metric_name) {
        match nearest(&row.metric_name, &watched) {
            Some(meant) => eprintln!("no rule watches {}: did you mean {}?", plain(&row.metric_name), plain(meant)),
            None => eprintln!("no rule watches {} yet", plain(&row.metric_name)),
        }
    }
    Ok(())
}

/// The metrics that rules of the business watch.
fn watched(tx: &mut TenantTx<'_>) -> Result<BTreeSet<String>> {
    let (mut metrics, mut after) = (BTreeSet::new(), None);
    loop {
        let page = tx.alert_rules().list(&AlertRuleFilter::default(), PageRequest::new(PageRequest::MAX, after)?)?;
        metrics.extend(page.items.into_iter().map(|rule| rule.metric));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(metrics),
        }
    }
}

/// The name that a typing error may have been meant for.
fn nearest<'m>(typed: &str, known: &'m BTreeSet<String>) -> Option<&'m str> {
    let errors = |name: &str| strsim::osa_distance(&name.to_lowercase(), &typed.to_lowercase());
    let nearest = known.iter().map(|name| (errors(name), name.as_str())).min()?;
    (nearest.0 <= (typed.chars().count() / 3).clamp(1, 3)).then_some(nearest.1)
}
