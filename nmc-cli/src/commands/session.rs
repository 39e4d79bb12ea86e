//! `nmc session`.

use super::user::{UserKey, find};
use crate::database::Database;
use crate::error::{CliError, CliResult};
use crate::options::id::Key;
use crate::options::{DatabaseArgs, Format, FormatArg, PageArgs, TenantArg};
use crate::output::{Columns, Kept, time, write_json};
use clap::Subcommand;
use nmc_core::access::{Session, SessionFilter};
use nmc_core::people::{end_session, logout_everywhere};
use nmc_core::{Email, Page, SessionId, TenantTx};
use serde_json::json;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::process::ExitCode;

/// The name of the list, which its cursors bear.
const LIST: &str = "sessions";

#[derive(Subcommand)]
pub(crate) enum SessionCommand {
    /// List the sessions that are alive, newest first; never their tokens
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those of this person, by id or e-mail
        #[arg(long, value_name = "ID|EMAIL")]
        user: Option<UserKey>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// End a session, or all of a person: the device has to log in again
    End {
        #[command(flatten)]
        tenant: TenantArg,
        /// The session's id or the end of it
        #[arg(value_name = "ID", conflicts_with = "user")]
        session: Option<Key<SessionId>>,
        /// All sessions of this person, by id or e-mail
        #[arg(long, value_name = "ID|EMAIL")]
        user: Option<UserKey>,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// The id of a session that was named; by its end only if it is alive.
fn find_session(tx: &mut TenantTx<'_>, key: &Key<SessionId>) -> nmc_core::Result<SessionId> {
    let alive = SessionFilter { is_active: Some(true), ..SessionFilter::default() };
    key.find("session", |row: &Session| row.id, |page| tx.sessions().list(&alive, page))
}

/// A session, and with which e-mail its user logs in.
type Row = (Session, Option<Email>);

const COLUMNS: Columns<Row> = Columns(&[
    ("id", |(row, _)| json!(row.id)),
    ("email", |(_, email)| json!(email)),
    ("ip_address", |(row, _)| json!(row.ip_address)),
    ("device", |(row, _)| json!(row.device_fingerprint)),
    ("last_used_at", |(row, _)| time(row.last_used_at)),
    ("created_at", |(row, _)| time(row.created_at)),
    ("expires_at", |(row, _)| time(row.expires_at)),
    ("user_agent", |(row, _)| json!(row.user_agent)),
    ("user_id", |(row, _)| json!(row.user_id)),
]);

const KEPT: Kept = &["id", "email", "last_used_at", "device"];

pub(crate) fn run(args: &DatabaseArgs, command: SessionCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        SessionCommand::List { tenant, user, page } => {
            let request = page.of(LIST)?;
            let proof = crate::database::tenant(&store, &tenant.tenant)?;
            let rows = store.as_operator(&proof, |tx| {
                let user = user.as_ref().map(|user| find(tx, user)).transpose()?;
                let rows =
                    tx.sessions().list(&SessionFilter { user, is_active: Some(true), ..SessionFilter::default() }, request)?;
                with_emails(tx, rows)
            })?;
            COLUMNS.page_keeping(KEPT, LIST, page.format.format, &rows)?;
        }
        SessionCommand::End { session: None, user: None, .. } => {
            return Err(CliError::Usage("name a session by its id, or a person with --user".to_owned()));
        }
        SessionCommand::End { tenant, session, user, format } => {
            let proof = crate::database::tenant(&store, &tenant.tenant)?;
            let ended = store.as_operator(&proof, |tx| match (&session, &user) {
                (Some(session), _) => {
                    let session = find_session(tx, session)?;
                    if tx.sessions().get(session)?.is_active { end_session(tx, session).map(|()| 1) } else { Ok(0) }
                }
                (None, Some(user)) => {
                    let user = find(tx, user)?;
                    logout_everywhere(tx, Some(user))
                }
                (None, None) => Ok(0),
            })?;
            match format.format {
                Format::Json => write_json(&json!({ "ended": ended }))?,
                Format::Table => eprintln!("{ended} session{} ended", if ended == 1 { "" } else { "s" }),
            }
        }
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

/// Each user of a page is looked up once.
fn with_emails(tx: &mut TenantTx<'_>, rows: Page<Session>) -> nmc_core::Result<Page<Row>> {
    let mut known = HashMap::new();
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        let email = match known.entry(row.user_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(tx.users().find(row.user_id)?.map(|user| user.email)),
        };
        let email = email.clone();
        items.push((row, email));
    }
    Ok(Page { items, next: rows.next })
}
