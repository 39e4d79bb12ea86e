//! `nmc worker`.

use super::number;
use crate::database::{Database, hurry, token_keys_in};
use crate::error::CliResult;
use crate::options::{DatabaseArgs, NotifyArgs, TokenKeysArg, TwilioArgs, UploadsArg};
use crate::stop::StopSignals;
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use nmc_core::access::TokenKeys;
use nmc_core::conversations::{MediaWorker, MediaWorkerConfig, Worker, WorkerConfig};
use nmc_core::numbers::{NumberWorker, NumberWorkerConfig, Provisioner};
use nmc_core::telephony::{ConsoleSms, Pace, SmsSender};
use nmc_core::twilio::{TwilioCalls, TwilioConfig, TwilioMedia, TwilioSms, TwilioTexts};
use nmc_core::workflows::{
    AccountMailer, AccountMailerConfig, AlertWorker, AnalyticsWorker, CatchUp, JobWorker, JobWorkerConfig, Notifier,
    NotifierConfig, ReportMailer, ReportMailerConfig, Retention, Upkeep, UpkeepConfig,
};
use nmc_core::{Store, Uploads};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;

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

    /// Days that figures of hours are kept; those of days, weeks and months stay
    #[arg(long, env = "NMC_KEEP_HOURLY_FIGURES", default_value_t = 400, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(400..=3650))]
    pub(crate) keep_hourly_figures: u16,

    /// Days that jobs of analytics are on record after their end
    #[arg(long, env = "NMC_KEEP_JOBS", default_value_t = 90, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub(crate) keep_jobs: u16,

    /// Days that sessions are on record after they expired
    #[arg(long, env = "NMC_KEEP_SESSIONS", default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=3650))]
    pub(crate) keep_sessions: u16,

    #[command(flatten)]
    pub(crate) notify: NotifyArgs,
}

impl WorkerArgs {
    fn keep(&self) -> Retention {
        let days = |days: u16| TimeDelta::days(days.into());
        Retention {
            hourly_figures: days(self.keep_hourly_figures),
            jobs: days(self.keep_jobs),
            sessions: days(self.keep_sessions),
        }
    }
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

    #[command(flatten)]
    pub(crate) token_keys: TokenKeysArg,
}

/// How texts leave.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sms {
    /// Printed on standard error, not sent
    Console,
    /// Sent for real
    Twilio,
}

