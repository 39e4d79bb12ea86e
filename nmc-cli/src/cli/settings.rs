//! `nmc tenant settings`.

use super::{FormatArg, TenantArg};
use chrono::NaiveTime;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use nmc_core::{CallScreening, Country};

/// How a business answers; without a change, its settings are shown.
#[derive(Args)]
pub(crate) struct SettingsArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArg,

    /// The text after a missed call, with {{business_name}} in it
    #[arg(long, value_name = "TEXT")]
    pub(crate) greeting_template: Option<String>,
    /// Hours in which one person gets no second greeting, 1 to 720
    #[arg(long, value_name = "HOURS")]
    pub(crate) cooldown_hours: Option<i32>,
    /// Whether the answer to a call that was missed just now may go out at any hour
    #[arg(long, value_name = "true|false")]
    pub(crate) greeting_any_hour: Option<bool>,
    /// When automatic texts may go out otherwise, by the clock of who gets them, like 08:00-21:00
    #[arg(long, value_name = "HH:MM-HH:MM", value_parser = span)]
    pub(crate) texting_hours: Option<(NaiveTime, NaiveTime)>,
    /// The countries that automatic texts may go to, like US,CA
    #[arg(long = "allow-country", value_name = "CODES", value_delimiter = ',', conflicts_with = "own_country_only")]
    pub(crate) allow_countries: Option<Vec<Country>>,
    /// Automatic texts go to the country of the number that was called, and to no other
    #[arg(long)]
    pub(crate) own_country_only: bool,
    /// Automatic texts in 24 hours at most, 0 to 100000
    #[arg(long, value_name = "N")]
    pub(crate) daily_texts: Option<i32>,
    /// Automatic texts to one person in 24 hours at most, 0 to 100
    #[arg(long, value_name = "N")]
    pub(crate) daily_texts_per_person: Option<i32>,
    /// How a forwarded call proves that a person took it, and not a voicemail
    #[arg(long, value_name = "HOW", value_parser = PossibleValuesParser::new(SCREENINGS.map(|(name, _)| name)).map(screening))]
    pub(crate) call_screening: Option<CallScreening>,
    /// Days without any event after which an open conversation is resolved, 0 to 365; 0 for never
    #[arg(long, value_name = "DAYS")]
    pub(crate) auto_resolve_days: Option<i32>,

    #[command(flatten)]
    pub(crate) format: FormatArg,
}

/// The ways to screen a call, as they are written on the command line.
const SCREENINGS: [(&str, CallScreening); 3] = [
    ("key-press", CallScreening::KeyPress),
    ("machine-detection", CallScreening::MachineDetection),
    ("none", CallScreening::Off),
];

#[expect(clippy::needless_pass_by_value, reason = "clap hands over what it parsed")]
fn screening(name: String) -> CallScreening {
    SCREENINGS.into_iter().find(|(known, _)| *known == name).map_or(CallScreening::Off, |(_, screening)| screening)
}

fn span(text: &str) -> Result<(NaiveTime, NaiveTime), &'static str> {
    let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
    let (start, end) = text.split_once('-').ok_or(SPAN)?;
    Ok((time(start).ok_or(SPAN)?, time(end).ok_or(SPAN)?))
}

const SPAN: &str = "must be like 08:00-21:00";
