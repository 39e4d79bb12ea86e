//! Business settings: one row per tenant.

use super::greeting_template::checked_template;
use crate::error::found;
use crate::schema::business_settings as settings;
use crate::store::{Scope, TenantTx, stamped};
use crate::types::bounds;
use crate::{BusinessSettingsId, CallScreening, Country, Error, Result, TenantId};
use chrono::{DateTime, NaiveTime, Utc};
use diesel::dsl::case_when;
use diesel::pg::Pg;
use diesel::prelude::*;
use std::ops::RangeInclusive;

/// A tenant's settings.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = settings, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct BusinessSettings {
    pub id: BusinessSettingsId,
    pub tenant_id: TenantId,
    pub greeting_template: String,
    pub greeting_reviewed_at: Option<DateTime<Utc>>,
    pub greeting_cooldown_hours: i32,
    pub ai_takeover_delay_seconds: i32,
    pub basic_job_estimate_min: i32,
    pub basic_job_estimate_max: i32,
    pub call_screening: CallScreening,
    pub auto_resolve_days: i32,
    pub allowed_countries: Vec<String>,
    pub daily_text_limit: i32,
    pub daily_person_limit: i32,
    pub texting_starts_at: NaiveTime,
    pub texting_ends_at: NaiveTime,
    pub greeting_at_any_hour: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Changes of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct BusinessSettingsPatch {
    /// The greeting; 10 to 500 characters with `{{business_name}}` in it, and no other placeholder.
    pub greeting_template: Option<String>,
    /// Hours without a second greeting; 1 to 720.
    pub greeting_cooldown_hours: Option<i32>,
    /// Seconds before the assistant answers; 60 to 1800.
    pub ai_takeover_delay_seconds: Option<i32>,
    /// The lower estimate in dollars; 25 to 10,000.
    pub basic_job_estimate_min: Option<i32>,
    /// The upper estimate in dollars; 25 to 10,000, above the lower.
    pub basic_job_estimate_max: Option<i32>,
    /// How a forwarded call proves that a person took it.
    pub call_screening: Option<CallScreening>,
    /// Days without any event after which an open conversation is resolved; 0 to 365, 0 for never.
    pub auto_resolve_days: Option<i32>,
    /// The countries that automatic texts may go to, at most 50; empty for that of the number that was called.
    pub allowed_countries: Option<Vec<Country>>,
    /// Automatic texts in 24 hours; 0 to 100,000.
    pub daily_text_limit: Option<i32>,
    /// Automatic texts to one person in 24 hours; 0 to 100.
    pub daily_person_limit: Option<i32>,
    /// The local time from which on automatic texts may go out.
    pub texting_starts_at: Option<NaiveTime>,
    /// The local time from which on automatic texts wait; after the start.
    pub texting_ends_at: Option<NaiveTime>,
    /// Whether the answer to a call that was missed just now may go out at any hour.
    pub greeting_at_any_hour: Option<bool>,
}

/// The most countries that a business may allow.
const MOST_COUNTRIES: usize = 50;

/// The codes of these countries as they are stored: sorted, each once.
fn checked_countries(countries: &[Country]) -> Result<Vec<&str>> {
    if let Some(unknown) = countries.iter().find(|country| !country.has_numbers()) {
        let rule = format!("must be ISO 3166 codes of countries that have phone numbers, like US or GB; {unknown} is none");
        return Err(Error::invalid("allowed_countries", rule));
    }
    let mut codes: Vec<&str> = countries.iter().map(Country::as_str).collect();
    codes.sort_unstable();
    codes.dedup();
    if codes.len() > MOST_COUNTRIES {
        return Err(Error::invalid("allowed_countries", "must be at most 50, none of them null"));
    }
    Ok(codes)
}

impl BusinessSettingsPatch {
    /// Whether the patch changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The template, after all that the patch alone can tell: its fields' ranges. Where it names one of two that belong
    /// together (the estimates, the hours), the row has the other, and the database compares them.
    fn checked(&self) -> Result<Option<&str>> {
        within("greeting_cooldown_hours", self.greeting_cooldown_hours, 1..=720)?;
        within("ai_takeover_delay_seconds", self.ai_takeover_delay_seconds, 60..=1_800)?;
        within("basic_job_estimate_min", self.basic_job_estimate_min, 25..=10_000)?;
        within("basic_job_estimate_max", self.basic_job_estimate_max, 25..=10_000)?;
        if let (Some(min), Some(max)) = (self.basic_job_estimate_min, self.basic_job_estimate_max)
            && min >= max
        {
            return Err(Error::invalid("basic_job_estimate_max", "must be above basic_job_estimate_min"));
        }
        within("auto_resolve_days", self.auto_resolve_days, 0..=365)?;
        within("daily_text_limit", self.daily_text_limit, 0..=100_000)?;
        within("daily_person_limit", self.daily_person_limit, 0..=100)?;
        bounds::time_of_day("texting_starts_at", self.texting_starts_at)?;
        bounds::time_of_day("texting_ends_at", self.texting_ends_at)?;
        if let (Some(start), Some(end)) = (self.texting_starts_at, self.texting_ends_at)
            && start >= end
        {
            return Err(Error::invalid("texting_ends_at", "must be after texting_starts_at"));
        }
        self.greeting_template.as_deref().map(checked_template).transpose()
    }
}

