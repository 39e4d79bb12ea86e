use crate::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use crate::store::{Migrator, Store, StoreConfig};
use crate::{Clock, Secret};
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The server of this test run, and the migrated database that every test's is copied from.
struct Server {
    embedded: EmbeddedPostgres,
    /// The one who copies: CREATE DATABASE … TEMPLATE wants the template to itself.
    copier: Mutex<PgConnection>,
    /// The names of databases to drop.
    dropper: Sender<String>,
}

/// Test servers live in [`folder`], under this and the pid of their test run.
const DIRECTORY: &str = "nmc-test-";

/// The folder of test servers: in memory, where that has room, since a database is copied there in a sixth of the time; else the
/// system's for temporary files.
fn folder() -> PathBuf {
    const ROOM: u64 = 4 << 30;
    let memory = Path::new("/dev/shm");
    let has_room = rustix::fs::statvfs(memory).is_ok_and(|found| found.f_bavail.saturating_mul(found.f_frsize) >= ROOM);
    let is_chosen = std::env::var_os("TMPDIR").is_some_and(|chosen| !chosen.is_empty());
    if has_room && !is_chosen { memory.to_owned() } else { std::env::temp_dir() }
}

/// Removes what runs that are no more have left: a killed one's server removes its files, but not always the folder.
fn remove_stale() {
    for entry in std::fs::read_dir(folder()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(DIRECTORY)).and_then(|pid| pid.parse::<u32>().ok());
        let dead = pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists());
        if dead && Path::new("/proc/self").exists() && std::fs::remove_dir(entry.path()).is_err() {
            tracing::debug!(directory = %entry.path().display(), "a dead run's folder stays: its server may still be stopping");
        }
    }
}

const TEMPLATE: &str = "nevermisscall";

/// The folder of the PostgreSQL to test with, where `NMC_PG_BIN` names one.
#[must_use]
pub fn pg_bin() -> Option<PathBuf> {
    std::env::var_os("NMC_PG_BIN").filter(|folder| !folder.is_empty()).map(Into::into)
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        remove_stale();
        let dir = folder().join(format!("{DIRECTORY}{}", std::process::id()));
        let options = EmbeddedOptions {
            data_dir: Some(dir),
            bin_dir: pg_bin(),
            fsync: false,
            remove_on_exit: true,
            // A deadlock is looked for after deadlock_timeout; tests that make one need not wait the usual second. The rest
            // spares work that only a server whose data must survive has to do; most of it goes into copying databases.
            settings: [
                ("max_connections", "300"),
                ("shared_buffers", "64MB"),
                ("autovacuum", "off"),
                ("deadlock_timeout", "100ms"),
                ("full_page_writes", "off"),
                ("wal_level", "minimal"),
                ("max_wal_senders", "0"),
                ("max_wal_size", "4GB"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        };
        let embedded = EmbeddedPostgres::start(&options).expect("a PostgreSQL for the tests");
        Migrator::new(Secret::new(embedded.url())).run(|_| {}).expect("the migrations");
        let mut admin = connect(&embedded.superuser_url("postgres"));
        admin
            .batch_execute(&format!("ALTER DATABASE {TEMPLATE} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false"))
            .expect("the template");
        let dropper = dropper(connect(&embedded.superuser_url("postgres")));
        Server { embedded, copier: Mutex::new(admin), dropper }
    })
}

/// Drops databases one after another, on a connection for all of them: opening one costs as much as dropping a database.
fn dropper(mut admin: PgConnection) -> Sender<String> {
    let (dropper, names) = channel::<String>();
    std::thread::spawn(move || {
        for name in names {
            if let Err(error) = admin.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")) {
                tracing::warn!(%error, "a test database stays behind");
            }
        }
    });
    dropper
}

fn connect(url: &str) -> PgConnection {
    TestDb::connect(url)
}

/// The server of this test run.
pub(super) fn embedded() -> &'static EmbeddedPostgres {
    &server().embedded
}

/// A connection as the superuser to no test's database.
pub(super) fn admin() -> PgConnection {
    connect(&server().embedded.superuser_url("postgres"))
}

/// A database of its own, migrated, gone when this is dropped.
pub struct TestDb {
    /// A store over it, as the application has it: a login that owns the database and is no superuser.
    pub store: Store,
    name: String,
    /// The superuser's connection, kept from one look at the database to the next.
    kept: Mutex<Option<PgConnection>>,
}

impl TestDb {
    /// A test database with the machine's clock and six connections.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A test database with a clock of the test's.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self::with(|config| config.clock = clock)
    }

    /// A test database with a configuration of the test's.
    #[must_use]
    pub fn with(change: impl FnOnce(&mut StoreConfig)) -> Self {
        Self::over(Self::create(TEMPLATE), change)
    }

    /// A database without any migration.
    #[must_use]
    pub fn empty() -> Self {
        Self::over(Self::create("template0"), |_| {})
    }

    fn over(name: String, change: impl FnOnce(&mut StoreConfig)) -> Self {
        let mut config = StoreConfig::new(Secret::new(server().embedded.url_for(&name)));
        config.pool_size = 6;
        change(&mut config);
        Self { store: Store::connect(config).expect("a store"), name, kept: Mutex::default() }
    }

    /// A connection of a test's own to any server.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn connect(url: &str) -> PgConnection {
        crate::store::open(url).expect("a connection")
    }

    /// Executes statements in the database at this address, as its login.
    pub fn execute_at(url: &str, sql: &str) {
        Self::connect(url).batch_execute(sql).expect("the statements");
    }

    fn create(template: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("t{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let mut copier = server().copier.lock().unwrap_or_else(PoisonError::into_inner);
        copier
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template} OWNER nmc STRATEGY FILE_COPY"))
            .expect("a database");
        drop(copier);
        name
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The login of the application.
    #[must_use]
    pub fn url(&self) -> String {
        server().embedded.url_for(&self.name)
    }

    /// A connection as the application's login, for looking at what a test did without the library's eyes.
    #[must_use]
    pub fn raw(&self) -> PgConnection {
        connect(&self.url())
    }

    /// A connection as the superuser, whom row-level security does not bind.
    #[must_use]
    pub fn superuser(&self) -> PgConnection {
        connect(&server().embedded.superuser_url(&self.name))
    }

    /// Does `work` as the superuser, on a connection that is as new: nothing of what was set, locked or begun on it before is left.
    pub(super) fn as_superuser<T>(&self, work: impl FnOnce(&mut PgConnection) -> T) -> T {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // The server may have ended it meanwhile.
        let alive = kept().take().and_then(|mut conn| conn.batch_execute("SELECT 1").is_ok().then_some(conn));
        let mut conn = alive.unwrap_or_else(|| self.superuser());
        let done = work(&mut conn);
        // Refused within a transaction, which then ends with its connection.
        if conn.batch_execute("DISCARD ALL").is_ok() {
            *kept() = Some(conn);
        }
        done
    }

    /// The directory of the server's programs (`pg_dump` and its like).
    #[must_use]
    pub fn programs() -> &'static Path {
        server().embedded.bin_dir()
    }

    /// The superuser's URL, for the server's programs.
    #[must_use]
    pub fn superuser_url(&self) -> String {
        server().embedded.superuser_url(&self.name)
    }
}

impl Default for TestDb {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // Nobody waits for it: the server takes its time, since the store's connections are still open here.
        if server().dropper.send(self.name.clone()).is_err() {
            tracing::warn!("a test database stays behind: nobody drops any more");
        }
    }
}
