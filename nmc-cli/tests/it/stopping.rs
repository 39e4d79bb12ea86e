//! The end of nmc while something does not answer.

use crate::home::Home;
use crate::nmc::{PROGRAM, Running};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::time::{Duration, Instant};

/// Processes that this one has started.
fn children(of: Pid) -> Vec<Pid> {
    let id = of.as_raw_nonzero();
    let listed = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).expect("its children");
    listed.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

/// Signals processes of a server; one may end between being listed and being signalled.
pub(crate) fn each(pids: &[Pid], signal: Signal) {
    for pid in pids {
        match kill_process(*pid, signal) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => panic!("can't be signalled: {error}"),
        }
    }
}

#[test]
fn a_stopped_database_does_not_put_off_the_end() {
    let home = Home::migrated();
    let mut running = home.nmc.start(&["up"]);
    let url = running.address();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    assert_eq!(agent.get(format!("{url}/readyz")).call().expect("an answer").status().as_u16(), 200);
    let server = home.server();
    let stopped: Vec<Pid> = [vec![server], children(server)].concat();
    each(&stopped, Signal::STOP);
    // Somebody waits for the database when the end comes.
    let waiting = std::thread::spawn(move || agent.get(format!("{url}/readyz")).call().map(|answer| answer.status().as_u16()));
    running.signal(Signal::TERM);
    running.says("stopping …");
    let since = Instant::now();
    while !running.has_ended() {
        assert!(since.elapsed() < Duration::from_secs(14), "it doesn't end");
        std::thread::sleep(Duration::from_millis(20));
    }
    each(&stopped, Signal::CONT);
    drop(waiting.join().expect("no panic"));
    home.wait_until_quiet();
    assert!(running.end().err.contains("stopping …"));
}

/// A script that ends with `nmc up &` leaves it running when somebody presses Ctrl-C at its terminal.
#[test]
fn interrupt_ignored_from_the_start_does_not_stop_it() {
    let home = Home::migrated();
    let script = ["-c", "trap '' INT; exec \"$0\" up", PROGRAM];
    let mut running = Running::new(home.nmc.command("sh").args(script));
    let url = running.address();
    running.says("SIGTERM stops everything");
    running.interrupt();
    std::thread::sleep(Duration::from_millis(300));
    assert!(!running.has_ended());
    assert_eq!(ureq::get(format!("{url}/readyz")).call().expect("an answer").status().as_u16(), 200);
    running.signal(Signal::TERM);
    assert!(running.end().ok().err.contains("stopping …"));
}
