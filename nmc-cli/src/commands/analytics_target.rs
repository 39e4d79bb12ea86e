//! `nmc analytics target`: what key figures should come to.

use super::alert_list::figure;
use crate::database::tenant;
use crate::error::CliResult;
use crate::options::judgement::number;
use crate::options::{FormatArg, TenantArg, one_of};
use crate::output::{Columns, time};
use clap::{Args, Subcommand};
use nmc_core::analytics::{KPI_PERIODS, Kpi, KpiTarget, KpiUnit};
use nmc_core::{Error, KpiPeriod, Store};
use rust_decimal::Decimal;
use serde_json::json;
use std::convert::Infallible;

#[derive(Subcommand)]
pub(crate) enum TargetCommand {
    /// Set what a key figure should come to, in its unit: 30 or 30% of one in percent
    Set {
        #[command(flatten)]
        key: TargetKey,
        /// The value that it should come to
        #[arg(value_name = "VALUE", allow_negative_numbers = true, value_parser = target)]
        value: Target,
        #[command(flatten)]
        format: FormatArg,
    },
    /// List the targets of a business
    List {
        #[command(flatten)]
        tenant: TenantArg,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Remove a target
    Remove {
        #[command(flatten)]
        key: TargetKey,
    },
}

/// A target as it is typed.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    value: Decimal,
    /// Whether it has a percent sign.
    is_percent: bool,
}

fn target(text: &str) -> Result<Target, &'static str> {
    let text = text.trim();
    let bare = text.strip_suffix('%');
    Ok(Target { value: number(bare.unwrap_or(text))?, is_percent: bare.is_some() })
}

/// The name of a key figure; one that isn't there is refused later.
fn kpi(text: &str) -> Result<String, Infallible> {
    Ok(Kpi::called(text).map_or(text, |kpi| kpi.name).to_owned())
}

impl Target {
    /// The value in the unit of a key figure; that of a key figure that isn't there is refused later.
    fn of(self, kpi: &str) -> Result<Decimal, Error> {
        if self.is_percent && Kpi::named(kpi).is_some_and(|known| known.unit != KpiUnit::Percent) {
            return Err(Error::invalid("VALUE", "must be a number, like 12.5: this figure is not in percent"));
        }
        Ok(self.value)
    }
}

/// The target of which business, key figure and period.
#[derive(Args)]
pub(crate) struct TargetKey {
    #[command(flatten)]
    tenant: TenantArg,
    /// The key figure, by its name or label, such as missed_rate or "Calls missed"
    #[arg(value_name = "KPI", value_parser = kpi)]
    kpi: String,
    /// Of days, weeks or months
    #[arg(long, default_value = "daily", value_parser = one_of(&KPI_PERIODS, KpiPeriod::label))]
    period: KpiPeriod,
}

const COLUMNS: Columns<KpiTarget> = Columns(&[
    ("kpi", |row| json!(row.kpi_name)),
    ("period", |row| json!(row.period_type)),
    ("target", |row| figure(row.kpi_target)),
    ("updated_at", |row| time(row.updated_at)),
]);

pub(super) fn run(store: &Store, command: &TargetCommand) -> CliResult<()> {
    match command {
        TargetCommand::Set { key, value, format } => {
            let proof = tenant(store, &key.tenant.tenant)?;
            let value = value.of(&key.kpi)?;
            let row = store.as_operator(&proof, |tx| tx.kpi_targets().upsert_by_key(&key.kpi, key.period, value));
            let names = [("kpi_name", "KPI"), ("kpi_target", "VALUE")];
            COLUMNS.one(format.format, &row.map_err(|error| error.renamed(&names))?)
        }
        TargetCommand::List { tenant: key, format } => {
            let proof = tenant(store, &key.tenant)?;
            let rows = store.as_operator(&proof, |tx| tx.kpi_targets().list())?;
            COLUMNS.all(format.format, &rows)
        }
        TargetCommand::Remove { key } => {
            let proof = tenant(store, &key.tenant.tenant)?;
            store.as_operator(&proof, |tx| tx.kpi_targets().delete(&key.kpi, key.period))?;
            eprintln!("removed");
            Ok(())
        }
    }
}
