use super::COLUMNS;
use crate::cli::{Format, TwilioArgs};
use crate::error::CliResult;
use nmc_core::numbers::{NewPhoneNumber, NumberPatch, number_sid};
use nmc_core::telephony::{OwnedNumber, ProviderError, owned_as};
use nmc_core::twilio::TwilioNumbers;
use nmc_core::{Error, Store, Tenant};
use std::process::ExitCode;
use std::time::Duration;

/// How long Twilio may take to say whether the SID is the number's.
const PATIENCE: Duration = Duration::from_secs(4);

/// A SID that Twilio says is not the number's is refused: the number behind it may be a stranger's, and would be given back in
/// place of this one. Where Twilio can't be asked the number is added all the same, and that is said.
pub(super) fn run(store: &Store, tenant: &Tenant, new: &NewPhoneNumber, twilio: &TwilioArgs, format: Format) -> CliResult {
    let owned = checked(new, twilio)?;
    let row = store.as_operator(tenant, |tx| {
        let row = tx.phone_numbers().create(new)?;
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
    COLUMNS.one(format, &row)?;
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
            not_checked(&error.to_string());
            Ok(None)
        }
    }
}

fn refused(rule: &'static str) -> crate::error::CliError {
    Error::Invalid { field: "twilio_phone_sid".into(), rule: rule.into() }.into()
}
