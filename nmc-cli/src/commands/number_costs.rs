//! `nmc number costs`.

use super::number::money;
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::{FormatArg, TenantArg};
use crate::output::Columns;
use clap::Args;
use nmc_core::Store;
use nmc_core::numbers::{Month, MonthCosts};
use serde_json::json;
use std::process::ExitCode;

/// The business whose costs are shown, and the months.
#[derive(Args)]
pub(crate) struct CostsArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArg,
    /// The first month [default: eleven before the last]
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) from: Option<Month>,
    /// The last month [default: this one]
    #[arg(long, value_name = "YYYY-MM")]
    pub(crate) to: Option<Month>,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

const COLUMNS: Columns<MonthCosts> = Columns(&[
    ("month", |costs| json!(costs.month.to_string())),
    ("currency", |costs| json!(costs.currency)),
    ("numbers", |costs| json!(costs.numbers)),
    ("setup", |costs| money(costs.setup_cents)),
    ("monthly", |costs| money(costs.monthly_cents)),
    ("total", |costs| money(costs.total_cents())),
]);

pub(super) fn run(store: &Store, args: &CostsArgs) -> CliResult {
    let proof = tenant(store, &args.tenant.tenant)?;
    let costs = store.tenant(&proof, |tx| {
        let to = args.to.unwrap_or_else(|| Month::of(tx.now()));
        tx.phone_numbers().costs(args.from.unwrap_or_else(|| to.back(11)), to)
    })?;
    COLUMNS.all(args.format.format, &costs)?;
    Ok(ExitCode::SUCCESS)
}
