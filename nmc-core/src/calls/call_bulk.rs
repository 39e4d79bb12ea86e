//! What is done to the records of calls by hand or in bulk: putting them right, importing old ones.

use super::call::{Call, Calls, NewCall};
use crate::error::found;
use crate::schema::calls;
use crate::store::{at_most_a_batch, at_row};
use crate::types::{bounds, required};
use crate::{CallDirection, CallId, CallerIdentity, Error, Patch, Result, StreamEventKind};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Integer, Nullable, Numeric, Text, Timestamptz, Uuid};
use rust_decimal::Decimal;
use std::collections::HashMap;

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
    /// The URL of the recording; up to 2,000 characters.
    pub recording_url: Patch<String>,
    /// The length of the recording in seconds.
    pub recording_duration_seconds: Patch<i32>,
    /// The reason why the call ended; up to 100 characters.
    pub disconnect_reason: Patch<String>,
    /// The cost of the call: Twilio's price without its minus sign. At most 4 decimals.
    pub price: Patch<Decimal>,
    /// The price's currency; up to 10 characters.
    pub price_unit: Option<String>,
}

/// An array per column is one short statement with 24 values, however many the rows; a multi-row INSERT has 30 per row, to be named,
/// parsed and planned. docs/BENCHMARKS.md has both.
const IMPORT: &str = "\
INSERT INTO calls (tenant_id, created_at, updated_at, id, caller_phone, called_phone, call_direction, call_status, twilio_call_sid,
                   conversation_id, started_at, ended_at, duration_seconds, outcome, call_type, caller_name, caller_city,
                   caller_state, caller_country, recording_url, recording_duration_seconds, disconnect_reason, price,
                   answered_by, forwarded_from)
SELECT $1, $2, $2, new.*
FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24) AS new
ON CONFLICT (tenant_id, twilio_call_sid) DO NOTHING";

/// The calls that are there with some SIDs. Of a log that has just been imported the server's statistics know nothing, and it may read all of the
/// business: an array that it knows when it plans is hashed then, and one that is bound to a plan for all is gone through for each row.
const THERE: &str = "\
SELECT twilio_call_sid, caller_phone, called_phone, call_direction FROM calls WHERE tenant_id = $1 AND twilio_call_sid = ANY ($2)";

#[derive(QueryableByName)]
#[diesel(table_name = calls, check_for_backend(diesel::pg::Pg))]
struct There {
    twilio_call_sid: Option<String>,
    caller_phone: CallerIdentity,
    called_phone: CallerIdentity,
    call_direction: CallDirection,
}

