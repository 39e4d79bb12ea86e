//! `nmc message`.

use super::message_list::{self, ListArgs};
use super::message_search::{self, SearchArgs};
use super::message_show::{self, ShowArgs};
use crate::database::Database;
use crate::error::CliResult;
use crate::options::DatabaseArgs;
use clap::Subcommand;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum MessageCommand {
    /// List the texts of a business, newest first
    List(ListArgs),
    /// Search the texts of a business for words, newest first; greetings are left out
    Search(SearchArgs),
    /// Show a text, its pictures, and what became of it
    Show(ShowArgs),
}

pub(crate) fn run(args: &DatabaseArgs, command: &MessageCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        MessageCommand::List(args) => message_list::run(&store, args)?,
        MessageCommand::Search(args) => message_search::run(&store, args)?,
        MessageCommand::Show(args) => message_show::run(&store, args)?,
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
