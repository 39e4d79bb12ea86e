//! Starting, joining, stopping.

use std::env;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::super::account::is_root;
use super::super::paths::DataDir;
use super::super::{EmbeddedOptions, EmbeddedPostgres};
use super::{Helper, Outcome, READ, Scratch, WRITE, helper_command, kill, psql, sql, until};

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
    scratch.has_stopped()?;
    assert!(!scratch.data().join("pg/postmaster.pid").exists());
    assert_eq!(fs::metadata(socket_dir)?.mode() & 0o777, 0o700);

    let begin = Instant::now();
    let postgres = EmbeddedPostgres::start(&options)?;
    eprintln!("first start {first:?}, stop {stop:?}, next start {:?}", begin.elapsed());
    assert_eq!(sql(&postgres, READ)?, "kept");
    let uid = postgres.server_pid().and_then(|pid| fs::metadata(format!("/proc/{pid}")).ok()).map(|process| process.uid());
    assert_eq!(uid, Some(fs::metadata(scratch.data())?.uid()));
    assert_ne!(uid, Some(0));
    if is_root() {
        let status =
            postgres.server_pid().and_then(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok()).unwrap_or_default();
        let groups = status.lines().find_map(|line| line.strip_prefix("Groups:"));
        assert_eq!(groups.map(str::trim), Some(""), "root's groups are left behind");
    }
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
    scratch.has_stopped()?;
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
    scratch.has_stopped()?;
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
        // Where the server's user may not write to /tmp, a killed root leaves the folder of the socket there, empty.
        let closed = is_root() && fs::metadata("/tmp")?.mode() & 0o002 == 0;
        let emptied = || closed && fs::read_dir(&sockets).is_ok_and(|mut entries| entries.next().is_none());
        until("the directory is gone", || !data.exists() && (!sockets.exists() || emptied()))?;
        if sockets.exists() {
            fs::remove_dir(&sockets)?;
        }
    }
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
        let mut command = helper_command(&program);
        command.current_dir("/").env_clear().env("NMC_TEST_ROLE", "hold").env("NMC_TEST_DATA", "").env(variable, value);
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