/// Calls per statement: so few that none counts as a slow one.
const PER_STATEMENT: usize = 1_000;

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
    /// [`Error::Invalid`] on a broken rule, and of another call than the one that is there with its SID, with the row of the call at fault;
    /// then none is taken in. That a conversation does not exist is known when the transaction commits, and has no row.
    pub fn import(&mut self, many: &[NewCall]) -> Result<u64> {
        at_most_a_batch(many)?;
        let mut calls = Vec::with_capacity(many.len());
        for (row, new) in many.iter().enumerate() {
            let keyed = new.checked().and_then(|new| match new.twilio_call_sid {
                Some(_) => Ok(new),
                None => Err(Error::invalid("twilio_call_sid", "is required: it tells imported calls apart")),
            });
            let keyed = keyed.and_then(|new| new.lies_before(self.0.now()).map(|()| new));
            calls.push((row, keyed.map_err(|error| at_row(row, error))?));
        }
        // In one order, so that two imports of the same calls wait for each other instead of for each other's rows.
        calls.sort_by(|(_, a), (_, b)| a.twilio_call_sid.cmp(&b.twilio_call_sid));
        let mut new = 0;
        for calls in calls.chunks(PER_STATEMENT) {
            let inserted = self.insert_missing(calls)?;
            if inserted < calls.len() {
                self.agree(calls)?;
            }
            new += inserted;
        }
        if new > 0 {
            self.0.note_many(StreamEventKind::CallCreated);
        }
        u64::try_from(new).map_err(Error::internal)
    }

    /// Writes checked calls whose SIDs are not there yet. How many those were.
    fn insert_missing(&mut self, calls: &[(usize, NewCall)]) -> Result<usize> {
        let ids: Vec<CallId> = calls.iter().map(|_| CallId::new(self.0.moment.id())).collect();
        Ok(sql_query(IMPORT)
            .bind::<Uuid, _>(self.0.tenant)
            .bind::<Timestamptz, _>(self.0.now())
            .bind::<Array<Uuid>, _>(ids)
            .bind::<Array<Text>, _>(column(calls, |call| &call.caller_phone))
            .bind::<Array<Text>, _>(column(calls, |call| &call.called_phone))
            .bind::<Array<Text>, _>(column(calls, |call| &call.call_direction))
            .bind::<Array<Text>, _>(column(calls, |call| &call.call_status))
            .bind::<Array<Nullable<Text>>, _>(column(calls, |call| &call.twilio_call_sid))
            .bind::<Array<Nullable<Uuid>>, _>(column(calls, |call| &call.conversation_id))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(calls, |call| &call.started_at))
            .bind::<Array<Nullable<Timestamptz>>, _>(column(calls, |call| &call.ended_at))
            .bind::<Array<Nullable<Integer>>, _>(column(calls, |call| &call.duration_seconds))
            .bind::<Array<Nullable<Text>>, _>(column(calls, |call| &call.outcome))
            .bind::<Array<Text>, _>(column(calls, |call| &call.call_type))
            .bind::<Array<Nullable<Text>>, _>(column(calls, |call| &call.caller_name))
            .bind::<Array<Nullable<Text>>, _>(column(calls, |call| &call.caller_city))
            .bind::<Array<Nullable<Text>>, _>(column(calls, |call| &call.caller_state))
            .bind::<Array<Nullable<Text>>, _>(column(calls, |call| &call.caller_country))
            .bind::<Array<Nullable<Text>>, _>(column(calls, |call| &call.recording_url))
            .bind::<Array<Nullable<Integer>>, _>(column(calls, |call| &call.recording_duration_seconds))
            .bind::<Array<Nullable<Text>>, _>(column(calls, |call| &call.disconnect_reason))
            .bind::<Array<Nullable<Numeric>>, _>(column(calls, |call| &call.price))
            .bind::<Array<Nullable<Text>>, _>(column(calls, |call| &call.answered_by))
            .bind::<Array<Nullable<Text>>, _>(column(calls, |call| &call.forwarded_from))
            .execute(self.0.conn)?)
    }

    /// Insists that the calls that are there with these SIDs are the ones that are told of.
    fn agree(&mut self, told: &[(usize, NewCall)]) -> Result<()> {
        let mut told: Vec<_> = told.iter().map(|(row, call)| (*row, call)).collect();
        told.sort_by_key(|(row, _)| *row);
        self.contradicted(&told)?.into_iter().next().map_or(Ok(()), Err)
    }

    /// The calls among these (up to [`crate::Store::BATCH`]) for which [`Self::import`] would refuse them all: with the SID of each there is another call
    /// already, between others or the other way. Each is told as an [`Error::Invalid`] of its row, in the order of the rows.
    ///
    /// # Errors
    /// [`Error::Invalid`] where those are too many, or one breaks a rule by itself.
    pub fn contradictions(&mut self, told: &[NewCall]) -> Result<Vec<Error>> {
        at_most_a_batch(told)?;
        let checked = told.iter().enumerate().map(|(row, call)| call.checked().map_err(|error| at_row(row, error)));
        let checked: Vec<NewCall> = checked.collect::<Result<_>>()?;
        let told: Vec<_> = checked.iter().enumerate().collect();
        let mut found = Vec::new();
        for told in told.chunks(PER_STATEMENT) {
            found.append(&mut self.contradicted(told)?);
        }
        Ok(found)
    }

    /// What contradicts the calls that are there: a call is between the same two, the same way. Of somebody who was anonymous to one of the two
    /// nothing is known.
    fn contradicted(&mut self, told: &[(usize, &NewCall)]) -> Result<Vec<Error>> {
        let sids: Vec<_> = told.iter().map(|(_, call)| &call.twilio_call_sid).collect();
        let there: Vec<There> =
            sql_query(THERE).bind::<Uuid, _>(self.0.tenant).bind::<Array<Nullable<Text>>, _>(sids).load(self.0.conn)?;
        let there: HashMap<_, _> = there.into_iter().map(|there| (there.twilio_call_sid.clone(), there)).collect();
        let is_other = |one: &CallerIdentity, another: &CallerIdentity| {
            one.phone().zip(another.phone()).is_some_and(|_| one.person() != another.person())
        };
        let at_fault = told.iter().filter_map(|(row, call)| {
            let there = there.get(&call.twilio_call_sid)?;
            let fields = [
                (is_other(&there.caller_phone, &call.caller_phone), "caller_phone"),
                (is_other(&there.called_phone, &call.called_phone), "called_phone"),
                (there.call_direction != call.call_direction, "call_direction"),
            ];
            let (_, field) = fields.into_iter().find(|(differs, _)| *differs)?;
            let what = "must be what the call has that is there already with the same twilio_call_sid";
            Some(at_row(*row, Error::invalid(field, what)))
        });
        Ok(at_fault.collect())
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

/// One field of all calls: what UNNEST puts side by side again.
fn column<T>(calls: &[(usize, NewCall)], field: impl Fn(&NewCall) -> &T) -> Vec<&T> {
    calls.iter().map(|(_, call)| field(call)).collect()
}
