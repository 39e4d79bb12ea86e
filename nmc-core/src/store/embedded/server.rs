//! Starts the server under its watchdog, or joins one that runs.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;

use super::holders::{self, Deadline, Joined, StartLock};
use super::paths::{DataDir, SOCKET};
use super::process::{self, Found, Postmaster};
use super::programs;
use super::{EmbeddedError, EmbeddedOptions, cluster, log};

/// How long others may take to start or stop the server.
const OTHERS: u64 = 150;
/// How long a server may take that was stopped properly.
const CLEAN_START: u64 = 30;
/// How long a server may take that has to recover.
const RECOVERY: u64 = 120;

/// The settings for a small server beside one application. What is logged never holds data: no statements, no details, no errors
/// (the client gets those), only what the server says about itself.
const SETTINGS: [(&str, &str); 22] = [
    ("listen_addresses", ""),
    ("port", "5432"),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "64"),
    ("shared_buffers", "64MB"),
    ("jit", "off"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("wal_compression", "on"),
    ("min_wal_size", "32MB"),
    ("max_wal_size", "512MB"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_statement", "none"),
    ("log_min_messages", "log"),
    ("log_min_error_statement", "panic"),
    ("log_min_duration_statement", "-1"),
    ("log_error_verbosity", "terse"),
    ("log_autovacuum_min_duration", "-1"),
    ("log_checkpoints", "off"),
    ("log_connections", "off"),
    ("lc_messages", "C"),
];

/// Tests throw their data away; what survives the kill of a process is the same with these, what survives a power cut is not.
const UNSAFE_SETTINGS: [(&str, &str); 2] = [("fsync", "off"), ("full_page_writes", "off")];

/// A server that we hold.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) holder: File,
    pub(super) users: File,
    /// The watchdog, if we have started it, or had to give it a new one.
    pub(super) watchdog: Option<Child>,
    pub(super) bin_dir: PathBuf,
    pub(super) postmaster: Postmaster,
    pub(super) attached: bool,
}

/// Starts or joins the server. None if the directory is removed under our hands: begin again.
pub(super) fn obtain(home: &DataDir, options: &EmbeddedOptions) -> Result<Option<Held>, EmbeddedError> {
    let deadline = Deadline::after(OTHERS);
    let Some(lock) = StartLock::take(home, deadline)? else { return Ok(None) };
    let Some(users) = holders::join_users(home, deadline)? else { return Ok(None) };
    let cluster = home.cluster();
    loop {
        match process::look(&cluster)? {
            Found::Running(postmaster) => match attach(home, options, &postmaster, deadline)? {
                Some((holder, watchdog, postmaster)) => {
                    let bin_dir = bin_dir_of(home, options, &cluster)?;
                    return Ok(Some(Held { holder, users, watchdog, bin_dir, postmaster, attached: true }));
                }
                None if deadline.tick() => {}
                None => return Err(EmbeddedError::Busy { data_dir: home.path.clone(), seconds: OTHERS }),
            },
            Found::Nothing | Found::Remains(_) if holders::dismiss(home, deadline)? => {}
            Found::Nothing | Found::Remains(_) if !lock.is_current(home) => return Ok(None),
            found => return launch(home, options, users, &found).map(Some),
        }
    }
}

type Attached = (File, Option<Child>, Postmaster);

/// Joins a running server; None if it is on its way out.
fn attach(
    home: &DataDir,
    options: &EmbeddedOptions,
    server: &Postmaster,
    deadline: Deadline,
) -> Result<Option<Attached>, EmbeddedError> {
    let cluster = home.cluster();
    let (holder, watchdog) = match holders::hello(home, || server.is_alive(&cluster), deadline)? {
        Joined::Held(holder) => (holder, None),
        Joined::Leaving => return Ok(None),
        Joined::Unwatched => {
            let watchdog = Watchdog::spawn(home, options, &server.socket_dir, &Job::TakeOver(server.pid))?;
            (watchdog.holder, Some(watchdog.child))
        }
    };
    match await_ready(home, server.pid, None, Deadline::after(RECOVERY)) {
        Ok(Some(postmaster)) => Ok(Some((holder, watchdog, postmaster))),
        other => {
            drop(holder);
            reap(watchdog);
            other.map(|_| None)
        }
    }
}

