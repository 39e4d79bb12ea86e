//! Pooled connections that know when they are no longer fit for use.

use super::StoreConfig;
use super::address::{Address, AddressError};
use super::instrument::{Kept, Losses, SlowStatements};
use super::watch::{self, Longest, Watched};
use diesel::connection::{CacheSize, Connection, SimpleConnection as _};
use diesel::pg::PgConnection;
use diesel::r2d2;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub(crate) type Pool = r2d2::Pool<Links>;
pub(crate) type PooledLink = r2d2::PooledConnection<Links>;

/// A connection, and whether it must not be used again. Diesel's own manager can't be told the latter.
pub(crate) struct Link {
    // Dropped before the connection, whose socket it knows.
    pub(super) watched: Watched,
    pub(crate) conn: PgConnection,
    pub(crate) spent: bool,
    /// The losses of the connection's statements since it was last asked.
    pub(super) losses: Losses,
    kept: Kept,
    pub(super) opened: Instant,
    expires: Instant,
}

/// Opens [`Link`]s with the session's settings in place.
pub(crate) struct Links {
    config: StoreConfig,
    longest: Arc<Longest>,
    /// One that was opened to see whether the database answers, for the pool to begin with.
    first: Mutex<Option<Link>>,
}

/// What the client allows a statement beyond the server's own bound, which in a healthy server ends it first.
const GRACE: Duration = Duration::from_secs(5);

/// How many statements a connection keeps prepared before another takes its place: each is a plan in the server's memory, and whoever
/// combines filters can think of thousands.
const MOST_KEPT: usize = 500;

impl Links {
    pub(super) const fn new(config: StoreConfig, longest: Arc<Longest>) -> Self {
        Self { config, longest, first: Mutex::new(None) }
    }

    /// Opens the one that the pool begins with.
    pub(super) fn open_first(&self) -> Result<(), ConnectError> {
        let first = self.open()?;
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(first);
        Ok(())
    }

    /// How long a statement may take on this side.
    pub(super) fn longest(config: &StoreConfig) -> Arc<Longest> {
        let bound = Some(config.statement_timeout).filter(|timeout| !timeout.is_zero());
        Arc::new(Longest::new(bound.map(|timeout| timeout + GRACE)))
    }

    /// Opens one, watched, with nothing set yet.
    pub(super) fn open(&self) -> Result<Link, ConnectError> {
        let config = &self.config;
        let address = Address::parse(config.url.expose())?.named(config.application_name);
        let opened = watch::open(&address, &self.longest, || connect(&address));
        let (conn, watched) = opened.ok_or_else(|| ConnectError::Failed("the database does not answer".to_owned()))?;
        let (conn, opened) = (conn?, Instant::now());
        // Not all at once: each a little earlier than it might.
        let spread = config.max_lifetime / 1000 * (uuid::Uuid::new_v4().as_fields().0 % 100);
        let expires = opened + config.max_lifetime.saturating_sub(spread);
        Ok(Link { watched, conn, spent: false, losses: Losses::default(), kept: Kept::default(), opened, expires })
    }
}

/// The reason why a connection could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The address is at fault.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The words of libpq, which may name the host and the user.
    #[error("{0}")]
    Failed(String),
}

impl ConnectError {
    /// The error of an attempt to connect, in one line.
    fn of(words: &str) -> Self {
        if words.contains("could not translate host name") {
            return Self::Failed("the host in the database's address is not known".to_owned());
        }
        if words.contains("definition of service") {
            return Self::Failed(
                "the service that PGSERVICE or the database's address names is not defined: unset it".to_owned(),
            );
        }
        if !words.contains("connection to server") && !words.contains("SSL support is not compiled in") {
            return Self::Address(AddressError::Form);
        }
        let lines = words.lines().map(str::trim).filter(|line| !line.is_empty() && !line.ends_with('?'));
        Self::Failed(lines.collect::<Vec<_>>().join("; "))
    }
}

impl r2d2::ManageConnection for Links {
    type Connection = Link;
    type Error = ConnectError;

    fn connect(&self) -> Result<Link, ConnectError> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (config, mut link) = (&self.config, first.map_or_else(|| self.open(), Ok)?);
        let (timer, losses, kept) = (link.watched.timer(), link.losses.clone(), link.kept.clone());
        link.conn.set_instrumentation(SlowStatements::new(config.slow_statement, timer, losses, kept));
        if config.prepared_statements {
            let settings = timeouts(config, "SET");
            link.conn.batch_execute(&settings).map_err(|error| ConnectError::Failed(error.to_string()))?;
        } else {
            link.conn.set_prepared_statement_cache_size(CacheSize::Disabled);
        }
        Ok(link)
    }

    /// Not asked on check-out (it would cost a round trip each): BEGIN finds a dead connection just as well.
    fn is_valid(&self, link: &mut Link) -> Result<(), ConnectError> {
        link.conn.batch_execute("SELECT 1").map_err(|error| ConnectError::Failed(error.to_string()))
    }

    fn has_broken(&self, link: &mut Link) -> bool {
        link.spent || link.kept.count() > MOST_KEPT || Instant::now() >= link.expires || std::thread::panicking()
    }
}

/// The statements that bound what the server does for us: for the session, or by `SET LOCAL` for one transaction.
pub(super) fn timeouts(config: &StoreConfig, set: &str) -> String {
    let [statement, lock, idle] =
        [config.statement_timeout, config.lock_timeout, config.idle_in_transaction_timeout].map(|timeout| timeout.as_millis());
    format!(
        "{set} statement_timeout = {statement}; {set} lock_timeout = {lock}; {set} idle_in_transaction_session_timeout = {idle}; "
    )
}

/// Opens a connection that nobody watches over: it may take as long as it needs.
pub(crate) fn open(url: &str) -> Result<PgConnection, ConnectError> {
    connect(&Address::parse(url)?)
}

fn connect(address: &Address) -> Result<PgConnection, ConnectError> {
    let conninfo = address.conninfo(|variable| std::env::var_os(variable).is_some());
    establish(&conninfo).map_err(|error| ConnectError::of(&error.to_string()))
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that opens a connection")]
fn establish(conninfo: &str) -> diesel::ConnectionResult<PgConnection> {
    PgConnection::establish(conninfo)
}

#[cfg(test)]
mod tests {
    use super::open;

    #[test]
    fn no_part_of_an_address_that_cannot_be_used_is_told() {
        for address in [
            "postgres://u:hunter2%zz@127.0.0.1:1/d",
            "postgres://u:hun@hunter2@127.0.0.1:1/d",
            "postgres://u:hunter2/@127.0.0.1:1/d",
            "postgres://u:secret@127.0.0.1:hunter2/d",
            "postgres://u@127.0.0.1:1/d?password=x&hunter2=y",
            "postgres://u:p@[hunter2/d",
            "u:hunter2",
            "mysql://u:hunter2@127.0.0.1/d",
            "host=127.0.0.1 port=1 password=hunter2",
        ] {
            let told = open(address).map(drop).expect_err("nobody is there").to_string();
            assert!(!told.contains("hunter2") && !told.contains('\n'), "{told}");
        }
    }
}
