//! `nmc serve`.

use super::number;
use crate::database::{Database, hurry, token_keys_in};
use crate::error::CliResult;
use crate::input_file::must_be_file;
use crate::options::twilio::public_url;
use crate::options::{DatabaseArgs, MailArg, StreamArgs, TokenKeysArg, TwilioArgs, UploadsArg, WebhookArgs, one_of};
use crate::stop::StopSignals;
use clap::Args;
use ipnet::IpNet;
use nmc_core::Store;
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, TokenKeys};
use nmc_core::numbers::Provisioner;
use nmc_core::tenants::RegistrationPolicy;
use nmc_core::twilio::Signer;
use nmc_core::webhook::WebhookPolicy;
use nmc_http::{ConnectionLimits, Limits, RunningServer, ServerConfig, Uploading};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

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
    #[arg(long, env = "NMC_REGISTRATION", default_value_t, value_name = "POLICY", value_parser = one_of(RegistrationPolicy::ALL, RegistrationPolicy::label))]
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

    #[command(flatten)]
    pub(crate) streams: StreamArgs,

    /// Record who has streams of events, from where and for how long, in the tables websocket_events and connection_metrics
    #[arg(long, env = "NMC_RECORD_CONNECTIONS")]
    pub(crate) record_connections: bool,
}

/// The server by itself: `up` has the sender of mails among the worker's options.
#[derive(Args, Clone)]
pub(crate) struct ServeCommand {
    #[command(flatten)]
    pub(crate) serve: ServeArgs,

    #[command(flatten)]
    pub(crate) mail: MailArg,
    #[command(flatten)]
    pub(crate) webhooks: WebhookArgs,
}

/// An address counts as the network of itself.
pub(crate) fn network(text: &str) -> Result<IpNet, &'static str> {
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

pub(crate) fn run(args: &DatabaseArgs, command: ServeCommand) -> CliResult {
    let ServeCommand { serve, mail, webhooks } = command;
    let stop = StopSignals::listen()?;
    let account = serve.twilio.config_if_set()?;
    let database = Database::open(args)?;
    let store = database.store()?;
    let numbers = account.map(|account| number::provisioner(&store, &account));
    let server = start(store.clone(), serve, mail.is_set(), webhooks.policy(), numbers, &database.home()?)?;
    let database = database.supervise(&stop)?;
    stop.wait();
    hurry(&store);
    server.stop()?;
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

/// Passwords hashed at once: half of the processors, so that the others go on answering while many log in.
pub(crate) fn hasher(cost: u32) -> CliResult<Hasher> {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    Ok(Hasher::new(cost, processors.div_ceil(2), 64)?)
}

/// Each connection needs a file descriptor: as many as this process may have are asked for.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%error, "the limit of open files stays as it was");
    }
}

/// Starts the server; without `numbers` none can be bought there. `sends_mails`: whether a worker does. `home` is where it keeps its keys and uploads, unless they have places of their own.
pub(crate) fn start(
    store: Store,
    args: ServeArgs,
    sends_mails: bool,
    webhooks: WebhookPolicy,
    numbers: Option<Provisioner>,
    home: &Path,
) -> CliResult<RunningServer> {
    let token = args.twilio.token()?;
    if token.is_none() {
        tracing::warn!("TWILIO_AUTH_TOKEN is not set: no webhook can prove itself, and every one is refused");
    }
    let connections = ConnectionLimits {
        total: usize::from(args.max_connections),
        per_address: usize::from(args.max_connections_per_address),
        ..ConnectionLimits::default()
    };
    raise_file_limit();
    let config = ServerConfig {
        bind: args.bind,
        webhook_bind: args.webhook_bind,
        connections,
        public_url: args.twilio.public_url,
        signer: token.map(Signer::new),
        threads: usize::from(args.http_threads),
        patience: Duration::from_secs(10),
        answer_within: Duration::from_secs(20),
        uploads_at_once: Uploading::default(),
        streams: args.streams.limits(),
        record_connections: args.record_connections,
        uploads: args.uploads.place(home),
        limits: Limits::default(),
        trusted_proxies: args.trusted_proxies,
        cors_origins: args.cors_origins,
        registration: args.registration,
        sends_mails,
        webhooks: Some(Arc::new(webhooks)),
        numbers,
    };
    let token_keys = token_keys_in(home, &args.token_keys);
    must_be_file("--token-keys", &token_keys)?;
    let keys = TokenKeys::open(&token_keys, store.now())?;
    let authenticator = Authenticator::new(store, hasher(args.hash_cost)?, keys, LoginPolicy::default());
    let guessed = config.public_url.is_none();
    let server = nmc_http::start(authenticator, config)?;
    eprintln!("listening on http://{}", server.address());
    if let Some(address) = server.webhook_address() {
        eprintln!("listening for webhooks on http://{address}");
    }
    let for_webhooks = server.webhook_address().unwrap_or(server.address());
    if guessed && !for_webhooks.ip().is_loopback() {
        tracing::warn!("NMC_PUBLIC_URL is not set: a webhook counts as signed only if Twilio calls http://{for_webhooks}");
    }
    Ok(server)
}
