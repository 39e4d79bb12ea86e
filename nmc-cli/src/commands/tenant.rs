use super::number;
use crate::cli::{DatabaseArgs, Format, TenantCommand};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::output::{Columns, time, write_json};
use nmc_core::identity::{NewTenant, TenantFilter, TenantRow, onboard};
use nmc_core::numbers::NumberFilter;
use nmc_core::settings::BusinessSettings;
use nmc_core::store::Reason;
use nmc_core::{PageRequest, Store};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::ExitCode;

pub(crate) const COLUMNS: Columns<TenantRow> = Columns {
    names: &["id", "business_name", "status", "business_phone", "business_type", "timezone", "onboarding_step", "created_at"],
    values: |row| {
        vec![
            json!(row.id),
            json!(row.business_name),
            json!(row.status),
            json!(row.business_phone),
            json!(row.business_type),
            json!(row.timezone),
            json!(row.onboarding_step),
            time(row.created_at),
        ]
    },
};

const SETTINGS: Columns<BusinessSettings> = Columns {
    names: &[
        "greeting_template",
        "greeting_cooldown_hours",
        "ai_takeover_delay_seconds",
        "basic_job_estimate_min",
        "basic_job_estimate_max",
    ],
    values: |row| {
        vec![
            json!(row.greeting_template),
            json!(row.greeting_cooldown_hours),
            json!(row.ai_takeover_delay_seconds),
            json!(row.basic_job_estimate_min),
            json!(row.basic_job_estimate_max),
        ]
    },
};

pub(crate) fn run(args: &DatabaseArgs, command: TenantCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        TenantCommand::Onboard { name, phone, address, trade, timezone, format } => {
            let new = NewTenant {
                business_name: name,
                business_phone: phone,
                business_address: address,
                business_type: trade,
                timezone,
            };
            let (_, row) = onboard(&store, &new)?;
            COLUMNS.one(format.format, &row)?;
        }
        TenantCommand::List { status, page } => {
            let request = PageRequest::new(page.limit, page.after)?;
            let filter = TenantFilter { status, ..TenantFilter::default() };
            let rows = store.system(Reason::Operations, |tx| tx.list_tenants(&filter, request))?;
            COLUMNS.page(page.format.format, &rows)?;
        }
        TenantCommand::Show { tenant, format } => show(&store, &tenant, format.format)?,
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn show(store: &Store, key: &str, format: Format) -> CliResult<()> {
    let proof = tenant(store, key)?;
    let (row, settings, numbers) = store.tenant(&proof, |tx| {
        let all = PageRequest::new(PageRequest::MAX, None)?;
        Ok((tx.tenants().get()?, tx.business_settings().get()?, tx.phone_numbers().list(&NumberFilter::default(), all)?))
    })?;
    match format {
        Format::Json => {
            let numbers: Vec<Value> = numbers.items.iter().map(|number| number::COLUMNS.json(number)).collect();
            write_json(&json!({"tenant": COLUMNS.json(&row), "settings": SETTINGS.json(&settings), "numbers": numbers}))
        }
        Format::Table => {
            COLUMNS.one(format, &row)?;
            writeln!(std::io::stdout())?;
            SETTINGS.one(format, &settings)?;
            writeln!(std::io::stdout())?;
            number::COLUMNS.page(format, &numbers)
        }
    }
}
