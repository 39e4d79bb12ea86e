//! `nmc report`: reports of a business.

use super::report_schedule::{self, MailsArgs, ScheduleCommand};
use crate::confirm::confirmed;
use crate::database::{Database, business};
use crate::error::{CliError, CliResult};
use crate::options::id::Key;
use crate::options::moment::{SpanArgs, day};
use crate::options::{DatabaseArgs, FormatArg, PageArgs, TenantArg, one_of};
use crate::output::{Columns, Kept, new_file, time};
use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use nmc_core::access::Acting;
use nmc_core::analytics::{ReportFilter, ReportHead};
use nmc_core::reports::{CsvOptions, Paper, ReportContent, ReportKind};
use nmc_core::workflows::{WantedReport, kept_report, make_report};
use nmc_core::{Error, ReportId, Store, TenantTx};
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The name of the list, which its cursors bear.
const LIST: &str = "reports";

#[derive(Subcommand)]
pub(crate) enum ReportCommand {
    /// Make a report of a day, a week, a month, or any days
    Make(MakeArgs),
    /// List reports, newest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only reports of this type
        #[arg(long = "type", value_name = "TYPE", value_parser = one_of(ReportKind::ALL, ReportKind::label))]
        kind: Option<ReportKind>,
        #[command(flatten)]
        span: SpanArgs,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Print a report, or write it to a file
    Open(OpenArgs),
    /// Remove a report before it expires
    Remove {
        #[command(flatten)]
        tenant: TenantArg,
        /// The report's id or the end of it
        #[arg(value_name = "REPORT")]
        report: Key<ReportId>,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Which reports are made and mailed by themselves
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// List the mails that bring reports, newest first
    Mails(MailsArgs),
}

/// The period to report on.
#[derive(Args)]
pub(crate) struct MakeArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The type of the report
    #[arg(long = "type", value_name = "TYPE", default_value = "weekly", value_parser = one_of(ReportKind::ALL, ReportKind::label))]
    kind: ReportKind,
    /// A day of the period, the first of a custom one [default: of the last period that is over]
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<NaiveDate>,
    /// The last day of a custom period
    #[arg(long, value_name = "DAY", value_parser = day)]
    to: Option<NaiveDate>,
    /// Seconds to wait for figures that a worker is computing
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(0..=3600))]
    wait: u16,
    #[command(flatten)]
    format: FormatArg,
}

/// The report, and what to make of it.
#[derive(Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The report's id or the end of it
    #[arg(value_name = "REPORT")]
    report: Key<ReportId>,
    /// What it is printed as
    #[arg(long = "as", value_enum, value_name = "FORM", default_value_t = Form::Csv)]
    form: Form,
    /// The file to write, which must not be there yet [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Guard each cell of a CSV that a spreadsheet might take for a formula, phone numbers too
    #[arg(long)]
    spreadsheet_safe: bool,
    /// Begin a CSV with the mark by which Excel knows UTF-8
    #[arg(long)]
    bom: bool,
}

/// A form of a report.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// Lines for spreadsheets
    Csv,
    /// All that it says
    Json,
    /// Pages to print; to a file or a pipe
    Pdf,
}

const COLUMNS: Columns<ReportHead> = Columns(&[
    ("id", |row| json!(row.id)),
    ("type", |row| json!(row.report_type)),
    ("from", |row| time(row.period_start)),
    ("until", |row| time(row.period_end)),
    ("generated_at", |row| time(row.generated_at)),
    ("expires_at", |row| row.expires_at.map_or(serde_json::Value::Null, time)),
]);

const KEPT: Kept = &["id", "type", "from", "until", "generated_at"];

