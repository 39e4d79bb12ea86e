//! The store: a pool of connections, and the transactions everything happens in.

mod address;
mod changes;
mod config;
pub mod embedded;
mod instrument;
mod load;
mod migrate;
mod moved;
mod pool;
mod prepared;
mod readiness;
mod schema_name;
mod spelling;
mod sql_text;
mod transactions;
pub mod transfer;
mod tx;
mod verify;
mod waiters;
mod watch;

pub use address::{Address, AddressError};
pub use config::StoreConfig;
#[cfg(feature = "testing")]
pub(crate) use instrument::{death, prepared, sent};
pub use load::{LoadError, Loaded};
pub(crate) use load::{at_most_a_batch, at_row, in_statements};
pub use migrate::{MigrateError, Migration, MigrationStatus, Migrator};
pub(crate) use moved::Bell;
#[cfg(feature = "testing")]
pub(crate) use pool::open;
pub(crate) use prepared::Prepared;
pub use schema_name::SchemaName;
pub use transactions::Transactions;
pub use tx::{Person, Reason, SystemTx, Tenant, TenantTx};
pub(crate) use tx::{Scope, stamped};
pub use verify::Difference;

use crate::clock::Moment;
use crate::error::Loss;
use crate::{Error, Result};
use changes::Changes;
use chrono::{DateTime, Utc};
use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};
use moved::Moved;
use pool::{Link, Links, Pool, PooledLink};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use waiters::Waiters;
use watch::Longest;

/// How often a transaction that lost against another is run again.
const RETRIES: u32 = 5;

/// A tenant that a transaction has found as the system.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found {
    /// The tenant's rows are still to be entered: it is the system's transaction so far.
    Outside(Tenant),
    /// The statement that found the tenant has entered it, and has taken the person's lock.
    Inside(Tenant),
}

/// What a transaction does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// It reads and writes; each statement reads what is committed when it begins.
    Write,
    /// It writes nothing; all statements read what was committed when the first began.
    Read,
}

impl Access {
    const fn begin(self) -> &'static str {
        match self {
            Self::Write => "BEGIN",
            Self::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

/// The way to the database. Cheap to clone; clones share one pool.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    config: Arc<StoreConfig>,
    waiters: Waiters,
    moved: Moved,
    /// What a pooler in transaction mode has to be told in each transaction; else empty.
    settings: Arc<str>,
    longest: Arc<Longest>,
    /// Connections opened before this are not used again: the server they lead to took no writes any more.
    unfit: Arc<Mutex<Option<Instant>>>,
}

/// How often all connections are replaced, at the most, for want of one that takes writes.
const REPLACED_EVERY: Duration = Duration::from_secs(1);

impl Store {
    /// Opens the pool and makes sure that the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it can't be reached within the pool's timeout.
    pub fn connect(config: StoreConfig) -> Result<Self> {
        let (longest, unfit) = (Links::longest(&config), Arc::default());
        let links = Links::new(config.clone(), Arc::clone(&longest));
        // The first connection is opened here rather than by the pool, whose own retries would hide the reason.
        links.open_first().map_err(|error| Error::unavailable("the database can't be reached", error))?;
        let pool = Pool::builder()
            .max_size(config.pool_size)
            // None to spare: it would still be on its way to the server when a short command has ended.
            .min_idle(Some(0))
            .connection_timeout(config.pool_timeout)
            .max_lifetime(Some(config.max_lifetime).filter(|time| !time.is_zero()))
            .idle_timeout(Some(config.idle_timeout).filter(|time| !time.is_zero()))
            .test_on_check_out(false)
            .error_handler(Box::new(LogPoolErrors))
            .build(links)
            .map_err(|error| Error::unavailable("the database can't be reached", error))?;
        // The pool takes over the first connection, and closes it in time if nobody uses it.
        drop(pool.get().map_err(|error| Error::unavailable("the database can't be reached", error))?);
        let settings = if config.prepared_statements { String::new() } else { pool::timeouts(&config, "SET LOCAL") };
        let (config, waiters, moved) = (Arc::new(config), Waiters::default(), Moved::default());
        Ok(Self { pool, config, waiters, moved, settings: settings.into(), longest, unfit })
    }

