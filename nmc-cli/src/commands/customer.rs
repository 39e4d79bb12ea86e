//! `nmc customer`.

use super::{call_list, consent, conversation_list};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::options::{DatabaseArgs, Format, FormatArg, TenantArg};
use crate::output::{Columns, section, write_json};
use clap::Subcommand;
use nmc_core::workflows::{self, Customer};
use nmc_core::{Page, PhoneNumber, Store};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum CustomerCommand {
    /// Show all that is known about a customer: the latest conversations, calls and decisions about texts
    Show {
        #[command(flatten)]
        tenant: TenantArg,
        /// The customer's number, in whatever spelling
        #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        customer: PhoneNumber,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// All that is known about somebody, with the people who look after their conversations.
struct Shown {
    customer: Customer,
    conversations: Vec<conversation_list::Listed>,
}

const CUSTOMER: Columns<Shown> = Columns(&[
    ("customer_phone", |row| json!(row.customer.phone)),
    ("customer_name", |row| json!(row.customer.name)),
    ("is_opted_out", |row| json!(row.customer.is_opted_out)),
    ("conversation_count", |row| json!(row.customer.conversation_count)),
    ("call_count", |row| json!(row.customer.call_count)),
    ("calls_without_conversation", |row| json!(row.customer.calls_without_conversation)),
]);

pub(crate) fn run(args: &DatabaseArgs, command: CustomerCommand) -> CliResult {
    let CustomerCommand::Show { tenant, customer, format } = command;
    let database = Database::open(args)?;
    let store = database.store()?;
    let row = read(&store, &tenant, &customer)?;
    match format.format {
        Format::Json => {
            let mut document = CUSTOMER.json(&row);
            if let Value::Object(fields) = &mut document {
                let conversations = row.conversations.iter().map(|row| conversation_list::COLUMNS.json(row)).collect();
                fields.insert("conversations".to_owned(), conversations);
                fields.insert("calls".to_owned(), row.customer.calls.iter().map(|row| call_list::COLUMNS.json(row)).collect());
                fields
                    .insert("consents".to_owned(), row.customer.consents.iter().map(|row| consent::COLUMNS.json(row)).collect());
            }
            write_json(&document)?;
        }
        Format::Table => {
            CUSTOMER.one(Format::Table, &row)?;
            section("conversations", &conversation_list::COLUMNS, conversation_list::KEPT, &row.conversations)?;
            section("calls", &call_list::COLUMNS, call_list::KEPT_OF_BEGUN, &row.customer.calls)?;
            section("consents", &consent::COLUMNS, &[], &row.customer.consents)?;
        }
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn read(store: &Store, key: &TenantArg, customer: &PhoneNumber) -> CliResult<Shown> {
    let proof = tenant(store, &key.tenant)?;
    Ok(store.as_operator(&proof, |tx| {
        let mut customer = workflows::customer(tx, customer)?;
        let rows = Page { items: std::mem::take(&mut customer.conversations), next: None };
        Ok(Shown { conversations: conversation_list::listed(tx, rows)?.items, customer })
    })?)
}
