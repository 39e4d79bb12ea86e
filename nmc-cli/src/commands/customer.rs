//! `nmc customer`.

use super::conversation_list::Listed;
use super::export::OutputArg;
use super::message_search::as_typed;
use super::{call_list, consent, conversation_list, export};
use crate::confirm::confirmed;
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::options::{DatabaseArgs, Format, FormatArg, PageArgs, TenantArg, UploadsArg, first_with_rows};
use crate::output::{Columns, counted, section, write_json};
use clap::Subcommand;
use nmc_core::access::Acting;
use nmc_core::conversations::{ConversationFilter, Search};
use nmc_core::workflows::{self, Customer, Erased, Export, erase_customer};
use nmc_core::{Page, PhoneNumber, Store, Uploads};
use serde_json::{Value, json};
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum CustomerCommand {
    /// Show all that is known about a customer: the latest conversations, calls and decisions about texts
    Show {
        #[command(flatten)]
        tenant: TenantArg,
        /// The customer's number, with its + and country
        #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        customer: PhoneNumber,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Export all that the business has about a customer, as JSON lines: `record` says what each is, and the last one of a whole export is
    /// an `end`
    Export {
        #[command(flatten)]
        tenant: TenantArg,
        /// The customer's number, with its + and country
        #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        customer: PhoneNumber,
        #[command(flatten)]
        output: OutputArg,
    },
    /// Delete a customer's conversations, texts and calls for good. Their decisions about being texted stay, so that nobody texts them
    /// again
    Delete {
        #[command(flatten)]
        tenant: TenantArg,
        /// The customer's number, with its + and country
        #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        customer: PhoneNumber,
        #[command(flatten)]
        uploads: UploadsArg,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Search for customers by name or number: their conversations, newest first
    Search {
        #[command(flatten)]
        tenant: TenantArg,
        /// Words of the name, all of them; the last one may be only begun, from 3 letters on. Or how the number begins, from 3 digits
        /// on
        #[arg(value_name = "WORD", required = true)]
        words: Vec<String>,
        #[command(flatten)]
        page: PageArgs,
    },
}

/// All that is known about somebody, with the people who look after their conversations.
struct Shown {
    customer: Customer,
    conversations: Vec<Listed>,
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
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        CustomerCommand::Show { tenant: key, customer, format } => show(&store, &key, &customer, format.format)?,
        CustomerCommand::Export { tenant: key, customer, output } => {
            let proof = tenant(&store, &key.tenant)?;
            export::run(&store, &proof, |tx| Export::of_customer(tx, &customer), &output)?;
        }
        CustomerCommand::Delete { tenant: key, customer, uploads, yes } => {
            delete(&store, &key, &customer, &uploads.place(&database.home()?), yes)?;
        }
        CustomerCommand::Search { tenant: key, words, page } => search(&store, &key, &words, &page)?,
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn show(store: &Store, key: &TenantArg, customer: &PhoneNumber, format: Format) -> CliResult<()> {
    let row = read(store, key, customer)?;
    match format {
        Format::Json => {
            let mut document = CUSTOMER.json(&row);
            if let Value::Object(fields) = &mut document {
                let conversations = row.conversations.iter().map(|row| conversation_list::COLUMNS.json(row)).collect();
                fields.insert("conversations".to_owned(), conversations);
                fields.insert("calls".to_owned(), row.customer.calls.iter().map(|row| call_list::COLUMNS.json(row)).collect());
                fields
                    .insert("consents".to_owned(), row.customer.consents.iter().map(|row| consent::COLUMNS.json(row)).collect());
            }
            write_json(&document)
        }
        Format::Table => {
            CUSTOMER.one(Format::Table, &row)?;
            section("conversations", &conversation_list::COLUMNS, conversation_list::KEPT, &row.conversations)?;
            section("calls", &call_list::COLUMNS, call_list::KEPT_OF_BEGUN, &row.customer.calls)?;
            section("consents", &consent::COLUMNS, &[], &row.customer.consents)
        }
    }
}

fn delete(store: &Store, key: &TenantArg, customer: &PhoneNumber, uploads: &Uploads, yes: bool) -> CliResult<()> {
    let proof = tenant(store, &key.tenant)?;
    let yes = confirmed(
        yes,
        &format!(
            "this deletes all conversations, texts and calls of {customer}, for good; their decisions about being texted stay, and what Twilio and backups have"
        ),
    )?;
    let gone = erase_customer(store, &Acting::Operator(proof), customer, uploads, yes)?;
    tell_erased(gone);
    Ok(())
}

/// Says what was deleted.
pub(super) fn tell_erased(gone: Erased) {
    let (conversations, texts) = (counted(&gone.conversations, "conversation"), counted(&gone.texts, "text"));
    eprintln!("deleted: {conversations}, {texts}, {}", counted(&gone.calls, "call"));
}

fn search(store: &Store, key: &TenantArg, words: &[String], args: &PageArgs) -> CliResult<()> {
    let search = Search::new(&words.join(" ")).map_err(as_typed)?;
    let proof = tenant(store, &key.tenant)?;
    let first = args.of(conversation_list::LIST)?;
    let find = |page| {
        store.as_operator(&proof, |tx| {
            let rows = tx.conversations().search(&search, &ConversationFilter::default(), page)?;
            conversation_list::listed(tx, rows)
        })
    };
    let rows = first_with_rows(first, find).map_err(as_typed)?;
    conversation_list::COLUMNS.page_keeping(conversation_list::KEPT, conversation_list::LIST, args.format.format, &rows)
}

fn read(store: &Store, key: &TenantArg, customer: &PhoneNumber) -> CliResult<Shown> {
    let proof = tenant(store, &key.tenant)?;
    Ok(store.as_operator(&proof, |tx| {
        let mut customer = workflows::customer(tx, customer)?;
        let rows = Page { items: std::mem::take(&mut customer.conversations), next: None };
        Ok(Shown { conversations: conversation_list::listed(tx, rows)?.items, customer })
    })?)
}