/// The programs of a running server, from the command line it keeps in its directory.
fn bin_dir_of(home: &DataDir, options: &EmbeddedOptions, cluster: &Path) -> Result<PathBuf, EmbeddedError> {
    let line = fs::read_to_string(cluster.join("postmaster.opts")).unwrap_or_default();
    let program = line.split(" \"").next().map(Path::new).filter(|program| program.is_absolute());
    match program.and_then(Path::parent) {
        Some(bin_dir) => Ok(bin_dir.to_owned()),
        None => Ok(programs::find(home, options.bin_dir.as_deref(), cluster::made_by(home)?)?.bin_dir),
    }
}

/// Starts the server over what has been found.
fn launch(home: &DataDir, options: &EmbeddedOptions, users: File, found: &Found) -> Result<Held, EmbeddedError> {
    let made_by = cluster::made_by(home)?;
    let programs = programs::find(home, options.bin_dir.as_deref(), made_by)?;
    cluster::remove_unfinished(home);
    if made_by.is_none() {
        cluster::init(home, &programs, options.fsync)?;
    }
    let bin_dir = programs.bin_dir;
    let socket_dir = home.prepare_socket_dir()?;
    let (killed, stale_pid) = match found {
        Found::Remains(pid) => (true, tidy_up(home, *pid)?),
        _ => (false, None),
    };
    clear_socket(&socket_dir)?;
    log::rotate(home);
    let patience = Deadline::after(if killed { RECOVERY } else { CLEAN_START });
    loop {
        let from = log::length(home);
        let Watchdog { holder, mut child, server } =
            Watchdog::spawn(home, options, &socket_dir, &Job::Start { bin_dir: &bin_dir, stale_pid })?;
        let outcome = await_ready(home, server, Some(&mut child), patience);
        match outcome {
            Ok(Some(postmaster)) => {
                return Ok(Held { holder, users, watchdog: Some(child), bin_dir, postmaster, attached: false });
            }
            // What is left of a killed server's shared memory goes in a moment.
            Ok(None) if killed && patience.tick() => {
                holders::dismiss(home, patience)?;
                reap(Some(child));
            }
            outcome => {
                let detail = log::tail(home, from).unwrap_or_else(|| "it said nothing".to_owned());
                drop(holder);
                reap(Some(child));
                return Err(outcome.err().unwrap_or_else(|| EmbeddedError::Start { detail, log: home.log() }));
            }
        }
    }
}

/// After a kill of the server: ends its children. A pid file that can't be read names nobody, and the server refuses to start with
/// it; one that can be read stays, since it leads the server to the shared memory of the one before.
fn tidy_up(home: &DataDir, pid: Option<u32>) -> Result<Option<u32>, EmbeddedError> {
    let cluster = home.cluster();
    process::kill_leftovers(&cluster);
    if pid.is_none() {
        let file = cluster.join("postmaster.pid");
        fs::remove_file(&file).map_err(EmbeddedError::io("remove", &file))?;
    }
    Ok(pid)
}

