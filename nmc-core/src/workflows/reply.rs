//! An answer that staff write to a customer: it is sent once, however often it is asked for, and only to somebody who may have it.

use super::greeting::GreetingContext;
use crate::conversations::{
    Conversation, ConversationEvent, ConversationEventFilter, Message, NewConversationEvent, NewMessage, TextDraft,
};
use crate::schema::{calls, messages, phone_numbers};
use crate::store::{Person, TenantTx};
use crate::tenants::TextSize;
use crate::types::{required, sendable};
use crate::{
    CallDirection, CallerIdentity, ConversationChannel, ConversationEventType, ConversationId, Error, MessageDirection,
    MessageKind, NumberStatus, PageRequest, PhoneNumber, Result, UserId, Version,
};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::json;

/// A reply to send.
#[derive(Debug, Clone)]
pub struct NewReply {
    /// The conversation that the reply answers. If that is not open any more, the answer goes into the customer's open one, or
    /// opens the next.
    pub conversation: ConversationId,
    /// The client's own id of the reply: the same again returns what was queued the first time. 1 to 100 characters.
    pub client_key: String,
    /// The words of the reply; 1 to 1,600 characters.
    pub body: String,
    /// The number of ours to send from; `None` is the one that the customer last used, or else another that can text.
    pub from_number: Option<PhoneNumber>,
    /// The versions of the conversation that the reply's writer has seen; `None` answers whatever has come meanwhile.
    pub seen: Option<Vec<Version>>,
}

/// The result of queueing a reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Replied {
    /// The reply is queued.
    Queued {
        /// The text, whose conversation may be another than the one that was answered.
        message: Box<Message>,
        /// The version of the text's conversation now.
        version: Version,
        /// Whether it was there already, queued by an earlier request with the same id.
        repeated: bool,
        /// The facts that the reply's writer may not know, and that refuse nothing.
        warnings: Vec<ReplyWarning>,
    },
    /// Nothing is queued: the conversation has moved on since its writer saw it.
    MovedOn {
        /// The conversation where it goes on.
        conversation: ConversationId,
        /// The version of that now.
        version: Version,
        /// The events that have happened there since, newest first; [`NEWER`] entries at the most.
        newer: Vec<ConversationEvent>,
    },
}

/// A fact that the writer of a queued reply is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyWarning {
    /// Another user than the reply's writer looks after the conversation that the reply is in.
    AssignedToOther(UserId),
}

impl ReplyWarning {
    /// The warning as it is written in JSON.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::AssignedToOther(_) => "assigned_to_other",
        }
    }
}

/// A preview of a reply: its size and its sender, or why it would be refused.
#[derive(Debug)]
pub struct ReplyPreview {
    /// The size of the reply.
    pub size: TextSize,
    /// The number that the reply would be sent from; `None` where it would be refused.
    pub from_number: Option<PhoneNumber>,
    /// The reason why the reply would be refused.
    pub refusal: Option<Error>,
}

/// The most entries that tell what is newer.
pub const NEWER: u16 = 20;

/// The reason why nothing can be sent from a business without a number that texts.
pub const NO_NUMBER: &str = "can't be chosen: no active number of the business can send texts";

const ONCE: Error = Error::conflict("client_key", "was already used for another text");

