use crate::cli::{Format, SettingsArgs};
use crate::database::tenant;
use crate::error::CliResult;
use crate::output::{Columns, time};
use nmc_core::tenants::{BusinessSettings, BusinessSettingsPatch};
use nmc_core::{Error, Store};
use serde_json::json;

pub(crate) const SETTINGS: Columns<BusinessSettings> = Columns {
    names: &[
        "greeting_template",
        "greeting_reviewed_at",
        "greeting_cooldown_hours",
        "greeting_at_any_hour",
        "texting_starts_at",
        "texting_ends_at",
        "allowed_countries",
        "daily_text_limit",
        "daily_person_limit",
        "call_screening",
        "auto_resolve_days",
        "ai_takeover_delay_seconds",
        "basic_job_estimate_min",
        "basic_job_estimate_max",
    ],
    values: |row| {
        vec![
            json!(row.greeting_template),
            json!(row.greeting_reviewed_at.map(time)),
            json!(row.greeting_cooldown_hours),
            json!(row.greeting_at_any_hour),
            json!(row.texting_starts_at),
            json!(row.texting_ends_at),
            json!(row.allowed_countries),
            json!(row.daily_text_limit),
            json!(row.daily_person_limit),
            json!(row.call_screening),
            json!(row.auto_resolve_days),
            json!(row.ai_takeover_delay_seconds),
            json!(row.basic_job_estimate_min),
            json!(row.basic_job_estimate_max),
        ]
    },
};

/// The settings for people, whom an empty list would tell nothing.
const TABLE: Columns<BusinessSettings> = Columns {
    names: SETTINGS.names,
    values: |row| {
        let mut values = (SETTINGS.values)(row);
        let countries = SETTINGS.names.iter().position(|name| *name == "allowed_countries");
        if let Some(value) = countries.and_then(|at| values.get_mut(at)).filter(|_| row.allowed_countries.is_empty()) {
            *value = json!("that of the number called");
        }
        values
    },
};

/// Prints the settings.
pub(crate) fn print(format: Format, row: &BusinessSettings) -> CliResult<()> {
    match format {
        Format::Json => SETTINGS.one(format, row),
        Format::Table => TABLE.one(format, row),
    }
}

/// The same complaint, of what was typed: nobody has typed a column's name.
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
        ..BusinessSettingsPatch::default()
    };
    let row = store
        .tenant(&proof, |tx| if patch.is_empty() { tx.business_settings().get() } else { tx.business_settings().update(&patch) })
        .map_err(of_flag)?;
    print(args.format.format, &row)
}
