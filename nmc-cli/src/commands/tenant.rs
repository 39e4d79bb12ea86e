use super::tenant_settings::{self, SETTINGS};
use super::{number, onboarding, tenant_status, user};
use crate::cli::{DatabaseArgs, Format, KnownTenantCommand, OnboardingState, TenantChangeArgs};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::output::{Columns, time, write_json};
use chrono::{DateTime, Utc};
use nmc_core::numbers::NumberFilter;
use nmc_core::store::Reason;
use nmc_core::tenants::BusinessHours;
use nmc_core::tenants::{TenantFilter, TenantPatch, TenantRow};
use nmc_core::{PageRequest, Patch, Store};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::ExitCode;

pub(crate) const COLUMNS: Columns<TenantRow> = Columns {
    names: &[
        "id",
        "business_name",
        "status",
        "approved_at",
        "business_phone",
        "business_address",
        "business_type",
        "timezone",
        "onboarding_step",
        "onboarding_completed",
        "phone_number_limit",
        "created_at",
    ],
    values: |row| {
        vec![
            json!(row.id),
            json!(row.business_name),
            json!(row.status),
            json!(row.approved_at.map(time)),
            json!(row.business_phone),
            json!(row.business_address),
            json!(row.business_type),
            json!(row.timezone),
            json!(row.onboarding_step),
            json!(row.onboarding_completed),
            json!(row.phone_number_limit),
            time(row.created_at),
        ]
    },
};

/// When it is open, as of an instant.
const HOURS: Columns<(BusinessHours, DateTime<Utc>)> = Columns {
    names: &["business_hours_start", "business_hours_end", "is_open", "next_open", "next_close"],
    values: |(hours, at)| {
        vec![
            json!(hours.opens),
            json!(hours.closes),
            json!(hours.is_open(*at)),
            json!(hours.next_open(*at).map(time)),
            json!(hours.next_close(*at).map(time)),
        ]
    },
};

pub(crate) fn run(args: &DatabaseArgs, command: KnownTenantCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        KnownTenantCommand::List { status, trade, onboarding, awaiting_approval, page } => {
            let request = PageRequest::new(page.limit, page.after)?;
            let filter = TenantFilter {
                status,
                business_type: trade,
                awaiting_approval: awaiting_approval.then_some(true),
                onboarding_completed: onboarding.map(|state| state == OnboardingState::Completed),
                ..TenantFilter::default()
            };
            let rows = store.system(Reason::Operations, |tx| tx.list_tenants(&filter, request))?;
            COLUMNS.page(page.format.format, &rows)?;
        }
        KnownTenantCommand::Approve { tenant, format } => tenant_status::approve(&store, &tenant.tenant, format.format)?,
        KnownTenantCommand::Show { tenant, format } => show(&store, &tenant.tenant, format.format)?,
        KnownTenantCommand::Change(args) => change(&store, *args)?,
        KnownTenantCommand::Settings(args) => tenant_settings::run(&store, *args)?,
        KnownTenantCommand::Onboarding { tenant, complete, format } => {
            onboarding::run(&store, &tenant.tenant, complete, format.format)?;
        }
        KnownTenantCommand::ReviewGreeting { tenant, yes, format } => {
            onboarding::review_greeting(&store, &tenant.tenant, yes, format.format)?;
        }
        KnownTenantCommand::Suspend { tenant, yes, format } => {
            tenant_status::suspend(&store, &tenant.tenant, yes, format.format)?;
        }
        KnownTenantCommand::Reactivate { tenant, format } => tenant_status::reactivate(&store, &tenant.tenant, format.format)?,
        KnownTenantCommand::Deactivate { tenant, yes, format } => {
            tenant_status::deactivate(&store, &tenant.tenant, yes, format.format)?;
        }
    }
    drop(store);
    database.close()?;
    Ok(ExitCode::SUCCESS)
}

fn show(store: &Store, key: &str, format: Format) -> CliResult<()> {
    let proof = tenant(store, key)?;
    let (at, row, settings, owner, onboarding, numbers) = store.as_operator(&proof, |tx| {
        let all = PageRequest::new(PageRequest::MAX, None)?;
        let row = tx.tenants().get()?;
        let owner = row.owner_id.map(|owner| tx.users().get(owner)).transpose()?;
        let numbers = tx.phone_numbers().list(&NumberFilter::default(), all)?;
        Ok((tx.now(), row, tx.business_settings().get()?, owner, tx.onboarding()?, numbers))
    })?;
    let hours = (row.business_hours(), at);
    match format {
        Format::Json => {
            let numbers: Vec<Value> = numbers.items.iter().map(|number| number::COLUMNS.json(number)).collect();
            write_json(&json!({
                "tenant": COLUMNS.json(&row),
                "settings": SETTINGS.json(&settings),
                "hours": HOURS.json(&hours),
                "owner": owner.map(|owner| user::COLUMNS.json(&owner)),
                "onboarding": onboarding::document(&onboarding),
                "numbers": numbers,
            }))
        }
        Format::Table => {
            COLUMNS.one(format, &row)?;
            gap()?;
            tenant_settings::print(format, &settings)?;
            gap()?;
            HOURS.one(format, &hours)?;
            gap()?;
            match owner {
                Some(owner) => user::COLUMNS.one(format, &owner)?,
                None => writeln!(std::io::stdout(), "owner  –")?,
            }
            gap()?;
            onboarding::print(format, &onboarding)?;
            gap()?;
            number::COLUMNS.page(format, &numbers)
        }
    }
}

fn change(store: &Store, args: TenantChangeArgs) -> CliResult<()> {
    let proof = tenant(store, &args.tenant.tenant)?;
    let set = |text: Option<String>| text.map_or(Patch::Keep, Patch::Set);
    let business = args.business;
    let patch = TenantPatch {
        business_name: business.name,
        business_phone: business.phone.map_or(Patch::Keep, Patch::Set),
        business_address: set(business.address),
        business_type: set(business.trade),
        service_radius_miles: args.radius,
        estimated_job_min: args.job_min,
        estimated_job_max: args.job_max,
        business_hours_start: args.opens,
        business_hours_end: args.closes,
        timezone: business.timezone,
        ..TenantPatch::default()
    };
    if let Some(limit) = args.number_limit {
        store.system(Reason::Operations, |tx| tx.set_phone_number_limit(proof.id(), limit))?;
    }
    let row = store.as_operator(&proof, |tx| tx.tenants().update(&patch))?;
    COLUMNS.one(args.format.format, &row)
}

fn gap() -> CliResult<()> {
    Ok(writeln!(std::io::stdout())?)
}
