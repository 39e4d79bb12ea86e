//! Metric points: one value per type, name, instant and level.

use super::figures::{RESERVED_FIGURES, type_of_figure};
use crate::constraint::refusal;
use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::analytics_metrics as metrics;
use crate::store::{Scope, TenantTx, stamped};
use crate::types::bounds::{self, instant};
use crate::types::{json, required};
use crate::{AggregationLevel, Error, MetricId, MetricType, Result, TenantId, When};
use chrono::{DateTime, Utc};
use diesel::dsl::{count_star, sum};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Numeric;
use diesel::upsert::excluded;
use rust_decimal::Decimal;
use serde_json::Value;

/// One point of a metric.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = metrics, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Metric {
    pub id: MetricId,
    pub tenant_id: TenantId,
    pub metric_type: MetricType,
    pub metric_name: String,
    pub metric_value: Decimal,
    pub dimensions: Value,
    pub aggregation_level: AggregationLevel,
    pub timestamp: DateTime<Utc>,
    pub period_start: Option<DateTime<Utc>>,
    pub period_end: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A point of a metric to record. Type, name, level and instant are its key: dimensions describe the value and do not tell points
/// apart.
#[derive(Debug, Clone, PartialEq, Insertable)]
#[diesel(table_name = metrics, check_for_backend(Pg))]
pub struct NewMetric {
    /// The type of the metric: what is measured.
    pub metric_type: MetricType,
    /// The name of the metric within its type; up to 100 characters, and none that begins like [`super::RESERVED_FIGURES`].
    pub metric_name: String,
    /// The value, in the unit that goes with the name; rounded to 4 decimals, below 10¹¹.
    pub metric_value: Decimal,
    /// An object: dimension ⇒ value.
    pub dimensions: Value,
    /// The level of the point: what it sums up.
    pub aggregation_level: AggregationLevel,
    /// The instant the value belongs to, to the microsecond.
    pub timestamp: DateTime<Utc>,
    /// Start of the period summed up.
    pub period_start: Option<DateTime<Utc>>,
    /// The end of the period, not before its start.
    pub period_end: Option<DateTime<Utc>>,
}

impl NewMetric {
    /// A single observation without dimensions.
    pub fn raw(metric_type: MetricType, name: impl Into<String>, value: Decimal, at: DateTime<Utc>) -> Self {
        Self {
            metric_type,
            metric_name: name.into(),
            metric_value: value,
            dimensions: Value::Object(serde_json::Map::new()),
            aggregation_level: AggregationLevel::Raw,
            timestamp: at,
            period_start: None,
            period_end: None,
        }
    }

    /// The point as it is stored, or why it can't be.
    pub(super) fn checked(&self) -> Result<Self> {
        json::object("dimensions", &self.dimensions)?;
        if self.period_start.zip(self.period_end).is_some_and(|(start, end)| end < start) {
            return Err(refusal("analytics_metrics_period_end_check"));
        }
        let metric_name = required("metric_name", &self.metric_name, 100)?;
        if metric_name.starts_with(RESERVED_FIGURES) {
            return Err(Error::invalid("metric_name", "must not begin with nmc.: such figures are computed"));
        }
        Ok(Self {
            metric_name,
            metric_value: bounds::METRIC.rounded("metric_value", self.metric_value)?,
            timestamp: instant("timestamp", self.timestamp)?,
            period_start: self.period_start.map(|at| instant("period_start", at)).transpose()?,
            period_end: self.period_end.map(|at| instant("period_end", at)).transpose()?,
            ..self.clone()
        })
    }
}

/// A filter of points of metrics. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MetricFilter {
    /// The type of the metric.
    pub metric_type: Option<MetricType>,
    /// The name of the metric.
    pub metric_name: Option<String>,
    /// The level of the points.
    pub aggregation_level: Option<AggregationLevel>,
    /// The dimensions that the points have, among others: an object.
    pub dimensions: Option<Value>,
    /// The instant at or after which the points were measured.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the points were measured.
    pub until: Option<DateTime<Utc>>,
}

impl MetricFilter {
    fn checked(&self) -> Result<()> {
        self.dimensions.as_ref().map_or(Ok(()), |wanted| json::object("dimensions", wanted))
    }
}

/// The totals of the points that a filter finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct MetricTotals {
    /// The number of points.
    pub points: i64,
    /// The sum of the points; `None` without points, as are the next two.
    pub sum: Option<Decimal>,
    /// The smallest value of the points.
    pub min: Option<Decimal>,
    /// The largest value of the points.
    pub max: Option<Decimal>,
}

// Diesel has no order on NUMERIC.
#[diesel::declare_sql_function]
extern "SQL" {
    #[aggregate]
    #[sql_name = "min"]
    fn least(value: Numeric) -> Nullable<Numeric>;
    #[aggregate]
    #[sql_name = "max"]
    fn greatest(value: Numeric) -> Nullable<Numeric>;
}

