//! How a call moves on as its provider tells of it: found or begun under its SID, and written back.

use super::call::{Call, Calls};
use crate::error::touched_one;
use crate::schema::calls;
use crate::store::Prepared;
use crate::{CallId, CallOutcome, CallStatus, ConversationId, ForwardedLegStatus, Result, StreamEventKind};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::upsert::excluded;

/// The columns that move while a call lives: read, merged and written back under its row's lock.
#[derive(Debug, Clone, PartialEq, AsChangeset)]
#[diesel(table_name = calls, treat_none_as_null = true)]
pub(super) struct Progress {
    conversation_id: Option<ConversationId>,
    call_status: CallStatus,
    duration_seconds: Option<i32>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    recording_url: Option<String>,
    recording_duration_seconds: Option<i32>,
    caller_name: Option<String>,
    caller_city: Option<String>,
    caller_state: Option<String>,
    caller_country: Option<String>,
    answered_by: Option<String>,
    forwarded_from: Option<String>,
    outcome: Option<CallOutcome>,
    forwarded_leg_status: Option<ForwardedLegStatus>,
    forwarded_leg_bridged: Option<bool>,
    error_code: Option<i32>,
    stir_verstat: Option<String>,
    disconnect_reason: Option<String>,
}

impl Call {
    pub(super) fn progress(&self) -> Progress {
        Progress {
            conversation_id: self.conversation_id,
            call_status: self.call_status,
            duration_seconds: self.duration_seconds,
            started_at: self.started_at,
            ended_at: self.ended_at,
            recording_url: self.recording_url.clone(),
            recording_duration_seconds: self.recording_duration_seconds,
            caller_name: self.caller_name.clone(),
            caller_city: self.caller_city.clone(),
            caller_state: self.caller_state.clone(),
            caller_country: self.caller_country.clone(),
            answered_by: self.answered_by.clone(),
            forwarded_from: self.forwarded_from.clone(),
            outcome: self.outcome,
            forwarded_leg_status: self.forwarded_leg_status,
            forwarded_leg_bridged: self.forwarded_leg_bridged,
            error_code: self.error_code,
            stir_verstat: self.stir_verstat.clone(),
            disconnect_reason: self.disconnect_reason.clone(),
        }
    }
}

impl Calls<'_> {
    /// Writes the row, or locks and returns the one that is there under its SID. The flag says whether it is new.
    pub(crate) fn insert_or_lock(&mut self, row: &Call) -> Result<(Call, bool)> {
        let upsert = diesel::insert_into(calls::table)
            .values(row)
            .on_conflict((calls::tenant_id, calls::twilio_call_sid))
            .do_update()
            .set((calls::twilio_call_sid.eq(excluded(calls::twilio_call_sid)), calls::updated_at.eq(excluded(calls::updated_at))))
            .returning(Call::as_returning());
        let stored: Call = Prepared(upsert).get_result(self.0.conn)?;
        let is_new = stored.id == row.id;
        self.0.note(if is_new { StreamEventKind::CallCreated } else { StreamEventKind::CallUpdated }, stored.id.uuid());
        Ok((stored, is_new))
    }

    /// Writes back what `absorb` changed.
    pub(crate) fn save_progress(&mut self, call: &Call) -> Result<()> {
        let update = diesel::update(calls::table)
            .filter(calls::tenant_id.eq(self.0.tenant))
            .filter(calls::id.eq(call.id))
            .set((call.progress(), calls::updated_at.eq(self.0.now())))
            .returning(calls::id);
        self.0.note(StreamEventKind::CallUpdated, call.id.uuid());
        touched_one(Prepared(update).keys::<CallId>(self.0.conn)?.len(), "call")
    }
}