pub(crate) fn run(args: &DatabaseArgs, command: &WorkerCommand) -> CliResult {
    let stop = StopSignals::listen()?;
    let sender = sender(&command.worker, &command.twilio)?;
    let account = command.twilio.config_if_set()?;
    let database = Database::open(args)?;
    let store = database.store()?;
    let numbers = account.as_ref().map(|account| number::provisioner(&store, account));
    let home = database.home()?;
    let uploads = command.uploads.place(&home);
    let keys = TokenKeys::open(&token_keys_in(&home, &command.token_keys), store.now())?;
    let sending = Sending { texts: sender, keys, public_url: command.twilio.public_url.clone() };
    let worker = start(&store, sending, account.map(|account| (account, uploads)), numbers, &command.worker)?;
    let database = database.supervise(&stop)?;
    eprintln!("sending queued texts");
    stop.wait();
    hurry(&store);
    drop(store);
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

/// The reading of the account's lists.
pub(crate) fn catch_up(store: &Store, account: &TwilioConfig) -> CatchUp {
    CatchUp::new(store.clone(), Arc::new(TwilioCalls::new(account)), Arc::new(TwilioTexts::new(account)))
}

/// Workers on threads of their own.
pub(crate) struct RunningWorker {
    texts: Worker,
    upkeep: Upkeep,
    alerts: AlertWorker,
    analytics: AnalyticsWorker,
    jobs: JobWorker,
    reports: ReportMailer,
    notifier: Notifier,
    mails: AccountMailer,
    numbers: Option<NumberWorker>,
    media: Option<MediaWorker>,
    threads: Vec<JoinHandle<()>>,
}

/// How the workers send.
pub(crate) struct Sending {
    /// How texts leave.
    pub(crate) texts: Arc<dyn SmsSender>,
    /// The keys of which webhooks' secrets and the links in mails are made.
    pub(crate) keys: TokenKeys,
    /// Where the links in mails lead.
    pub(crate) public_url: Option<String>,
}

/// Starts the workers. With an account at Twilio the provider's lists are read, and the pictures of texts kept in the uploads.
pub(crate) fn start(
    store: &Store,
    sending: Sending,
    account: Option<(TwilioConfig, Uploads)>,
    numbers: Option<Provisioner>,
    args: &WorkerArgs,
) -> CliResult<RunningWorker> {
    let long_code = TimeDelta::seconds(1) / i32::from(args.texts_per_second);
    let pace = Pace { long_code, toll_free: long_code / 3 };
    let config = WorkerConfig { senders: usize::from(args.senders), pace, ..WorkerConfig::default() };
    let Sending { texts: sender, keys, public_url } = sending;
    let senders = args.notify.senders(Arc::clone(&sender), keys, public_url.as_deref())?;
    if senders.mail.is_none() {
        eprintln!(
            "no mails are sent, neither about alerts nor about accounts, nor any with reports: that needs NMC_SMTP_URL and NMC_SMTP_FROM"
        );
    } else if senders.links.is_none() {
        eprintln!("mails about accounts are not sent: their links need NMC_PUBLIC_URL");
    }
    let mails = AccountMailer::new(store.clone(), senders.clone(), AccountMailerConfig::default());
    let page = public_url.as_deref().map(nmc_http::reports_page);
    let reports = ReportMailer::new(store.clone(), senders.mail.clone(), page, ReportMailerConfig::default());
    let notifier = Notifier::new(store.clone(), senders, NotifierConfig { pace, ..NotifierConfig::default() });
    let catch_up = account.as_ref().map(|(account, _)| catch_up(store, account));
    let texts = Worker::new(store.clone(), sender, config);
    let (texts, is_read_first) = match (args.sms, catch_up.clone()) {
        // An opt-out that no webhook could deliver is heard before anything is sent.
        (Sms::Twilio, Some(catch_up)) => (texts.before_sending(move || catch_up.run().map(drop)), true),
        _ => (texts, false),
    };
    let config = UpkeepConfig { catch_up_at_start: !is_read_first, keep: args.keep(), ..UpkeepConfig::default() };
    let upkeep = Upkeep::new(store.clone(), catch_up, config);
    if numbers.is_none() {
        eprintln!(
            "numbers are not looked after, nor pictures kept, nor what webhooks missed: that needs TWILIO_ACCOUNT_SID, \
             TWILIO_AUTH_TOKEN and NMC_PUBLIC_URL"
        );
    }
    let media = account.map(|(account, uploads)| {
        MediaWorker::new(store.clone(), Arc::new(TwilioMedia::new(&account)), uploads, MediaWorkerConfig::default())
    });
    let numbers = numbers.map(|provisioner| NumberWorker::new(provisioner, NumberWorkerConfig::default()));
    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let mut threads = vec![thread("nmc-texts").spawn({
        let texts = texts.clone();
        move || texts.run()
    })?];
    threads.push(thread("nmc-upkeep").spawn({
        let upkeep = upkeep.clone();
        move || upkeep.run()
    })?);
    let alerts = AlertWorker::new(store.clone());
    threads.push(thread("nmc-alerts").spawn({
        let alerts = alerts.clone();
        move || alerts.run()
    })?);
    let analytics = AnalyticsWorker::new(store.clone());
    threads.push(thread("nmc-figures").spawn({
        let analytics = analytics.clone();
        move || analytics.run()
    })?);
    let jobs = JobWorker::new(store.clone(), JobWorkerConfig::default());
    threads.push(thread("nmc-jobs").spawn({
        let jobs = jobs.clone();
        move || jobs.run()
    })?);
    threads.push(thread("nmc-reports").spawn({
        let reports = reports.clone();
        move || reports.run()
    })?);
    threads.push(thread("nmc-notices").spawn({
        let notifier = notifier.clone();
        move || notifier.run()
    })?);
    threads.push(thread("nmc-mails").spawn({
        let mails = mails.clone();
        move || mails.run()
    })?);
    if let Some(media) = media.clone() {
        threads.push(thread("nmc-media").spawn(move || media.run())?);
    }
    if let Some(numbers) = numbers.clone() {
        threads.push(thread("nmc-numbers").spawn(move || numbers.run())?);
    }
    Ok(RunningWorker { texts, upkeep, alerts, analytics, jobs, reports, notifier, mails, numbers, media, threads })
}

impl RunningWorker {
    /// Lets what is being sent or bought be noted, gives the rest back, and returns.
    pub(crate) fn stop(self) {
        self.texts.stop();
        self.upkeep.stop();
        self.alerts.stop();
        self.analytics.stop();
        self.jobs.stop();
        self.reports.stop();
        self.notifier.stop();
        self.mails.stop();
        if let Some(media) = &self.media {
            media.stop();
        }
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
