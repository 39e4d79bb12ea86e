//! The migrations of this library: embedded, guarded against two runners at once, readable before they run.

use super::pool::{self, ConnectError};
use super::{Difference, verify};
use crate::{Confirmed, Error, Secret};
use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration as DieselMigration, MigrationMetadata, MigrationName, MigrationVersion};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel_migrations::MigrationHarness as _;
use std::time::{Duration, Instant};

/// One migration: its SQL both ways.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The folder's name, which begins with the version.
    pub name: &'static str,
    /// The SQL that applies it.
    pub up: &'static str,
    /// The SQL that takes it back.
    pub down: &'static str,
}

macro_rules! migrations {
    ($($name:literal),* $(,)?) => {
        &[$(Migration {
            name: $name,
            up: include_str!(concat!("../../../migrations/", $name, "/up.sql")),
            down: include_str!(concat!("../../../migrations/", $name, "/down.sql")),
        }),*]
    };
}

/// Oldest first. A test compares this list with the folder.
const MIGRATIONS: &[Migration] = migrations![
    "2026-11-22-000001_create_roles_and_functions",
    "2026-11-22-000002_create_identity",
    "2026-11-22-000003_create_settings_and_numbers",
    "2026-11-22-000004_create_calls_and_conversations",
    "2026-11-22-000005_create_analytics",
    "2026-11-22-000006_create_alerts",
    "2026-11-22-000007_turn_metrics_index",
    "2026-11-22-000008_widen_called_phone",
    "2026-11-22-000009_add_credentials",
    "2026-11-25-000010_provision_numbers",
    "2026-11-28-000011_extend_telephony",
    "2026-11-28-000013_approve_businesses",
];

/// The statement of the first migration that makes the roles, which belong to the server and not to a database.
pub(super) fn roles() -> &'static str {
    let first = MIGRATIONS.first().map_or("", |migration| migration.up);
    first.split_inclusive("\n$$;").next().unwrap_or_default()
}

/// A migration whose up.sql begins with this line runs outside a transaction; it must then hold one statement.
const NO_TRANSACTION: &str = "-- transaction: none\n";

/// The advisory lock of migration runners: "nmc migr" in ASCII.
const LOCK: i64 = 0x6e6d_6320_6d69_6772;

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
}

impl MigrationName for Migration {
    fn version(&self) -> MigrationVersion<'_> {
        MigrationVersion::from(Self::version(self))
    }
}

impl std::fmt::Display for Migration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl MigrationMetadata for Migration {
    fn run_in_transaction(&self) -> bool {
        !self.up.starts_with(NO_TRANSACTION)
    }
}

impl DieselMigration<Pg> for Migration {
    fn run(&self, conn: &mut dyn diesel::connection::BoxableConnection<Pg>) -> diesel::migration::Result<()> {
        Ok(conn.batch_execute(self.up)?)
    }

    fn revert(&self, conn: &mut dyn diesel::connection::BoxableConnection<Pg>) -> diesel::migration::Result<()> {
        Ok(conn.batch_execute(self.down)?)
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self
    }
}

/// Why migrations did not run. Unlike [`Error`] it speaks to an operator, and names what the server said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The database can't be reached, or its answer was no answer.
    #[error("{reason}")]
    Database {
        /// What the server or the network said.
        reason: String,
    },
    /// The address of the database is no address.
    #[error("{reason}")]
    Address {
        /// What it should be.
        reason: String,
    },
    /// Another runner holds the lock.
    #[error("another migration runner has been at work for a minute; try again when it has finished")]
    Locked,
    /// The database is ahead of this program.
    #[error("the database has migration {version}, which this program does not know; use a program that is at least as new")]
    Unknown {
        /// The version that is not ours.
        version: String,
    },
    /// A migration failed. If it is transactional, nothing of it remains.
    #[error("migration {name} failed: {reason}")]
    Failed {
        /// The migration.
        name: &'static str,
        /// What the server said.
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
            MigrateError::Database { .. } | MigrateError::Locked => {
                Self::unavailable("the database can't be migrated now", error)
            }
            _ => Self::internal(error),
        }
    }
}

/// Where a database stands.
#[derive(Debug, Clone)]
pub struct MigrationStatus {
    /// Every migration of this program, oldest first, and whether the database has it.
    pub known: Vec<(Migration, bool)>,
    /// Versions the database has and this program does not.
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

/// Runs migrations on a connection of its own.
#[derive(Debug, Clone)]
pub struct Migrator {
    url: Secret,
    migrations: &'static [Migration],
    patience: Patience,
}

impl Migrator {
    /// For the database at `url`.
    #[must_use]
    pub const fn new(url: Secret) -> Self {
        Self { url, migrations: MIGRATIONS, patience: PATIENCE }
    }

    /// With migrations of a test's own, waiting no longer than `patience` for anything.
    #[cfg(feature = "testing")]
    #[must_use]
    pub const fn with(url: Secret, migrations: &'static [Migration], patience: Duration) -> Self {
        Self { url, migrations, patience: Patience { runner: patience, table: patience } }
    }

    /// Where the database stands. Changes nothing.
    ///
    /// # Errors
    /// [`MigrateError::Database`].
    pub fn status(&self) -> Result<MigrationStatus, MigrateError> {
        self.read_status(&mut self.open()?)
    }

    /// Applies what is pending, oldest first, and tells `done` of each. Returns how many.
    ///
    /// # Errors
    /// [`MigrateError`]; what was applied before the failure stays.
    pub fn run(&self, mut done: impl FnMut(&Migration)) -> Result<usize, MigrateError> {
        self.guarded(|conn| {
            let pending: Vec<Migration> = self.checked_status(conn)?.pending().collect();
            for migration in &pending {
                apply(conn, migration, Way::Up)?;
                done(migration);
            }
            Ok(pending.len())
        })
    }

