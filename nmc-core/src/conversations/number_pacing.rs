//! When each number of a tenant may send its next text, and whether it is held back.

use super::message::Message;
use crate::schema::number_pacing;
use crate::store::{Prepared, Scope, TenantTx};
use crate::{MessageStatus, PacingId, PhoneNumber, Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use std::collections::HashMap;

/// How long a number that may not send is left alone before it is tried again.
pub(crate) const NUMBER_HOLD: TimeDelta = TimeDelta::hours(1);

/// The pace of one sending number.
#[derive(Debug, Clone, PartialEq, Eq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = number_pacing, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct NumberPace {
    pub id: PacingId,
    pub tenant_id: TenantId,
    pub phone_number: PhoneNumber,
    pub free_at: DateTime<Utc>,
    pub held_until: Option<DateTime<Utc>>,
    pub hold_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What queued texts wait for, at one instant.
#[derive(Debug, Clone)]
pub struct Waits {
    held: Vec<NumberPace>,
    now: DateTime<Utc>,
}

impl Waits {
    /// The instant until which a queued text waits: for its next attempt, or for a number that is held back; the later of both. One that is
    /// being sent waits for nothing.
    #[must_use]
    pub fn until(&self, text: &Message) -> Option<DateTime<Utc>> {
        let own = text.next_attempt_at.filter(|at| self.is_waiting(text) && *at > self.now);
        own.max(self.hold(text).and_then(|pace| pace.held_until))
    }

    /// The reason why the number that a queued text leaves from is held back.
    #[must_use]
    pub fn reason(&self, text: &Message) -> Option<&str> {
        self.hold(text)?.hold_reason.as_deref()
    }

    fn hold(&self, text: &Message) -> Option<&NumberPace> {
        let from = text.from_number.phone().filter(|_| self.is_waiting(text))?;
        self.held.iter().find(|pace| pace.phone_number == *from)
    }

    fn is_waiting(&self, text: &Message) -> bool {
        is_queued(text) && text.lease_expires_at.is_none_or(|until| until <= self.now)
    }
}

fn is_queued(text: &Message) -> bool {
    text.message_status == MessageStatus::Queued
}

/// The paces of a tenant's numbers.
pub struct NumberPacing<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The paces of the tenant's numbers.
    pub const fn number_pacing(&mut self) -> NumberPacing<'_> {
        NumberPacing(self.0.reborrow())
    }
}

impl NumberPacing<'_> {
    /// The pace of a number; one that has never sent has none.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find_by_number(&mut self, number: &PhoneNumber) -> Result<Option<NumberPace>> {
        Ok(NumberPace::query()
            .filter(number_pacing::tenant_id.eq(self.0.tenant))
            .filter(number_pacing::phone_number.eq(number))
            .first(self.0.conn)
            .optional()?)
    }

    /// The paces of those of these numbers whose texts are held back now.
    ///
    /// # Errors
    /// As [`Self::find_by_number`].
    pub fn list_held(&mut self, numbers: &[PhoneNumber]) -> Result<Vec<NumberPace>> {
        Ok(NumberPace::query()
            .filter(number_pacing::tenant_id.eq(self.0.tenant))
            .filter(number_pacing::phone_number.eq_any(numbers))
            .filter(number_pacing::held_until.gt(self.0.now()))
            .order(number_pacing::phone_number)
            .load(self.0.conn)?)
    }

    /// What those of these texts that are queued wait for.
    ///
    /// # Errors
    /// As [`Self::find_by_number`].
    pub fn waits_of(&mut self, texts: &[Message]) -> Result<Waits> {
        let queued = texts.iter().filter(|text| is_queued(text));
        let mut numbers: Vec<PhoneNumber> = queued.filter_map(|text| text.from_number.phone().cloned()).collect();
        numbers.sort();
        numbers.dedup();
        let held = if numbers.is_empty() { Vec::new() } else { self.list_held(&numbers)? };
        Ok(Waits { held, now: self.0.now() })
    }

    /// The numbers that may not send now, and when they may again.
    pub(crate) fn busy(&mut self) -> Result<HashMap<PhoneNumber, DateTime<Utc>>> {
        let now = self.0.now();
        let query = number_pacing::table
            .filter(number_pacing::tenant_id.eq(self.0.tenant))
            .filter(number_pacing::free_at.gt(now).or(number_pacing::held_until.gt(now)))
            .select((number_pacing::phone_number, number_pacing::free_at, number_pacing::held_until));
        let rows: Vec<(PhoneNumber, DateTime<Utc>, Option<DateTime<Utc>>)> = Prepared(query).load(self.0.conn)?;
        Ok(rows.into_iter().map(|(number, free, held)| (number, held.map_or(free, |held| held.max(free)))).collect())
    }

    /// A number sends now, and may again at `free_at`.
    pub(crate) fn set_free_at(&mut self, number: &PhoneNumber, free_at: DateTime<Utc>) -> Result<()> {
        let now = self.0.now();
        let upsert = diesel::insert_into(number_pacing::table)
            .values((
                number_pacing::id.eq(PacingId::new(self.0.moment.id())),
                number_pacing::tenant_id.eq(self.0.tenant),
                number_pacing::phone_number.eq(number),
                number_pacing::free_at.eq(free_at),
                number_pacing::created_at.eq(now),
                number_pacing::updated_at.eq(now),
            ))
            .on_conflict((number_pacing::tenant_id, number_pacing::phone_number))
            .do_update()
            .set((number_pacing::free_at.eq(free_at), number_pacing::updated_at.eq(now)))
            .returning(number_pacing::id);
        Prepared(upsert).keys::<PacingId>(self.0.conn)?;
        Ok(())
    }

    /// Holds a number back until `until`: its texts wait.
    pub(crate) fn hold(&mut self, number: &PhoneNumber, until: DateTime<Utc>, why: &str) -> Result<()> {
        let now = self.0.now();
        let upsert = diesel::insert_into(number_pacing::table)
            .values((
                number_pacing::id.eq(PacingId::new(self.0.moment.id())),
                number_pacing::tenant_id.eq(self.0.tenant),
                number_pacing::phone_number.eq(number),
                number_pacing::free_at.eq(now),
                number_pacing::held_until.eq(until),
                number_pacing::hold_reason.eq(why),
                number_pacing::created_at.eq(now),
                number_pacing::updated_at.eq(now),
            ))
            .on_conflict((number_pacing::tenant_id, number_pacing::phone_number))
            .do_update()
            .set((number_pacing::held_until.eq(until), number_pacing::hold_reason.eq(why), number_pacing::updated_at.eq(now)))
            .returning(number_pacing::id);
        Prepared(upsert).keys::<PacingId>(self.0.conn)?;
        Ok(())
    }
}
