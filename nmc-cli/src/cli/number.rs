//! `nmc number`.

use super::{FormatArg, PageArgs, TenantArg, TwilioArgs, one_of};
use clap::{Args, Subcommand};
use nmc_core::numbers::Month;
use nmc_core::{Country, NumberStatus, NumberType, PhoneNumber, PhoneNumberId};

#[derive(Subcommand)]
pub(crate) enum NumberCommand {
    /// Search for numbers for sale
    Search {
        #[command(flatten)]
        kind: KindArgs,
        #[command(flatten)]
        criteria: CriteriaArgs,
        /// Numbers at most
        #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
        limit: u16,
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Buy a number: this one, or the first for sale that meets the criteria; an order that failed is taken up again
    Buy {
        #[command(flatten)]
        tenant: TenantArg,
        /// Exactly this number
        #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        number: Option<PhoneNumber>,
        #[command(flatten)]
        kind: KindArgs,
        #[command(flatten)]
        criteria: CriteriaArgs,
        #[command(flatten)]
        how: HowArgs,
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Add a number that the Twilio account owns already
    Add {
        #[command(flatten)]
        tenant: TenantArg,
        /// The number
        #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        number: PhoneNumber,
        /// Twilio's SID of the number (PN…); Twilio is asked whether it is, where the account is known
        #[arg(long)]
        sid: String,
        /// What it costs a month, like 1.15; nothing is assumed
        #[arg(long, value_name = "AMOUNT", value_parser = cents)]
        monthly_cost: Option<i32>,
        /// What it cost once
        #[arg(long, value_name = "AMOUNT", value_parser = cents)]
        setup_cost: Option<i32>,
        /// The currency of what it costs, an ISO code of three letters
        #[arg(long, default_value = "USD", value_name = "CODE", value_parser = currency)]
        currency: String,
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
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
        #[arg(long, value_parser = one_of::<NumberStatus>)]
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
    Configure {
        #[command(flatten)]
        tenant: TenantArg,
        /// The number; all active ones of the business, if left out
        #[arg(value_name = "ID|E.164")]
        number: Option<NumberKey>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Give a number back to Twilio, or call off an order; its row stays
    Release {
        #[command(flatten)]
        tenant: TenantArg,
        /// The number
        #[arg(value_name = "ID|E.164")]
        number: NumberKey,
        #[command(flatten)]
        how: HowArgs,
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Compare Twilio's numbers with everybody's here, adopt and give back what can be, and report the rest
    Reconcile {
        /// Only compare
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        twilio: TwilioArgs,
        #[command(flatten)]
        format: FormatArg,
    },
    /// What the numbers of a business have cost, month by month, newest first
    Costs {
        #[command(flatten)]
        tenant: TenantArg,
        /// The first month [default: eleven before the last]
        #[arg(long, value_name = "YYYY-MM")]
        from: Option<Month>,
        /// The last month [default: this one]
        #[arg(long, value_name = "YYYY-MM")]
        to: Option<Month>,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// What kind of number.
#[derive(Args)]
pub(crate) struct KindArgs {
    /// Its country, an ISO code of two letters
    #[arg(long, default_value = "US")]
    pub(crate) country: Country,
    /// Its kind: local, toll-free or mobile [default: what the number looks like, else local]
    #[arg(long = "type", value_name = "KIND")]
    pub(crate) number_type: Option<NumberType>,
}

/// Which of them.
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

/// An amount of money in hundredths.
fn cents(text: &str) -> Result<i32, &'static str> {
    const RULE: &str = "must be an amount like 1.15";
    let (whole, part) = text.split_once('.').unwrap_or((text, "00"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() != 2 {
        return Err(RULE);
    }
    format!("{whole}{part}").parse().map_err(|_| RULE)
}

fn currency(text: &str) -> Result<String, &'static str> {
    let is_code = text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic());
    if is_code { Ok(text.to_ascii_uppercase()) } else { Err("must be an ISO code like USD") }
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
    type Err = nmc_core::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Id).or_else(|_| PhoneNumber::typed(text).map(Self::Number))
    }
}
