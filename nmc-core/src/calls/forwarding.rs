//! Where a call goes first: to the business's own phone. Only when nobody takes it there is it a missed call.

use crate::store::{Reason, Store};
use crate::twilio::VoiceCallback;
use crate::{PhoneNumber, Result};

/// Where to forward a call that comes in: the phone the business had before, if it is active and has told one. `None`: nobody
/// can take it, and its caller is texted once it has ended.
///
/// # Errors
/// [`crate::Error::NotFound`] when no tenant holds the number.
pub fn forward_to(store: &Store, callback: &VoiceCallback) -> Result<Option<PhoneNumber>> {
    let other = callback.facts.other.phone();
    store.found_tenant(
        Reason::NumberLookup,
        None,
        |tx| tx.holder_of(&callback.our_number, other),
        |tx, _| {
            let row = tx.tenants().get()?;
            let Some(phone) = row.business_phone.filter(|_| row.is_active) else { return Ok(None) };
            // A call to a number of ours that is forwarded to a number of ours would go round for ever.
            let own = tx.phone_numbers().find_by_number(&phone)?.is_some();
            Ok(Some(phone).filter(|phone| !own && Some(phone) != other))
        },
    )
}
