use crate::cli::{DatabaseArgs, ServeArgs};
use crate::database::Database;
use crate::error::CliResult;
use crate::stop::StopSignals;
use nmc_core::Store;
use nmc_core::twilio::Signer;
use nmc_http::{RunningServer, ServerConfig};
use std::process::ExitCode;
use std::time::Duration;

pub(crate) fn run(args: &DatabaseArgs, serve: ServeArgs) -> CliResult {
    let stop = StopSignals::listen()?;
    let database = Database::open(args)?;
    let store = database.store()?;
    let server = start(store, serve)?;
    stop.wait();
    server.stop()?;
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn start(store: Store, args: ServeArgs) -> CliResult<RunningServer> {
    if args.twilio_auth_token.is_none() {
        tracing::warn!("TWILIO_AUTH_TOKEN is not set: no webhook can prove itself, and every one is refused");
    }
    let config = ServerConfig {
        bind: args.bind,
        public_url: args.public_url,
        signer: args.twilio_auth_token.map(Signer::new),
        threads: usize::from(args.http_threads),
        patience: Duration::from_secs(10),
    };
    let guessed = config.public_url.is_none();
    let server = nmc_http::start(store, config)?;
    eprintln!("listening on http://{}", server.address());
    if guessed && !server.address().ip().is_loopback() {
        tracing::warn!("NMC_PUBLIC_URL is not set: a webhook counts as signed only if Twilio calls http://{}", server.address());
    }
    Ok(server)
}
