//! One file per command.

mod call;
mod conversation;
mod migrate;
mod number;
mod serve;
mod tenant;
mod up;
mod worker;

use crate::cli::{Cli, Command};
use crate::error::CliResult;

pub(crate) fn run(cli: Cli) -> CliResult {
    let database = &cli.database;
    match cli.command {
        Command::Up(args) => up::run(database, &args),
        Command::Serve(args) => serve::run(database, args),
        Command::Worker(args) => worker::run(database, &args),
        Command::Migrate(command) => migrate::run(database, &command),
        Command::Tenant(command) => tenant::run(database, command),
        Command::Number(command) => number::run(database, command),
        Command::Call(command) => call::run(database, command),
        Command::Conversation(command) => conversation::run(database, command),
    }
}
