//! Who uses the server: a lock for starting and stopping it, a shared lock of its users, and the fifo that they hold open.

use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, fchown};
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::EmbeddedError;
use super::paths::{ATTACHED, DataDir, HOLDERS, START_LOCK, USERS_LOCK};

/// How often we look whether what we wait for has happened.
pub(super) const TICK: Duration = Duration::from_millis(3);

/// A moment by which something has to have happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    at: Instant,
    pub(super) seconds: u64,
}

impl Deadline {
    pub(super) fn after(seconds: u64) -> Self {
        Self { at: Instant::now() + Duration::from_secs(seconds), seconds }
    }

    /// Waits for a moment; false if it is too late for that.
    pub(super) fn tick(&self) -> bool {
        thread::sleep(TICK);
        Instant::now() < self.at
    }

    fn busy(&self, home: &DataDir) -> EmbeddedError {
        EmbeddedError::Busy { data_dir: home.path.clone(), seconds: self.seconds }
    }
}

pub(super) fn open(path: &Path, flags: OFlags) -> rustix::io::Result<File> {
    // As root we open files in a directory that is somebody else's: never through a link, and never waiting.
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map(File::from)
}

fn lock_file(home: &DataDir, name: &str) -> Result<Option<File>, EmbeddedError> {
    let path = home.join(name);
    let file = match open(&path, OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK) {
        Err(Errno::NOENT) => return Ok(None),
        file => file.map_err(EmbeddedError::io("open", &path))?,
    };
    let metadata = file.metadata().map_err(EmbeddedError::io("look at", &path))?;
    if !metadata.is_file() || metadata.nlink() > 1 {
        let error = std::io::Error::other("it isn't a plain file");
        return Err(EmbeddedError::io("use the lock", &path)(error));
    }
    if home.account.is_other() && metadata.uid() == 0 {
        fchown(&file, Some(home.account.uid), Some(home.account.gid)).map_err(EmbeddedError::io("hand over", &path))?;
    }
    Ok(Some(file))
}

fn wait_for(home: &DataDir, deadline: Deadline, try_lock: impl Fn() -> Result<(), TryLockError>) -> Result<(), EmbeddedError> {
    loop {
        match try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if deadline.tick() => {}
            Err(TryLockError::WouldBlock) => return Err(deadline.busy(home)),
            Err(TryLockError::Error(error)) => return Err(EmbeddedError::io("lock", &home.path)(error)),
        }
    }
}

/// Held by the one process that starts, joins or stops the server.
#[derive(Debug)]
pub(super) struct StartLock {
    file: File,
}

impl StartLock {
    /// Waits for the lock; None if the directory has been removed meanwhile.
    pub(super) fn take(home: &DataDir, deadline: Deadline) -> Result<Option<Self>, EmbeddedError> {
        let Some(file) = lock_file(home, START_LOCK)? else { return Ok(None) };
        wait_for(home, deadline, || file.try_lock())?;
        let lock = Self { file };
        Ok(lock.is_current(home).then_some(lock))
    }

    /// False once the directory has been removed: then this lock locks nothing.
    pub(super) fn is_current(&self, home: &DataDir) -> bool {
        let place = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let there = fs::symlink_metadata(home.join(START_LOCK)).map(place);
        matches!((there, self.file.metadata().map(place)), (Ok(there), Ok(ours)) if there == ours)
    }
}

/// Takes part in the users' lock, which tells the last one out.
pub(super) fn join_users(home: &DataDir, deadline: Deadline) -> Result<Option<File>, EmbeddedError> {
    let Some(file) = lock_file(home, USERS_LOCK)? else { return Ok(None) };
    wait_for(home, deadline, || file.try_lock_shared())?;
    Ok(Some(file))
}

/// Leaves the users' lock; true if nobody else is in it. The caller has the start lock, so that two can't leave at once.
pub(super) fn leave_users(users: &File) -> bool {
    let left = users.unlock();
    left.is_ok() && users.try_lock().is_ok()
}

