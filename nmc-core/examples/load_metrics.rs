//! Any number of metric points, batch by batch, and the same again: `cargo run -p nmc-core --example load_metrics`

mod support;

use chrono::{DateTime, TimeDelta};
use nmc_core::analytics::{MetricFilter, NewMetric};
use nmc_core::store::Reason;
use nmc_core::tenants::NewTenant;
use nmc_core::workflows::onboard;
use nmc_core::{MetricType, Tenant};
use std::error::Error;

const NAME: &str = "Joe's Plumbing (load_metrics)";
const POINTS: i64 = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let (_server, store) = support::store()?;
    let found = store.system(Reason::Operations, |tx| tx.find_tenant_by_name(NAME)?.map(|row| tx.act_for(row.id)).transpose())?;
    let tenant: Tenant = match found {
        Some(tenant) => tenant,
        None => onboard(&store, &NewTenant { business_name: NAME.to_owned(), ..NewTenant::default() })?.0,
    };

    // An iterator: a file's lines do as well. No more than a batch of it is in memory.
    let start = DateTime::UNIX_EPOCH + TimeDelta::days(365 * 55);
    let points =
        || (0..POINTS).map(|n| NewMetric::raw(MetricType::Call, "ring seconds", (n % 40).into(), start + TimeDelta::minutes(n)));

    // Each batch is a transaction. What has been reported is committed, whatever comes later.
    let load = || {
        store.load(
            &tenant,
            points(),
            |tx, batch| tx.metrics().upsert_many(batch),
            |so_far| println!("  {} of {POINTS} points", so_far.taken),
        )
    };
    // On a database where this ran before, there is nothing to write in the first place.
    let first = load()?;
    println!("{} points taken, {} written", first.taken, first.written);
    // A load that failed is simply run again: what is there with the same value is left alone.
    let again = load()?;
    println!("again: {} points taken, {} written", again.taken, again.written);

    let ring = MetricFilter { metric_name: Some("ring seconds".to_owned()), ..MetricFilter::default() };
    let totals = store.tenant(&tenant, |tx| tx.metrics().totals(&ring))?;
    println!("{} points in the database, {} seconds in all", totals.points, totals.sum.unwrap_or_default().normalize());
    Ok(())
}
