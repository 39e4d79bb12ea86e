//! Roll-ups: where the figures of a business have come to.

use super::FORMULA;
use crate::schema::analytics_roll_ups as roll_ups;
use crate::store::{Scope, TenantTx};
use crate::{Result, Timezone};
use chrono::{DateTime, NaiveTime, Utc};
use diesel::dsl::case_when;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Integer;

/// Where the figures of a business have come to, and what they were computed by.
#[derive(Debug, Clone, PartialEq, Eq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = roll_ups, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct RollUp {
    pub tenant_id: crate::TenantId,
    pub timezone: Timezone,
    pub business_hours_start: NaiveTime,
    pub business_hours_end: NaiveTime,
    pub formula: i32,
    pub rolled_up_at: DateTime<Utc>,
    pub rebuild_before: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// What figures are computed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Insertable, AsChangeset)]
#[diesel(table_name = roll_ups, check_for_backend(Pg))]
pub(crate) struct ComputedBy {
    pub(crate) timezone: Timezone,
    pub(crate) business_hours_start: NaiveTime,
    pub(crate) business_hours_end: NaiveTime,
    pub(crate) formula: i32,
}

impl RollUp {
    /// Whether figures of the past are being computed anew.
    #[must_use]
    pub const fn is_rebuilding(&self) -> bool {
        self.rebuild_before.is_some()
    }

    pub(crate) const fn computed_by(&self) -> ComputedBy {
        ComputedBy {
            timezone: self.timezone,
            business_hours_start: self.business_hours_start,
            business_hours_end: self.business_hours_end,
            formula: self.formula,
        }
    }
}

/// Where a tenant's figures have come to.
pub struct RollUps<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// Where the tenant's figures have come to.
    pub const fn analytics_roll_ups(&mut self) -> RollUps<'_> {
        RollUps(self.0.reborrow())
    }
}

impl RollUps<'_> {
    /// Where the figures have come to; `None` before the first computation.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self) -> Result<Option<RollUp>> {
        Ok(RollUp::query().filter(roll_ups::tenant_id.eq(self.0.tenant)).first(self.0.conn).optional()?)
    }

    /// Takes the figures in hand for this transaction, which computes them anew if there are none yet. `None`: another one has them.
    pub(crate) fn hold(&mut self, by: ComputedBy, all: DateTime<Utc>) -> Result<Option<RollUp>> {
        let now = self.0.now();
        let stamps = (roll_ups::created_at.eq(now), roll_ups::updated_at.eq(now));
        diesel::insert_into(roll_ups::table)
            .values((
                by,
                roll_ups::tenant_id.eq(self.0.tenant),
                roll_ups::rolled_up_at.eq(now),
                roll_ups::rebuild_before.eq(all),
                stamps,
            ))
            .on_conflict_do_nothing()
            .execute(self.0.conn)?;
        Ok(RollUp::query()
            .filter(roll_ups::tenant_id.eq(self.0.tenant))
            .for_update()
            .skip_locked()
            .first(self.0.conn)
            .optional()?)
    }

    /// Notes that the figures are computed by this, up to an instant; and what of the past is still to be computed.
    pub(crate) fn note(&mut self, by: ComputedBy, up_to: DateTime<Utc>, rebuild_before: Option<DateTime<Utc>>) -> Result<()> {
        let now = self.0.now();
        diesel::update(roll_ups::table)
            .filter(roll_ups::tenant_id.eq(self.0.tenant))
            .set((
                by,
                roll_ups::rolled_up_at.eq(up_to),
                roll_ups::rebuild_before.eq(rebuild_before),
                roll_ups::updated_at.eq(now),
            ))
            .execute(self.0.conn)?;
        Ok(())
    }

    /// Has all that lies before an instant computed anew, by this version of the formulas if those that are stored are of a newer one.
    pub(crate) fn rebuild_before(&mut self, all: DateTime<Utc>) -> Result<()> {
        diesel::update(roll_ups::table)
            .filter(roll_ups::tenant_id.eq(self.0.tenant))
            .set((
                roll_ups::rebuild_before.eq(all),
                roll_ups::formula
                    .eq(case_when::<_, _, Integer>(roll_ups::formula.gt(FORMULA), FORMULA).otherwise(roll_ups::formula)),
                roll_ups::updated_at.eq(self.0.now()),
            ))
            .execute(self.0.conn)?;
        Ok(())
    }
}
