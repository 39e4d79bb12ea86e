//! `nmc job`: the jobs of analytics.

use crate::database::{Database, business, tenant};
use crate::error::{CliError, CliResult};
use crate::options::id::Key;
use crate::options::moment::SpanArgs;
use crate::options::{DatabaseArgs, FormatArg, PageArgs, TenantArg, one_of};
use crate::output::{Columns, Kept, time};
use clap::{Args, Subcommand};
use nmc_core::analytics::{Job, JobFilter};
use nmc_core::{Error, JobId, JobStatus, JobType, Result, Store, TenantTx};
use serde_json::json;
use std::process::ExitCode;

/// The name of the list, which its cursors bear.
const LIST: &str = "jobs";

#[derive(Subcommand)]
pub(crate) enum JobCommand {
    /// List the jobs of a business, newest first
    List(ListArgs),
    /// Have a job that failed done once more
    Retry(JobArgs),
    /// Call off a job that no worker has begun
    Cancel(JobArgs),
}

/// Which jobs.
#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Only those in this status
    #[arg(long, value_parser = one_of(JobStatus::ALL, JobStatus::label))]
    status: Option<JobStatus>,
    /// Only those that are pending or processing
    #[arg(long, conflicts_with = "status")]
    open: bool,
    /// Only those of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = one_of(JobType::ALL, JobType::label))]
    kind: Option<JobType>,
    #[command(flatten)]
    span: SpanArgs,
    #[command(flatten)]
    page: PageArgs,
}

/// Which job of which business.
#[derive(Args)]
pub(crate) struct JobArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// The job's id or the end of it
    #[arg(value_name = "ID")]
    job: Key<JobId>,
    #[command(flatten)]
    format: FormatArg,
}

const COLUMNS: Columns<Job> = Columns(&[
    ("id", |row| json!(row.id)),
    ("created_at", |row| time(row.created_at)),
    ("type", |row| json!(row.job_type)),
    ("status", |row| json!(row.status)),
    ("progress", |row| json!(row.progress)),
    ("attempts", |row| json!(row.attempts)),
    ("max_attempts", |row| json!(row.max_attempts)),
    ("next_attempt_at", |row| json!((!row.status.is_terminal()).then(|| time(row.next_attempt_at)))),
    ("completed_at", |row| json!(row.completed_at.map(time))),
    ("error_message", |row| json!(row.error_message)),
    ("parameters", |row| row.parameters.clone()),
    ("result", |row| json!(row.result)),
]);

const KEPT: Kept = &["id", "type", "status", "progress", "error_message", "created_at"];

pub(crate) fn run(args: &DatabaseArgs, command: &JobCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        JobCommand::List(args) => list(&store, args),
        JobCommand::Retry(args) => step(&store, args, "one that has failed can be tried again", |tx, id| tx.jobs().retry(id)),
        JobCommand::Cancel(args) => {
            step(&store, args, "one that waits can be canceled", |tx, id| tx.jobs().cancel(id, "it was canceled"))
        }
    }?;
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn list(store: &Store, args: &ListArgs) -> CliResult<()> {
    let (proof, zone) = business(store, &args.tenant.tenant)?;
    let page = args.page.of(LIST)?;
    let span = args.span.instants(zone)?;
    let filter = JobFilter {
        status: args.status,
        open: args.open.then_some(true),
        job_type: args.kind,
        from: span.from,
        until: span.until,
    };
    let rows = store.as_operator(&proof, |tx| tx.jobs().list(&filter, page))?;
    COLUMNS.page_keeping(KEPT, LIST, args.page.format.format, &rows)
}

fn step(store: &Store, args: &JobArgs, rule: &str, work: impl Fn(&mut TenantTx<'_>, JobId) -> Result<Job>) -> CliResult<()> {
    let proof = tenant(store, &args.tenant.tenant)?;
    let row = store.as_operator(&proof, |tx| {
        let id = args.job.find("job", |row: &Job| row.id, |page| tx.jobs().list(&JobFilter::default(), page))?;
        work(tx, id)
    });
    let row = row.map_err(|error| match error {
        Error::InvalidTransition { from, .. } => CliError::Usage(format!("the job is {from}: {rule}")),
        error => error.into(),
    })?;
    COLUMNS.one(args.format.format, &row)
}
