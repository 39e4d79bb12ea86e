//! The port mails leave through.

use crate::Email;
use std::time::Duration;
use uuid::Uuid;

/// A mail to hand to the server.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// Our id of the mail, of which its `Message-ID` is made: a mail that is sent again is the same one to its reader.
    pub id: Uuid,
    /// The id of what the mail is about: mails of one thread are shown together (`References`).
    pub thread: Option<Uuid>,
    /// The recipient.
    pub to: &'a Email,
    /// The subject; without control characters.
    pub subject: &'a str,
    /// The words as plain text.
    pub text: &'a str,
    /// The same words as HTML, what comes from people escaped.
    pub html: &'a str,
    /// A file that goes with it.
    pub attachment: Option<Attachment<'a>>,
}

/// A file that goes with a mail.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// The name of the file, in letters of any script, digits, dashes and points.
    pub name: &'a str,
    /// The media type, like `application/pdf`.
    pub media_type: &'a str,
    /// The file.
    pub bytes: &'a [u8],
}

/// The server's receipt for a mail that it has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailReceipt {
    /// The words of the server, no address among them.
    pub said: String,
}

/// The reason why a mail was not sent, as far as is known. No reason holds a server's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// Certainly not sent; trying again may help.
    #[error("{reason}")]
    NotNow {
        /// The reason in words.
        reason: String,
    },
    /// The mail may or may not have been sent: it was handed over, and the answer got lost. There is nobody to ask.
    #[error("{reason}")]
    InDoubt {
        /// The reason in words.
        reason: String,
    },
    /// Certainly not sent, and never will be.
    #[error("{reason}")]
    Refused {
        /// The server's code.
        code: Option<u16>,
        /// The reason in words, none of them the server's.
        reason: String,
        /// The server's own words, which may name a person: not for logs.
        said: Option<String>,
    },
}

/// How long a server may take for one mail, from the connection to its receipt.
pub const LONGEST_MAIL: Duration = Duration::from_secs(60);

/// The port that sends mails. One call should end within [`LONGEST_MAIL`]. Calls are made from many threads at once, and no
/// transaction is open meanwhile.
pub trait MailSender: Send + Sync {
    /// Hands a mail over.
    ///
    /// # Errors
    /// [`MailError`]: [`MailError::Refused`] also of a mail whose subject or recipient holds control characters.
    fn send(&self, mail: &Mail<'_>) -> Result<MailReceipt, MailError>;
}
