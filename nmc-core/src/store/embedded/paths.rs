//! Where things are: the data directory, and the socket directory in it or, if its path is too long for a socket, under /tmp.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use super::EmbeddedError;
use super::account::{self, Account};

/// The file name of the server's socket; its port is fixed, since each server has a directory of its own.
pub(super) const SOCKET: &str = ".s.PGSQL.5432";
/// The longest path a Unix socket can have on Linux; macOS and the BSDs allow 103.
const LONGEST_SOCKET: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The lock that is there from the first moment on, and so tells a directory of ours.
pub(super) const START_LOCK: &str = "start.lock";
/// Shared by all who use the server.
pub(super) const USERS_LOCK: &str = "users.lock";
/// The fifo that every user of the server holds open.
pub(super) const HOLDERS: &str = "holders";
/// The socket at which the watchdog answers who says hello.
pub(super) const ATTACHED: &str = "attached";
const CLUSTER: &str = "pg";
const SOCKETS: &str = "run";

/// The data directory if nobody names one: `/var/lib/nmc` as root, else `$XDG_DATA_HOME/nmc` or `~/.local/share/nmc`.
///
/// # Errors
/// [`EmbeddedError::NoHome`] without either variable.
pub fn default_data_dir() -> Result<PathBuf, EmbeddedError> {
    if account::is_root() {
        return Ok(PathBuf::from("/var/lib/nmc"));
    }
    // The XDG specification wants relative paths ignored.
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    Ok(data.ok_or(EmbeddedError::NoHome)?.join("nmc"))
}

/// A data directory that exists, is private, and belongs to the user who runs the server.
#[derive(Debug, Clone)]
pub(super) struct DataDir {
    pub(super) path: PathBuf,
    pub(super) account: Account,
}

impl DataDir {
    /// Makes the directory if need be.
    pub(super) fn prepare(wanted: Option<&Path>) -> Result<Self, EmbeddedError> {
        let wanted = match wanted {
            Some(path) => std::path::absolute(path).map_err(EmbeddedError::io("find", path))?,
            None => default_data_dir()?,
        };
        let (ours, empty) = match contents(&wanted) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create(&wanted)?;
                (false, true)
            }
            found => found.map_err(EmbeddedError::io("read the directory", &wanted))?,
        };
        // Looked at after its contents: another nmc hands a new directory over before it puts anything in.
        let path = fs::canonicalize(&wanted).map_err(EmbeddedError::io("find", &wanted))?;
        let metadata = fs::metadata(&path).map_err(EmbeddedError::io("look at", &path))?;
        if !ours && !empty {
            return Err(EmbeddedError::NotOurs { data_dir: path });
        }
        let account = account_for(&path, &metadata, empty)?;
        if let Some(closed) = account.shut_out(&path)? {
            return Err(EmbeddedError::Unreachable { user: account.name.clone(), closed: closed.to_owned() });
        }
        if metadata.mode() & 0o077 != 0 {
            fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(EmbeddedError::io("close to others", &path))?;
        }
        Ok(Self { path, account })
    }

    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The server's own files, PGDATA.
    pub(super) fn cluster(&self) -> PathBuf {
        self.join(CLUSTER)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.join("postgres.log")
    }

    /// The directory where the server's socket belongs: inside, if the path is short enough.
    pub(super) fn socket_dir(&self) -> PathBuf {
        let inside = self.join(SOCKETS);
        if inside.join(SOCKET).as_os_str().len() <= LONGEST_SOCKET {
            return inside;
        }
        PathBuf::from(format!("/tmp/nmc-{}-{:016x}", self.account.uid, fnv1a(self.path.as_os_str())))
    }

    /// Makes the socket directory, or makes sure that the one there can't be anybody else's: every login is trusted in it.
    pub(super) fn prepare_socket_dir(&self) -> Result<PathBuf, EmbeddedError> {
        let dir = self.socket_dir();
        let refuse = |found: String| EmbeddedError::SocketDir { socket_dir: dir.clone(), found };
        match DirBuilder::new().mode(0o700).create(&dir) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(EmbeddedError::io("make the directory", &dir)(error));
            }
            _ => {}
        }
        let found = fs::symlink_metadata(&dir).map_err(EmbeddedError::io("look at", &dir))?;
        if !found.is_dir() {
            return Err(refuse("isn't a directory".to_owned()));
        }
        let root_made_it = self.account.is_other() && found.uid() == 0;
        if found.uid() != self.account.uid && !root_made_it {
            return Err(refuse(format!("belongs to {}", account::user_name(found.uid()))));
        }
        if found.mode() & 0o077 != 0 {
            return Err(refuse("is open to other users".to_owned()));
        }
        if root_made_it {
            hand_over(&dir, &self.account)?;
        }
        Ok(dir)
    }

    /// Makes what has been written into the directory itself last.
    pub(super) fn sync(&self) -> Result<(), EmbeddedError> {
        fs::File::open(&self.path).and_then(|dir| dir.sync_all()).map_err(EmbeddedError::io("write to disk", &self.path))
    }

    /// Removes all that is ours, and the directory if nothing else is left in it.
    pub(super) fn remove(&self) {
        let sockets = self.socket_dir();
        if !sockets.starts_with(&self.path) {
            log_failure(fs::remove_dir_all(&sockets), &sockets);
        }
        let Ok(entries) = fs::read_dir(&self.path) else { return };
        for entry in entries.flatten().filter(|entry| is_ours(&entry.file_name())) {
            let path = entry.path();
            let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
            log_failure(if is_dir { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }, &path);
        }
        log_failure(fs::remove_dir(&self.path), &self.path);
    }
}

