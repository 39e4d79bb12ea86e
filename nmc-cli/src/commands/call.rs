mod catch_up;

use crate::cli::{CallCommand, CallKey, DatabaseArgs};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::output::{Columns, time};
use nmc_core::PageRequest;
use nmc_core::calls::{Call, CallFilter};
use nmc_core::twilio::TwilioCalls;
use nmc_core::workflows::{refresh_call, refresh_call_by_sid};
use serde_json::json;
use std::process::ExitCode;

const COLUMNS: Columns<Call> = Columns {
    names: &["id", "created_at", "direction", "caller", "called", "status", "outcome", "seconds", "conversation"],
    values: |row| {
        vec![
            json!(row.id),
            time(row.created_at),
            json!(row.call_direction),
            json!(row.caller_phone),
            json!(row.called_phone),
            json!(row.call_status),
            json!(row.outcome),
            json!(row.duration_seconds),
            json!(row.conversation_id),
        ]
    },
};

const REFRESHED: Columns<Call> = Columns {
    names: &["id", "status", "outcome", "seconds", "price", "price_unit", "conversation"],
    values: |row| {
        vec![
            json!(row.id),
            json!(row.call_status),
            json!(row.outcome),
            json!(row.duration_seconds),
            json!(row.price.map(|price| price.to_string())),
            json!(row.price_unit),
            json!(row.conversation_id),
        ]
    },
};

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
        CallCommand::CatchUp { twilio, format } => catch_up::run(&store, &twilio.account("this")?, format.format)?,
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
