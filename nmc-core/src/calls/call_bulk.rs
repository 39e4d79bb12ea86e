//! What is done to the records of calls by hand or in bulk: putting them right, importing old ones.

use super::call::{Call, Calls, NewCall};
use crate::error::found;
use crate::schema::calls;
use crate::store::{at_most_a_batch, at_row, in_statements};
use crate::types::{bounds, required};
use crate::{CallId, Error, Patch, Result, StreamEventKind};
use diesel::prelude::*;
use rust_decimal::Decimal;

/// Changes of what is known about a call. Status and outcome have verbs.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CallPatch {
    /// The caller's name; up to 255 characters.
    pub caller_name: Patch<String>,
    /// The caller's city; up to 100 characters.
    pub caller_city: Patch<String>,
    /// The caller's state; up to 50 characters.
    pub caller_state: Patch<String>,
    /// The caller's country; up to 3 characters.
    pub caller_country: Patch<String>,
    /// Where the recording is; up to 2,000 characters.
    pub recording_url: Patch<String>,
    /// Its length in seconds.
    pub recording_duration_seconds: Patch<i32>,
    /// Why the call ended; up to 100 characters.
    pub disconnect_reason: Patch<String>,
    /// What it cost: Twilio's price without its minus sign. At most 4 decimals.
    pub price: Patch<Decimal>,
    /// The price's currency; up to 10 characters.
    pub price_unit: Option<String>,
}

/// Calls per statement, of 30 values each.
const PER_STATEMENT: usize = 2_000;

impl Calls<'_> {
    /// Changes what is known about a call.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Invalid`] on a broken rule.
    pub fn update(&mut self, id: CallId, patch: &CallPatch) -> Result<Call> {
        let price = patch.price.try_map(|price| bounds::PRICE.exact("price", price))?;
        let unit = patch.price_unit.as_deref().map(|unit| required("price_unit", unit, 10)).transpose()?;
        let row = diesel::update(calls::table)
            .filter(calls::tenant_id.eq(self.0.tenant))
            .filter(calls::id.eq(id))
            .set((
                patch.caller_name.text("caller_name", 255)?.map(|value| calls::caller_name.eq(value)),
                patch.caller_city.text("caller_city", 100)?.map(|value| calls::caller_city.eq(value)),
                patch.caller_state.text("caller_state", 50)?.map(|value| calls::caller_state.eq(value)),
                patch.caller_country.text("caller_country", 3)?.map(|value| calls::caller_country.eq(value)),
                patch.recording_url.text("recording_url", 2_000)?.map(|value| calls::recording_url.eq(value)),
                patch.recording_duration_seconds.into_change().map(|value| calls::recording_duration_seconds.eq(value)),
                patch.disconnect_reason.text("disconnect_reason", 100)?.map(|value| calls::disconnect_reason.eq(value)),
                price.into_change().map(|value| calls::price.eq(value)),
                unit.map(|value| calls::price_unit.eq(value)),
                calls::updated_at.eq(self.0.now()),
            ))
            .returning(Call::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        self.0.note(StreamEventKind::CallUpdated, id.uuid());
        found(row, "call")
    }

    /// Takes in calls from elsewhere (up to [`crate::Store::BATCH`]): nobody is texted, no conversation is opened. A
    /// call whose SID is there already stays as it is, so an import that failed is simply run again. Returns how many
    /// were new. [`crate::Store::load`] takes any number.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a broken rule, with the row of the call at fault; then none is
    /// taken in. That a conversation does not exist is known when the transaction commits, and has no row.
    pub fn import(&mut self, many: &[NewCall]) -> Result<u64> {
        at_most_a_batch(many)?;
        let mut rows = Vec::with_capacity(many.len());
        for (row, new) in many.iter().enumerate() {
            let keyed = new.checked().and_then(|new| match new.twilio_call_sid {
                Some(_) => Ok(new),
                None => Err(Error::invalid("twilio_call_sid", "is required: it tells imported calls apart")),
            });
            rows.push(keyed.map_err(|error| at_row(row, error))?.into_row(&self.0));
        }
        // In one order, so that two imports of the same calls wait for each other instead of for each other's rows.
        rows.sort_by(|a, b| a.twilio_call_sid.cmp(&b.twilio_call_sid));
        let mut new = 0;
        for rows in in_statements(rows, PER_STATEMENT) {
            new += diesel::insert_into(calls::table)
                .values(rows)
                .on_conflict((calls::tenant_id, calls::twilio_call_sid))
                .do_nothing()
                .execute(self.0.conn)?;
        }
        if new > 0 {
            self.0.note_many(StreamEventKind::CallCreated);
        }
        u64::try_from(new).map_err(Error::internal)
    }

    /// The call, held until the transaction ends: for a change that depends on what is there.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn lock(&mut self, id: CallId) -> Result<Call> {
        let row: Option<Call> = Call::query()
            .filter(calls::tenant_id.eq(self.0.tenant))
            .filter(calls::id.eq(id))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        let row = found(row, "call")?;
        self.0.moment.come_after(row.updated_at);
        Ok(row)
    }
}
