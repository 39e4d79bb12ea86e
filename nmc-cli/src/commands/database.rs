//! `nmc database dump`, `restore` and `move`.

use crate::database::{Database, pg_bin};
use crate::error::{CliError, CliResult};
use crate::options::{DatabaseArgs, Format, FormatArg};
use crate::output::Columns;
use clap::Subcommand;
use nmc_core::Secret;
use nmc_core::store::Migrator;
use nmc_core::store::transfer::{self, RowCounts, TransferProgress};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[derive(Subcommand)]
pub(crate) enum DatabaseCommand {
    /// Write the whole database into a file, which is read again and counted before it gets its name
    Dump {
        /// The file to write, for its owner alone
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Replace a file of that name
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Read a dump into an empty database: all of it or nothing
    Restore {
        /// The file that nmc database dump wrote
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Copy the data of nmc's own server into an empty database elsewhere; the source stays as it is
    Move {
        /// The empty database; its login must own it
        #[arg(long, env = "NMC_TO_DATABASE_URL", hide_env_values = true, value_name = "URL")]
        to: Secret,
        #[command(flatten)]
        format: FormatArg,
    },
}

const COLUMNS: Columns<(String, u64)> = Columns(&[("table", |(table, _)| json!(table)), ("rows", |(_, rows)| json!(rows))]);

pub(crate) fn run(args: &DatabaseArgs, command: DatabaseCommand) -> CliResult {
    match command {
        DatabaseCommand::Dump { file, force, format } => dump(args, &file, force, format.format),
        DatabaseCommand::Restore { file, format } => restore(args, &file, format.format),
        DatabaseCommand::Move { to, format } => copy(args, &to, format.format),
    }
}

fn dump(args: &DatabaseArgs, file: &Path, force: bool, format: Format) -> CliResult {
    let database = Database::open(args)?;
    let rows = transfer::dump(&database.backup_url(), file, force, pg_bin().as_deref(), &mut told("dumping"))?;
    eprintln!("{} holds the database", file.display());
    beside(&database.place()?);
    print(format, &rows)?;
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn restore(args: &DatabaseArgs, file: &Path, format: Format) -> CliResult {
    let database = Database::open(args)?;
    let rows = transfer::restore(&database.owner_url(), file, pg_bin().as_deref(), &mut told("restoring"))?;
    tell_state(&database.migrator())?;
    print(format, &rows)?;
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn copy(args: &DatabaseArgs, to: &Secret, format: Format) -> CliResult {
    if args.database_url.is_some() {
        return Err(CliError::Usage(
            "move takes the data of nmc's own server, and DATABASE_URL names another one: use nmc database dump and restore"
                .to_owned(),
        ));
    }
    let database = Database::open(args)?;
    if database.is_shared() {
        return Err(CliError::Usage(
            "another nmc is using the database, and what it writes meanwhile would stay behind: stop it first".to_owned(),
        ));
    }
    let rows = transfer::copy(&database.backup_url(), to, pg_bin().as_deref(), &mut told("moving"))?;
    tell_state(&Migrator::new(to.clone()).in_schema(args.database_schema.clone()))?;
    let place = database.place()?;
    eprintln!("the data in {} was left as it is", place.display());
    eprintln!("from now on, set DATABASE_URL to the new database, and no NMC_DATA_DIR");
    eprintln!("files stay where they are: set NMC_UPLOADS={0}/uploads and NMC_TOKEN_KEYS={0}/token-keys", place.display());
    print(format, &rows)?;
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn print(format: Format, rows: &RowCounts) -> CliResult<()> {
    let items: Vec<_> = rows.iter().map(|(table, rows)| (table.clone(), *rows)).collect();
    COLUMNS.all(format, &items)
}

/// Tells of what is not in the database and belongs into the backup, too.
fn beside(place: &Path) {
    eprintln!(
        "not in it: photos and pictures of texts (NMC_UPLOADS, or {0}/uploads) and the keys of access tokens (NMC_TOKEN_KEYS, or \
         {0}/token-keys)",
        place.display()
    );
}

/// Whether the restored database is the one this program works with.
fn tell_state(migrator: &Migrator) -> CliResult<()> {
    let status = migrator.status()?;
    if let Some(version) = status.unknown.first() {
        eprintln!("it has migration {version}, which this nmc does not know; use a newer nmc");
        return Ok(());
    }
    match status.pending().count() {
        0 => match migrator.verify()?.len() {
            0 => eprintln!("its schema is the expected one"),
            count => eprintln!("its schema differs from the expected one in {count} places: nmc migrate verify names them"),
        },
        pending => eprintln!("it lacks {pending} migrations; run: nmc migrate run"),
    }
    Ok(())
}

/// Tells how far it is: each step, and the bytes every few seconds.
fn told(what: &'static str) -> impl FnMut(TransferProgress) {
    const APART: Duration = Duration::from_secs(3);
    let mut last = Instant::now();
    move |progress| match progress {
        TransferProgress::Counting => eprintln!("counting rows …"),
        TransferProgress::Moved(bytes) if last.elapsed() >= APART => {
            last = Instant::now();
            eprintln!("{what}: {} MiB …", bytes >> 20);
        }
        TransferProgress::Checking => eprintln!("reading it again, and counting rows …"),
        _ => {}
    }
}
