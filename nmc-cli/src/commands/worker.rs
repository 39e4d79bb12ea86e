use crate::cli::{DatabaseArgs, Sms, WorkerArgs, WorkerCommand};
use crate::database::Database;
use crate::error::{CliError, CliResult};
use crate::stop::StopSignals;
use nmc_core::conversations::{ConsoleSms, SmsSender, Worker, WorkerConfig};
use nmc_core::twilio::{TwilioConfig, TwilioSms};
use nmc_core::{Secret, Store};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;

pub(crate) fn run(args: &DatabaseArgs, command: &WorkerCommand) -> CliResult {
    let stop = StopSignals::listen()?;
    let sender = sender(&command.worker, command.twilio_auth_token.as_ref(), command.public_url.as_deref())?;
    let database = Database::open(args)?;
    let worker = start(database.store()?, sender, &command.worker)?;
    eprintln!("sending queued texts");
    stop.wait();
    worker.stop();
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

/// How texts leave, as the options say.
pub(crate) fn sender(args: &WorkerArgs, token: Option<&Secret>, public_url: Option<&str>) -> CliResult<Arc<dyn SmsSender>> {
    if args.sms == Sms::Console {
        return Ok(Arc::new(ConsoleSms));
    }
    let missing = |what: &str| CliError::Usage(format!("sending through Twilio needs {what}"));
    Ok(Arc::new(TwilioSms::new(&TwilioConfig {
        account_sid: args.twilio_account_sid.clone().ok_or_else(|| missing("TWILIO_ACCOUNT_SID"))?,
        auth_token: token.cloned().ok_or_else(|| missing("TWILIO_AUTH_TOKEN"))?,
        public_url: public_url.map(str::to_owned).ok_or_else(|| missing("NMC_PUBLIC_URL, where delivery callbacks go"))?,
        api_url: args.twilio_api_url.clone(),
    })))
}

/// A worker on a thread of its own.
pub(crate) struct RunningWorker {
    worker: Worker,
    thread: JoinHandle<()>,
}

pub(crate) fn start(store: Store, sender: Arc<dyn SmsSender>, args: &WorkerArgs) -> CliResult<RunningWorker> {
    let config = WorkerConfig { senders: usize::from(args.senders), ..WorkerConfig::default() };
    let worker = Worker::new(store, sender, config);
    let runner = worker.clone();
    let thread = std::thread::Builder::new().name("nmc-worker".to_owned()).spawn(move || runner.run())?;
    Ok(RunningWorker { worker, thread })
}

impl RunningWorker {
    /// Lets the text that is being sent be noted, gives the others back, and returns.
    pub(crate) fn stop(self) {
        self.worker.stop();
        if self.thread.join().is_err() {
            tracing::error!("the worker's thread panicked");
        }
    }
}
