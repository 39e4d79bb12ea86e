//! An end to every wait for the server on this side, too: libpq waits for an answer for as long as the connection stands, and a
//! server that has been stopped, or whose disk has, keeps it standing.
//!
//! One thread of the process looks at the connections of all stores. When a statement is overdue it shuts the connection's socket
//! down; libpq then returns an error, and the connection is thrown away. Which socket is a connection's, Diesel does not say: it
//! is the one that is new since before it was opened and leads to the server. Where that can't be told (no /proc), connections
//! have the server's own timeouts alone.

use super::address::Address;
use nix::sys::socket::{self, AddressFamily, Shutdown, SockaddrIn, SockaddrIn6, SockaddrLike as _, SockaddrStorage};
use std::collections::HashSet;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// How late an overdue statement may be found.
const TICK: Duration = Duration::from_millis(200);

/// What a connection may take beyond libpq's own bound: it sends two statements when it has logged in.
const CONNECT_GRACE: Duration = Duration::from_secs(2);

/// Not due.
const NEVER: u64 = u64::MAX;

/// A socket of this process: its number, which is used again once it is closed, and the kernel's name for it, which is not.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Socket {
    fd: RawFd,
    name: PathBuf,
}

/// The statement under way on one connection.
#[derive(Debug)]
struct Entry {
    /// Gone before libpq closes it.
    socket: Mutex<Option<Socket>>,
    /// Milliseconds since the watch began.
    due: AtomicU64,
    is_cut: AtomicBool,
    longest: Arc<Longest>,
}

/// Keeps watch over one connection, for as long as it is there. Must go before the connection does.
#[derive(Debug)]
pub(crate) struct Watched(Arc<Entry>);

/// The longest that a statement may take, in milliseconds; shared by the connections of a store.
#[derive(Debug)]
pub(crate) struct Longest(AtomicU64);

/// Tells the watch when a statement begins and ends.
#[derive(Debug)]
pub(super) struct Timer(Arc<Entry>);

impl Longest {
    pub(crate) fn new(longest: Option<Duration>) -> Self {
        Self(AtomicU64::new(longest.map_or(NEVER, millis)))
    }

    /// Bounds all statements to this long from now on; those under way have it from now on.
    pub(crate) fn shorten(&self, longest: Duration) {
        self.0.fetch_min(millis(longest), Ordering::Relaxed);
        let (watch, due) = (Watch::get(), self.due());
        let entries: Vec<_> = locked(&watch.work).entries.iter().filter_map(Weak::upgrade).collect();
        for entry in entries.iter().filter(|entry| std::ptr::eq(&raw const *entry.longest, &raw const *self)) {
            let sooner = |set: u64| (set != NEVER).then(|| set.min(due));
            if entry.due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sooner).is_err() {
                tracing::trace!("a connection without a statement");
            }
        }
    }

    fn due(&self) -> u64 {
        Watch::get().now().saturating_add(self.0.load(Ordering::Relaxed))
    }
}

impl Timer {
    pub(super) fn start(&self) {
        // One that is set already is shorter: whoever set it waits less for all of its statements.
        self.0.due.fetch_min(self.0.longest.due(), Ordering::Relaxed);
    }

    pub(super) fn stop(&self) {
        self.0.due.store(NEVER, Ordering::Relaxed);
    }
}

impl Watched {
    pub(super) fn timer(&self) -> Timer {
        Timer(Arc::clone(&self.0))
    }

    /// Gives the next statement no longer than this.
    pub(super) fn within(&self, longest: Duration) {
        self.0.due.store(Watch::get().now().saturating_add(millis(longest)), Ordering::Relaxed);
    }

    /// Whether the connection was given up because the server did not answer.
    pub(super) fn is_cut(&self) -> bool {
        self.0.is_cut.load(Ordering::Relaxed)
    }
}

impl Entry {
    fn cut(&self) {
        self.due.store(NEVER, Ordering::Relaxed);
        if let Some(socket) = locked(&self.socket).take() {
            self.is_cut.store(true, Ordering::Relaxed);
            tracing::warn!("the database does not answer: a statement is given up, and its connection closed");
            socket.shut_down();
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        *locked(&self.0.socket) = None;
    }
}

/// Opens a connection to `address` by `open`, and watches it from its first moment. `None`: the server does not answer, and
/// somebody else is waiting for it already.
pub(super) fn open<T>(address: &Address, longest: &Arc<Longest>, open: impl FnOnce() -> T) -> Option<(T, Watched)> {
    let watch = Watch::get();
    let patience = address.connect_time().map(|time| time + CONNECT_GRACE);
    let turn = watch.turn(address.server(), patience)?;
    let before: HashSet<PathBuf> = sockets().into_iter().map(|socket| socket.name).collect();
    let entry = Arc::new(Entry {
        socket: Mutex::default(),
        due: AtomicU64::new(NEVER),
        is_cut: AtomicBool::new(false),
        longest: Arc::clone(longest),
    });
    let attempt = Arc::new(Attempt {
        before,
        ports: address.ports(),
        paths: address.sockets(),
        due: patience.map_or(NEVER, |patience| watch.now().saturating_add(millis(patience))),
    });
    watch.add(|work| work.attempts.push(Arc::downgrade(&attempt)));
    let opened = open();
    *locked(&entry.socket) = attempt.socket();
    drop((attempt, turn));
    watch.add(|work| work.entries.push(Arc::downgrade(&entry)));
    Some((opened, Watched(entry)))
}

/// A connection that is being opened.
struct Attempt {
    /// The sockets that were there.
    before: HashSet<PathBuf>,
    ports: Vec<u16>,
    /// The sockets on this machine that it may be to.
    paths: Vec<PathBuf>,
    due: u64,
}

impl Attempt {
    /// The one socket that is new and leads to the server. With two nothing is certain: one is somebody else's.
    fn socket(&self) -> Option<Socket> {
        let mut new: Vec<Socket> = sockets().into_iter().filter(|socket| !self.before.contains(&socket.name)).collect();
        new.retain(|socket| self.leads_there(socket));
        if new.len() > 1 {
            // Other servers' sockets have the same name in other folders.
            new.retain(|socket| self.is_named(socket));
        }
        let socket = new.pop();
        if socket.is_none() || !new.is_empty() {
            tracing::debug!("which socket a database connection has can't be told: only the server ends its waits");
            return None;
        }
        socket
    }

