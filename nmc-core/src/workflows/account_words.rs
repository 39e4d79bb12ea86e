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
            AccountMailKind::AddressChanged => format!("Your e-mail address for {business} was changed"),
            AccountMailKind::Approved => format!("{business} is approved"),
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

    /// What the mail asks for, or tells of.
    fn request(&self) -> String {
        let business = self.business();
        match self.mail.kind {
            AccountMailKind::Invitation => {
                format!("you are invited to {business}, on NeverMissCall. Choose a password to begin:")
            }
            AccountMailKind::PasswordReset => {
                format!("somebody, most likely you, wants another password for your account with {business}:")
            }
            AccountMailKind::Verification => format!("show that this address is the one of your account with {business}:"),
            AccountMailKind::AddressChanged => {
                format!(
                    "your account with {business} has another e-mail address now, and mails about it no longer come to this one."
                )
            }
            AccountMailKind::Approved => {
                format!("{business} is approved: it may buy numbers, send texts and have calls forwarded now.")
            }
        }
    }

    /// The words of the link, and where it leads; none in a mail that tells of something.
    fn link(&self) -> Option<(&'static str, Secret)> {
        let (words, to) = match self.mail.kind {
            AccountMailKind::Invitation => ("Choose a password", &self.links.invitation),
            AccountMailKind::PasswordReset => ("Choose another password", &self.links.password_reset),
            AccountMailKind::Verification => ("Verify this address", &self.links.verification),
            AccountMailKind::AddressChanged | AccountMailKind::Approved => return None,
        };
        let token = self.letter.token.as_ref()?;
        Some((words, Secret::new(format!("{to}{}", token.expose()))))
    }

    /// How long the link is good, and what to do about a mail that nobody asked for.
    fn end(&self) -> String {
        let zone = self.letter.zone;
        let until = self.mail.expires_at.with_timezone(&zone.tz()).format("%A %-d %B %Y, %H:%M");
        let otherwise = match self.mail.kind {
            AccountMailKind::Invitation => "If you know nothing of this, do nothing.",
            AccountMailKind::PasswordReset => "If it was not you, do nothing: your password stays as it is.",
            AccountMailKind::Verification => "If you have no such account, do nothing.",
            AccountMailKind::AddressChanged => {
                return "If it was not you, tell an owner or administrator of the business at once, or whoever runs NeverMissCall for it."
                    .to_owned();
            }
            AccountMailKind::Approved => return "If you know nothing of this, do nothing.".to_owned(),
        };
        format!("The link works once, until {until} ({}). {otherwise}", zone.as_str())
    }

    /// The mail as plain text.
    pub(super) fn text(&self) -> Secret {
        let link = self.link().map(|(_, url)| format!("{}\n\n", url.expose())).unwrap_or_default();
        Secret::new(format!("{}\n\n{}\n\n{link}{}\n", self.greeting(), self.request(), self.end()))
    }

    /// The mail as HTML.
    pub(super) fn html(&self) -> Secret {
        let link = |(words, url): (&str, Secret)| format!("<p><a href=\"{}\">{words}</a></p>\n", escaped(url.expose()));
        Secret::new(format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n<body>\n<p>{}</p>\n<p>{}</p>\n\
             {}<p><small>{}</small></p>\n</body></html>\n",
            escaped(&self.subject()),
            escaped(&self.greeting()),
            escaped(&self.request()),
            self.link().map(link).unwrap_or_default(),
            escaped(&self.end()),
        ))
    }
}