    /// Bounds every wait for a statement to this long from now on: for a process that is about to end, and can't know whether the
    /// database is going to answer. Those under way have as long from now on.
    pub fn shorten_waits(&self, longest: Duration) {
        self.longest.shorten(longest);
    }

    /// The migrations of this library against this database, on a connection of their own.
    #[must_use]
    pub fn migrator(&self) -> Migrator {
        Migrator::new(self.config.url.clone()).in_schema(self.config.schema.clone())
    }

    /// The instant that the store's clock shows.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.config.clock.now()
    }

    /// A bell that rings when a transaction of this store, or of a clone, has added to a stream.
    pub(crate) fn bell(&self) -> Arc<Bell> {
        self.moved.bell()
    }

    /// The threads that wait outside any transaction.
    pub(crate) const fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not.
    pub fn ping(&self) -> Result<()> {
        self.system(Reason::Operations, |_| Ok(()))
    }

    /// A pooled connection as it is, outside any transaction, for the test kit to look at.
    #[cfg(feature = "testing")]
    pub(crate) fn idle_link(&self) -> Result<PooledLink> {
        self.pool.get().map_err(|error| Error::unavailable("the database can't be reached", error))
    }

    fn retried<T, E>(&self, attempt: impl Fn() -> Result<T, Failed<E>>) -> Result<T, E> {
        let (mut tries, mut read_only) = (0, false);
        loop {
            let begun = Instant::now();
            match attempt() {
                Err(Failed { loss: Some(Loss::Contention), .. }) if tries < RETRIES => {
                    tries += 1;
                    // Doubling from 2 ms, each loser a different length, so that they don't meet again.
                    let spread = u64::from(Moment::of(&*self.config.clock).id().as_fields().2 % 8);
                    std::thread::sleep(Duration::from_millis((1_u64 << tries) + spread));
                }
                // All of it is rolled back, and a new connection may lead to the server that took over.
                Err(Failed { loss: Some(Loss::ReadOnly), .. }) if !read_only && self.unfit_before() >= Some(begun) => {
                    read_only = true;
                }
                result => return result.map_err(|failed| failed.error),
            }
        }
    }

    /// One transaction on one connection. The connection goes back to the pool only in a known state: after a panic, or
    /// when ROLLBACK or COMMIT fails, it is closed instead.
    fn transaction<T, E: From<Error>>(
        &self,
        access: Access,
        enter: &str,
        work: impl FnOnce(&mut Link, &Moment, &Changes) -> Result<T, E>,
    ) -> Result<T, Failed<E>> {
        let begun = Instant::now();
        let mut link = self.begin(&format!("{}; {}{enter}", access.begin(), self.settings)).map_err(Failed::to_begin)?;
        let (moment, changes) = (Moment::of(&*self.config.clock), Changes::default());
        // Spent until the transaction has ended well; unwinding leaves it so.
        link.spent = true;
        link.losses.take();
        let result = work(&mut link, &moment, &changes);
        let conn = &mut link.conn;
        let ended = match &result {
            Ok(_) => conn.batch_execute(&changes.commit(&self.config.schema)),
            Err(_) => AnsiTransactionManager::rollback_transaction(conn),
        };
        let loss = link.losses.take();
        match (result, ended) {
            // Of a transaction that was to read alone, it says nothing of the server.
            (Err(error), _) if loss == Some(Loss::ReadOnly) && access == Access::Write => {
                self.turned_read_only(&link, begun);
                Err(Failed { error, loss })
            }
            (result, Ok(())) => {
                link.spent = false;
                if result.is_ok() {
                    self.moved.tell(&changes.tenants());
                }
                result.map_err(|error| Failed { error, loss })
            }
            // A commit that was refused has rolled back, or does when the connection closes: it is not used again.
            (Ok(_), Err(error)) => Err(Failed { error: Error::from(error).into(), loss }),
            (Err(error), Err(_)) => Err(Failed { error, loss }),
        }
    }

