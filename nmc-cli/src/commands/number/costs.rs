use super::money;
use crate::cli::Format;
use crate::database::tenant;
use crate::error::CliResult;
use crate::output::Columns;
use nmc_core::numbers::{Month, MonthCosts};
use nmc_core::{Page, Store};
use serde_json::json;
use std::process::ExitCode;

const COLUMNS: Columns<MonthCosts> = Columns {
    names: &["month", "currency", "numbers", "setup", "monthly", "total"],
    values: |costs| {
        vec![
            json!(costs.month.to_string()),
            json!(costs.currency),
            json!(costs.numbers),
            money(costs.setup_cents),
            money(costs.monthly_cents),
            money(costs.total_cents()),
        ]
    },
};

pub(super) fn run(store: &Store, key: &str, from: Option<Month>, to: Option<Month>, format: Format) -> CliResult {
    let proof = tenant(store, key)?;
    let costs = store.as_operator(&proof, |tx| {
        let to = to.unwrap_or_else(|| Month::of(tx.now()));
        tx.phone_numbers().costs(from.unwrap_or_else(|| to.back(11)), to)
    })?;
    COLUMNS.page(format, &Page { items: costs, next: None })?;
    Ok(ExitCode::SUCCESS)
}
