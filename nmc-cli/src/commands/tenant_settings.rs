//! `nmc tenant settings`.

use crate::database::tenant;
use crate::error::CliResult;
use crate::options::{Format, FormatArg, TenantArg};
use crate::output::{Column, Columns, time};
use chrono::NaiveTime;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use nmc_core::tenants::{BusinessSettings, BusinessSettingsPatch};
use nmc_core::{CallScreening, Country, Error, Store};
use serde_json::{Value, json};

/// How a business answers; without a change, its settings are shown.
#[derive(Args)]
pub(crate) struct SettingsArgs {
    #[command(flatten)]
    pub(crate) tenant: TenantArg,

    /// The text after a missed call, with {{business_name}} in it; {{hours}} and {{next_opening}} are filled, too
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
    /// Seconds before the assistant answers, 60 to 1800
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub(crate) assistant_delay: Option<i32>,
    /// The lower estimate of a job in dollars, 25 to 10000
    #[arg(long, value_name = "DOLLARS", allow_negative_numbers = true)]
    pub(crate) estimate_min: Option<i32>,
    /// The upper estimate of a job in dollars, 25 to 10000, above the lower
    #[arg(long, value_name = "DOLLARS", allow_negative_numbers = true)]
    pub(crate) estimate_max: Option<i32>,

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
fn country(text: &str) -> Result<Country, Error> {
    text.trim().parse()
}

const SPAN: &str = "must be like 08:00-21:00";

pub(crate) const SETTINGS: Columns<BusinessSettings> = Columns(&[
    ("greeting_template", |row| json!(row.greeting_template)),
    ("greeting_reviewed_at", |row| json!(row.greeting_reviewed_at.map(time))),
    ("greeting_cooldown_hours", |row| json!(row.greeting_cooldown_hours)),
    ("greeting_at_any_hour", |row| json!(row.greeting_at_any_hour)),
    ("texting_starts_at", |row| json!(row.texting_starts_at)),
    ("texting_ends_at", |row| json!(row.texting_ends_at)),
    ("allowed_countries", |row| json!(row.allowed_countries)),
    ("daily_text_limit", |row| json!(row.daily_text_limit)),
    ("daily_person_limit", |row| json!(row.daily_person_limit)),
    ("call_screening", |row| json!(row.call_screening)),
    ("auto_resolve_days", |row| json!(row.auto_resolve_days)),
    ("ai_takeover_delay_seconds", |row| json!(row.ai_takeover_delay_seconds)),
    ("basic_job_estimate_min", |row| json!(row.basic_job_estimate_min)),
    ("basic_job_estimate_max", |row| json!(row.basic_job_estimate_max)),
]);

/// The columns for people, whom an empty list of countries would tell nothing.
fn columns_for_people() -> Vec<Column<BusinessSettings>> {
    const IN_WORDS: Column<BusinessSettings> = ("allowed_countries", countries_in_words);
    let told = |column: &Column<BusinessSettings>| if column.0 == IN_WORDS.0 { IN_WORDS } else { *column };
    SETTINGS.0.iter().map(told).collect()
}

fn countries_in_words(row: &BusinessSettings) -> Value {
    if row.allowed_countries.is_empty() { json!("that of the number called") } else { json!(row.allowed_countries) }
}

/// Prints the settings.
pub(crate) fn print(format: Format, row: &BusinessSettings) -> CliResult<()> {
    match format {
        Format::Json => SETTINGS.one(format, row),
        Format::Table => Columns(&columns_for_people()).one(format, row),
    }
}

/// A refusal of a column, as one of the option that was typed: nobody has typed a column's name.
fn of_flag(error: Error) -> Error {
    match error {
        Error::Invalid { field, .. } if ["texting_starts_at", "texting_ends_at"].contains(&&*field) => {
            Error::invalid("--texting-hours", "must end later than they start")
        }
        other => other.renamed(&[
            ("greeting_template", "--greeting-template"),
            ("greeting_cooldown_hours", "--cooldown-hours"),
            ("allowed_countries", "--allow-country"),
            ("daily_text_limit", "--daily-texts"),
            ("daily_person_limit", "--daily-texts-per-person"),
            ("auto_resolve_days", "--auto-resolve-days"),
            ("ai_takeover_delay_seconds", "--assistant-delay"),
            ("basic_job_estimate_min", "--estimate-min"),
            ("basic_job_estimate_max", "--estimate-max"),
        ]),
    }
}

/// Shows the settings, changed first where a change is named.
pub(crate) fn run(store: &Store, args: SettingsArgs) -> CliResult<()> {
    let proof = tenant(store, &args.tenant.tenant)?;
    let (starts_at, ends_at) = args.texting_hours.unzip();
    let patch = BusinessSettingsPatch {
        greeting_template: args.greeting_template,
        greeting_cooldown_hours: args.cooldown_hours,
        greeting_at_any_hour: args.greeting_any_hour,
        texting_starts_at: starts_at,
        texting_ends_at: ends_at,
        allowed_countries: args.own_country_only.then(Vec::new).or(args.allow_countries),
        daily_text_limit: args.daily_texts,
        daily_person_limit: args.daily_texts_per_person,
        call_screening: args.call_screening,
        auto_resolve_days: args.auto_resolve_days,
        ai_takeover_delay_seconds: args.assistant_delay,
        basic_job_estimate_min: args.estimate_min,
        basic_job_estimate_max: args.estimate_max,
    };
    let row = store
        .tenant(&proof, |tx| if patch.is_empty() { tx.business_settings().get() } else { tx.business_settings().update(&patch) })
        .map_err(of_flag)?;
    print(args.format.format, &row)
}
