//! Texts. A queued outbound row is the outbox that the worker empties.

use crate::error::found;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::messages;
use crate::store::{Scope, TenantTx, stamped};
use crate::{
    CallId, CallerIdentity, ConversationId, LeaseId, MessageChannel, MessageDirection, MessageId, MessageKind, MessageStatus,
    PhoneNumber, Result, StreamEventKind, TenantId, UserId,
};
use chrono::{DateTime, Utc};
use diesel::dsl::{exists, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use rust_decimal::Decimal;

/// One text.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = messages, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Message {
    pub id: MessageId,
    pub tenant_id: TenantId,
    pub conversation_id: ConversationId,
    pub call_id: Option<CallId>,
    pub message_sid: Option<String>,
    pub message_body: String,
    pub message_direction: MessageDirection,
    pub message_kind: MessageKind,
    pub from_number: CallerIdentity,
    pub to_number: CallerIdentity,
    pub message_status: MessageStatus,
    pub delivery_status: Option<String>,
    pub error_code: Option<i32>,
    pub error_message: Option<String>,
    pub ai_processed: bool,
    pub ai_generated: bool,
    pub ai_confidence: Option<Decimal>,
    pub intent_classification: Option<String>,
    pub created_by: Option<UserId>,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub lease_owner: Option<LeaseId>,
    pub lease_expires_at: Option<DateTime<Utc>>,
    pub sent_at: Option<DateTime<Utc>>,
    pub delivered_at: Option<DateTime<Utc>>,
    pub channel: MessageChannel,
    pub price: Option<Decimal>,
    pub price_unit: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub client_key: Option<String>,
}

/// A text to send to the customer of a conversation.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// The conversation; its customer is the recipient.
    pub conversation_id: ConversationId,
    /// The number of ours to send from; it must be active.
    pub from_number: PhoneNumber,
    /// The words; 1 to 1,600 characters.
    pub body: String,
    /// The reason why the text is sent.
    pub kind: MessageKind,
}

/// A text to queue, whose recipient is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextDraft<'a> {
    pub(crate) text: &'a NewMessage,
    /// The recipient, in the spelling that their carrier knows.
    pub(crate) to: &'a PhoneNumber,
    /// The call that it answers.
    pub(crate) call: Option<CallId>,
    /// The instant before which the text is not sent; `None` is now.
    pub(crate) due: Option<DateTime<Utc>>,
    /// The client's own id of it.
    pub(crate) client_key: Option<&'a str>,
}

impl<'a> TextDraft<'a> {
    /// A text to send now.
    pub(crate) const fn of(text: &'a NewMessage, to: &'a PhoneNumber) -> Self {
        Self { text, to, call: None, due: None, client_key: None }
    }
}

/// A filter of texts. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MessageFilter {
    /// The conversation of the texts.
    pub conversation: Option<ConversationId>,
    /// The status of the texts.
    pub status: Option<MessageStatus>,
    /// The direction of the texts.
    pub direction: Option<MessageDirection>,
    /// The kind of the texts.
    pub kind: Option<MessageKind>,
    /// Whether the texts never arrived: the provider or the carrier gave them up, or we did (true); or not so (false).
    pub failed: Option<bool>,
    /// The instant at or after which the texts were written.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the texts were written.
    pub until: Option<DateTime<Utc>>,
}

/// The statuses of texts that never arrived.
pub(super) const FAILED: [MessageStatus; 2] = [MessageStatus::Failed, MessageStatus::Undelivered];

/// The predicates of partial indexes, to the letter: a plan that is made once for all values can use such an index only
/// where its predicate stands in the statement.
const OUTBOUND_SQL: &str = "message_direction = 'outbound'";
pub(crate) const INBOUND_SQL: &str = "message_direction = 'inbound'";
pub(crate) const DUE_SQL: &str = "message_status = 'queued' AND message_direction = 'outbound'";

/// A tenant's texts.
pub struct Messages<'a>(pub(crate) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's texts.
    pub const fn messages(&mut self) -> Messages<'_> {
        Messages(self.0.reborrow())
    }
}

fn filtered<'q, ST>(mut query: messages::BoxedQuery<'q, Pg, ST>, filter: &MessageFilter) -> messages::BoxedQuery<'q, Pg, ST> {
    if let Some(conversation) = filter.conversation {
        query = query.filter(messages::conversation_id.eq(conversation));
    }
    if let Some(status) = filter.status {
        query = query.filter(messages::message_status.eq(status));
    }
    if let Some(direction) = filter.direction {
        query = query.filter(messages::message_direction.eq(direction));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(messages::message_kind.eq(kind));
    }
    match filter.failed {
        Some(true) => query = query.filter(messages::message_status.eq_any(FAILED)),
        Some(false) => query = query.filter(messages::message_status.ne_all(FAILED)),
        None => {}
    }
    if let Some(from) = filter.from {
        query = query.filter(messages::created_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(messages::created_at.lt(until));
    }
    query
}

