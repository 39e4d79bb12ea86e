//! How a claim of a text ends, and what is done to texts that are still queued. Every end names the claim: whoever has lost it
//! changes nothing.

use super::message::DUE_SQL;
use super::message_queue::ClaimedMessage;
use super::message_rules::OPTED_OUT;
use super::{Messages, NewConversationEvent};
use crate::schema::messages;
use crate::store::Prepared;
use crate::telephony::SendReceipt;
use crate::{ConversationEventType, LeaseId, MessageId, MessageStatus, PhoneNumber, Result, StreamEventKind};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::json;

/// The ending of an attempt at a claimed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The provider has the text.
    Sent(SendReceipt),
    /// The text was certainly not sent, and is due again at this time.
    PutBack { at: DateTime<Utc>, why: String, counts: bool },
    /// The text was certainly not sent, and may not be before this time.
    Waits { at: DateTime<Utc>, why: String },
    /// The text may or may not have been sent; the provider is asked about it at this time.
    InDoubt { at: DateTime<Utc>, why: String },
    /// The provider has had the text, and has given it up.
    Failed { receipt: SendReceipt, why: String },
    /// The text will not be sent: called off, or failed with the provider's code.
    Ended { status: MessageStatus, code: Option<i32>, why: String },
    /// The attempt was not begun: the text is due as before.
    NotBegun,
}

