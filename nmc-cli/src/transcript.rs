//! A conversation as a person would want to read it: calls, texts, and what was decided, in the order it happened.

mod log;

use crate::output::plain;
use chrono::{DateTime, Utc};
use nmc_core::calls::{Call, CallFilter};
use nmc_core::conversations::{
    Conversation, ConversationEvent, ConversationEventFilter, InboxRow, Media, Message, MessageFilter, Waits,
};
use nmc_core::telephony::explain;
use nmc_core::{
    CallDirection, ConversationId, ConversationPriority, Email, Error, MediaStatus, MessageChannel, MessageDirection, MessageId,
    PageRequest, Result, Store, Tenant, Timezone, UserId,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;

/// A conversation with the newest 200 of its calls, of its texts, and of its log.
pub(crate) struct Transcript {
    business_name: String,
    timezone: Timezone,
    conversation: Conversation,
    /// What the customer is called.
    known_as: Option<String>,
    /// Whether the customer wants no texts.
    is_opted_out: bool,
    calls: Vec<Call>,
    messages: Vec<Message>,
    media: Vec<Media>,
    events: Vec<ConversationEvent>,
    /// What queued texts wait for.
    waits: Waits,
    /// The people who had a hand in it.
    people: HashMap<UserId, Email>,
    /// Whether all of its log is told, or what people have to know.
    all_events: bool,
}

impl Transcript {
    pub(crate) fn read(store: &Store, tenant: &Tenant, id: ConversationId) -> Result<Self> {
        store.as_operator(tenant, |tx| {
            let all = PageRequest::new(PageRequest::MAX, None)?;
            let row = tx.tenants().get()?;
            let of = MessageFilter { conversation: Some(id), ..MessageFilter::default() };
            let messages = tx.messages().list(&of, all)?.items;
            let texts: Vec<MessageId> = messages.iter().map(|message| message.id).collect();
            let waits = tx.number_pacing().waits_of(&messages)?;
            let InboxRow { conversation, known_as, .. } = tx.conversations().get_with_last_text(id)?;
            let customer = conversation.customer_phone.phone().cloned();
            let is_opted_out = customer.map(|phone| tx.consents().is_opted_out(&phone)).transpose()?.unwrap_or(false);
            let events = tx.conversation_events().list(&ConversationEventFilter::of(id), all)?.items;
            let mut people = HashMap::new();
            for user in events.iter().flat_map(log::people).chain(conversation.assigned_to) {
                if !people.contains_key(&user) {
                    people.extend(tx.users().find(user)?.map(|found| (user, found.email)));
                }
            }
            Ok(Self {
                media: tx.message_media().list(&texts)?,
                events,
                people,
                all_events: false,
                waits,
                business_name: row.business_name,
                timezone: row.timezone,
                conversation,
                known_as,
                is_opted_out,
                calls: tx.calls().list(&CallFilter { conversation: Some(id), ..CallFilter::default() }, all)?.items,
                messages,
            })
        })
    }

    /// Makes the transcript tell all of the log, or what people have to know.
    pub(crate) const fn with_all_events(&mut self, all: bool) {
        self.all_events = all;
    }

    /// The words that an entry of the log tells, if it is told.
    fn told(&self, event: &ConversationEvent) -> Option<String> {
        log::decision(event).or_else(|| self.all_events.then(|| log::change(event, &self.people)))
    }

    fn entries(&self) -> Vec<(DateTime<Utc>, Entry<'_>)> {
        let calls = self.calls.iter().map(|call| (call.created_at, Entry::Call(call)));
        let messages = self.messages.iter().map(|message| (message.created_at, Entry::Message(message, self.media_of(message))));
        let events = self.events.iter().filter(|event| self.told(event).is_some());
        let events = events.map(|event| (event.created_at, Entry::Event(event)));
        let mut entries: Vec<_> = calls.chain(messages).chain(events).collect();
        // What one callback sets in motion is written in the same instant: the call, what was said, what was decided. Ids tell the
        // order within.
        entries.sort_by_key(|(at, entry)| (*at, entry.rank()));
        entries
    }

    fn media_of(&self, message: &Message) -> Vec<&Media> {
        self.media.iter().filter(|media| media.message_id == message.id).collect()
    }

    /// The reason why a text has failed, or waits: the provider's code in words, our own, or what its number is held back for.
    fn failure(&self, message: &Message) -> Option<String> {
        let held = || self.waits.reason(message).map(str::to_owned);
        message.error_code.map(explain).or_else(held).or_else(|| message.error_message.clone())
    }

    /// How far a text is; of a queued one, when it is tried, if that is later.
    fn progress(&self, message: &Message) -> String {
        match self.waits.until(message) {
            Some(at) => {
                format!("{} until {}", message.message_status, at.with_timezone(&self.timezone.tz()).format("%a %-d %b %Y %H:%M"))
            }
            None => message.message_status.to_string(),
        }
    }

    pub(crate) fn text(&self) -> std::result::Result<String, Error> {
        self.render().map_err(|_| Error::invalid("conversation", "can't be printed"))
    }

    fn render(&self) -> std::result::Result<String, std::fmt::Error> {
        let mut text = String::new();
        let who = self.known_as.as_deref().map(plain).unwrap_or_default();
        writeln!(
            text,
            "{} with {who}{}{}: {}, {} call{}",
            self.business_name,
            if who.is_empty() { "" } else { ", " },
            self.conversation.customer_phone,
            self.conversation.status,
            self.conversation.total_calls,
            if self.conversation.total_calls == 1 { "" } else { "s" },
        )?;
        writeln!(text, "conversation {}", self.conversation.id)?;
        for (name, value) in self.facts() {
            writeln!(text, "{name} {value}")?;
        }
        if self.is_opted_out {
            writeln!(text, "the customer has opted out of texts")?;
        }
        if self.conversation.review_requested_at.is_some() {
            writeln!(
                text,
                "a text may be an opt-out, and no automatic text goes out until somebody has decided: nmc conversation settle"
            )?;
        }
        let mut day = None;
        for (at, entry) in self.entries() {
            let local = at.with_timezone(&self.timezone.tz());
            if day != Some(local.date_naive()) {
                day = Some(local.date_naive());
                writeln!(text, "\n{}", local.format("%A, %e %B %Y (%Z)"))?;
            }
            writeln!(text, "  {}  {}", local.format("%H:%M:%S"), entry.line(self))?;
        }
        Ok(text)
    }

    /// The facts known about the customer and the matter, as far as there is something to tell.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let row = &self.conversation;
        let priority = (row.priority != ConversationPriority::Normal).then(|| row.priority.to_string());
        let tags: Vec<String> = row.tags.iter().map(|tag| plain(tag)).collect();
        let told = [
            ("subject", row.subject.as_deref().map(plain)),
            ("priority", priority),
            ("assigned to", self.assignee().map(plain)),
            ("tags", Some(tags.join(", "))),
            ("e-mail", row.customer_email.as_ref().map(|email| plain(email.as_str()))),
            ("address", row.customer_address.as_deref().map(plain)),
            ("notes", row.notes.as_deref().map(plain)),
        ];
        told.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?))).collect()
    }

    fn assignee(&self) -> Option<&str> {
        self.conversation.assigned_to.and_then(|user| self.people.get(&user)).map(Email::as_str)
    }

    pub(crate) fn json(&self) -> Value {
        let entries: Vec<Value> = self
            .entries()
            .into_iter()
            .map(|(at, entry)| match entry {
                Entry::Call(call) => json!({
                    "at": at, "kind": "call", "id": call.id, "direction": call.call_direction, "status": call.call_status,
                    "outcome": call.outcome, "duration_seconds": call.duration_seconds,
                }),
                Entry::Message(message, media) => json!({
                    "at": at, "kind": "message", "id": message.id, "direction": message.message_direction,
                    "message_kind": message.message_kind, "channel": message.channel, "status": message.message_status,
                    "body": message.message_body, "error_code": message.error_code, "error_message": self.failure(message),
                    "next_attempt_at": message.next_attempt_at,
                    "media": media.iter().map(|media| json!({
                        "position": media.position, "content_type": media.content_type, "size_bytes": media.size_bytes,
                        "status": media.status, "url": media.media_url, "content_hash": media.content_hash,
                        "error_message": media.error_message,
                    })).collect::<Vec<_>>(),
                }),
                Entry::Event(event) => json!({
                    "at": at, "kind": "event", "id": event.id, "event": event.event_type, "data": event.event_data,
                    "created_by": event.created_by,
                }),
            })
            .collect();
        json!({
            "id": self.conversation.id, "business_name": self.business_name, "customer_phone": self.conversation.customer_phone,
            "customer_name": self.known_as, "is_opted_out": self.is_opted_out, "status": self.conversation.status,
            "channel": self.conversation.channel, "priority": self.conversation.priority,
            "total_calls": self.conversation.total_calls, "review_requested_at": self.conversation.review_requested_at,
            "subject": self.conversation.subject, "tags": self.conversation.tags, "notes": self.conversation.notes,
            "assigned_to": self.conversation.assigned_to, "assignee": self.assignee(),
            "customer_email": self.conversation.customer_email, "customer_address": self.conversation.customer_address,
            "created_at": self.conversation.created_at, "updated_at": self.conversation.updated_at,
            "closed_at": self.conversation.closed_at, "entries": entries,
        })
    }
}

