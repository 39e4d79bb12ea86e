//! Business settings (source lines 1203–1220): one row per tenant.

use super::greeting::checked_template;
use crate::error::found;
use crate::schema::business_settings as settings;
use crate::store::{Scope, TenantTx, stamped};
use crate::{BusinessSettingsId, CallScreening, Error, Result, TenantId};
use chrono::{DateTime, NaiveTime, Utc};
use diesel::dsl::case_when;
use diesel::pg::Pg;
use diesel::prelude::*;
use std::ops::RangeInclusive;

/// A tenant's settings.
#[derive(Debug, Clone, PartialEq, HasQuery)]
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
#[derive(Debug, Clone, Default)]
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
}

impl BusinessSettingsPatch {
    /// The template, after all that the patch alone can tell: its fields' ranges. Where it names one of the two estimates,
    /// the row has the other, and the database compares them.
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

impl<'a> BusinessSettingsRepo<'a> {
    pub(crate) const fn over(scope: Scope<'a>) -> Self {
        Self(scope)
    }
}

impl BusinessSettingsRepo<'_> {
    /// The settings.
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

    /// Somebody approves of the greeting as it is now.
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
