//! The entries of a conversation's log, in words.

use crate::hint;
use crate::output::plain;
use nmc_core::conversations::{ConversationEvent, NotTexted};
use nmc_core::{ConversationEventType, Email, UserId};
use serde_json::Value;
use std::collections::HashMap;

/// The people of an entry: who wrote it, and whom it is about.
pub(super) fn people(event: &ConversationEvent) -> Vec<UserId> {
    let named = ["old", "new"].into_iter().filter_map(|name| event.event_data.get(name)?.as_str()?.parse().ok());
    let is_about_people = matches!(event.event_type, ConversationEventType::Assigned | ConversationEventType::Unassigned);
    event.created_by.into_iter().chain(named.filter(|_| is_about_people)).collect()
}

/// The decision that the log tells of, or what could not be done; the rest of it is in the calls and texts themselves.
pub(super) fn decision(event: &ConversationEvent) -> Option<String> {
    let told = |name: &str| event.event_data.get(name).and_then(Value::as_str).map(plain).unwrap_or_default();
    Some(match event.event_type {
        ConversationEventType::NotTexted => {
            let reason = told("reason");
            let told = |known: NotTexted| format!("{}{}", known.words(), hint::of_reason(known));
            let words = reason.parse::<NotTexted>().map_or(reason, told);
            format!("not texted: {words}")
        }
        ConversationEventType::OptedOut => format!("opted out ({})", told("source")),
        ConversationEventType::OptedIn => format!("opted in ({})", told("source")),
        ConversationEventType::ReviewRequested => "that may be an opt-out: somebody has to decide".to_owned(),
        ConversationEventType::ReviewSettled => match told("note").as_str() {
            "" => format!("decided: {}", told("decision")),
            note => format!("decided: {} ({note})", told("decision")),
        },
        ConversationEventType::NoteAdded => format!("note: {}", told("note")),
        ConversationEventType::ForwardingFailed => format!("the call could not be forwarded: {}", told("reason")),
        _ => return None,
    })
}

/// The other changes that the log holds: each with what was there before.
pub(super) fn change(event: &ConversationEvent, people: &HashMap<UserId, Email>) -> String {
    let value = |name: &str| event.event_data.get(name).filter(|value| !value.is_null());
    let person = |name: &str| {
        let known = value(name).and_then(Value::as_str).and_then(|id| people.get(&id.parse().ok()?));
        known.map_or_else(|| "nobody".to_owned(), |email| plain(email.as_str()))
    };
    let from_to = |what: &str| format!("{what}: {} → {}", shown(value("old")), shown(value("new")));
    match event.event_type {
        ConversationEventType::Opened => "opened".to_owned(),
        ConversationEventType::StatusChanged => from_to("status"),
        ConversationEventType::PriorityChanged => from_to("priority"),
        ConversationEventType::TagAdded | ConversationEventType::TagRemoved => from_to("tags"),
        ConversationEventType::CustomerInfoUpdated => from_to("known about the customer"),
        ConversationEventType::Assigned => format!("assigned to {}", person("new")),
        ConversationEventType::Unassigned => format!("taken from {}", person("old")),
        other => other.label().replace('_', " "),
    }
}

/// A value of the log on one line.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "none".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(Value::Array(values)) if values.is_empty() => "none".to_owned(),
        Some(Value::Array(values)) => values.iter().map(|value| shown(Some(value))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(fields)) => {
            let fields = fields.iter().map(|(name, value)| format!("{} {}", name.replace('_', " "), shown(Some(value))));
            fields.collect::<Vec<_>>().join(", ")
        }
        Some(Value::Null) => "none".to_owned(),
        Some(other) => other.to_string(),
    }
}
