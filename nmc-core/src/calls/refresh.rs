//! What the provider knows of a call, asked rather than told: for callbacks that got lost, and for the price, which is known
//! only later (source line 1302).

use super::{Call, CallPatch, outcome, record_voice_status};
use crate::numbers::ProviderError;
use crate::store::{Store, Tenant};
use crate::twilio::VoiceCallback;
use crate::{CallId, Patch, Result};
use chrono::TimeDelta;
use rust_decimal::Decimal;

/// A call as the provider has it.
#[derive(Debug, Clone)]
pub struct CallReport {
    /// What its callback would say of it now.
    pub callback: VoiceCallback,
    /// What it cost, without a minus sign; at most 4 decimals. `None` while that is not known.
    pub price: Option<Decimal>,
    /// The price's currency, like `USD`.
    pub price_unit: Option<String>,
}

/// Knows of calls. One call of it must end within half a minute.
pub trait CallDirectory: Send + Sync {
    /// The call with this SID, if the account has it.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn find(&self, sid: &str) -> Result<Option<CallReport>, ProviderError>;
}

/// For how long after its end a call of which no callback told is still answered with a text. Later that would only puzzle.
const STILL_NEWS: TimeDelta = TimeDelta::hours(1);

/// Asks the provider about a call, and adds what it says to the row. A call whose end was never reported is ended; if that is
/// news, as by its callback, which also texts the caller of a missed one.
///
/// # Errors
/// [`crate::Error::NotFound`]; [`crate::Error::Provider`], such as [`ProviderError::Gone`]; [`crate::Error::Unavailable`].
pub fn refresh_call(store: &Store, tenant: &Tenant, directory: &dyn CallDirectory, id: CallId) -> Result<Call> {
    let call = store.tenant(tenant, |tx| tx.calls().get(id))?;
    let sid = call.twilio_call_sid.as_deref().unwrap_or_default();
    let report = directory.find(sid)?.ok_or(ProviderError::Gone)?;
    let (facts, now) = (&report.callback.facts, store.now());
    let ends_now = facts.status.is_terminal() && !call.call_status.is_terminal();
    if ends_now && facts.at.is_some_and(|ended| now - ended <= STILL_NEWS) {
        record_voice_status(store, &report.callback)?;
    } else if ends_now {
        store.tenant(tenant, |tx| {
            let ended = tx.calls().set_status(id, facts.status)?;
            let (leg, bridged) = (ended.forwarded_leg_status, ended.forwarded_leg_bridged);
            let answered_by = facts.answered_by.as_deref();
            match outcome(facts.status, leg, bridged, answered_by, facts.duration_seconds, false)
                .filter(|_| ended.outcome.is_none())
            {
                Some(outcome) => tx.calls().set_outcome(id, outcome, None).map(drop),
                None => Ok(()),
            }
        })?;
    }
    let patch = CallPatch {
        price: report.price.map_or(Patch::Keep, Patch::Set),
        price_unit: report.price_unit.clone().filter(|_| report.price.is_some()),
        ..CallPatch::default()
    };
    store.tenant(tenant, |tx| tx.calls().update(id, &patch))
}
