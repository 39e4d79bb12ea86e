//! `nmc conversation list`, and how a conversation is printed as one row.

use super::user::{self, UserKey};
use crate::database::business;
use crate::error::CliResult;
use crate::options::moment::SpanArgs;
use crate::options::party::party;
use crate::options::{PageArgs, TenantArg, one_of};
use crate::output::{Columns, Kept, time};
use clap::Args;
use nmc_core::conversations::{Assignee, ConversationFilter, InboxRow, LastText, Media};
use nmc_core::{
    CallerIdentity, ConversationChannel, ConversationPriority, ConversationStatus, Email, Page, Result, Store, TenantTx, UserId,
};
use serde_json::json;
use std::collections::HashMap;
use std::str::FromStr;

/// The name of the list, which its cursors bear.
pub(super) const LIST: &str = "conversations";

/// Which conversations.
#[derive(Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Only those in this status
    #[arg(long, value_parser = one_of(ConversationStatus::ALL, ConversationStatus::label))]
    status: Option<ConversationStatus>,
    /// Only those that are open: active or waiting
    #[arg(long, conflicts_with = "status")]
    open: bool,
    /// Only those that this person looks after, by id or e-mail; none for those that nobody does
    #[arg(long, value_name = "ID|EMAIL|none")]
    assignee: Option<AssigneeKey>,
    /// Only those with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only those of this priority
    #[arg(long, value_parser = one_of(ConversationPriority::ALL, ConversationPriority::label))]
    priority: Option<ConversationPriority>,
    /// Only those that began like this
    #[arg(long, value_parser = one_of(ConversationChannel::ALL, ConversationChannel::label))]
    channel: Option<ConversationChannel>,
    /// Only those with this customer, in whatever spelling
    #[arg(long, value_name = "NUMBER", value_parser = party)]
    customer: Option<CallerIdentity>,
    /// Only those with a text that may be an opt-out, which somebody has to settle
    #[arg(long)]
    in_review: bool,
    /// Only open ones with a call or a text that this person has not read
    #[arg(long, value_name = "ID|EMAIL")]
    unread: Option<UserKey>,
    #[command(flatten)]
    span: SpanArgs,
    #[command(flatten)]
    page: PageArgs,
}

/// The one who looks after conversations, as it is typed.
#[derive(Clone)]
enum AssigneeKey {
    Nobody,
    User(UserKey),
}

impl FromStr for AssigneeKey {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::Nobody),
            _ => text.parse().map(Self::User).map_err(|_| "must be the id or the e-mail of a person, or none"),
        }
    }
}

/// A conversation with its last text, and the e-mail of whoever looks after it.
pub(super) struct Listed {
    pub(super) row: InboxRow,
    pub(super) assignee: Option<Email>,
}

pub(super) const COLUMNS: Columns<Listed> = Columns(&[
    ("id", |listed| json!(listed.row.conversation.id)),
    ("created_at", |listed| time(listed.row.conversation.created_at)),
    ("customer_phone", |listed| json!(listed.row.conversation.customer_phone)),
    ("customer_name", |listed| json!(listed.row.known_as)),
    ("status", |listed| json!(listed.row.conversation.status)),
    ("priority", |listed| json!(listed.row.conversation.priority)),
    ("unread", |listed| json!(listed.row.unread)),
    ("last_text", |listed| json!(listed.row.last_text.as_ref().map(|text| &text.message_body))),
    ("assignee", |listed| json!(listed.assignee)),
    ("tags", |listed| json!(listed.row.conversation.tags)),
    ("total_calls", |listed| json!(listed.row.conversation.total_calls)),
    ("total_messages", |listed| json!(listed.row.total_messages)),
    ("channel", |listed| json!(listed.row.conversation.channel)),
    ("review_requested_at", |listed| json!(listed.row.conversation.review_requested_at.map(time))),
    ("last_text_at", |listed| json!(listed.row.last_text.as_ref().map(|text| time(text.created_at)))),
    ("last_text_direction", |listed| json!(listed.row.last_text.as_ref().map(|text| text.message_direction))),
    ("last_text_status", |listed| json!(listed.row.last_text.as_ref().map(|text| text.message_status))),
    ("subject", |listed| json!(listed.row.conversation.subject)),
    ("assigned_to", |listed| json!(listed.row.conversation.assigned_to)),
    ("updated_at", |listed| time(listed.row.conversation.updated_at)),
    ("closed_at", |listed| json!(listed.row.conversation.closed_at.map(time))),
]);

