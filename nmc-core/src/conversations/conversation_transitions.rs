//! What staff does with a conversation: each change writes its event in the same transaction, with the old value, the new one,
//! and who did it.

use super::conversation::{Conversation, Conversations};
use super::event::NewConversationEvent;
use crate::error::{found, touched_one};
use crate::schema::conversations;
use crate::store::stamped;
use crate::types::{composed, named, required};
use crate::{
    ConversationChannel, ConversationEventType, ConversationId, ConversationPriority, ConversationStatus, Email, Error, Patch,
    Result, StreamEventKind, UserId, UserRole,
};
use diesel::prelude::*;
use serde_json::{Map, Value, json};

/// Changes of what is known about the customer and the matter. Status, priority, tags and assignment have verbs.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ConversationPatch {
    /// The subject of the conversation; up to 1,000 characters.
    pub subject: Patch<String>,
    /// The customer's name; up to 255 characters.
    pub customer_name: Patch<String>,
    /// The customer's e-mail.
    pub customer_email: Patch<Email>,
    /// The customer's address; up to 1,000 characters.
    pub customer_address: Patch<String>,
    /// Staff's notes; up to 10,000 characters.
    pub notes: Patch<String>,
}

/// The most tags a conversation takes.
const MAX_TAGS: usize = 50;

