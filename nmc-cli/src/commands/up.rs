use super::{serve, worker};
use crate::cli::{DatabaseArgs, Sms, UpArgs};
use crate::database::Database;
use crate::demo;
use crate::error::CliResult;
use crate::stop::StopSignals;
use nmc_core::Secret;
use nmc_core::store::embedded::default_data_dir;
use std::process::ExitCode;

pub(crate) fn run(database: &DatabaseArgs, args: &UpArgs) -> CliResult {
    let stop = StopSignals::listen()?;
    let (mut database_args, mut serve_args, mut worker_args) = (database.clone(), args.serve.clone(), args.worker.clone());
    if args.demo {
        // Its businesses and calls are made up: they stay out of the real data unless a place is named, and nobody is texted.
        worker_args.sms = Sms::Console;
        if database_args.database_url.is_none() && database_args.data_dir.is_none() {
            database_args.data_dir = Some(default_data_dir()?.with_file_name("nmc-demo"));
        }
        serve_args.twilio_auth_token.get_or_insert_with(|| Secret::new(uuid::Uuid::new_v4().simple().to_string()));
    }
    let token = serve_args.twilio_auth_token.clone();
    let sender = worker::sender(&worker_args, token.as_ref(), serve_args.public_url.as_deref())?;

    let database = Database::open(&database_args)?;
    eprintln!("database: {}", database.describe());
    database.migrator().run(|migration| eprintln!("applied {}", migration.name))?;
    let store = database.store()?;
    let public_url = serve_args.public_url.clone();
    let server = serve::start(store.clone(), serve_args, &database.home()?)?;
    let worker = worker::start(store.clone(), sender, &worker_args)?;

    let played = match (args.demo, token) {
        (true, Some(token)) => demo::play(&store, server.address(), public_url, token),
        _ => Ok(()),
    };
    if played.is_ok() && !args.once {
        eprintln!("Ctrl-C stops everything");
        stop.wait();
    }
    drop(store);
    server.stop()?;
    worker.stop();
    database.close()?;
    played?;
    Ok(ExitCode::SUCCESS)
}