/// Refuses a value out of its range, in the words of the database's own check.
fn within(field: &'static str, value: Option<i32>, range: RangeInclusive<i32>) -> Result<()> {
    match value {
        Some(value) if !range.contains(&value) => {
            Err(Error::invalid(field, format!("must be between {} and {}", range.start(), range.end())))
        }
        _ => Ok(()),
    }
}

/// A tenant's settings row.
pub struct BusinessSettingsRepo<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's settings row.
    pub const fn business_settings(&mut self) -> BusinessSettingsRepo<'_> {
        BusinessSettingsRepo(self.0.reborrow())
    }
}

impl BusinessSettingsRepo<'_> {
    /// The settings of the tenant.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the tenant has none.
    pub fn get(&mut self) -> Result<BusinessSettings> {
        let row = BusinessSettings::query().filter(settings::tenant_id.eq(self.0.tenant)).first(self.0.conn).optional()?;
        found(row, "business settings")
    }

    /// The settings, which stay as they are until the transaction ends.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn lock(&mut self) -> Result<BusinessSettings> {
        let query = BusinessSettings::query().filter(settings::tenant_id.eq(self.0.tenant)).for_update();
        found(query.first(self.0.conn).optional()?, "business settings")
    }

    /// Records that somebody approves of the greeting as it is now.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn review_greeting(&mut self) -> Result<BusinessSettings> {
        let now = self.0.now();
        let row = diesel::update(settings::table)
            .filter(settings::tenant_id.eq(self.0.tenant))
            .set((settings::greeting_reviewed_at.eq(now), settings::updated_at.eq(now)))
            .returning(BusinessSettings::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "business settings")
    }

    /// Changes the settings. Another greeting has to be reviewed anew.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Invalid`] naming the field and its range.
    pub fn update(&mut self, patch: &BusinessSettingsPatch) -> Result<BusinessSettings> {
        let template = patch.checked()?;
        let countries = patch.allowed_countries.as_deref().map(checked_countries).transpose()?;
        let row = diesel::update(settings::table)
            .filter(settings::tenant_id.eq(self.0.tenant))
            .set((
                // The same words again are still those that were approved of.
                template.map(|value| {
                    settings::greeting_reviewed_at
                        .eq(case_when(settings::greeting_template.eq(value), settings::greeting_reviewed_at))
                }),
                template.map(|value| settings::greeting_template.eq(value)),
                patch.greeting_cooldown_hours.map(|value| settings::greeting_cooldown_hours.eq(value)),
                patch.ai_takeover_delay_seconds.map(|value| settings::ai_takeover_delay_seconds.eq(value)),
                patch.basic_job_estimate_min.map(|value| settings::basic_job_estimate_min.eq(value)),
                patch.basic_job_estimate_max.map(|value| settings::basic_job_estimate_max.eq(value)),
                patch.call_screening.map(|value| settings::call_screening.eq(value)),
                patch.auto_resolve_days.map(|value| settings::auto_resolve_days.eq(value)),
                countries.map(|value| settings::allowed_countries.eq(value)),
                patch.daily_text_limit.map(|value| settings::daily_text_limit.eq(value)),
                patch.daily_person_limit.map(|value| settings::daily_person_limit.eq(value)),
                patch.texting_starts_at.map(|value| settings::texting_starts_at.eq(value)),
                patch.texting_ends_at.map(|value| settings::texting_ends_at.eq(value)),
                patch.greeting_at_any_hour.map(|value| settings::greeting_at_any_hour.eq(value)),
                settings::updated_at.eq(self.0.now()),
            ))
            .returning(BusinessSettings::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "business settings")
    }

    /// The row with the schema's defaults: part of onboarding.
    pub(crate) fn insert_defaults(&mut self) -> Result<()> {
        let id = BusinessSettingsId::new(self.0.moment.id());
        diesel::insert_into(settings::table).values(stamped!(settings, self.0, id)).execute(self.0.conn)?;
        Ok(())
    }
}
