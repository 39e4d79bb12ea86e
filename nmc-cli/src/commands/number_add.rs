//! `nmc number add`.

use super::number::COLUMNS;
use crate::database::tenant;
use crate::error::CliResult;
use crate::hint;
use crate::options::{FormatArg, TenantArg, TwilioArgs};
use clap::Args;
use nmc_core::numbers::{NewPhoneNumber, NumberPatch, number_sid};
use nmc_core::telephony::{OwnedNumber, Price, ProviderError, owned_as};
use nmc_core::twilio::TwilioNumbers;
use nmc_core::{Error, NumberType, PhoneNumber, Store};
use std::process::ExitCode;
use std::time::Duration;

/// A number that is added, and what it costs.
#[derive(Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArg,
    /// The number
    #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
    pub(crate) number: PhoneNumber,
    /// Twilio's SID of the number (PN…); Twilio is asked whether it is, where the account is known
    #[arg(long)]
    pub(crate) sid: String,
    /// What it costs a month, like 1.15; nothing is assumed
    #[arg(long, value_name = "AMOUNT", value_parser = cents)]
    pub(crate) monthly_cost: Option<i32>,
    /// What it cost once
    #[arg(long, value_name = "AMOUNT", value_parser = cents)]
    pub(crate) setup_cost: Option<i32>,
    /// The currency of what it costs, an ISO code of three letters
    #[arg(long, default_value = "USD", value_name = "CODE", value_parser = currency)]
    pub(crate) currency: String,
    #[command(flatten)]
    pub(crate) twilio: TwilioArgs,
    #[command(flatten)]
    pub(crate) format: FormatArg,
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

/// How long Twilio may take to say whether the SID is the number's.
const PATIENCE: Duration = Duration::from_secs(4);

/// A SID that Twilio says is not the number's is refused: the number behind it may be a stranger's, and would be given back in
/// place of this one. Where Twilio can't be asked the number is added all the same, and that is said.
pub(super) fn run(store: &Store, args: AddArgs) -> CliResult {
    let AddArgs { tenant: key, number, sid, monthly_cost, setup_cost, currency, twilio, format } = args;
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
    let owned = checked(&new, &twilio)?;
    let row = store.tenant(&proof, |tx| {
        let row = tx.phone_numbers().create(&new)?;
        let Some(owned) = &owned else { return Ok(row) };
        let patch = NumberPatch {
            capabilities: Some(owned.capabilities.document()),
            webhook_urls: Some(owned.webhooks.document()),
            ..NumberPatch::default()
        };
        tx.phone_numbers().update(row.id, &patch)
    })?;
    if owned.is_some_and(|owned| !owned.capabilities.sms) {
        eprintln!("this number can't text: missed calls are not answered from it");
    }
    COLUMNS.one(format.format, &row)?;
    Ok(ExitCode::SUCCESS)
}

/// The number as Twilio has it, if Twilio can be asked.
fn checked(new: &NewPhoneNumber, twilio: &TwilioArgs) -> CliResult<Option<OwnedNumber>> {
    let not_checked = |why: &str| eprintln!("not checked whether the SID is this number's at Twilio: {why}");
    let Some(sid) = new.twilio_phone_sid.as_deref() else { return Ok(None) };
    let sid = number_sid(sid)?;
    if twilio.twilio_account_sid.is_none() || twilio.token()?.is_none() {
        not_checked("TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not set");
        return Ok(None);
    }
    let account = twilio.account("this")?;
    match owned_as(&TwilioNumbers::within(&account, PATIENCE), &sid, &new.phone_number) {
        Ok(owned) => Ok(Some(owned)),
        Err(ProviderError::Mismatched) => Err(refused("is the SID of another number at Twilio")),
        Err(ProviderError::Gone) => Err(refused("is not the SID of a number of this Twilio account")),
        Err(error) => {
            not_checked(&format!("{error}{}", hint::of_provider(&error)));
            Ok(None)
        }
    }
}

fn refused(rule: &'static str) -> crate::error::CliError {
    Error::invalid("twilio_phone_sid", rule).into()
}
