//! Connects to a database and brings its schema up to date: `cargo run -p nmc-core --example connect_and_migrate`

use nmc_core::store::embedded::{EmbeddedOptions, EmbeddedPostgres};
use nmc_core::store::{Migrator, Reason};
use nmc_core::{Secret, Store, StoreConfig};
use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    // A PostgreSQL that is there, or one of our own, which runs for as long as `server` lives. Left to its defaults it keeps
    // its data in the user's data directory; this one throws it away.
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
    // The password is in the URL: a `Secret` never shows up in a log.
    let url = Secret::new(url);

    // The migrations are part of the library. Running them again does nothing; of two runners at once, one waits.
    let migrator = Migrator::new(url.clone());
    let applied = migrator.run(|migration| println!("applied {migration}"))?;
    println!("{applied} migrations applied, {} pending", migrator.status()?.pending().count());

    // Has somebody changed the schema by hand?
    let differences = migrator.verify()?;
    println!("{} differences from the expected schema", differences.len());

    // The store is a pool; it is cheap to clone, and clones share it. Every limit has a default.
    let store = Store::connect(StoreConfig { pool_size: 4, pool_timeout: Duration::from_secs(2), ..StoreConfig::new(url) })?;

    // Work that belongs to no tenant says why it has to see all of them; see `onboard` for a tenant's own.
    let tenants = store.system(Reason::Operations, |tx| tx.count_tenants(&Default::default()))?;
    println!("{tenants} businesses");

    drop(store);
    if let Some(server) = server {
        server.stop()?;
    }
    Ok(())
}
