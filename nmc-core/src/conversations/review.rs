//! Texts that may be opt-outs: until staff have read them, the person gets no automatic text.

use super::consent::{HeardConsent, record_consent};
use super::{Conversation, Conversations, NewConversationEvent};
use crate::access::{Acting, Permission};
use crate::error::found;
use crate::schema::conversations;
use crate::store::Store;
use crate::{ConsentAction, ConversationEventType, ConversationId, Error, MessageId, PhoneNumber, Result, StreamEventKind};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde_json::json;

/// The decision of staff about a text that may be an opt-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewDecision {
    /// The text was an opt-out.
    OptOut,
    /// The text was no opt-out.
    NoOptOut,
}

/// Settles what a conversation has for review, as whoever acts. An opt-out is recorded for the person, as
/// [`record_consent`] does; otherwise automatic texts to them go on.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ConsentsWrite`]; [`Error::NotFound`] without such a conversation;
/// [`Error::Conflict`] when it has nothing to settle.
pub fn settle_review(
    store: &Store,
    who: &Acting,
    conversation: ConversationId,
    decision: ReviewDecision,
    note: Option<&str>,
) -> Result<Conversation> {
    let before = who.transaction(store, |tx| {
        tx.must(Permission::ConsentsWrite)?;
        match decision {
            ReviewDecision::OptOut => tx.conversations().in_review(conversation),
            ReviewDecision::NoOptOut => tx.conversations().dismiss_review(conversation, note),
        }
    })?;
    let customer_phone = match (decision, before.customer_phone.phone()) {
        (ReviewDecision::OptOut, Some(customer)) => customer.clone(),
        _ => return Ok(before),
    };
    let heard = HeardConsent { customer_phone, action: ConsentAction::OptOut, note: note.map(str::to_owned) };
    record_consent(store, who, &heard)?;
    who.transaction(store, |tx| tx.conversations().get(conversation))
}

impl Conversations<'_> {
    /// The conversation, which has something for review.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it has nothing.
    pub fn in_review(&mut self, id: ConversationId) -> Result<Conversation> {
        let row = self.lock(id)?;
        if row.review_requested_at.is_some() { Ok(row) } else { Err(NOTHING_TO_SETTLE) }
    }

    /// Settles what the conversation has for review: it was no opt-out. An opt-out is [recorded](super::Consents::record),
    /// which settles it, too.
    ///
    /// # Errors
    /// As [`Self::in_review`]; [`Error::Invalid`] of a note longer than 1,000 characters.
    pub fn dismiss_review(&mut self, id: ConversationId, note: Option<&str>) -> Result<Conversation> {
        let note = crate::types::optional("note", note, 1_000)?;
        self.in_review(id)?;
        let row = diesel::update(conversations::table)
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .set((conversations::review_requested_at.eq(None::<DateTime<Utc>>), conversations::updated_at.eq(self.0.now())))
            .returning(Conversation::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        let settled = NewConversationEvent::new(id, ConversationEventType::ReviewSettled);
        self.log(settled.with(json!({"decision": "none", "note": note})))?;
        found(row, "conversation")
    }

    /// Asks staff to read a text. A conversation that waits for them already goes on waiting since then.
    pub(crate) fn request_review(&mut self, id: ConversationId, text: MessageId) -> Result<NewConversationEvent> {
        diesel::update(conversations::table)
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .filter(conversations::review_requested_at.is_null())
            .set((conversations::review_requested_at.eq(self.0.now()), conversations::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        self.0.note(StreamEventKind::ConversationUpdated, id.uuid());
        Ok(NewConversationEvent::new(id, ConversationEventType::ReviewRequested).with(json!({"message_id": text})))
    }

    /// The person has decided, or staff have for them: nothing of theirs is left for review.
    pub(super) fn end_reviews_of(&mut self, customer: &PhoneNumber, action: ConsentAction) -> Result<()> {
        let settled: Vec<ConversationId> = diesel::update(conversations::table)
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::customer_phone.eq_any(customer.spellings()))
            .filter(conversations::review_requested_at.is_not_null())
            .set((conversations::review_requested_at.eq(None::<DateTime<Utc>>), conversations::updated_at.eq(self.0.now())))
            .returning(conversations::id)
            .get_results(self.0.conn)?;
        let event = |id| NewConversationEvent::new(id, ConversationEventType::ReviewSettled);
        let events: Vec<_> = settled.into_iter().map(|id| event(id).with(json!({"decision": action}))).collect();
        self.0.tx().conversation_events().append(&events)
    }
}

const NOTHING_TO_SETTLE: Error = Error::conflict("conversation", "has nothing to settle");
