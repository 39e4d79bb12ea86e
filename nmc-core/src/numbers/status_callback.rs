//! What the provider reports of a number itself: a hint to ask it, and no more. Whatever such a report
//! says, what is true is what the provider answers when it is asked.

use crate::error::found;
use crate::schema::phone_numbers as numbers;
use crate::store::{Reason, Store, SystemTx, Tenant};
use crate::telephony::ReportedNumber;
use crate::{NumberStatus, PhoneNumberId, Result, TenantId};
use diesel::prelude::*;

/// Has the worker ask the provider about a number at its next look: whether it has been bought or released, if that is under way,
/// or is still there.
///
/// # Errors
/// [`crate::Error::NotFound`] when nobody holds it.
pub fn note_number_status(store: &Store, reported: &ReportedNumber) -> Result<()> {
    store.found_by_worker(
        Reason::NumberLookup,
        None,
        |tx| tx.holder_of_reported(reported),
        |tx, id| tx.phone_numbers().make_due(id),
    )
}

impl SystemTx<'_> {
    fn holder_of_reported(&mut self, reported: &ReportedNumber) -> Result<(Tenant, PhoneNumberId)> {
        let held = numbers::table.filter(numbers::status.ne(NumberStatus::Released)).select((numbers::tenant_id, numbers::id));
        let row: Option<(TenantId, PhoneNumberId)> = match reported {
            ReportedNumber::Sid(sid) => held.filter(numbers::twilio_phone_sid.eq(sid)).first(self.conn).optional()?,
            ReportedNumber::Number(number) => held.filter(numbers::phone_number.eq(number)).first(self.conn).optional()?,
        };
        found(row, "phone number").map(|(tenant, id)| (Tenant::proven(tenant), id))
    }
}
