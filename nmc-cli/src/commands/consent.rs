use crate::cli::{ConsentCommand, DatabaseArgs, Heard};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::output::{Columns, time};
use nmc_core::access::Acting;
use nmc_core::conversations::{Consent, ConsentFilter, HeardConsent, record_consent};
use nmc_core::{ConsentAction, PageRequest};
use serde_json::json;
use std::process::ExitCode;

const COLUMNS: Columns<Consent> = Columns {
    names: &["created_at", "customer_phone", "action", "source", "keyword", "note", "recorded_by", "message"],
    values: |row| {
        vec![
            time(row.created_at),
            json!(row.customer_phone),
            json!(row.action),
            json!(row.source),
            json!(row.keyword),
            json!(row.note),
            json!(row.recorded_by),
            json!(row.message_id),
        ]
    },
};

pub(crate) fn run(args: &DatabaseArgs, command: ConsentCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        ConsentCommand::Show { tenant: key, customer, page } => {
            let proof = tenant(&store, &key.tenant)?;
            let request = PageRequest::new(page.limit, page.after)?;
            let filter = ConsentFilter { customer: Some(customer), ..ConsentFilter::default() };
            let rows = store.as_operator(&proof, |tx| tx.consents().list(&filter, request))?;
            COLUMNS.page(page.format.format, &rows)?;
        }
        ConsentCommand::Record { tenant: key, customer, action, note, format } => {
            let action = match action {
                Heard::OptOut => ConsentAction::OptOut,
                Heard::OptIn => ConsentAction::OptIn,
            };
            let proof = tenant(&store, &key.tenant)?;
            let row = record_consent(&store, &Acting::Operator(proof), &HeardConsent { customer_phone: customer, action, note })?;
            COLUMNS.one(format.format, &row)?;
        }
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
