use crate::api::reply::{Json, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::Version;
use nmc_core::tenants::{BusinessSettings, BusinessSettingsPatch, GreetingPreview, GreetingWords};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The settings of a business: how it answers missed calls.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingsOut {
    /// The text that is sent after a missed call. `{{business_name}}` becomes the name of the business, `{{hours}}` its opening
    /// hours (`7 AM-6 PM`), `{{next_opening}}` `now` while it is open, else when it opens next (`Tuesday at 7 AM`).
    greeting_template: String,
    /// The instant at which somebody approved of the greeting as it is; null once it has changed.
    greeting_reviewed_at: Option<DateTime<Utc>>,
    /// The hours in which the same person gets no second greeting.
    greeting_cooldown_hours: i32,
    /// The seconds for which a customer waits for a person before the assistant answers.
    ai_takeover_delay_seconds: i32,
    /// The lowest price that is quoted for a basic job, in US dollars.
    basic_job_estimate_min: i32,
    /// The highest price that is quoted for a basic job, in US dollars.
    basic_job_estimate_max: i32,
    /// The way in which a forwarded call proves that a person took it, and not a voicemail: by a key that they are asked to
    /// press, by the provider's machine detection, or not at all.
    call_screening: text::CallScreening,
    /// The days without any event after which an open conversation is resolved; 0 for never.
    auto_resolve_days: i32,
    /// The countries that automatic texts may go to; empty for that of the number that was called.
    allowed_countries: Vec<String>,
    /// The most automatic texts in 24 hours.
    daily_text_limit: i32,
    /// The most automatic texts to one person in 24 hours.
    daily_person_limit: i32,
    /// The time of day, by the recipient's clock, from which on automatic texts may go out; see also `greeting_at_any_hour`.
    texting_starts_at: text::LocalTime,
    /// The time of day, by the recipient's clock, from which on automatic texts wait for the next day.
    texting_ends_at: text::LocalTime,
    /// Whether the answer to a call that was missed just now may go out at any hour.
    greeting_at_any_hour: bool,
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
            call_screening: Text(row.call_screening),
            auto_resolve_days: row.auto_resolve_days,
            allowed_countries: row.allowed_countries,
            daily_text_limit: row.daily_text_limit,
            daily_person_limit: row.daily_person_limit,
            texting_starts_at: Text(row.texting_starts_at),
            texting_ends_at: Text(row.texting_ends_at),
            greeting_at_any_hour: row.greeting_at_any_hour,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Changes of the settings.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsChange {
    /// The greeting, with `{{business_name}}` in it; `{{hours}}` and `{{next_opening}}` are the only other placeholders. A new
    /// greeting has to be reviewed again.
    #[serde(default, deserialize_with = "given")]
    #[schema(
        min_length = 10,
        max_length = 500,
        pattern = r"^([^{}\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|\{\{(hours|next_opening)\}\})*\{\{business_name\}\}([^{}\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|\{\{(business_name|hours|next_opening)\}\})*$",
        nullable = false
    )]
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
    /// The highest price that is quoted for a basic job, in US dollars; above `basic_job_estimate_min`.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 25, maximum = 10000, nullable = false)]
    basic_job_estimate_max: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    call_screening: Option<text::CallScreening>,
    /// The days without any event after which an open conversation is resolved; 0 for never.
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, maximum = 365, nullable = false)]
    auto_resolve_days: Option<i32>,
    /// The countries that automatic texts may go to, all of which have phone numbers; empty for that of the number that was
    /// called.
    #[serde(default, deserialize_with = "given")]
    #[schema(max_items = 50, nullable = false)]
    allowed_countries: Option<Vec<text::Country>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, maximum = 100000, nullable = false)]
    daily_text_limit: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, maximum = 100, nullable = false)]
    daily_person_limit: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    texting_starts_at: Option<text::LocalTime>,
    /// The time of day from which on automatic texts wait for the next day; after `texting_starts_at`.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    texting_ends_at: Option<text::LocalTime>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    greeting_at_any_hour: Option<bool>,
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<SettingsOut>> {
    let row = context.acting(|tx| tx.business_settings().get()).await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}

pub(super) async fn change(context: RequestContext<NoQuery, JsonBody<SettingsChange>>) -> ApiResult<Tagged<SettingsOut>> {
    let (expected, body) = (context.if_match()?, &context.body.0);
    let patch = BusinessSettingsPatch {
        greeting_template: body.greeting_template.clone(),
        greeting_cooldown_hours: body.greeting_cooldown_hours,
        ai_takeover_delay_seconds: body.ai_takeover_delay_seconds,
        basic_job_estimate_min: body.basic_job_estimate_min,
        basic_job_estimate_max: body.basic_job_estimate_max,
        call_screening: body.call_screening.map(|screening| screening.0),
        auto_resolve_days: body.auto_resolve_days,
        allowed_countries: body.allowed_countries.as_ref().map(|codes| codes.iter().map(|code| code.0).collect()),
        daily_text_limit: body.daily_text_limit,
        daily_person_limit: body.daily_person_limit,
        texting_starts_at: body.texting_starts_at.map(|time| time.0),
        texting_ends_at: body.texting_ends_at.map(|time| time.0),
        greeting_at_any_hour: body.greeting_at_any_hour,
    };
    let row = context
        .acting(move |tx| {
            must_match(expected.as_ref(), Version::of(tx.business_settings().lock()?.updated_at), "settings")?;
            tx.business_settings().update(&patch)
        })
        .await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}

/// A greeting to preview.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewIn {
    /// The template of the greeting; the one in force if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(
        min_length = 10,
        max_length = 500,
        pattern = r"^([^{}\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|\{\{(hours|next_opening)\}\})*\{\{business_name\}\}([^{}\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|\{\{(business_name|hours|next_opening)\}\})*$",
        nullable = false
    )]
    greeting_template: Option<String>,
    /// The instant at which the text would go out, like 2026-11-22T18:00:00Z; now if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    at: Option<DateTime<Utc>>,
}

/// The preview of a greeting: the text that somebody who calls for the first time would get.
#[derive(Serialize, ToSchema)]
pub(crate) struct PreviewOut {
    text: String,
    characters: usize,
    /// The encoding of the text: `GSM-7` or `UCS-2`.
    encoding: &'static str,
    /// The number of segments that the provider bills.
    segments: usize,
}

pub(super) async fn preview(context: RequestContext<NoQuery, JsonBody<PreviewIn>>) -> ApiResult<Json<PreviewOut>> {
    let PreviewIn { greeting_template: template, at } = context.body.0.clone();
    let preview = context
        .acting(move |tx| {
            let (business, hours) = (tx.tenants().get()?, tx.tenants().business_hours()?);
            let template = match &template {
                Some(template) => template.clone(),
                None => tx.business_settings().get()?.greeting_template,
            };
            GreetingPreview::of(&template, &GreetingWords::of(&business, &hours, at.unwrap_or(tx.now())))
        })
        .await?;
    Ok(Json(PreviewOut {
        text: preview.text,
        characters: preview.characters,
        encoding: preview.encoding.as_str(),
        segments: preview.segments,
    }))
}

pub(super) async fn review(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<SettingsOut>> {
    let expected = context.if_match()?;
    let row = context
        .acting(move |tx| {
            must_match(expected.as_ref(), Version::of(tx.business_settings().lock()?.updated_at), "settings")?;
            tx.business_settings().review_greeting()
        })
        .await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}
