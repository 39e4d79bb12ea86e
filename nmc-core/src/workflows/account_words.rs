//! The words of mails about accounts, as plain text and as HTML.

use crate::delivery::{MailLinks, escaped, named};
use crate::people::{AccountLetter, AccountMail};
use crate::{AccountMailKind, Secret};

/// A mail about an account, and what goes into it.
pub(super) struct AccountWords<'a> {
    pub(super) mail: &'a AccountMail,
    pub(super) letter: &'a AccountLetter,
    pub(super) links: &'a MailLinks,
}

impl AccountWords<'_> {
    /// The subject.
    pub(super) fn subject(&self) -> String {
        let business = self.business();
        match self.mail.kind {
            AccountMailKind::Invitation => format!("You are invited to {business}"),
            AccountMailKind::PasswordReset => format!("Reset your password for {business}"),
            AccountMailKind::Verification => format!("Verify your e-mail address for {business}"),
        }
    }

    fn business(&self) -> String {
        named(&self.letter.business)
    }

    fn greeting(&self) -> String {
        match self.letter.first_name.as_deref().map(named).filter(|name| !name.is_empty()) {
            Some(name) => format!("Hello {name},"),
            None => "Hello,".to_owned(),
        }
    }

    /// What the mail asks for, and the words of its link.
    fn request(&self) -> (String, &'static str) {
        let business = self.business();
        match self.mail.kind {
            AccountMailKind::Invitation => {
                (format!("you are invited to {business}, on NeverMissCall. Choose a password to begin:"), "Choose a password")
            }
            AccountMailKind::PasswordReset => (
                format!("somebody, most likely you, wants another password for your account with {business}:"),
                "Choose another password",
            ),
            AccountMailKind::Verification => {
                (format!("show that this address is the one of your account with {business}:"), "Verify this address")
            }
        }
    }

    /// How long the link is good, and what to do about a mail that nobody asked for.
    fn end(&self) -> String {
        let zone = self.letter.zone;
        let until = self.mail.expires_at.with_timezone(&zone.tz()).format("%A %-d %B %Y, %H:%M");
        let otherwise = match self.mail.kind {
            AccountMailKind::Invitation => "If you know nothing of this, do nothing.",
            AccountMailKind::PasswordReset => "If it was not you, do nothing: your password stays as it is.",
            AccountMailKind::Verification => "If you have no such account, do nothing.",
        };
        format!("The link works once, until {until} ({}). {otherwise}", zone.as_str())
    }

    /// The URL of the link.
    fn url(&self) -> Secret {
        let to = match self.mail.kind {
            AccountMailKind::Invitation => &self.links.invitation,
            AccountMailKind::PasswordReset => &self.links.password_reset,
            AccountMailKind::Verification => &self.links.verification,
        };
        Secret::new(format!("{to}{}", self.letter.token.expose()))
    }

    /// The mail as plain text.
    pub(super) fn text(&self) -> Secret {
        let (request, _) = self.request();
        Secret::new(format!("{}\n\n{request}\n\n{}\n\n{}\n", self.greeting(), self.url().expose(), self.end()))
    }

    /// The mail as HTML.
    pub(super) fn html(&self) -> Secret {
        let (request, link) = self.request();
        Secret::new(format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n<p>{}</p>\n<p>{}</p>\n\
             <p><a href=\"{}\">{link}</a></p>\n<p><small>{}</small></p>\n</body></html>\n",
            escaped(&self.subject()),
            escaped(&self.greeting()),
            escaped(&request),
            escaped(self.url().expose()),
            escaped(&self.end()),
        ))
    }
}
