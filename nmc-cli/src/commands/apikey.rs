use super::user;
use crate::cli::{ApiKeyCommand, ApiKeyName, DatabaseArgs, Format, KeyState};
use crate::confirm::confirmed;
use crate::database::{self, Database};
use crate::error::CliResult;
use crate::output::{Columns, one_with_secret, time};
use chrono::{DateTime, Utc};
use nmc_core::access::{ApiKey, ApiKeyFilter, KeyOrder, make_key_for, make_service_key, revoke_key, rotate_key};
use nmc_core::{Email, Error, Page, PageRequest, Secret, TenantTx};
use serde_json::{Value, json};
use std::process::ExitCode;

/// A key as it is at an instant, and whom it goes back to.
struct AsOf {
    key: ApiKey,
    at: DateTime<Utc>,
    goes_back_to: Option<Email>,
}

impl AsOf {
    fn now(tx: &mut TenantTx<'_>, key: ApiKey) -> nmc_core::Result<Self> {
        let user = key.created_by.map(|user| tx.users().get(user)).transpose()?;
        Ok(Self { key, at: tx.now(), goes_back_to: user.map(|user| user.email) })
    }
}

const COLUMNS: Columns<AsOf> = Columns {
    names: &["id", "name", "prefix", "state", "goes_back_to", "scopes", "expires_at", "last_used_at", "revoked_at", "created_at"],
    values: |AsOf { key, at, goes_back_to }| {
        let state = match (key.is_in_force(*at), key.revoked_at) {
            (true, _) => "in force",
            (false, Some(_)) => "revoked",
            (false, None) => "expired",
        };
        vec![
            json!(key.id),
            json!(key.name),
            json!(key.prefix),
            json!(state),
            json!(goes_back_to),
            json!(key.scopes),
            when(key.expires_at),
            when(key.last_used_at),
            when(key.revoked_at),
            time(key.created_at),
        ]
    },
};

fn when(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, time)
}

pub(crate) fn run(args: &DatabaseArgs, command: ApiKeyCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        ApiKeyCommand::Create { tenant, holder, name, scopes, expires_in, expires_at, format } => {
            let proof = database::tenant(&store, &tenant.tenant)?;
            let (row, text) = store.as_operator(&proof, |tx| {
                let expires_at = expires_at.or(expires_in.map(|length| tx.now() + length));
                let order = KeyOrder { name: name.clone(), scopes: scopes.clone(), expires_at };
                let (key, text) = match &holder.user {
                    Some(user) => {
                        let user = user::find(tx, user)?;
                        make_key_for(tx, user, &order)?
                    }
                    None => make_service_key(tx, &order)?,
                };
                Ok((AsOf::now(tx, key)?, text))
            })?;
            print_made(format.format, &row, &text.text())?;
        }
        ApiKeyCommand::List { tenant, state, service, page } => {
            let request = PageRequest::new(page.limit, page.after)?;
            let in_force = state.map(|state| state == KeyState::InForce);
            let filter = ApiKeyFilter { in_force, is_nobodys: service.then_some(true), ..ApiKeyFilter::default() };
            let proof = database::tenant(&store, &tenant.tenant)?;
            let rows = store.as_operator(&proof, |tx| {
                let rows = tx.api_keys().list(&filter, request)?;
                let items = rows.items.into_iter().map(|key| AsOf::now(tx, key)).collect::<nmc_core::Result<_>>()?;
                Ok(Page { items, next: rows.next })
            })?;
            COLUMNS.page(page.format.format, &rows)?;
        }
        ApiKeyCommand::Rotate { tenant, key, overlap, format } => {
            let proof = database::tenant(&store, &tenant.tenant)?;
            let (old, row, text) = store.as_operator(&proof, |tx| {
                let id = find(tx, &key)?.id;
                let (new, text) = rotate_key(tx, id, overlap)?;
                Ok((tx.api_keys().get(id)?, AsOf::now(tx, new)?, text))
            })?;
            print_made(format.format, &row, &text.text())?;
            match old.expires_at.filter(|_| old.revoked_at.is_none()) {
                Some(end) => eprintln!("the old one, {}, goes on until {}", old.prefix, end.to_rfc3339()),
                None => eprintln!("the old one, {}, is refused from now on", old.prefix),
            }
        }
        ApiKeyCommand::Revoke { tenant, key, yes, format } => {
            let proof = database::tenant(&store, &tenant.tenant)?;
            let known = store.as_operator(&proof, |tx| find(tx, &key))?;
            drop(confirmed(yes, &format!("This revokes {} ({}): programs that use it are refused", known.name, known.prefix))?);
            let row = store.as_operator(&proof, |tx| {
                let key = revoke_key(tx, known.id)?;
                AsOf::now(tx, key)
            })?;
            COLUMNS.one(format.format, &row)?;
        }
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn find(tx: &mut TenantTx<'_>, key: &ApiKeyName) -> nmc_core::Result<ApiKey> {
    let found = match key {
        ApiKeyName::Id(id) => tx.api_keys().find(*id)?,
        ApiKeyName::Prefix(prefix) => tx.api_keys().find_by_prefix(prefix)?,
    };
    found.ok_or(Error::NotFound { entity: "API key" })
}

fn print_made(format: Format, row: &AsOf, text: &Secret) -> CliResult<()> {
    one_with_secret(format, &COLUMNS, row, "key", text)?;
    eprintln!("the key is shown this once; only a hash of it is kept");
    Ok(())
}
