//! `nmc apikey`.

use super::user::{self, UserKey};
use crate::confirm::confirmed;
use crate::database::{self, Database};
use crate::error::CliResult;
use crate::options::length::{lifetime, overlap};
use crate::options::{DatabaseArgs, Format, FormatArg, PageArgs, TenantArg};
use crate::output::{Columns, one_with_secret, time};
use chrono::{DateTime, TimeDelta, Utc};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use nmc_core::access::{ApiKey, ApiKeyFilter, KeyOrder, Permission, make_key_for, make_service_key, revoke_key, rotate_key};
use nmc_core::people::User;
use nmc_core::{ApiKeyId, Error, Page, Secret, TenantTx};
use serde_json::{Value, json};
use std::process::ExitCode;

/// The name of the list, which its cursors bear.
const LIST: &str = "API keys";

#[derive(Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// Make a key and print it: it is shown this once
    Create {
        #[command(flatten)]
        tenant: TenantArg,
        #[command(flatten)]
        holder: KeyHolder,
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do, like users:read; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',', value_parser = scope())]
        scopes: Vec<Permission>,
        /// Refused after this time, like 90d or 24h [default: never]
        #[arg(long, value_name = "LENGTH", value_parser = lifetime, conflicts_with = "expires_at")]
        expires_in: Option<TimeDelta>,
        /// Refused from this instant on, like 2027-01-31T00:00:00Z
        #[arg(long, value_name = "RFC3339", value_parser = instant)]
        expires_at: Option<DateTime<Utc>>,
        #[command(flatten)]
        format: FormatArg,
    },
    /// List the keys of a business, newest first; never their secrets
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those in force, or those revoked or expired
        #[arg(long, value_enum)]
        state: Option<KeyState>,
        /// Only those that go back to nobody: an operator's, and those that keys made before nmc remembered for whom
        #[arg(long)]
        service: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Replace a key by another of the same name, scopes, end and person, and print that one: it is shown this once
    Rotate {
        #[command(flatten)]
        tenant: TenantArg,
        /// Its id or its prefix
        #[arg(value_name = "ID|PREFIX")]
        key: ApiKeyName,
        /// How long the old one goes on, so that programs can change over; 0 revokes it at once
        #[arg(long, value_name = "LENGTH", default_value = "24h", value_parser = overlap)]
        overlap: TimeDelta,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Refuse a key from now on
    Revoke {
        #[command(flatten)]
        tenant: TenantArg,
        /// Its id or its prefix
        #[arg(value_name = "ID|PREFIX")]
        key: ApiKeyName,
        /// Don't ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// The person a new key goes back to, or nobody: one of both must be said.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct KeyHolder {
    /// The person it goes back to, by id or e-mail: it does no more than they may, and ends with their account
    #[arg(long, value_name = "ID|EMAIL")]
    pub(crate) user: Option<UserKey>,
    /// It goes back to nobody, and works until it is revoked or expires, whoever leaves
    #[arg(long)]
    pub(crate) service: bool,
}

/// Whether a key is accepted.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyState {
    /// Accepted
    InForce,
    /// Revoked or expired
    Ended,
}

/// How a key is named on the command line. The whole key does as well, since that is what people have at hand; only its
/// public start is looked at.
#[derive(Clone)]
pub(crate) enum ApiKeyName {
    Id(ApiKeyId),
    Prefix(String),
}

impl std::str::FromStr for ApiKeyName {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let prefix = text.strip_prefix("nmc_").map_or(text, |key| key.split('_').next().unwrap_or_default());
        Ok(text.parse().map_or_else(|_| Self::Prefix(prefix.to_owned()), Self::Id))
    }
}

/// The scopes there are, which help and complaints list.
fn scope() -> impl TypedValueParser<Value = Permission> {
    let known = Permission::ALL.iter().map(|known| PossibleValue::new(known.label()).help(known.what()));
    PossibleValuesParser::new(known).try_map(|scope| scope.parse::<Permission>())
}

fn instant(text: &str) -> Result<DateTime<Utc>, &'static str> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| "must be a time like 2027-01-31T00:00:00Z")?;
    Ok(at.with_timezone(&Utc))
}

/// A key as it is at an instant, and whom it goes back to.
struct AsOf {
    key: ApiKey,
    at: DateTime<Utc>,
    goes_back_to: Option<User>,
}

impl AsOf {
    fn now(tx: &mut TenantTx<'_>, key: ApiKey) -> nmc_core::Result<Self> {
        let user = key.created_by.map(|user| tx.users().get(user)).transpose()?;
        Ok(Self { key, at: tx.now(), goes_back_to: user })
    }

    fn state(&self) -> &'static str {
        match (self.key.is_in_force(self.at), self.key.revoked_at) {
            (true, _) if self.goes_back_to.as_ref().is_some_and(|user| !user.is_active) => {
                "not in force: its user is deactivated"
            }
            (true, _) => "in force",
            (false, Some(_)) => "revoked",
            (false, None) => "expired",
        }
    }
}

const COLUMNS: Columns<AsOf> = Columns(&[
    ("id", |row| json!(row.key.id)),
    ("name", |row| json!(row.key.name)),
    ("prefix", |row| json!(row.key.prefix)),
    ("state", |row| json!(row.state())),
    ("goes_back_to", |row| json!(row.goes_back_to.as_ref().map(|user| &user.email))),
    ("scopes", |row| json!(row.key.scopes)),
    ("expires_at", |row| when(row.key.expires_at)),
    ("last_used_at", |row| when(row.key.last_used_at)),
    ("revoked_at", |row| when(row.key.revoked_at)),
    ("created_at", |row| time(row.key.created_at)),
]);

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
            let request = page.of(LIST)?;
            let in_force = state.map(|state| state == KeyState::InForce);
            let filter = ApiKeyFilter { in_force, is_nobodys: service.then_some(true), ..ApiKeyFilter::default() };
            let proof = database::tenant(&store, &tenant.tenant)?;
            let rows = store.as_operator(&proof, |tx| {
                let rows = tx.api_keys().list(&filter, request)?;
                let items = rows.items.into_iter().map(|key| AsOf::now(tx, key)).collect::<nmc_core::Result<_>>()?;
                Ok(Page { items, next: rows.next })
            })?;
            COLUMNS.page(LIST, page.format.format, &rows)?;
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
    one_with_secret(format, &COLUMNS, row, &[("key", text)])?;
    eprintln!("the key is shown this once; only a hash of it is kept");
    Ok(())
}
