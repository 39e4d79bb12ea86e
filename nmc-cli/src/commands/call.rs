use crate::cli::{CallCommand, DatabaseArgs};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::output::{Columns, time};
use nmc_core::PageRequest;
use nmc_core::calls::{Call, CallFilter};
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

pub(crate) fn run(args: &DatabaseArgs, command: CallCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    let CallCommand::List { tenant: key, status, outcome, caller, page } = command;
    let proof = tenant(&store, &key.tenant)?;
    let request = PageRequest::new(page.limit, page.after)?;
    let filter = CallFilter { status, outcome, caller, ..CallFilter::default() };
    let rows = store.tenant(&proof, |tx| tx.calls().list(&filter, request))?;
    COLUMNS.page(page.format.format, &rows)?;
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
