//! What can be typed.

mod access;
mod call;
mod consent;
mod conversation;
mod database;
mod length;
mod man;
mod number;
mod precedence;
mod queue;
mod secret;
mod session;
mod settings;
mod tenant;
mod twilio;

pub(crate) use access::{
    ApiKeyCommand, ApiKeyName, KeyState, TokenKeyCommand, TokenKeysArg, UserActivity, UserArgs, UserCommand, UserKey,
};
pub(crate) use call::{CallCommand, CallKey};
pub(crate) use consent::{ConsentCommand, Heard, Verdict};
pub(crate) use conversation::{ConversationCommand, ConversationKey};
pub(crate) use database::DatabaseCommand;
pub(crate) use man::ManArgs;
pub(crate) use number::{CriteriaArgs, HowArgs, KindArgs, NumberCommand, NumberKey};
pub(crate) use queue::QueueArgs;
pub(crate) use session::SessionCommand;
pub(crate) use settings::SettingsArgs;
pub(crate) use tenant::{KnownTenantCommand, OnboardArgs, OnboardingState, TenantChangeArgs, TenantCommand};
pub(crate) use twilio::TwilioArgs;

use precedence::{is_typed, without, without_empty_variables};

use crate::log::LogFormat;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use nmc_core::Secret;
use nmc_core::Uploads;
use nmc_core::access::Hasher;
use nmc_core::store::SchemaName;
use nmc_core::tenants::RegistrationPolicy;
use std::path::{Path, PathBuf};

pub(crate) const DEFAULT_LOG: &str = "warn,nmc_core=info,nmc_http=info,nmc=info";

/// The heading of what every command takes: below the command's own options, which would stand mixed with it otherwise.
const GLOBAL: &str = "Options of every command";

/// NeverMissCall: turns missed calls into text conversations.
#[derive(Parser)]
#[command(name = "nmc", version, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,

    /// What is logged, and how much: a tracing filter
    #[arg(long, help_heading = GLOBAL, env = "NMC_LOG", default_value = DEFAULT_LOG, global = true, hide_default_value = true, value_name = "FILTER", value_parser = crate::log::filter)]
    pub(crate) log: String,

    /// How the log is written
    #[arg(long, help_heading = GLOBAL, env = "NMC_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// What was typed, and what the environment says. An empty variable, as compose files leave them, counts as not set.
    /// Where nothing can be made of it, help or a complaint is printed, and this is the end.
    pub(crate) fn read() -> Self {
        let matches = without_empty_variables(Self::command()).get_matches();
        for warning in secret::warnings(&matches) {
            eprintln!("nmc: {warning}");
        }
        let cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        cli.without_empty().typed_first(&|argument| is_typed(&matches, argument))
    }
}

/// Where nmc is reached from outside.
fn public_url(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', ' ', '@']) => Ok(text.to_owned()),
        None if text.trim().is_empty() => Ok(String::new()),
        _ => Err("must be like https://nmc.example.com"),
    }
}

/// An address counts as the network of itself.
fn network(text: &str) -> Result<IpNet, &'static str> {
    text.parse()
        .or_else(|_| text.parse().map(|address: std::net::IpAddr| IpNet::from(address)))
        .map_err(|_| "must be like 10.0.0.0/8")
}

/// A browser's origin: no path, and no `*`.
fn origin(text: &str) -> Result<String, &'static str> {
    let url = public_url(text).map_err(|_| "must be like https://app.example.com")?;
    let host = url.split_once("://").map_or("", |(_, host)| host);
    if host.is_empty() || host.contains(['/', '*']) { Err("must be like https://app.example.com") } else { Ok(url) }
}

/// One of a few words. Which they are says the rule alone: the name of our type before it helps nobody.
fn one_of<T: std::str::FromStr<Err = nmc_core::Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| match error {
        nmc_core::Error::Invalid { rule, .. } => rule.into_owned(),
        other => other.to_string(),
    })
}

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

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run everything: database, migrations, server and worker; Ctrl-C stops it all
    Up(UpArgs),
    /// Serve webhooks over HTTP
    Serve(ServeArgs),
    /// Send queued texts, and take orders of numbers to their end
    Worker(WorkerCommand),
    /// Bring the database's schema up to date, and look after it
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Dump the database, restore it, or move it to another server
    #[command(subcommand)]
    Database(DatabaseCommand),
    /// Businesses
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// People of a business, who log in
    #[command(subcommand)]
    User(UserCommand),
    /// Sessions of a business's people: where they are logged in
    #[command(subcommand)]
    Session(SessionCommand),
    /// API keys of a business, with which other programs act for it
    #[command(subcommand, name = "apikey")]
    ApiKey(ApiKeyCommand),
    /// Phone numbers: search, buy, look after, pay for, give back
    #[command(subcommand)]
    Number(NumberCommand),
    /// Calls of a business
    #[command(subcommand)]
    Call(CallCommand),
    /// Conversations of a business
    #[command(subcommand)]
    Conversation(ConversationCommand),
    /// Who may be texted: what people have decided, and what staff heard of it
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// What waits to be done, and what has failed and why
    Queue(QueueArgs),
    /// The keys that sign access tokens
    #[command(subcommand)]
    TokenKey(TokenKeyCommand),
    /// Print the API's OpenAPI document
    Openapi,
    /// Print what makes a shell complete nmc's commands: source <(nmc completions bash)
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of nmc, or of one of its commands: nmc man tenant onboard | man -l -
    Man(ManArgs),
}

