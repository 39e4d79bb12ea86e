//! `nmc call list`.

use crate::database::business;
use crate::error::CliResult;
use crate::options::conversation::ConversationKey;
use crate::options::moment::SpanArgs;
use crate::options::party::party;
use crate::options::{PageArgs, TenantArg, one_of};
use crate::output::{Columns, Kept, time};
use chrono::DateTime;
use clap::Args;
use nmc_core::calls::{Call, CallFilter};
use nmc_core::{CallDirection, CallOutcome, CallStatus, CallerIdentity, PhoneNumber, Store};
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
    /// Only those of this conversation, by its id or its customer's number
    #[arg(long, value_name = "ID|NUMBER")]
    conversation: Option<ConversationKey>,
    /// Only those that are still going on
    #[arg(long)]
    active: bool,
    /// Go by when a call began, not by when it was recorded: they differ for imported calls. --from and --to, too
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
    ("caller_name", |row| json!(row.caller_name)),
]);

const KEPT: Kept = &["id", "created_at", "caller", "outcome", "caller_name", "status"];

/// Of calls that are found by when they began.
pub(super) const KEPT_OF_BEGUN: Kept = &["id", "started_at", "caller", "outcome", "caller_name", "status"];

pub(super) fn run(store: &Store, args: &ListArgs) -> CliResult<()> {
    let (tenant, zone) = business(store, &args.tenant.tenant)?;
    let list = if args.began { "calls by their beginning" } else { "calls" };
    let page = args.page.of(list)?;
    let span = args.span.instants(zone)?;
    let conversation = args.conversation.as_ref().map(|key| key.find(store, &tenant)).transpose()?;
    let filter = CallFilter {
        conversation,
        status: args.status,
        outcome: args.outcome,
        direction: args.direction,
        caller: args.caller.clone(),
        called: args.called.clone(),
        active: args.active.then_some(true),
        ..CallFilter::default()
    };
    let filter = if args.began {
        // Without a span, all that ever began: the filter is what puts them in the order in which they did.
        let from = span.from.or(span.until.is_none().then_some(DateTime::UNIX_EPOCH));
        CallFilter { started_from: from, started_until: span.until, ..filter }
    } else {
        CallFilter { from: span.from, until: span.until, ..filter }
    };
    let rows = store.as_operator(&tenant, |tx| {
        // An id that is not there is a mistake, and no conversation without calls.
        conversation.map(|id| tx.conversations().get(id)).transpose()?;
        tx.calls().list(&filter, page)
    })?;
    COLUMNS.page_keeping(if args.began { KEPT_OF_BEGUN } else { KEPT }, list, args.page.format.format, &rows)
}
