//! `nmc alert metrics` and `nmc alert measure`: what rules can watch.

use super::alert_list::figure;
use crate::database::business;
use crate::error::{CliError, CliResult};
use crate::input_file;
use crate::options::judgement::number;
use crate::options::moment::{Moment, SpanArgs};
use crate::options::{FormatArg, PageArgs, TenantArg};
use crate::output::{Columns, plain, time};
use clap::Args;
use nmc_core::alerts::{AlertRuleFilter, Measurement, MeasurementFilter, NewMeasurement, TRADE_METRICS, TradeMetric};
use nmc_core::{Error, PageRequest, Store, TenantTx, Timezone, When};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The name of the list, which its cursors bear.
const LIST: &str = "measurements";

/// The longest file of values: 5,000 lines of some length.
const LONGEST: usize = 2_000_000;

/// Which values.
#[derive(Args)]
pub(crate) struct MeasurementsArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Only those of this metric
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    #[command(flatten)]
    span: SpanArgs,
    #[command(flatten)]
    page: PageArgs,
}

/// A value that somebody else has measured.
#[derive(Args)]
pub(crate) struct MeasureArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The metric's name, up to 100 characters; names that begin with nmc. are nmc's own
    #[arg(value_name = "METRIC", required_unless_present = "file")]
    metric: Option<String>,
    /// What was measured, in the metric's unit
    #[arg(value_name = "VALUE", required_unless_present = "file", allow_negative_numbers = true, value_parser = number)]
    value: Option<Decimal>,
    /// When, on the clock of the business, like "2026-11-29 08:30" [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Moment>,
    /// All values of a file (- reads standard input), or none if one is refused: up to 5,000 lines like {"metric": "open jobs", "value": 7, "at": "2026-11-29T08:30:00Z"}
    #[arg(long, value_name = "FILE", conflicts_with_all = ["metric", "value", "at"])]
    file: Option<PathBuf>,
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

/// Prints what was measured.
pub(super) fn list(store: &Store, args: &MeasurementsArgs) -> CliResult<()> {
    let (proof, zone) = business(store, &args.tenant.tenant)?;
    let page = args.page.of(LIST)?;
    let span = args.span.instants(zone)?;
    let filter = MeasurementFilter { metric: args.metric.clone(), from: span.from, until: span.until };
    let rows = store.as_operator(&proof, |tx| tx.measurements().list(&filter, page))?;
    COLUMNS.page(LIST, args.page.format.format, &rows)
}

/// What a file of values has brought.
struct Recorded {
    read: usize,
    written: u64,
}

const RECORDED: Columns<Recorded> = Columns(&[("read", |done| json!(done.read)), ("written", |done| json!(done.written))]);

/// A line of a file of values.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    metric: String,
    value: Value,
    at: Option<String>,
}

impl Line {
    fn read(line: &str, zone: Timezone) -> Result<NewMeasurement, String> {
        let Self { metric, value, at } = serde_json::from_str(line).map_err(|error| {
            // Where in the line is told by its column; which line, by whoever calls.
            format!("must be like {{\"metric\": \"open jobs\", \"value\": 7}}: at column {}", error.column())
        })?;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let at = at.map(|at| at.parse::<Moment>().map_err(|why| format!("at {why}"))).transpose()?;
        Ok(NewMeasurement {
            metric_name: metric,
            metric_value: number(&text).map_err(|why| format!("value {why}"))?,
            measurement_time: at.map(|at| at.start(zone)),
        })
    }
}

/// Records the values of a file, all of them or none.
fn record_all(store: &Store, args: &MeasureArgs, path: &Path) -> CliResult<()> {
    let (proof, zone) = business(store, &args.tenant.tenant)?;
    let text = input_file::text("--file", path, LONGEST)?;
    let lines: Vec<(usize, &str)> =
        text.lines().zip(1..).map(|(line, at)| (at, line)).filter(|(_, line)| !line.trim().is_empty()).collect();
    let at_line = |at: usize, why: &str| CliError::Usage(format!("--file: line {at}: {why}"));
    let read = lines.iter().map(|(at, line)| Line::read(line, zone).map_err(|why| at_line(*at, &why)));
    let values = read.collect::<CliResult<Vec<_>>>()?;
    let written = store.as_operator(&proof, |tx| tx.measurements().record_all(&values)).map_err(|error| match error {
        Error::Invalid { row: Some(row), ref field, ref rule, .. } => {
            let field = match field.as_ref() {
                "metric_name" => "metric",
                "metric_value" => "value",
                "measurement_time" => "at",
                other => other,
            };
            at_line(lines.get(row).map_or(row, |(at, _)| *at), &format!("{field} {rule}"))
        }
        other => other.into(),
    })?;
    RECORDED.one(args.format.format, &Recorded { read: values.len(), written })
}

pub(super) fn run(store: &Store, args: &MeasureArgs) -> CliResult<()> {
    if let Some(path) = &args.file {
        return record_all(store, args, path);
    }
    let Some((metric, value)) = args.metric.as_deref().zip(args.value) else {
        return Err(CliError::Usage("METRIC and VALUE are needed, or --file".to_owned()));
    };
    let (proof, zone) = business(store, &args.tenant.tenant)?;
    let at = args.at.map_or(When::Now, |at| When::At(at.start(zone)));
    let recorded = store.as_operator(&proof, |tx| {
        let row = tx.measurements().record(metric, value, at)?;
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
fn watched(tx: &mut TenantTx<'_>) -> nmc_core::Result<BTreeSet<String>> {
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
