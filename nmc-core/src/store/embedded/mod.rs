//! A PostgreSQL server of our own, for when nobody gives us one.
//!
//! The first process that wants the server starts it, others join it, and it stops with the last of them. What counts them is the
//! kernel: each holds a fifo open for writing, and a watchdog (a few lines of shell, `watchdog.sh`) stops the server when it reads
//! the fifo's end, so a process may die as it likes. Killing the server or the watchdog loses nothing either: the next start finds
//! out and recovers.
//!
//! | file | holds |
//! |---|---|
//! | `paths.rs` | the data directory and the socket directory |
//! | `account.rs` | who runs the server when we are root |
//! | `programs.rs` | which PostgreSQL is installed |
//! | `cluster.rs` | making the server's files |
//! | `holders.rs` | the locks and the fifo |
//! | `process.rs` | who is alive |
//! | `server.rs` | starting and joining |
//! | `supervisor.rs` | starting again what has died |
//!
//! ```text
//! <data dir>/  pg/           the server's files; nothing half-made ever has this name
//!              run/          its socket; /tmp/nmc-<uid>-<hash> if the path would be too long for one
//!              postgres.log  what the server says about itself, never data
//!              holders       the fifo;  start.lock, users.lock, attached: who starts, who uses, the watchdog's answer
//! ```

use std::path::{Path, PathBuf};

mod account;
mod cluster;
mod error;
mod holders;
mod log;
mod paths;
mod process;
mod programs;
mod server;
mod supervisor;
#[cfg(test)]
mod tests;

pub use error::EmbeddedError;
pub use paths::default_data_dir;
pub(crate) use programs::{parse_version, program_folders};
pub use supervisor::Supervisor;

use self::holders::{Deadline, StartLock};
use self::paths::DataDir;
use self::process::{Found, Postmaster};
use self::server::Held;

/// How long a stop waits for those who are just starting or joining the server.
const OTHERS: u64 = 5;
/// How long the server may take to stop; after 30 seconds its watchdog ends it the hard way, which loses nothing.
const STOP: u64 = 40;

/// How to run the embedded server.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Where the data is; None: [`default_data_dir`].
    pub data_dir: Option<PathBuf>,
    /// The folder that holds `postgres` and `initdb`; None: on the PATH and where packages install them.
    pub bin_dir: Option<PathBuf>,
    /// Whether a commit waits for the disk. Only tests, which throw their data away, may say no.
    pub fsync: bool,
    /// Settings of the server, over ours; they hold if this process is the one that starts it.
    pub settings: Vec<(String, String)>,
    /// For tests: the directory is removed when its last holder is gone. The process that starts the server has the say.
    pub remove_on_exit: bool,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self { data_dir: None, bin_dir: None, fsync: true, settings: Vec::new(), remove_on_exit: false }
    }
}

/// Holds the embedded server: it runs for as long as any process has one of these.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    home: DataDir,
    bin_dir: PathBuf,
    postmaster: Postmaster,
    attached: bool,
    remove: bool,
    options: EmbeddedOptions,
    /// Empty once released.
    held: Option<Held>,
}

impl EmbeddedPostgres {
    /// Starts the server, makes its files first if there are none, or joins the one that runs. Returns when it takes connections.
    ///
    /// # Errors
    /// Any [`EmbeddedError`]: each says what to do.
    pub fn start(options: &EmbeddedOptions) -> Result<Self, EmbeddedError> {
        loop {
            let home = DataDir::prepare(options.data_dir.as_deref())?;
            // None: its last holder was just removing the directory.
            let Some(held) = server::obtain(&home, options)? else { continue };
            let (bin_dir, postmaster, attached) = (held.bin_dir.clone(), held.postmaster.clone(), held.attached);
            tracing::debug!(data_dir = %home.path.display(), pid = postmaster.pid, attached, "PostgreSQL is ready");
            let remove = options.remove_on_exit && !attached;
            return Ok(Self { home, bin_dir, postmaster, attached, remove, options: options.clone(), held: Some(held) });
        }
    }