enum Entry<'a> {
    Call(&'a Call),
    Message(&'a Message, Vec<&'a Media>),
    Event(&'a ConversationEvent),
}

impl Entry<'_> {
    fn rank(&self) -> (u8, String) {
        match self {
            Self::Call(call) => (0, call.id.to_string()),
            Self::Message(message, _) => (1, message.id.to_string()),
            Self::Event(event) => (2, event.id.to_string()),
        }
    }

    fn line(&self, transcript: &Transcript) -> String {
        match self {
            Self::Event(event) => {
                let by = event.created_by.and_then(|user| transcript.people.get(&user)).map(|email| format!(" [{email}]"));
                format!("·  {}{}", transcript.told(event).unwrap_or_default(), by.unwrap_or_default())
            }
            Self::Call(call) => {
                let what = match (call.call_direction, call.outcome) {
                    (CallDirection::Inbound, Some(outcome)) => format!("{outcome} call"),
                    (CallDirection::Inbound, None) => format!("call, {}", call.call_status),
                    (CallDirection::Outbound, _) => format!("call to the customer, {}", call.call_status),
                };
                match call.duration_seconds.unwrap_or(0) {
                    0 => format!("☎  {what}"),
                    seconds => format!("☎  {what} ({seconds} s)"),
                }
            }
            Self::Message(message, media) => {
                let words = Some(plain(message.message_body.trim())).filter(|words| !words.is_empty());
                let pictures = media.iter().map(|media| picture(media));
                let said: Vec<String> = words.into_iter().chain(pictures).collect();
                let said = if said.is_empty() { "[no words]".to_owned() } else { said.join(" ") };
                let by = match message.channel {
                    MessageChannel::Sms => String::new(),
                    channel => format!("  [{channel}]"),
                };
                match message.message_direction {
                    MessageDirection::Inbound => format!("←  {said}{by}"),
                    MessageDirection::Outbound => {
                        let why = transcript.failure(message).map(|why| format!(": {why}")).unwrap_or_default();
                        format!("→  {said}{by}  [{}{why}]", transcript.progress(message))
                    }
                }
            }
        }
    }
}

/// A picture in brackets: what it is, how large, and whether it can be had.
fn picture(media: &Media) -> String {
    let kind = plain(media.content_type.as_deref().unwrap_or("of an unknown kind"));
    let size = match media.size_bytes {
        Some(bytes) if bytes >= 1_000_000 => format!(", {}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
        Some(bytes) => format!(", {} kB", (bytes + 999) / 1_000),
        None => String::new(),
    };
    match (media.status, &media.error_message) {
        (MediaStatus::Kept, _) => format!("[picture {kind}{size}]"),
        (MediaStatus::Waiting, None) => format!("[picture {kind}, not fetched yet]"),
        (MediaStatus::Waiting, Some(why)) => format!("[picture {kind}, not fetched yet: {why}]"),
        (MediaStatus::Unavailable, why) => {
            format!("[picture {kind}, lost: {}]", why.as_deref().unwrap_or("for no reason that was told"))
        }
    }
}
