//! Snapshots of key figures: a value beside its target, at the end of a period.

use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::kpi_snapshots as kpis;
use crate::store::{Scope, TenantTx};
use crate::types::bounds::{self, instant};
use crate::types::required;
use crate::{Error, KpiPeriod, KpiSnapshotId, Result, TenantId, Timezone, TrendDirection};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Text, Uuid};
use diesel::upsert::excluded;
use rust_decimal::{Decimal, RoundingStrategy};

/// One snapshot of a KPI.
#[derive(Debug, Clone, PartialEq, HasQuery, QueryableByName)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = kpis, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct KpiSnapshot {
    pub id: KpiSnapshotId,
    pub tenant_id: TenantId,
    pub kpi_name: String,
    pub kpi_value: Decimal,
    pub kpi_target: Option<Decimal>,
    pub variance_percentage: Option<Decimal>,
    pub trend_direction: Option<TrendDirection>,
    pub period_type: KpiPeriod,
    pub snapshot_date: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub period_start: Option<DateTime<Utc>>,
    pub timezone: Option<Timezone>,
    pub formula: Option<i32>,
    pub computed_at: Option<DateTime<Utc>>,
}

/// A snapshot of a KPI to keep. Name, period and date are its key; the variance is reckoned from value and target.
#[derive(Debug, Clone)]
pub struct NewKpiSnapshot {
    /// The name of the KPI; up to 100 characters.
    pub kpi_name: String,
    /// The value, in the unit that goes with the name; rounded to 4 decimals, below 10¹¹.
    pub kpi_value: Decimal,
    /// The target of the KPI, in the same unit.
    pub kpi_target: Option<Decimal>,
    /// The direction of the KPI, against the snapshot before.
    pub trend_direction: Option<TrendDirection>,
    /// The period that the snapshot ends.
    pub period_type: KpiPeriod,
    /// The instant that the snapshot stands for.
    pub snapshot_date: DateTime<Utc>,
}

/// The columns that a [`NewKpiSnapshot`] fills.
#[derive(Insertable)]
#[diesel(table_name = kpis, check_for_backend(Pg))]
struct Checked {
    kpi_name: String,
    kpi_value: Decimal,
    kpi_target: Option<Decimal>,
    variance_percentage: Option<Decimal>,
    trend_direction: Option<TrendDirection>,
    period_type: KpiPeriod,
    snapshot_date: DateTime<Utc>,
}

impl NewKpiSnapshot {
    fn checked(&self) -> Result<Checked> {
        let value = bounds::METRIC.rounded("kpi_value", self.kpi_value)?;
        let target = bounds::METRIC.rounded_if_given("kpi_target", self.kpi_target)?;
        Ok(Checked {
            kpi_name: required("kpi_name", &self.kpi_name, 100)?,
            kpi_value: value,
            kpi_target: target,
            variance_percentage: target.and_then(|target| variance(value, target)),
            trend_direction: self.trend_direction,
            period_type: self.period_type,
            snapshot_date: instant("snapshot_date", self.snapshot_date)?,
        })
    }
}

/// How far a value lies above (+) or below (−) its target, in percent of the target, to two decimals. A target of 0 has none.
pub(crate) fn variance(value: Decimal, target: Decimal) -> Option<Decimal> {
    let share = value.checked_sub(target)?.checked_div(target.abs())?;
    Some(share.checked_mul(Decimal::ONE_HUNDRED)?.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}

/// A filter of snapshots of KPIs. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct KpiFilter {
    /// The name of the KPI.
    pub kpi_name: Option<String>,
    /// The period of the snapshots.
    pub period_type: Option<KpiPeriod>,
    /// The instant from which on snapshots count: they stand for it or a later one.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which snapshots count: they stand for an earlier one.
    pub until: Option<DateTime<Utc>>,
}

/// A tenant's snapshots of key figures.
pub struct KpiSnapshots<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's snapshots of key figures.
    pub const fn kpi_snapshots(&mut self) -> KpiSnapshots<'_> {
        KpiSnapshots(self.0.reborrow())
    }
}

