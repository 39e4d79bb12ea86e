//! `nmc user`, `nmc apikey`, `nmc token-key`: who gets in, and with what.

use super::length::{lifetime, overlap};
use super::{FormatArg, PageArgs, TenantArg};
use chrono::{DateTime, TimeDelta, Utc};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use nmc_core::access::Permission;
use nmc_core::{ApiKeyId, Email, PhoneNumber, Timezone, UserId, UserRole};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Add somebody, and print the invitation with which they choose a password: it is shown this once
    Invite {
        #[command(flatten)]
        tenant: TenantArg,
        /// Their e-mail, with which they log in
        #[arg(long)]
        email: Email,
        /// Given name
        #[arg(long, value_name = "NAME")]
        first_name: String,
        /// Family name
        #[arg(long, value_name = "NAME")]
        last_name: String,
        /// What they may do: owner, admin, operator, user or viewer
        #[arg(long)]
        role: UserRole,
        /// Where to reach them
        #[arg(long, value_name = "NUMBER", value_parser = PhoneNumber::typed)]
        phone: Option<PhoneNumber>,
        /// Their zone [default: the business's]
        #[arg(long, value_name = "ZONE")]
        timezone: Option<Timezone>,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Print another invitation for somebody who lost theirs, or their password; earlier ones are void
    InviteAgain(UserArgs),
    /// List the people of a business, newest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        /// Only those with this role
        #[arg(long)]
        role: Option<UserRole>,
        /// Only those who may log in, or may not
        #[arg(long, value_enum)]
        activity: Option<UserActivity>,
        /// Only those whom wrong passwords have locked out
        #[arg(long)]
        locked: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show somebody's account, and until when it is locked
    Show(UserArgs),
    /// Let somebody try again at once whom wrong passwords have locked out
    Unlock(UserArgs),
    /// Let somebody log in no more; their sessions end
    Deactivate(UserArgs),
    /// Let somebody log in again
    Activate(UserArgs),
}

/// Which person of which business.
#[derive(Args)]
pub(crate) struct UserArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArg,
    /// Their id or their e-mail
    #[arg(value_name = "ID|EMAIL")]
    pub(crate) user: UserKey,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

/// Whether people may log in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UserActivity {
    /// They may
    Active,
    /// They may not
    Inactive,
}

/// How a person is named on the command line.
#[derive(Clone)]
pub(crate) enum UserKey {
    Id(UserId),
    Email(Email),
}

impl std::str::FromStr for UserKey {
    type Err = nmc_core::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Id).or_else(|_| text.parse().map(Self::Email))
    }
}

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

/// Whom a new key goes back to. One of both must be said.
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

#[derive(Subcommand)]
pub(crate) enum TokenKeyCommand {
    /// Put a new key in front, which signs half a minute later; nobody is logged out
    Rotate {
        #[command(flatten)]
        token_keys: TokenKeysArg,
        /// Drop all others at once: for a key that has leaked. Clients refresh their access tokens
        #[arg(long)]
        revoke_old: bool,
        #[command(flatten)]
        format: FormatArg,
    },
    /// List the keys, newest first; never what they sign with
    List {
        #[command(flatten)]
        token_keys: TokenKeysArg,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// Where the keys of access tokens are.
#[derive(Args, Clone)]
pub(crate) struct TokenKeysArg {
    /// The file of the keys that sign access tokens, made if missing; all servers of an installation share it [default:
    /// token-keys in the data directory]
    #[arg(long, env = "NMC_TOKEN_KEYS", value_name = "FILE")]
    pub(crate) token_keys: Option<PathBuf>,
}
