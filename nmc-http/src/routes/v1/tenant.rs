use crate::api::conflicts::telling_of_others;
use crate::api::reply::{Json, Tagged};
use crate::api::request::{JsonBody, NoQuery, RequestContext, must_match};
use crate::api::wire::{Change, Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::tenants::{TenantPatch, TenantRow};
use nmc_core::workflows::{Onboarding, OnboardingStep};
use nmc_core::{Error, Patch, TenantTx, Version};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A business.
#[derive(Serialize, ToSchema)]
pub(crate) struct TenantOut {
    id: text::TenantId,
    business_name: String,
    business_address: Option<String>,
    /// The number that the business had before, to which calls are forwarded.
    business_phone: Option<text::PhoneNumber>,
    /// The trade of the business.
    business_type: Option<String>,
    industry: Option<String>,
    owner_id: Option<text::UserId>,
    status: text::TenantStatus,
    /// The instant at which an operator approved of the business; null while it waits for that: until then it may set everything
    /// up, but buys no number, sends no text and has no call forwarded (403 `awaiting_approval`).
    approved_at: Option<DateTime<Utc>>,
    subscription_tier: String,
    /// The step of onboarding that the business is at, 1 to 5.
    onboarding_step: i32,
    onboarding_completed: bool,
    /// The distance from the address within which the business takes jobs, in miles.
    service_radius_miles: i32,
    estimated_job_min: text::Amount,
    estimated_job_max: text::Amount,
    /// The opening time, in the time zone of the business.
    business_hours_start: text::LocalTime,
    /// The closing time, in the time zone of the business; before the opening time when the day ends past midnight, equal to it
    /// when the business never closes.
    business_hours_end: text::LocalTime,
    timezone: text::Timezone,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<TenantRow> for TenantOut {
    fn from(row: TenantRow) -> Self {
        Self {
            id: Text(row.id),
            business_name: row.business_name,
            business_address: row.business_address,
            business_phone: row.business_phone.map(Text),
            business_type: row.business_type,
            industry: row.industry,
            owner_id: row.owner_id.map(Text),
            status: Text(row.status),
            approved_at: row.approved_at,
            subscription_tier: row.subscription_tier,
            onboarding_step: row.onboarding_step,
            onboarding_completed: row.onboarding_completed,
            service_radius_miles: row.service_radius_miles,
            estimated_job_min: Text(row.estimated_job_min),
            estimated_job_max: Text(row.estimated_job_max),
            business_hours_start: Text(row.business_hours_start),
            business_hours_end: Text(row.business_hours_end),
            timezone: Text(row.timezone),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Changes of a business.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(max_length = 255, nullable = false)]
    business_name: Option<String>,
    /// The number to which calls are forwarded: not a premium, shared-cost, toll-free or satellite number.
    #[serde(default)]
    #[schema(value_type = Option<text::PhoneNumber>)]
    business_phone: Change<text::PhoneNumber>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1000)]
    business_address: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    business_type: Change<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 100)]
    industry: Change<String>,
    #[serde(default, deserialize_with = "given")]
    #[schema(minimum = 0, nullable = false)]
    service_radius_miles: Option<i32>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    estimated_job_min: Option<text::Amount>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    estimated_job_max: Option<text::Amount>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    business_hours_start: Option<text::LocalTime>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    business_hours_end: Option<text::LocalTime>,
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    timezone: Option<text::Timezone>,
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Tagged<TenantOut>> {
    let row = context.acting(|tx| tx.tenants().get()).await?;
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}

pub(super) async fn change(context: RequestContext<NoQuery, JsonBody<TenantChange>>) -> ApiResult<Tagged<TenantOut>> {
    let expected = context.if_match()?;
    let change = &context.body.0;
    let patch = TenantPatch {
        business_name: change.business_name.clone(),
        business_phone: change.business_phone.clone().typed(),
        business_address: change.business_address.0.clone(),
        business_type: change.business_type.0.clone(),
        industry: change.industry.0.clone(),
        service_radius_miles: change.service_radius_miles,
        estimated_job_min: change.estimated_job_min.map(|price| price.0),
        estimated_job_max: change.estimated_job_max.map(|price| price.0),
        business_hours_start: change.business_hours_start.map(|time| time.0),
        business_hours_end: change.business_hours_end.map(|time| time.0),
        timezone: change.timezone.map(|zone| zone.0),
    };
    let tells = patch.business_name.is_some() || patch.business_phone != Patch::Keep;
    let work = move |tx: &mut TenantTx<'_>| {
        let row = tx.tenants().lock()?;
        must_match(expected.as_ref(), Version::of(row.updated_at), "business")?;
        tx.tenants().update(&patch)
    };
    let row = if tells { telling_of_others(&context, work).await? } else { context.acting(work).await? };
    Ok(Tagged(Version::of(row.updated_at), row.into()))
}

/// The instant for which opening hours are asked.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoursQuery {
    /// The instant asked about, like 2026-11-22T18:00:00Z; now if left out.
    at: Option<DateTime<Utc>>,
}

/// The answer whether a business is open, and when it opens next.
#[derive(Serialize, ToSchema)]
pub(crate) struct HoursOut {
    /// The instant that the answer is about.
    at: DateTime<Utc>,
    is_open: bool,
    /// The earliest instant from `at` on at which the business is open.
    next_open: DateTime<Utc>,
}

pub(super) async fn hours(context: RequestContext<HoursQuery, ()>) -> ApiResult<Json<HoursOut>> {
    let at = context.query.at;
    let (at, hours) = context.acting(move |tx| Ok((at.unwrap_or(tx.now()), tx.tenants().business_hours()?))).await?;
    let next_open = hours.next_open(at).ok_or(Error::invalid("at", "must be a time that calendars reach"))?;
    Ok(Json(HoursOut { at, is_open: hours.is_open(at), next_open }))
}

/// The progress of a business through onboarding.
#[derive(Serialize, ToSchema)]
pub(crate) struct OnboardingOut {
    /// The step that the business is at, 1 to 5.
    step: i32,
    completed: bool,
    steps: Vec<StepOut>,
}

/// A step of onboarding.
#[derive(Serialize, ToSchema)]
pub(crate) struct StepOut {
    step: i32,
    name: &'static str,
    /// The requirements that the step still has.
    missing: Vec<MissingOut>,
}

/// A requirement that a step of onboarding still has.
#[derive(Serialize, ToSchema)]
pub(crate) struct MissingOut {
    field: &'static str,
    /// The rule that the field has to meet, in words that follow its name.
    rule: &'static str,
}

impl From<Onboarding> for OnboardingOut {
    fn from(state: Onboarding) -> Self {
        let steps = state.missing.into_iter().map(|(step, missing)| StepOut {
            step: step.number(),
            name: step.label(),
            missing: missing.into_iter().map(|missing| MissingOut { field: missing.field, rule: missing.rule }).collect(),
        });
        Self { step: state.step.number(), completed: state.completed, steps: steps.collect() }
    }
}

pub(super) async fn onboarding(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<OnboardingOut>> {
    Ok(Json(context.acting(|tx| tx.onboarding()).await?.into()))
}

pub(super) async fn complete_step(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<OnboardingOut>> {
    let step = OnboardingStep::numbered(context.id("step", "step")?)?;
    Ok(Json(context.acting(move |tx| tx.complete_onboarding_step(step)).await?.into()))
}
