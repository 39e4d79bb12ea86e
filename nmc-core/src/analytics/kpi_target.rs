//! Targets: what key figures should come to.

use super::figures::{KPI_PERIODS, Kpi, KpiUnit};
use crate::error::touched_one;
use crate::schema::kpi_targets as targets;
use crate::store::{Scope, TenantTx};
use crate::types::bounds;
use crate::{Error, KpiPeriod, KpiTargetId, Result, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use rust_decimal::Decimal;

/// What a key figure should come to.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = targets, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct KpiTarget {
    pub id: KpiTargetId,
    pub tenant_id: TenantId,
    pub kpi_name: String,
    pub period_type: KpiPeriod,
    pub kpi_target: Decimal,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A tenant's targets.
pub struct KpiTargets<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's targets.
    pub const fn kpi_targets(&mut self) -> KpiTargets<'_> {
        KpiTargets(self.0.reborrow())
    }
}

impl KpiTargets<'_> {
    /// All targets, by name and period: there are no more than key figures times periods.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn list(&mut self) -> Result<Vec<KpiTarget>> {
        Ok(KpiTarget::query()
            .filter(targets::tenant_id.eq(self.0.tenant))
            .order((targets::kpi_name, targets::period_type))
            .load(self.0.conn)?)
    }

    /// Sets the target of a key figure ([`super::KPIS`]) for days, weeks or months, in its unit and to four decimals. Snapshots that are
    /// computed from then on are compared with it.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a name that no key figure has, on hours, on a negative number, on more than 100 percent, or on a part of a
    /// call.
    pub fn upsert_by_key(&mut self, name: &str, period: KpiPeriod, target: Decimal) -> Result<KpiTarget> {
        let Some(kpi) = Kpi::named(name) else {
            return Err(Error::invalid("kpi_name", "must be the name of a key figure, such as missed_rate"));
        };
        if !KPI_PERIODS.contains(&period) {
            return Err(Error::invalid("period_type", "must be daily, weekly or monthly"));
        }
        let target = bounds::METRIC.exact("kpi_target", target)?;
        if kpi.unit == KpiUnit::Percent && target > Decimal::ONE_HUNDRED {
            return Err(Error::invalid("kpi_target", "must be 0 to 100: it is in percent"));
        }
        if kpi.unit == KpiUnit::Calls && !target.is_integer() {
            return Err(Error::invalid("kpi_target", "must be a whole number: it is in calls"));
        }
        // Refunds can make revenue negative, which nobody aims at.
        if target < Decimal::ZERO {
            return Err(Error::invalid("kpi_target", "must not be negative"));
        }
        let now = self.0.now();
        Ok(diesel::insert_into(targets::table)
            .values((
                targets::id.eq(KpiTargetId::new(self.0.moment.id())),
                targets::tenant_id.eq(self.0.tenant),
                targets::kpi_name.eq(name),
                targets::period_type.eq(period),
                targets::kpi_target.eq(target),
                targets::created_at.eq(now),
                targets::updated_at.eq(now),
            ))
            .on_conflict((targets::tenant_id, targets::kpi_name, targets::period_type))
            .do_update()
            .set((targets::kpi_target.eq(target), targets::updated_at.eq(now)))
            .returning(KpiTarget::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Removes a target.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn delete(&mut self, name: &str, period: KpiPeriod) -> Result<()> {
        let rows = diesel::delete(targets::table)
            .filter(targets::tenant_id.eq(self.0.tenant))
            .filter(targets::kpi_name.eq(name))
            .filter(targets::period_type.eq(period))
            .execute(self.0.conn)?;
        touched_one(rows, "target")
    }
}
