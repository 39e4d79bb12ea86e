use super::user::find;
use crate::cli::{DatabaseArgs, Format, SessionCommand};
use crate::database::{self, Database};
use crate::error::{CliError, CliResult};
use crate::output::{Columns, time, write_json};
use nmc_core::access::{Session, SessionFilter};
use nmc_core::people::{end_session, logout_everywhere};
use nmc_core::{Email, Page, PageRequest, TenantTx};
use serde_json::json;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::process::ExitCode;

/// A session, and with which e-mail its user logs in.
type Row = (Session, Option<Email>);

const COLUMNS: Columns<Row> = Columns {
    names: &["id", "email", "ip_address", "device", "last_used_at", "created_at", "expires_at", "user_agent", "user_id"],
    values: |(row, email)| {
        vec![
            json!(row.id),
            json!(email),
            json!(row.ip_address),
            json!(row.device_fingerprint),
            time(row.last_used_at),
            time(row.created_at),
            time(row.expires_at),
            json!(row.user_agent),
            json!(row.user_id),
        ]
    },
};

pub(crate) fn run(args: &DatabaseArgs, command: SessionCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        SessionCommand::List { tenant, user, page } => {
            let request = PageRequest::new(page.limit, page.after)?;
            let proof = database::tenant(&store, &tenant.tenant)?;
            let rows = store.as_operator(&proof, |tx| {
                let user = user.as_ref().map(|user| find(tx, user)).transpose()?;
                let rows =
                    tx.sessions().list(&SessionFilter { user, is_active: Some(true), ..SessionFilter::default() }, request)?;
                with_emails(tx, rows)
            })?;
            COLUMNS.page(page.format.format, &rows)?;
        }
        SessionCommand::End { session: None, user: None, .. } => {
            return Err(CliError::Usage("name a session by its id, or a person with --user".to_owned()));
        }
        SessionCommand::End { tenant, session, user, format } => {
            let proof = database::tenant(&store, &tenant.tenant)?;
            let ended = store.as_operator(&proof, |tx| match (session, &user) {
                (Some(session), _) => end_session(tx, session).map(|()| 1),
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