impl Messages<'_> {
    /// The text, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: MessageId) -> Result<Option<Message>> {
        Ok(Message::query()
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The text with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: MessageId) -> Result<Message> {
        found(self.find(id)?, "message")
    }

    /// The text with the provider's SID, if it is there.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_by_sid(&mut self, sid: &str) -> Result<Option<Message>> {
        Ok(Message::query()
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::message_sid.eq(sid))
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of the texts of the conversation that the filter names, newest first.
    pub(super) fn list_of_conversation(&mut self, filter: &MessageFilter, page: PageRequest) -> Result<Page<Message>> {
        let query = filtered(Message::query().filter(messages::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, messages::created_at, messages::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &Message| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The texts with these keys, newest first, and where the next ones begin.
    pub(super) fn with_keys(&mut self, keys: &Page<Cursor>) -> Result<Page<Message>> {
        let ids: Vec<MessageId> = keys.items.iter().map(|key| MessageId::new(key.id)).collect();
        let items = Message::query()
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::id.eq_any(ids))
            .order((messages::created_at.desc(), messages::id.desc()))
            .load(self.0.conn)?;
        Ok(Page { items, next: keys.next })
    }

    /// The texts that answered a call, in the order they were queued; 100 at the most.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list_of_call(&mut self, call: CallId) -> Result<Vec<Message>> {
        Ok(Message::query()
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::call_id.eq(call))
            .order((messages::created_at, messages::id))
            .limit(100)
            .load(self.0.conn)?)
    }

    /// The number of texts that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &MessageFilter) -> Result<i64> {
        let query = messages::table.filter(messages::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// The text of staff with this id of a client's, if it is there.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_by_client_key(&mut self, key: &str) -> Result<Option<Message>> {
        Ok(Message::query()
            .filter(messages::tenant_id.eq(self.0.tenant))
            .filter(messages::client_key.eq(key))
            .first(self.0.conn)
            .optional()?)
    }

    /// Queues a text whose recipient's consent was read under their lock. `None` when it would be the call's second greeting, or the
    /// second one with a client's id.
    pub(crate) fn insert_queued(&mut self, draft: &TextDraft<'_>) -> Result<Option<Message>> {
        let TextDraft { text: new, to, call, due, client_key } = *draft;
        let id = MessageId::new(self.0.moment.id());
        let row: Option<Message> = diesel::insert_into(messages::table)
            .values((
                messages::conversation_id.eq(new.conversation_id),
                messages::call_id.eq(call),
                messages::message_body.eq(&new.body),
                messages::message_direction.eq(MessageDirection::Outbound),
                messages::message_kind.eq(new.kind),
                messages::from_number.eq(&new.from_number),
                messages::to_number.eq(to),
                messages::message_status.eq(MessageStatus::Queued),
                messages::created_by.eq(self.0.user()),
                messages::next_attempt_at.eq(due.unwrap_or(self.0.now())),
                messages::client_key.eq(client_key),
                stamped!(messages, self.0, id),
            ))
            .on_conflict_do_nothing()
            .returning(Message::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        if row.is_some() {
            self.0.note(StreamEventKind::MessageCreated, id.uuid());
        }
        Ok(row)
    }

    /// Records a text from a customer.
    pub(crate) fn insert_received(
        &mut self,
        conversation: ConversationId,
        text: &crate::telephony::InboundText,
        to: &PhoneNumber,
    ) -> Result<Message> {
        let id = MessageId::new(self.0.moment.id());
        self.0.note(StreamEventKind::MessageCreated, id.uuid());
        Ok(diesel::insert_into(messages::table)
            .values((
                messages::conversation_id.eq(conversation),
                messages::message_sid.eq(&text.message_sid),
                messages::message_body.eq(&text.body),
                messages::message_direction.eq(MessageDirection::Inbound),
                messages::from_number.eq(&text.from),
                messages::to_number.eq(to),
                messages::message_status.eq(MessageStatus::Received),
                messages::channel.eq(text.channel),
                messages::id.eq(id),
                messages::tenant_id.eq(self.0.tenant),
                // One that is handed over late stands where it belongs.
                messages::created_at.eq(text.at.map_or(self.0.now(), |at| at.min(self.0.now()))),
                messages::updated_at.eq(self.0.now()),
            ))
            .returning(Message::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Whether a keyword of this person's was answered after this instant, whatever became of the answer.
    pub(crate) fn has_keyword_reply(&mut self, person: &PhoneNumber, since: DateTime<Utc>) -> Result<bool> {
        Ok(diesel::select(exists(
            messages::table
                .filter(messages::tenant_id.eq(self.0.tenant))
                .filter(messages::to_number.eq_any(person.spellings()))
                .filter(sql::<Bool>(OUTBOUND_SQL))
                .filter(messages::message_kind.eq(MessageKind::KeywordReply))
                .filter(messages::created_at.gt(since)),
        ))
        .get_result(self.0.conn)?)
    }
}
