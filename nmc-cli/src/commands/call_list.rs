//! `nmc call list`.

use crate::database::business;
use crate::error::{CliError, CliResult};
use crate::options::moment::SpanArgs;
use crate::options::party::party;
use crate::options::{PageArgs, TenantArg, one_of};
use crate::output::{Columns, time};
use clap::Args;
use nmc_core::calls::{Call, CallFilter};
use nmc_core::{CallDirection, CallOutcome, CallStatus, CallerIdentity, PageRequest, PhoneNumber, Store};
use serde_json::json;

/// Which calls.
#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Only those in this status
    #[arg(long, value_parser = one_of(CallStatus::ALL, CallStatus::label))]
    status: Option<CallStatus>,
    /// Only those with this outcome
    #[arg(long, value_parser = one_of(CallOutcome::ALL, CallOutcome::label))]
    outcome: Option<CallOutcome>,
    /// Only those this way
    #[arg(long, value_parser = one_of(CallDirection::ALL, CallDirection::label))]
    direction: Option<CallDirection>,
    /// Only those from this caller, in whatever spelling
    #[arg(long, value_name = "NUMBER", value_parser = party)]
    caller: Option<CallerIdentity>,
    /// Only those to this number of the business
    #[arg(long, value_name = "NUMBER", value_parser = PhoneNumber::typed)]
    called: Option<PhoneNumber>,
    /// Only those that are still going on
    #[arg(long)]
    active: bool,
    /// Take --from and --to as when a call began, not as when it was recorded: they differ for imported calls
    #[arg(long)]
    began: bool,
    #[command(flatten)]
    span: SpanArgs,
    #[command(flatten)]
    page: PageArgs,
}

pub(super) const COLUMNS: Columns<Call> = Columns(&[
    ("id", |row| json!(row.id)),
    ("created_at", |row| time(row.created_at)),
    ("direction", |row| json!(row.call_direction)),
    ("caller", |row| json!(row.caller_phone)),
    ("called", |row| json!(row.called_phone)),
    ("status", |row| json!(row.call_status)),
    ("outcome", |row| json!(row.outcome)),
    ("seconds", |row| json!(row.duration_seconds)),
    ("conversation", |row| json!(row.conversation_id)),
    ("started_at", |row| json!(row.started_at.map(time))),
]);

pub(super) fn run(store: &Store, args: &ListArgs) -> CliResult<()> {
    let (tenant, zone) = business(store, &args.tenant.tenant)?;
    let page = PageRequest::new(args.page.limit, args.page.after)?;
    let span = args.span.instants(zone)?;
    if args.began && span.from.or(span.until).is_none() {
        return Err(CliError::Usage("--began says how --from and --to are meant: give one of them".to_owned()));
    }
    let filter = CallFilter {
        status: args.status,
        outcome: args.outcome,
        direction: args.direction,
        caller: args.caller.clone(),
        called: args.called.clone(),
        active: args.active.then_some(true),
        ..CallFilter::default()
    };
    let filter = if args.began {
        CallFilter { started_from: span.from, started_until: span.until, ..filter }
    } else {
        CallFilter { from: span.from, until: span.until, ..filter }
    };
    let rows = store.as_operator(&tenant, |tx| tx.calls().list(&filter, page))?;
    COLUMNS.page(args.page.format.format, &rows)
}
