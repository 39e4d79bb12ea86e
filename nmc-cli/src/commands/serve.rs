use super::number;
use crate::cli::{DatabaseArgs, ServeArgs};
use crate::database::{Database, hurry, token_keys_in};
use crate::error::CliResult;
use crate::stop::StopSignals;
use nmc_core::Store;
use nmc_core::identity::{Authenticator, Hasher, LoginPolicy, TokenKeys};
use nmc_core::numbers::Provisioner;
use nmc_core::twilio::Signer;
use nmc_http::{Limits, RunningServer, ServerConfig};
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

/// Starts the server; without `numbers` none can be bought there. `home` is where it keeps its keys and uploads, unless they have places of their own.
pub(crate) fn start(store: Store, args: ServeArgs, numbers: Option<Provisioner>, home: &Path) -> CliResult<RunningServer> {
    let token = args.twilio.token()?;
    if token.is_none() {
        tracing::warn!("TWILIO_AUTH_TOKEN is not set: no webhook can prove itself, and every one is refused");
    }
    let config = ServerConfig {
        bind: args.bind,
        public_url: args.twilio.public_url,
        signer: token.map(Signer::new),
        threads: usize::from(args.http_threads),
        patience: Duration::from_secs(10),
        uploads: args.uploads.place(home),
        limits: Limits::default(),
        trusted_proxies: args.trusted_proxies,
        cors_origins: args.cors_origins,
        numbers,
    };
    let keys = TokenKeys::open(&token_keys_in(home, &args.token_keys), store.now())?;
    let authenticator = Authenticator::new(store, hasher(args.hash_cost)?, keys, LoginPolicy::default());
    let guessed = config.public_url.is_none();
    let server = nmc_http::start(authenticator, config)?;
    eprintln!("listening on http://{}", server.address());
    if guessed && !server.address().ip().is_loopback() {
        tracing::warn!("NMC_PUBLIC_URL is not set: a webhook counts as signed only if Twilio calls http://{}", server.address());
    }
    Ok(server)
}
