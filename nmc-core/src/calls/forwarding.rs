//! Where a call goes first: to the business's own phone. Only when nobody takes it there is it a missed call.

use crate::store::{Reason, Store};
use crate::twilio::VoiceCallback;
use crate::{Error, PhoneNumber, Result};

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
        |tx| {
            let (tenant, _) = tx.holder_of(&callback.our_number, other)?;
            let row = tx.find_tenant(tenant.id())?.filter(|row| row.is_active);
            let phone = row.and_then(|row| row.business_phone).filter(|phone| Some(phone) != other);
            // A call that is forwarded to a number here, anybody's, would be forwarded again, and might go round for ever.
            let goes_on = match &phone {
                Some(phone) => !matches!(tx.holder_of(phone, None), Err(Error::NotFound { .. })),
                None => false,
            };
            Ok((tenant, phone.filter(|_| !goes_on)))
        },
        |_, phone| Ok(phone),
    )
}
