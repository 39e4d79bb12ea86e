use super::database::admin;
use super::{TestDb, query, wait_until};
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;

/// A table that nobody gets at until this is dropped.
pub struct Blockade {
    conn: PgConnection,
    database: String,
}

impl Blockade {
    /// Waits until `sessions` sessions of this database stand before a lock.
    ///
    /// # Panics
    /// As [`wait_until`].
    pub fn wait_for_blocked(&mut self, sessions: i64) {
        let blocked = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND locktype <> 'advisory' \
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        wait_until("sessions stand before the table", || query::<i64>(&mut self.conn, blocked) == [sessions]);
    }

    /// Ends every other session of this database, in the middle of what it does.
    pub fn end_sessions(&mut self) {
        end_sessions(&mut self.conn, &self.database);
    }
}

/// A database that takes no connections until this is dropped.
pub struct Outage {
    admin: PgConnection,
    database: String,
}

impl Drop for Outage {
    fn drop(&mut self) {
        let opened = self.admin.batch_execute(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.database));
        if let Err(error) = opened {
            tracing::error!(%error, "a test database stays closed");
        }
    }
}

impl TestDb {
    /// Keeps everybody else from a table.
    ///
    /// # Panics
    /// When there is no such table.
    #[must_use]
    pub fn block(&self, table: &str) -> Blockade {
        let mut conn = self.superuser();
        conn.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).expect("the table to oneself");
        Blockade { conn, database: self.name().to_owned() }
    }

    /// Takes the database away, as its clients see it.
    ///
    /// # Panics
    /// When it won't go.
    #[must_use]
    pub fn take_down(&self) -> Outage {
        let (mut admin, database) = (admin(), self.name().to_owned());
        admin.batch_execute(&format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false")).expect("the database to be closed");
        end_sessions(&mut admin, &database);
        Outage { admin, database }
    }
}

fn end_sessions(conn: &mut PgConnection, database: &str) {
    let sessions = format!("SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()");
    let pids: Vec<i32> = query(conn, &sessions);
    let pids = pids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    conn.batch_execute(&format!("SELECT pg_terminate_backend(pid) FROM unnest('{{{pids}}}'::int[]) AS pid"))
        .expect("a superuser may");
    wait_until("the sessions have ended", || {
        // A transaction sees the sessions as they were when it first looked.
        conn.batch_execute("SELECT pg_stat_clear_snapshot()").expect("anybody may");
        query::<i64>(conn, &format!("SELECT count(*) FROM pg_stat_activity WHERE pid = ANY ('{{{pids}}}'::int[])")) == [0]
    });
}
