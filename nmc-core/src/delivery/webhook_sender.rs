//! The port webhooks leave through.

use super::WebhookSecrets;
use chrono::{DateTime, Utc};
use std::time::Duration;
use uuid::Uuid;

/// The largest body of a webhook, in bytes, as the Standard Webhooks have it.
pub const LARGEST_WEBHOOK: usize = 20 << 10;

/// How long a receiver may take for one webhook, from the look-up of its name to the last byte of its answer.
pub const LONGEST_WEBHOOK: Duration = Duration::from_secs(15);

/// A webhook to send.
#[derive(Debug, Clone, Copy)]
pub struct OutboundWebhook<'a> {
    /// Our id of what is told, the same at each attempt: receivers tell repetitions by it.
    pub id: Uuid,
    /// The instant of this attempt.
    pub at: DateTime<Utc>,
    /// The URL of the receiver.
    pub url: &'a str,
    /// The JSON document, which is signed and sent as it is; [`LARGEST_WEBHOOK`] at the most.
    pub body: &'a str,
    /// The secrets that sign, of which the receiver knows at least one.
    pub secrets: &'a WebhookSecrets,
}

/// What a receiver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of the body: somebody else's words, for whoever may see the tenant's settings.
    pub body: String,
}

/// The reason why a webhook was not taken, as far as is known. No reason names the URL, which may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// Not taken, or the answer got lost; trying again may help. The receiver tells a repetition by its id.
    #[error("{reason}")]
    NotNow {
        /// How long the receiver asks to wait.
        retry_after: Option<Duration>,
        /// The receiver's answer, if one came.
        answer: Option<WebhookAnswer>,
        /// The reason in words.
        reason: String,
    },
    /// The receiver says that it takes no more webhooks here (410).
    #[error("the receiver says that it is gone (410): no more webhooks go there until the URL is set again")]
    Gone {
        /// The receiver's answer.
        answer: WebhookAnswer,
    },
    /// Not sent, and never will be: the URL leads to where no webhook may go, or the body is too large.
    #[error("{reason}")]
    Refused {
        /// The reason in words.
        reason: String,
    },
}

/// What is known, without asking anybody, of where webhooks may go.
pub trait WebhookRules: Send + Sync {
    /// Insists that a webhook's URL is one that may be sent to, as far as its text tells.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] of `contact_value`.
    fn must_be_sendable(&self, url: &str) -> crate::Result<()>;
}

/// The port that sends webhooks. One call must end within [`LONGEST_WEBHOOK`]. Calls are made from many threads at once, and no
/// transaction is open meanwhile.
pub trait WebhookSender: Send + Sync {
    /// Sends a webhook, signed. It is taken when the receiver answers with a status of 200 to 299.
    ///
    /// # Errors
    /// [`WebhookError`].
    fn send(&self, webhook: &OutboundWebhook<'_>) -> Result<WebhookAnswer, WebhookError>;
}
