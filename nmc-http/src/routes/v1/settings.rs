use crate::api::ask::{Ask, JsonBody, NoQuery, must_match};
use crate::api::reply::{Json, Tagged};
use crate::api::wire::given;
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::Version;
use nmc_core::settings::{BusinessSettings, BusinessSettingsPatch, GreetingPreview};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a business answers missed calls.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsOut {
    /// Text sent after a missed call; `{{business_name}}` becomes the name.
    greeting_template: String,
    /// When somebody approved of the greeting as it is; null once it has changed.
    greeting_reviewed_at: Option<DateTime<Utc>>,
    /// Hours in which the same person gets no second greeting.
    greeting_cooldown_hours: i32,
    /// Seconds a customer waits for a person before the assistant answers.
    ai_takeover_delay_seconds: i32,
    /// Dollars.
    basic_job_estimate_min: i32,
    /// Dollars.
    basic_job_estimate_max: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<BusinessSettings> for SettingsOut {
    fn from(row: BusinessSettings) -> Self {
        Self {
            greeting_template: row.greeting_template,
            greeting_reviewed_at: row.greeting_reviewed_at,
            greeting_cooldown_hours: row.greeting_cooldown_hours,
            ai_takeover_delay_seconds: row.ai_takeover_delay_seconds,
            basic_job_estimate_min: row.basic_job_estimate_min,
            basic_job_estimate_max: row.basic_job_estimate_max,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Changes of the settings.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsChange {
    /// With `{{business_name}}` in it, and no other placeholder. Another greeting has to be reviewed anew.
    #[serde(default, deserialize_with = "given")]
    #[schema(min_length = 10, max_length = 500, nullable = false)]
    greeting_template: Option<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 1, maximum = 720, nullable = false)]
    greeting_cooldown_hours: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 60, maximum = 1800, nullable = false)]
    ai_takeover_delay_seconds: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 25, maximum = 10000, nullable = false)]
    basic_job_estimate_min: Option<i32>,
    /// Above the lower one.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 25, maximum = 10000, nullable = false)]
    basic_job_estimate_max: Option<i32>,
}

pub(super) async fn get(ask: Ask<NoQuery, ()>) -> ApiResult<Tagged<SettingsOut>> {
    let row = ask.acting(|tx, _| tx.business_settings().get()).await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}

pub(super) async fn change(ask: Ask<NoQuery, JsonBody<SettingsChange>>) -> ApiResult<Tagged<SettingsOut>> {
    let (expected, body) = (ask.if_match()?, &ask.body.0);
    let patch = BusinessSettingsPatch {
        greeting_template: body.greeting_template.clone(),
        greeting_cooldown_hours: body.greeting_cooldown_hours,
        ai_takeover_delay_seconds: body.ai_takeover_delay_seconds,
        basic_job_estimate_min: body.basic_job_estimate_min,
        basic_job_estimate_max: body.basic_job_estimate_max,
    };
    let row = ask
        .acting(move |tx, _| {
            must_match(expected.as_ref(), Version::of(tx.business_settings().lock()?.updated_at), "settings")?;
            tx.business_settings().update(&patch)
        })
        .await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}

/// What to preview.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewIn {
    /// The template; the one in force if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(min_length = 10, max_length = 500, nullable = false)]
    greeting_template: Option<String>,
}

/// What somebody who calls for the first time would be texted.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreviewOut {
    text: String,
    characters: usize,
    /// GSM-7 or UCS-2.
    encoding: &'static str,
    /// How many segments the provider bills.
    segments: usize,
}

pub(super) async fn preview(ask: Ask<NoQuery, JsonBody<PreviewIn>>) -> ApiResult<Json<PreviewOut>> {
    let template = ask.body.0.greeting_template.clone();
    let preview = ask
        .acting(move |tx, _| {
            let name = tx.tenants().get()?.business_name;
            let template = match &template {
                Some(template) => template.clone(),
                None => tx.business_settings().get()?.greeting_template,
            };
            GreetingPreview::of(&template, &name)
        })
        .await?;
    Ok(Json(PreviewOut {
        text: preview.text,
        characters: preview.characters,
        encoding: preview.encoding.as_str(),
        segments: preview.segments,
    }))
}

pub(super) async fn review(ask: Ask<NoQuery, ()>) -> ApiResult<Tagged<SettingsOut>> {
    let expected = ask.if_match()?;
    let row = ask
        .acting(move |tx, _| {
            must_match(expected.as_ref(), Version::of(tx.business_settings().lock()?.updated_at), "settings")?;
            tx.business_settings().review_greeting()
        })
        .await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}
