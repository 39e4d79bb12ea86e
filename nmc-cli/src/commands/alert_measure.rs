//! `nmc alert metrics` and `nmc alert measure`: what rules can watch.

use super::alert_list::figure;
use crate::database::business;
use crate::error::CliResult;
use crate::options::judgement::number;
use crate::options::moment::Moment;
use crate::options::{FormatArg, TenantArg};
use crate::output::{Columns, time};
use clap::Args;
use nmc_core::alerts::{Measurement, TRADE_METRICS, TradeMetric};
use nmc_core::{Store, When};
use rust_decimal::Decimal;
use serde_json::json;

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
    let row = store.as_operator(&proof, |tx| tx.measurements().record(&args.metric, args.value, at));
    let names = [("metric_name", "METRIC"), ("metric_value", "VALUE"), ("measurement_time", "--at")];
    COLUMNS.one(args.format.format, &row.map_err(|error| error.renamed(&names))?)
}