fn log_failure(outcome: std::io::Result<()>, path: &Path) {
    match outcome {
        Err(error) if error.kind() != ErrorKind::NotFound => tracing::warn!(path = %path.display(), %error, "could not remove"),
        _ => {}
    }
}

fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    [CLUSTER, SOCKETS, START_LOCK, USERS_LOCK, HOLDERS, ATTACHED].contains(&&*name)
        || name.starts_with("pg.init")
        || name.starts_with("postgres.log")
}

/// Whether the directory holds data of ours, and whether it is empty; a volume's lost+found is nothing.
fn contents(dir: &Path) -> std::io::Result<(bool, bool)> {
    let (mut ours, mut empty) = (false, true);
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        ours |= name == START_LOCK || (name == CLUSTER && dir.join(CLUSTER).join("PG_VERSION").exists());
        empty &= name == "lost+found";
    }
    Ok((ours, empty))
}

/// Makes the directory, private, and its missing parents. As root the parents are open: the server's user has to get through.
fn create(dir: &Path) -> Result<(), EmbeddedError> {
    let mut missing: Vec<&Path> = dir.ancestors().skip(1).take_while(|parent| !parent.exists()).collect();
    missing.reverse();
    let root = account::is_root();
    for parent in missing {
        make(parent, if root { 0o755 } else { 0o700 })?;
        if root {
            // Whatever the umask.
            fs::set_permissions(parent, Permissions::from_mode(0o755)).map_err(EmbeddedError::io("open to others", parent))?;
        }
    }
    make(dir, 0o700)
}

fn make(dir: &Path, mode: u32) -> Result<(), EmbeddedError> {
    match DirBuilder::new().mode(mode).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(EmbeddedError::io("make the directory", dir)(error)),
        _ => Ok(()),
    }
}

/// The account that runs the server on this directory. As root a new or empty directory changes hands.
fn account_for(path: &Path, metadata: &Metadata, empty: bool) -> Result<Account, EmbeddedError> {
    let other_owner =
        |user: String| EmbeddedError::OtherOwner { data_dir: path.to_owned(), owner: account::user_name(metadata.uid()), user };
    if !account::is_root() {
        let own = Account::own();
        return if metadata.uid() == own.uid { Ok(own) } else { Err(other_owner(own.name)) };
    }
    if metadata.uid() != 0 {
        return Ok(Account::of_owner(metadata.uid(), metadata.gid()));
    }
    let account = Account::for_root()?;
    if !empty {
        return Err(other_owner(account.name));
    }
    hand_over(path, &account)?;
    Ok(account)
}

fn hand_over(path: &Path, account: &Account) -> Result<(), EmbeddedError> {
    lchown(path, Some(account.uid), Some(account.gid)).map_err(EmbeddedError::io("hand over", path))
}

/// FNV-1a: the same in every build, unlike std's hasher.
pub(super) fn fnv1a(text: &OsStr) -> u64 {
    text.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
