//! Metric points by the thousand, one statement per batch.
//!
//! COPY is refused under row-level security. An array per column (UNNEST) is one short statement with eleven values, however
//! many the rows; a multi-row INSERT has eleven per row, to be named, parsed and planned. docs/BENCHMARKS.md has both.

use super::figures::Figures;
use super::metric::{Metrics, NewMetric};
use crate::schema::analytics_metrics as metrics;
use crate::store::{at_most_a_batch, at_row};
use crate::types::Span;
use crate::{AggregationLevel, Error, MetricId, MetricType, Result};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Jsonb, Nullable, Numeric, Text, Timestamptz, Uuid};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::HashMap;

/// A point that is there with the same values is left alone: a load that is run again writes nothing.
const UPSERT: &str = "\
INSERT INTO analytics_metrics (tenant_id, created_at, updated_at, id, metric_type, metric_name, metric_value, dimensions,
                               aggregation_level, timestamp, period_start, period_end)
SELECT $1, $2, $2, new.*
FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11) AS new
ON CONFLICT (tenant_id, metric_type, metric_name, timestamp, aggregation_level) DO UPDATE
SET metric_value = excluded.metric_value, dimensions = excluded.dimensions, period_start = excluded.period_start,
    period_end = excluded.period_end, updated_at = excluded.updated_at
WHERE (analytics_metrics.metric_value, analytics_metrics.dimensions, analytics_metrics.period_start, analytics_metrics.period_end)
    IS DISTINCT FROM (excluded.metric_value, excluded.dimensions, excluded.period_start, excluded.period_end)";

/// A column each: what UNNEST puts side by side again.
#[derive(Default)]
struct Columns {
    ids: Vec<MetricId>,
    types: Vec<MetricType>,
    names: Vec<String>,
    values: Vec<Decimal>,
    dimensions: Vec<Value>,
    levels: Vec<AggregationLevel>,
    instants: Vec<DateTime<Utc>>,
    starts: Vec<Option<DateTime<Utc>>>,
    ends: Vec<Option<DateTime<Utc>>>,
}

/// What tells points apart, in the order of their index and as the database keeps it.
fn key(point: &NewMetric) -> (&'static str, &str, i64, &'static str) {
    let micros = point.timestamp.timestamp_micros();
    (point.metric_type.label(), point.metric_name.trim(), micros, point.aggregation_level.label())
}