    /// Takes back the newest `count` migrations, newest first, and tells `done` of each. Returns how many.
    ///
    /// # Errors
    /// [`MigrateError`]; what was taken back before the failure stays so.
    pub fn revert(&self, count: usize, _: Confirmed, mut done: impl FnMut(&Migration)) -> Result<usize, MigrateError> {
        self.guarded(|conn| {
            let newest: Vec<Migration> = self.checked_status(conn)?.applied().take(count).collect();
            for migration in &newest {
                apply(conn, migration, Way::Down)?;
                done(migration);
            }
            Ok(newest.len())
        })
    }

    /// Takes back the newest `count` migrations and applies them again, under one lock. Returns how many.
    ///
    /// # Errors
    /// [`MigrateError`].
    pub fn redo(&self, count: usize, _: Confirmed, mut done: impl FnMut(&Migration)) -> Result<usize, MigrateError> {
        self.guarded(|conn| {
            let newest: Vec<Migration> = self.checked_status(conn)?.applied().take(count).collect();
            for migration in &newest {
                apply(conn, migration, Way::Down)?;
            }
            for migration in newest.iter().rev() {
                apply(conn, migration, Way::Up)?;
                done(migration);
            }
            Ok(newest.len())
        })
    }

    /// Compares the live schema with the one this program expects, and names every difference.
    ///
    /// # Errors
    /// [`MigrateError::Database`].
    pub fn verify(&self) -> Result<Vec<Difference>, MigrateError> {
        Ok(verify::differences(&mut self.open()?)?)
    }

    /// The live schema as `verify` sees it, a line each: what `migrations/expected_schema.txt` holds.
    ///
    /// # Errors
    /// [`MigrateError::Database`].
    pub fn describe(&self) -> Result<Vec<String>, MigrateError> {
        Ok(verify::describe(&mut self.open()?)?)
    }

    fn open(&self) -> Result<PgConnection, MigrateError> {
        let mut conn = pool::open(self.url.expose()).map_err(|error| match error {
            ConnectError::Address => MigrateError::Address { reason: error.to_string() },
            ConnectError::Failed(words) => MigrateError::Database { reason: format!("the database can't be reached: {words}") },
        })?;
        conn.batch_execute("SET application_name = 'nmc migrate'; SET client_min_messages = warning")?;
        Ok(conn)
    }

    /// Diesel's reading of the applied versions creates its table; asking for the status of an empty database must not.
    fn read_status(&self, conn: &mut PgConnection) -> Result<MigrationStatus, MigrateError> {
        let table: Option<String> = diesel::select(diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>(
            "to_regclass('public.__diesel_schema_migrations')::text",
        ))
        .get_result(conn)?;
        let mut applied: Vec<String> = match table {
            None => Vec::new(),
            Some(_) => conn
                .applied_migrations()
                .map_err(|error| MigrateError::Database { reason: error.to_string() })?
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        let known = self
            .migrations
            .iter()
            .map(|migration| {
                let before = applied.len();
                applied.retain(|version| *version != migration.version());
                (*migration, applied.len() < before)
            })
            .collect();
        applied.sort();
        Ok(MigrationStatus { known, unknown: applied })
    }

    fn checked_status(&self, conn: &mut PgConnection) -> Result<MigrationStatus, MigrateError> {
        let status = self.read_status(conn)?;
        match status.unknown.first() {
            Some(version) => Err(MigrateError::Unknown { version: version.clone() }),
            None => Ok(status),
        }
    }

    /// Holds the runners' lock around `work`. It is polled for: a runner that blocks on it would hold a snapshot that
    /// CREATE INDEX CONCURRENTLY waits for. It goes with the connection, so a killed runner leaves nothing behind.
    fn guarded<T>(&self, work: impl FnOnce(&mut PgConnection) -> Result<T, MigrateError>) -> Result<T, MigrateError> {
        let mut conn = self.open()?;
        let deadline = Instant::now() + self.patience.runner;
        while !try_lock(&mut conn)? {
            if Instant::now() >= deadline {
                return Err(MigrateError::Locked);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        conn.batch_execute(&format!("SET lock_timeout = {}", self.patience.table.as_millis()))?;
        conn.setup_migrations()?;
        work(&mut conn)
    }
}

trait SetupMigrations {
    fn setup_migrations(&mut self) -> Result<(), MigrateError>;
}

impl SetupMigrations for PgConnection {
    fn setup_migrations(&mut self) -> Result<(), MigrateError> {
        diesel::migration::MigrationConnection::setup(self)?;
        Ok(())
    }
}

fn try_lock(conn: &mut PgConnection) -> QueryResult<bool> {
    diesel::select(
        diesel::dsl::sql::<diesel::sql_types::Bool>("pg_try_advisory_lock(").bind::<diesel::sql_types::BigInt, _>(LOCK).sql(")"),
    )
    .get_result(conn)
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

fn apply(conn: &mut PgConnection, migration: &Migration, way: Way) -> Result<(), MigrateError> {
    let result = match way {
        Way::Up => conn.run_migration(migration).map(drop),
        Way::Down => conn.revert_migration(migration).map(drop),
    };
    result.map_err(|error| MigrateError::Failed { name: migration.name, reason: root_cause(&*error) })
}

/// What the server said, with its hint: that is where a migration says what an administrator has to do.
pub(super) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    if let Some(source) = error.source() {
        return root_cause(source);
    }
    let hint = match error.downcast_ref() {
        Some(diesel::result::Error::DatabaseError(_, info)) => info.hint(),
        _ => None,
    };
    hint.map_or_else(|| error.to_string(), |hint| format!("{error}. {hint}"))
}
