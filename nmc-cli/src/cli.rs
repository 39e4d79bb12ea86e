//! The program's command line: the options of every command, and the commands.

mod precedence;
mod secret;

use crate::commands::alert::{self, AlertCommand};
use crate::commands::analytics::{self, AnalyticsCommand};
use crate::commands::apikey::{self, ApiKeyCommand};
use crate::commands::call::{self, CallCommand};
use crate::commands::completions::{self, CompletionsArgs};
use crate::commands::consent::{self, ConsentCommand};
use crate::commands::conversation::{self, ConversationCommand};
use crate::commands::customer::{self, CustomerCommand};
use crate::commands::database::{self, DatabaseCommand};
use crate::commands::inbox::{self, InboxArgs};
use crate::commands::job::{self, JobCommand};
use crate::commands::man::{self, ManArgs};
use crate::commands::message::{self, MessageCommand};
use crate::commands::migrate::{self, MigrateCommand};
use crate::commands::number::{self, NumberCommand};
use crate::commands::openapi;
use crate::commands::queue::{self, QueueArgs};
use crate::commands::report::{self, ReportCommand};
use crate::commands::serve::{self, ServeCommand};
use crate::commands::session::{self, SessionCommand};
use crate::commands::tenant::{self, TenantCommand};
use crate::commands::tenant_onboard;
use crate::commands::token_key::{self, TokenKeyCommand};
use crate::commands::up::{self, UpArgs};
use crate::commands::user::{self, UserCommand};
use crate::commands::worker::{self, WorkerCommand};
use crate::error::CliResult;
use crate::log::LogFormat;
use crate::options::{DatabaseArgs, GLOBAL};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use precedence::{is_typed, without_idle_variables};
use std::ffi::OsString;

/// What actix has to say of what is no HTTP (scanners, TLS on a plain port) is nothing that anybody could act on.
pub(crate) const DEFAULT_LOG: &str = "warn,nmc_core=info,nmc_http=info,nmc=info,actix_http=off";

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
    /// Reads what was typed, and what the environment says. An empty variable, as compose files leave them, counts as not set.
    /// Where nothing can be made of it, help or a complaint is printed, and this is the end.
    pub(crate) fn read() -> Self {
        let typed: Vec<OsString> = std::env::args_os().take_while(|word| word != "--").collect();
        let matches = without_idle_variables(Self::command(), &typed).get_matches();
        for warning in secret::warnings(&matches) {
            eprintln!("nmc: {warning}");
        }
        let cli = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        cli.without_empty().typed_first(&|argument| is_typed(&matches, argument))
    }

    /// Does what the command says.
    pub(crate) fn run(self) -> CliResult {
        let database = &self.database;
        match self.command {
            Command::Up(args) => up::run(database, &args),
            Command::Serve(args) => serve::run(database, args),
            Command::Worker(args) => worker::run(database, &args),
            Command::Migrate(command) => migrate::run(database, &command),
            Command::Database(command) => database::run(database, command),
            Command::Tenant(TenantCommand::Onboard(args)) => tenant_onboard::run(database, *args),
            Command::Tenant(TenantCommand::Known(command)) => tenant::run(database, command),
            Command::User(command) => user::run(database, command),
            Command::Session(command) => session::run(database, command),
            Command::ApiKey(command) => apikey::run(database, command),
            Command::Number(command) => number::run(database, command),
            Command::Call(command) => call::run(database, command),
            Command::Message(command) => message::run(database, &command),
            Command::Customer(command) => customer::run(database, command),
            Command::Consent(command) => consent::run(database, command),
            Command::Inbox(args) => inbox::run(database, &args),
            Command::Conversation(command) => conversation::run(database, command),
            Command::Alert(command) => alert::run(database, command),
            Command::Report(command) => report::run(database, command),
            Command::Analytics(command) => analytics::run(database, &command),
            Command::Job(command) => job::run(database, &command),
            Command::Queue(args) => queue::run(database, &args),
            Command::TokenKey(command) => token_key::run(database, &command),
            Command::Openapi => openapi::run(),
            Command::Completions(args) => completions::run(&args, Self::command()),
            Command::Man(args) => man::run(&args, Self::command()),
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run everything: database, migrations, server and worker; Ctrl-C stops it all
    Up(UpArgs),
    /// Serve webhooks and the REST API over HTTP
    Serve(ServeCommand),
    /// Do what is queued and due: texts, mails and webhooks, alerts, figures and reports, missed calls to catch up on, orders of numbers
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
    /// The open conversations of a business, the last touched first, and what happens in them
    Inbox(InboxArgs),
    /// Calls of a business
    #[command(subcommand)]
    Call(CallCommand),
    /// Conversations of a business
    #[command(subcommand)]
    Conversation(ConversationCommand),
    /// Texts of a business, and what became of them
    #[command(subcommand)]
    Message(MessageCommand),
    /// Customers of a business
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// Who may be texted: what people have decided, and what staff heard of it
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// Alerts of a business, the rules that raise them, and who hears of them
    #[command(subcommand)]
    Alert(AlertCommand),
    /// Reports of a business: how many called, who was missed, and what to do
    #[command(subcommand)]
    Report(ReportCommand),
    /// Figures of a business: what they are, the rows behind them, and what they should come to
    #[command(subcommand)]
    Analytics(AnalyticsCommand),
    /// Jobs of analytics
    #[command(subcommand)]
    Job(JobCommand),
    /// What waits to be done, and what has failed and why
    Queue(QueueArgs),
    /// The keys that sign access tokens
    #[command(subcommand)]
    TokenKey(TokenKeyCommand),
    /// Print the API's OpenAPI document
    Openapi,
    /// Print what makes a shell complete nmc's commands: source <(nmc completions bash)
    Completions(CompletionsArgs),
    /// Print the manual page of nmc, or of one of its commands: nmc man tenant onboard | man -l -
    Man(ManArgs),
}
