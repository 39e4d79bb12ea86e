//! `nmc conversation`.

use super::{FormatArg, PageArgs, TenantArg, Verdict};
use clap::Subcommand;
use nmc_core::{CallerIdentity, ConversationId, PhoneNumber};

#[derive(Subcommand)]
pub(crate) enum ConversationCommand {
    /// List the conversations of a business, newest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those with a text that may be an opt-out, which somebody has to settle
        #[arg(long)]
        in_review: bool,
        /// Only those with this customer, in whatever spelling
        #[arg(long, value_name = "E.164")]
        customer: Option<CallerIdentity>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a conversation: its calls and texts, in the order they happened
    Show {
        #[command(flatten)]
        tenant: TenantArg,
        /// The conversation's id, or its customer's number (the open conversation then)
        #[arg(value_name = "ID|E.164")]
        conversation: ConversationKey,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Say whether a text that may be an opt-out was one; until then the person gets no automatic text
    Settle {
        #[command(flatten)]
        tenant: TenantArg,
        /// The conversation's id, or its customer's number (the open conversation then)
        #[arg(value_name = "ID|E.164")]
        conversation: ConversationKey,
        /// Whether it was an opt-out
        #[arg(long, value_enum)]
        decision: Verdict,
        /// Why
        #[arg(long)]
        note: Option<String>,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// How a conversation is named on the command line.
#[derive(Clone)]
pub(crate) enum ConversationKey {
    Id(ConversationId),
    Customer(CallerIdentity),
}

impl ConversationKey {
    /// What it must be, in words that follow what was typed.
    pub(crate) const RULE: &str =
        "must be a conversation's id or the customer's number in E.164, like +14155550123: nmc conversation list shows both";
}

impl std::str::FromStr for ConversationKey {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse()
            .map(Self::Id)
            .or_else(|_| PhoneNumber::typed(text).map(|phone| Self::Customer(CallerIdentity::Phone(phone))))
            .or_else(|_| text.parse().map(Self::Customer))
            .map_err(|_| Self::RULE)
    }
}
