//! `nmc message list`, and how a text is printed as one row.

use crate::database::business;
use crate::error::CliResult;
use crate::options::conversation::ConversationKey;
use crate::options::moment::SpanArgs;
use crate::options::{PageArgs, TenantArg, first_with_rows, one_of};
use crate::output::{Columns, Kept, time};
use clap::Args;
use nmc_core::conversations::{Message, MessageFilter};
use nmc_core::telephony::explain;
use nmc_core::{MessageDirection, MessageKind, MessageStatus, Store};
use serde_json::json;

/// Which texts.
#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Only those that never arrived, whoever gave them up
    #[arg(long, conflicts_with = "status")]
    failed: bool,
    /// Only those in this status
    #[arg(long, value_parser = one_of(MessageStatus::ALL, MessageStatus::label))]
    status: Option<MessageStatus>,
    /// Only those this way
    #[arg(long, value_parser = one_of(MessageDirection::ALL, MessageDirection::label))]
    direction: Option<MessageDirection>,
    /// Only those of this kind
    #[arg(long, value_parser = one_of(MessageKind::ALL, MessageKind::label))]
    kind: Option<MessageKind>,
    /// Only those of this conversation, by its id or its customer's number: their open one then, or else their latest
    #[arg(long, value_name = "ID|NUMBER")]
    conversation: Option<ConversationKey>,
    #[command(flatten)]
    span: SpanArgs,
    #[command(flatten)]
    page: PageArgs,
}

pub(super) const COLUMNS: Columns<Message> = Columns(&[
    ("id", |row| json!(row.id)),
    ("created_at", |row| time(row.created_at)),
    ("direction", |row| json!(row.message_direction)),
    ("status", |row| json!(row.message_status)),
    ("from_number", |row| json!(row.from_number)),
    ("to_number", |row| json!(row.to_number)),
    ("body", |row| json!(row.message_body)),
    ("reason", |row| json!(reason(row))),
    ("kind", |row| json!(row.message_kind)),
    ("conversation", |row| json!(row.conversation_id)),
]);

/// A text is what it says.
pub(super) const KEPT: Kept = &["id", "body", "created_at", "status", "from_number"];

/// The reason why a text has failed, or waits: the provider's code in words, or our own.
pub(super) fn reason(row: &Message) -> Option<String> {
    row.error_code.map(explain).or_else(|| row.error_message.clone())
}

pub(super) fn run(store: &Store, args: &ListArgs) -> CliResult<()> {
    let (proof, zone) = business(store, &args.tenant.tenant)?;
    let list = match (args.failed, &args.conversation) {
        (true, _) => "texts that failed",
        (false, Some(_)) => "texts of a conversation",
        (false, None) => "texts",
    };
    let page = args.page.of(list)?;
    let span = args.span.instants(zone)?;
    let conversation = args.conversation.as_ref().map(|key| key.find(store, &proof)).transpose()?;
    let failed = args.failed.then_some(true);
    let (status, direction, kind) = (args.status, args.direction, args.kind);
    let filter = MessageFilter { conversation, status, direction, kind, failed, from: span.from, until: span.until };
    let rows = first_with_rows(page, |page| {
        store.as_operator(&proof, |tx| {
            // An id that is not there is a mistake, and no conversation without texts.
            conversation.map(|id| tx.conversations().get(id)).transpose()?;
            tx.messages().list(&filter, page)
        })
    })?;
    COLUMNS.page_keeping(KEPT, list, args.page.format.format, &rows)
}
