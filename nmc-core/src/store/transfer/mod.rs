//! A database as a whole, from one server to a file, to another server and back: thin over `pg_dump` and `pg_restore`, with what they
//! leave out: the roles are made first, nothing half-done is left, and every row is counted on both sides.

mod archive;
mod draft;
mod dump;
mod programs;
mod restore;
mod run;
mod server;

pub use dump::dump;
pub use restore::{copy, restore};

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The number of rows in each table, by its name with the schema.
pub type RowCounts = BTreeMap<String, u64>;

/// How far a transfer has come: for somebody who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferProgress {
    /// The rows of the source are counted.
    Counting,
    /// So many bytes, compressed, have been read from the source or the file.
    Moved(u64),
    /// What was written is read again and counted.
    Checking,
}

/// The reason why a database could not be dumped or restored. Unlike [`crate::Error`] it speaks to an operator, and names what
/// the programs said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// The address is no address.
    #[error(transparent)]
    Address(#[from] super::AddressError),
    /// A database can't be reached, or refused a statement.
    #[error("{0}")]
    Database(String),
    /// The login sees no rows, or not all.
    #[error(
        "the login {login} can't make a dump: row-level security hides the rows from it. Use one that it does not bind; an administrator \
         makes it by: CREATE ROLE nmc_backup LOGIN PASSWORD '…' BYPASSRLS IN ROLE pg_read_all_data"
    )]
    BoundByRowSecurity {
        /// The login that sees too little.
        login: String,
    },
    /// The login does not own the database it is to restore into.
    #[error("the login {login} must own the database it restores into: ALTER DATABASE {database} OWNER TO {login}")]
    NotOwner {
        /// The login that is no owner.
        login: String,
        /// The database, quoted where need be.
        database: String,
    },
    /// There is nothing to dump.
    #[error("the database holds nothing of nmc: it has no table tenants")]
    NothingThere,
    /// The database to restore into holds something.
    #[error("the database must be empty to restore into it, and holds {0}; name an empty one (CREATE DATABASE …)")]
    NotEmpty(String),
    /// Another restore is at work on the database.
    #[error("another restore is at work on this database")]
    Busy,
    /// The database to move to is older than the one to move from.
    #[error("the server to move to is PostgreSQL {to}, and the data is of PostgreSQL {from}: it must be at least as new")]
    Older {
        /// Major version of the data.
        from: u32,
        /// Major version of the server.
        to: u32,
    },
    /// The programs are not on this machine.
    #[error(
        "{program} of PostgreSQL {major} or newer was not found on the PATH or in the usual folders{}; install PostgreSQL's client \
         programs, or name their folder", found_list(.found)
    )]
    NoProgram {
        /// The name of the program.
        program: &'static str,
        /// The least major version that will do.
        major: u32,
        /// Major versions that are there.
        found: Vec<u32>,
    },
    /// A file could not be read or written.
    #[error("{} can't be {what}: {reason}", file.display())]
    File {
        /// The path of the file.
        file: PathBuf,
        /// The act that was to be done, as "written".
        what: &'static str,
        /// The words of the system.
        reason: String,
    },
    /// The file is there already.
    #[error("{} is there already; name another file", .0.display())]
    AlreadyThere(PathBuf),
    /// The file is no dump.
    #[error("{} is no dump that pg_restore reads, or is damaged: {reason}", file.display())]
    NoDump {
        /// The path of the file.
        file: PathBuf,
        /// The words of pg_restore.
        reason: String,
    },
    /// A program failed.
    #[error("{program} failed: {reason}")]
    Failed {
        /// The name of the program.
        program: &'static str,
        /// The words of the program.
        reason: String,
    },
    /// Nothing came from a program for a long time.
    #[error("{program} has given nothing for {minutes} minutes, and was ended")]
    Stalled {
        /// The name of the program.
        program: &'static str,
        /// The minutes without a word.
        minutes: u64,
    },
    /// Rows are missing, or too many.
    #[error("{table} has {found} rows where {expected} were expected: what was written must not be used")]
    Miscounted {
        /// The name of the table.
        table: String,
        /// Rows in the source.
        expected: u64,
        /// Rows in what was written.
        found: u64,
    },
}

fn found_list(found: &[u32]) -> String {
    let versions: Vec<String> = found.iter().map(u32::to_string).collect();
    if versions.is_empty() { String::new() } else { format!(" (found: {})", versions.join(", ")) }
}

/// The table that is not counted: who types is out of date in seconds, and a standby can't read what is UNLOGGED.
const SHORT_LIVED: &str = "typing_notices";

/// Compares what was written with what was there.
fn compare(expected: &RowCounts, found: &RowCounts) -> Result<(), TransferError> {
    let tables: std::collections::BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    for table in tables {
        let rows = |counts: &RowCounts| counts.get(table).copied().unwrap_or(0);
        if rows(expected) != rows(found) || expected.contains_key(table) != found.contains_key(table) {
            return Err(TransferError::Miscounted { table: table.clone(), expected: rows(expected), found: rows(found) });
        }
    }
    Ok(())
}