pub(super) const KEPT: Kept = &["customer_phone", "last_text", "created_at", "customer_name", "status", "unread"];

pub(super) fn run(store: &Store, args: &ListArgs) -> CliResult<()> {
    let (tenant, zone) = business(store, &args.tenant.tenant)?;
    let page = args.page.of(LIST)?;
    let span = args.span.instants(zone)?;
    let filter = ConversationFilter {
        status: args.status,
        open: args.open.then_some(true),
        priority: args.priority,
        channel: args.channel,
        customer: args.customer.clone(),
        tag: args.tag.clone(),
        in_review: args.in_review.then_some(true),
        from: span.from,
        until: span.until,
        ..ConversationFilter::default()
    };
    let (assigned_to, unread_by) = store.as_operator(&tenant, |tx| {
        let assigned_to = match &args.assignee {
            Some(AssigneeKey::User(key)) => Some(Assignee::User(user::get(tx, key)?.id)),
            Some(AssigneeKey::Nobody) => Some(Assignee::Nobody),
            None => None,
        };
        Ok((assigned_to, args.unread.as_ref().map(|key| user::get(tx, key)).transpose()?.map(|user| user.id)))
    })?;
    let filter = ConversationFilter { assigned_to, unread_by, ..filter };
    let read = |tx: &mut TenantTx<'_>| {
        let rows = tx.conversations().list_with_last_text(&filter, page)?;
        listed(tx, rows)
    };
    // What is unread is counted for the user who acts; an operator reads nothing.
    let rows = match unread_by {
        Some(reader) => store.tenant_on_behalf_of(&tenant, reader, read)?,
        None => store.as_operator(&tenant, read)?,
    };
    COLUMNS.page_keeping(KEPT, LIST, args.page.format.format, &rows)
}

/// A page of conversations, with the e-mails of those who look after them.
pub(super) fn listed(tx: &mut TenantTx<'_>, rows: Page<InboxRow>) -> Result<Page<Listed>> {
    let rows = tell_pictures(tx, rows)?;
    let mut known: HashMap<UserId, Option<Email>> = HashMap::new();
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        let assignee = match row.conversation.assigned_to {
            None => None,
            Some(id) => match known.get(&id) {
                Some(email) => email.clone(),
                None => known.entry(id).or_insert(tx.users().find(id)?.map(|user| user.email)).clone(),
            },
        };
        items.push(Listed { row, assignee });
    }
    Ok(Page { items, next: rows.next })
}

/// Puts the kinds of its files, in brackets, where a last text has no words.
fn tell_pictures(tx: &mut TenantTx<'_>, mut rows: Page<InboxRow>) -> Result<Page<InboxRow>> {
    let texts = rows.items.iter_mut().filter_map(|row| row.last_text.as_mut());
    let wordless: Vec<&mut LastText> = texts.filter(|text| text.message_body.trim().is_empty()).collect();
    let media = tx.message_media().list(&wordless.iter().map(|text| text.id).collect::<Vec<_>>())?;
    for text in wordless {
        let kinds: Vec<&str> = media.iter().filter(|media| media.message_id == text.id).map(kind_in_brackets).collect();
        text.message_body = kinds.join(" ");
    }
    Ok(rows)
}

/// The kind of a file, in a word.
fn kind_in_brackets(media: &Media) -> &'static str {
    match media.content_type.as_deref().and_then(|kind| kind.split('/').next()) {
        Some("video") => "[video]",
        Some("audio") => "[sound]",
        Some("application" | "text") => "[document]",
        _ => "[picture]",
    }
}
