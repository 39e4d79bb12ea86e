//! `nmc migrate`.

use crate::confirm::confirmed;
use crate::database::Database;
use crate::error::CliResult;
use crate::options::{DatabaseArgs, Format, FormatArg};
use crate::output::Columns;
use clap::{Args, Subcommand};
use nmc_core::Confirmed;
use nmc_core::store::Migration;
use serde_json::Value;
use std::io::Write as _;
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum MigrateCommand {
    /// Which migrations the database has
    Status(FormatArg),
    /// Apply what is pending
    Run {
        /// Print the SQL instead of running it
        #[arg(long)]
        dry_run: bool,
    },
    /// Take back the newest migrations: this deletes their tables and data
    Revert(BackArgs),
    /// Take back the newest migrations and apply them again: this deletes their data
    Redo(BackArgs),
    /// Compare the live schema with the expected one; every difference is named
    Verify {
        /// Leave alone what another application has put on our tables: an object as it is named here
        /// (calls.acme_calls_price_idx), or a role that was granted something; may be given several times
        #[arg(long, value_name = "NAME")]
        leave: Vec<String>,
    },
}

/// Which migrations to take back, and how.
#[derive(Args)]
pub(crate) struct BackArgs {
    /// How many
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) count: u16,
    /// Print the SQL instead of running it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Don't ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

const COLUMNS: Columns<(String, String, &'static str)> = Columns(&[
    ("version", |(version, _, _)| Value::from(version.as_str())),
    ("name", |(_, name, _)| Value::from(name.as_str())),
    ("state", |(_, _, state)| Value::from(*state)),
]);

pub(crate) fn run(args: &DatabaseArgs, command: &MigrateCommand) -> CliResult {
    let database = Database::open(args)?;
    let code = match *command {
        MigrateCommand::Status(format) => status(&database, format.format),
        MigrateCommand::Run { dry_run: true } => {
            let pending: Vec<Migration> = database.migrator().status()?.pending().collect();
            print_sql(pending.iter().map(|migration| (migration.name, migration.up)))
        }
        MigrateCommand::Run { dry_run: false } => {
            let count = database.migrator().run(|migration| eprintln!("applied {}", migration.name))?;
            if count == 0 {
                eprintln!("nothing to do: the database is up to date");
            }
            Ok(ExitCode::SUCCESS)
        }
        MigrateCommand::Revert(BackArgs { count, dry_run, yes }) => {
            let newest = newest(&database, count)?;
            if dry_run {
                print_sql(newest.iter().map(|migration| (migration.name, migration.down)))
            } else {
                let confirmed = confirmed(yes || newest.is_empty(), &warning(&newest))?;
                revert(&database, newest.len(), confirmed)
            }
        }
        MigrateCommand::Redo(BackArgs { count, dry_run, yes }) => {
            let newest = newest(&database, count)?;
            if dry_run {
                let down = newest.iter().map(|migration| (migration.name, migration.down));
                let up = newest.iter().rev().map(|migration| (migration.name, migration.up));
                print_sql(down.chain(up))
            } else {
                let confirmed = confirmed(yes || newest.is_empty(), &warning(&newest))?;
                redo(&database, newest.len(), confirmed)
            }
        }
        MigrateCommand::Verify { ref leave } => verify(&database, leave),
    }?;
    database.close()?;
    Ok(code)
}

fn newest(database: &Database, count: u16) -> CliResult<Vec<Migration>> {
    Ok(database.migrator().status()?.applied().take(usize::from(count)).collect())
}

fn warning(migrations: &[Migration]) -> String {
    let names: Vec<&str> = migrations.iter().map(|migration| migration.name).collect();
    format!("This takes back {}: the tables they made go, with all their data", names.join(", "))
}

fn status(database: &Database, format: Format) -> CliResult {
    let status = database.migrator().status()?;
    let known = status.known.iter().map(|(migration, applied)| {
        let is_altered = status.altered.iter().any(|altered| altered.name == migration.name);
        let state = match (applied, is_altered) {
            (true, true) => "altered",
            (true, false) => "applied",
            (false, _) => "pending",
        };
        (migration.version(), migration.title().to_owned(), state)
    });
    let unknown = status.unknown.iter().map(|version| (version.clone(), String::new(), "unknown to this nmc"));
    COLUMNS.all(format, &known.chain(unknown).collect::<Vec<_>>())?;
    for migration in &status.altered {
        eprintln!("{} was applied from another SQL than this nmc has", migration.name);
    }
    Ok(ExitCode::SUCCESS)
}

fn revert(database: &Database, count: usize, confirmed: Confirmed) -> CliResult {
    let done = database.migrator().revert(count, confirmed, |migration| eprintln!("took back {}", migration.name))?;
    if done == 0 {
        eprintln!("nothing to do: no migration is applied");
    }
    Ok(ExitCode::SUCCESS)
}

fn redo(database: &Database, count: usize, confirmed: Confirmed) -> CliResult {
    let done = database.migrator().redo(count, confirmed, |migration| eprintln!("applied {} again", migration.name))?;
    if done == 0 {
        eprintln!("nothing to do: no migration is applied");
    }
    Ok(ExitCode::SUCCESS)
}

/// Exit code 1 when there are differences, so that a script notices.
fn verify(database: &Database, leave: &[String]) -> CliResult {
    let differences = database.migrator().leaving_alone(leave).verify()?;
    if differences.is_empty() {
        eprintln!("the schema is as expected");
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = std::io::stdout().lock();
    for difference in &differences {
        writeln!(out, "{difference}")?;
    }
    eprintln!("{} differences from the expected schema", differences.len());
    Ok(ExitCode::from(1))
}

fn print_sql<'m>(parts: impl Iterator<Item = (&'m str, &'m str)>) -> CliResult {
    let mut out = std::io::stdout().lock();
    for (name, sql) in parts {
        writeln!(out, "-- {name}\n{sql}")?;
    }
    Ok(ExitCode::SUCCESS)
}
