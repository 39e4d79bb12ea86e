//! `nmc analytics rebuild`: all figures of a business, computed anew.

use crate::database::business;
use crate::error::CliResult;
use crate::options::{FormatArg, TenantArg};
use crate::output::{Columns, time};
use clap::Args;
use nmc_core::analytics::RollUp;
use nmc_core::workflows::roll_up;
use nmc_core::{Error, Result, Store, Tenant, Timezone};
use serde_json::json;

/// Whose figures, and who computes them.
#[derive(Args)]
pub(crate) struct RebuildArgs {
    #[command(flatten)]
    tenant: TenantArg,
    /// Compute them at once, instead of leaving that to a worker
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    format: FormatArg,
}

const COLUMNS: Columns<RollUp> = Columns(&[
    ("rolled_up_at", |row| time(row.rolled_up_at)),
    ("rebuild_before", |row| json!(row.rebuild_before.map(time))),
    ("timezone", |row| json!(row.timezone)),
    ("formula", |row| json!(row.formula)),
]);

pub(super) fn run(store: &Store, args: &RebuildArgs) -> CliResult<()> {
    let (tenant, zone) = business(store, &args.tenant.tenant)?;
    store.as_operator(&tenant, |tx| if args.now { tx.begin_rebuild() } else { tx.rebuild_figures() })?;
    let hours = if args.now { Some(compute(store, &tenant, zone)?) } else { None };
    match state(store, &tenant)? {
        Some(state) => COLUMNS.one(args.format.format, &state)?,
        None => eprintln!("nothing was computed yet: a worker computes all"),
    }
    match hours {
        Some(hours) => eprintln!("{hours} hours are computed"),
        None => eprintln!("a worker (nmc worker) computes all figures, the latest month first; until then they stay as they are"),
    }
    Ok(())
}

fn state(store: &Store, tenant: &Tenant) -> Result<Option<RollUp>> {
    store.as_operator(tenant, |tx| tx.analytics_roll_ups().find())
}

/// Computes all that is to be computed, and says how far that is. Returns the number of hours.
fn compute(store: &Store, tenant: &Tenant, zone: Timezone) -> CliResult<usize> {
    let mut hours: usize = 0;
    loop {
        let Some(some) = roll_up(store, tenant)? else {
            return Err(Error::try_later("a worker has the figures in hand, and computes them").into());
        };
        hours += some;
        match state(store, tenant)?.and_then(|state| state.rebuild_before) {
            Some(before) => eprintln!("{hours} hours, back to {}", before.with_timezone(&zone.tz()).format("%Y-%m-%d")),
            None if some == 0 => return Ok(hours),
            None => {}
        }
    }
}
