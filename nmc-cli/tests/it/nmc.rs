//! The program, run with arguments; what it says, and how it ends.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_nmc");

/// How long anything may take, on a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Where the data is and what else is set, for any number of runs.
#[derive(Clone)]
pub(crate) struct Nmc {
    settings: Vec<(OsString, OsString)>,
}

impl Nmc {
    /// With nothing set. What a developer has in the environment stays out of it.
    pub(crate) fn bare() -> Self {
        Self { settings: Vec::new() }.with("NMC_BIND", "127.0.0.1:0")
    }

    /// On the database at `url`.
    pub(crate) fn on(url: impl Into<OsString>) -> Self {
        Self::bare().with("DATABASE_URL", url)
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.into(), value.into()));
        self
    }

    /// A program that sees what nmc would see.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = hearing_interrupts(program);
        // Where programs are is the machine's to say; nowhere is there a place for data that a run could fall back to.
        let inherited = ["PATH", "NMC_PG_BIN"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        command.env_clear().envs(inherited).env("HOME", "/nonexistent").stdin(Stdio::null());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::by(self.command(PROGRAM).args(arguments))
    }

    /// Runs it to its end, with this on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Said {
        use std::io::Write as _;
        let mut command = self.command(PROGRAM);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a program that runs");
        // What is refused before it is read may leave nobody to read it.
        let written = child.stdin.take().expect("its input").write_all(input.as_bytes());
        assert!(written.is_ok() || matches!(child.wait(), Ok(status) if !status.success()), "nobody read");
        let output = child.wait_with_output().expect("its end");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Said::new(output.status, text(output.stdout), text(output.stderr))
    }

    /// Starts it and lets it run.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        Running::new(self.command(PROGRAM).args(arguments))
    }
}

/// A program that Ctrl-C reaches, even if the tests ignore it: what a script runs in its background does, and hands that on.
fn hearing_interrupts(program: &str) -> Command {
    if !ignores_interrupts() {
        return Command::new(program);
    }
    let mut command = Command::new("/usr/bin/env");
    command.args(["--default-signal=INT", program]);
    command
}

/// Whether this process ignores SIGINT, where the system tells.
fn ignores_interrupts() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(|mask| u64::from_str_radix(mask.trim(), 16));
    mask.is_some_and(|mask| mask.expect("a mask") >> (Signal::INT.as_raw() - 1) & 1 == 1)
}

/// What a run said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn by(command: &mut Command) -> Self {
        let output = command.output().expect("a program that runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { status: output.status, out: text(output.stdout), err: text(output.stderr) }
    }

    pub(crate) const fn new(status: ExitStatus, out: String, err: String) -> Self {
        Self { status, out, err }
    }

    /// Killed by this signal.
    #[track_caller]
    pub(crate) fn killed_by(self, signal: Signal) -> Self {
        assert_eq!(self.status.signal(), Some(signal.as_raw()), "{self:#?}");
        self
    }

    /// With this exit code.
    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self:#?}");
        assert!(!self.err.contains("panicked"), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }

    /// With this exit code, one line of complaint that says this, and no data.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, why: &str) -> Self {
        let said = self.code(code);
        assert!(said.err.contains(why), "not {why:?}: {said:#?}");
        assert_eq!(said.out, "", "{said:#?}");
        said
    }

    /// Its data.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let said = self.ok();
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:#?}"))
    }
}

/// A run under way; killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    out: Pipe,
    err: Pipe,
}

impl Running {
    pub(crate) fn new(command: &mut Command) -> Self {
        // A process group of its own, as a terminal gives it one.
        let mut child =
            command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a program that runs");
        let out = Pipe::of(child.stdout.take().expect("its output"));
        let err = Pipe::of(child.stderr.take().expect("its talk"));
        Self { child, out, err }
    }

    /// Waits until it has said this on standard error, and returns the line.
    #[track_caller]
    pub(crate) fn says(&self, what: &str) -> String {
        self.err.wait_for(what)
    }

    /// Waits until it has printed this on standard output, and returns the line.
    #[track_caller]
    pub(crate) fn prints(&self, what: &str) -> String {
        self.out.wait_for(what)
    }

    /// Waits until it listens, and returns where, like `http://127.0.0.1:4711`.
    #[track_caller]
    pub(crate) fn address(&self) -> String {
        self.says("listening on ").trim_start_matches("listening on ").to_owned()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a process to signal");
    }

    /// What a terminal does at Ctrl-C: everybody in the group hears it.
    pub(crate) fn interrupt(&self) {
        kill_process_group(self.pid(), Signal::INT).expect("a group to signal");
    }

    /// Kills it outright.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a process to kill");
        assert_eq!(self.child.wait().expect("its end").signal(), Some(Signal::KILL.as_raw()));
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Said {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() {
            assert!(Instant::now() < deadline, "it doesn't end");
            std::thread::sleep(Duration::from_millis(2));
        }
        let status = self.child.wait().expect("its end");
        Said { status, out: self.out.rest(), err: self.err.rest() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// What comes out of a pipe, as it comes.
struct Pipe {
    text: Arc<(Mutex<String>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Pipe {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let text: Arc<(Mutex<String>, Condvar)> = Arc::default();
        let written = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = String::new();
            while pipe.read_line(&mut line).is_ok_and(|length| length > 0) {
                written.0.lock().unwrap_or_else(PoisonError::into_inner).push_str(&line);
                written.1.notify_all();
                line.clear();
            }
        });
        Self { text, reader: Some(reader) }
    }

    #[track_caller]
    fn wait_for(&self, what: &str) -> String {
        let text = self.text.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (text, waited) =
            self.text.1.wait_timeout_while(text, PATIENCE, |text| !text.contains(what)).unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "never said {what:?}: {text}");
        text.lines().find(|line| line.contains(what)).unwrap_or_default().to_owned()
    }

    fn rest(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("a pipe read to its end");
        }
        self.text.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The names of all migrations, oldest first.
pub(crate) fn migrations() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let entries = std::fs::read_dir(folder).expect("the migrations").map(|entry| entry.expect("an entry"));
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}
