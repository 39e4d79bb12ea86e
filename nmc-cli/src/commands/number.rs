use crate::cli::{DatabaseArgs, NumberCommand};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::output::{Columns, time};
use nmc_core::numbers::{HeldNumber, NewPhoneNumber, NumberFilter};
use nmc_core::{NumberType, PageRequest};
use serde_json::json;
use std::process::ExitCode;

pub(crate) const COLUMNS: Columns<HeldNumber> = Columns {
    names: &["id", "phone_number", "status", "number_type", "area_code", "locality", "twilio_phone_sid", "created_at"],
    values: |row| {
        vec![
            json!(row.id),
            json!(row.phone_number),
            json!(row.status),
            json!(row.number_type),
            json!(row.area_code),
            json!(row.locality),
            json!(row.twilio_phone_sid),
            time(row.created_at),
        ]
    },
};

pub(crate) fn run(args: &DatabaseArgs, command: NumberCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        NumberCommand::Add { tenant: key, number, sid, format } => {
            let proof = tenant(&store, &key.tenant)?;
            let new = NewPhoneNumber {
                phone_number: number,
                twilio_phone_sid: Some(sid),
                locality: None,
                region: None,
                number_type: NumberType::Local,
            };
            let row = store.tenant(&proof, |tx| tx.phone_numbers().create(&new))?;
            COLUMNS.one(format.format, &row)?;
        }
        NumberCommand::List { tenant: key, status, page } => {
            let proof = tenant(&store, &key.tenant)?;
            let request = PageRequest::new(page.limit, page.after)?;
            let filter = NumberFilter { status, ..NumberFilter::default() };
            let rows = store.tenant(&proof, |tx| tx.phone_numbers().list(&filter, request))?;
            COLUMNS.page(page.format.format, &rows)?;
        }
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
