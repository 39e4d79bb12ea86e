//! What the provider knows of a call, asked rather than told: for callbacks that got lost, and for the price, which is known
//! only later.

use super::VoiceStatus;
use super::holder::Happened;
use crate::actor::WORKER;
use crate::calls::{Call, CallPatch};
use crate::error::found;
use crate::store::{Person, Reason, Store, Tenant};
use crate::telephony::{CallDirectory, CallReport, ProviderError, VoiceCallback};
use crate::{CallId, CallScreening, Error, Patch, Result};
use chrono::TimeDelta;

/// The time after its end for which a call is answered with a text, however its end was learnt. Later that would only puzzle.
pub(crate) const STILL_NEWS: TimeDelta = TimeDelta::hours(1);

/// Asks the provider about a call, and adds what it says to the row, as its callback would: what is known stays, what comes late
/// is added. The caller of a missed call is texted while its end is news.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Provider`], such as [`ProviderError::Gone`]; [`Error::Unavailable`].
pub fn refresh_call(store: &Store, tenant: &Tenant, directory: &dyn CallDirectory, id: CallId) -> Result<Call> {
    let call = store.worker(tenant, |tx| tx.calls().get(id))?;
    let sid = call.twilio_call_sid.as_deref().unwrap_or_default();
    let report = directory.find(sid)?.ok_or(ProviderError::Gone)?;
    add(store, tenant, &report)
}

/// Asks the provider about the call with this SID. One that is not recorded yet is recorded, if it is a call of the business:
/// of a number that it held when the call came in.
///
/// # Errors
/// [`Error::NotFound`] when it is nobody's, or another business's; [`Error::Provider`], such as [`ProviderError::Gone`];
/// [`Error::Unavailable`].
pub fn refresh_call_by_sid(store: &Store, tenant: &Tenant, directory: &dyn CallDirectory, sid: &str) -> Result<Call> {
    if let Some(call) = store.worker(tenant, |tx| tx.calls().find_by_sid(sid))? {
        return refresh_call(store, tenant, directory, call.id);
    }
    let report = directory.find(sid)?.ok_or(ProviderError::Gone)?;
    let VoiceCallback { our_number, facts, .. } = &report.callback;
    let happened = Happened::call(&facts.sid, facts.began_at());
    let holder = store.system(Reason::NumberLookup, |tx| tx.holder_when(our_number, None, &happened));
    match holder {
        Ok(holder) if holder.tenant == *tenant => add(store, tenant, &report),
        Ok(_) | Err(Error::NotFound { .. }) => Err(Error::NotFound { entity: "call" }),
        Err(error) => Err(error),
    }
}

/// Adds what the provider says of a call of this tenant.
fn add(store: &Store, tenant: &Tenant, report: &CallReport) -> Result<Call> {
    let VoiceCallback { our_number, facts, .. } = &report.callback;
    let other = facts.other.phone();
    let record = |tx: &mut crate::TenantTx<'_>| {
        let from_own_number = match other {
            Some(other) => tx.phone_numbers().find_by_number(other)?.is_some(),
            None => false,
        };
        let known = tx.calls().find_by_sid(&facts.sid)?;
        let mut report = report.clone();
        if !known.is_some_and(|call| call.forwarded_leg_status.is_some() || call.answered_by.is_some())
            && tx.business_settings().get()?.call_screening == CallScreening::KeyPress
        {
            report.was_taken_without_a_key();
        }
        let recorded = VoiceStatus { our_number, facts: &report.callback.facts, from_own_number }.record(tx)?;
        if report.price.is_none() {
            return Ok((recorded, found(tx.calls().find(recorded.call)?, "call")?));
        }
        let price = report.price.map_or(Patch::Keep, Patch::Set);
        let patch = CallPatch { price, price_unit: report.price_unit.clone(), ..CallPatch::default() };
        Ok((recorded, tx.calls().update(recorded.call, &patch)?))
    };
    let (recorded, call) = match other {
        Some(other) => store.tenant_as(&WORKER, tenant, Some(&Person::new(other.clone())), record)?,
        None => store.worker(tenant, record)?,
    };
    recorded.log(tenant.id());
    Ok(call)
}
