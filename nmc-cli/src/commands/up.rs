//! `nmc up`.

use super::serve::ServeArgs;
use super::worker::{Sending, Sms, WorkerArgs};
use super::{number, serve, worker};
use crate::database::{Database, hurry, token_keys_in};
use crate::demo::{self, Demo};
use crate::demo_live;
use crate::error::CliResult;
use crate::options::DatabaseArgs;
use crate::stop::{StopSignals, ignores_interrupts};
use clap::Args;
use nmc_core::Secret;
use nmc_core::access::TokenKeys;
use nmc_core::fake_twilio::FakeTwilio;
use nmc_core::store::embedded::default_data_dir;
use nmc_core::twilio::TwilioConfig;
use std::process::ExitCode;

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

    /// Say which migrations are applied, and not only how many
    #[arg(long)]
    pub(crate) verbose: bool,
}

pub(crate) fn run(database: &DatabaseArgs, args: &UpArgs) -> CliResult {
    let stop = StopSignals::listen()?;
    let (mut database_args, mut serve_args, mut worker_args) = (database.clone(), args.serve.clone(), args.worker.clone());
    if args.demo {
        // Its businesses and calls are made up: they stay out of the real data unless a place is named, and nobody is texted.
        worker_args.sms = Sms::Console;
        if database_args.database_url.is_none() && database_args.data_dir.is_none() {
            database_args.data_dir = Some(default_data_dir()?.with_file_name("nmc-demo"));
        }
        if serve_args.twilio.token()?.is_none() {
            serve_args.twilio.twilio_auth_token = Some(Secret::new(uuid::Uuid::new_v4().simple().to_string()));
        }
    }
    let token = serve_args.twilio.token()?;
    let sender = worker::sender(&worker_args, &serve_args.twilio)?;
    // Nor is money spent: numbers come from a stand-in for Twilio, which is gone when this ends.
    let stand_in = args.demo.then(FakeTwilio::start);
    let account = match &stand_in {
        Some(stand_in) => {
            Some(TwilioConfig { callbacks: nmc_http::callback_urls("https://nmc.example.com"), ..stand_in.account() })
        }
        None => serve_args.twilio.config_if_set()?,
    };

    let database = Database::open(&database_args)?;
    eprintln!("database: {}", database.describe());
    migrate(&database, args.verbose)?;
    let store = database.store()?;
    let public_url = serve_args.twilio.public_url.clone();
    let numbers = account.as_ref().map(|account| number::provisioner(&store, account));
    let home = database.home()?;
    let uploads = serve_args.uploads.place(&home);
    if let (Some(stand_in), Some(numbers)) = (&stand_in, &numbers) {
        demo::must_be_alone(&store)?;
        eprintln!("numbers come from a stand-in for Twilio at {}", stand_in.url());
        demo::remind(&store, stand_in, numbers)?;
    }
    let server = serve::start(
        store.clone(),
        serve_args,
        worker_args.notify.sends_mails(),
        worker_args.notify.webhooks.policy(),
        numbers.clone(),
        &home,
    )?;
    let keys = TokenKeys::open(&token_keys_in(&home, &args.serve.token_keys), store.now())?;
    if public_url.is_none() && worker_args.notify.sends_mails() {
        eprintln!("links in mails lead to http://{}: set NMC_PUBLIC_URL to how people reach the server", server.address());
    }
    let mailed_url = public_url.clone().unwrap_or_else(|| format!("http://{}", server.address()));
    let sending = Sending { texts: sender, keys, public_url: Some(mailed_url) };
    let worker = worker::start(&store, sending, account.map(|account| (account, uploads)), numbers.clone(), &worker_args)?;

    let database = database.supervise(&stop)?;
    let demo = match (&numbers, &stand_in, token) {
        (Some(numbers), Some(stand_in), Some(token)) => {
            let (page, address) = (server.address(), server.webhook_address().unwrap_or(server.address()));
            Some(Demo { store: &store, numbers, stand_in, address, page, public_url, token })
        }
        _ => None,
    };
    let played = demo.as_ref().map(demo::play).transpose();
    let shown = match (&demo, &played) {
        (_, Ok(_)) if args.once => Ok(()),
        (Some(demo), Ok(Some(callers))) => {
            let keys = TokenKeys::open(&token_keys_in(&home, &args.serve.token_keys), store.now())?;
            demo_live::show(demo, keys, callers.clone(), || wait(stop))
        }
        (_, Ok(_)) => {
            wait(stop);
            Ok(())
        }
        (_, Err(_)) => Ok(()),
    };
    hurry(&store);
    drop((store, numbers));
    server.stop()?;
    worker.stop();
    database.close()?;
    played?;
    shown?;
    Ok(ExitCode::SUCCESS)
}

/// Applies what is missing, sixty steps to a new database: their names are for those who ask.
fn migrate(database: &Database, is_verbose: bool) -> CliResult<()> {
    let tell = |name: &str| {
        if is_verbose {
            eprintln!("applied {name}");
        }
    };
    match database.migrator().run(|migration| tell(migration.name))? {
        0 => {}
        1 => eprintln!("1 migration applied"),
        count => eprintln!("{count} migrations applied"),
    }
    Ok(())
}

fn wait(stop: StopSignals) {
    eprintln!("{} stops everything", if ignores_interrupts() { "SIGTERM" } else { "Ctrl-C" });
    stop.wait();
}