impl Messages<'_> {
    /// Ends a claim. `false`: it had ended before.
    pub(crate) fn end_claim(&mut self, claimed: &ClaimedMessage, ending: &Ending) -> Result<bool> {
        let now = self.0.now();
        let (status, sent, code, why) = match ending {
            Ending::Sent(receipt) => (receipt.status, Some(receipt), None, None),
            // Its SID stays its own: the provider reports of it still, and a text of the same words is another one.
            Ending::Failed { receipt, why } => (receipt.status, Some(receipt), receipt.error_code, Some(why.as_str())),
            Ending::PutBack { why, .. } | Ending::Waits { why, .. } | Ending::InDoubt { why, .. } => {
                (MessageStatus::Queued, None, None, Some(why.as_str()))
            }
            Ending::Ended { status, code, why } => (*status, None, *code, Some(why.as_str())),
            Ending::NotBegun => (MessageStatus::Queued, None, None, None),
        };
        let due = match ending {
            Ending::PutBack { at, .. } | Ending::Waits { at, .. } | Ending::InDoubt { at, .. } => Some(*at),
            Ending::NotBegun => Some(now),
            Ending::Sent(_) | Ending::Failed { .. } | Ending::Ended { .. } => None,
        };
        // What was in doubt once is looked up before each further try: it stays marked by its claim.
        let doubtful = matches!(ending, Ending::InDoubt { .. })
            || claimed.in_doubt && matches!(ending, Ending::PutBack { .. } | Ending::Waits { .. } | Ending::NotBegun);
        let uncounted = matches!(ending, Ending::NotBegun | Ending::Waits { .. } | Ending::PutBack { counts: false, .. });
        let update = diesel::update(messages::table)
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq(claimed.id))
            .filter(messages::lease_owner.eq(claimed.lease))
            .filter(messages::message_status.eq(MessageStatus::Queued))
            .set((
                messages::message_status.eq(status),
                messages::error_code.eq(code),
                messages::error_message.eq(why),
                sent.map(|receipt| (messages::message_sid.eq(&receipt.sid), messages::sent_at.eq(now))),
                messages::next_attempt_at.eq(due),
                // One that has to wait is not late before then.
                matches!(ending, Ending::Waits { .. }).then(|| messages::due_since.eq(None::<DateTime<Utc>>)),
                messages::attempts.eq(messages::attempts - i32::from(uncounted)),
                messages::lease_owner.eq(doubtful.then_some(claimed.lease)),
                messages::lease_expires_at.eq(doubtful.then_some(now)),
                messages::updated_at.eq(now),
            ))
            .returning(messages::id);
        let ended = !Prepared(update).keys::<MessageId>(self.0.conn)?.is_empty();
        if ended {
            self.0.note(StreamEventKind::MessageUpdated, claimed.id.uuid());
        }
        if ended && status.has_failed() {
            // Visibly: in the conversation, too.
            self.0.tx().conversation_events().append(&[NewConversationEvent::new(
                claimed.conversation,
                ConversationEventType::MessageFailed,
            )
            .with(json!({"message_id": claimed.id, "error_code": code}))])?;
        }
        Ok(ended)
    }

    /// The SIDs among these that no text of this tenant has.
    pub(crate) fn unknown_sids(&mut self, sids: &[String]) -> Result<Vec<String>> {
        let known: Vec<Option<String>> = messages::table
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::message_sid.eq_any(sids))
            .select(messages::message_sid)
            .load(self.0.conn)?;
        Ok(sids.iter().filter(|sid| !known.iter().flatten().any(|known| known == *sid)).cloned().collect())
    }

    /// Calls off queued texts, which the caller has locked and found to be nobody's claim.
    pub(crate) fn call_off(&mut self, ids: Vec<MessageId>, why: &str) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let update = diesel::update(messages::table)
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq_any(ids))
            .filter(messages::message_status.eq(MessageStatus::Queued))
            .set((
                messages::message_status.eq(MessageStatus::Canceled),
                messages::error_message.eq(why),
                messages::next_attempt_at.eq(None::<DateTime<Utc>>),
                messages::lease_owner.eq(None::<LeaseId>),
                messages::lease_expires_at.eq(None::<DateTime<Utc>>),
                messages::updated_at.eq(self.0.now()),
            ))
            .returning(messages::id);
        let touched = Prepared(update).keys(self.0.conn)?;
        self.note_updated(&touched);
        Ok(())
    }

    /// Makes queued texts wait until `at`.
    pub(crate) fn postpone(&mut self, ids: Vec<MessageId>, at: DateTime<Utc>, why: &str) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        let update = diesel::update(messages::table)
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq_any(ids))
            .filter(messages::message_status.eq(MessageStatus::Queued))
            .set((
                messages::next_attempt_at.eq(at),
                messages::due_since.eq(None::<DateTime<Utc>>),
                messages::error_message.eq(why),
                messages::updated_at.eq(self.0.now()),
            ))
            .returning(messages::id);
        let touched = Prepared(update).keys(self.0.conn)?;
        self.note_updated(&touched);
        Ok(())
    }

    /// Calls off what is queued to a person who has opted out, in whichever spelling.
    pub(crate) fn cancel_queued_to(&mut self, person: &PhoneNumber) -> Result<usize> {
        let touched: Vec<MessageId> = diesel::update(messages::table)
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::to_number.eq_any(person.spellings()))
            .filter(sql::<Bool>(DUE_SQL))
            // One that is under way is waited for; one whose sender died may have gone out: its fate is asked of the provider.
            .filter(messages::lease_owner.is_null())
            .set((
                messages::message_status.eq(MessageStatus::Canceled),
                messages::error_message.eq(OPTED_OUT),
                messages::next_attempt_at.eq(None::<DateTime<Utc>>),
                messages::updated_at.eq(self.0.now()),
            ))
            .returning(messages::id)
            .get_results(self.0.conn)?;
        self.note_updated(&touched);
        Ok(touched.len())
    }

    fn note_updated(&self, texts: &[MessageId]) {
        texts.iter().for_each(|text| self.0.note(StreamEventKind::MessageUpdated, text.uuid()));
    }

    /// Whether a text to this person may be on its way to the provider at this moment.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub(crate) fn is_under_way_to(&mut self, person: &PhoneNumber) -> Result<bool> {
        let under_way = messages::lease_expires_at.gt(self.0.now());
        self.is_due_to(person, Box::new(under_way.assume_not_null()))
    }

    /// Whether a text to this person is on its way, or was when its worker died, so that nobody knows yet whether it was sent.
    ///
    /// # Errors
    /// As [`Self::is_under_way_to`].
    pub(crate) fn is_in_doubt_to(&mut self, person: &PhoneNumber) -> Result<bool> {
        self.is_due_to(person, Box::new(messages::lease_owner.is_not_null()))
    }

    /// Whether a text to this person that is queued fulfils a condition.
    fn is_due_to(
        &mut self,
        person: &PhoneNumber,
        condition: Box<dyn BoxableExpression<messages::table, diesel::pg::Pg, SqlType = Bool>>,
    ) -> Result<bool> {
        let due = messages::table
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::to_number.eq_any(person.spellings()))
            .filter(sql::<Bool>(DUE_SQL))
            .filter(condition);
        Ok(diesel::select(diesel::dsl::exists(due)).get_result(self.0.conn)?)
    }
}
