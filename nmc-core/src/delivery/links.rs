//! The addresses that links in mails and texts begin with: the library knows no routes and no pages.

/// The beginnings of the URLs in mails and texts; a token follows at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailLinks {
    /// Where an invitation is accepted.
    pub invitation: String,
    /// Where a password is reset.
    pub password_reset: String,
    /// Where an address is verified.
    pub verification: String,
    /// Where an alert is acted on.
    pub alert: String,
    /// The same of a text: as short as can be.
    pub alert_in_text: String,
    /// The page where people look at alerts.
    pub alerts: String,
}
