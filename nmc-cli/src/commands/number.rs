//! `nmc number`.

use super::number_add::{self, AddArgs};
use super::number_buy::{self, BuyArgs};
use super::number_configure::{self, ConfigureArgs};
use super::number_costs::{self, CostsArgs};
use super::number_reconcile::{self, ReconcileArgs};
use super::number_release::{self, ReleaseArgs};
use super::number_search::{self, SearchArgs};
use crate::database::{Database, tenant};
use crate::error::{CliError, CliResult};
use crate::options::{DatabaseArgs, FormatArg, PageArgs, TenantArg, TwilioArgs, one_of};
use crate::output::{Columns, time};
use clap::{Args, Subcommand};
use nmc_core::access::Acting;
use nmc_core::numbers::{HeldNumber, NumberFilter, Provisioner, ProvisioningConfig};
use nmc_core::twilio::{TwilioConfig, TwilioNumbers};
use nmc_core::{Error, NumberStatus, PhoneNumber, PhoneNumberId, Store, TenantTx};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;

/// The name of the list, which its cursors bear.
pub(super) const LIST: &str = "numbers";

#[derive(Subcommand)]
pub(crate) enum NumberCommand {
    /// Search for numbers for sale
    Search(SearchArgs),
    /// Buy a number: this one, or the first for sale that meets the criteria; an order that failed is taken up again
    Buy(BuyArgs),
    /// Add a number that the Twilio account owns already
    Add(AddArgs),
    /// Ask Twilio for a number's SID, and put its row right: after a SID was written down wrong. Twilio's side stays as it is
    Repair {
        #[command(flatten)]
        tenant: TenantArg,
        /// The number that is held
        #[arg(value_name = "ID|E.164")]
        number: NumberKey,
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// List the numbers of a business, newest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those in this status
        #[arg(long, value_parser = one_of(NumberStatus::ALL, NumberStatus::label))]
        status: Option<NumberStatus>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a number: how far it is, its webhooks, its costs
    Show {
        #[command(flatten)]
        tenant: TenantArg,
        /// The number that is held, or any row's id
        #[arg(value_name = "ID|E.164")]
        number: NumberKey,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Tell Twilio a number's webhooks again: after the server has moved
    Configure(ConfigureArgs),
    /// Give a number back to Twilio, or call off an order; its row stays
    Release(ReleaseArgs),
    /// Compare Twilio's numbers with everybody's here, adopt and give back what can be, and report the rest
    Reconcile(ReconcileArgs),
    /// What the numbers of a business have cost, month by month, newest first
    Costs(CostsArgs),
}

impl NumberCommand {
    /// The Twilio account that the subcommand works with, if it may need one.
    pub(crate) const fn twilio(&mut self) -> Option<&mut TwilioArgs> {
        match self {
            Self::Search(SearchArgs { twilio, .. })
            | Self::Buy(BuyArgs { twilio, .. })
            | Self::Add(AddArgs { twilio, .. })
            | Self::Repair { twilio, .. }
            | Self::Configure(ConfigureArgs { twilio, .. })
            | Self::Release(ReleaseArgs { twilio, .. })
            | Self::Reconcile(ReconcileArgs { twilio, .. }) => Some(twilio),
            Self::List { .. } | Self::Show { .. } | Self::Costs(_) => None,
        }
    }
}

/// How something is done that costs money or can't be had back.
#[derive(Args)]
pub(crate) struct HowArgs {
    /// Don't ask
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Seconds to wait for Twilio; a worker goes on with what is not done by then
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(0..=3600))]
    pub(crate) wait: u16,
}

/// How a number is named on the command line.
#[derive(Clone)]
pub(crate) enum NumberKey {
    Id(PhoneNumberId),
    Number(PhoneNumber),
}

impl std::str::FromStr for NumberKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Id).or_else(|_| PhoneNumber::typed(text).map(Self::Number))
    }
}

pub(crate) const COLUMNS: Columns<HeldNumber> = Columns(&[
    ("id", |row| json!(row.id)),
    ("phone_number", |row| json!(row.phone_number)),
    ("status", status),
    ("number_type", |row| json!(row.number_type)),
    ("area_code", |row| json!(row.area_code)),
    ("locality", |row| json!(row.locality)),
    ("twilio_phone_sid", |row| json!(row.twilio_phone_sid)),
    ("created_at", |row| time(row.created_at)),
]);

