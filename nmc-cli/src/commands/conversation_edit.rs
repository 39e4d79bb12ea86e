//! `nmc conversation open` and `edit`: a new conversation, and what is known about one.

use crate::error::CliResult;
use crate::options::conversation::ConversationArgs;
use crate::options::{FormatArg, TenantArg, change, one_of};
use clap::Args;
use nmc_core::conversations::{ConversationPatch, NewConversation};
use nmc_core::{CallerIdentity, ConversationChannel, Email, Patch, PhoneNumber};

/// With whom a conversation is opened, and about what.
#[derive(Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    pub(super) tenant: TenantArg,
    /// The customer's number, in whatever spelling
    #[arg(value_name = "NUMBER", value_parser = PhoneNumber::typed)]
    customer: PhoneNumber,
    /// How it begins
    #[arg(long, default_value = "web", value_parser = one_of(ConversationChannel::ALL, ConversationChannel::label))]
    channel: ConversationChannel,
    /// What it is about, up to 1,000 characters
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// The customer's name, up to 255 characters
    #[arg(long, value_name = "NAME")]
    customer_name: Option<String>,
    #[command(flatten)]
    pub(super) format: FormatArg,
}

impl OpenArgs {
    pub(super) fn conversation(&self) -> NewConversation {
        NewConversation {
            customer_phone: CallerIdentity::Phone(self.customer.clone()),
            channel: self.channel,
            subject: self.subject.clone(),
            customer_name: self.customer_name.clone(),
        }
    }
}

/// What is known about which conversation.
#[derive(Args)]
pub(crate) struct EditArgs {
    #[command(flatten)]
    pub(super) target: ConversationArgs,
    #[command(flatten)]
    changes: Changes,
}

/// What changes; an empty text takes away what was known.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Changes {
    /// What it is about, up to 1,000 characters; empty for nothing
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// The customer's name, up to 255 characters; empty for none
    #[arg(long, value_name = "NAME")]
    customer_name: Option<String>,
    /// The customer's e-mail; empty for none
    #[arg(long, value_name = "EMAIL")]
    customer_email: Option<String>,
    /// The customer's address, up to 1,000 characters; empty for none
    #[arg(long, value_name = "ADDRESS")]
    customer_address: Option<String>,
    /// What staff know, up to 10,000 characters; empty for nothing
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
}

impl EditArgs {
    pub(super) fn patch(&self) -> CliResult<ConversationPatch> {
        let Changes { subject, customer_name, customer_email, customer_address, notes } = &self.changes;
        let email = match customer_email.as_deref() {
            None => Patch::Keep,
            Some("") => Patch::Clear,
            Some(email) => {
                let email: nmc_core::Result<Email> = email.parse();
                Patch::Set(email.map_err(|refused| refused.renamed(&[("email", "customer_email")]))?)
            }
        };
        Ok(ConversationPatch {
            subject: change(subject.as_deref()),
            customer_name: change(customer_name.as_deref()),
            customer_email: email,
            customer_address: change(customer_address.as_deref()),
            notes: change(notes.as_deref()),
        })
    }
}