impl Conversations<'_> {
    /// Changes what is known about the customer and the matter. The event has the old and the new value of each field that
    /// changed; where none did, nothing is written.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Invalid`] on a broken rule.
    pub fn update(&mut self, id: ConversationId, patch: &ConversationPatch) -> Result<Conversation> {
        let subject = patch.subject.text("subject", 1_000)?;
        let name = patch.customer_name.name("customer_name", 255)?;
        let email = patch.customer_email.clone().into_change();
        let address = patch.customer_address.text("customer_address", 1_000)?;
        let notes = patch.notes.text("notes", 10_000)?;
        let before = self.lock(id)?;
        let (mut old, mut new) = (Map::new(), Map::new());
        let mut note = |field: &str, was: Option<&str>, change: Option<Option<&str>>| {
            if let Some(becomes) = change.filter(|becomes| *becomes != was) {
                old.insert(field.to_owned(), json!(was));
                new.insert(field.to_owned(), json!(becomes));
            }
        };
        note("subject", before.subject.as_deref(), subject.as_ref().map(Option::as_deref));
        note("customer_name", before.customer_name.as_deref(), name.as_ref().map(Option::as_deref));
        let was = before.customer_email.as_ref().map(Email::as_str);
        note("customer_email", was, email.as_ref().map(|email| email.as_ref().map(Email::as_str)));
        note("customer_address", before.customer_address.as_deref(), address.as_ref().map(Option::as_deref));
        note("notes", before.notes.as_deref(), notes.as_ref().map(Option::as_deref));
        if new.is_empty() {
            return Ok(before);
        }
        let row = diesel::update(conversations::table)
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .set((
                subject.map(|value| conversations::subject.eq(value)),
                name.map(|value| conversations::customer_name.eq(value)),
                email.map(|value| conversations::customer_email.eq(value)),
                address.map(|value| conversations::customer_address.eq(value)),
                notes.map(|value| conversations::notes.eq(value)),
                conversations::updated_at.eq(self.0.now()),
            ))
            .returning(Conversation::as_returning())
            .get_result(self.0.conn)?;
        self.changed(id, ConversationEventType::CustomerInfoUpdated, old, new)?;
        Ok(row)
    }

    /// Moves the conversation's status.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::InvalidTransition`], which changes nothing.
    pub fn set_status(&mut self, id: ConversationId, to: ConversationStatus) -> Result<Conversation> {
        let before = self.lock(id)?;
        let from = before.status;
        from.must_become(to)?;
        // When it stopped being open, whatever it was called afterwards.
        let closed_at = (!to.is_open()).then(|| before.closed_at.unwrap_or_else(|| self.0.now()));
        let row = diesel::update(conversations::table)
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .filter(conversations::status.eq(from))
            .set((
                conversations::status.eq(to),
                conversations::closed_at.eq(closed_at),
                conversations::updated_at.eq(self.0.now()),
            ))
            .returning(Conversation::as_returning())
            .get_result(self.0.conn)?;
        self.changed(id, ConversationEventType::StatusChanged, from, to)?;
        Ok(row)
    }

    /// The matter is settled.
    ///
    /// # Errors
    /// As [`Self::set_status`].
    pub fn resolve(&mut self, id: ConversationId) -> Result<Conversation> {
        self.set_status(id, ConversationStatus::Resolved)
    }

    /// Puts the conversation away.
    ///
    /// # Errors
    /// As [`Self::set_status`].
    pub fn close(&mut self, id: ConversationId) -> Result<Conversation> {
        self.set_status(id, ConversationStatus::Closed)
    }

    /// Takes up the matter of a conversation that is not open any more, in a new one that goes on with the same customer and what is
    /// known about them. The event names the old one, which stays as it was.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it is open, or the customer has another open one.
    pub fn reopen(&mut self, id: ConversationId) -> Result<Conversation> {
        let before = self.lock(id)?;
        if before.status.is_open() {
            return Err(Error::conflict("conversation", "is open"));
        }
        let channel = before.channel;
        self.go_on(&before, channel)
    }

    /// Opens the conversation that follows on this one.
    pub(crate) fn go_on(&mut self, before: &Conversation, channel: ConversationChannel) -> Result<Conversation> {
        let id = ConversationId::new(self.0.moment.id());
        let row: Conversation = diesel::insert_into(conversations::table)
            .values((
                conversations::customer_phone.eq(&before.customer_phone),
                conversations::channel.eq(channel),
                conversations::subject.eq(&before.subject),
                conversations::priority.eq(before.priority),
                conversations::assigned_to.eq(before.assigned_to),
                conversations::customer_name.eq(&before.customer_name),
                conversations::customer_email.eq(&before.customer_email),
                conversations::customer_address.eq(&before.customer_address),
                conversations::notes.eq(&before.notes),
                conversations::tags.eq(&before.tags),
                stamped!(conversations, self.0, id),
            ))
            .returning(Conversation::as_returning())
            .get_result(self.0.conn)?;
        self.0.note(StreamEventKind::ConversationCreated, id.uuid());
        let opened = NewConversationEvent::new(id, ConversationEventType::Opened);
        self.log(opened.with(json!({"channel": channel, "after": before.id})))?;
        Ok(row)
    }

    /// Gives the conversation to a user who can answer it, or to nobody.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] when the user is deactivated or only reads, and when there is no such user, which is
    /// known when the transaction commits.
    pub fn assign(&mut self, id: ConversationId, to: Option<UserId>) -> Result<Conversation> {
        let before = self.lock(id)?;
        if before.assigned_to == to {
            return Ok(before);
        }
        if let Some(user) = to.map(|to| self.0.tx().users().find(to)).transpose()?.flatten() {
            let rule = match user.role {
                _ if !user.is_active => Some("must be an active user"),
                UserRole::Viewer => Some("must be a user who can answer: viewers only read"),
                _ => None,
            };
            if let Some(rule) = rule {
                return Err(Error::invalid("assigned_to", rule));
            }
        }
        let row = diesel::update(conversations::table)
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .set((conversations::assigned_to.eq(to), conversations::updated_at.eq(self.0.now())))
            .returning(Conversation::as_returning())
            .get_result(self.0.conn)?;
        let event = if to.is_some() { ConversationEventType::Assigned } else { ConversationEventType::Unassigned };
        self.changed(id, event, before.assigned_to, to)?;
        Ok(row)
    }

    /// Sets how urgent the conversation is.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn set_priority(&mut self, id: ConversationId, to: ConversationPriority) -> Result<Conversation> {
        let before = self.lock(id)?;
        if before.priority == to {
            return Ok(before);
        }
        let row = diesel::update(conversations::table)
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .set((conversations::priority.eq(to), conversations::updated_at.eq(self.0.now())))
            .returning(Conversation::as_returning())
            .get_result(self.0.conn)?;
        self.changed(id, ConversationEventType::PriorityChanged, before.priority, to)?;
        Ok(row)
    }

    /// Adds a tag (up to 50 characters, up to 50 tags). Adding one that is there changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Invalid`] on a broken rule.
    pub fn add_tag(&mut self, id: ConversationId, tag: &str) -> Result<Conversation> {
        let tag = named("tag", tag, 50)?;
        let before = self.lock(id)?;
        if before.tags.contains(&tag) {
            return Ok(before);
        }
        if before.tags.len() >= MAX_TAGS {
            return Err(Error::invalid("tags", format!("must be at most {MAX_TAGS}")));
        }
        let tags: Vec<&str> = before.tags.iter().map(String::as_str).chain([tag.as_str()]).collect();
        self.set_tags(&before, &tags, ConversationEventType::TagAdded)
    }

    /// Takes a tag away from the conversation. Taking away one that is not there changes nothing.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn remove_tag(&mut self, id: ConversationId, tag: &str) -> Result<Conversation> {
        let before = self.lock(id)?;
        let tags: Vec<&str> = before.tags.iter().map(String::as_str).filter(|known| composed(known) != composed(tag)).collect();
        if tags.len() == before.tags.len() {
            return Ok(before);
        }
        self.set_tags(&before, &tags, ConversationEventType::TagRemoved)
    }

    /// Notes something in the conversation's log; up to 10,000 characters.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Invalid`] on a broken rule.
    pub fn add_note(&mut self, id: ConversationId, note: &str) -> Result<()> {
        let note = required("note", note, 10_000)?;
        self.lock(id)?;
        self.log(NewConversationEvent::new(id, ConversationEventType::NoteAdded).with(json!({ "note": note })))
    }

    /// Notes something in the conversation's log once: the same note with the same `client_key`, an id of the client's making of 1 to 100
    /// characters, changes nothing more. Returns whether it was there already.
    ///
    /// # Errors
    /// As [`Self::add_note`], and [`Error::Conflict`] when the client's id was used for another note.
    pub fn add_note_once(&mut self, id: ConversationId, client_key: &str, note: &str) -> Result<bool> {
        let (key, note) = (required("client_key", client_key, 100)?, required("note", note, 10_000)?);
        self.lock(id)?;
        let data = json!({ "note": note });
        if let Some(known) = self.0.tx().conversation_events().find_by_client_key(&key)? {
            let is_same = known.conversation_id == id && known.event_data == data;
            return if is_same { Ok(true) } else { Err(Error::conflict("client_key", "was already used for another note")) };
        }
        self.log(NewConversationEvent::new(id, ConversationEventType::NoteAdded).with(data).with_client_key(key))?;
        Ok(false)
    }

    /// Notes that something has happened in the conversation: whoever saw it before has not seen all.
    pub(crate) fn touch(&mut self, id: ConversationId) -> Result<()> {
        let rows = diesel::update(conversations::table)
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(id))
            .set(conversations::updated_at.eq(self.0.now()))
            .execute(self.0.conn)?;
        touched_one(rows, "conversation")
    }

    /// The customer has spoken up: what waited for them is active again.
    pub(crate) fn wake(&mut self, conversation: &Conversation) -> Result<()> {
        if conversation.status == ConversationStatus::Waiting {
            self.set_status(conversation.id, ConversationStatus::Active)?;
        }
        Ok(())
    }

    fn set_tags(&mut self, before: &Conversation, tags: &[&str], event: ConversationEventType) -> Result<Conversation> {
        let row = diesel::update(conversations::table)
            .filter(conversations::tenant_id.eq(self.0.tenant))
            .filter(conversations::id.eq(before.id))
            .set((conversations::tags.eq(tags), conversations::updated_at.eq(self.0.now())))
            .returning(Conversation::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        self.changed(before.id, event, &before.tags, tags)?;
        found(row, "conversation")
    }

    fn changed(
        &mut self,
        id: ConversationId,
        event: ConversationEventType,
        old: impl serde::Serialize,
        new: impl serde::Serialize,
    ) -> Result<()> {
        let data: Value = json!({ "old": old, "new": new });
        self.log(NewConversationEvent::new(id, event).with(data))
    }
}
