//! `nmc conversation`.

use crate::database::{Database, tenant};
use crate::error::{CliError, CliResult};
use crate::options::{DatabaseArgs, Format, FormatArg, PageArgs, TenantArg};
use crate::output::{Columns, plain, time, write_json};
use crate::transcript::Transcript;
use clap::{Subcommand, ValueEnum};
use nmc_core::access::Acting;
use nmc_core::conversations::{Conversation, ConversationFilter, ReviewDecision, settle_review};
use nmc_core::{CallerIdentity, ConversationId, Error, PageRequest, PhoneNumber, Store, Tenant};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::ExitCode;

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

/// What staff make of a text that may be an opt-out.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Verdict {
    /// It was one: it is recorded for the person
    OptOut,
    /// It was none: automatic texts go on
    None,
}

const COLUMNS: Columns<Conversation> = Columns(&[
    ("id", |row| json!(row.id)),
    ("created_at", |row| time(row.created_at)),
    ("customer_phone", |row| json!(row.customer_phone)),
    ("customer_name", |row| json!(row.customer_name)),
    ("status", |row| json!(row.status)),
    ("total_calls", |row| json!(row.total_calls)),
    ("review_requested_at", |row| row.review_requested_at.map_or(Value::Null, time)),
]);

pub(crate) fn run(args: &DatabaseArgs, command: ConversationCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    let (proof, id, format) = match command {
        ConversationCommand::List { tenant: key, in_review, customer, page } => {
            let proof = tenant(&store, &key.tenant)?;
            let request = PageRequest::new(page.limit, page.after)?;
            let filter = ConversationFilter { in_review: in_review.then_some(true), customer, ..ConversationFilter::default() };
            let rows = store.tenant(&proof, |tx| tx.conversations().list(&filter, request))?;
            COLUMNS.page(page.format.format, &rows)?;
            drop(store);
            database.close()?;
            return Ok(ExitCode::SUCCESS);
        }
        ConversationCommand::Show { tenant: key, conversation, format } => {
            let proof = tenant(&store, &key.tenant)?;
            (proof, find(&store, &proof, conversation)?, format)
        }
        ConversationCommand::Settle { tenant: key, conversation, decision, note, format } => {
            let proof = tenant(&store, &key.tenant)?;
            let id = find(&store, &proof, conversation)?;
            let decision = match decision {
                Verdict::OptOut => ReviewDecision::OptOut,
                Verdict::None => ReviewDecision::NoOptOut,
            };
            settle_review(&store, &Acting::Operator(proof), id, decision, note.as_deref())?;
            (proof, id, format)
        }
    };
    let transcript = Transcript::read(&store, &proof, id)?;
    match format.format {
        Format::Json => write_json(&transcript.json())?,
        Format::Table => write!(std::io::stdout(), "{}", transcript.text()?)?,
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn find(store: &Store, tenant: &Tenant, key: ConversationKey) -> CliResult<ConversationId> {
    match key {
        ConversationKey::Id(id) => Ok(id),
        ConversationKey::Customer(customer) => {
            let open = store.tenant(tenant, |tx| tx.conversations().find_open(&customer))?;
            // Odd callers have conversations, too; a word that none goes by was more likely meant to be something else.
            open.map(|open| open.id).ok_or_else(|| match customer.phone() {
                Some(_) => Error::NotFound { entity: "open conversation" }.into(),
                None => CliError::Usage(format!("{} {}", plain(customer.as_str()), ConversationKey::RULE)),
            })
        }
    }
}