    /// The address of our database, for libpq: `postgres://nmc@/nevermisscall?host=…&port=5432`.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_for(cluster::DATABASE)
    }

    /// The address of another database of this server.
    #[must_use]
    pub fn url_for(&self, database: &str) -> String {
        self.address(cluster::USER, database)
    }

    /// The same as the superuser: for tests and for repairs, never for the application.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> String {
        self.address(cluster::SUPERUSER, database)
    }

    /// The address of our database as the superuser, whom row-level security does not bind: for dumps.
    #[must_use]
    pub fn backup_url(&self) -> String {
        self.superuser_url(cluster::DATABASE)
    }

    /// The port is named since libpq would else take `PGPORT`.
    fn address(&self, user: &str, database: &str) -> String {
        use std::os::unix::ffi::OsStrExt;
        let (host, port) = (percent_encode(self.socket_dir().as_os_str().as_bytes()), self.postmaster.port);
        format!("postgres://{user}@/{}?host={host}&port={port}", percent_encode(database.as_bytes()))
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.home.path
    }

    /// Where the server's socket is.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.postmaster.socket_dir
    }

    /// The programs of the server's version: psql, `pg_dump` and so on, as far as they are installed.
    #[must_use]
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// True if the server was running already.
    #[must_use]
    pub const fn attached(&self) -> bool {
        self.attached
    }

    /// The server's pid now; None while it is down, as after a kill.
    #[must_use]
    pub fn server_pid(&self) -> Option<u32> {
        running(&self.home)
    }

    /// Starts the server again if it has died, or joins it if another of its holders has been faster; true if so. The address
    /// stays the same. Data that is gone is never replaced by an empty database.
    ///
    /// # Errors
    /// [`EmbeddedError::Gone`], or why it does not start.
    pub fn heal(&mut self) -> Result<bool, EmbeddedError> {
        if self.held.is_none() || running(&self.home).is_some() {
            return Ok(false);
        }
        let gone = || EmbeddedError::Gone { data_dir: self.home.path.clone() };
        if cluster::made_by(&self.home)?.is_none() {
            return Err(gone());
        }
        let held = server::obtain(&self.home, &self.options)?.ok_or_else(gone)?;
        self.postmaster = held.postmaster.clone();
        // Only now, so that there is a holder at any moment.
        server::reap(self.held.replace(held).and_then(|before| before.watchdog));
        Ok(true)
    }

    /// Lets go of the server. The last one to do so stops it and returns when it has stopped.
    ///
    /// # Errors
    /// [`EmbeddedError::NotStopped`] if that takes too long.
    pub fn stop(mut self) -> Result<(), EmbeddedError> {
        self.release()
    }

    fn release(&mut self) -> Result<(), EmbeddedError> {
        let Some(Held { holder, users, mut watchdog, .. }) = self.held.take() else { return Ok(()) };
        // Without the lock somebody is joining or starting right now: then we aren't the last.
        let lock = StartLock::take(&self.home, Deadline::after(OTHERS)).unwrap_or_else(|error| {
            tracing::debug!(%error, "leaving the server to the others");
            None
        });
        drop(holder);
        if lock.is_none() || !holders::leave_users(&users) {
            server::reap(watchdog);
            return Ok(());
        }
        let deadline = Deadline::after(STOP);
        loop {
            let watched = holders::is_watched(&self.home);
            let server = running(&self.home);
            let ended = watchdog.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            match server {
                None if !watched && ended => break,
                // Its watchdog was killed.
                Some(pid) if !watched => process::interrupt(pid),
                // Nobody knows when it goes on; its watchdog will see to it then.
                Some(pid) if process::is_suspended(pid) => {
                    server::reap(watchdog);
                    return Err(EmbeddedError::Suspended { pid });
                }
                _ => {}
            }
            if !deadline.tick() {
                server::reap(watchdog);
                return Err(EmbeddedError::NotStopped { seconds: STOP, log: self.home.log() });
            }
        }
        if self.remove && self.home.path.exists() {
            self.home.remove();
        }
        Ok(())
    }
}

impl Drop for EmbeddedPostgres {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            tracing::error!(%error, "could not stop the embedded PostgreSQL");
        }
    }
}

fn running(home: &DataDir) -> Option<u32> {
    match process::look(&home.cluster()) {
        Ok(Found::Running(server)) => Some(server.pid),
        _ => None,
    }
}

/// For one part of an URI.
fn percent_encode(part: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    part.iter().map(|byte| if plain(*byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
