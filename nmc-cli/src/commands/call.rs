//! `nmc call`.

use super::call_catch_up;
use super::call_edit::{self, EditArgs, MetadataCommand, OutcomeArgs};
use super::call_import::{self, ImportArgs};
use super::call_list::{self, ListArgs};
use super::call_participant::{self, ParticipantCommand};
use super::call_show::{self, ShowArgs};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::options::id::{by_end, end_of_id};
use crate::options::{DatabaseArgs, FormatArg, TenantArg, TwilioArgs};
use crate::output::Columns;
use clap::Subcommand;
use nmc_core::calls::{Call, CallFilter};
use nmc_core::twilio::TwilioCalls;
use nmc_core::workflows::{refresh_call, refresh_call_by_sid};
use nmc_core::{CallId, Error, TenantTx};
use serde_json::json;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum CallCommand {
    /// List the calls of a business, newest first
    List(Box<ListArgs>),
    /// Show a call: its parties, what else is known about it, and the texts that answered it
    Show(ShowArgs),
    /// Put the outcome of a call that has ended right
    Outcome(OutcomeArgs),
    /// Correct what is known about a call
    Edit(Box<EditArgs>),
    /// Note a fact about a call, or forget it
    Metadata {
        #[command(subcommand)]
        command: MetadataCommand,
    },
    /// Record who joins a call, and who leaves it
    Participant {
        #[command(subcommand)]
        command: ParticipantCommand,
    },
    /// Take in a log of older calls, in CSV or JSON lines: nobody is texted, and no conversation is opened
    Import(ImportArgs),
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
        /// The call's id or the end of it, or Twilio's SID of it
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

impl CallKey {
    /// The call that the key names: its id, unless nobody here knows the SID.
    pub(super) fn known(&self, tx: &mut TenantTx<'_>) -> nmc_core::Result<Option<CallId>> {
        let sid = match self {
            Self::Id(id) => return Ok(Some(*id)),
            Self::Sid(sid) => sid,
        };
        if let Some(call) = tx.calls().find_by_sid(sid)? {
            return Ok(Some(call.id));
        }
        let Some(end) = end_of_id(sid) else { return Ok(None) };
        match by_end("call", &end, |call: &Call| call.id, |page| tx.calls().list(&CallFilter::default(), page)) {
            Err(Error::NotFound { .. }) => Ok(None),
            found => found.map(Some),
        }
    }
}

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
            let row = match (store.as_operator(&proof, |tx| call.known(tx))?, call) {
                (Some(id), _) | (None, CallKey::Id(id)) => refresh_call(&store, &proof, &directory, id)?,
                (None, CallKey::Sid(sid)) => refresh_call_by_sid(&store, &proof, &directory, &sid)?,
            };
            REFRESHED.one(format.format, &row)?;
        }
        CallCommand::CatchUp { twilio, format } => call_catch_up::run(&store, &twilio.account("this")?, format.format)?,
        CallCommand::List(args) => call_list::run(&store, &args)?,
        CallCommand::Show(args) => call_show::run(&store, &args)?,
        CallCommand::Outcome(args) => call_edit::set_outcome(&store, &args)?,
        CallCommand::Edit(args) => call_edit::edit(&store, &args)?,
        CallCommand::Metadata { command } => call_edit::metadata(&store, &command)?,
        CallCommand::Participant { command } => call_participant::run(&store, &command)?,
        CallCommand::Import(args) => return call_import::run(database, store, &args),
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