impl TenantTx<'_> {
    /// Queues an answer to a customer, under their lock.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a conversation; [`Error::Forbidden`] when the customer has opted out or the business is not
    /// active; [`Error::AwaitingApproval`] while no operator has approved of it; [`Error::Conflict`] when the client's id was used for
    /// another text, the customer can't be texted, or no number of the business can text; [`Error::Invalid`] of words that are too many or
    /// none, and of a number that is not an active one of this business or can't text.
    pub fn reply(&mut self, new: &NewReply) -> Result<Replied> {
        let key = required("client_key", &new.client_key, 100)?;
        let body = sendable("body", &new.body, 1_600)?;
        let customer = self.conversations().get(new.conversation)?.customer_phone;
        if let Some(phone) = customer.phone() {
            self.0.lock_person(&Person::new(phone.clone()))?;
        }
        if let Some(message) = self.messages().find_by_client_key(&key)? {
            let is_same = message.message_body == body && message.to_number.person() == customer.person();
            return if is_same { self.queued_reply(message, true) } else { Err(ONCE) };
        }
        // Under the person's lock nothing of theirs moves but what other staff do, who lock the row.
        let answered = self.conversations().lock(new.conversation)?;
        let open = if answered.status.is_open() { None } else { self.conversations().find_open(&answered.customer_phone)? };
        if let Some(seen) = &new.seen {
            let goes_on = open.as_ref().unwrap_or(&answered);
            if goes_on.id != answered.id || !seen.contains(&Version::of(answered.updated_at)) {
                return self.moved_on(goes_on, answered.id, seen);
            }
        }
        let (from_number, to) = self.may_reply(open.as_ref().unwrap_or(&answered), new.from_number.as_ref())?;
        let conversation = match open {
            None if answered.status.is_open() => answered,
            Some(open) => self.conversations().lock(open.id)?,
            None => self.conversations().go_on(&answered, ConversationChannel::Sms)?,
        };
        let to = self.messages().last_spelling(&to)?;
        let text = NewMessage { conversation_id: conversation.id, from_number, body, kind: MessageKind::Message };
        let draft = TextDraft { client_key: Some(&key), ..TextDraft::of(&text, &to) };
        let message = self.messages().insert_queued(&draft)?.ok_or(ONCE)?;
        self.conversations().touch(conversation.id)?;
        let event = NewConversationEvent::new(conversation.id, ConversationEventType::MessageQueued);
        self.conversation_events().append(&[event.with(json!({"message_id": message.id, "kind": text.kind}))])?;
        self.queued_reply(message, false)
    }

    /// The preview of a reply: its size and sender, or why it would be refused. Nothing is queued.
    ///
    /// # Errors
    /// [`Error::NotFound`] without such a conversation; [`Error::Invalid`] of words that are too many or none.
    pub fn preview_reply(&mut self, id: ConversationId, body: &str, from_number: Option<&PhoneNumber>) -> Result<ReplyPreview> {
        let size = TextSize::of(&sendable("body", body, 1_600)?);
        let conversation = self.conversations().get(id)?;
        let (from_number, refusal) = match self.may_reply(&conversation, from_number) {
            Ok((from_number, _)) => (Some(from_number), None),
            Err(
                refusal @ (Error::Forbidden(_) | Error::AwaitingApproval(_) | Error::Conflict { .. } | Error::Invalid { .. }),
            ) => (None, Some(refusal)),
            Err(error) => return Err(error),
        };
        Ok(ReplyPreview { size, from_number, refusal })
    }

    fn queued_reply(&mut self, message: Message, repeated: bool) -> Result<Replied> {
        let conversation = self.conversations().get(message.conversation_id)?;
        let other = conversation.assigned_to.filter(|user| self.actor().user() != Some(*user));
        Ok(Replied::Queued {
            message: Box::new(message),
            version: Version::of(conversation.updated_at),
            repeated,
            warnings: other.map(ReplyWarning::AssignedToOther).into_iter().collect(),
        })
    }

    fn moved_on(&mut self, goes_on: &Conversation, answered: ConversationId, seen: &[Version]) -> Result<Replied> {
        let since = seen.iter().filter_map(|version| version.instant()).max();
        let page = PageRequest::new(NEWER, None)?;
        let filter = ConversationEventFilter { from: since, ..ConversationEventFilter::of(goes_on.id) };
        let mut newer = self.conversation_events().list(&filter, page)?.items;
        if goes_on.id == answered {
            newer.retain(|event| Some(event.created_at) != since);
        }
        Ok(Replied::MovedOn { conversation: goes_on.id, version: Version::of(goes_on.updated_at), newer })
    }

    /// The numbers that an answer goes from and to, if it may go.
    fn may_reply(&mut self, conversation: &Conversation, from: Option<&PhoneNumber>) -> Result<(PhoneNumber, PhoneNumber)> {
        let to = conversation.customer_phone.phone().cloned();
        let to = to.ok_or(Error::conflict("customer_phone", "can't be texted: it is no phone number"))?;
        let number = match from {
            Some(number) => Some(number.clone()),
            None => self.number_for(conversation)?,
        };
        GreetingContext::of_reply(&mut self.0, &to, number.as_ref())?.must_take_reply(from.is_some())?;
        let none = Error::conflict("from_number", NO_NUMBER);
        Ok((number.ok_or(none)?, to))
    }

    /// The number of ours that can text and that the customer knows best: the one of the last text, else of the last call, else any.
    fn number_for(&mut self, conversation: &Conversation) -> Result<Option<PhoneNumber>> {
        let tenant = self.0.tenant;
        let text: Option<(MessageDirection, CallerIdentity, CallerIdentity)> = messages::table
            .filter(messages::tenant_id.eq(tenant))
            .filter(messages::conversation_id.eq(conversation.id))
            .order((messages::created_at.desc(), messages::id.desc()))
            .select((messages::message_direction, messages::from_number, messages::to_number))
            .first(self.0.conn)
            .optional()?;
        let call: Option<(CallDirection, CallerIdentity, CallerIdentity)> = match (&text, conversation.last_call_id) {
            (None, Some(call)) => calls::table
                .filter(calls::tenant_id.eq(tenant))
                .filter(calls::id.eq(call))
                .select((calls::call_direction, calls::caller_phone, calls::called_phone))
                .first(self.0.conn)
                .optional()?,
            _ => None,
        };
        let ours = text
            .map(|(way, from, to)| if way == MessageDirection::Outbound { from } else { to })
            .or_else(|| call.map(|(way, caller, called)| if way == CallDirection::Outbound { caller } else { called }));
        let known = ours.as_ref().map_or("", CallerIdentity::as_str);
        Ok(phone_numbers::table
            .filter(phone_numbers::tenant_id.eq(tenant))
            .filter(phone_numbers::status.eq(NumberStatus::Active))
            .filter(sql::<Bool>("coalesce(capabilities ->> 'sms' <> 'false', true)"))
            .order((phone_numbers::phone_number.eq(known).desc(), phone_numbers::created_at, phone_numbers::id))
            .select(phone_numbers::phone_number)
            .first(self.0.conn)
            .optional()?)
    }
}
