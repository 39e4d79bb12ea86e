//! The messages of a WebSocket: JSON texts, each with its `type`.

use actix_ws::{Closed, Session};
use chrono::{DateTime, Utc};
use nmc_core::events::StreamEvent;
use nmc_core::{ConversationId, Error, Result, StreamEventKind, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The message of a client.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    Authenticate {
        token: String,
        #[serde(default)]
        cursor: Option<String>,
    },
    Join {
        room: Room,
    },
    Leave {
        room: Room,
    },
    Typing {
        conversation_id: String,
        typing: bool,
    },
    Ping,
}

impl Request {
    pub(super) fn parse(text: &str) -> Result<Self> {
        // What is wrong with it is in the manual: it is not repeated, as it may hold a token.
        serde_json::from_str(text)
            .map_err(|_| Error::invalid("the message", "must be a JSON object of a type that is heard here"))
    }
}

/// A room, as clients write it.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(super) enum Room {
    /// All that happens in the business.
    Tenant,
    /// The room of what is about the user.
    User,
    /// The room of what is about a conversation, whose id is whatever was written.
    Conversation(String),
    /// A room that there is not.
    Unknown(String),
}

impl From<String> for Room {
    fn from(text: String) -> Self {
        match (text.as_str(), text.split_once(':')) {
            ("tenant", _) => Self::Tenant,
            ("user", _) => Self::User,
            (_, Some(("conversation", id))) => Self::Conversation(id.to_owned()),
            _ => Self::Unknown(text),
        }
    }
}

impl std::fmt::Display for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tenant => f.write_str("tenant"),
            Self::User => f.write_str("user"),
            Self::Conversation(id) => write!(f, "conversation:{id}"),
            Self::Unknown(text) => f.write_str(text),
        }
    }
}

/// The message of the server.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ServerWords {
    Ready {
        cursor: String,
    },
    Event {
        cursor: String,
        kind: StreamEventKind,
        id: Option<Uuid>,
        seq: i64,
        at: DateTime<Utc>,
    },
    Reset {
        cursor: String,
    },
    Joined {
        room: String,
    },
    Left {
        room: String,
    },
    Typing {
        conversation_id: ConversationId,
        user_id: UserId,
        typing: bool,
    },
    Pong,
    Error {
        code: &'static str,
        detail: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<String>,
    },
    End {
        reason: &'static str,
    },
}

impl ServerWords {
    pub(super) fn of_event(event: &StreamEvent) -> Self {
        let StreamEvent { cursor, kind, subject, at, .. } = *event;
        Self::Event { cursor: cursor.to_string(), kind, id: subject, seq: cursor.seq(), at }
    }

    /// Sends the message, once the connection takes it.
    pub(super) async fn say(&self, session: &mut Session) -> std::result::Result<(), Closed> {
        // Nothing in it can fail to be written.
        let text = serde_json::to_string(self).map_err(|_| Closed)?;
        session.text(text).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_the_manual_and_no_others() {
        let is_heard = |text: &str| Request::parse(text).is_ok();
        for text in [
            r#"{"type":"authenticate","token":"t"}"#,
            r#"{"type":"authenticate","token":"t","cursor":null}"#,
            r#"{"type":"join","room":"tenant"}"#,
            r#"{"type":"leave","room":"conversation:rubbish"}"#,
            r#"{"type":"join","room":"tenants"}"#,
            r#"{"type":"typing","conversation_id":"c","typing":false}"#,
            r#"{"type":"ping"}"#,
        ] {
            assert!(is_heard(text), "{text}");
        }
        for text in [
            "",
            "{}",
            "[]",
            r#"{"type":"shout"}"#,
            r#"{"type":"authenticate"}"#,
            r#"{"type":"join","room":7}"#,
            r#"{"type":"typing","conversation_id":"c","typing":"yes"}"#,
            r#"{"type":"typing","conversation_id":"c","typing":true,"user_id":"another"}"#,
        ] {
            assert!(!is_heard(text), "{text}");
        }
    }
}
