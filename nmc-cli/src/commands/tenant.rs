//! `nmc tenant`.

use super::tenant_holiday::{self, HolidayCommand};
use super::tenant_onboard::OnboardArgs;
use super::tenant_settings::{self, SETTINGS, SettingsArgs};
use super::{number, tenant_onboarding, tenant_status, user};
use crate::database::{Database, tenant};
use crate::error::CliResult;
use crate::options::{DatabaseArgs, Format, FormatArg, PageArgs, one_of};
use crate::output::{Columns, time, write_json};
use chrono::{DateTime, NaiveTime, Utc};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use nmc_core::numbers::NumberFilter;
use nmc_core::store::Reason;
use nmc_core::tenants::{BusinessHours, Holiday, TenantFilter, TenantPatch, TenantRow};
use nmc_core::{PageRequest, Patch, PhoneNumber, Store, TenantStatus, Timezone};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::ExitCode;

/// The name of the list, which its cursors bear.
const LIST: &str = "businesses";

#[derive(Subcommand)]
pub(crate) enum TenantCommand {
    /// Take in a business: by options, from a file, or, at a terminal, by answering questions
    Onboard(Box<OnboardArgs>),
    #[command(flatten)]
    Known(KnownTenantCommand),
}

/// What is done with businesses that were taken in.
#[derive(Subcommand)]
pub(crate) enum KnownTenantCommand {
    /// List the businesses, newest first
    List {
        /// Only those in this status
        #[arg(long, value_parser = one_of(TenantStatus::ALL, TenantStatus::label))]
        status: Option<TenantStatus>,
        /// Only those of this trade
        #[arg(long)]
        trade: Option<String>,
        /// Only those whose onboarding is open, or completed
        #[arg(long, value_enum)]
        onboarding: Option<OnboardingState>,
        /// Only those that wait for approval
        #[arg(long)]
        awaiting_approval: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Approve of a business that registered itself: from then on it may buy numbers, send texts and have calls forwarded
    Approve {
        #[command(flatten)]
        tenant: WhichArg,
        /// Don't ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Show one business: its settings, hours and next holidays, owner, onboarding and numbers
    Show {
        #[command(flatten)]
        tenant: WhichArg,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Change what a business says of itself, its hours and its prices
    Change(Box<TenantChangeArgs>),
    /// Show or change how a business answers: its greeting, when and whom it texts, how calls are screened
    Settings(Box<SettingsArgs>),
    /// Keep the days on which a business is closed whatever its hours say
    #[command(subcommand)]
    Holiday(HolidayCommand),
    /// Show how far a business is with its onboarding, and what each step still needs
    Onboarding {
        #[command(flatten)]
        tenant: WhichArg,
        /// Leave this step
        #[arg(long, value_name = "STEP", value_parser = clap::value_parser!(i32).range(1..=5))]
        complete: Option<i32>,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Show what a caller will be greeted with, and approve of it
    ReviewGreeting {
        #[command(flatten)]
        tenant: WhichArg,
        /// Don't ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Suspend a business: its sessions end and its texts wait; its calls are still recorded
    Suspend {
        #[command(flatten)]
        tenant: WhichArg,
        /// Don't ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Make a business active again
    Reactivate {
        #[command(flatten)]
        tenant: WhichArg,
        #[command(flatten)]
        format: FormatArg,
    },
    /// Part with a business: as suspended, but it has left; its data stays
    Deactivate {
        #[command(flatten)]
        tenant: WhichArg,
        /// Don't ask
        #[arg(long, short)]
        yes: bool,
        #[command(flatten)]
        format: FormatArg,
    },
}

/// Which business, without an option's name.
#[derive(Args)]
pub(crate) struct WhichArg {
    /// Its id or its exact name
    #[arg(value_name = "ID|NAME")]
    pub(crate) tenant: String,
}

/// What a business says of itself.
#[derive(Args)]
pub(crate) struct BusinessArgs {
    /// Its name, as greetings call it
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Its own phone, on which it has taken calls so far: calls to its numbers here ring there first
    #[arg(long, value_name = "NUMBER", value_parser = PhoneNumber::typed)]
    pub(crate) phone: Option<PhoneNumber>,
    /// Its address
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Its trade, like plumbing
    #[arg(long)]
    pub(crate) trade: Option<String>,
    /// Its zone, like America/Chicago
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<Timezone>,
}

/// Changes of a business; what is not named stays.
#[derive(Args)]
#[command(group = ArgGroup::new("changes").required(true).multiple(true).args(CHANGES))]
pub(crate) struct TenantChangeArgs {
    #[command(flatten)]
    pub(crate) tenant: WhichArg,
    #[command(flatten)]
    pub(crate) business: BusinessArgs,
    /// When it opens, in its zone, like 07:30
    #[arg(long, value_name = "HH:MM", value_parser = time_of_day)]
    pub(crate) opens: Option<NaiveTime>,
    /// When it closes; earlier than it opens when that is past midnight, the same when it never does
    #[arg(long, value_name = "HH:MM", value_parser = time_of_day)]
    pub(crate) closes: Option<NaiveTime>,
    /// The lower end of a usual job's price, in dollars
    #[arg(long, value_name = "DOLLARS")]
    pub(crate) job_min: Option<Decimal>,
    /// The upper end of a usual job's price, in dollars
    #[arg(long, value_name = "DOLLARS")]
    pub(crate) job_max: Option<Decimal>,
    /// How far from its address it takes jobs
    #[arg(long, value_name = "MILES")]
    pub(crate) radius: Option<i32>,
    /// How many phone numbers it may hold at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=100_000))]
    pub(crate) number_limit: Option<i32>,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}

/// The options of which at least one must be named.
const CHANGES: [&str; 11] =
    ["name", "phone", "address", "trade", "timezone", "opens", "closes", "job_min", "job_max", "radius", "number_limit"];

fn time_of_day(text: &str) -> Result<NaiveTime, &'static str> {
    NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| "must be like 07:30")
}

/// How far onboarding is.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnboardingState {
    /// Steps are left
    Open,
    /// All five steps are left behind
    Completed,
}

pub(crate) const COLUMNS: Columns<TenantRow> = Columns(&[
    ("id", |row| json!(row.id)),
    ("business_name", |row| json!(row.business_name)),
    ("status", |row| json!(row.status)),
    ("approved_at", |row| json!(row.approved_at.map(time))),
    ("business_phone", |row| json!(row.business_phone)),
    ("business_address", |row| json!(row.business_address)),
    ("business_type", |row| json!(row.business_type)),
    ("timezone", |row| json!(row.timezone)),
    ("onboarding_step", |row| json!(row.onboarding_step)),
    ("onboarding_completed", |row| json!(row.onboarding_completed)),
    ("phone_number_limit", |row| json!(row.phone_number_limit)),
    ("estimated_job_min", |row| json!(row.estimated_job_min)),
    ("estimated_job_max", |row| json!(row.estimated_job_max)),
    ("service_radius_miles", |row| json!(row.service_radius_miles)),
    ("created_at", |row| time(row.created_at)),
]);

/// When a business is open, as of an instant.
struct Open {
    hours: BusinessHours,
    at: DateTime<Utc>,
    /// The name of the day's holiday, for which it is closed.
    holiday: Option<String>,
}

const HOURS: Columns<Open> = Columns(&[
    ("business_hours_start", |open| json!(open.hours.opens)),
    ("business_hours_end", |open| json!(open.hours.closes)),
    ("is_open", |open| json!(open.hours.is_open(open.at))),
    ("holiday", |open| json!(open.holiday)),
    ("next_open", |open| json!(open.hours.next_open(open.at).map(time))),
    ("next_close", |open| {
        let next = open.hours.next_open(open.at).and_then(|next| open.hours.next_close(next));
        json!(next.map(time))
    }),
]);

/// How many of the holidays to come are shown.
const NEXT_HOLIDAYS: usize = 5;

pub(crate) fn run(args: &DatabaseArgs, command: KnownTenantCommand) -> CliResult {
    let database = Database::open(args)?;
    let store = database.store()?;
    match command {
        KnownTenantCommand::List { status, trade, onboarding, awaiting_approval, page } => {
            let request = page.of(LIST)?;
            let filter = TenantFilter {
                status,
                business_type: trade,
                awaiting_approval: awaiting_approval.then_some(true),
                onboarding_completed: onboarding.map(|state| state == OnboardingState::Completed),
                ..TenantFilter::default()
            };
            let rows = store.system(Reason::Operations, |tx| tx.list_tenants(&filter, request))?;
            COLUMNS.page(LIST, page.format.format, &rows)?;
        }
        KnownTenantCommand::Approve { tenant, yes, format } => {
            tenant_status::approve(&store, &tenant.tenant, yes, format.format)?;
        }
        KnownTenantCommand::Show { tenant, format } => show(&store, &tenant.tenant, format.format)?,
        KnownTenantCommand::Change(args) => change(&store, *args)?,
        KnownTenantCommand::Settings(args) => tenant_settings::run(&store, *args)?,
        KnownTenantCommand::Holiday(command) => tenant_holiday::run(&store, &command)?,
        KnownTenantCommand::Onboarding { tenant, complete, format } => {
            tenant_onboarding::run(&store, &tenant.tenant, complete, format.format)?;
        }
        KnownTenantCommand::ReviewGreeting { tenant, yes, format } => {
            tenant_onboarding::review_greeting(&store, &tenant.tenant, yes, format.format)?;
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
    let (at, row, (hours, holidays), settings, owner, onboarding, numbers) = store.as_operator(&proof, |tx| {
        let all = PageRequest::new(PageRequest::MAX, None)?;
        let row = tx.tenants().get()?;
        let owner = row.owner_id.map(|owner| tx.users().get(owner)).transpose()?;
        let numbers = tx.phone_numbers().list(&NumberFilter::default(), all)?;
        let hours = (tx.tenants().business_hours()?, tx.holidays().list()?);
        Ok((tx.now(), row, hours, tx.business_settings().get()?, owner, tx.onboarding()?, numbers))
    })?;
    let today = at.with_timezone(&hours.zone.tz()).date_naive();
    let next: Vec<Holiday> = holidays.into_iter().filter(|holiday| holiday.day >= today).take(NEXT_HOLIDAYS).collect();
    let holiday = next.first().filter(|holiday| holiday.day == today).map(|holiday| holiday.name.clone());
    let hours = Open { hours, at, holiday };
    match format {
        Format::Json => {
            let numbers: Vec<Value> = numbers.items.iter().map(|number| number::COLUMNS.json(number)).collect();
            write_json(&json!({
                "tenant": COLUMNS.json(&row),
                "settings": SETTINGS.json(&settings),
                "hours": HOURS.json(&hours),
                "next_holidays": next.iter().map(|holiday| tenant_holiday::COLUMNS.json(holiday)).collect::<Vec<_>>(),
                "owner": owner.map(|owner| user::COLUMNS.json(&owner)),
                "onboarding": tenant_onboarding::document(&onboarding),
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
            if !next.is_empty() {
                tenant_holiday::COLUMNS.all(format, &next)?;
                gap()?;
            }
            match owner {
                Some(owner) => user::COLUMNS.one(format, &owner)?,
                None => writeln!(std::io::stdout(), "owner  –")?,
            }
            gap()?;
            tenant_onboarding::print(format, &onboarding)?;
            gap()?;
            number::COLUMNS.page(number::LIST, format, &numbers)
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
