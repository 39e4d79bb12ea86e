//! `nmc customer`.

use super::{call_list, consent, conversation_list};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::options::{DatabaseArgs, Format, FormatArg, TenantArg};
use crate::output::{Columns, section, write_json};
use clap::Subcommand;
use nmc_core::calls::{Call, CallFilter};
use nmc_core::conversations::{Consent, ConsentFilter, ConversationFilter};
use nmc_core::{CallerIdentity, Error, PageRequest, PhoneNumber, Store};
use serde_json::{Value, json};
use std::process::ExitCode;

/// How much of each kind is shown; the lists have the rest.
const LATEST: u16 = 20;

/// As far as their conversations and calls are counted.
const MOST_COUNTED: u16 = 10_000;

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

/// All that is known about somebody.
struct Customer {
    phone: PhoneNumber,
    is_opted_out: bool,
    conversation_count: i64,
    call_count: i64,
    conversations: Vec<conversation_list::Listed>,
    calls: Vec<Call>,
    consents: Vec<Consent>,
}

const CUSTOMER: Columns<Customer> = Columns(&[
    ("customer_phone", |row| json!(row.phone)),
    // As their latest conversation that knows it has it.
    ("customer_name", |row| json!(row.conversations.iter().find_map(|listed| listed.row.conversation.customer_name.as_deref()))),
    ("is_opted_out", |row| json!(row.is_opted_out)),
    ("conversation_count", |row| json!(row.conversation_count)),
    ("call_count", |row| json!(row.call_count)),
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
                fields.insert("calls".to_owned(), row.calls.iter().map(|row| call_list::COLUMNS.json(row)).collect());
                fields.insert("consents".to_owned(), row.consents.iter().map(|row| consent::COLUMNS.json(row)).collect());
            }
            write_json(&document)?;
        }
        Format::Table => {
            CUSTOMER.one(Format::Table, &row)?;
            section("conversations", &conversation_list::COLUMNS, conversation_list::KEPT, row.conversations)?;
            section("calls", &call_list::COLUMNS, call_list::KEPT, row.calls)?;
            section("consents", &consent::COLUMNS, &[], row.consents)?;
        }
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn read(store: &Store, key: &TenantArg, customer: &PhoneNumber) -> CliResult<Customer> {
    let proof = tenant(store, &key.tenant)?;
    let identity = CallerIdentity::Phone(customer.clone());
    let of_calls = CallFilter { caller: Some(identity.clone()), ..CallFilter::default() };
    let of_conversations = ConversationFilter { customer: Some(identity), ..ConversationFilter::default() };
    let of_consents = ConsentFilter { customer: Some(customer.clone()), ..ConsentFilter::default() };
    let latest = PageRequest::new(LATEST, None)?;
    Ok(store.as_operator(&proof, |tx| {
        let rows = tx.conversations().list_with_last_text(&of_conversations, latest)?;
        let conversations = conversation_list::listed(tx, rows)?.items;
        let calls = tx.calls().list(&of_calls, latest)?.items;
        let consents = tx.consents().list(&of_consents, latest)?.items;
        if conversations.is_empty() && calls.is_empty() && consents.is_empty() {
            return Err(Error::NotFound { entity: "customer" });
        }
        Ok(Customer {
            phone: customer.person(),
            is_opted_out: tx.consents().is_opted_out(customer)?,
            conversation_count: tx.conversations().count_up_to(MOST_COUNTED, &of_conversations)?,
            call_count: tx.calls().count_up_to(MOST_COUNTED, &of_calls)?,
            conversations,
            calls,
            consents,
        })
    })?)
}