pub(crate) fn run(args: &DatabaseArgs, command: ReportCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        ReportCommand::Make(make) => self::make(&store, &make)?,
        ReportCommand::List { tenant, kind, span, page } => {
            let (proof, zone) = business(&store, &tenant.tenant)?;
            let span = span.instants(zone)?;
            let request = page.of(LIST)?;
            let report_type = kind.map(|kind| kind.label().to_owned());
            let rows = store.as_operator(&proof, |tx| {
                let expired_at = Some((tx.now(), false));
                let filter = ReportFilter { report_type: report_type.clone(), expired_at, ..ReportFilter::default() };
                tx.reports().list(&ReportFilter { from: span.from, until: span.until, ..filter }, request)
            })?;
            COLUMNS.page_keeping(KEPT, LIST, page.format.format, &rows)?;
        }
        ReportCommand::Open(open) => self::open(&store, &open)?,
        ReportCommand::Remove { tenant, report, yes, format } => {
            let (proof, zone) = business(&store, &tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| {
                let id = found(tx, &report)?;
                tx.reports().get(id).map(ReportHead::from)
            })?;
            let first = row.period_start.with_timezone(&zone.tz()).date_naive();
            let made = row.generated_at.with_timezone(&zone.tz()).format("%Y-%m-%d at %H:%M");
            drop(confirmed(yes, &format!("This removes the {} report from {first} on, made on {made}", row.report_type))?);
            store.as_operator(&proof, |tx| tx.reports().delete(row.id))?;
            COLUMNS.one(format.format, &row)?;
        }
        ReportCommand::Schedule(command) => report_schedule::run(&store, &command)?,
        ReportCommand::Mails(args) => report_schedule::mails(&store, &args)?,
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn make(store: &Store, args: &MakeArgs) -> CliResult<()> {
    let (proof, zone) = business(store, &args.tenant.tenant)?;
    if args.kind == ReportKind::Custom && (args.from.is_none() || args.to.is_none()) {
        return Err(CliError::Usage("a custom report needs its first and last day: --from DAY --to DAY".to_owned()));
    }
    if args.kind != ReportKind::Custom && args.to.is_some() {
        return Err(CliError::Usage("--to is for custom reports alone".to_owned()));
    }
    let wanted = match (args.kind, args.from, args.to) {
        (ReportKind::Custom, Some(first), Some(last)) => WantedReport::Custom(first, last),
        (ReportKind::Daily, Some(day), _) => WantedReport::Daily(day),
        (ReportKind::Weekly, Some(day), _) => WantedReport::Weekly(day),
        (ReportKind::Monthly, Some(day), _) => WantedReport::Monthly(day),
        (kind, ..) => WantedReport::last(kind, store.now().with_timezone(&zone.tz()).date_naive()),
    };
    let row = made_within(args.wait, || make_report(store, &Acting::Operator(proof), wanted));
    let names = [("first_day", "--from"), ("last_day", "--to")];
    COLUMNS.one(args.format.format, &row.map_err(|error: Error| error.renamed(&names))?.into())
}

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Tries to make a report until its figures are there, for so many seconds at the most; says so where it has to wait.
fn made_within<T>(seconds: u16, make: impl Fn() -> nmc_core::Result<T>) -> nmc_core::Result<T> {
    let until = Instant::now() + Duration::from_secs(seconds.into());
    let mut is_told = false;
    loop {
        match make() {
            Err(Error::Unavailable { what, .. }) if Instant::now() < until => {
                if !is_told {
                    eprintln!("{what}: nmc tries again for {seconds} seconds (--wait); a worker computes figures");
                }
                is_told = true;
                std::thread::sleep(PAUSE);
            }
            made => return made,
        }
    }
}

fn open(store: &Store, args: &OpenArgs) -> CliResult<()> {
    let mut out = std::io::stdout();
    if args.form == Form::Pdf && args.output.is_none() && out.is_terminal() {
        return Err(CliError::Usage("a PDF is nothing to read at a terminal: name a file with --output".to_owned()));
    }
    let (proof, _) = business(store, &args.tenant.tenant)?;
    let (_, content) = store.as_operator(&proof, |tx| {
        let id = found(tx, &args.report)?;
        kept_report(tx, id)
    })?;
    let bytes = rendered(&content, args)?;
    match &args.output {
        Some(path) => new_file(path)?
            .write_all(&bytes)
            .map_err(|error| std::io::Error::new(error.kind(), format!("--output {}: {error}", path.display())))?,
        None => out.write_all(&bytes)?,
    }
    Ok(())
}

/// The id of a report that is named by its id or the end of it.
fn found(tx: &mut TenantTx<'_>, report: &Key<ReportId>) -> nmc_core::Result<ReportId> {
    report.find("report", |row: &ReportHead| row.id, |page| tx.reports().list(&ReportFilter::default(), page))
}

fn rendered(content: &ReportContent, args: &OpenArgs) -> nmc_core::Result<Vec<u8>> {
    match args.form {
        Form::Csv => content.to_csv(CsvOptions { spreadsheet_safe: args.spreadsheet_safe, bom: args.bom }),
        Form::Json => content.to_json(),
        Form::Pdf => content.to_pdf(Paper::usual_in(&content.zone)),
    }
}
