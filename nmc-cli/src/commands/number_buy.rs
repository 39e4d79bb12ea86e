//! `nmc number buy`.

use super::number::{DETAILS, HowArgs, money};
use super::number_search::{CriteriaArgs, KindArgs};
use super::{number_progress, number_search};
use crate::confirm::confirmed;
use crate::error::{CliError, CliResult};
use crate::options::{Format, FormatArg, TenantArg, TwilioArgs};
use crate::output::{Columns, plain};
use clap::Args;
use nmc_core::access::Acting;
use nmc_core::numbers::{NumberOrder, Provisioner, Quote};
use nmc_core::{NumberStatus, PhoneNumber, Store, Tenant};
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

/// Which number to buy, and how.
#[derive(Args)]
pub(crate) struct BuyArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArg,
    /// Exactly this number
    #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
    pub(crate) number: Option<PhoneNumber>,
    #[command(flatten)]
    pub(crate) kind: KindArgs,
    #[command(flatten)]
    pub(crate) criteria: CriteriaArgs,
    #[command(flatten)]
    pub(crate) how: HowArgs,
    #[command(flatten)]
    pub(crate) twilio: TwilioArgs,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

/// The columns of what would be bought.
const QUOTE: Columns<Quote> = Columns(&[
    ("phone_number", |quote| json!(quote.number.phone_number)),
    ("number_type", |quote| json!(quote.number.number_type)),
    ("country", |quote| json!(quote.number.country.as_str())),
    ("locality", |quote| json!(quote.number.locality)),
    ("region", |quote| json!(quote.number.region)),
    ("voice", |quote| json!(quote.number.capabilities.voice)),
    ("sms", |quote| json!(quote.number.capabilities.sms)),
    ("mms", |quote| json!(quote.number.capabilities.mms)),
    ("setup_cost", |quote| money(i64::from(quote.price.setup_cents))),
    ("monthly_cost", |quote| money(i64::from(quote.price.monthly_cents))),
    ("currency", |quote| json!(quote.price.currency)),
]);

pub(super) fn run(store: &Store, numbers: &Provisioner, args: BuyArgs) -> CliResult {
    let BuyArgs { tenant, number, kind, criteria, how, format, twilio: _ } = args;
    let (how, format) = (&how, format.format);
    let proof = crate::database::tenant(store, &tenant.tenant)?;
    let business = store.as_operator(&proof, |tx| tx.tenants().get())?.business_name;
    let order = order(numbers, proof, number, &kind, criteria)?;
    let number = &order.phone_number;
    let Some(quote) = numbers.rehearse(&Acting::Operator(proof), &order)? else {
        return take_up(numbers, proof, &order, &business, how, format);
    };
    let where_to = [&quote.number.locality, &quote.number.region].into_iter().flatten().map(|text| plain(text));
    let place = where_to.collect::<Vec<_>>().join(", ");
    let (monthly, setup) = (cents(quote.price.monthly_cents), cents(quote.price.setup_cents));
    let currency = &quote.price.currency;
    if !quote.number.capabilities.sms {
        eprintln!("this number can't text: missed calls are not answered from it");
    }
    let what = format!("This buys {number} ({place}) for {business}: {monthly} {currency} a month, and {setup} {currency} once");
    if how.dry_run {
        eprintln!("{what}. Nothing was bought: --dry-run");
        QUOTE.one(format, &quote)?;
        return Ok(ExitCode::SUCCESS);
    }
    drop(confirmed(how.yes, &what)?);
    buy(numbers, proof, &order, how, format)
}

/// An order that has not come to its end, or has failed: the price is what was agreed to then.
fn take_up(
    numbers: &Provisioner,
    proof: Tenant,
    order: &NumberOrder,
    business: &str,
    how: &HowArgs,
    format: Format,
) -> CliResult {
    let what = format!("This goes on with an earlier order of {} for {business}, at the price of then", order.phone_number);
    if how.dry_run {
        eprintln!("{what}. Nothing was bought: --dry-run");
        return Ok(ExitCode::SUCCESS);
    }
    drop(confirmed(how.yes, &what)?);
    buy(numbers, proof, order, how, format)
}

fn buy(numbers: &Provisioner, proof: Tenant, order: &NumberOrder, how: &HowArgs, format: Format) -> CliResult {
    let wait = Duration::from_secs(how.wait.into());
    let number = &order.phone_number;
    // Which number it is must be known to whoever goes on: a search would find another one.
    let go_on = || eprintln!("to go on with it: nmc number buy --tenant {} {number} --country {}", proof.id(), order.country);
    let bought = numbers.buy(&Acting::Operator(proof), order, wait, &mut number_progress::tell(format!("buying {number}")));
    if matches!(bought, Err(nmc_core::Error::Unavailable { .. })) {
        go_on();
    }
    let row = bought?;
    DETAILS.one(format, &row)?;
    if row.status == NumberStatus::Active {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("it is not certain yet whether the number was bought; nmc worker goes on by itself");
    go_on();
    Ok(ExitCode::from(3))
}

/// The number that is named, or the first for sale that meets the criteria.
fn order(
    numbers: &Provisioner,
    proof: Tenant,
    number: Option<PhoneNumber>,
    kind: &KindArgs,
    criteria: CriteriaArgs,
) -> CliResult<NumberOrder> {
    let without_sms = criteria.without_sms;
    if let Some(number) = number {
        let CriteriaArgs { area_code, region, locality, contains, mms, without_sms: _ } = &criteria;
        if *mms || [area_code, region, locality, contains].into_iter().any(Option::is_some) {
            return Err(CliError::Usage("a number is named: criteria for a search have no meaning then".to_owned()));
        }
        let order = NumberOrder::of(number, kind.country);
        let number_type = kind.number_type.unwrap_or(order.number_type);
        return Ok(NumberOrder { number_type, without_sms, ..order });
    }
    let found = numbers.search(&Acting::Operator(proof), &number_search::search(kind, criteria, 20))?;
    let usable = found.into_iter().find(|number| !number.needs_address);
    let number = usable.ok_or(nmc_core::Error::Provider(nmc_core::telephony::ProviderError::Taken))?;
    let (country, number_type) = (number.country, number.number_type);
    Ok(NumberOrder { phone_number: number.phone_number, country, number_type, without_sms })
}

pub(super) fn cents(cents: i32) -> rust_decimal::Decimal {
    rust_decimal::Decimal::new(cents.into(), 2)
}
