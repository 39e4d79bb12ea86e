//! Options that several commands share.

pub(crate) mod alert;
pub(crate) mod conversation;
pub(crate) mod id;
pub(crate) mod judgement;
pub(crate) mod length;
pub(crate) mod moment;
pub(crate) mod notify;
pub(crate) mod party;
pub(crate) mod rule;
pub(crate) mod streams;
pub(crate) mod twilio;

pub(crate) use notify::{MailArg, NotifyArgs, WebhookArgs};
pub(crate) use streams::StreamArgs;
pub(crate) use twilio::{LinkArg, TwilioArgs};

use crate::error::{CliError, CliResult};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use nmc_core::store::SchemaName;
use nmc_core::{Cursor, Page, PageRequest, Patch, Secret, Uploads};
use std::path::{Path, PathBuf};

/// The heading of what every command takes: below the command's own options, which would stand mixed with it otherwise.
pub(crate) const GLOBAL: &str = "Options of every command";

/// Where the data is.
#[derive(Args, Clone)]
pub(crate) struct DatabaseArgs {
    /// A PostgreSQL to use; without one, nmc runs its own
    #[arg(long, help_heading = GLOBAL, env = "DATABASE_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub(crate) database_url: Option<Secret>,

    /// Where nmc's own PostgreSQL keeps its data [default: /var/lib/nmc as root, else ~/.local/share/nmc]
    #[arg(long, help_heading = GLOBAL, env = "NMC_DATA_DIR", global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// The schema in which nmc's tables are
    #[arg(long, help_heading = GLOBAL, env = "NMC_DATABASE_SCHEMA", global = true, default_value_t = SchemaName::default(), value_name = "NAME")]
    pub(crate) database_schema: SchemaName,

    /// Database connections at most
    #[arg(long, help_heading = GLOBAL, env = "NMC_POOL_SIZE", global = true, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) pool_size: u32,

    /// Don't use prepared statements: for a pooler in transaction mode, such as PgBouncer
    #[arg(long, help_heading = GLOBAL, env = "NMC_NO_PREPARED_STATEMENTS", global = true)]
    pub(crate) no_prepared_statements: bool,
}

#[derive(Args, Clone, Copy)]
pub(crate) struct FormatArg {
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

#[derive(Args, Clone)]
pub(crate) struct PageArgs {
    /// Rows at most
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) limit: u16,

    /// Go on after this cursor, which an earlier page ended with
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,

    #[command(flatten)]
    pub(crate) format: FormatArg,
}

impl PageArgs {
    /// The page that is asked for of this list, in this order.
    pub(crate) fn of(&self, list: &str) -> CliResult<PageRequest> {
        let refused =
            || CliError::Usage("--after must be what an earlier page of this list ended with, in the same order".to_owned());
        let after = self.after.as_deref().map(|text| Cursor::in_list(text, list)).transpose().map_err(|_| refused())?;
        Ok(PageRequest::new(self.limit, after)?)
    }
}

/// The first page with a row on it. Where a list looks at only so many rows for each page, in a transaction of its own, one may be empty and
/// still have a next one.
pub(crate) fn first_with_rows<T>(
    mut page: PageRequest,
    list: impl Fn(PageRequest) -> nmc_core::Result<Page<T>>,
) -> nmc_core::Result<Page<T>> {
    loop {
        let rows = list(page)?;
        match rows.next {
            Some(next) if rows.items.is_empty() => page = page.after(next),
            _ => return Ok(rows),
        }
    }
}

/// Which business.
#[derive(Args, Clone)]
pub(crate) struct TenantArg {
    /// The business: its id or its exact name
    #[arg(long, env = "NMC_TENANT", value_name = "ID|NAME")]
    pub(crate) tenant: String,
}

/// Where files are kept, for whoever keeps some.
#[derive(Args, Clone)]
pub(crate) struct UploadsArg {
    /// Where profile photos and the pictures of texts are kept [default: uploads in the data directory]
    #[arg(long, env = "NMC_UPLOADS", value_name = "DIR")]
    uploads: Option<PathBuf>,
}

impl UploadsArg {
    /// The place, which is in `home` unless another one is named.
    pub(crate) fn place(&self, home: &Path) -> Uploads {
        Uploads::new(self.uploads.clone().unwrap_or_else(|| home.join("uploads")))
    }
}

/// Where the keys of access tokens are.
#[derive(Args, Clone)]
pub(crate) struct TokenKeysArg {
    /// The file of the keys that sign access tokens, made if missing; all servers of an installation share it [default:
    /// token-keys in the data directory]
    #[arg(long, env = "NMC_TOKEN_KEYS", value_name = "FILE")]
    pub(crate) token_keys: Option<PathBuf>,
}

/// Reads one of a few words, which help, completions and a refusal list.
pub(crate) fn one_of<T>(all: &'static [T], label: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err = nmc_core::Error> + Copy + Send + Sync + 'static,
{
    PossibleValuesParser::new(all.iter().map(|one| label(*one))).try_map(|text| text.parse())
}

/// Forgets a value that counts as not set.
pub(crate) fn without<T>(value: &mut Option<T>, is_none: impl FnOnce(&mut T) -> bool) {
    drop(value.take_if(is_none));
}

/// The change of a field that is typed as its new text: an empty one clears it.
pub(crate) fn change(text: Option<&str>) -> Patch<String> {
    match text {
        None => Patch::Keep,
        Some("") => Patch::Clear,
        Some(text) => Patch::Set(text.to_owned()),
    }
}