/// The two ends of the fifo for a new watchdog, which gets the one to read from.
pub(super) fn open_fifo(home: &DataDir) -> Result<(File, File), EmbeddedError> {
    let path = home.join(HOLDERS);
    let fail = |error: Errno| EmbeddedError::io("open", &path)(error);
    if !is_fifo(&path) {
        make_fifo(home, &path)?;
    }
    // Opened for both, a fifo never makes us wait; with it open neither do the others.
    let both = open(&path, OFlags::RDWR | OFlags::NONBLOCK).map_err(fail)?;
    if !both.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return Err(EmbeddedError::io("open", &path)(std::io::Error::other("it isn't a fifo")));
    }
    let reader = open(&path, OFlags::RDONLY).map_err(fail)?;
    let holder = open(&path, OFlags::WRONLY | OFlags::NONBLOCK).map_err(fail)?;
    Ok((reader, holder))
}

fn is_fifo(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

fn make_fifo(home: &DataDir, path: &Path) -> Result<(), EmbeddedError> {
    // By the program, for macOS has no mknodat; and by the server's user, who then owns it.
    let mut mkfifo = home.account.command("/bin/sh");
    mkfifo.args(["-c", "rm -f \"$1\" && mkfifo -m 600 \"$1\"", "sh"]).arg(path).stdin(Stdio::null());
    let output = mkfifo.output().map_err(EmbeddedError::io("run", Path::new("/bin/sh")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(EmbeddedError::io("make the fifo", path)(std::io::Error::other(said)))
}

/// The fifo for writing, if a watchdog reads it.
fn knock(home: &DataDir) -> Option<File> {
    open(&home.join(HOLDERS), OFlags::WRONLY | OFlags::NONBLOCK).ok()
}

/// True if a watchdog reads the fifo.
pub(super) fn is_watched(home: &DataDir) -> bool {
    knock(home).is_some()
}

/// How joining a running server went.
#[derive(Debug)]
pub(super) enum Joined {
    /// The server stays for as long as this is open.
    Held(File),
    /// No watchdog looks after the server.
    Unwatched,
    /// The server is on its way out.
    Leaving,
}

/// Becomes one more holder. A watchdog that has read the fifo's end already will not answer, whoever opens it now.
pub(super) fn hello(home: &DataDir, server_lives: impl Fn() -> bool, deadline: Deadline) -> Result<Joined, EmbeddedError> {
    let Some(mut holder) = knock(home) else { return Ok(Joined::Unwatched) };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let token = format!("{}-{}", std::process::id(), now.as_nanos());
    if let Err(error) = writeln!(holder, "hello {token}") {
        tracing::debug!(%error, "the watchdog has just gone");
        return Ok(Joined::Unwatched);
    }
    loop {
        if answer(home).is_some_and(|answer| answer.trim() == token) {
            return Ok(Joined::Held(holder));
        }
        if !server_lives() {
            return Ok(Joined::Leaving);
        }
        if !is_watched(home) {
            return Ok(Joined::Unwatched);
        }
        if !deadline.tick() {
            return Err(deadline.busy(home));
        }
    }
}

fn answer(home: &DataDir) -> Option<String> {
    let file = open(&home.join(ATTACHED), OFlags::RDONLY | OFlags::NONBLOCK).ok()?;
    let mut text = String::new();
    file.take(256).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Sends a watchdog away that has nothing to watch any more; false if there is none.
pub(super) fn dismiss(home: &DataDir, deadline: Deadline) -> Result<bool, EmbeddedError> {
    let Some(mut holder) = knock(home) else { return Ok(false) };
    if let Err(error) = writeln!(holder, "stop") {
        tracing::debug!(%error, "the watchdog has just gone");
    }
    drop(holder);
    while is_watched(home) {
        if !deadline.tick() {
            return Err(deadline.busy(home));
        }
    }
    Ok(true)
}
