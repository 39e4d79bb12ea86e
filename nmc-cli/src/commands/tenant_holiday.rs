//! `nmc tenant holiday`: the days on which a business is closed whatever its hours say.

use crate::database::tenant;
use crate::error::CliResult;
use crate::options::moment::day;
use crate::options::{FormatArg, TenantArg};
use crate::output::{Columns, time};
use chrono::NaiveDate;
use clap::Subcommand;
use nmc_core::Store;
use nmc_core::tenants::Holiday;
use serde_json::json;

#[derive(Subcommand)]
pub(crate) enum HolidayCommand {
    /// List the holidays of a business, the earliest first
    List {
        #[command(flatten)]
        tenant: TenantArg,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Make a day a holiday, or give it another name
    Add {
        #[command(flatten)]
        tenant: TenantArg,
        /// The day, in the business's zone, like 2026-12-25
        #[arg(value_name = "DAY", value_parser = day)]
        day: NaiveDate,
        /// Its name, like "Christmas Day"
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Make a holiday a day like others again
    Remove {
        #[command(flatten)]
        tenant: TenantArg,
        /// The day
        #[arg(value_name = "DAY", value_parser = day)]
        day: NaiveDate,
    },
}

pub(super) const COLUMNS: Columns<Holiday> =
    Columns(&[("day", |row| json!(row.day)), ("name", |row| json!(row.name)), ("updated_at", |row| time(row.updated_at))]);

pub(super) fn run(store: &Store, command: &HolidayCommand) -> CliResult<()> {
    match command {
        HolidayCommand::List { tenant: key, format } => {
            let proof = tenant(store, &key.tenant)?;
            let rows = store.as_operator(&proof, |tx| tx.holidays().list())?;
            COLUMNS.all(format.format, &rows)
        }
        HolidayCommand::Add { tenant: key, day, name, format } => {
            let proof = tenant(store, &key.tenant)?;
            let row = store.as_operator(&proof, |tx| tx.holidays().upsert_by_day(*day, name));
            COLUMNS.one(format.format, &row.map_err(|error| error.renamed(&[("day", "DAY"), ("name", "NAME")]))?)
        }
        HolidayCommand::Remove { tenant: key, day } => {
            let proof = tenant(store, &key.tenant)?;
            store.as_operator(&proof, |tx| tx.holidays().delete(*day))?;
            eprintln!("removed");
            Ok(())
        }
    }
}
