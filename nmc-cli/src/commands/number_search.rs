//! `nmc number search`.

use super::number_buy::cents;
use crate::error::CliResult;
use crate::options::{FormatArg, TwilioArgs, one_of};
use crate::output::Columns;
use clap::Args;
use nmc_core::telephony::{AvailableNumber, Capabilities, NumberProvider as _, NumberSearch, Price};
use nmc_core::twilio::TwilioNumbers;
use nmc_core::{Country, NumberType};
use serde_json::json;
use std::process::ExitCode;

/// Which numbers for sale.
#[derive(Args)]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) kind: KindArgs,
    #[command(flatten)]
    pub(crate) criteria: CriteriaArgs,
    /// Numbers at most
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) twilio: TwilioArgs,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

/// What kind of number.
#[derive(Args)]
pub(crate) struct KindArgs {
    /// Its country, an ISO code of two letters
    #[arg(long, default_value = "US")]
    pub(crate) country: Country,
    /// Its kind: local, toll-free or mobile [default: what the number looks like, else local]
    #[arg(long = "type", value_name = "KIND", value_parser = one_of(NumberType::ALL, NumberType::label))]
    pub(crate) number_type: Option<NumberType>,
}

/// What the number must be like.
#[derive(Args)]
pub(crate) struct CriteriaArgs {
    /// Its area code
    #[arg(long, value_name = "DIGITS")]
    pub(crate) area_code: Option<String>,
    /// Its state or province, like IL
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Its city
    #[arg(long, value_name = "CITY")]
    pub(crate) locality: Option<String>,
    /// What it contains: digits, letters as on a phone's keys, and * for any digit
    #[arg(long, value_name = "PATTERN")]
    pub(crate) contains: Option<String>,
    /// It must be able to send pictures, too
    #[arg(long)]
    pub(crate) mms: bool,
    /// It need not be able to text: missed calls are not answered from such a number
    #[arg(long, conflicts_with = "mms")]
    pub(crate) without_sms: bool,
}

const COLUMNS: Columns<AvailableNumber> = Columns(&[
    ("phone_number", |number| json!(number.phone_number)),
    ("country", |number| json!(number.country.as_str())),
    ("number_type", |number| json!(number.number_type)),
    ("locality", |number| json!(number.locality)),
    ("region", |number| json!(number.region)),
    ("voice", |number| json!(number.capabilities.voice)),
    ("sms", |number| json!(number.capabilities.sms)),
    ("mms", |number| json!(number.capabilities.mms)),
    ("needs_address", |number| json!(number.needs_address)),
]);

/// Needs no database: what is for sale is nobody's yet.
pub(super) fn run(args: SearchArgs) -> CliResult {
    let SearchArgs { kind, criteria, limit, twilio, format } = args;
    let search = search(&kind, criteria, limit).checked()?;
    let numbers = TwilioNumbers::new(&twilio.account("searching")?);
    let found = numbers.search(&search).map_err(nmc_core::Error::from)?;
    if found.is_empty() {
        eprintln!("no number for sale is like that");
    } else {
        match numbers.price(search.country, search.number_type) {
            Ok(Price { setup_cents, monthly_cents, currency }) => {
                let (monthly, setup) = (cents(monthly_cents), cents(setup_cents));
                eprintln!("each costs {monthly} {currency} a month, and {setup} {currency} once");
            }
            Err(error) => eprintln!("what they cost can't be told now: {error}"),
        }
    }
    COLUMNS.all(format.format, &found)?;
    Ok(ExitCode::SUCCESS)
}

/// The search that the options ask for: numbers that take calls and texts, unless it is said that they need not text.
pub(super) fn search(kind: &KindArgs, criteria: CriteriaArgs, limit: u16) -> NumberSearch {
    let CriteriaArgs { area_code, region, locality, contains, mms, without_sms } = criteria;
    NumberSearch {
        area_code,
        region,
        locality,
        contains,
        capabilities: Capabilities { voice: true, sms: !without_sms, mms },
        limit,
        ..NumberSearch::new(kind.country, kind.number_type.unwrap_or(NumberType::Local))
    }
}
