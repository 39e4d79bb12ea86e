//! `nmc analytics show`: the summary of a business.

use super::alert_list::figure;
use super::analytics_explain::figures;
use crate::database::business;
use crate::error::CliResult;
use crate::options::{Format, FormatArg, TenantArg, one_of};
use crate::output::{Columns, Kept, Letters, counted, heat_map, sparkline, terminal_width, time, write_json};
use clap::Args;
use nmc_core::Store;
use nmc_core::workflows::{Summary, SummaryKpi, SummaryPeriod, summary};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Value, json};
use std::io::Write as _;

/// Which days.
#[derive(Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Today, or today with the 6 or 29 days before
    #[arg(long, default_value = "7d", value_parser = one_of(SummaryPeriod::ALL, SummaryPeriod::label))]
    period: SummaryPeriod,
    #[command(flatten)]
    format: FormatArg,
}

const COLUMNS: Columns<SummaryKpi> = Columns(&[
    ("name", |row| json!(row.kpi.name)),
    ("value", |row| json!(row.value.map(figure))),
    ("before", |row| json!(row.before.map(figure))),
    ("trend", |row| json!(row.trend)),
    ("target", |row| json!(row.target.map(figure))),
    ("unit", |row| json!(row.kpi.unit.label())),
    ("more_is_better", |row| json!(row.kpi.more_is_better)),
    ("label", |row| json!(row.kpi.label)),
]);

const KEPT: Kept = &["name", "value", "before", "trend", "target", "unit", "label"];

pub(super) fn run(store: &Store, args: &ShowArgs) -> CliResult<()> {
    let (tenant, _) = business(store, &args.tenant.tenant)?;
    let found = store.reading().as_operator(&tenant, |tx| summary(tx, args.period))?;
    match args.format.format {
        Format::Json => write_json(&document(&found)),
        Format::Table => {
            let told = |row: &&SummaryKpi| row.value.is_some() || row.before.is_some() || row.target.is_some();
            let kpis: Vec<_> = found.kpis.iter().filter(told).cloned().collect();
            COLUMNS.all_keeping(KEPT, Format::Table, &kpis)?;
            if kpis.is_empty() {
                eprintln!("nothing to count in this time or the one before");
            }
            if let Some(width) = terminal_width() {
                let mut out = std::io::stdout().lock();
                drawn(&found, width, Letters::of_locale()).iter().try_for_each(|line| writeln!(out, "{line}"))?;
            }
            eprintln!("{}", about(&found));
            let now = found.now;
            eprintln!(
                "now: {}, {} unassigned, {} awaiting a reply; {}",
                counted(&now.open, "open conversation"),
                now.unassigned,
                now.awaiting_reply,
                counted(&now.alerts, "open alert")
            );
            Ok(())
        }
    }
}

/// The summary as the API has it.
fn document(found: &Summary) -> Value {
    let counts = |hours: &[Decimal]| hours.iter().map(|calls| calls.to_i64()).collect::<Vec<_>>();
    json!({
        "period": found.period.label(),
        "from": time(found.span.from),
        "until": time(found.span.until),
        "before_from": time(found.span_before.from),
        "timezone": found.timezone,
        "rolled_up_at": found.rolled_up_at.map(time),
        "is_rebuilding": found.is_rebuilding,
        "figures": figures(&found.figures),
        "figures_before": figures(&found.figures_before),
        "kpis": found.kpis.iter().map(|row| COLUMNS.json(row)).collect::<Vec<_>>(),
        "days": found.days.iter().map(|day| json!({
            "date": day.date.to_string(),
            "from": time(day.span.from),
            "until": time(day.span.until),
            "figures": figures(&day.figures),
        })).collect::<Vec<_>>(),
        "week": found.week.iter().map(|day| json!({
            "weekday": day.weekday,
            "inbound": counts(&day.inbound),
            "unanswered": counts(&day.unanswered),
        })).collect::<Vec<_>>(),
        "numbers": found.numbers.iter().map(|row| json!({
            "number": row.number,
            "inbound": row.inbound.to_i64(),
            "answered": row.answered.to_i64(),
            "unanswered": row.unanswered.to_i64(),
        })).collect::<Vec<_>>(),
        "assignees": found.assignees.iter().map(|row| json!({
            "user_id": row.user_id,
            "opened": row.opened.to_i64(),
            "resolved": row.resolved.to_i64(),
        })).collect::<Vec<_>>(),
        "now": {
            "open": found.now.open,
            "unassigned": found.now.unassigned,
            "awaiting_reply": found.now.awaiting_reply,
            "alerts": found.now.alerts,
        },
    })
}

/// The days side by side, and the hours of the week, none wider than this.
fn drawn(found: &Summary, width: usize, letters: Letters) -> Vec<String> {
    let mut lines = Vec::new();
    if found.days.len() > 1 {
        lines.push(String::new());
        for (label, name) in [("calls", "nmc.calls_inbound"), ("missed", "nmc.calls_unanswered")] {
            let values: Vec<Decimal> = found.days.iter().map(|day| day.figures.get(name)).collect();
            let most = values.iter().max().copied().unwrap_or_default();
            let line = format!("{label:<7} {}  {most} a day at the most", sparkline(&values, letters));
            lines.extend((line.chars().count() <= width).then_some(line));
        }
    }
    let week: Vec<[Decimal; 24]> = found.week.iter().map(|day| day.unanswered).collect();
    let map = heat_map(&week, width, letters);
    if !map.is_empty() {
        lines.extend([String::new(), "missed calls by the hour at which they began".to_owned()]);
        lines.extend(map);
    }
    lines
}

/// Of when the figures are.
fn about(found: &Summary) -> String {
    let shown = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&found.timezone.tz()).format("%Y-%m-%d %H:%M").to_string();
    let computed = match found.rolled_up_at {
        Some(at) if found.is_rebuilding => format!("computed at {}, and being computed anew", shown(at)),
        Some(at) => format!("computed at {}", shown(at)),
        None => "never computed: a worker does that (nmc worker), or nmc analytics rebuild --now".to_owned(),
    };
    format!("from {} to {} ({}), {computed}", shown(found.span.from), shown(found.span.until), found.timezone)
}
