//! Is the server alive? Its pid file alone can't tell: the pid may be dead, a zombie, or somebody else's by now.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use super::EmbeddedError;
use super::paths::fnv1a;

/// The facts that a server tells of itself in `postmaster.pid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Postmaster {
    pub(super) pid: u32,
    pub(super) port: u16,
    pub(super) socket_dir: PathBuf,
    pub(super) ready: bool,
}

/// The state of a cluster's directory.
#[derive(Debug)]
pub(super) enum Found {
    /// No pid file: the server was stopped, or hasn't been started.
    Nothing,
    /// The pid file of a server that was killed, with its pid if it can be read.
    Remains(Option<u32>),
    /// A server that lives.
    Running(Postmaster),
}

/// Looks who is in a cluster.
pub(super) fn look(cluster: &Path) -> Result<Found, EmbeddedError> {
    let file = cluster.join("postmaster.pid");
    let text = match fs::read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        text => text.map_err(EmbeddedError::io("read", &file))?,
    };
    Ok(match Postmaster::parse(&text) {
        Some(postmaster) if postmaster.is_alive(cluster) => Found::Running(postmaster),
        dead => Found::Remains(dead.map(|dead| dead.pid)),
    })
}

impl Postmaster {
    /// Lines: pid (negative in single-user mode), directory, start time, port, socket directory, address, memory key, status.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|byte| *byte == b'\n');
        let number = |line: Option<&[u8]>| String::from_utf8_lossy(line.unwrap_or_default()).trim().parse::<i64>().ok();
        let pid = u32::try_from(number(lines.next())?.unsigned_abs()).ok().filter(|pid| *pid > 0)?;
        let port = number(lines.nth(2)).and_then(|port| u16::try_from(port).ok()).unwrap_or(5432);
        let socket_dir = PathBuf::from(std::ffi::OsStr::from_bytes(lines.next().unwrap_or_default()));
        let ready = lines.nth(2).is_some_and(|status| status.starts_with(b"ready"));
        Some(Self { pid, port, socket_dir, ready })
    }

    /// Whether the server's process is there or, for a process that we can't see (a container beside us), its socket answers.
    pub(super) fn is_alive(&self, cluster: &Path) -> bool {
        is_server(self.pid, cluster) || self.answers()
    }

    /// Whether somebody accepts connections on the server's socket.
    pub(super) fn answers(&self) -> bool {
        !self.socket_dir.as_os_str().is_empty()
            && UnixStream::connect(self.socket_dir.join(format!(".s.PGSQL.{}", self.port))).is_ok()
    }
}

/// A process that isn't a zombie.
struct Process {
    /// The process's command line, or what it has put there: `postgres: nmc-0123456789abcdef: nmc nevermisscall [local] SELECT`.
    title: String,
    arguments: Vec<Vec<u8>>,
    /// Where we may know it: as root in a container without `CAP_SYS_PTRACE` another user's is hidden.
    cwd: Option<PathBuf>,
}

impl Process {
    fn is_of(&self, cluster: &Path) -> bool {
        if self.title.starts_with(&format!("postgres: {}: ", cluster_name(cluster))) {
            return true;
        }
        // `postgres`, `.postgres-wrapped`, or a child's title; a server lives in its data directory.
        let program = self.title.split_once(": ").map_or(&*self.title, |(program, _)| program);
        let program = program.split_once(" -D").map_or(program, |(program, _)| program);
        let program = program.rsplit('/').next().unwrap_or_default();
        let named = || self.arguments.iter().any(|argument| argument == cluster.as_os_str().as_bytes());
        (program.contains("postgres") || program.contains("postmaster"))
            && self.cwd.as_ref().map_or_else(named, |cwd| cwd == cluster)
    }
}

/// The name that the processes of a cluster carry in their titles.
pub(super) fn cluster_name(cluster: &Path) -> String {
    format!("nmc-{:016x}", fnv1a(cluster.as_os_str()))
}

/// True if the process is a PostgreSQL server of this cluster.
pub(super) fn is_server(pid: u32, cluster: &Path) -> bool {
    process(pid).is_some_and(|process| process.is_of(cluster))
}

/// True if there is such a process, and it isn't a zombie.
pub(super) fn exists(pid: u32) -> bool {
    process(pid).is_some()
}

#[cfg(target_os = "linux")]
fn process(pid: u32) -> Option<Process> {
    let dir = PathBuf::from(format!("/proc/{pid}"));
    let stat = fs::read(dir.join("stat")).ok()?;
    // pid (name) state …, and the name may hold anything.
    let state = String::from_utf8_lossy(&stat).rsplit(')').next()?.trim_start().chars().next()?;
    if matches!(state, 'Z' | 'X' | 'x') {
        return None;
    }
    let arguments: Vec<Vec<u8>> = fs::read(dir.join("cmdline")).ok()?.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    let title = String::from_utf8_lossy(arguments.first()?).into_owned();
    Some(Process { title, arguments, cwd: fs::read_link(dir.join("cwd")).ok() })
}

/// True if the process has been stopped by a signal, as SIGSTOP or a debugger does.
pub(super) fn is_suspended(pid: u32) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    String::from_utf8_lossy(&stat).rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['T', 't']))
}

#[cfg(target_os = "linux")]
fn processes() -> Vec<(u32, Process)> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, process(pid)?))).collect()
}

#[cfg(not(target_os = "linux"))]
fn process(pid: u32) -> Option<Process> {
    ps(&["-p", &pid.to_string()]).pop().map(|(_, process)| process)
}

#[cfg(not(target_os = "linux"))]
fn processes() -> Vec<(u32, Process)> {
    ps(&["-ax"])
}

#[cfg(not(target_os = "linux"))]
fn ps(which: &[&str]) -> Vec<(u32, Process)> {
    let output = std::process::Command::new("/bin/ps").args(["-ww", "-o", "pid=,stat=,command="]).args(which).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let parse = |line: &str| {
        let (pid, rest) = line.trim().split_once(char::is_whitespace)?;
        let (state, command) = rest.trim_start().split_once(char::is_whitespace)?;
        let title = command.trim().to_owned();
        // Arguments aren't told apart here: what follows -D is taken up to the next option.
        let directory =
            title.split_once(" -D ").map(|(_, rest)| rest.split_once(" -c ").map_or(rest, |(directory, _)| directory));
        let arguments = directory.into_iter().map(|directory| directory.as_bytes().to_vec()).collect();
        (!state.starts_with('Z')).then_some((pid.parse().ok()?, Process { title, arguments, cwd: None }))
    };
    text.lines().filter_map(parse).collect()
}

/// Kills what a killed server has left running: a backend in the middle of a long query notices only at its end, and until then
/// its shared memory keeps a new server from starting.
pub(super) fn kill_leftovers(cluster: &Path) {
    for (pid, _) in processes().into_iter().filter(|(_, process)| process.is_of(cluster)) {
        tracing::warn!(pid, "ending a process of the killed server");
        signal(pid, Signal::KILL);
    }
}

/// Asks a server for a fast stop.
pub(super) fn interrupt(pid: u32) {
    signal(pid, Signal::INT);
}

fn signal(pid: u32, signal: Signal) {
    let Some(target) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    if let Err(error) = kill_process(target, signal) {
        tracing::debug!(pid, %error, "the process is gone");
    }
}
