//! Whoever is killed, the data stays and the next start works.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Helper, Outcome, READ, Scratch, WRITE, kill, psql, sql, until};

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

#[test]
fn recovers_from_a_killed_server_with_a_backend_at_work() -> Outcome {
    let scratch = Scratch::new()?;
    let (holder, _, pid) = Helper::hold(&scratch.data())?;
    let postgres = scratch.start()?;
    sql(&postgres, WRITE)?;
    let mut busy = psql(&postgres, &postgres.url())
        .args(["-c", "SELECT count(*) FROM generate_series(1, 1e12::bigint)"])
        .stderr(Stdio::null())
        .spawn()?;
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
    scratch.has_stopped()?;
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

/// While it makes the files, while the server comes up, and at the moment it is ready.
#[test]
fn a_killed_start_leaves_nothing_half_made() -> Outcome {
    let scratch = Scratch::new()?;
    for pause in [0, 10, 100, 300, 600, 900, 1200, 0, 8, 16, 24, 32, 40, 48, 56] {
        let helper = Helper::spawn("hold", &scratch.data(), |_| {})?;
        thread::sleep(Duration::from_millis(pause));
        helper.kill()?;
    }
    let postgres = scratch.start()?;
    sql(&postgres, WRITE)?;
    postgres.stop()?;
    scratch.has_stopped()?;
    let unfinished = || fs::read_dir(scratch.data()).into_iter().flatten().flatten();
    scratch.start()?.stop()?;
    assert!(!unfinished().any(|entry| entry.file_name().to_string_lossy().starts_with("pg.init")));
    Ok(())
}