    /// Whether the socket leads to the very path of the address, for a Unix socket. A server in a container may know it by
    /// another.
    fn is_named(&self, socket: &Socket) -> bool {
        let Ok(peer) = socket::getpeername::<SockaddrStorage>(socket.fd) else { return false };
        peer.as_unix_addr().and_then(|address| address.path()).is_none_or(|path| self.paths.iter().any(|ours| ours == path))
    }

    fn leads_there(&self, socket: &Socket) -> bool {
        let Ok(peer) = socket::getpeername::<SockaddrStorage>(socket.fd) else { return false };
        match peer.family() {
            Some(AddressFamily::Unix) => {
                let name = peer.as_unix_addr().and_then(|address| address.path()).and_then(|path| path.file_name());
                self.paths.iter().any(|path| name.is_some() && path.file_name() == name)
            }
            _ => {
                let ipv4 = peer.as_sockaddr_in().map(SockaddrIn::port);
                let port = ipv4.or_else(|| peer.as_sockaddr_in6().map(SockaddrIn6::port));
                port.is_some_and(|port| self.ports.contains(&port))
            }
        }
    }
}

/// The sockets of this process. None where there is no /proc.
fn sockets() -> Vec<Socket> {
    let links = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let named = links.filter_map(|link| {
        let name = std::fs::read_link(link.path()).ok()?;
        Some(Socket { fd: link.file_name().to_str()?.parse().ok()?, name })
    });
    named.filter(|socket| socket.name.to_string_lossy().starts_with("socket:")).collect()
}

impl Socket {
    /// Ends the connection under whoever waits for it. The number may be another file's by now if libpq has closed it.
    fn shut_down(&self) {
        if std::fs::read_link(format!("/proc/self/fd/{}", self.fd)).is_ok_and(|name| name == self.name)
            && let Err(error) = socket::shutdown(self.fd, Shutdown::Both)
        {
            tracing::debug!(%error, "a database connection has gone by itself");
        }
    }
}

struct Watch {
    began: Instant,
    work: Mutex<Work>,
    /// The servers that somebody is connecting to: one at a time, or their sockets could not be told apart.
    connecting: Mutex<HashSet<String>>,
    connected: Condvar,
    thread: OnceLock<thread::Thread>,
}

#[derive(Default)]
struct Work {
    entries: Vec<Weak<Entry>>,
    attempts: Vec<Weak<Attempt>>,
}

impl Watch {
    fn get() -> &'static Self {
        static WATCH: OnceLock<Watch> = OnceLock::new();
        let watch = WATCH.get_or_init(|| Self {
            began: Instant::now(),
            work: Mutex::default(),
            connecting: Mutex::default(),
            connected: Condvar::new(),
            thread: OnceLock::new(),
        });
        watch.thread.get_or_init(|| match thread::Builder::new().name("nmc-watch".to_owned()).spawn(|| Self::get().run()) {
            Ok(running) => running.thread().clone(),
            Err(error) => {
                tracing::error!(%error, "nobody watches over the database's answers");
                thread::current()
            }
        });
        watch
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed())
    }

    /// Adds something to look at.
    fn add(&self, add: impl FnOnce(&mut Work)) {
        add(&mut locked(&self.work));
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn run(&self) {
        loop {
            let mut work = locked(&self.work);
            work.entries.retain(|entry| entry.strong_count() > 0);
            work.attempts.retain(|attempt| attempt.strong_count() > 0);
            let entries: Vec<_> = work.entries.iter().filter_map(Weak::upgrade).collect();
            let attempts: Vec<_> = work.attempts.iter().filter_map(Weak::upgrade).collect();
            drop(work);
            if entries.is_empty() && attempts.is_empty() {
                thread::park();
                continue;
            }
            let now = self.now();
            for entry in entries.iter().filter(|entry| entry.due.load(Ordering::Relaxed) <= now) {
                entry.cut();
            }
            for socket in attempts.iter().filter(|attempt| attempt.due <= now).filter_map(|attempt| attempt.socket()) {
                tracing::warn!("the database does not answer: a connection that was being opened is given up");
                socket.shut_down();
            }
            drop((entries, attempts));
            thread::park_timeout(TICK);
        }
    }

    /// The right to connect to a server; `None` if whoever has it is not done within `patience`.
    fn turn(&self, server: String, patience: Option<Duration>) -> Option<Turn<'_>> {
        let connecting = locked(&self.connecting);
        let is_taken = |connecting: &mut HashSet<String>| connecting.contains(&server);
        let mut connecting = match patience {
            None => self.connected.wait_while(connecting, is_taken).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                let (connecting, waited) =
                    self.connected.wait_timeout_while(connecting, patience, is_taken).unwrap_or_else(PoisonError::into_inner);
                if waited.timed_out() {
                    return None;
                }
                connecting
            }
        };
        connecting.insert(server.clone());
        drop(connecting);
        Some(Turn { watch: self, server })
    }
}

/// The right to connect to a server, given back when dropped.
struct Turn<'w> {
    watch: &'w Watch,
    server: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        locked(&self.watch.connecting).remove(&self.server);
        self.watch.connected.notify_all();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER)
}