/// The columns of one number: all that is known of it.
pub(super) const DETAILS: Columns<HeldNumber> = Columns(&[
    ("id", |row| json!(row.id)),
    ("phone_number", |row| json!(row.phone_number)),
    ("status", status),
    ("status_reason", |row| json!(row.status_reason)),
    ("number_type", |row| json!(row.number_type)),
    ("country", |row| json!(row.country)),
    ("area_code", |row| json!(row.area_code)),
    ("locality", |row| json!(row.locality)),
    ("region", |row| json!(row.region)),
    ("capabilities", |row| row.capabilities.clone()),
    ("webhook_urls", |row| row.webhook_urls.clone()),
    ("twilio_phone_sid", |row| json!(row.twilio_phone_sid)),
    ("setup_cost", |row| money(i64::from(row.setup_cost_cents))),
    ("monthly_cost", |row| money(i64::from(row.monthly_cost_cents))),
    ("currency", |row| json!(row.currency)),
    ("provisioned_at", |row| json!(row.provisioned_at.map(time))),
    ("release_requested_at", |row| json!(row.release_requested_at.map(time))),
    ("released_at", |row| json!(row.released_at.map(time))),
    ("attempts", |row| json!(row.attempts)),
    ("next_attempt_at", |row| json!(row.next_attempt_at.map(time))),
    ("created_at", |row| time(row.created_at)),
    ("updated_at", |row| time(row.updated_at)),
]);

/// The status; a number on its way back says so, too.
fn status(row: &HeldNumber) -> Value {
    if row.is_releasing() { json!("releasing") } else { json!(row.status) }
}

/// An amount with two decimals, in a text so that nothing is rounded.
pub(super) fn money(cents: i64) -> Value {
    json!(Decimal::new(cents, 2).to_string())
}

/// The provisioner that buys and gives back, over this account.
pub(crate) fn provisioner(store: &Store, account: &TwilioConfig) -> Provisioner {
    let provider = Arc::new(TwilioNumbers::new(account));
    Provisioner::new(store.clone(), provider, account.callbacks.numbers.clone(), ProvisioningConfig::default())
}

pub(crate) fn run(args: &DatabaseArgs, command: NumberCommand) -> CliResult {
    let command = match command {
        NumberCommand::Search(args) => return number_search::run(args),
        other => other,
    };
    // What is not set is told before anything is started.
    let account = match &command {
        NumberCommand::Buy(BuyArgs { twilio, .. })
        | NumberCommand::Configure(ConfigureArgs { twilio, .. })
        | NumberCommand::Release(ReleaseArgs { twilio, .. })
        | NumberCommand::Repair { twilio, .. }
        | NumberCommand::Reconcile(ReconcileArgs { twilio, .. }) => Some(twilio.config("this")?),
        _ => None,
    };
    let database = Database::open(args)?;
    let store = database.store()?;
    let numbers = account.map(|account| provisioner(&store, &account));
    let code = dispatch(&store, numbers.as_ref(), command)?;
    drop((store, numbers));
    database.close()?;
    Ok(code)
}

fn dispatch(store: &Store, numbers: Option<&Provisioner>, command: NumberCommand) -> CliResult {
    match (command, numbers) {
        (NumberCommand::Add(args), _) => number_add::run(store, args),
        (NumberCommand::Repair { tenant: key, number, format, .. }, Some(numbers)) => {
            let proof = tenant(store, &key.tenant)?;
            let row = store.as_operator(&proof, |tx| find(tx, &number))?;
            let row = numbers.repair(&Acting::Operator(proof), row.id)?;
            DETAILS.one(format.format, &row)?;
            Ok(ExitCode::SUCCESS)
        }
        (NumberCommand::List { tenant: key, status, page }, _) => {
            let proof = tenant(store, &key.tenant)?;
            let request = page.of(LIST)?;
            let filter = NumberFilter { status, ..NumberFilter::default() };
            let rows = store.tenant(&proof, |tx| tx.phone_numbers().list(&filter, request))?;
            COLUMNS.page(LIST, page.format.format, &rows)?;
            Ok(ExitCode::SUCCESS)
        }
        (NumberCommand::Show { tenant: key, number, format }, _) => {
            let proof = tenant(store, &key.tenant)?;
            let row = store.tenant(&proof, |tx| find(tx, &number))?;
            DETAILS.one(format.format, &row)?;
            Ok(ExitCode::SUCCESS)
        }
        (NumberCommand::Costs(args), _) => number_costs::run(store, &args),
        (NumberCommand::Buy(args), Some(numbers)) => number_buy::run(store, numbers, args),
        (NumberCommand::Release(args), Some(numbers)) => number_release::run(store, numbers, &args),
        (NumberCommand::Configure(args), Some(numbers)) => number_configure::run(store, numbers, &args),
        (NumberCommand::Reconcile(args), Some(numbers)) => number_reconcile::run(numbers, &args),
        (_, None) | (NumberCommand::Search(_), _) => Err(CliError::Usage("this needs a Twilio account".to_owned())),
    }
}

/// A number's row by its id, or the one that holds the number.
pub(super) fn find(tx: &mut TenantTx<'_>, key: &NumberKey) -> nmc_core::Result<HeldNumber> {
    match key {
        NumberKey::Id(id) => tx.phone_numbers().get(*id),
        NumberKey::Number(number) => tx.phone_numbers().find_by_number(number)?.ok_or(Error::NotFound { entity: "phone number" }),
    }
}
