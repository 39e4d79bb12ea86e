//! The port texts leave through, and the sender that prints them.

use crate::{MessageId, MessageStatus, PhoneNumber};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// A text to hand to the provider.
#[derive(Debug, Clone, Copy)]
pub struct OutboundSms<'a> {
    /// Our id of the text; the delivery callback brings it back.
    pub id: MessageId,
    /// The number of ours.
    pub from: &'a PhoneNumber,
    /// The number of the customer.
    pub to: &'a PhoneNumber,
    /// The body of the text.
    pub body: &'a str,
    /// Whether the provider is to report what becomes of the text. One that is in no conversation has nobody to report to.
    pub wants_report: bool,
}

/// The provider's receipt for a text that it has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendReceipt {
    /// The provider's SID.
    pub sid: String,
    /// The status of the text at the provider.
    pub status: MessageStatus,
    /// The provider's code of a text that it has given up since.
    pub error_code: Option<i32>,
}

/// The reason why a text was not sent, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Certainly not sent; trying again may help.
    #[error("{reason}")]
    NotNow {
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
        /// The reason in words.
        reason: String,
    },
    /// Certainly not sent: the account sends too much at once, and every text has to wait.
    #[error("{reason}")]
    SlowDown {
        /// How long the provider asks to wait.
        retry_after: Option<Duration>,
        /// The reason in words.
        reason: String,
    },
    /// The text may or may not have been sent: the answer got lost.
    #[error("{reason}")]
    InDoubt {
        /// The reason in words.
        reason: String,
    },
    /// Certainly not sent. What follows from it, the code tells: see [`crate::telephony::meaning_of`].
    #[error("{reason}")]
    Refused {
        /// The provider's code.
        code: Option<i32>,
        /// The reason in words.
        reason: String,
    },
}

/// The answer of the provider about a text whose sending is in doubt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The texts it holds with this sender, recipient and body, oldest first. None: it was never sent.
    Held(Vec<SendReceipt>),
    /// The provider can't tell.
    CannotTell,
}

/// How long a provider may take to answer.
pub const LONGEST_SEND: Duration = Duration::from_secs(10);

/// The port that sends texts. One call must end within [`LONGEST_SEND`]: a STOP of the recipient waits for it. Calls are made
/// from many threads at once, and no transaction is open meanwhile.
pub trait SmsSender: Send + Sync {
    /// Hands a text over.
    ///
    /// # Errors
    /// [`SendError`].
    fn send(&self, sms: &OutboundSms<'_>) -> Result<SendReceipt, SendError>;

    /// Asks whether the provider holds texts like this one, made at or after `since` by our clock. Some that are a few minutes
    /// older may be among them: the provider's clock is not ours.
    ///
    /// # Errors
    /// [`SendError::NotNow`] when it can't be asked.
    fn lookup(&self, sms: &OutboundSms<'_>, since: DateTime<Utc>) -> Result<Lookup, SendError>;
}

/// The default: prints texts instead of sending them, for trying the platform out.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConsoleSms;

impl SmsSender for ConsoleSms {
    #[expect(clippy::print_stderr, reason = "printing is what it is for")]
    fn send(&self, sms: &OutboundSms<'_>) -> Result<SendReceipt, SendError> {
        eprintln!("[text not really sent] {} → {}: {}", sms.from, sms.to, harmless(sms.body));
        // Derived from our id: the same text has the same SID, however often it is printed.
        Ok(SendReceipt { sid: format!("SM{}", sms.id.uuid().simple()), status: MessageStatus::Sent, error_code: None })
    }

    fn lookup(&self, _: &OutboundSms<'_>, _: DateTime<Utc>) -> Result<Lookup, SendError> {
        Ok(Lookup::CannotTell)
    }
}

/// A text with nothing in it that would control the terminal it is printed to.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn text_that_is_printed_controls_no_terminal() {
        assert_eq!(harmless("\u{1b}[2JHi\r\u{7}\n\u{9b}31mZoë"), "\u{fffd}[2JHi\u{fffd}\u{fffd}\n\u{fffd}31mZoë");
    }
}
