//! A database with one business, and servers over it that can be killed.

use crate::Answer;
use nmc_core::access::{KeyOrder, Permission, make_service_key};
use nmc_core::store::Migrator;
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::onboard;
use nmc_core::{Secret, Store, StoreConfig};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// More than any part of the benchmark opens.
const MANY: &str = "8192";

pub(crate) struct Site {
    postgres: EmbeddedPostgres,
    nmc: PathBuf,
    /// The text of an API key, which outlives every part of the benchmark.
    pub(crate) key: String,
}

/// An event as the table has it.
pub(crate) struct Row {
    pub(crate) seq: i64,
    pub(crate) kind: String,
    pub(crate) id: String,
    /// When its transaction was committed, in microseconds since 1970.
    pub(crate) committed: i64,
}

impl Site {
    pub(crate) fn new() -> Answer<Self> {
        let directory = std::env::temp_dir().join(format!("nmc-streams-{}", std::process::id()));
        let settings = vec![("track_commit_timestamp".to_owned(), "on".to_owned())];
        let options = EmbeddedOptions { data_dir: Some(directory), remove_on_exit: true, settings, ..EmbeddedOptions::default() };
        let postgres = EmbeddedPostgres::start(&options)?;
        Migrator::new(Secret::new(postgres.url())).run(|_| {})?;
        let store = Store::connect(StoreConfig::new(Secret::new(postgres.url())))?;
        let (tenant, _) = onboard(&store, &NewTenant { business_name: "Joe's Plumbing".to_owned(), ..NewTenant::default() })?;
        let scopes = vec![Permission::EventsRead, Permission::ConversationsWrite];
        let order = KeyOrder { name: "benchmark".to_owned(), scopes, expires_at: None };
        let (_, text) = store.as_operator(&tenant, |tx| make_service_key(tx, &order))?;
        let key = text.text().expose().to_owned();
        // `NMC_BIN`, or the one that cargo puts beside the benchmark.
        let built = || std::env::current_exe().ok()?.parent()?.parent().map(|release| release.join("nmc"));
        let nmc = std::env::var_os("NMC_BIN").map(PathBuf::from).or_else(built).unwrap_or_default();
        if !nmc.is_file() {
            return Err("there is no server to measure; run: cargo build --release -p nmc-cli".into());
        }
        Ok(Self { postgres, nmc, key })
    }

    /// A server that takes as many streams as come.
    pub(crate) fn server(&self) -> Answer<Server<'_>> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let server = Server { process: Mutex::new(self.spawn(address)?), site: self, address };
        server.wait()?;
        Ok(server)
    }

    fn token_keys(&self) -> PathBuf {
        self.postgres.data_dir().join("token-keys")
    }

    fn spawn(&self, address: SocketAddr) -> Answer<Child> {
        let process = Command::new(&self.nmc)
            .arg("serve")
            .env("DATABASE_URL", self.postgres.url())
            .env("NMC_BIND", address.to_string())
            .env("NMC_TOKEN_KEYS", self.token_keys())
            .envs(["NMC_MAX_STREAMS", "NMC_MAX_STREAMS_PER_BUSINESS", "NMC_MAX_STREAMS_PER_USER"].map(|name| (name, MANY)))
            .envs(["NMC_MAX_CONNECTIONS", "NMC_MAX_CONNECTIONS_PER_ADDRESS"].map(|name| (name, MANY)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(process)
    }

    /// What psql prints, as the superuser, whom row-level security does not bind.
    pub(crate) fn psql(&self, sql: &str) -> Answer<String> {
        let url = self.postgres.superuser_url("nevermisscall");
        let psql = self.postgres.bin_dir().join("psql");
        let output = Command::new(psql).args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, &url]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// The stream as the table has it, after this number, in order.
    pub(crate) fn table(&self, after: i64) -> Answer<Vec<Row>> {
        let printed = self.psql(&format!(
            "SELECT seq, kind, subject_id, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint
             FROM stream_events WHERE seq > {after} ORDER BY seq"
        ))?;
        let row = |line: &str| -> Answer<Row> {
            let [seq, kind, id, committed] = line.split('|').collect::<Vec<_>>()[..] else { return Err("no row".into()) };
            let (kind, id) = (kind.to_owned(), id.to_owned());
            Ok(Row { seq: seq.parse()?, kind, id, committed: committed.parse()? })
        };
        printed.lines().map(row).collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // The database removes its directory, unless it has files that are not its own.
        if let Err(error) = std::fs::remove_file(self.token_keys()) {
            eprintln!("the token keys stay behind: {error}");
        }
    }
}

/// `nmc serve`, always at the same address.
pub(crate) struct Server<'a> {
    process: Mutex<Child>,
    site: &'a Site,
    pub(crate) address: SocketAddr,
}

impl Server<'_> {
    fn process(&self) -> MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it takes connections.
    fn wait(&self) -> Answer<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = TcpStream::connect(self.address) {
            if let Some(status) = self.process().try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            if Instant::now() > deadline {
                return Err(error.into());
            }
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Kills it outright (SIGKILL), and starts another in its place.
    pub(crate) fn kill_and_start(&self) -> Answer<()> {
        {
            let mut process = self.process();
            process.kill()?;
            process.wait()?;
            *process = self.site.spawn(self.address)?;
        }
        self.wait()
    }

    /// The memory that it has resident now, in kilobytes.
    pub(crate) fn resident(&self) -> Answer<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process().id()))?;
        let kilobytes =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).and_then(|rest| rest.split_whitespace().next());
        Ok(kilobytes.ok_or("no VmRSS in /proc")?.parse()?)
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        let mut process = self.process();
        if let Err(error) = process.kill().and_then(|()| process.wait()) {
            eprintln!("a server stays behind: {error}");
        }
    }
}
