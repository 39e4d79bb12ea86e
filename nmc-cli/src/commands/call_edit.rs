//! `nmc call outcome`, `edit` and `metadata`: what people know about a call that its provider does not.

use super::call::CallKey;
use super::call_show::{CALL, METADATA};
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::{FormatArg, TenantArg, change, one_of};
use clap::{Args, Subcommand};
use nmc_core::calls::{CallPatch, MetadataValue};
use nmc_core::{CallId, CallOutcome, Error, Result, Store, TenantTx};

/// Which call.
#[derive(Args)]
pub(crate) struct CallArgs {
    #[command(flatten)]
    pub(super) tenant: TenantArg,
    /// The call's id or the end of it, or Twilio's SID of it
    #[arg(value_name = "ID|SID")]
    call: CallKey,
    #[command(flatten)]
    pub(super) format: FormatArg,
}

impl CallArgs {
    /// The call that is meant, which is the business's.
    pub(super) fn get(&self, tx: &mut TenantTx<'_>) -> Result<CallId> {
        let id = self.call.known(tx)?.ok_or(Error::NotFound { entity: "call" })?;
        Ok(tx.calls().get(id)?.id)
    }
}

/// The outcome of which call.
#[derive(Args)]
pub(crate) struct OutcomeArgs {
    #[command(flatten)]
    target: CallArgs,
    /// What came of it
    #[arg(value_parser = one_of(CallOutcome::ALL, CallOutcome::label))]
    outcome: CallOutcome,
}

/// What is known about which call.
#[derive(Args)]
pub(crate) struct EditArgs {
    #[command(flatten)]
    target: CallArgs,
    #[command(flatten)]
    changes: Changes,
}

/// What changes; an empty text takes away what was known.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// The caller's name, up to 255 characters; empty for none
    #[arg(long, value_name = "NAME")]
    caller_name: Option<String>,
    /// The caller's city, up to 100 characters; empty for none
    #[arg(long, value_name = "CITY")]
    caller_city: Option<String>,
    /// The caller's state or province, up to 50 characters; empty for none
    #[arg(long, value_name = "STATE")]
    caller_state: Option<String>,
    /// The caller's country, up to 3 characters; empty for none
    #[arg(long, value_name = "COUNTRY")]
    caller_country: Option<String>,
    /// Why the call ended, up to 100 characters; empty for none
    #[arg(long, value_name = "TEXT")]
    disconnect_reason: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum MetadataCommand {
    /// Note a fact about a call, in place of the one of this name
    Set {
        #[command(flatten)]
        target: CallArgs,
        /// The name of the fact, up to 100 characters
        key: String,
        /// The fact
        value: String,
        /// The fact is JSON: a number, true, false or a document of up to 64 KiB, and not a text
        #[arg(long)]
        json: bool,
    },
    /// Forget a fact about a call
    Remove {
        #[command(flatten)]
        target: CallArgs,
        /// The name of the fact
        key: String,
    },
}

pub(super) fn set_outcome(store: &Store, args: &OutcomeArgs) -> CliResult<()> {
    let proof = tenant(store, &args.target.tenant.tenant)?;
    let row = store.as_operator(&proof, |tx| {
        let id = args.target.get(tx)?;
        tx.calls().set_outcome(id, args.outcome)
    })?;
    CALL.one(args.target.format.format, &row)
}

pub(super) fn edit(store: &Store, args: &EditArgs) -> CliResult<()> {
    let changes = &args.changes;
    let patch = CallPatch {
        caller_name: change(changes.caller_name.as_deref()),
        caller_city: change(changes.caller_city.as_deref()),
        caller_state: change(changes.caller_state.as_deref()),
        caller_country: change(changes.caller_country.as_deref()),
        disconnect_reason: change(changes.disconnect_reason.as_deref()),
        ..CallPatch::default()
    };
    let proof = tenant(store, &args.target.tenant.tenant)?;
    let row = store.as_operator(&proof, |tx| {
        let id = args.target.get(tx)?;
        tx.calls().update(id, &patch)
    })?;
    CALL.one(args.target.format.format, &row)
}

pub(super) fn metadata(store: &Store, command: &MetadataCommand) -> CliResult<()> {
    match command {
        MetadataCommand::Set { target, key, value, json } => {
            let value = if *json { MetadataValue::of_json(value) } else { Ok(MetadataValue::String(value.clone())) };
            let named = |error: Error| error.renamed(&[("metadata_key", "KEY"), ("metadata_value", "VALUE")]);
            let value = value.map_err(named)?;
            let proof = tenant(store, &target.tenant.tenant)?;
            let row = store.as_operator(&proof, |tx| {
                let id = target.get(tx)?;
                tx.call_metadata().put(id, key, &value)
            });
            METADATA.one(target.format.format, &row.map_err(named)?)
        }
        MetadataCommand::Remove { target, key } => {
            let proof = tenant(store, &target.tenant.tenant)?;
            store.as_operator(&proof, |tx| {
                let id = target.get(tx)?;
                tx.call_metadata().delete(id, key)
            })?;
            eprintln!("removed");
            Ok(())
        }
    }
}