fn filtered<'q, ST>(mut query: kpis::BoxedQuery<'q, Pg, ST>, filter: &'q KpiFilter) -> kpis::BoxedQuery<'q, Pg, ST> {
    if let Some(name) = &filter.kpi_name {
        query = query.filter(kpis::kpi_name.eq(name));
    }
    if let Some(period) = filter.period_type {
        query = query.filter(kpis::period_type.eq(period));
    }
    if let Some(from) = filter.from {
        query = query.filter(kpis::snapshot_date.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(kpis::snapshot_date.lt(until));
    }
    query
}

impl KpiSnapshots<'_> {
    /// The snapshot, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: KpiSnapshotId) -> Result<Option<KpiSnapshot>> {
        Ok(KpiSnapshot::query()
            .filter(kpis::tenant_id.eq(self.0.tenant))
            .filter(kpis::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The snapshot with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: KpiSnapshotId) -> Result<KpiSnapshot> {
        found(self.find(id)?, "snapshot")
    }

    /// The latest snapshot of a figure for a period, if there is one.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn latest(&mut self, name: &str, period: KpiPeriod) -> Result<Option<KpiSnapshot>> {
        Ok(KpiSnapshot::query()
            .filter(kpis::tenant_id.eq(self.0.tenant))
            .filter(kpis::kpi_name.eq(name))
            .filter(kpis::period_type.eq(period))
            .order(kpis::snapshot_date.desc())
            .first(self.0.conn)
            .optional()?)
    }

    /// The latest snapshot of each of these figures (200 at the most) for a period, by name; one that has none is left out.
    ///
    /// # Errors
    /// [`Error::Invalid`] on more names.
    pub fn latest_of(&mut self, names: &[&str], period: KpiPeriod) -> Result<Vec<KpiSnapshot>> {
        if names.len() > 200 {
            return Err(Error::invalid("kpi_name", "must be at most 200 at once"));
        }
        // One step into the index per name; DISTINCT ON would read every snapshot there ever was.
        Ok(sql_query(
            "SELECT latest.*
             FROM (SELECT DISTINCT unnest($1) AS name) AS wanted
             CROSS JOIN LATERAL (
                 SELECT * FROM kpi_snapshots
                 WHERE tenant_id = $2 AND kpi_name = wanted.name AND period_type = $3
                 ORDER BY snapshot_date DESC LIMIT 1
             ) AS latest
             ORDER BY latest.kpi_name",
        )
        .bind::<Array<Text>, _>(names)
        .bind::<Uuid, _>(self.0.tenant)
        .bind::<Text, _>(period)
        .load(self.0.conn)?)
    }

    /// A page of snapshots, the latest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &KpiFilter, page: PageRequest) -> Result<Page<KpiSnapshot>> {
        let query = filtered(KpiSnapshot::query().filter(kpis::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, kpis::snapshot_date, kpis::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &KpiSnapshot| Cursor { at: row.snapshot_date, id: row.id.uuid() }))
    }

    /// The number of snapshots that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &KpiFilter) -> Result<i64> {
        let query = kpis::table.filter(kpis::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Keeps a snapshot that must be new.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when there is one of the same key, [`crate::Error::Invalid`] on a broken rule.
    pub fn create(&mut self, new: &NewKpiSnapshot) -> Result<KpiSnapshot> {
        Ok(diesel::insert_into(kpis::table)
            .values((
                new.checked()?,
                kpis::id.eq(KpiSnapshotId::new(self.0.moment.id())),
                kpis::tenant_id.eq(self.0.tenant),
                kpis::created_at.eq(self.0.now()),
            ))
            .returning(KpiSnapshot::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Keeps a snapshot, in place of the one of the same key if there is one.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a broken rule.
    pub fn upsert_by_key(&mut self, new: &NewKpiSnapshot) -> Result<KpiSnapshot> {
        Ok(diesel::insert_into(kpis::table)
            .values((
                new.checked()?,
                kpis::id.eq(KpiSnapshotId::new(self.0.moment.id())),
                kpis::tenant_id.eq(self.0.tenant),
                kpis::created_at.eq(self.0.now()),
            ))
            .on_conflict((kpis::tenant_id, kpis::kpi_name, kpis::period_type, kpis::snapshot_date))
            .do_update()
            .set((
                kpis::kpi_value.eq(excluded(kpis::kpi_value)),
                kpis::kpi_target.eq(excluded(kpis::kpi_target)),
                kpis::variance_percentage.eq(excluded(kpis::variance_percentage)),
                kpis::trend_direction.eq(excluded(kpis::trend_direction)),
            ))
            .returning(KpiSnapshot::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Removes a snapshot.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn delete(&mut self, id: KpiSnapshotId) -> Result<()> {
        let rows =
            diesel::delete(kpis::table).filter(kpis::tenant_id.eq(self.0.tenant)).filter(kpis::id.eq(id)).execute(self.0.conn)?;
        touched_one(rows, "snapshot")
    }
}
