//! Against a real server. The other processes are this test program again, as `helper`. Nothing here waits but by polling.

use std::env;
use std::error::Error;
use std::fs::{self, DirBuilder};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::paths::DataDir;
use super::{EmbeddedError, EmbeddedOptions, EmbeddedPostgres};

mod kills;
mod lifecycle;
mod refusals;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A directory of one test, which ends what the test leaves running.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Outcome<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let path = PathBuf::from(format!("/tmp/nmc-it's {}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
        DirBuilder::new().mode(0o755).create(&path)?;
        Ok(Self(path))
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn options(&self) -> EmbeddedOptions {
        EmbeddedOptions { data_dir: Some(self.data()), bin_dir: pg_bin(), fsync: false, ..EmbeddedOptions::default() }
    }

    fn start(&self) -> Result<EmbeddedPostgres, EmbeddedError> {
        EmbeddedPostgres::start(&self.options())
    }

    fn server(&self) -> Option<u32> {
        super::running(&DataDir::prepare(Some(&self.data())).ok()?)
    }

    /// The watchdog's processes: the one that waits for the server, and the one that listens.
    fn watchdogs(&self) -> Vec<u32> {
        let data = self.data();
        let is_ours = |pid: &u32| {
            let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let text = String::from_utf8_lossy(&arguments).into_owned();
            text.contains("nmc-watchdog") && text.contains(&*data.to_string_lossy())
        };
        let pids =
            fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(is_ours).collect()
    }

    fn is_quiet(&self) -> bool {
        self.server().is_none() && self.watchdogs().is_empty()
    }

    /// The server has stopped by now. A watchdog that another process started may need a moment to end after it.
    fn has_stopped(&self) -> Outcome {
        assert_eq!(self.server(), None);
        until("the watchdog ends", || self.watchdogs().is_empty())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for pid in self.watchdogs().into_iter().chain(self.server()) {
            super::process::interrupt(pid);
        }
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) -> Outcome {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > Duration::from_secs(30) {
            return Err(format!("still waiting: {what}").into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn kill(signal: &str, target: impl std::fmt::Display) -> Outcome {
    let status = Command::new("/bin/sh").args(["-c", &format!("kill -{signal} {target}")]).status()?;
    if status.success() { Ok(()) } else { Err(format!("kill -{signal} {target}: {status}").into()) }
}

fn psql(postgres: &EmbeddedPostgres, url: &str) -> Command {
    let beside = postgres.bin_dir().join("psql");
    let mut psql = Command::new(if beside.exists() { beside } else { PathBuf::from("psql") });
    psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url]).stdin(Stdio::null());
    psql
}

fn sql(postgres: &EmbeddedPostgres, statement: &str) -> Outcome<String> {
    let output = psql(postgres, &postgres.url()).args(["-c", statement]).output()?;
    let said = String::from_utf8(if output.status.success() { output.stdout } else { output.stderr })?;
    if output.status.success() { Ok(said.trim().to_owned()) } else { Err(said.into()) }
}

const WRITE: &str = "CREATE TABLE IF NOT EXISTS note (text text); INSERT INTO note VALUES ('kept')";
const READ: &str = "SELECT string_agg(text, ',') FROM note";

/// This program as another process.
fn helper_command(program: &Path) -> Command {
    let module = module_path!().split_once("::").map_or("", |(_, module)| module);
    let mut command = Command::new(program);
    if ignores_interrupts() {
        command = Command::new("/usr/bin/env");
        command.arg("--default-signal=INT").arg(program);
    }
    command.args([&format!("{module}::helper"), "--exact", "--nocapture", "--quiet"]);
    command
}

/// Whether this process ignores SIGINT, as what a script runs in its background does and hands on; where the system tells.
fn ignores_interrupts() -> bool {
    const INT: u64 = 1 << 1;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(|mask| u64::from_str_radix(mask.trim(), 16));
    mask.is_some_and(|mask| mask.is_ok_and(|mask| mask & INT != 0))
}

/// Another process that holds the server.
struct Helper {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Helper {
    fn spawn(role: &str, data: &Path, change: impl FnOnce(&mut Command)) -> Outcome<Self> {
        let mut command = helper_command(&env::current_exe()?);
        command.env("NMC_TEST_ROLE", role).env("NMC_TEST_DATA", data).stdin(Stdio::piped()).stdout(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else { return Err("no pipes".into()) };
        Ok(Self { child, stdin, stdout: BufReader::new(stdout) })
    }

    fn hold(data: &Path) -> Outcome<(Self, bool, u32)> {
        let mut helper = Self::spawn("hold", data, |_| {})?;
        let line = helper.said()?;
        let (attached, pid) = line.split_once(' ').ok_or_else(|| line.clone())?;
        Ok((helper, attached.parse()?, pid.parse()?))
    }

    fn said(&mut self) -> Outcome<String> {
        let mut line = String::new();
        while self.stdout.read_line(&mut line)? > 0 {
            if let Some((_, said)) = line.split_once("@@ ") {
                return Ok(said.trim().to_owned());
            }
            line.clear();
        }
        Err("the helper said nothing".into())
    }

    /// The next thing it says, after which it ends.
    fn last_word(mut self) -> Outcome<String> {
        let said = self.said()?;
        // The test harness in it has a word to say, too.
        self.stdout.read_to_end(&mut Vec::new())?;
        self.child.wait()?;
        Ok(said)
    }

    fn stop(mut self) -> Outcome<String> {
        writeln!(self.stdin, "stop")?;
        self.last_word()
    }

    fn kill(mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

fn pg_bin() -> Option<PathBuf> {
    env::var_os("NMC_PG_BIN").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

/// What the other processes do; as a test of its own it does nothing.
#[test]
fn helper() -> Outcome {
    let (Ok(role), Some(data)) = (env::var("NMC_TEST_ROLE"), env::var_os("NMC_TEST_DATA")) else { return Ok(()) };
    let data_dir = Some(PathBuf::from(data)).filter(|data| !data.as_os_str().is_empty());
    let bin_dir = pg_bin();
    let mut options =
        EmbeddedOptions { data_dir, bin_dir, fsync: false, remove_on_exit: role == "remove", ..EmbeddedOptions::default() };
    if role == "fail" {
        options.settings.push(("shared_buffers".to_owned(), "nonsense".to_owned()));
        let open = || fs::read_dir("/proc/self/fd").map(Iterator::count);
        let before = open()?;
        let error = EmbeddedPostgres::start(&options).err().map_or_else(String::new, |error| error.to_string());
        return say(format_args!("{} {error}", open()? == before));
    }
    match EmbeddedPostgres::start(&options) {
        Err(error) => say(format_args!("error: {error}")),
        Ok(postgres) => {
            say(format_args!("{} {}", postgres.attached(), postgres.server_pid().unwrap_or_default()))?;
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            let stopped = postgres.stop();
            say(format_args!("{stopped:?}"))
        }
    }
}

fn say(what: std::fmt::Arguments<'_>) -> Outcome {
    Ok(writeln!(std::io::stdout(), "\n@@ {what}")?)
}
