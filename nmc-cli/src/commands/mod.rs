//! One file per command.

mod apikey;
mod call;
mod completions;
mod consent;
mod conversation;
mod database;
mod man;
mod migrate;
mod number;
mod onboard;
mod onboarding;
mod openapi;
mod queue;
mod serve;
mod session;
mod tenant;
mod tenant_settings;
mod tenant_status;
mod token_key;
mod up;
mod user;
mod worker;

use crate::cli::{Cli, Command, TenantCommand};
use crate::error::CliResult;

pub(crate) fn run(cli: Cli) -> CliResult {
    let database = &cli.database;
    match cli.command {
        Command::Up(args) => up::run(database, &args),
        Command::Serve(args) => serve::run(database, args),
        Command::Worker(args) => worker::run(database, &args),
        Command::Migrate(command) => migrate::run(database, &command),
        Command::Database(command) => database::run(database, command),
        Command::Tenant(TenantCommand::Onboard(args)) => onboard::run(database, *args),
        Command::Tenant(TenantCommand::Known(command)) => tenant::run(database, command),
        Command::User(command) => user::run(database, command),
        Command::Session(command) => session::run(database, command),
        Command::ApiKey(command) => apikey::run(database, command),
        Command::Number(command) => number::run(database, command),
        Command::Call(command) => call::run(database, command),
        Command::Consent(command) => consent::run(database, command),
        Command::Conversation(command) => conversation::run(database, command),
        Command::Queue(args) => queue::run(database, &args),
        Command::TokenKey(command) => token_key::run(database, &command),
        Command::Openapi => openapi::run(),
        Command::Completions { shell } => completions::run(shell),
        Command::Man(args) => man::run(&args),
    }
}
