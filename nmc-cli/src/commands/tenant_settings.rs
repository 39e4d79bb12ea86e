use crate::cli::SettingsArgs;
use crate::database::tenant;
use crate::error::CliResult;
use crate::output::{Columns, time};
use nmc_core::Store;
use nmc_core::settings::{BusinessSettings, BusinessSettingsPatch};
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
    let row = store.tenant(&proof, |tx| {
        if patch.is_empty() { tx.business_settings().get() } else { tx.business_settings().update(&patch) }
    })?;
    SETTINGS.one(args.format.format, &row)
}
