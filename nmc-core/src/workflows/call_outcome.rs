//! How a call's status and outcome are moved by hand, and what its conversation's log hears of it.

use crate::calls::{Call, Calls};
use crate::conversations::NewConversationEvent;
use crate::schema::calls;
use crate::{CallId, CallOutcome, CallStatus, ConversationEventType, Result, StreamEventKind};
use diesel::prelude::*;
use serde_json::json;

impl Calls<'_> {
    /// Moves the call's status; one that ends the call also notes when. The conversation's log hears of the end. Twilio's
    /// callbacks have a way of their own ([`super::record_voice_status`]), which also answers missed calls.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`], or [`crate::Error::InvalidTransition`], which changes nothing.
    pub fn set_status(&mut self, id: CallId, to: CallStatus) -> Result<Call> {
        let before = self.lock(id)?;
        before.call_status.must_become(to)?;
        // It does not end before it began, though its beginning may lie ahead of our clock.
        let ended_at = if to.is_terminal() { before.ended_at.or(Some(self.0.now())).max(before.started_at) } else { None };
        let call: Call = diesel::update(calls::table)
            .filter(calls::tenant_id.eq(self.0.tenant))
            .filter(calls::id.eq(id))
            .filter(calls::call_status.eq(before.call_status))
            .set((calls::call_status.eq(to), ended_at.map(|at| calls::ended_at.eq(at)), calls::updated_at.eq(self.0.now())))
            .returning(Call::as_returning())
            .get_result(self.0.conn)?;
        self.0.note(StreamEventKind::CallUpdated, id.uuid());
        if to.is_terminal() {
            self.log(&call, ConversationEventType::CallEnded, json!({"status": to, "outcome": call.outcome}))?;
        }
        Ok(call)
    }

    /// Puts right what came of a call that has ended, such as spam that a member of staff marks as blocked. The
    /// conversation's log hears of it; no text follows.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Invalid`] while the call lasts.
    pub fn set_outcome(&mut self, id: CallId, to: CallOutcome) -> Result<Call> {
        let before = self.lock(id)?;
        if before.outcome == Some(to) {
            return Ok(before);
        }
        let call: Call = diesel::update(calls::table)
            .filter(calls::tenant_id.eq(self.0.tenant))
            .filter(calls::id.eq(id))
            .set((calls::outcome.eq(to), calls::updated_at.eq(self.0.now())))
            .returning(Call::as_returning())
            .get_result(self.0.conn)?;
        self.0.note(StreamEventKind::CallUpdated, id.uuid());
        self.log(&call, ConversationEventType::OutcomeChanged, json!({"old": before.outcome, "new": to}))?;
        Ok(call)
    }

    fn log(&mut self, call: &Call, kind: ConversationEventType, data: serde_json::Value) -> Result<()> {
        let Some(conversation) = call.conversation_id else { return Ok(()) };
        let event = NewConversationEvent::new(conversation, kind).of_call(call.id).with(data);
        self.0.tx().conversation_events().append(&[event])
    }
}
