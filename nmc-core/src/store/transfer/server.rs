//! What has to be known of a database before and after it is moved.

use super::{RowCounts, SHORT_LIVED, TransferError};
use crate::Secret;
use crate::store::pool::open;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Int4, Text};
use std::time::{Duration, Instant};

/// The key of the advisory lock that a restore holds: "nmc rest" in ASCII.
const LOCK: i64 = 0x6e6d_6320_7265_7374;

/// How long a restore waits for that lock: the session of one that has just ended is there a moment longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Relations that somebody made, by whatever schema; those of extensions come with them.
const OWN_RELATIONS: &str = "\
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')";

impl From<diesel::result::Error> for TransferError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Database(error.to_string())
    }
}

/// One connection to a database that is moved.
pub(super) struct Server {
    conn: PgConnection,
    pub(super) major: u32,
    login: String,
    is_unbound: bool,
}

#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = Int4)]
    version: i32,
    #[diesel(sql_type = Text)]
    login: String,
    #[diesel(sql_type = Bool)]
    is_unbound: bool,
}

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    schema: String,
    #[diesel(sql_type = Bool)]
    is_protected: bool,
    #[diesel(sql_type = Bool)]
    is_tenants: bool,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

#[derive(QueryableByName)]
struct Verdict {
    #[diesel(sql_type = Bool)]
    holds: bool,
}

impl Server {
    pub(super) fn connect(url: &Secret) -> Result<Self, TransferError> {
        let mut conn = open(url.expose()).map_err(|error| TransferError::Database(error.to_string()))?;
        conn.batch_execute(
            "SET application_name = 'nmc database'; SET client_min_messages = warning; SET statement_timeout = 0; \
             SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '60s'",
        )?;
        let facts: Facts = sql_query(
            "SELECT current_setting('server_version_num')::integer / 10000 AS version, rolname::text AS login, \
             rolsuper OR rolbypassrls AS is_unbound FROM pg_roles WHERE rolname = current_user",
        )
        .get_result(&mut conn)?;
        let major = u32::try_from(facts.version).unwrap_or_default();
        Ok(Self { conn, major, login: facts.login, is_unbound: facts.is_unbound })
    }

    fn tables(&mut self) -> Result<Vec<Table>, TransferError> {
        let sql = format!(
            "SELECT format('%I.%I', n.nspname, c.relname) AS name, quote_ident(n.nspname) AS schema, \
             c.relrowsecurity AS is_protected, c.relname = 'tenants' AS is_tenants {OWN_RELATIONS} AND c.relkind = 'r' \
             AND c.relname <> '{SHORT_LIVED}' ORDER BY 1"
        );
        Ok(sql_query(sql).load(&mut self.conn)?)
    }

    /// Begins to look at one state of the database; the answer is the name under which `pg_dump` finds that state.
    pub(super) fn begin_snapshot(&mut self) -> Result<String, TransferError> {
        if !self.is_unbound {
            return Err(TransferError::BoundByRowSecurity { login: self.login.clone() });
        }
        // What row-level security would hide is an error, not a row less.
        self.conn.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL row_security = off")?;
        let snapshot: Word = sql_query("SELECT pg_export_snapshot() AS word").get_result(&mut self.conn)?;
        Ok(snapshot.word)
    }

    /// Counts the rows of all tables in the state that [`Self::begin_snapshot`] began to look at.
    pub(super) fn count_in_snapshot(&mut self) -> Result<RowCounts, TransferError> {
        let tables = self.tables()?;
        if !tables.iter().any(|table| table.is_tenants) {
            return Err(TransferError::NothingThere);
        }
        tables.into_iter().map(|table| Ok((table.name.clone(), self.count(&table.name)?))).collect()
    }

    fn count(&mut self, table: &str) -> Result<u64, TransferError> {
        let count: Count = sql_query(format!("SELECT count(*) AS rows FROM {table}")).get_result(&mut self.conn)?;
        Ok(u64::try_from(count.rows).unwrap_or_default())
    }

