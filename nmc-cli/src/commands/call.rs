//! `nmc call`.

use super::call_catch_up;
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::options::{DatabaseArgs, FormatArg, PageArgs, TenantArg, TwilioArgs, one_of};
use crate::output::{Columns, time};
use clap::Subcommand;
use nmc_core::calls::{Call, CallFilter};
use nmc_core::twilio::TwilioCalls;
use nmc_core::workflows::{refresh_call, refresh_call_by_sid};
use nmc_core::{CallId, CallOutcome, CallStatus, CallerIdentity, PageRequest};
use serde_json::json;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum CallCommand {
    /// List the calls of a business, newest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those in this status
        #[arg(long, value_parser = one_of::<CallStatus>)]
        status: Option<CallStatus>,
        /// Only those with this outcome
        #[arg(long, value_parser = one_of::<CallOutcome>)]
        outcome: Option<CallOutcome>,
        /// Only those from this caller
        #[arg(long)]
        caller: Option<CallerIdentity>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Read Twilio's lists of texts and calls from where they were last read, and record what is missing, of all businesses
    CatchUp {
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Ask Twilio about a call: its end, if no callback told it, and its price. One that is not recorded yet is, if it is the
    /// business's
    Refresh {
        #[command(flatten)]
        tenant: TenantArg,
        /// The call's id, or Twilio's SID of it
        #[arg(value_name = "ID|SID")]
        call: CallKey,
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// How a call is named on the command line.
#[derive(Clone)]
pub(crate) enum CallKey {
    Id(CallId),
    Sid(String),
}

impl std::str::FromStr for CallKey {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Sid(text.to_owned()), Self::Id))
    }
}

const COLUMNS: Columns<Call> = Columns(&[
    ("id", |row| json!(row.id)),
    ("created_at", |row| time(row.created_at)),
    ("direction", |row| json!(row.call_direction)),
    ("caller", |row| json!(row.caller_phone)),
    ("called", |row| json!(row.called_phone)),
    ("status", |row| json!(row.call_status)),
    ("outcome", |row| json!(row.outcome)),
    ("seconds", |row| json!(row.duration_seconds)),
    ("conversation", |row| json!(row.conversation_id)),
]);

const REFRESHED: Columns<Call> = Columns(&[
    ("id", |row| json!(row.id)),
    ("status", |row| json!(row.call_status)),
    ("outcome", |row| json!(row.outcome)),
    ("seconds", |row| json!(row.duration_seconds)),
    ("price", |row| json!(row.price.map(|price| price.to_string()))),
    ("price_unit", |row| json!(row.price_unit)),
    ("conversation", |row| json!(row.conversation_id)),
]);

pub(crate) fn run(args: &DatabaseArgs, command: CallCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        CallCommand::Refresh { tenant: key, call, twilio, format } => {
            let directory = TwilioCalls::new(&twilio.account("this")?);
            let proof = tenant(&store, &key.tenant)?;
            let row = match call {
                CallKey::Id(id) => refresh_call(&store, &proof, &directory, id)?,
                CallKey::Sid(sid) => refresh_call_by_sid(&store, &proof, &directory, &sid)?,
            };
            REFRESHED.one(format.format, &row)?;
        }
        CallCommand::CatchUp { twilio, format } => call_catch_up::run(&store, &twilio.account("this")?, format.format)?,
        CallCommand::List { tenant: key, status, outcome, caller, page } => {
            let proof = tenant(&store, &key.tenant)?;
            let request = PageRequest::new(page.limit, page.after)?;
            let filter = CallFilter { status, outcome, caller, ..CallFilter::default() };
            let rows = store.as_operator(&proof, |tx| tx.calls().list(&filter, request))?;
            COLUMNS.page(page.format.format, &rows)?;
        }
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
