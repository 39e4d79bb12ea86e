//! `nmc tenant settings`.

use super::{FormatArg, TenantArg};
use chrono::NaiveTime;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
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
    #[arg(long, value_name = "HOURS", allow_negative_numbers = true)]
    pub(crate) cooldown_hours: Option<i32>,
    /// Whether the answer to a call that was missed just now may go out at any hour
    #[arg(long, value_name = "true|false")]
    pub(crate) greeting_any_hour: Option<bool>,
    /// When automatic texts may go out otherwise, by the clock of who gets them, like 08:00-21:00; 24:00 is the end of the day
    #[arg(long, value_name = "HH:MM-HH:MM", value_parser = span)]
    pub(crate) texting_hours: Option<(NaiveTime, NaiveTime)>,
    /// The countries that automatic texts may go to, like US,CA
    #[arg(long = "allow-country", value_name = "CODES", value_delimiter = ',', value_parser = country, conflicts_with = "own_country_only")]
    pub(crate) allow_countries: Option<Vec<Country>>,
    /// Automatic texts go to the country of the number that was called, and to no other
    #[arg(long)]
    pub(crate) own_country_only: bool,
    /// Automatic texts in 24 hours at most, 0 to 100000
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) daily_texts: Option<i32>,
    /// Automatic texts to one person in 24 hours at most, 0 to 100
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) daily_texts_per_person: Option<i32>,
    /// How a forwarded call proves that a person took it, and not a voicemail
    #[arg(long, value_name = "HOW", value_parser = PossibleValuesParser::new(SCREENINGS.map(|(name, _, help)| PossibleValue::new(name).help(help))).map(screening))]
    pub(crate) call_screening: Option<CallScreening>,
    /// Days without any event after which an open conversation is resolved, 0 to 365; 0 for never
    #[arg(long, value_name = "DAYS", allow_negative_numbers = true)]
    pub(crate) auto_resolve_days: Option<i32>,

    #[command(flatten)]
    pub(crate) format: FormatArg,
}

/// The ways to screen a call, as they are written on the command line, and in words.
const SCREENINGS: [(&str, CallScreening, &str); 3] = [
    ("key-press", CallScreening::KeyPress, "Whoever takes it is asked to press a key before the caller is connected"),
    ("machine-detection", CallScreening::MachineDetection, "Twilio listens for an answering machine"),
    ("none", CallScreening::Off, "Whatever answers counts as a person, a voicemail, too"),
];

#[expect(clippy::needless_pass_by_value, reason = "clap hands over what it parsed")]
fn screening(name: String) -> CallScreening {
    SCREENINGS.into_iter().find(|(known, ..)| *known == name).map_or(CallScreening::Off, |(_, screening, _)| screening)
}

fn span(text: &str) -> Result<(NaiveTime, NaiveTime), &'static str> {
    let time = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
    let (start, end) = text.split_once('-').ok_or(SPAN)?;
    // A day's clock never shows 24:00; its last second comes closest.
    let end = if end == "24:00" { NaiveTime::from_hms_opt(23, 59, 59) } else { time(end) };
    Ok((time(start).ok_or(SPAN)?, end.ok_or(SPAN)?))
}

/// Lists are typed with blanks after the commas, too.
fn country(text: &str) -> Result<Country, nmc_core::Error> {
    text.trim().parse()
}

const SPAN: &str = "must be like 08:00-21:00";
