//! One migration at a time, each in a transaction that holds the runners' lock.

use super::history::{self, History};
use super::texts::Texts;
use super::{MigrateError, Migration, MigrationStatus, Patience, objects};
use crate::Secret;
use crate::store::SchemaName;
use crate::store::pool::{self, ConnectError};
use diesel::connection::{AnsiTransactionManager, CacheSize, Connection as _, SimpleConnection as _, TransactionManager as _};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use std::time::{Duration, Instant};

/// The advisory lock of migration runners: "nmc migr" in ASCII.
const LOCK: i64 = 0x6e6d_6320_6d69_6772;

/// How often a runner asks whether another has finished.
const POLL: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// A connection that migrates. Every setting ends with its transaction and every statement is in one, since behind a pooler
/// in transaction mode each transaction may have another connection, which somebody else had before and gets afterwards.
pub(super) struct Runner<'m> {
    url: &'m Secret,
    migrations: &'m [Migration],
    schema: &'m SchemaName,
    patience: Patience,
    texts: Texts,
    conn: PgConnection,
}

impl<'m> Runner<'m> {
    pub(super) fn open(
        url: &'m Secret,
        schema: &'m SchemaName,
        migrations: &'m [Migration],
        patience: Patience,
    ) -> Result<Self, MigrateError> {
        Ok(Self { url, schema, migrations, patience, texts: Texts::default(), conn: open(url)? })
    }

    /// The state of the database's schema.
    pub(super) fn status(&mut self) -> Result<MigrationStatus, MigrateError> {
        let (migrations, schema) = (self.migrations, self.schema.as_str());
        let history = self.read(|conn| History::read(conn, schema, migrations))?;
        Ok(history.status(migrations, &mut self.texts))
    }

    /// A transaction that can only read.
    pub(super) fn read<T, E>(&mut self, look: impl FnOnce(&mut PgConnection) -> Result<T, E>) -> Result<T, MigrateError>
    where
        MigrateError: From<E>,
    {
        self.begin("READ ONLY")?;
        let seen = look(&mut self.conn);
        // There is nothing to commit, and what was seen counts more than how it ended.
        let ended = AnsiTransactionManager::rollback_transaction(&mut self.conn);
        let seen = seen?;
        ended?;
        Ok(seen)
    }

    /// Does the migration that `pick` picks from where the database stands, in a transaction under the lock. None: there
    /// was nothing to do.
    pub(super) fn step(
        &mut self,
        way: Way,
        pick: impl FnOnce(&MigrationStatus) -> Option<Migration>,
    ) -> Result<Option<Migration>, MigrateError> {
        self.begin_locked()?;
        match self.within(way, pick) {
            Ok(picked) => {
                let ended = AnsiTransactionManager::commit_transaction(&mut self.conn);
                match picked {
                    Some(migration) => ended.map_err(|error| failed(&migration, &error))?,
                    None => ended?,
                }
                Ok(picked)
            }
            Err(error) => {
                // The first error is the one to tell. If this one fails, too, the server does it when the connection ends.
                if let Err(again) = AnsiTransactionManager::rollback_transaction(&mut self.conn) {
                    tracing::debug!(error = %again, "a migration's transaction could not be rolled back");
                }
                Err(error)
            }
        }
    }

    fn within(
        &mut self,
        way: Way,
        pick: impl FnOnce(&MigrationStatus) -> Option<Migration>,
    ) -> Result<Option<Migration>, MigrateError> {
        let (conn, texts, schema) = (&mut self.conn, &mut self.texts, self.schema.as_str());
        let history = History::read(conn, schema, self.migrations)?;
        let status = history.status(self.migrations, texts);
        if let Some(version) = status.unknown.first() {
            return Err(MigrateError::Unknown { version: version.clone() });
        }
        let picked = pick(&status);
        if way == Way::Up && picked.is_some() {
            let pending = status.pending().map(|migration| migration.up).chain(history.to_make());
            objects::none_in_the_way(conn, schema, texts, status.applied().map(|migration| migration.up), pending)?;
        }
        if !self.schema.is_public() {
            conn.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
        }
        history.settle(conn, schema)?;
        if let Some(migration) = &picked {
            self.apply(migration, way)?;
        }
        Ok(picked)
    }

