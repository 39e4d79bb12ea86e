//! Snapshots as they are computed: those of many periods at once, in place of the ones that are stored.

use super::figures::FORMULA;
use super::kpi::{KpiSnapshots, variance};
use super::metric_bulk::outermost;
use crate::schema::kpi_snapshots as kpis;
use crate::types::Span;
use crate::{KpiPeriod, KpiSnapshotId, Result, Timezone, TrendDirection};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Integer, Nullable, Numeric, Text, Timestamptz, Uuid};
use rust_decimal::Decimal;
use std::collections::HashSet;

/// A snapshot that was computed.
pub(crate) struct Computed {
    pub(crate) kpi: &'static str,
    pub(crate) period: Span,
    pub(crate) value: Decimal,
    pub(crate) target: Option<Decimal>,
    pub(crate) trend: Option<TrendDirection>,
}

/// One that is there with the same values is left alone.
const UPSERT: &str = "\
INSERT INTO kpi_snapshots AS k (tenant_id, created_at, computed_at, formula, timezone, period_type, id, kpi_name, kpi_value, kpi_target,
                                variance_percentage, trend_direction, period_start, snapshot_date)
SELECT $1, $2, $2, $3, $4, $5, new.*
FROM unnest($6, $7, $8, $9, $10, $11, $12, $13) AS new
ON CONFLICT (tenant_id, kpi_name, period_type, snapshot_date) DO UPDATE
SET kpi_value = excluded.kpi_value, kpi_target = excluded.kpi_target, variance_percentage = excluded.variance_percentage,
    trend_direction = excluded.trend_direction, period_start = excluded.period_start, timezone = excluded.timezone,
    formula = excluded.formula, computed_at = excluded.computed_at
WHERE (k.kpi_value, k.kpi_target, k.trend_direction, k.period_start, k.timezone, k.formula)
    IS DISTINCT FROM (excluded.kpi_value, excluded.kpi_target, excluded.trend_direction, excluded.period_start, excluded.timezone, excluded.formula)";

impl KpiSnapshots<'_> {
    /// Puts the snapshots of these periods in place of those that were computed of them before.
    pub(crate) fn replace(&mut self, kind: KpiPeriod, zone: Timezone, periods: &[Span], snapshots: &[Computed]) -> Result<()> {
        let ends: Vec<DateTime<Utc>> = periods.iter().map(|period| period.until).collect();
        let (first, last) = outermost(&ends);
        let has: HashSet<String> = snapshots.iter().map(|s| format!("{} {}", s.kpi, s.period.until.timestamp_micros())).collect();
        // What has no value any more goes.
        let stored: Vec<(KpiSnapshotId, String, DateTime<Utc>)> = kpis::table
            .filter(kpis::tenant_id.eq(self.0.tenant))
            .filter(kpis::period_type.eq(kind))
            .filter(kpis::snapshot_date.between(first, last))
            .filter(kpis::snapshot_date.eq_any(&ends))
            .filter(kpis::computed_at.is_not_null())
            .select((kpis::id, kpis::kpi_name, kpis::snapshot_date))
            .load(self.0.conn)?;
        let gone: Vec<KpiSnapshotId> = stored
            .into_iter()
            .filter(|(_, name, end)| !has.contains(&format!("{name} {}", end.timestamp_micros())))
            .map(|(id, ..)| id)
            .collect();
        if !gone.is_empty() {
            diesel::delete(kpis::table)
                .filter(kpis::tenant_id.eq(self.0.tenant))
                .filter(kpis::id.eq_any(gone))
                .execute(self.0.conn)?;
        }
        let ids: Vec<KpiSnapshotId> = snapshots.iter().map(|_| KpiSnapshotId::new(self.0.moment.id())).collect();
        sql_query(UPSERT)
            .bind::<Uuid, _>(self.0.tenant)
            .bind::<Timestamptz, _>(self.0.now())
            .bind::<Integer, _>(FORMULA)
            .bind::<Text, _>(zone)
            .bind::<Text, _>(kind)
            .bind::<Array<Uuid>, _>(ids)
            .bind::<Array<Text>, _>(snapshots.iter().map(|s| s.kpi).collect::<Vec<_>>())
            .bind::<Array<Numeric>, _>(snapshots.iter().map(|s| s.value).collect::<Vec<_>>())
            .bind::<Array<Nullable<Numeric>>, _>(snapshots.iter().map(|s| s.target).collect::<Vec<_>>())
            .bind::<Array<Nullable<Numeric>>, _>(
                snapshots.iter().map(|s| s.target.and_then(|target| variance(s.value, target))).collect::<Vec<_>>(),
            )
            .bind::<Array<Nullable<Text>>, _>(snapshots.iter().map(|s| s.trend).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(snapshots.iter().map(|s| s.period.from).collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(snapshots.iter().map(|s| s.period.until).collect::<Vec<_>>())
            .execute(self.0.conn)?;
        Ok(())
    }

    /// Removes all that were computed.
    pub(crate) fn forget_computed(&mut self) -> Result<()> {
        diesel::delete(kpis::table)
            .filter(kpis::tenant_id.eq(self.0.tenant))
            .filter(kpis::computed_at.is_not_null())
            .execute(self.0.conn)?;
        Ok(())
    }
}