    /// BEGIN, role and tenant in one round trip. Nothing has happened before it, so a connection that died in the pool
    /// is simply replaced, until one is fresh.
    fn begin(&self, sql: &str) -> Result<PooledLink> {
        let mut dead = 0;
        loop {
            let mut link = self.pooled(self.config.pool_timeout)?;
            match AnsiTransactionManager::begin_transaction_sql(&mut link.conn, sql) {
                Ok(()) => return Ok(link),
                Err(error) => {
                    link.spent = true;
                    let error = Error::from(error);
                    let gone = matches!(error, Error::Unavailable { contention: false, .. })
                        && !link.watched.is_cut()
                        && link.conn.batch_execute("ROLLBACK").is_err();
                    dead += 1;
                    if !gone || dead > self.config.pool_size {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// A connection that nothing is known against.
    fn pooled(&self, patience: Duration) -> Result<PooledLink> {
        loop {
            let link = self.pool.get_timeout(patience);
            let mut link = link.map_err(|error| Error::unavailable("the database can't be reached", error))?;
            if Some(link.opened) >= self.unfit_before() && !link.watched.is_cut() {
                return Ok(link);
            }
            link.spent = true;
        }
    }

    /// Lets go of all connections to a server that has turned read-only, unless this one is new since `begun`, and so shows
    /// that there is no other server.
    fn turned_read_only(&self, link: &Link, begun: Instant) {
        let mut unfit = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        if link.opened < begun && unfit.is_none_or(|before| before.elapsed() > REPLACED_EVERY) {
            tracing::warn!("the database has turned read-only: its connections are replaced");
            *unfit = Some(Instant::now());
        }
    }

    fn unfit_before(&self) -> Option<Instant> {
        *self.unfit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction that failed: the error, which may be the caller's own, and whether it was for something that the store can mend.
struct Failed<E> {
    error: E,
    loss: Option<Loss>,
}

impl<E: From<Error>> Failed<E> {
    /// Before anything has happened.
    fn to_begin(error: Error) -> Self {
        let loss = match () {
            () if error.is_contention() => Some(Loss::Contention),
            () if error.is_read_only() => Some(Loss::ReadOnly),
            () => None,
        };
        Self { error: error.into(), loss }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("pool", &self.pool.state()).finish_non_exhaustive()
    }
}

/// A tenant that is still to be entered, and what else was found.
fn outside<F>((tenant, found): (Tenant, F)) -> (Found, F) {
    (Found::Outside(tenant), found)
}

/// The statements that put a transaction into a tenant. A UUID and an integer can't carry SQL.
fn enter_tenant(schema: &SchemaName, tenant: Tenant, person: Option<&Person>) -> String {
    let id = tenant.id();
    match person {
        Some(person) => {
            format!("SELECT {schema}.nmc_enter_tenant('{id}'); SELECT pg_advisory_xact_lock({})", person.lock_key(id))
        }
        None => format!("SELECT {schema}.nmc_enter_tenant('{id}')"),
    }
}

/// The statement that lets a transaction see all tenants' rows.
fn enter_system(schema: &SchemaName) -> String {
    format!("SELECT {schema}.nmc_enter_system()")
}

#[derive(Debug)]
struct LogPoolErrors;

impl<E: std::error::Error> diesel::r2d2::HandleError<E> for LogPoolErrors {
    fn handle_error(&self, _: E) {
        // Whoever waits for the connection gets the error. The server's words stay out of the log: they name the login, which
        // with a cloud's own accounts is somebody's e-mail address.
        tracing::debug!("a database connection could not be opened");
    }
}
