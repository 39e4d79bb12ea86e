//! `nmc analytics`: figures of a business, the rows behind them, and what they should come to.

use super::analytics_explain::{self, ExplainArgs};
use super::analytics_rebuild::{self, RebuildArgs};
use super::analytics_show::{self, ShowArgs};
use super::analytics_target::{self, TargetCommand};
use super::analytics_tell::{self, TellArgs};
use crate::database::Database;
use crate::error::CliResult;
use crate::options::DatabaseArgs;
use clap::Subcommand;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum AnalyticsCommand {
    /// Show the key figures of the last days beside those of the days before, and when it was busiest
    Show(ShowArgs),
    /// List the rows behind a figure, with their total
    Explain(ExplainArgs),
    /// Have all figures of a business computed anew
    Rebuild(RebuildArgs),
    /// Tell what became of a call: a conversion, revenue, a rating
    Tell(TellArgs),
    /// What key figures should come to
    #[command(subcommand)]
    Target(TargetCommand),
}

pub(crate) fn run(args: &DatabaseArgs, command: &AnalyticsCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        AnalyticsCommand::Show(args) => analytics_show::run(&store, args),
        AnalyticsCommand::Explain(args) => analytics_explain::run(&store, args),
        AnalyticsCommand::Rebuild(args) => analytics_rebuild::run(&store, args),
        AnalyticsCommand::Tell(args) => analytics_tell::run(&store, args),
        AnalyticsCommand::Target(command) => analytics_target::run(&store, command),
    }?;
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}
