//! `nmc consent`: who may be texted.

use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::options::{DatabaseArgs, FormatArg, PageArgs, TenantArg};
use crate::output::{Columns, time};
use clap::{Subcommand, ValueEnum};
use nmc_core::access::Acting;
use nmc_core::conversations::{Consent, ConsentFilter, HeardConsent, record_consent};
use nmc_core::{ConsentAction, PhoneNumber};
use serde_json::json;
use std::process::ExitCode;

/// The name of the list, which its cursors bear.
const LIST: &str = "consents";

#[derive(Subcommand)]
pub(crate) enum ConsentCommand {
    /// List what people have decided about texts, newest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only decisions for this
        #[arg(long, value_enum)]
        action: Option<Heard>,
        /// Only decisions that count: each person's latest
        #[arg(long)]
        latest: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// List what a person has decided about texts, newest first: the first line counts
    Show {
        #[command(flatten)]
        tenant: TenantArg,
        /// The person's number, in whatever spelling
        #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        customer: PhoneNumber,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Record what a person has told staff about texts
    Record {
        #[command(flatten)]
        tenant: TenantArg,
        /// The person's number, in whatever spelling
        #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        customer: PhoneNumber,
        /// What the person has decided
        #[arg(long, value_enum)]
        action: Heard,
        /// How and when it was said, up to 1,000 characters; an opt-in needs it as its proof
        #[arg(long, required_if_eq("action", "opt-in"))]
        note: Option<String>,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// What somebody has decided.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Heard {
    /// No more texts
    OptOut,
    /// Texts are welcome
    OptIn,
}

impl From<Heard> for ConsentAction {
    fn from(heard: Heard) -> Self {
        match heard {
            Heard::OptOut => Self::OptOut,
            Heard::OptIn => Self::OptIn,
        }
    }
}

pub(super) const COLUMNS: Columns<Consent> = Columns(&[
    ("created_at", |row| time(row.created_at)),
    ("customer_phone", |row| json!(row.customer_phone)),
    ("action", |row| json!(row.action)),
    ("source", |row| json!(row.source)),
    ("keyword", |row| json!(row.keyword)),
    ("note", |row| json!(row.note)),
    ("recorded_by", |row| json!(row.recorded_by)),
    ("message", |row| json!(row.message_id)),
]);

pub(crate) fn run(args: &DatabaseArgs, command: ConsentCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        ConsentCommand::List { tenant: key, action, latest, page } => {
            let proof = tenant(&store, &key.tenant)?;
            let request = page.of(LIST)?;
            let filter = ConsentFilter { action: action.map(ConsentAction::from), latest, ..ConsentFilter::default() };
            let rows = store.as_operator(&proof, |tx| tx.consents().list(&filter, request))?;
            COLUMNS.page(LIST, page.format.format, &rows)?;
        }
        ConsentCommand::Show { tenant: key, customer, page } => {
            let proof = tenant(&store, &key.tenant)?;
            let request = page.of(LIST)?;
            let filter = ConsentFilter { customer: Some(customer), ..ConsentFilter::default() };
            let rows = store.tenant(&proof, |tx| tx.consents().list(&filter, request))?;
            COLUMNS.page(LIST, page.format.format, &rows)?;
        }
        ConsentCommand::Record { tenant: key, customer, action, note, format } => {
            let proof = tenant(&store, &key.tenant)?;
            let row = record_consent(
                &store,
                &Acting::Operator(proof),
                &HeardConsent { customer_phone: customer, action: action.into(), note },
            )?;
            COLUMNS.one(format.format, &row)?;
        }
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
