//! How a conversation is named on the command line.

use super::{FormatArg, TenantArg};
use crate::error::{CliError, CliResult};
use crate::output::plain;
use clap::Args;
use nmc_core::conversations::ConversationFilter;
use nmc_core::{CallerIdentity, ConversationId, Error, PageRequest, PhoneNumber, Store, Tenant};
use std::str::FromStr;

/// Which conversation of which business.
#[derive(Args)]
pub(crate) struct ConversationArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArg,
    /// The conversation's id, or its customer's number: their open conversation then, or else their latest
    #[arg(value_name = "ID|NUMBER")]
    pub(crate) conversation: ConversationKey,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

/// A conversation, by itself or by its customer.
#[derive(Clone)]
pub(crate) enum ConversationKey {
    Id(ConversationId),
    Customer(CallerIdentity),
}

impl ConversationKey {
    /// The rule of what it must be, in words that follow what was typed.
    const RULE: &str =
        "must be a conversation's id or the customer's number in E.164, like +14155550123: nmc conversation list shows both";

    /// The conversation that the key names. A customer's is the open one, or else the latest.
    pub(crate) fn find(&self, store: &Store, tenant: &Tenant) -> CliResult<ConversationId> {
        let customer = match self {
            Self::Id(id) => return Ok(*id),
            Self::Customer(customer) => customer,
        };
        let of = ConversationFilter { customer: Some(customer.clone()), ..ConversationFilter::default() };
        let found = store.tenant(tenant, |tx| match tx.conversations().find_open(customer)? {
            Some(open) => Ok(Some(open.id)),
            None => Ok(tx.conversations().list(&of, PageRequest::new(1, None)?)?.items.first().map(|latest| latest.id)),
        })?;
        // Odd callers have conversations, too; a word that none goes by was more likely meant to be something else.
        found.ok_or_else(|| match customer.phone() {
            Some(_) => Error::NotFound { entity: "conversation" }.into(),
            None => CliError::Usage(format!("{} {}", plain(customer.as_str()), Self::RULE)),
        })
    }
}

impl FromStr for ConversationKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err(Self::RULE);
        }
        text.parse()
            .map(Self::Id)
            .or_else(|_| PhoneNumber::typed(text).map(|phone| Self::Customer(CallerIdentity::Phone(phone))))
            .or_else(|_| text.parse().map(Self::Customer))
            .map_err(|_| Self::RULE)
    }
}