#[derive(Args)]
pub(crate) struct UpArgs {
    #[command(flatten)]
    pub(crate) serve: ServeArgs,

    #[command(flatten)]
    pub(crate) worker: WorkerArgs,

    /// Take in a plumbing business and play two missed calls (one taken by a voicemail), a reply and a picture, in a
    /// data directory of its own
    #[arg(long)]
    pub(crate) demo: bool,

    /// With --demo: stop after the demo
    #[arg(long, requires = "demo")]
    pub(crate) once: bool,
}

#[derive(Args, Clone)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, env = "NMC_BIND", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub(crate) bind: String,

    /// Where to listen for webhooks alone, with connections of their own; then they are answered nowhere else
    #[arg(long, env = "NMC_WEBHOOK_BIND", value_name = "ADDRESS:PORT")]
    pub(crate) webhook_bind: Option<String>,

    #[command(flatten)]
    pub(crate) twilio: TwilioArgs,

    #[command(flatten)]
    pub(crate) token_keys: TokenKeysArg,

    #[command(flatten)]
    pub(crate) uploads: UploadsArg,

    /// Cost of hashing a password; a login raises hashes of a lower one
    #[arg(long, env = "NMC_HASH_COST", default_value_t = Hasher::COST, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=16))]
    pub(crate) hash_cost: u32,

    /// What becomes of businesses that register themselves: open (they may spend money at once), approval (they wait for nmc
    /// tenant approve before they may) or closed (they are refused)
    #[arg(long, env = "NMC_REGISTRATION", default_value_t, value_name = "POLICY", value_parser = one_of::<RegistrationPolicy>)]
    pub(crate) registration: RegistrationPolicy,

    /// A proxy in front (address or network), whose X-Forwarded-For is believed; may be repeated
    #[arg(long = "trusted-proxy", env = "NMC_TRUSTED_PROXIES", value_delimiter = ',', value_name = "CIDR", value_parser = network)]
    pub(crate) trusted_proxies: Vec<IpNet>,

    /// An origin whose pages may call the API from a browser, like `https://app.example.com`; may be repeated
    #[arg(long = "cors-origin", env = "NMC_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN", value_parser = origin)]
    pub(crate) cors_origins: Vec<String>,

    /// Threads that read and answer requests
    #[arg(long, env = "NMC_HTTP_THREADS", default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) http_threads: u16,

    /// Connections at once, of each listener; the more there are, the sooner idle ones are closed
    #[arg(long, env = "NMC_MAX_CONNECTIONS", default_value_t = 2048, value_name = "N", value_parser = clap::value_parser!(u16).range(16..))]
    pub(crate) max_connections: u16,

    /// Connections at once from one address (one /64 of IPv6); a trusted proxy may have three quarters of all
    #[arg(long, env = "NMC_MAX_CONNECTIONS_PER_ADDRESS", default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) max_connections_per_address: u16,
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

#[derive(Args, Clone)]
pub(crate) struct WorkerArgs {
    /// How texts leave: printed on the console, or through Twilio
    #[arg(long, env = "NMC_SMS", value_enum, default_value_t = Sms::Console)]
    pub(crate) sms: Sms,

    /// Texts that may be on their way to the provider at once; they hold no database connection
    #[arg(long, env = "NMC_SENDERS", default_value_t = 32, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) senders: u16,

    /// Texts a second from one number; toll-free numbers send three times as fast. Raise it to what a registered campaign allows
    #[arg(long, env = "NMC_TEXTS_PER_SECOND", default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) texts_per_second: u16,
}

/// The worker by itself: `up` has the account among the server's options.
#[derive(Args, Clone)]
pub(crate) struct WorkerCommand {
    #[command(flatten)]
    pub(crate) worker: WorkerArgs,

    #[command(flatten)]
    pub(crate) twilio: TwilioArgs,

    #[command(flatten)]
    pub(crate) uploads: UploadsArg,
}

/// How texts leave.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sms {
    /// Printed on standard error, not sent
    Console,
    /// Sent for real
    Twilio,
}

#[derive(Subcommand)]
pub(crate) enum MigrateCommand {
    /// Which migrations the database has
    Status(FormatArg),
    /// Apply what is pending
    Run {
        /// Print the SQL instead of running it
        #[arg(long)]
        dry_run: bool,
    },
    /// Take back the newest migrations: this deletes their tables and data
    Revert(BackArgs),
    /// Take back the newest migrations and apply them again: this deletes their data
    Redo(BackArgs),
    /// Compare the live schema with the expected one; every difference is named
    Verify,
}

/// Which migrations to take back, and how.
#[derive(Args)]
pub(crate) struct BackArgs {
    /// How many
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) count: u16,
    /// Print the SQL instead of running it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Don't ask
    #[arg(long, short)]
    pub(crate) yes: bool,
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

#[derive(Args, Clone, Copy)]
pub(crate) struct PageArgs {
    /// Rows at most
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) limit: u16,

    /// Go on after this cursor, which an earlier page ended with
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<nmc_core::Cursor>,

    #[command(flatten)]
    pub(crate) format: FormatArg,
}

/// Which business.
#[derive(Args, Clone)]
pub(crate) struct TenantArg {
    /// The business: its id or its exact name
    #[arg(long, env = "NMC_TENANT", value_name = "ID|NAME")]
    pub(crate) tenant: String,
}
