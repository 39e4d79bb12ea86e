use super::number;
use crate::cli::{DatabaseArgs, ServeArgs};
use crate::database::{Database, hurry, token_keys_in};
use crate::error::CliResult;
use crate::input_file::must_be_file;
use crate::stop::StopSignals;
use nmc_core::Store;
use nmc_core::access::{Authenticator, Hasher, LoginPolicy, TokenKeys};
use nmc_core::numbers::Provisioner;
use nmc_core::twilio::Signer;
use nmc_http::{ConnectionLimits, Limits, RunningServer, ServerConfig, Uploading};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::num::NonZero;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

pub(crate) fn run(args: &DatabaseArgs, serve: ServeArgs) -> CliResult {
    let stop = StopSignals::listen()?;
    let account = serve.twilio.config_if_set()?;
    let database = Database::open(args)?;
    let store = database.store()?;
    let numbers = account.map(|account| number::provisioner(&store, &account));
    let server = start(store.clone(), serve, numbers, &database.home()?)?;
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

/// Starts the server; without `numbers` none can be bought there. `home` is where it keeps its keys and uploads, unless they have places of their own.
pub(crate) fn start(store: Store, args: ServeArgs, numbers: Option<Provisioner>, home: &Path) -> CliResult<RunningServer> {
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
        uploads: args.uploads.place(home),
        limits: Limits::default(),
        trusted_proxies: args.trusted_proxies,
        cors_origins: args.cors_origins,
        registration: args.registration,
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
