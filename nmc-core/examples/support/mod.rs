//! What all examples but the first begin with: a database, and a store over it.

use nmc_core::store::Migrator;
use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::{Secret, Store, StoreConfig};
use std::error::Error;

/// The database at `DATABASE_URL`; without one, a server of our own in a temporary directory, which stops and goes away with the
/// first value. Keep that one for as long as the store is used.
pub(crate) fn store() -> Result<(Option<EmbeddedPostgres>, Store), Box<dyn Error>> {
    let (server, url) = match std::env::var("DATABASE_URL") {
        Ok(url) => (None, url),
        Err(_) => {
            let server = EmbeddedPostgres::start(&EmbeddedOptions {
                data_dir: Some(std::env::temp_dir().join(format!("nmc-example-{}", std::process::id()))),
                remove_on_exit: true,
                ..EmbeddedOptions::default()
            })?;
            let url = server.url();
            (Some(server), url)
        }
    };
    let url = Secret::new(url);
    Migrator::new(url.clone()).run(|_| {})?;
    Ok((server, Store::connect(StoreConfig::new(url))?))
}
