use super::number;
use crate::cli::{DatabaseArgs, Sms, TwilioArgs, WorkerArgs, WorkerCommand};
use crate::database::Database;
use crate::error::CliResult;
use crate::stop::StopSignals;
use chrono::TimeDelta;
use nmc_core::Store;
use nmc_core::conversations::{ConsoleSms, SmsSender, Worker, WorkerConfig};
use nmc_core::numbers::{NumberWorker, NumberWorkerConfig, Provisioner};
use nmc_core::telephony::Pace;
use nmc_core::twilio::TwilioSms;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;

pub(crate) fn run(args: &DatabaseArgs, command: &WorkerCommand) -> CliResult {
    let stop = StopSignals::listen()?;
    let sender = sender(&command.worker, &command.twilio)?;
    let account = command.twilio.config_if_set()?;
    let database = Database::open(args)?;
    let store = database.store()?;
    let numbers = account.map(|account| number::provisioner(&store, &account));
    let worker = start(store, sender, numbers, &command.worker)?;
    eprintln!("sending queued texts");
    stop.wait();
    worker.stop();
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

/// How texts leave, as the options say.
pub(crate) fn sender(args: &WorkerArgs, twilio: &TwilioArgs) -> CliResult<Arc<dyn SmsSender>> {
    Ok(match args.sms {
        Sms::Console => Arc::new(ConsoleSms),
        Sms::Twilio => Arc::new(TwilioSms::new(&twilio.config("sending through Twilio")?)),
    })
}

/// Workers on threads of their own.
pub(crate) struct RunningWorker {
    texts: Worker,
    numbers: Option<NumberWorker>,
    threads: Vec<JoinHandle<()>>,
}

pub(crate) fn start(
    store: Store,
    sender: Arc<dyn SmsSender>,
    numbers: Option<Provisioner>,
    args: &WorkerArgs,
) -> CliResult<RunningWorker> {
    let long_code = TimeDelta::seconds(1) / i32::from(args.texts_per_second);
    let pace = Pace { long_code, toll_free: long_code / 3 };
    let config = WorkerConfig { senders: usize::from(args.senders), pace, ..WorkerConfig::default() };
    let texts = Worker::new(store, sender, config);
    if numbers.is_none() {
        eprintln!("numbers are not looked after: that needs TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and NMC_PUBLIC_URL");
    }
    let numbers = numbers.map(|provisioner| NumberWorker::new(provisioner, NumberWorkerConfig::default()));
    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let mut threads = vec![thread("nmc-texts").spawn({
        let texts = texts.clone();
        move || texts.run()
    })?];
    if let Some(numbers) = numbers.clone() {
        threads.push(thread("nmc-numbers").spawn(move || numbers.run())?);
    }
    Ok(RunningWorker { texts, numbers, threads })
}

impl RunningWorker {
    /// Lets what is being sent or bought be noted, gives the rest back, and returns.
    pub(crate) fn stop(self) {
        self.texts.stop();
        if let Some(numbers) = &self.numbers {
            numbers.stop();
        }
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker's thread panicked");
            }
        }
    }
}
