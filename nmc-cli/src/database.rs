//! The database a command works on: the one that is named, or nmc's own.

use crate::error::{CliError, CliResult};
use crate::input_file::must_be_file;
use crate::options::{DatabaseArgs, TokenKeysArg};
use crate::output::use_zone;
use crate::stop::StopSignals;
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres, Supervisor, default_data_dir};
use nmc_core::store::{Migrator, Reason};
use nmc_core::{Secret, Store, StoreConfig, Tenant, TenantId, Timezone};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A database that answers. Dropping it lets go of nmc's own server, which stops with its last user.
pub(crate) struct Database {
    server: Server,
    url: Secret,
    args: DatabaseArgs,
}

/// The server that the database is on, and whose it is.
enum Server {
    Given,
    Own(Box<EmbeddedPostgres>),
    Supervised(Supervisor),
}

/// How long a statement may still take once nmc has been asked to stop: a database that answers needs no longer.
const LAST_ANSWERS: Duration = Duration::from_secs(4);

/// The folder of PostgreSQL's programs, where somebody names one.
pub(crate) fn pg_bin() -> Option<PathBuf> {
    std::env::var_os("NMC_PG_BIN").filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

impl Database {
    pub(crate) fn open(args: &DatabaseArgs) -> CliResult<Self> {
        let (server, url) = match (&args.database_url, &args.data_dir) {
            (Some(_), Some(_)) => {
                return Err(CliError::Usage(
                    "a database (DATABASE_URL) and a directory for nmc's own (NMC_DATA_DIR, --data-dir) are set: choose one"
                        .to_owned(),
                ));
            }
            (Some(url), None) => (Server::Given, url.clone()),
            (None, _) => {
                let options =
                    EmbeddedOptions { data_dir: args.data_dir.clone(), bin_dir: pg_bin(), ..EmbeddedOptions::default() };
                let server = EmbeddedPostgres::start(&options)?;
                let url = Secret::new(server.url());
                (Server::Own(Box::new(server)), url)
            }
        };
        Ok(Self { server, url, args: args.clone() })
    }

    pub(crate) fn migrator(&self) -> Migrator {
        Migrator::new(self.url.clone()).in_schema(self.args.database_schema.clone())
    }

    /// A store, if the schema is the one this program works with.
    pub(crate) fn store(&self) -> CliResult<Store> {
        let status = self.migrator().status()?;
        if let Some(version) = status.unknown.first() {
            return Err(CliError::Usage(format!(
                "the database has migration {version}, which this nmc does not know; use a newer nmc"
            )));
        }
        let pending = status.pending().count();
        if pending > 0 {
            return Err(CliError::Usage(format!("the database lacks {pending} migrations; run: nmc migrate run")));
        }
        let mut config = StoreConfig::new(self.url.clone());
        config.schema = self.args.database_schema.clone();
        config.pool_size = self.args.pool_size;
        config.prepared_statements = !self.args.no_prepared_statements;
        Ok(Store::connect(config)?)
    }

    /// Starts nmc's own server again whenever it dies. If it can't be kept up, the wait for `stop` ends, and [`Self::close`]
    /// says why.
    pub(crate) fn supervise(self, stop: &StopSignals) -> CliResult<Self> {
        let server = match self.server {
            Server::Own(server) => {
                let stopper = stop.stopper();
                Server::Supervised(Supervisor::start(*server, move || stopper.stop())?)
            }
            other => other,
        };
        Ok(Self { server, ..self })
    }

    /// Lets go of nmc's own server, and waits for it to stop if nobody else uses it.
    pub(crate) fn close(self) -> CliResult<()> {
        match self.server {
            Server::Given => {}
            Server::Own(server) => server.stop()?,
            Server::Supervised(supervisor) => supervisor.stop()?,
        }
        Ok(())
    }

    /// The directory where nmc keeps what does not belong into the database: beside the data of its own server, or by itself.
    pub(crate) fn home(&self) -> CliResult<PathBuf> {
        let home = home(&self.args)?;
        if matches!(self.server, Server::Given) {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&home)?;
        }
        Ok(home)
    }

    /// The address for a dump: of nmc's own server as its superuser, else the one that was given.
    pub(crate) fn backup_url(&self) -> Secret {
        match &self.server {
            Server::Own(server) => Secret::new(server.backup_url()),
            Server::Given | Server::Supervised(_) => self.url.clone(),
        }
    }

    /// The address of the database's owner.
    pub(crate) fn owner_url(&self) -> Secret {
        self.url.clone()
    }

    /// Whether others use nmc's own server, too.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(&self.server, Server::Own(server) if server.attached())
    }

    /// The place of [`Self::home`], whether it is there or not.
    pub(crate) fn place(&self) -> CliResult<PathBuf> {
        home(&self.args)
    }

    /// The place where nmc's own server keeps its data, if it is one.
    pub(crate) fn describe(&self) -> String {
        match &self.server {
            Server::Own(server) if server.attached() => format!("{} (already running, attached)", server.data_dir().display()),
            Server::Own(server) => server.data_dir().display().to_string(),
            Server::Given | Server::Supervised(_) => "the one given by DATABASE_URL".to_owned(),
        }
    }
}

