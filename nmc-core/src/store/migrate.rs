//! The migrations of this library: embedded, guarded against two runners at once, readable before they run.

mod history;
mod list;
mod objects;
mod runner;
mod texts;

use super::{Difference, SchemaName, verify};
use crate::{Confirmed, Error, Secret};
use list::MIGRATIONS;
pub(super) use runner::in_words;
use runner::{Runner, Way};
use std::time::Duration;

/// One migration: its SQL both ways.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The folder's name, which begins with the version.
    pub name: &'static str,
    /// The SQL that applies the migration.
    pub up: &'static str,
    /// The SQL that takes the migration back.
    pub down: &'static str,
}

/// The statement of the first migration that makes the roles, which belong to the server and not to a database.
pub(super) fn roles() -> &'static str {
    let first = MIGRATIONS.first().map_or("", |migration| migration.up);
    first.split_inclusive("\n$$;").next().unwrap_or_default()
}

/// A migration whose up.sql begins with this line runs outside a transaction; it must then hold one statement.
const NO_TRANSACTION: &str = "-- transaction: none\n";

/// How long things that are in the way may take.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Another runner.
    runner: Duration,
    /// A table in use: long enough for a short transaction to end, short enough not to queue the traffic behind a waiting
    /// ALTER TABLE.
    table: Duration,
}

const PATIENCE: Patience = Patience { runner: Duration::from_secs(60), table: Duration::from_secs(5) };

impl Migration {
    /// The version: the name's digits, as Diesel's own tools write them.
    #[must_use]
    pub fn version(&self) -> String {
        self.name.split('_').next().unwrap_or_default().replace('-', "")
    }

    /// The rest of the name, which says what it does.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.name.split_once('_').map_or(self.name, |(_, title)| title)
    }

    fn is_transactional(&self) -> bool {
        !self.up.starts_with(NO_TRANSACTION)
    }
}

impl std::fmt::Display for Migration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// The reason why migrations did not run. Unlike [`Error`] it speaks to an operator, and names what the server said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database can't be reached, or its answer was no answer.
    #[error("{reason}")]
    Database {
        /// The words of the server or the network.
        reason: String,
    },
    /// The login may not read the list of migrations.
    #[error(
        "the login {login} may not read the list of migrations: have an administrator run GRANT nmc_gate TO \"{login}\"; or, if the \
         database was last migrated by an older nmc or by Diesel, run the migrations once with the login that owns it"
    )]
    MayNotRead {
        /// The login that may not read.
        login: String,
    },
    /// The address of the database is no address.
    #[error("{reason}")]
    Address {
        /// The form that the address should have.
        reason: String,
    },
    /// Another runner holds the lock.
    #[error("another migration runner has been at work for a minute; try again when it has finished")]
    Locked,
    /// The database is ahead of this program.
    #[error("the database has migration {version}, which this program does not know; use a program that is at least as new")]
    Unknown {
        /// The version that a newer nmc has left.
        version: String,
    },
    /// Names that nmc needs are taken.
    #[error(
        "nmc needs names that something else has in the schema {schema}: {}. Nothing was changed: give nmc a database of its own, or \
         rename those",
        objects.join(", ")
    )]
    InTheWay {
        /// The schema where they are.
        schema: String,
        /// The objects in the way, such as `table messages`.
        objects: Vec<String>,
    },
    /// A migration failed. If it is transactional, nothing of it remains.
    #[error("migration {name} failed: {reason}")]
    Failed {
        /// The name of the migration.
        name: &'static str,
        /// The words of the server.
        reason: String,
    },
}

impl From<diesel::result::Error> for MigrateError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database { reason: error.to_string() }
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Database { .. } | MigrateError::MayNotRead { .. } | MigrateError::Locked => {
                Self::unavailable("the database can't be migrated now", error)
            }
            _ => Self::internal(error),
        }
    }
}

/// The state of a database's schema.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct MigrationStatus {
    /// Every migration of this program, oldest first, and whether the database has it.
    pub known: Vec<(Migration, bool)>,
    /// Migrations that the database has from another SQL than this program's.
    pub altered: Vec<Migration>,
    /// Versions that a newer nmc has left: this program does not know them.
    pub unknown: Vec<String>,
}

impl MigrationStatus {
    /// The migrations still to run.
    pub fn pending(&self) -> impl Iterator<Item = Migration> + '_ {
        self.known.iter().filter(|(_, applied)| !applied).map(|(migration, _)| *migration)
    }

    /// The migrations that have run, newest first.
    pub fn applied(&self) -> impl Iterator<Item = Migration> + '_ {
        self.known.iter().rev().filter(|(_, applied)| *applied).map(|(migration, _)| *migration)
    }
}

/// The runner of migrations, on connections of its own. It leaves no setting and no lock behind on them, so that it also works
/// through a pooler in transaction mode.
#[derive(Debug, Clone)]
pub struct Migrator {
    url: Secret,
    schema: SchemaName,
    migrations: &'static [Migration],
    patience: Patience,
    left_alone: Vec<String>,
}