/// Removes the socket of a killed server and its lock.
fn clear_socket(socket_dir: &Path) -> Result<(), EmbeddedError> {
    let socket = socket_dir.join(SOCKET);
    if UnixStream::connect(&socket).is_ok() {
        let found = "has the socket of a server that isn't this directory's".to_owned();
        return Err(EmbeddedError::SocketDir { socket_dir: socket_dir.to_owned(), found });
    }
    for file in [socket, socket_dir.join(format!("{SOCKET}.lock"))] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(EmbeddedError::io("remove", &file)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Waits until the server says so in its pid file and answers on its socket. None if it ends instead.
fn await_ready(
    home: &DataDir,
    pid: u32,
    mut watchdog: Option<&mut Child>,
    deadline: Deadline,
) -> Result<Option<Postmaster>, EmbeddedError> {
    let cluster = home.cluster();
    loop {
        let server = match process::look(&cluster)? {
            Found::Running(server) if server.pid == pid => Some(server),
            _ => None,
        };
        let ended = match &mut watchdog {
            // At first it has no pid file, and isn't even a server yet.
            Some(child) => !process::exists(pid) || !matches!(child.try_wait(), Ok(None)),
            None => server.is_none(),
        };
        if let Some(server) = server.filter(|server| server.ready && server.answers()) {
            return Ok(Some(server));
        }
        if ended {
            return Ok(None);
        }
        if !deadline.tick() {
            return Err(EmbeddedError::NotReady { seconds: deadline.seconds, log: home.log() });
        }
    }
}

enum Job<'a> {
    /// Start the server from these programs, over what the killed one with this pid has left.
    Start { bin_dir: &'a Path, stale_pid: Option<u32> },
    /// Look after the one with this pid, whose watchdog was killed.
    TakeOver(u32),
}

struct Watchdog {
    holder: File,
    child: Child,
    /// The server's pid.
    server: u32,
}

impl Watchdog {
    fn spawn(home: &DataDir, options: &EmbeddedOptions, socket_dir: &Path, job: &Job<'_>) -> Result<Self, EmbeddedError> {
        let shell = Path::new("/bin/sh");
        let (reader, holder) = holders::open_fifo(home)?;
        let mut command = home.account.command(shell);
        command.arg("-c").arg(include_str!("watchdog.sh")).arg("nmc-watchdog").arg(&home.path).arg(socket_dir);
        command.arg(if options.remove_on_exit { "remove" } else { "keep" });
        match *job {
            Job::TakeOver(pid) => {
                command.arg(pid.to_string());
            }
            Job::Start { bin_dir, stale_pid } => {
                command.arg("").arg(bin_dir.join("postgres")).arg("-D").arg(home.cluster());
                command.arg("-c").arg(socket_setting(socket_dir));
                command.arg("-c").arg(format!("cluster_name={}", process::cluster_name(&home.cluster())));
                let (safe, fast) = if options.fsync { (Some(("fsync", "on")), None) } else { (None, Some(UNSAFE_SETTINGS)) };
                for (name, value) in SETTINGS.into_iter().chain(safe).chain(fast.into_iter().flatten()) {
                    command.arg("-c").arg(format!("{name}={value}"));
                }
                for (name, value) in &options.settings {
                    command.arg("-c").arg(format!("{name}={value}"));
                }
                if let Some(pid) = stale_pid {
                    // The server then takes a pid file with this pid for a stale one, even if the pid is a zombie's or a stranger's,
                    // and still looks after the shared memory it names. pg_ctl's own means, for a pid file that names its parent.
                    command.env("PG_GRANDPARENT_PID", pid.to_string());
                }
            }
        }
        // A group of its own, so that Ctrl-C is for us alone.
        command.process_group(0).stdin(reader).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(EmbeddedError::io("run", shell))?;
        // The command still has the reading end, which has to be the watchdog's alone.
        drop(command);
        let mut line = String::new();
        let read = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        if let Some(Err(error)) = read {
            tracing::debug!(%error, "no word from the watchdog");
        }
        // Without a word it ends at once, and the caller sees that: nobody has the pid 0.
        let server = line.trim().parse().unwrap_or(0);
        Ok(Self { holder, child, server })
    }
}

/// A list of directories, in which commas and quotes mean something outside quotes.
fn socket_setting(socket_dir: &Path) -> OsString {
    let mut setting = b"unix_socket_directories=\"".to_vec();
    setting.extend(socket_dir.as_os_str().as_bytes().iter().flat_map(|byte| vec![*byte; if *byte == b'"' { 2 } else { 1 }]));
    setting.push(b'"');
    OsString::from_vec(setting)
}

/// Waits for a watchdog that ends, elsewhere, so that no zombie is left.
pub(super) fn reap(child: Option<Child>) {
    let Some(mut child) = child else { return };
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    let waiting = thread::Builder::new().name("nmc-postgres".to_owned()).spawn(move || child.wait());
    if let Err(error) = waiting {
        tracing::warn!(%error, "nobody waits for the server's watchdog");
    }
}
