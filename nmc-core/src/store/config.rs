use super::SchemaName;
use crate::{Clock, Secret, SystemClock};
use std::sync::Arc;
use std::time::Duration;

/// The configuration of how a [`crate::Store`] reaches its database, and how long it is willing to wait. Every wait has an end.
#[derive(Clone)]
pub struct StoreConfig {
    /// A URL or a string of keywords and values, in the forms that psql takes. PG* variables never say which database it is.
    pub url: Secret,
    /// The schema in which everything of ours is; the migrations were run in it.
    pub schema: SchemaName,
    /// The most connections of the pool. Each costs the server a process of some 10 MB.
    pub pool_size: u32,
    /// How long a transaction may wait for a connection.
    pub pool_timeout: Duration,
    /// The age at which a connection is closed, so that none outlives a fail-over or a change of addresses for long. Each ends
    /// up to a tenth earlier, not all at once.
    pub max_lifetime: Duration,
    /// How long a connection may be unused before it is closed.
    pub idle_timeout: Duration,
    /// The longest statement. Five seconds later the client gives up, too, and closes the connection: for a server that has
    /// fallen silent. Zero: no bound on either side.
    pub statement_timeout: Duration,
    /// The longest wait for a lock.
    pub lock_timeout: Duration,
    /// The longest pause inside a transaction.
    pub idle_in_transaction_timeout: Duration,
    /// The name that `pg_stat_activity` shows for the connections.
    pub application_name: &'static str,
    /// Statements slower than this are logged, without their values.
    pub slow_statement: Duration,
    /// Whether statements stay prepared; off behind a pooler in transaction mode (PgBouncer), where a prepared statement may be
    /// on another connection. The timeouts are then set in each transaction, in the round trip that begins it, instead of once
    /// for the session.
    pub prepared_statements: bool,
    /// The clock from which the store has the time.
    pub clock: Arc<dyn Clock>,
}

impl StoreConfig {
    /// Sensible limits for the database at `url`.
    #[must_use]
    pub fn new(url: Secret) -> Self {
        Self {
            url,
            schema: SchemaName::default(),
            pool_size: 10,
            pool_timeout: Duration::from_secs(3),
            max_lifetime: Duration::from_secs(30 * 60),
            idle_timeout: Duration::from_secs(10 * 60),
            statement_timeout: Duration::from_secs(15),
            lock_timeout: Duration::from_secs(12),
            idle_in_transaction_timeout: Duration::from_secs(30),
            application_name: "nmc",
            slow_statement: Duration::from_millis(200),
            prepared_statements: true,
            clock: Arc::new(SystemClock),
        }
    }
}

impl std::fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreConfig").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}