    fn apply(&mut self, migration: &Migration, way: Way) -> Result<(), MigrateError> {
        let (sql, note): (_, fn(&mut _, &_, &_) -> _) = match way {
            Way::Up => (migration.up, history::applied),
            Way::Down => (migration.down, history::taken_back),
        };
        let sql = &*self.schema.place(sql);
        let failed = |error| failed(migration, &error);
        if migration.is_transactional() {
            self.conn.batch_execute(sql).map_err(failed)?;
        } else {
            // Not in this transaction, but under its lock. It holds no snapshot meanwhile (this statement has let go of the
            // last one), or an index built concurrently would wait for it for ever.
            self.conn.batch_execute("SET LOCAL idle_in_transaction_session_timeout = 0").map_err(failed)?;
            open(self.url)?.batch_execute(sql).map_err(failed)?;
        }
        note(&mut self.conn, self.schema.as_str(), migration).map_err(failed)
    }

    /// BEGIN, with what the transaction needs; nothing of it depends on the settings of the database or the login.
    fn begin(&mut self, access: &str) -> QueryResult<()> {
        let sql = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED {access}; SET LOCAL application_name = 'nmc migrate'; \
             SET LOCAL client_min_messages = warning; SET LOCAL search_path = {}, pg_temp; \
             SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = {}",
            self.schema,
            self.patience.table.as_millis()
        );
        AnsiTransactionManager::begin_transaction_sql(&mut self.conn, &sql)
    }

    /// A transaction that holds the lock. It is polled for, in a transaction each time: a runner that blocked on it would
    /// hold a snapshot that CREATE INDEX CONCURRENTLY waits for. It goes with the transaction, so a killed runner leaves
    /// nothing behind.
    fn begin_locked(&mut self) -> Result<(), MigrateError> {
        let deadline = Instant::now() + self.patience.runner;
        loop {
            self.begin("")?;
            if try_lock(&mut self.conn)? {
                return Ok(());
            }
            AnsiTransactionManager::rollback_transaction(&mut self.conn)?;
            if Instant::now() >= deadline {
                return Err(MigrateError::Locked);
            }
            std::thread::sleep(POLL);
        }
    }
}

fn open(url: &Secret) -> Result<PgConnection, MigrateError> {
    let mut conn = pool::open(url.expose()).map_err(|error| match error {
        ConnectError::Address(_) => MigrateError::Address { reason: error.to_string() },
        ConnectError::Failed(words) => MigrateError::Database { reason: format!("the database can't be reached: {words}") },
    })?;
    // Each statement is sent once or twice, and behind a pooler its name may be another connection's.
    conn.set_prepared_statement_cache_size(CacheSize::Disabled);
    Ok(conn)
}

fn try_lock(conn: &mut PgConnection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Lock {
        #[diesel(sql_type = Bool)]
        held: bool,
    }
    let lock: Lock =
        diesel::sql_query("SELECT pg_catalog.pg_try_advisory_xact_lock($1) AS held").bind::<BigInt, _>(LOCK).get_result(conn)?;
    Ok(lock.held)
}

fn failed(migration: &Migration, error: &diesel::result::Error) -> MigrateError {
    MigrateError::Failed { name: migration.name, reason: in_words(error) }
}

/// The words of the server, with its hint: that is where a migration says what an administrator has to do.
pub(in crate::store) fn in_words(error: &diesel::result::Error) -> String {
    let hint = match error {
        diesel::result::Error::DatabaseError(_, info) => info.hint(),
        _ => None,
    };
    hint.map_or_else(|| error.to_string(), |hint| format!("{error}. {hint}"))
}
