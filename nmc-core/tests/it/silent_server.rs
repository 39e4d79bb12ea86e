//! A server that has fallen silent, as one does whose machine or disk is stuck: no wait for it is endless.

use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::store::{Migrator, Reason};
use nmc_core::testing::{pg_bin, wait_until};
use nmc_core::{Error, Secret, Store, StoreConfig};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A statement may take this long, as the server sees it; the client gives it five seconds more.
const STATEMENT: Duration = Duration::from_millis(200);

/// By then every wait is over, on a machine that has other things to do.
const BOUND: Duration = Duration::from_secs(15);

/// A server of the test's own.
fn server(name: &str) -> EmbeddedPostgres {
    let data_dir = Some(std::env::temp_dir().join(format!("nmc-silent-{name}-{}", std::process::id())));
    let options =
        EmbeddedOptions { data_dir, bin_dir: pg_bin(), fsync: false, remove_on_exit: true, ..EmbeddedOptions::default() };
    let server = EmbeddedPostgres::start(&options).unwrap();
    Migrator::new(Secret::new(server.url())).run(|_| {}).unwrap();
    server
}

fn store(url: String) -> Store {
    let mut config = StoreConfig::new(Secret::new(url));
    config.statement_timeout = STATEMENT;
    config.pool_size = 3;
    Store::connect(config).unwrap()
}

/// All processes of a server, suspended until this is dropped.
struct Suspended(Vec<Pid>);

impl Suspended {
    fn all_of(server: &EmbeddedPostgres) -> Self {
        let postmaster = server.server_pid().expect("a server");
        let stat = |pid: u32| -> Option<(String, u32)> {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let mut fields = stat.rsplit(')').next()?.split_ascii_whitespace();
            Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
        };
        let pid = |pid: u32| Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
        // First the one that makes the others: a process that it made while we looked would go on answering.
        let mut all = Self(vec![pid(postmaster)]);
        all.signal(Signal::STOP);
        wait_until("the server to stop", || stat(postmaster).is_some_and(|(state, _)| state == "T"));
        let pids = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        all.0.extend(pids.filter(|of| stat(*of).is_some_and(|(_, parent)| parent == postmaster)).map(pid));
        assert!(all.0.len() > 1, "{:?}", all.0);
        all.signal(Signal::STOP);
        all
    }

    fn signal(&self, signal: Signal) {
        for pid in &self.0 {
            // One may have ended since it was listed.
            assert!(matches!(kill_process(*pid, signal), Ok(()) | Err(Errno::SRCH)));
        }
    }
}

impl Drop for Suspended {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
    }
}

/// The server's socket, by TCP; the port.
fn relay(socket: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = UnixStream::connect(&socket) else { continue };
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || {
                drop(std::io::copy(&mut from, &mut to));
                drop(to.shutdown(Shutdown::Both));
            });
            let (mut from, mut to): (UnixStream, TcpStream) = (server, client);
            std::thread::spawn(move || {
                drop(std::io::copy(&mut from, &mut to));
                drop(to.shutdown(Shutdown::Both));
            });
        }
    });
    port
}

fn every_wait_ends(server: &EmbeddedPostgres, store: &Store) {
    let work = || store.system(Reason::Operations, |tx| tx.find_tenant_by_name("nobody"));
    std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(|| work().unwrap()))));
    let suspended = Suspended::all_of(server);
    let begun = Instant::now();
    store.readiness(Duration::from_millis(500)).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    // Some have a connection, some wait for one, some find that none can be opened.
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                let result = work();
                assert!(matches!(result, Err(Error::Unavailable { contention: false, .. })), "{result:?}");
            });
        }
    });
    assert!(begun.elapsed() < BOUND, "{:?}", begun.elapsed());
    drop(suspended);
    wait_until("it works again", || work().is_ok());
    store.readiness(Duration::from_secs(5)).unwrap();
}

#[test]
fn a_silent_server_on_a_socket_ends_every_wait() {
    let server = server("unix");
    every_wait_ends(&server, &store(server.url()));
}

#[test]
fn a_silent_server_on_tcp_ends_every_wait() {
    let server = server("tcp");
    let port = relay(server.socket_dir().join(".s.PGSQL.5432"));
    every_wait_ends(&server, &store(format!("postgres://nmc@127.0.0.1:{port}/nevermisscall")));
}

#[test]
fn a_store_in_a_hurry_ends_the_waits_under_way() {
    let server = server("hurry");
    let mut config = StoreConfig::new(Secret::new(server.url()));
    config.pool_size = 1;
    let store = Store::connect(config).unwrap();
    store.ping().unwrap();
    let suspended = Suspended::all_of(&server);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| store.ping());
        wait_until("the statement is under way", || format!("{store:?}").contains("idle_connections: 0"));
        store.shorten_waits(Duration::from_millis(100));
        waiting.join().unwrap().unwrap_err();
    });
    assert!(begun.elapsed() < BOUND, "the usual bound is 20 s: {:?}", begun.elapsed());
    drop(suspended);
}