    /// The rows of all tables, as the owner counts them: those that row-level security hides from it as the role that sees all.
    pub(super) fn count_as_owner(&mut self) -> Result<RowCounts, TransferError> {
        let tables = self.tables()?;
        let schema = tables.iter().find(|table| table.is_tenants).map(|table| table.schema.clone());
        let schema = schema.ok_or(TransferError::NothingThere)?;
        let mut counts = RowCounts::new();
        for protected in [false, true] {
            self.conn.batch_execute("BEGIN READ ONLY")?;
            if protected {
                self.conn.batch_execute(&format!("SELECT {schema}.nmc_enter_system()"))?;
            }
            for table in tables.iter().filter(|table| table.is_protected == protected) {
                counts.insert(table.name.clone(), self.count(&table.name)?);
            }
            self.conn.batch_execute("COMMIT")?;
        }
        Ok(counts)
    }

    /// Insists that the database is this login's, that nothing is in it, and that nobody else restores into it.
    pub(super) fn must_be_free(&mut self) -> Result<(), TransferError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let lock: Verdict = sql_query(format!("SELECT pg_try_advisory_lock({LOCK}) AS holds")).get_result(&mut self.conn)?;
            if lock.holds {
                break;
            }
            if Instant::now() >= until {
                return Err(TransferError::Busy);
            }
            std::thread::sleep(PATIENCE / 20);
        }
        let things = format!(
            "SELECT thing AS word FROM (\
             SELECT format('%I.%I', n.nspname, c.relname) AS thing {OWN_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') \
             UNION ALL SELECT format('%I.%I()', n.nspname, p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
             WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (\
             SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')) AS things \
             ORDER BY thing LIMIT 6"
        );
        let mut found: Vec<String> =
            sql_query(things).load::<Word>(&mut self.conn)?.into_iter().map(|thing| thing.word).collect();
        if !found.is_empty() {
            if found.len() > 5 {
                found.truncate(5);
                found.push("more".to_owned());
            }
            return Err(TransferError::NotEmpty(found.join(", ")));
        }
        let owner: Verdict = sql_query(
            "SELECT pg_has_role(current_user, datdba, 'MEMBER') AS holds FROM pg_database WHERE datname = current_database()",
        )
        .get_result(&mut self.conn)?;
        if !owner.holds {
            let database: Word = sql_query("SELECT quote_ident(current_database()) AS word").get_result(&mut self.conn)?;
            return Err(TransferError::NotOwner { login: self.login.clone(), database: database.word });
        }
        Ok(())
    }

    /// Makes the roles that the grants of a dump name, which belong to the server and are in no dump: as the first migration does, by
    /// its own words.
    pub(super) fn make_roles(&mut self) -> Result<(), TransferError> {
        let made = self.conn.batch_execute(crate::store::migrate::roles());
        made.map_err(|error| TransferError::Database(crate::store::migrate::in_words(&error)))
    }

    /// Gives each stream of events another epoch: what has been numbered since the dump was made means something else than the
    /// numbers that are given from now on, and whoever has read it must not go on as if they were one counting. A dump from before
    /// there were streams has none.
    pub(super) fn renew_streams(&mut self) -> Result<(), TransferError> {
        let Some(streams) = self.tables()?.into_iter().find(|table| table.name.ends_with(".tenant_streams")) else {
            return Ok(());
        };
        let Table { name, schema, .. } = streams;
        Ok(self.conn.batch_execute(&format!(
            "BEGIN; SELECT {schema}.nmc_enter_system(); UPDATE {name} SET epoch = gen_random_uuid(); COMMIT"
        ))?)
    }

    /// Lets the planner know what came in.
    pub(super) fn analyze(&mut self) -> Result<(), TransferError> {
        Ok(self.conn.batch_execute("ANALYZE")?)
    }
}
