//! Why the embedded server can't be used, each in one sentence that says what to do.

use std::path::{Path, PathBuf};

/// The reason why the embedded PostgreSQL could not be started, joined or stopped. Each message is for a person and says what to
/// do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmbeddedError {
    /// No PostgreSQL programs on this machine.
    #[error("PostgreSQL isn't installed on this machine: {install}, or use a server you have.")]
    NotInstalled {
        /// The command that installs PostgreSQL here.
        install: String,
    },
    /// [`EmbeddedOptions::bin_dir`](super::EmbeddedOptions::bin_dir) leads nowhere.
    #[error(
        "The folder that PostgreSQL's programs are to be in is {}, where there are none: name the one that holds postgres and initdb, or \
         none ({install}).",
        .folder.display()
    )]
    NotInFolder {
        /// The folder that was named.
        folder: PathBuf,
        /// The command that installs PostgreSQL here.
        install: String,
    },
    /// Only versions older than we support are installed.
    #[error("PostgreSQL {found} in {} is too old, 15 is the oldest that will do: {install}, or use a newer server.", .bin_dir.display())]
    TooOld {
        /// The newest major version found.
        found: u32,
        /// The folder where that version is.
        bin_dir: PathBuf,
        /// The command that installs PostgreSQL here.
        install: String,
    },
    /// The data was made by a major version that isn't installed.
    #[error(
        "The data in {} belongs to PostgreSQL {made_by}, but here there is only PostgreSQL {installed}: {install} (or name its folder), or \
         choose another directory for the data.", .data_dir.display()
    )]
    OtherVersion {
        /// The data directory.
        data_dir: PathBuf,
        /// The major version that made it.
        made_by: u32,
        /// The major versions installed.
        installed: String,
        /// The command that installs the missing version.
        install: String,
    },
    /// Neither `XDG_DATA_HOME` nor `HOME` says where this user keeps data.
    #[error("There is no home directory to keep the data in: choose one.")]
    NoHome,
    /// The directory is full of something else.
    #[error("{} isn't empty and holds no data of nmc: choose an empty or a new directory.", .data_dir.display())]
    NotOurs {
        /// The directory.
        data_dir: PathBuf,
    },
    /// The directory belongs to another user.
    #[error("{} belongs to {owner}, not to {user}: run `chown -R {user} {}`, or choose another directory for the data.", .data_dir.display(), .data_dir.display())]
    OtherOwner {
        /// The data directory.
        data_dir: PathBuf,
        /// The user to whom the directory belongs.
        owner: String,
        /// The user who would have to own the directory.
        user: String,
    },
    /// As root: the user the server runs as can't reach the directory.
    #[error(
        "PostgreSQL runs as the user {user}, who can't enter {}: choose a directory that {user} can reach, such as /var/lib/nmc.",
        .closed.display()
    )]
    Unreachable {
        /// The user the server runs as.
        user: String,
        /// The first directory on the way that is closed.
        closed: PathBuf,
    },
    /// As root: there is nobody else to run the server as.
    #[error(
        "PostgreSQL doesn't run as root and there is neither a user postgres nor nobody: create one (`useradd --system postgres`)."
    )]
    NoAccount,
    /// The place for the socket is in someone else's hands.
    #[error("{} {found}, so the server's socket isn't safe there: remove it, or choose a data directory with a shorter path, which keeps the socket inside.", .socket_dir.display())]
    SocketDir {
        /// The directory for the socket.
        socket_dir: PathBuf,
        /// The fault that was found with the directory.
        found: String,
    },
    /// Another process holds the directory for too long.
    #[error("Another nmc has been starting or stopping the server in {} for {seconds} seconds: wait for it or end it, then try again.", .data_dir.display())]
    Busy {
        /// The data directory.
        data_dir: PathBuf,
        /// How long we waited.
        seconds: u64,
    },
    /// `initdb` failed.
    #[error("PostgreSQL could not make its files in {} ({detail}): put that right and try again.", .data_dir.display())]
    Init {
        /// The data directory.
        data_dir: PathBuf,
        /// The words of the program.
        detail: String,
    },
    /// The server ended before it was ready.
    #[error("PostgreSQL did not start ({detail}): put that right and try again, {} has the details.", .log.display())]
    Start {
        /// The words of the server.
        detail: String,
        /// The server's log.
        log: PathBuf,
    },
    /// The server runs, but isn't ready in time.
    #[error("PostgreSQL was not ready within {seconds} seconds: look at {} and try again.", .log.display())]
    NotReady {
        /// How long we waited.
        seconds: u64,
        /// The server's log.
        log: PathBuf,
    },
    /// The data was there when the server started, and no longer is.
    #[error("The data in {} is gone while nmc was using it: put it back, or restore a backup, then start nmc again.", .data_dir.display())]
    Gone {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// The server died, and can't be brought back.
    #[error("PostgreSQL went down and did not come back for good in {attempts} attempts. The last one: {reason}")]
    GivenUp {
        /// How often it was started again, or that was tried.
        attempts: u32,
        /// The outcome of the last attempt, and what to do.
        reason: String,
    },
    /// The server can't stop while it is suspended.
    #[error("PostgreSQL (process {pid}) is suspended, so it can't stop now: it will as soon as it goes on (`kill -CONT {pid}`).")]
    Suspended {
        /// The server's process.
        pid: u32,
    },
    /// The server is still there after a stop.
    #[error("PostgreSQL was still stopping after {seconds} seconds: look at {}, and wait for it before you touch the data.", .log.display())]
    NotStopped {
        /// How long we waited.
        seconds: u64,
        /// The server's log.
        log: PathBuf,
    },
    /// The machine refused something.
    #[error("Could not {action} {} ({error}): put that right, or choose another directory for the data.", .path.display())]
    Io {
        /// The act that was tried.
        action: &'static str,
        /// The path that was acted on.
        path: PathBuf,
        /// The machine's error.
        error: std::io::Error,
    },
}

impl EmbeddedError {
    /// Says what we were doing to which path: `.map_err(EmbeddedError::io("open", &path))`.
    pub(super) fn io<E: Into<std::io::Error>>(action: &'static str, path: &Path) -> impl FnOnce(E) -> Self {
        move |error| Self::Io { action, path: path.to_owned(), error: error.into() }
    }
}
