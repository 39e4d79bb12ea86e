//! Against a real server. The other processes are this test program again, as `helper`. Nothing here waits but by polling.

use std::env;
use std::error::Error;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::account::is_root;
use super::paths::DataDir;
use super::process::Postmaster;
use super::{EmbeddedError, EmbeddedOptions, EmbeddedPostgres, percent_encode, programs};

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
        EmbeddedOptions { data_dir: Some(self.data()), fsync: false, ..EmbeddedOptions::default() }
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
    let mut psql = Command::new(postgres.bin_dir().join("psql"));
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

/// Another process that holds the server.
struct Helper {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Helper {
    fn spawn(role: &str, data: &Path, change: impl FnOnce(&mut Command)) -> Outcome<Self> {
        let module = module_path!().split_once("::").map_or("", |(_, module)| module);
        let mut command = Command::new(env::current_exe()?);
        command.args([&format!("{module}::helper"), "--exact", "--nocapture", "--quiet"]);
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

    fn stop(mut self) -> Outcome<String> {
        writeln!(self.stdin, "stop")?;
        let said = self.said()?;
        self.child.wait()?;
        Ok(said)
    }

    fn kill(mut self) -> Outcome {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

/// What the other processes do; as a test of its own it does nothing.
#[test]
fn helper() -> Outcome {
    let (Ok(role), Some(data)) = (env::var("NMC_TEST_ROLE"), env::var_os("NMC_TEST_DATA")) else { return Ok(()) };
    let data_dir = Some(PathBuf::from(data)).filter(|data| !data.as_os_str().is_empty());
    let mut options = EmbeddedOptions { data_dir, fsync: false, remove_on_exit: role == "remove", ..EmbeddedOptions::default() };
    if role == "fail" {
        options.settings.push(("shared_buffers".to_owned(), "nonsense".to_owned()));
        let open = || fs::read_dir("/proc/self/fd").map(Iterator::count);
        let before = open()?;
        let error = EmbeddedPostgres::start(&options).err().map_or_else(String::new, |error| error.to_string());
        println!("\n@@ {} {error}", open()? == before);
        return Ok(());
    }
    match EmbeddedPostgres::start(&options) {
        Err(error) => println!("\n@@ error: {error}"),
        Ok(postgres) => {
            println!("\n@@ {} {}", postgres.attached(), postgres.server_pid().unwrap_or_default());
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            let stopped = postgres.stop();
            println!("\n@@ {stopped:?}");
        }
    }
    Ok(())
}

#[test]
fn starts_and_starts_again_durably() -> Outcome {
    let scratch = Scratch::new()?;
    let options = EmbeddedOptions { fsync: true, ..scratch.options() };
    fs::create_dir(scratch.0.join("elsewhere"))?;
    let begin = Instant::now();
    let postgres = EmbeddedPostgres::start(&options)?;
    let first = begin.elapsed();
    assert!(!postgres.attached());
    let who = "SELECT current_user, rolsuper, rolcreaterole, rolcreatedb, pg_get_userbyid(datdba), current_setting('fsync'), \
               current_setting('synchronous_commit'), current_setting('server_encoding'), datcollate, current_setting('listen_addresses') \
               FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()";
    assert_eq!(sql(&postgres, who)?, "nmc|f|t|f|nmc|on|on|UTF8|C|");
    sql(&postgres, WRITE)?;
    let secret = sql(&postgres, "SELECT '+15551234567'::integer");
    assert!(secret.is_err());
    sql(&postgres, "CREATE UNIQUE INDEX ON note (text)")?;
    assert!(sql(&postgres, "INSERT INTO note VALUES ('kept')").is_err());
    let log = fs::read_to_string(scratch.data().join("postgres.log"))?;
    assert!(!log.contains("5551234567") && !log.contains("kept"), "{log}");
    let superuser = psql(&postgres, &postgres.superuser_url("postgres")).args(["-c", "SELECT current_user"]).output()?;
    assert_eq!(superuser.stdout, b"postgres\n");
    let socket_dir = postgres.socket_dir().to_owned();
    let begin = Instant::now();
    postgres.stop()?;
    let stop = begin.elapsed();
    assert!(scratch.is_quiet() && !scratch.data().join("pg/postmaster.pid").exists());
    assert_eq!(fs::metadata(socket_dir)?.mode() & 0o777, 0o700);

    let begin = Instant::now();
    let postgres = EmbeddedPostgres::start(&options)?;
    eprintln!("first start {first:?}, stop {stop:?}, next start {:?}", begin.elapsed());
    assert_eq!(sql(&postgres, READ)?, "kept");
    let uid = postgres.server_pid().and_then(|pid| fs::metadata(format!("/proc/{pid}")).ok()).map(|process| process.uid());
    assert_eq!(uid, Some(fs::metadata(scratch.data())?.uid()));
    assert_ne!(uid, Some(0));
    Ok(())
}

#[test]
fn a_second_process_joins_and_keeps_the_server() -> Outcome {
    let scratch = Scratch::new()?;
    let first = scratch.start()?;
    let pid = first.server_pid();
    let (helper, attached, joined) = Helper::hold(&scratch.data())?;
    assert!(attached && Some(joined) == pid);
    let same_process = scratch.start()?;
    assert!(same_process.attached() && same_process.bin_dir() == first.bin_dir() && same_process.url() == first.url());
    first.stop()?;
    drop(same_process);
    assert_eq!(scratch.server(), pid);
    assert_eq!(helper.stop()?, "Ok(())");
    assert!(scratch.is_quiet());
    Ok(())
}

#[test]
fn stops_when_its_holder_is_killed() -> Outcome {
    let scratch = Scratch::new()?;
    let (helper, ..) = Helper::hold(&scratch.data())?;
    let postgres = scratch.start()?;
    sql(&postgres, WRITE)?;
    drop(postgres);
    assert!(scratch.server().is_some());
    helper.kill()?;
    until("the server stops", || scratch.is_quiet())?;
    let log = fs::read_to_string(scratch.data().join("postgres.log"))?;
    assert!(log.trim_end().ends_with("database system is shut down"), "{log}");
    assert_eq!(sql(&scratch.start()?, READ)?, "kept");
    Ok(())
}

#[test]
fn ctrl_c_reaches_the_holder_and_not_the_server() -> Outcome {
    let scratch = Scratch::new()?;
    let mut helper = Helper::spawn("hold", &scratch.data(), |command| {
        command.process_group(0);
    })?;
    helper.said()?;
    let postgres = scratch.start()?;
    kill("INT", format!("-{}", helper.child.id()))?;
    helper.child.wait()?;
    sql(&postgres, WRITE)?;
    Ok(())
}

/// The watchdog may be reading the fifo's end at any moment of this.
#[test]
fn joins_or_starts_afresh_while_the_server_stops() -> Outcome {
    let scratch = Scratch::new()?;
    let mut kept = 0;
    for pause in [0, 0, 0, 1, 2, 4, 8, 16, 32, 64] {
        let (helper, ..) = Helper::hold(&scratch.data())?;
        helper.kill()?;
        thread::sleep(Duration::from_millis(pause));
        sql(&scratch.start()?, WRITE)?;
        kept += 1;
    }
    assert_eq!(sql(&scratch.start()?, "SELECT count(*) FROM note")?, kept.to_string());
    Ok(())
}

#[test]
fn recovers_from_a_killed_server_with_a_backend_at_work() -> Outcome {
    let scratch = Scratch::new()?;
    let (holder, _, pid) = Helper::hold(&scratch.data())?;
    let postgres = scratch.start()?;
    sql(&postgres, WRITE)?;
    let mut busy =
        psql(&postgres, &postgres.url()).args(["-c", "SELECT count(*) FROM generate_series(1, 1e12::bigint)"]).spawn()?;
    let at_work = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1e12%' AND pid <> pg_backend_pid()";
    until("the query runs", || sql(&postgres, at_work).is_ok_and(|count| count == "1"))?;
    drop(postgres);
    kill("KILL", pid)?;
    until("the watchdog ends", || scratch.watchdogs().is_empty())?;

    let begin = Instant::now();
    let again = scratch.start()?;
    eprintln!("start after kill -9 of the server {:?}", begin.elapsed());
    assert!(!again.attached() && again.server_pid() != Some(pid));
    assert_eq!(sql(&again, READ)?, "kept");
    assert!(!busy.wait()?.success());
    // The first holder's fifo counts for the new server as well.
    again.stop()?;
    assert!(scratch.server().is_some());
    assert_eq!(holder.stop()?, "Ok(())");
    assert!(scratch.is_quiet());
    Ok(())
}

#[test]
fn takes_over_a_server_whose_watchdog_was_killed() -> Outcome {
    let scratch = Scratch::new()?;
    for victims in [&["wait"][..], &["listen"], &["wait", "listen"]] {
        for clean in [true, false] {
            let (helper, _, pid) = Helper::hold(&scratch.data())?;
            let mut dogs = scratch.watchdogs();
            // The one that waits is the helper's child and came first.
            dogs.sort_unstable();
            for (dog, _) in dogs.iter().zip(["wait", "listen"]).filter(|(_, name)| victims.contains(name)) {
                kill("KILL", dog)?;
            }
            if clean {
                assert_eq!(helper.stop()?, "Ok(())");
                until("the server stops", || scratch.is_quiet())?;
            } else {
                helper.kill()?;
                if victims.contains(&"listen") {
                    assert_eq!(scratch.server(), Some(pid));
                }
                let postgres = scratch.start()?;
                sql(&postgres, WRITE)?;
                postgres.stop()?;
                until("the server stops", || scratch.is_quiet())?;
            }
        }
    }
    Ok(())
}

#[test]
fn stale_pid_files_stop_nobody() -> Outcome {
    let scratch = Scratch::new()?;
    let mut zombie = Command::new("/bin/true").spawn()?;
    let zombie_stat = format!("/proc/{}/stat", zombie.id());
    until("the zombie dies", || fs::read_to_string(&zombie_stat).is_ok_and(|stat| stat.contains(") Z ")))?;
    for stale in
        [None, Some(std::process::id().to_string()), Some(zombie.id().to_string()), Some("?".to_owned()), Some(String::new())]
    {
        let (helper, _, pid) = Helper::hold(&scratch.data())?;
        sql(&scratch.start()?, WRITE)?;
        let file = scratch.data().join("pg/postmaster.pid");
        kill("KILL", pid)?;
        until("the watchdog ends", || scratch.watchdogs().is_empty())?;
        helper.kill()?;
        if let Some(stale) = stale {
            let text = fs::read_to_string(&file)?;
            let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
            fs::write(&file, if stale.is_empty() { stale } else { format!("{stale}\n{rest}") })?;
        }
        let postgres = scratch.start()?;
        assert!(sql(&postgres, READ)?.starts_with("kept"));
    }
    zombie.wait()?;
    Ok(())
}

#[test]
fn four_at_once_share_one_server() -> Outcome {
    let scratch = Scratch::new()?;
    let data = scratch.data();
    let helpers: Vec<Helper> = (0..4).map(|_| Helper::spawn("hold", &data, |_| {})).collect::<Outcome<_>>()?;
    let mut said = Vec::new();
    let helpers = helpers.into_iter().map(|mut helper| {
        said.push(helper.said()?);
        Ok(helper)
    });
    let helpers: Vec<Helper> = helpers.collect::<Outcome<_>>()?;
    let pid = scratch.server().unwrap_or_default();
    said.sort();
    assert_eq!(said, [format!("false {pid}"), format!("true {pid}"), format!("true {pid}"), format!("true {pid}")]);
    for helper in helpers {
        assert_eq!(helper.stop()?, "Ok(())");
    }
    assert!(scratch.is_quiet());
    Ok(())
}

#[test]
fn removes_a_test_directory_however_its_holder_ends() -> Outcome {
    for end in ["kill", "stop", "server first"] {
        let scratch = Scratch::new()?;
        let data = scratch.data().join("long".repeat(40));
        fs::create_dir(scratch.data())?;
        if is_root() {
            chown(scratch.data(), Some(DataDir::prepare(Some(&scratch.0.join("probe")))?.account.uid), None)?;
        }
        let mut helper = Helper::spawn("remove", &data, |_| {})?;
        let said = helper.said()?;
        let sockets = DataDir::prepare(Some(&data))?.socket_dir();
        assert!(sockets.starts_with("/tmp") && sockets.exists() && !sockets.starts_with(&scratch.0));
        match (end, said.split_once(' ')) {
            ("stop", _) => assert_eq!(helper.stop()?, "Ok(())"),
            ("server first", Some((_, pid))) => {
                kill("KILL", pid)?;
                helper.kill()?;
            }
            _ => helper.kill()?,
        }
        until("the directory is gone", || !data.exists() && !sockets.exists())?;
    }
    Ok(())
}

#[test]
fn refuses_what_it_must_not_touch() -> Outcome {
    let message =
        |outcome: Result<EmbeddedPostgres, EmbeddedError>| outcome.err().map_or_else(String::new, |error| error.to_string());
    let scratch = Scratch::new()?;
    fs::create_dir(scratch.data())?;
    fs::write(scratch.data().join("letter.txt"), "mine")?;
    assert!(message(scratch.start()).contains("isn't empty and holds no data of nmc"));
    fs::remove_file(scratch.data().join("letter.txt"))?;

    fs::create_dir(scratch.data().join("pg"))?;
    fs::write(scratch.data().join("pg/PG_VERSION"), "14\n")?;
    if is_root() {
        assert!(message(scratch.start()).contains("belongs to root, not to postgres: run `chown -R postgres "));
        chown(scratch.data(), Some(65534), None)?;
    }
    let said = message(scratch.start());
    assert!(said.contains("belongs to PostgreSQL 14, but here there is only PostgreSQL 1") && said.contains("install"), "{said}");
    fs::write(scratch.data().join("pg/PG_VERSION"), "junk\n")?;
    assert!(message(scratch.start()).contains("is no version"));

    if is_root() {
        let closed = scratch.0.join("closed");
        DirBuilder::new().mode(0o700).create(&closed)?;
        let options = EmbeddedOptions { data_dir: Some(closed.join("data")), ..scratch.options() };
        let said = message(EmbeddedPostgres::start(&options));
        assert!(said.contains("who can't enter /tmp/nmc-it's ") && said.contains("/closed: choose"), "{said}");
    }
    Ok(())
}

#[test]
fn refuses_a_planted_socket_directory() -> Outcome {
    let scratch = Scratch::new()?;
    let options = EmbeddedOptions { data_dir: Some(scratch.0.join("long".repeat(40))), ..scratch.options() };
    let home = DataDir::prepare(options.data_dir.as_deref())?;
    let sockets = home.socket_dir();
    let refused = |why: &str| {
        let said = EmbeddedPostgres::start(&options).err().map_or_else(String::new, |error| error.to_string());
        assert!(said.contains(why) && said.contains("remove it"), "{said}");
    };
    let target = scratch.0.join("target");
    DirBuilder::new().mode(0o700).create(&target)?;
    symlink(&target, &sockets)?;
    refused("isn't a directory");
    fs::remove_file(&sockets)?;
    DirBuilder::new().mode(0o700).create(&sockets)?;
    fs::set_permissions(&sockets, Permissions::from_mode(0o755))?;
    refused("is open to other users");
    if is_root() {
        fs::set_permissions(&sockets, Permissions::from_mode(0o700))?;
        chown(&sockets, Some(65534), None)?;
        refused("belongs to nobody");
    }
    fs::remove_dir(&sockets)?;
    EmbeddedPostgres::start(&EmbeddedOptions { remove_on_exit: true, ..options })?.stop()?;
    assert!(!sockets.exists());
    Ok(())
}

#[test]
fn leaves_nothing_behind_after_a_failed_start() -> Outcome {
    let scratch = Scratch::new()?;
    scratch.start()?.stop()?;
    let said = Helper::spawn("fail", &scratch.data(), |_| {})?.said()?;
    assert!(said.starts_with("true PostgreSQL did not start (invalid value for parameter \"shared_buffers\""), "{said}");
    until("the watchdog ends", || scratch.is_quiet())?;
    scratch.start()?.stop()?;
    Ok(())
}

#[test]
fn clears_an_unfinished_cluster_and_a_long_log() -> Outcome {
    let scratch = Scratch::new()?;
    scratch.start()?.stop()?;
    let unfinished = scratch.data().join("pg.init.1-2");
    fs::create_dir_all(unfinished.join("base"))?;
    let log = scratch.data().join("postgres.log");
    fs::write(&log, vec![b'x'; (1 << 20) + 1])?;
    let _postgres = scratch.start()?;
    assert!(!unfinished.exists() && fs::metadata(&log)?.len() < 4096 && scratch.data().join("postgres.log.1").exists());
    Ok(())
}

#[test]
fn says_what_to_install() -> Outcome {
    let scratch = Scratch::new()?;
    let ask = |name: &str, value: &Path| {
        Helper::spawn("hold", &scratch.data(), |command| {
            command.env(name, value);
        })?
        .said()
    };
    let said = ask("NMC_PG_BIN", &scratch.0)?;
    assert!(said.starts_with("error: NMC_PG_BIN is /tmp/nmc-it's ") && said.contains("where there is no PostgreSQL"), "{said}");

    let here = |major: u32| programs::choose(&[PathBuf::from("/a")], |_| Some(major), Path::new("/d"), None);
    let nothing = programs::choose(&[], |_| None, Path::new("/d"), None);
    assert!(matches!(nothing, Err(EmbeddedError::NotInstalled { .. })));
    assert!(matches!(here(14), Err(EmbeddedError::TooOld { found: 14, .. })));
    let installed = [PathBuf::from("/a/16"), PathBuf::from("/a/18"), PathBuf::from("/a/17")];
    let major_of = |bin_dir: &Path| bin_dir.file_name()?.to_str()?.parse().ok();
    let choose = |made_by| programs::choose(&installed, major_of, Path::new("/d"), made_by).map(|programs| programs.major);
    assert_eq!((choose(None)?, choose(Some(17))?), (18, 17));
    let other = choose(Some(15)).err().map_or_else(String::new, |error| error.to_string());
    assert!(other.contains("belongs to PostgreSQL 15, but here there is only PostgreSQL 16 and 17 and 18: install"), "{other}");

    let with = |program: &'static str, root, major| programs::install_with(move |asked| asked == program, root, major);
    assert_eq!(with("apt-get", false, None), "install it with `sudo apt-get install postgresql`");
    assert_eq!(with("apt-get", true, Some(16)), "install it with `apt-get install postgresql-16`");
    assert_eq!(with("dnf", true, None), "install it with `dnf install postgresql-server postgresql-contrib`");
    assert_eq!(with("apk", true, Some(17)), "install it with `apk add postgresql17 postgresql17-contrib`");
    assert_eq!(with("brew", false, None), "install it with `brew install postgresql@17`");
    assert_eq!(with("", false, None), "install PostgreSQL 15 or newer from https://www.postgresql.org/download/");
    assert_eq!(programs::parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
    assert_eq!(programs::parse_version("postgres (PostgreSQL) 19beta1"), Some(19));
    Ok(())
}

/// Also the default directory, which is another one for root.
#[test]
fn an_ordinary_user_needs_no_root() -> Outcome {
    let scratch = Scratch::new()?;
    let home = scratch.0.join("home");
    DirBuilder::new().mode(0o700).create(&home)?;
    let program = scratch.0.join("tests");
    // Not by us: a file that any of our threads' children holds open for writing can't be run.
    Command::new("cp").arg(env::current_exe()?).arg(&program).status()?;
    let root = is_root();
    if root {
        chown(&home, Some(65534), Some(65534))?;
    }
    let start = |variable: &str, value: &Path| -> Outcome<String> {
        let module = module_path!().split_once("::").map_or("", |(_, module)| module);
        let mut command = Command::new(&program);
        command.args([&format!("{module}::helper"), "--exact", "--nocapture", "--quiet"]).current_dir("/").env_clear();
        command.env("NMC_TEST_ROLE", "hold").env("NMC_TEST_DATA", "").env(variable, value);
        if root {
            command.uid(65534).gid(65534);
        }
        Ok(String::from_utf8(command.stdin(Stdio::null()).output()?.stdout)?)
    };
    for (variable, value, data) in
        [("HOME", home.clone(), home.join(".local/share/nmc")), ("XDG_DATA_HOME", home.join("xdg"), home.join("xdg/nmc"))]
    {
        let said = start(variable, &value)?;
        assert!(said.contains("@@ false ") && said.contains("@@ Ok(())") && data.join("pg/PG_VERSION").exists(), "{said}");
        if root {
            assert_eq!(fs::metadata(data.join("postgres.log"))?.uid(), 65534);
        }
    }
    assert!(start("XDG_DATA_HOME", Path::new("relative"))?.contains("error: There is no home directory"));
    if root {
        let closed = scratch.0.join("roots");
        DirBuilder::new().mode(0o700).create(&closed)?;
        assert!(start("HOME", &closed)?.contains("error: Could not read the directory"));
    }
    Ok(())
}

#[test]
fn reads_pid_files_and_writes_addresses() {
    let ready = b"123\n/d/pg\n1700000000\n5432\n/d/run\n\n  5432001         7\nready   \n";
    let server = Postmaster { pid: 123, port: 5432, socket_dir: PathBuf::from("/d/run"), ready: true };
    assert_eq!(Postmaster::parse(ready), Some(server.clone()));
    let single = Postmaster::parse(b"-123\n/d/pg\n");
    assert_eq!(single, Some(Postmaster { socket_dir: PathBuf::new(), ready: false, ..server }));
    assert_eq!(Postmaster::parse(b"").or(Postmaster::parse(b"0\n")), None);
    assert_eq!(percent_encode("/tmp/it's é".as_bytes()), "%2Ftmp%2Fit%27s%20%C3%A9");
}
