use super::{DETAILS, money, progress, search};
use crate::cli::{CriteriaArgs, Format, HowArgs, KindArgs};
use crate::confirm::confirmed;
use crate::database::tenant;
use crate::error::{CliError, CliResult};
use crate::output::{Columns, plain};
use nmc_core::access::Acting;
use nmc_core::numbers::{NumberOrder, Provisioner, Quote};
use nmc_core::{NumberStatus, PhoneNumber, Store, Tenant};
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

/// Which number to buy.
pub(super) struct Wanted {
    pub(super) number: Option<PhoneNumber>,
    pub(super) kind: KindArgs,
    pub(super) criteria: CriteriaArgs,
}

/// What would be bought.
const QUOTE: Columns<Quote> = Columns {
    names: &[
        "phone_number",
        "number_type",
        "country",
        "locality",
        "region",
        "voice",
        "sms",
        "mms",
        "setup_cost",
        "monthly_cost",
        "currency",
    ],
    values: |quote| {
        vec![
            json!(quote.number.phone_number),
            json!(quote.number.number_type),
            json!(quote.number.country.as_str()),
            json!(quote.number.locality),
            json!(quote.number.region),
            json!(quote.number.capabilities.voice),
            json!(quote.number.capabilities.sms),
            json!(quote.number.capabilities.mms),
            money(i64::from(quote.price.setup_cents)),
            money(i64::from(quote.price.monthly_cents)),
            json!(quote.price.currency),
        ]
    },
};

pub(super) fn run(store: &Store, numbers: &Provisioner, key: &str, wanted: Wanted, how: &HowArgs, format: Format) -> CliResult {
    let proof = tenant(store, key)?;
    let business = store.as_operator(&proof, |tx| tx.tenants().get())?.business_name;
    let order = order(numbers, proof, wanted)?;
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
    tenant: Tenant,
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
    buy(numbers, tenant, order, how, format)
}

fn buy(numbers: &Provisioner, tenant: Tenant, order: &NumberOrder, how: &HowArgs, format: Format) -> CliResult {
    let wait = Duration::from_secs(how.wait.into());
    let number = &order.phone_number;
    // Which number it is must be known to whoever goes on: a search would find another one.
    let go_on = || eprintln!("to go on with it: nmc number buy --tenant {} {number} --country {}", tenant.id(), order.country);
    let bought = numbers.buy(&Acting::Operator(tenant), order, wait, &mut progress::tell(format!("buying {number}")));
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
fn order(numbers: &Provisioner, tenant: Tenant, wanted: Wanted) -> CliResult<NumberOrder> {
    let Wanted { number, kind, criteria } = wanted;
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
    let found = numbers.search(&Acting::Operator(tenant), &search::search(&kind, criteria, 20))?;
    let usable = found.into_iter().find(|number| !number.needs_address);
    let number = usable.ok_or(nmc_core::Error::Provider(nmc_core::telephony::ProviderError::Taken))?;
    let (country, number_type) = (number.country, number.number_type);
    Ok(NumberOrder { phone_number: number.phone_number, country, number_type, without_sms })
}

fn cents(cents: i32) -> rust_decimal::Decimal {
    rust_decimal::Decimal::new(cents.into(), 2)
}