/// Makes the store wait for no answer for long from now on: nmc has been asked to stop, and the database may never give one.
pub(crate) fn hurry(store: &Store) {
    store.shorten_waits(LAST_ANSWERS);
}

/// The place of [`Database::home`], whether it is there or not: no database is needed to know it.
fn home(args: &DatabaseArgs) -> CliResult<PathBuf> {
    match (&args.database_url, &args.data_dir) {
        (Some(_), _) => Ok(default_data_dir()?.with_file_name("nmc-server")),
        (None, Some(dir)) => Ok(dir.clone()),
        (None, None) => Ok(default_data_dir()?),
    }
}

/// The file of the keys that sign access tokens, as [`token_keys_in`] says of the home, without a running database. Where
/// that is nmc's own server's, its data must be there: it takes no directory that something else has put files in.
pub(crate) fn token_keys(args: &DatabaseArgs, named: &TokenKeysArg) -> CliResult<PathBuf> {
    if let Some(file) = &named.token_keys {
        must_be_file("--token-keys", file)?;
        let folder = file.parent().unwrap_or(file);
        return if folder.as_os_str().is_empty() || folder.is_dir() {
            Ok(file.clone())
        } else {
            Err(CliError::Usage(format!("--token-keys: there is no folder {}", folder.display())))
        };
    }
    let home = home(args)?;
    let is_there = if args.database_url.is_some() { home.is_dir() } else { home.join("pg").is_dir() };
    if !is_there {
        return Err(CliError::Usage(format!(
            "{} holds nothing of nmc yet: run nmc up or nmc serve first, or name a file with --token-keys",
            home.display()
        )));
    }
    Ok(token_keys_in(&home, named))
}

/// The file of the keys that sign access tokens, for a home that is there.
pub(crate) fn token_keys_in(home: &Path, named: &TokenKeysArg) -> PathBuf {
    named.token_keys.clone().unwrap_or_else(|| home.join("token-keys"))
}

/// The business named on the command line, by id or by exact name. From here on times are shown in its zone.
pub(crate) fn tenant(store: &Store, key: &str) -> CliResult<Tenant> {
    business(store, key).map(|(tenant, _)| tenant)
}

/// The business, as [`tenant`] finds it, with the zone that days and times are typed in.
pub(crate) fn business(store: &Store, key: &str) -> CliResult<(Tenant, Timezone)> {
    let (tenant, zone) = store.system(Reason::Operations, |tx| {
        let row = match key.parse::<TenantId>() {
            Ok(id) => tx.find_tenant(id)?,
            Err(_) => tx.find_tenant_by_name(key)?,
        };
        let row = row.ok_or(nmc_core::Error::NotFound { entity: "tenant" })?;
        Ok((tx.act_for(row.id)?, row.timezone))
    })?;
    use_zone(zone);
    Ok((tenant, zone))
}
