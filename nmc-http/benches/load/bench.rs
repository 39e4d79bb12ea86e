//! What the contenders share: a server of our own with fsync on, and businesses with numbers.

use crate::Answer;
use nmc_core::numbers::NewPhoneNumber;
use nmc_core::store::Migrator;
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::tenants::NewTenant;
use nmc_core::testing::{Sent, round_trips};
use nmc_core::workflows::onboard;
use nmc_core::{NumberType, Secret, Store, StoreConfig, Tenant};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const FIRST_NUMBER: u64 = 14_155_550_000;

pub(crate) struct Bench {
    embedded: EmbeddedPostgres,
    pub(crate) tenants: Vec<(Tenant, String)>,
    // After the server, so that it has stopped when this goes.
    dir: TempDir,
}

/// The server's files, removed in the end.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("{} stays behind: {error}", self.0.display());
        }
    }
}

impl Bench {
    pub(crate) fn new(tenants: u64) -> Answer<Self> {
        let dir = TempDir(std::env::temp_dir().join(format!("nmc-bench-{}", std::process::id())));
        let options = EmbeddedOptions { data_dir: Some(dir.0.clone()), ..EmbeddedOptions::default() };
        let embedded = EmbeddedPostgres::start(&options)?;
        Migrator::new(Secret::new(embedded.url())).run(|_| {})?;
        let mut bench = Self { embedded, tenants: Vec::new(), dir };
        let store = bench.store(1)?;
        for n in 0..tenants {
            let (tenant, _) = onboard(&store, &NewTenant { business_name: format!("Business {n}"), ..NewTenant::default() })?;
            let number = format!("+{}", FIRST_NUMBER + n);
            let new = NewPhoneNumber {
                phone_number: number.parse()?,
                twilio_phone_sid: Some(format!("PN{n:032}")),
                locality: None,
                region: None,
                number_type: NumberType::Local,
                price: None,
            };
            store.tenant(&tenant, |tx| tx.phone_numbers().create(&new))?;
            bench.tenants.push((tenant, number));
        }
        Ok(bench)
    }

    pub(crate) fn store(&self, connections: u32) -> Answer<Store> {
        let mut config = StoreConfig::new(Secret::new(self.url()));
        config.pool_size = connections;
        Ok(Store::connect(config)?)
    }

    pub(crate) fn url(&self) -> String {
        self.embedded.url()
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.embedded.bin_dir().join(name)
    }

    pub(crate) fn numbers(&self) -> Vec<String> {
        self.tenants.iter().map(|(_, number)| number.clone()).collect()
    }

    pub(crate) const fn first_number(&self) -> u64 {
        FIRST_NUMBER
    }

    pub(crate) fn last_number(&self) -> u64 {
        FIRST_NUMBER + u64::try_from(self.tenants.len()).unwrap_or(1).saturating_sub(1)
    }

    /// What psql prints, as the superuser, whom row-level security does not bind.
    pub(crate) fn psql(&self, sql: &str) -> Answer<String> {
        self.psql_on("nevermisscall", sql)
    }

    pub(crate) fn psql_on(&self, database: &str, sql: &str) -> Answer<String> {
        self.run_psql(&self.embedded.superuser_url(database), sql)
    }

    /// From now on a commit does not wait for the disk.
    pub(crate) fn relax(&self) -> Answer<()> {
        self.psql_on("postgres", "ALTER SYSTEM SET synchronous_commit = off; SELECT pg_reload_conf()")?;
        Ok(())
    }

    /// A database of its own for another server; returns its owner's URL of it.
    pub(crate) fn another(&self, name: &str) -> Answer<String> {
        self.psql_on("postgres", &format!("CREATE DATABASE {name} OWNER nmc"))?;
        Ok(self.embedded.url_for(name))
    }

    /// The process that all processes of the database come from.
    pub(crate) fn postmaster(&self) -> Answer<u32> {
        let file = std::fs::read_to_string(self.embedded.data_dir().join("pg/postmaster.pid"))?;
        Ok(file.lines().next().unwrap_or_default().parse()?)
    }

    /// Copies the database as it is; nobody may be connected.
    pub(crate) fn copy(&self) -> Answer<()> {
        self.psql_on("postgres", "DROP DATABASE IF EXISTS copy; CREATE DATABASE copy TEMPLATE nevermisscall OWNER nmc")?;
        Ok(())
    }

    /// What psql prints, as the application's login in the copy.
    pub(crate) fn psql_in_copy(&self, sql: &str) -> Answer<String> {
        self.run_psql(&self.embedded.url_for("copy"), sql)
    }

    fn run_psql(&self, url: &str, sql: &str) -> Answer<String> {
        let mut psql = Command::new(self.program("psql"))
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        psql.stdin.take().ok_or("psql without an input")?.write_all(sql.as_bytes())?;
        let output = psql.wait_with_output()?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?.trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned().into())
        }
    }

    /// Every round trip that `work` makes on a store with one connection.
    pub(crate) fn round_trips(&self, work: impl FnOnce(&Store) -> Answer<()>) -> Answer<Vec<Sent>> {
        let mut worked = Ok(());
        let sent = round_trips(&self.embedded, "nevermisscall", |store| worked = work(store));
        worked.map(|()| sent)
    }

    /// Stops the server and leaves its files.
    pub(crate) fn stop(self) -> Answer<TempDir> {
        self.embedded.stop()?;
        Ok(self.dir)
    }
}
