//! The parties of a call.

use crate::error::found;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::call_participants as participants;
use crate::store::{Scope, TenantTx, stamped};
use crate::{CallId, CallParticipantId, CallerIdentity, ParticipantType, Result, StreamEventKind, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// One party of a call.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = participants, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct CallParticipant {
    pub id: CallParticipantId,
    pub tenant_id: TenantId,
    pub call_id: CallId,
    pub phone_number: CallerIdentity,
    pub participant_type: ParticipantType,
    pub joined_at: DateTime<Utc>,
    pub left_at: Option<DateTime<Utc>>,
    pub muted: bool,
    pub on_hold: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A party that joins a call.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = participants, check_for_backend(Pg))]
pub struct NewCallParticipant {
    /// The call that the party joins.
    pub call_id: CallId,
    /// The number or address of the party.
    pub phone_number: CallerIdentity,
    /// The part that the party plays in the call.
    pub participant_type: ParticipantType,
}

/// A filter of parties of calls. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CallParticipantFilter {
    /// The call of the parties.
    pub call: Option<CallId>,
    /// The number or address of the parties.
    pub phone_number: Option<CallerIdentity>,
    /// The part that the parties play in their calls.
    pub participant_type: Option<ParticipantType>,
    /// Whether the parties are still in the call (true), or gone (false).
    pub present: Option<bool>,
}

fn filtered<'q, ST>(
    mut query: participants::BoxedQuery<'q, Pg, ST>,
    filter: &'q CallParticipantFilter,
) -> participants::BoxedQuery<'q, Pg, ST> {
    if let Some(call) = filter.call {
        query = query.filter(participants::call_id.eq(call));
    }
    if let Some(who) = &filter.phone_number {
        query = query.filter(participants::phone_number.eq(who));
    }
    if let Some(kind) = filter.participant_type {
        query = query.filter(participants::participant_type.eq(kind));
    }
    match filter.present {
        Some(true) => query = query.filter(participants::left_at.is_null()),
        Some(false) => query = query.filter(participants::left_at.is_not_null()),
        None => {}
    }
    query
}

/// The most parties of a call that are listed.
pub(crate) const MOST_PARTICIPANTS: i64 = 100;

/// The parties of a tenant's calls.
pub struct CallParticipants<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The parties of the tenant's calls.
    pub const fn call_participants(&mut self) -> CallParticipants<'_> {
        CallParticipants(self.0.reborrow())
    }
}

impl CallParticipants<'_> {
    /// The party, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: CallParticipantId) -> Result<Option<CallParticipant>> {
        Ok(CallParticipant::query()
            .filter(participants::tenant_id.eq(self.0.tenant))
            .filter(participants::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The party with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: CallParticipantId) -> Result<CallParticipant> {
        found(self.find(id)?, "participant")
    }

    /// The parties of a call, in the order they joined; 100 at the most.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list_of_call(&mut self, call: CallId) -> Result<Vec<CallParticipant>> {
        Ok(CallParticipant::query()
            .filter(participants::tenant_id.eq(self.0.tenant))
            .filter(participants::call_id.eq(call))
            .order((participants::joined_at, participants::id))
            .limit(MOST_PARTICIPANTS)
            .load(self.0.conn)?)
    }

    /// A page of parties, the last that joined first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &CallParticipantFilter, page: PageRequest) -> Result<Page<CallParticipant>> {
        let query = filtered(CallParticipant::query().filter(participants::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, participants::joined_at, participants::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &CallParticipant| Cursor { at: row.joined_at, id: row.id.uuid() }))
    }

    /// The number of parties that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &CallParticipantFilter) -> Result<i64> {
        let query = participants::table.filter(participants::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Records a party that joins now.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when the call does not exist; that is known when the transaction commits.
    pub fn create(&mut self, new: &NewCallParticipant) -> Result<CallParticipant> {
        new.phone_number.checked("phone_number", 255)?;
        let id = CallParticipantId::new(self.0.moment.id());
        self.0.note(StreamEventKind::CallUpdated, new.call_id.uuid());
        Ok(diesel::insert_into(participants::table)
            .values((new, participants::joined_at.eq(self.0.now()), stamped!(participants, self.0, id)))
            .returning(CallParticipant::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Mutes or unmutes a party, holds or resumes them. `None` leaves a switch as it is.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when it is not there or has left.
    pub fn switch(&mut self, id: CallParticipantId, muted: Option<bool>, on_hold: Option<bool>) -> Result<CallParticipant> {
        let row = diesel::update(participants::table)
            .filter(participants::tenant_id.eq(self.0.tenant))
            .filter(participants::id.eq(id))
            .filter(participants::left_at.is_null())
            .set((
                muted.map(|on| participants::muted.eq(on)),
                on_hold.map(|on| participants::on_hold.eq(on)),
                participants::updated_at.eq(self.0.now()),
            ))
            .returning(CallParticipant::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        let row: CallParticipant = found(row, "participant")?;
        self.0.note(StreamEventKind::CallUpdated, row.call_id.uuid());
        Ok(row)
    }

    /// The party leaves now. Leaving twice is leaving once.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn leave(&mut self, id: CallParticipantId) -> Result<CallParticipant> {
        // Another server, whose clock is ahead, may have been told that they joined.
        let joined_at = self.get(id)?.joined_at;
        self.0.moment.come_after(joined_at);
        diesel::update(participants::table)
            .filter(participants::tenant_id.eq(self.0.tenant))
            .filter(participants::id.eq(id))
            .filter(participants::left_at.is_null())
            .set((participants::left_at.eq(self.0.now()), participants::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        let row = self.get(id)?;
        self.0.note(StreamEventKind::CallUpdated, row.call_id.uuid());
        Ok(row)
    }

    /// Takes the party out of the call's record.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn delete(&mut self, id: CallParticipantId) -> Result<()> {
        let left: Option<CallId> = diesel::delete(participants::table)
            .filter(participants::tenant_id.eq(self.0.tenant))
            .filter(participants::id.eq(id))
            .returning(participants::call_id)
            .get_result(self.0.conn)
            .optional()?;
        self.0.note(StreamEventKind::CallUpdated, found(left, "participant")?.uuid());
        Ok(())
    }
}
