//! Business settings (source lines 1203–1220): one row per tenant.

use crate::error::found;
use crate::schema::business_settings as settings;
use crate::store::{Scope, TenantTx, stamped};
use crate::types::required;
use crate::{BusinessSettingsId, Result, TenantId};
use chrono::{DateTime, Utc};
use diesel::dsl::case_when;
use diesel::pg::Pg;
use diesel::prelude::*;

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
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Changes of the settings. The database's rules (ranges, the placeholder) speak through the error.
#[derive(Debug, Clone, Default)]
pub struct BusinessSettingsPatch {
    /// The greeting; 10 to 500 characters with `{{business_name}}` in it.
    pub greeting_template: Option<String>,
    /// Hours without a second greeting; 1 to 720.
    pub greeting_cooldown_hours: Option<i32>,
    /// Seconds before the assistant answers; 60 to 1800.
    pub ai_takeover_delay_seconds: Option<i32>,
    /// The lower estimate in dollars; 25 to 10,000.
    pub basic_job_estimate_min: Option<i32>,
    /// The upper estimate in dollars; above the lower.
    pub basic_job_estimate_max: Option<i32>,
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
    /// [`crate::Error::NotFound`] when the tenant has none.
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
    /// [`crate::Error::NotFound`], or [`crate::Error::Invalid`] naming the field and its range.
    pub fn update(&mut self, patch: &BusinessSettingsPatch) -> Result<BusinessSettings> {
        let template = patch.greeting_template.as_deref().map(|text| required("greeting_template", text, 500)).transpose()?;
        let row = diesel::update(settings::table)
            .filter(settings::tenant_id.eq(self.0.tenant))
            .set((
                // The same words again are still those that were approved of.
                template.as_ref().map(|value| {
                    settings::greeting_reviewed_at
                        .eq(case_when(settings::greeting_template.eq(value.clone()), settings::greeting_reviewed_at))
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
