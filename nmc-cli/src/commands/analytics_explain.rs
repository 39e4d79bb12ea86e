//! `nmc analytics explain`: the rows behind a figure.

use super::alert_list::figure;
use crate::database::business;
use crate::error::{CliError, CliResult};
use crate::options::moment::SpanArgs;
use crate::options::{Format, FormatArg, TenantArg};
use crate::output::{Columns, Kept, plain, time, write_json};
use chrono::{DateTime, Days, TimeDelta, Utc};
use clap::Args;
use nmc_core::analytics::{Figures, Kpi};
use nmc_core::workflows::{Counted, behind, stored_figures};
use nmc_core::{Span, Store, Tenant};
use serde_json::{Map, Value, json};

/// How many days are looked at where nobody says.
const BY_DEFAULT: u64 = 7;

/// The longest span.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// The most rows that are listed.
const MOST_ROWS: usize = 50_000;

/// Rows that are read at once.
const AT_ONCE: u16 = 1_000;

/// Which figure, and of which time.
#[derive(Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// A key figure by its name or label, such as missed_rate or "Calls missed", or one that is counted, such as nmc.calls_missed or
    /// nmc.calls_inbound/+13125550199
    #[arg(value_name = "KPI")]
    name: String,
    #[command(flatten)]
    span: SpanArgs,
    #[command(flatten)]
    format: FormatArg,
}

const COLUMNS: Columns<Counted> = Columns(&[
    ("at", |row| time(row.at)),
    ("kind", |row| json!(row.kind.label())),
    ("id", |row| json!(row.id)),
    ("counts", |row| figures(&row.counts)),
]);

const KEPT: Kept = &["id", "kind", "at", "counts"];

/// Figures as an object.
pub(super) fn figures(figures: &Figures) -> Value {
    Value::Object(figures.iter().map(|(name, value)| (name.to_owned(), figure(value))).collect::<Map<_, _>>())
}

/// Those of these names, whether they are 0 or not.
fn of_names(names: &[&str], stored: &Figures) -> Value {
    Value::Object(names.iter().map(|name| ((*name).to_owned(), figure(stored.get(name)))).collect::<Map<_, _>>())
}

pub(super) fn run(store: &Store, args: &ExplainArgs) -> CliResult<()> {
    let (tenant, zone) = business(store, &args.tenant.tenant)?;
    let kpi = Kpi::called(&args.name);
    let name = kpi.map_or_else(|| args.name.trim().to_ascii_lowercase(), |kpi| kpi.name.to_owned());
    if kpi.is_none() && !name.starts_with(nmc_core::analytics::RESERVED_FIGURES) {
        let names: Vec<&str> = nmc_core::analytics::KPIS.iter().map(|kpi| kpi.name).collect();
        return Err(CliError::Usage(format!(
            "{} is no key figure: name one of {}, or what is counted, such as nmc.calls_missed",
            plain(&args.name),
            names.join(", ")
        )));
    }
    let span = args.span.instants(zone)?;
    let now = store.as_operator(&tenant, |tx| Ok(tx.now()))?;
    let until = span.until.unwrap_or(now);
    // Whole days, as what is stored is of; the last one is that of `until`, which `nmc analytics show` has, too.
    let first = zone.date(until - TimeDelta::microseconds(1)).and_then(|last| last.checked_sub_days(Days::new(BY_DEFAULT - 1)));
    let by_default = first.and_then(|date| zone.day(date)).map_or(until, |day| day.from);
    let from = span.from.unwrap_or(by_default);
    // A day that clocks passed over has no time, and no rows.
    if from > until || until - from > LONGEST {
        return Err(CliError::Usage(format!("--to must lie after --from, and {} days after it at most", LONGEST.num_days())));
    }
    let names: Vec<&str> = kpi.map_or_else(|| vec![name.as_str()], |kpi| kpi.figures().collect());
    let rows = read(store, &tenant, &names, Span { from, until })?;
    // Up to now is all of today, so far.
    let today = zone.date(now).and_then(|date| zone.day(date));
    let days = Span { from, until: span.until.or(today.map(|day| day.until)).unwrap_or(until) };
    let stored = store.as_operator(&tenant, |tx| stored_figures(tx, &names, days))?;
    let counts = rows.iter().flat_map(|row| row.counts.iter());
    let total: Figures = counts.map(|(name, value)| (name.to_owned(), value)).collect();
    let value = kpi.and_then(|kpi| kpi.value(&total));
    match args.format.format {
        Format::Json => write_json(&json!({
            "name": name,
            "from": time(from),
            "to": time(until),
            "rows": rows.iter().map(|row| COLUMNS.json(row)).collect::<Vec<_>>(),
            "total": figures(&total),
            "value": value.map(figure),
            "stored": stored.as_ref().map(|stored| of_names(&names, stored)),
        })),
        Format::Table => {
            COLUMNS.all_keeping(KEPT, Format::Table, &rows)?;
            for name in names {
                let stored =
                    stored.as_ref().map_or_else(String::new, |stored| format!(", stored {}", stored.get(name).normalize()));
                eprintln!("{}: {}{stored}", plain(name), total.get(name));
            }
            if let Some(kpi) = kpi {
                let value = value.map_or_else(|| "no value".to_owned(), |value| value.to_string());
                eprintln!("{} ({}): {value}", kpi.name, kpi.unit.label());
            }
            let shown = |at: DateTime<Utc>| at.with_timezone(&zone.tz()).format("%Y-%m-%d %H:%M").to_string();
            eprintln!(
                "from {} to {} ({zone}); nmc call show and nmc conversation show tell more of a row",
                shown(from),
                shown(until)
            );
            Ok(())
        }
    }
}

/// The rows in the order of their instants. Some are a transaction: many are not to keep one open.
fn read(store: &Store, tenant: &Tenant, names: &[&str], span: Span) -> CliResult<Vec<Counted>> {
    let mut rows: Vec<Counted> = Vec::new();
    loop {
        let after = rows.last().map(|row| (row.at, row.id));
        let some = store.as_operator(tenant, |tx| behind(tx, names, span, after, AT_ONCE))?;
        let is_last = some.len() < usize::from(AT_ONCE);
        rows.extend(some);
        if rows.len() > MOST_ROWS {
            return Err(CliError::Usage(format!("there are more than {MOST_ROWS} rows: choose a shorter span")));
        }
        if is_last {
            return Ok(rows);
        }
    }
}
