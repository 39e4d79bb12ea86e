//! A conversation as a person would want to read it: calls and texts in the order they happened.

use crate::output::plain;
use chrono::{DateTime, Utc};
use nmc_core::calls::{Call, CallFilter};
use nmc_core::conversations::{Conversation, Message, MessageFilter};
use nmc_core::{CallDirection, ConversationId, Error, MessageDirection, PageRequest, Result, Store, Tenant, Timezone};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A conversation with the newest 200 of its calls and of its texts.
pub(crate) struct Transcript {
    business_name: String,
    timezone: Timezone,
    conversation: Conversation,
    calls: Vec<Call>,
    messages: Vec<Message>,
}

impl Transcript {
    pub(crate) fn read(store: &Store, tenant: &Tenant, id: ConversationId) -> Result<Self> {
        store.tenant(tenant, |tx| {
            let all = PageRequest::new(PageRequest::MAX, None)?;
            let row = tx.tenants().get()?;
            Ok(Self {
                business_name: row.business_name,
                timezone: row.timezone,
                conversation: tx.conversations().get(id)?,
                calls: tx.calls().list(&CallFilter { conversation: Some(id), ..CallFilter::default() }, all)?.items,
                messages: tx.messages().list(&MessageFilter { conversation: Some(id), ..MessageFilter::default() }, all)?.items,
            })
        })
    }

    fn entries(&self) -> Vec<(DateTime<Utc>, Entry<'_>)> {
        let calls = self.calls.iter().map(|call| (call.created_at, Entry::Call(call)));
        let messages = self.messages.iter().map(|message| (message.created_at, Entry::Message(message)));
        let mut entries: Vec<_> = calls.chain(messages).collect();
        // A greeting is written in the same instant as its call, and after it.
        entries.sort_by_key(|(at, entry)| (*at, matches!(entry, Entry::Message(_))));
        entries
    }

    pub(crate) fn text(&self) -> std::result::Result<String, Error> {
        self.render().map_err(|_| Error::invalid("conversation", "can't be printed"))
    }

    fn render(&self) -> std::result::Result<String, std::fmt::Error> {
        let mut text = String::new();
        let who = self.conversation.customer_name.as_deref().unwrap_or_default();
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
        let mut day = None;
        for (at, entry) in self.entries() {
            let local = at.with_timezone(&self.timezone.tz());
            if day != Some(local.date_naive()) {
                day = Some(local.date_naive());
                writeln!(text, "\n{}", local.format("%A, %e %B %Y (%Z)"))?;
            }
            writeln!(text, "  {}  {}", local.format("%H:%M:%S"), entry.line())?;
        }
        Ok(text)
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
                Entry::Message(message) => json!({
                    "at": at, "kind": "message", "id": message.id, "direction": message.message_direction,
                    "message_kind": message.message_kind, "status": message.message_status, "body": message.message_body,
                    "error_code": message.error_code, "error_message": message.error_message,
                }),
            })
            .collect();
        json!({
            "id": self.conversation.id, "business_name": self.business_name, "customer_phone": self.conversation.customer_phone,
            "customer_name": self.conversation.customer_name, "status": self.conversation.status,
            "channel": self.conversation.channel, "priority": self.conversation.priority,
            "total_calls": self.conversation.total_calls, "created_at": self.conversation.created_at, "entries": entries,
        })
    }
}

enum Entry<'a> {
    Call(&'a Call),
    Message(&'a Message),
}

impl Entry<'_> {
    fn line(&self) -> String {
        match self {
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
            Self::Message(message) => {
                let body = plain(&message.message_body);
                match message.message_direction {
                    MessageDirection::Inbound => format!("←  {body}"),
                    MessageDirection::Outbound => {
                        let why = message.error_message.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                        format!("→  {body}  [{}{why}]", message.message_status)
                    }
                }
            }
        }
    }
}
