//! `nmc tenant`.

use super::settings::SettingsArgs;
use super::{FormatArg, PageArgs, one_of};
use chrono::NaiveTime;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use nmc_core::{Email, PhoneNumber, TenantStatus, Timezone};
use rust_decimal::Decimal;
use std::path::PathBuf;

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
        #[arg(long, value_parser = one_of::<TenantStatus>)]
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
        #[command(flatten)]
        format: FormatArg,
    },
    /// Show one business: its settings, owner, onboarding, hours and numbers
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
    /// The number it has had so far
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

/// Of which at least one is named.
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

/// A business, and who owns it.
#[derive(Args)]
pub(crate) struct OnboardArgs {
    #[command(flatten)]
    pub(crate) business: BusinessArgs,

    /// Its owner's e-mail, with which they log in; without one, an owner can be invited later
    #[arg(long, value_name = "EMAIL")]
    pub(crate) owner_email: Option<Email>,
    /// Its owner's given name
    #[arg(long, value_name = "NAME")]
    pub(crate) owner_first_name: Option<String>,
    /// Its owner's family name
    #[arg(long, value_name = "NAME")]
    pub(crate) owner_last_name: Option<String>,
    /// Where to reach its owner
    #[arg(long, value_name = "NUMBER", value_parser = PhoneNumber::typed)]
    pub(crate) owner_phone: Option<PhoneNumber>,
    /// A file whose first line is the owner's password, or - for standard input; at a terminal it is asked for
    #[arg(long, value_name = "FILE")]
    pub(crate) owner_password_file: Option<PathBuf>,

    /// A name for this registration: repeated with it, the business is not taken in twice but shown again
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// A TOML file that says all this; options win over it
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) format: FormatArg,
}
