//! Where a call goes first: to the business's own phone. Only when nobody takes it there is it a missed call.

use crate::calls::{Call, forbids_forwarding};
use crate::schema::{business_settings, tenants};
use crate::store::{Reason, Store, SystemTx, Tenant, TenantTx};
use crate::telephony::VoiceCallback;
use crate::telephony::explain;
use crate::{CallScreening, Error, PhoneNumber, Result};
use diesel::prelude::*;

/// The phone to which a call is forwarded, and how whoever takes it proves to be a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// The business's own phone.
    pub phone: PhoneNumber,
    /// How a voicemail is told from a person.
    pub screening: CallScreening,
}

/// The forwarding of a call that comes in: to the phone the business had before, if it is active and approved, and has told one
/// that is not dear to call. `None`: nobody can take it, and its caller is texted once it has ended. Neither is a call sent back
/// to the phone that it comes from, or that forwarded it to us.
///
/// # Errors
/// [`crate::Error::NotFound`] when no tenant holds the number.
pub fn forward_to(store: &Store, callback: &VoiceCallback) -> Result<Option<Forwarding>> {
    store.found_by_worker(
        Reason::NumberLookup,
        None,
        |tx| {
            let (tenant, _) = tx.holder_of(&callback.our_number, callback.facts.other.phone())?;
            let to = tx.forwarding_of(tenant)?.filter(|to| !comes_from(callback, &to.phone));
            // A call that is forwarded to a number here, anybody's, would be forwarded again, and might go round for ever.
            let goes_on = match &to {
                Some(to) => !matches!(tx.holder_of(&to.phone, None), Err(Error::NotFound { .. })),
                None => false,
            };
            Ok((tenant, to.filter(|_| !goes_on)))
        },
        |_, to| Ok(to),
    )
}

impl SystemTx<'_> {
    /// The phone of a business that is active and approved and has told one that may be dialled. Without a settings row it is
    /// screened by a key.
    fn forwarding_of(&mut self, tenant: Tenant) -> Result<Option<Forwarding>> {
        let settings = business_settings::table
            .on(business_settings::tenant_id.eq(tenants::id).and(business_settings::tenant_id.eq(tenant.id())));
        let row: Option<(Option<PhoneNumber>, Option<CallScreening>)> = tenants::table
            .left_join(settings)
            .filter(tenants::id.eq(tenant.id()))
            .filter(tenants::is_active)
            .filter(tenants::approved_at.is_not_null())
            .select((tenants::business_phone, business_settings::call_screening.nullable()))
            .first(self.conn)
            .optional()?;
        let (phone, screening) = row.unwrap_or_default();
        // No phone of another kind is written down any more; one from before is not dialled either.
        let phone = phone.filter(PhoneNumber::can_be_forwarded_to);
        Ok(phone.map(|phone| Forwarding { phone, screening: screening.unwrap_or(CallScreening::KeyPress) }))
    }
}

/// Whether a call comes from this phone: as its caller, or because it was forwarded from there.
fn comes_from(callback: &VoiceCallback, phone: &PhoneNumber) -> bool {
    let facts = &callback.facts;
    facts.other.phone().is_some_and(|other| other.person() == phone.person())
        || facts.forwarded_from.as_deref().is_some_and(|from| is_written(phone, from))
}

/// Whether this is the phone as carriers write it: with or without a plus, country code or zeros in front, or as an address. Less
/// than seven digits are nobody's phone.
fn is_written(phone: &PhoneNumber, text: &str) -> bool {
    let number = text.split('@').next().unwrap_or_default();
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    digits.len() >= 7 && phone.spellings().iter().any(|spelling| spelling.as_str().ends_with(digits))
}

/// The error that has just been learnt of a call, if it keeps every call from the business's phone: somebody has to see to that.
pub(super) fn newly_broken(tx: &TenantTx<'_>, call: &Call, known: Option<i32>) -> Option<i32> {
    let code = call.error_code.filter(|code| Some(*code) != known && forbids_forwarding(*code))?;
    let (tenant, actor, call) = (tx.0.tenant, tx.actor(), call.id);
    tracing::warn!(%tenant, %actor, %call, code, "calls do not reach the business's phone: {}", explain(code));
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::is_written;

    #[test]
    fn a_phone_is_known_as_carriers_write_it() {
        let mobile = "+525512345678".parse().unwrap();
        for text in
            ["+525512345678", "525512345678", "+5215512345678", "5512345678", "00525512345678", "sip:+525512345678@carrier"]
        {
            assert!(is_written(&mobile, text), "{text}");
        }
        let phone = "+13125550199".parse().unwrap();
        for text in ["+1 (312) 555-0199", "13125550199", "3125550199", "5550199", "tel:+1-312-555-0199"] {
            assert!(is_written(&phone, text), "{text}");
        }
        for text in
            ["", "+", "0199", "550199", "+13125550100", "+23125550199", "113125550199", "anonymous", "sip:joe@13125550199"]
        {
            assert!(!is_written(&phone, text), "{text}");
        }
    }
}