impl Metrics<'_> {
    /// The first month that there are figures of.
    pub(crate) fn first_month(&mut self) -> Result<Option<DateTime<Utc>>> {
        Ok(metrics::table
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::aggregation_level.eq(AggregationLevel::Monthly))
            .order(metrics::timestamp)
            .select(metrics::timestamp)
            .first(self.0.conn)
            .optional()?)
    }

    /// Records many points (up to [`crate::Store::BATCH`]) in one statement, each in place of the one of its key if there is one. Of
    /// several with one key the last counts. Returns how many were added or changed. [`crate::Store::load`] takes any number.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a broken rule, with the row of the point at fault; then none is recorded.
    pub fn upsert_many(&mut self, points: &[NewMetric]) -> Result<u64> {
        at_most_a_batch(points)?;
        // A key's last point.
        let mut last = HashMap::with_capacity(points.len());
        for (row, point) in points.iter().enumerate() {
            last.insert(key(point), row);
        }
        let mut kept = Vec::with_capacity(last.len());
        for (row, point) in points.iter().enumerate() {
            let checked = point.checked().map_err(|error| at_row(row, error))?;
            if last.get(&key(&checked)) == Some(&row) {
                kept.push(checked);
            }
        }
        // In one order, so that two loads of the same points wait for each other instead of for each other's rows.
        kept.sort_by(|a, b| key(a).cmp(&key(b)));
        let mut columns = Columns::default();
        for point in kept {
            columns.ids.push(MetricId::new(self.0.moment.id()));
            columns.types.push(point.metric_type);
            columns.names.push(point.metric_name);
            columns.values.push(point.metric_value);
            columns.dimensions.push(point.dimensions);
            columns.levels.push(point.aggregation_level);
            columns.instants.push(point.timestamp);
            columns.starts.push(point.period_start);
            columns.ends.push(point.period_end);
        }
        let rows = sql_query(UPSERT)
            .bind::<Uuid, _>(self.0.tenant)
            .bind::<Timestamptz, _>(self.0.now())
            .bind::<Array<Uuid>, _>(columns.ids)
            .bind::<Array<Text>, _>(columns.types)
            .bind::<Array<Text>, _>(columns.names)
            .bind::<Array<Numeric>, _>(columns.values)
            .bind::<Array<Jsonb>, _>(columns.dimensions)
            .bind::<Array<Text>, _>(columns.levels)
            .bind::<Array<Timestamptz>, _>(columns.instants)
            .bind::<Array<Nullable<Timestamptz>>, _>(columns.starts)
            .bind::<Array<Nullable<Timestamptz>>, _>(columns.ends)
            .execute(self.0.conn)?;
        u64::try_from(rows).map_err(Error::internal)
    }

    /// The figures that were computed of the periods of this level that begin then, without those by a dimension.
    pub(crate) fn computed(
        &mut self,
        level: AggregationLevel,
        starts: &[DateTime<Utc>],
    ) -> Result<HashMap<DateTime<Utc>, Figures>> {
        let (first, last) = outermost(starts);
        let rows: Vec<(DateTime<Utc>, String, Decimal)> = metrics::table
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::aggregation_level.eq(level))
            .filter(metrics::timestamp.between(first, last))
            .filter(metrics::timestamp.eq_any(starts))
            .filter(metrics::metric_name.like("nmc.%"))
            .filter(metrics::metric_name.not_like("%/%"))
            .select((metrics::timestamp, metrics::metric_name, metrics::metric_value))
            .load(self.0.conn)?;
        let mut figures: HashMap<DateTime<Utc>, Figures> = HashMap::new();
        rows.into_iter().for_each(|(at, name, value)| figures.entry(at).or_default().add(name, value));
        Ok(figures)
    }

    /// The sums of the figures by a dimension over the periods of this level that begin then, by name; the 1,000 largest.
    pub(crate) fn by_dimension(&mut self, level: AggregationLevel, starts: &[DateTime<Utc>]) -> Result<Vec<(String, Decimal)>> {
        let total = diesel::dsl::sum(metrics::metric_value);
        let (first, last) = outermost(starts);
        let rows: Vec<(String, Option<Decimal>)> = metrics::table
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::aggregation_level.eq(level))
            .filter(metrics::timestamp.between(first, last))
            .filter(metrics::timestamp.eq_any(starts))
            .filter(metrics::metric_name.like("nmc.%/%"))
            .group_by(metrics::metric_name)
            .order((total.desc(), metrics::metric_name))
            .limit(1_000)
            .select((metrics::metric_name, total))
            .load(self.0.conn)?;
        Ok(rows.into_iter().map(|(name, sum)| (name, sum.unwrap_or_default())).collect())
    }

    /// The sums of the figures of these names over the days that begin in this span.
    pub(crate) fn sums_of_days(&mut self, names: &[&str], span: Span) -> Result<Figures> {
        let rows: Vec<(String, Option<Decimal>)> = metrics::table
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::aggregation_level.eq(AggregationLevel::Daily))
            .filter(metrics::timestamp.ge(span.from))
            .filter(metrics::timestamp.lt(span.until))
            .filter(metrics::metric_name.eq_any(names))
            .group_by(metrics::metric_name)
            .select((metrics::metric_name, diesel::dsl::sum(metrics::metric_value)))
            .load(self.0.conn)?;
        Ok(rows.into_iter().map(|(name, sum)| (name, sum.unwrap_or_default())).collect())
    }

    /// What was computed of the hours that begin in this span, of the figures of these names.
    pub(crate) fn hours_of(&mut self, names: &[&str], span: Span) -> Result<Vec<(DateTime<Utc>, String, Decimal)>> {
        Ok(metrics::table
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::aggregation_level.eq(AggregationLevel::Hourly))
            .filter(metrics::timestamp.ge(span.from))
            .filter(metrics::timestamp.lt(span.until))
            .filter(metrics::metric_name.eq_any(names))
            .select((metrics::timestamp, metrics::metric_name, metrics::metric_value))
            .load(self.0.conn)?)
    }

    /// Removes all figures that were computed.
    pub(crate) fn forget_computed(&mut self) -> Result<()> {
        diesel::delete(metrics::table)
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::metric_name.like("nmc.%"))
            .execute(self.0.conn)?;
        Ok(())
    }
}

/// The first and the last of these instants. A list by itself is no bound of an index while the table is thought to be small.
pub(super) fn outermost(instants: &[DateTime<Utc>]) -> (DateTime<Utc>, DateTime<Utc>) {
    let (first, last) = (instants.iter().min(), instants.iter().max());
    (first.copied().unwrap_or_default(), last.copied().unwrap_or_default())
}