impl Migrator {
    /// A migrator for the database at `url`, in the schema `public`.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self { url, schema: SchemaName::default(), migrations: MIGRATIONS, patience: PATIENCE, left_alone: Vec::new() }
    }

    /// The same migrator in this schema, which is made if it is not there.
    #[must_use]
    pub fn in_schema(self, schema: SchemaName) -> Self {
        Self { schema, ..self }
    }

    /// The same migrator, told of what the embedding application has put on the library's own tables, so that [`Self::verify`]
    /// leaves it alone: an index, a trigger, a column … as `verify` names it (`calls.acme_calls_price_idx`), or a role of which
    /// it tells a grant (`acme_reports`). The application's own tables need not be named.
    #[must_use]
    pub fn leaving_alone(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.left_alone.extend(names.into_iter().map(Into::into));
        self
    }

    /// Every migration of this program, oldest first.
    #[cfg(test)]
    pub(super) const fn all() -> &'static [Migration] {
        MIGRATIONS
    }

    /// A migrator with migrations of a test's own, waiting no longer than `patience` for anything.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with(url: Secret, migrations: &'static [Migration], patience: Duration) -> Self {
        let patience = Patience { runner: patience, table: patience };
        Self { url, schema: SchemaName::default(), migrations, patience, left_alone: Vec::new() }
    }

    /// The state of the database's schema. Changes nothing, and needs no more than membership in `nmc_gate`.
    ///
    /// # Errors
    /// [`MigrateError::Database`].
    pub fn status(&self) -> Result<MigrationStatus, MigrateError> {
        self.runner()?.status()
    }

    /// Applies what is pending, oldest first, and tells `done` of each. Returns how many.
    ///
    /// # Errors
    /// [`MigrateError`]; what was applied before the failure stays.
    pub fn run(&self, mut done: impl FnMut(&Migration)) -> Result<usize, MigrateError> {
        let mut runner = self.runner()?;
        let mut count = 0;
        while let Some(migration) = runner.step(Way::Up, |status| status.pending().next())? {
            done(&migration);
            count += 1;
        }
        Ok(count)
    }

    /// Takes back the newest `count` migrations, newest first, and tells `done` of each. Returns how many.
    ///
    /// # Errors
    /// [`MigrateError`]; what was taken back before the failure stays so.
    pub fn revert(&self, count: usize, _: Confirmed, done: impl FnMut(&Migration)) -> Result<usize, MigrateError> {
        Ok(take_back(&mut self.runner()?, count, done)?.len())
    }

    /// Takes back the newest `count` migrations and applies them again. Returns how many.
    ///
    /// # Errors
    /// [`MigrateError`]; what was taken back before the failure stays so.
    pub fn redo(&self, count: usize, _: Confirmed, mut done: impl FnMut(&Migration)) -> Result<usize, MigrateError> {
        let mut runner = self.runner()?;
        let taken_back = take_back(&mut runner, count, |_| {})?;
        for migration in taken_back.iter().rev() {
            let is_next = |next: &Migration| next.name == migration.name;
            if runner.step(Way::Up, |status| status.pending().next().filter(is_next))?.is_some() {
                done(migration);
            }
        }
        Ok(taken_back.len())
    }

    /// Compares the live schema with the one this program expects, and names every difference. Tables that are not the
    /// library's are no difference, nor is what [`Self::leaving_alone`] names.
    ///
    /// # Errors
    /// [`MigrateError::Database`].
    pub fn verify(&self) -> Result<Vec<Difference>, MigrateError> {
        let mut runner = self.runner()?;
        let altered = runner.status()?.altered;
        let mut differences = runner.read(|conn| verify::differences(conn, &self.schema))?;
        differences.retain(|difference| !difference.is_about(&self.left_alone));
        differences.extend(altered.iter().map(|migration| Difference::Altered(migration.name.to_owned())));
        Ok(differences)
    }

    /// The live schema as `verify` sees it, a line each: what `migrations/expected_schema.txt` holds.
    ///
    /// # Errors
    /// [`MigrateError::Database`].
    pub fn describe(&self) -> Result<Vec<String>, MigrateError> {
        self.runner()?.read(|conn| verify::describe(conn, &self.schema))
    }

    fn runner(&self) -> Result<Runner<'_>, MigrateError> {
        Runner::open(&self.url, &self.schema, self.migrations, self.patience)
    }
}

/// The newest `count` of now, and none that another runner applies meanwhile.
fn take_back(runner: &mut Runner<'_>, count: usize, mut done: impl FnMut(&Migration)) -> Result<Vec<Migration>, MigrateError> {
    let newest: Vec<Migration> = runner.status()?.applied().take(count).collect();
    let mut taken_back = Vec::new();
    for migration in newest {
        let is_newest = |applied: &Migration| applied.name == migration.name;
        if runner.step(Way::Down, |status| status.applied().next().filter(is_newest))?.is_none() {
            break;
        }
        done(&migration);
        taken_back.push(migration);
    }
    Ok(taken_back)
}