/// A tenant's metric points.
pub struct Metrics<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's metric points.
    pub const fn metrics(&mut self) -> Metrics<'_> {
        Metrics(self.0.reborrow())
    }
}

fn filtered<'q, ST>(mut query: metrics::BoxedQuery<'q, Pg, ST>, filter: &'q MetricFilter) -> metrics::BoxedQuery<'q, Pg, ST> {
    // The index of names begins with the type.
    let named = filter.metric_name.as_deref().and_then(type_of_figure);
    if let Some(kind) = filter.metric_type.or(named) {
        query = query.filter(metrics::metric_type.eq(kind));
    }
    if let Some(name) = &filter.metric_name {
        query = query.filter(metrics::metric_name.eq(name));
    }
    if let Some(level) = filter.aggregation_level {
        query = query.filter(metrics::aggregation_level.eq(level));
    }
    if let Some(dimensions) = &filter.dimensions {
        query = query.filter(metrics::dimensions.contains(dimensions));
    }
    if let Some(from) = filter.from {
        query = query.filter(metrics::timestamp.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(metrics::timestamp.lt(until));
    }
    query
}

impl Metrics<'_> {
    /// The point, if it is there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: MetricId) -> Result<Option<Metric>> {
        Ok(Metric::query()
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The point with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: MetricId) -> Result<Metric> {
        found(self.find(id)?, "metric")
    }

    /// The last point of a metric at a level, if there is one.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn latest(&mut self, kind: MetricType, name: &str, level: AggregationLevel) -> Result<Option<Metric>> {
        Ok(Metric::query()
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::metric_type.eq(kind))
            .filter(metrics::metric_name.eq(name))
            .filter(metrics::aggregation_level.eq(level))
            .order(metrics::timestamp.desc())
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of points, the latest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &MetricFilter, page: PageRequest) -> Result<Page<Metric>> {
        filter.checked()?;
        let query = filtered(Metric::query().filter(metrics::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, metrics::timestamp, metrics::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &Metric| Cursor { at: row.timestamp, id: row.id.uuid() }))
    }

    /// The number of points that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &MetricFilter) -> Result<i64> {
        filter.checked()?;
        let query = metrics::table.filter(metrics::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// The totals of the points that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn totals(&mut self, filter: &MetricFilter) -> Result<MetricTotals> {
        filter.checked()?;
        let value = metrics::metric_value;
        let query = metrics::table.filter(metrics::tenant_id.eq(self.0.tenant)).select((
            count_star(),
            sum(value),
            least(value),
            greatest(value),
        ));
        let (points, sum, min, max) = filtered(query.into_boxed(), filter).get_result(self.0.conn)?;
        Ok(MetricTotals { points, sum, min, max })
    }

    /// Records a point that must be new.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when there is one of the same key, [`crate::Error::Invalid`] on a broken rule.
    pub fn create(&mut self, new: &NewMetric) -> Result<Metric> {
        let id = MetricId::new(self.0.moment.id());
        Ok(diesel::insert_into(metrics::table)
            .values((new.checked()?, stamped!(metrics, self.0, id)))
            .returning(Metric::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Records a point, in place of the one of the same key if there is one. See also [`Self::upsert_many`].
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a broken rule.
    pub fn upsert_by_key(&mut self, new: &NewMetric) -> Result<Metric> {
        let id = MetricId::new(self.0.moment.id());
        Ok(diesel::insert_into(metrics::table)
            .values((new.checked()?, stamped!(metrics, self.0, id)))
            .on_conflict((
                metrics::tenant_id,
                metrics::metric_type,
                metrics::metric_name,
                metrics::timestamp,
                metrics::aggregation_level,
            ))
            .do_update()
            .set((
                metrics::metric_value.eq(excluded(metrics::metric_value)),
                metrics::dimensions.eq(excluded(metrics::dimensions)),
                metrics::period_start.eq(excluded(metrics::period_start)),
                metrics::period_end.eq(excluded(metrics::period_end)),
                metrics::updated_at.eq(excluded(metrics::updated_at)),
            ))
            .returning(Metric::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Removes a point.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn delete(&mut self, id: MetricId) -> Result<()> {
        let rows = diesel::delete(metrics::table)
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::id.eq(id))
            .execute(self.0.conn)?;
        touched_one(rows, "metric")
    }

    /// Takes out points of a level measured before an instant, the oldest first, `limit` at the most. Returns how many went;
    /// 0 means that there is none to take now.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn delete_before(&mut self, level: AggregationLevel, before: impl Into<When>, limit: u16) -> Result<usize> {
        let before = before.into().seen_from(self.0.now());
        let old: Vec<MetricId> = metrics::table
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::aggregation_level.eq(level))
            .filter(metrics::timestamp.lt(before))
            .order(metrics::timestamp)
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select(metrics::id)
            .load(self.0.conn)?;
        Ok(diesel::delete(metrics::table)
            .filter(metrics::tenant_id.eq(self.0.tenant))
            .filter(metrics::id.eq_any(old))
            .execute(self.0.conn)?)
    }
}
