//! `nmc number`.

mod add;
mod buy;
mod configure;
mod costs;
mod progress;
mod reconcile;
mod release;
mod search;

use crate::cli::{DatabaseArgs, NumberCommand, NumberKey};
use crate::database::{Database, tenant};
use crate::error::{CliError, CliResult};
use crate::output::{Columns, time};
use nmc_core::access::Acting;
use nmc_core::numbers::{HeldNumber, NewPhoneNumber, NumberFilter, Provisioner, ProvisioningConfig};
use nmc_core::telephony::Price;
use nmc_core::twilio::{TwilioConfig, TwilioNumbers};
use nmc_core::{Error, NumberType, PageRequest, Store, TenantTx};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;

pub(crate) const COLUMNS: Columns<HeldNumber> = Columns {
    names: &["id", "phone_number", "status", "number_type", "area_code", "locality", "twilio_phone_sid", "created_at"],
    values: |row| {
        vec![
            json!(row.id),
            json!(row.phone_number),
            status(row),
            json!(row.number_type),
            json!(row.area_code),
            json!(row.locality),
            json!(row.twilio_phone_sid),
            time(row.created_at),
        ]
    },
};

/// All that is known of one number.
const DETAILS: Columns<HeldNumber> = Columns {
    names: &[
        "id",
        "phone_number",
        "status",
        "status_reason",
        "number_type",
        "country",
        "area_code",
        "locality",
        "region",
        "capabilities",
        "webhook_urls",
        "twilio_phone_sid",
        "setup_cost",
        "monthly_cost",
        "currency",
        "provisioned_at",
        "release_requested_at",
        "released_at",
        "attempts",
        "next_attempt_at",
        "created_at",
        "updated_at",
    ],
    values: |row| {
        vec![
            json!(row.id),
            json!(row.phone_number),
            status(row),
            json!(row.status_reason),
            json!(row.number_type),
            json!(row.country),
            json!(row.area_code),
            json!(row.locality),
            json!(row.region),
            row.capabilities.clone(),
            row.webhook_urls.clone(),
            json!(row.twilio_phone_sid),
            money(i64::from(row.setup_cost_cents)),
            money(i64::from(row.monthly_cost_cents)),
            json!(row.currency),
            json!(row.provisioned_at.map(time)),
            json!(row.release_requested_at.map(time)),
            json!(row.released_at.map(time)),
            json!(row.attempts),
            json!(row.next_attempt_at.map(time)),
            time(row.created_at),
            time(row.updated_at),
        ]
    },
};

/// The status; a number on its way back says so, too.
fn status(row: &HeldNumber) -> Value {
    if row.is_releasing() { json!("releasing") } else { json!(row.status) }
}

/// An amount with two decimals, in a text so that nothing is rounded.
fn money(cents: i64) -> Value {
    json!(Decimal::new(cents, 2).to_string())
}

/// What buys and gives back, over this account.
pub(crate) fn provisioner(store: &Store, account: &TwilioConfig) -> Provisioner {
    let provider = Arc::new(TwilioNumbers::new(account));
    Provisioner::new(store.clone(), provider, &account.public_url, ProvisioningConfig::default())
}

pub(crate) fn run(args: &DatabaseArgs, command: NumberCommand) -> CliResult {
    if let NumberCommand::Search { kind, criteria, limit, twilio, format } = command {
        return search::run(&kind, criteria, limit, &twilio, format.format);
    }
    // What is not set is told before anything is started.
    let account = match &command {
        NumberCommand::Buy { twilio, .. }
        | NumberCommand::Configure { twilio, .. }
        | NumberCommand::Release { twilio, .. }
        | NumberCommand::Repair { twilio, .. }
        | NumberCommand::Reconcile { twilio, .. } => Some(twilio.config("this")?),
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
        (NumberCommand::Add { tenant: key, number, sid, monthly_cost, setup_cost, currency, twilio, format }, _) => {
            let proof = tenant(store, &key.tenant)?;
            let price = (monthly_cost.is_some() || setup_cost.is_some()).then(|| Price {
                setup_cents: setup_cost.unwrap_or(0),
                monthly_cents: monthly_cost.unwrap_or(0),
                currency,
            });
            let new = NewPhoneNumber {
                phone_number: number,
                twilio_phone_sid: Some(sid),
                locality: None,
                region: None,
                number_type: NumberType::Local,
                price,
            };
            add::run(store, &proof, &new, &twilio, format.format)
        }
        (NumberCommand::Repair { tenant: key, number, format, .. }, Some(numbers)) => {
            let proof = tenant(store, &key.tenant)?;
            let row = store.as_operator(&proof, |tx| find(tx, &number))?;
            let row = numbers.repair(&Acting::Operator(proof), row.id)?;
            DETAILS.one(format.format, &row)?;
            Ok(ExitCode::SUCCESS)
        }
        (NumberCommand::List { tenant: key, status, page }, _) => {
            let proof = tenant(store, &key.tenant)?;
            let request = PageRequest::new(page.limit, page.after)?;
            let filter = NumberFilter { status, ..NumberFilter::default() };
            let rows = store.as_operator(&proof, |tx| tx.phone_numbers().list(&filter, request))?;
            COLUMNS.page(page.format.format, &rows)?;
            Ok(ExitCode::SUCCESS)
        }
        (NumberCommand::Show { tenant: key, number, format }, _) => {
            let proof = tenant(store, &key.tenant)?;
            let row = store.as_operator(&proof, |tx| find(tx, &number))?;
            DETAILS.one(format.format, &row)?;
            Ok(ExitCode::SUCCESS)
        }
        (NumberCommand::Costs { tenant, from, to, format }, _) => costs::run(store, &tenant.tenant, from, to, format.format),
        (NumberCommand::Buy { tenant, number, kind, criteria, how, format, .. }, Some(numbers)) => {
            let wanted = buy::Wanted { number, kind, criteria };
            buy::run(store, numbers, &tenant.tenant, wanted, &how, format.format)
        }
        (NumberCommand::Release { tenant, number, how, format, .. }, Some(numbers)) => {
            release::run(store, numbers, &tenant.tenant, &number, &how, format.format)
        }
        (NumberCommand::Configure { tenant, number, dry_run, format, .. }, Some(numbers)) => {
            configure::run(store, numbers, &tenant.tenant, number.as_ref(), dry_run, format.format)
        }
        (NumberCommand::Reconcile { dry_run, format, .. }, Some(numbers)) => reconcile::run(numbers, dry_run, format.format),
        (_, None) | (NumberCommand::Search { .. }, _) => Err(CliError::Usage("this needs a Twilio account".to_owned())),
    }
}

/// A number's row by its id, or the one that holds the number.
fn find(tx: &mut TenantTx<'_>, key: &NumberKey) -> nmc_core::Result<HeldNumber> {
    match key {
        NumberKey::Id(id) => tx.phone_numbers().get(*id),
        NumberKey::Number(number) => tx.phone_numbers().find_by_number(number)?.ok_or(Error::NotFound { entity: "phone number" }),
    }
}
