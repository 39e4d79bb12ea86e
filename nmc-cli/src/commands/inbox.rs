//! `nmc inbox`: the open conversations of a business, the last touched first.

use super::conversation_list::{Listed, listed};
use super::inbox_watch::Watch;
use super::user::{self, UserKey};
use crate::database::{Database, business};
use crate::error::CliResult;
use crate::options::{DatabaseArgs, PageArgs, TenantArg};
use crate::output::{Columns, Kept, time};
use crate::stop::StopSignals;
use clap::Args;
use nmc_core::conversations::ConversationFilter;
use nmc_core::{Page, PageRequest, Result, Store, Tenant, TenantTx, UserId};
use serde_json::json;
use std::process::ExitCode;

/// The name of the list, which its cursors bear.
pub(super) const LIST: &str = "conversations by their last change";

/// Whose inbox, and whether to stay.
#[derive(Args)]
pub(crate) struct InboxArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Count what this person has not read, by id or e-mail: an operator reads nothing
    #[arg(long, value_name = "ID|EMAIL")]
    user: Option<UserKey>,
    /// Stay, and print a line for each change until Ctrl-C
    #[arg(long, conflicts_with = "after")]
    watch: bool,
    #[command(flatten)]
    page: PageArgs,
}

const COLUMNS: Columns<Listed> = Columns(&[
    ("unread", |listed| json!(listed.row.unread)),
    ("updated_at", |listed| time(listed.row.conversation.updated_at)),
    ("customer_phone", |listed| json!(listed.row.conversation.customer_phone)),
    ("customer_name", |listed| json!(listed.row.known_as)),
    ("last_text", |listed| json!(listed.row.last_text.as_ref().map(|text| &text.message_body))),
    ("last_text_direction", |listed| json!(listed.row.last_text.as_ref().map(|text| text.message_direction))),
    ("status", |listed| json!(listed.row.conversation.status)),
    ("priority", |listed| json!(listed.row.conversation.priority)),
    ("assignee", |listed| json!(listed.assignee)),
    ("tags", |listed| json!(listed.row.conversation.tags)),
    ("total_calls", |listed| json!(listed.row.conversation.total_calls)),
    ("total_messages", |listed| json!(listed.row.total_messages)),
    ("id", |listed| json!(listed.row.conversation.id)),
]);

const KEPT: Kept = &["unread", "customer_phone", "last_text", "updated_at", "customer_name", "status"];

/// The reader of an inbox: a business's, as one of its people sees it, or as an operator does.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    tenant: Tenant,
    user: Option<UserId>,
}

impl Reader {
    pub(super) const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The columns of the inbox: an operator's has none for what is unread.
    pub(super) const fn columns(&self) -> Columns<'static, Listed> {
        match COLUMNS.0 {
            [_unread, rest @ ..] if self.user.is_none() => Columns(rest),
            all => Columns(all),
        }
    }

    /// Reads as them: what is unread is counted for the user who acts.
    pub(super) fn read<T>(&self, store: &Store, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        match self.user {
            Some(user) => store.tenant_on_behalf_of(&self.tenant, user, work),
            None => store.as_operator(&self.tenant, work),
        }
    }

    /// A page of the inbox.
    pub(super) fn page(&self, store: &Store, page: PageRequest) -> Result<Page<Listed>> {
        self.read(store, |tx| {
            let rows = tx.conversations().list_open(&ConversationFilter::default(), page)?;
            listed(tx, rows)
        })
    }
}

pub(crate) fn run(args: &DatabaseArgs, command: &InboxArgs) -> CliResult {
    let stop = command.watch.then(StopSignals::listen).transpose()?;
    let database = Database::open(args)?;
    let store = database.store()?;
    let (tenant, zone) = business(&store, &command.tenant.tenant)?;
    let user = match &command.user {
        Some(key) => Some(store.as_operator(&tenant, |tx| user::get(tx, key))?.id),
        None => None,
    };
    let reader = Reader { tenant, user };
    let page = command.page.of(LIST)?;
    let database = match stop {
        Some(stop) => {
            let database = database.supervise(&stop)?;
            Watch::new(&store, reader, zone, command.page.format.format, page).run(stop)?;
            database
        }
        None => {
            reader.columns().page_keeping(KEPT, LIST, command.page.format.format, &reader.page(&store, page)?)?;
            database
        }
    };
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
