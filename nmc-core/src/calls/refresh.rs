//! What the provider knows of a call, asked rather than told: for callbacks that got lost, and for the price, which is known
//! only later (source line 1302).

use super::outcome::{stronger_leg, surer_answer};
use super::{Call, CallFacts, CallPatch, VoiceStatus};
use crate::error::found;
use crate::numbers::{Happened, ProviderError};
use crate::store::{Person, Reason, Store, Tenant};
use crate::twilio::VoiceCallback;
use crate::{CallId, CallStatus, Error, ForwardedLegStatus, Patch, Result};
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

/// A call as the provider has it.
#[derive(Debug, Clone)]
pub struct CallReport {
    /// What its callback would say of it now.
    pub callback: VoiceCallback,
    /// When it began.
    pub began_at: Option<DateTime<Utc>>,
    /// What it cost, without a minus sign; at most 4 decimals. `None` while that is not known.
    pub price: Option<Decimal>,
    /// The price's currency, like `USD`.
    pub price_unit: Option<String>,
}

impl CallReport {
    /// Adds what became of a leg that forwarded the call.
    pub(crate) fn add_leg(&mut self, leg: &LegReport) {
        let facts = &mut self.callback.facts;
        facts.forwarded_leg = stronger_leg(facts.forwarded_leg, Some(leg.status));
        facts.answered_by = surer_answer(facts.answered_by.take(), leg.answered_by.clone());
    }

    /// Says of a call that completed without any leg that its forwarding failed. Of a call that no webhook told us of we have not
    /// forwarded anything, so that nobody can have answered it: its caller heard an error of the provider's.
    pub(crate) fn was_not_forwarded(&mut self) {
        let facts = &mut self.callback.facts;
        if facts.status == CallStatus::Completed && facts.forwarded_leg.is_none() {
            facts.forwarded_leg = Some(ForwardedLegStatus::Failed);
        }
    }
}

/// A leg that forwarded a call, and has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegReport {
    /// The provider's SID of the call that it is a leg of.
    pub parent: String,
    /// What became of it.
    pub status: ForwardedLegStatus,
    /// What answering-machine detection heard.
    pub answered_by: Option<String>,
}

/// Some of the calls that the account has, newest first.
#[derive(Debug, Clone, Default)]
pub struct CallPage {
    /// Calls that came in or went out.
    pub calls: Vec<CallReport>,
    /// The legs among them.
    pub legs: Vec<LegReport>,
    /// How many more are on the page that can't be read.
    pub unreadable: usize,
    /// Where the next ones are, in the provider's words; `None` on the last page.
    pub next: Option<String>,
}

/// Knows of calls. One call of it must end within half a minute.
pub trait CallDirectory: Send + Sync {
    /// The call with this SID, if the account has it, with what became of its legs.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn find(&self, sid: &str) -> Result<Option<CallReport>, ProviderError>;

    /// Calls that began from `since` on and up to `until`: the first of them, or those after an earlier page.
    ///
    /// # Errors
    /// [`ProviderError`].
    fn list(&self, since: DateTime<Utc>, until: Option<DateTime<Utc>>, after: Option<&str>) -> Result<CallPage, ProviderError>;
}

/// For how long after its end a call is answered with a text, however its end was learnt (DECISIONS, telephony rule 25). Later
/// that would only puzzle.
pub(crate) const STILL_NEWS: TimeDelta = TimeDelta::hours(1);

impl CallFacts {
    /// When the call began, as far as these facts tell: they happened then, or so many seconds later.
    pub(crate) fn began_at(&self) -> Option<DateTime<Utc>> {
        let length = self.duration_seconds.filter(|_| self.status.is_terminal()).unwrap_or(0);
        self.at?.checked_sub_signed(TimeDelta::try_seconds(length.into())?)
    }
}

/// Asks the provider about a call, and adds what it says to the row, as its callback would: what is known stays, what comes late
/// is added. The caller of a missed call is texted while its end is news.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Provider`], such as [`ProviderError::Gone`]; [`Error::Unavailable`].
pub fn refresh_call(store: &Store, tenant: &Tenant, directory: &dyn CallDirectory, id: CallId) -> Result<Call> {
    let call = store.tenant(tenant, |tx| tx.calls().get(id))?;
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
    if let Some(call) = store.tenant(tenant, |tx| tx.calls().find_by_sid(sid))? {
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
        let recorded = VoiceStatus { our_number, facts, from_own_number }.record(tx)?;
        if report.price.is_none() {
            return Ok((recorded, found(tx.calls().find(recorded.call)?, "call")?));
        }
        let price = report.price.map_or(Patch::Keep, Patch::Set);
        let patch = CallPatch { price, price_unit: report.price_unit.clone(), ..CallPatch::default() };
        Ok((recorded, tx.calls().update(recorded.call, &patch)?))
    };
    let (recorded, call) = match other {
        Some(other) => store.tenant_and_person(tenant, &Person::new(other.clone()), record)?,
        None => store.tenant(tenant, record)?,
    };
    recorded.log(tenant.id());
    Ok(call)
}
