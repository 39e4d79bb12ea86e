//! Recent values of the metrics that rules watch.

use super::judgement::Sample;
use super::trade_metric::reported;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::alert_metrics_cache as cache;
use crate::store::{Prepared, Scope, TenantTx};
use crate::types::bounds;
use crate::{Error, MeasurementId, Result, TenantId, When};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Numeric, Text, Timestamptz, Uuid};
use diesel::upsert::excluded;
use rust_decimal::Decimal;
use std::collections::HashMap;

/// One measured value of a metric.
#[derive(Debug, Clone, PartialEq, HasQuery, QueryableByName)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = cache, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Measurement {
    pub id: MeasurementId,
    pub tenant_id: TenantId,
    pub metric_name: String,
    pub metric_value: Decimal,
    pub measurement_time: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

/// A filter of measured values. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MeasurementFilter {
    /// The metric that was measured.
    pub metric: Option<String>,
    /// The instant at or after which the values were measured.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the values were measured.
    pub until: Option<DateTime<Utc>>,
}

/// A tenant's recent values.
pub struct Measurements<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's recent values of watched metrics.
    pub const fn measurements(&mut self) -> Measurements<'_> {
        Measurements(self.0.reborrow())
    }
}

/// The most metrics that are asked for at once.
const AT_ONCE: usize = 200;

/// How far a measuring clock may be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// One probe of the index per metric. DISTINCT ON would read and sort all that is kept of each.
const LATEST_OF: &str = "SELECT latest.*
FROM (SELECT DISTINCT unnest($2) AS metric_name) AS wanted
CROSS JOIN LATERAL (
    SELECT cache.id, cache.tenant_id, cache.metric_name, cache.metric_value, cache.measurement_time, cache.created_at
    FROM alert_metrics_cache AS cache
    WHERE cache.tenant_id = $1 AND cache.metric_name = wanted.metric_name
    ORDER BY cache.measurement_time DESC
    LIMIT 1
) AS latest
ORDER BY latest.metric_name";

/// The most values of a metric that are read at a time to be judged; the number stands in [`SINCE`] too.
pub(super) const AT_A_TIME: usize = 100;

/// What was measured of a metric after an instant, the oldest first; without one, the last value alone. And what was reported since a second
/// instant of the hour before the first, which is late: only what we don't measure ourselves can be. That is read once for all that have judged
/// the metric as far, under the place of the first of them: what is late for one rule is in time for another, which lags behind.
const SINCE: &str = "WITH wanted AS (
    SELECT * FROM unnest($2, $3, $4) WITH ORDINALITY AS wanted (metric, since, written_at, place)
)
SELECT wanted.place, sample.measurement_time, sample.metric_value, sample.created_at, false AS is_late
FROM wanted CROSS JOIN LATERAL (
    (SELECT cache.measurement_time, cache.metric_value, cache.created_at FROM alert_metrics_cache AS cache
    WHERE cache.tenant_id = $1 AND cache.metric_name = wanted.metric AND cache.measurement_time > wanted.since
    ORDER BY cache.measurement_time LIMIT 100)
    UNION ALL
    (SELECT cache.measurement_time, cache.metric_value, cache.created_at FROM alert_metrics_cache AS cache
    WHERE cache.tenant_id = $1 AND cache.metric_name = wanted.metric AND wanted.since IS NULL
    ORDER BY cache.measurement_time DESC LIMIT 1)
) AS sample
UNION ALL
SELECT asked.place, sample.measurement_time, sample.metric_value, sample.created_at, true
FROM (
    SELECT metric, min(place) AS place, since, written_at
    FROM wanted WHERE metric NOT LIKE 'nmc.%' AND since IS NOT NULL GROUP BY metric, since, written_at
) AS asked CROSS JOIN LATERAL (
    SELECT cache.measurement_time, cache.metric_value, cache.created_at FROM alert_metrics_cache AS cache
    WHERE cache.tenant_id = $1 AND cache.metric_name = asked.metric AND cache.created_at > asked.written_at
        AND cache.measurement_time < asked.since AND cache.measurement_time >= asked.since - interval '1 hour' LIMIT 100
) AS sample
ORDER BY place, measurement_time";

/// A value, and the place of what asked for it.
#[derive(QueryableByName)]
struct SampleRow {
    #[diesel(sql_type = BigInt)]
    place: i64,
    #[diesel(sql_type = Timestamptz)]
    measurement_time: DateTime<Utc>,
    #[diesel(sql_type = Numeric)]
    metric_value: Decimal,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    is_late: bool,
}

/// What is asked for of a metric: the values after the last one that was judged, and those that were written since that was.
#[derive(PartialEq)]
pub(super) struct Wanted<'m> {
    pub(super) metric: &'m str,
    pub(super) judged_until: Option<DateTime<Utc>>,
    pub(super) written_at: Option<DateTime<Utc>>,
}

/// What is new of a metric.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    /// The values to be judged, the oldest first.
    pub(super) samples: Vec<Sample>,
    /// How many values were reported late, 100 at the most: a later one has been judged.
    pub(super) late: usize,
}

fn filtered<'q, ST>(mut query: cache::BoxedQuery<'q, Pg, ST>, filter: &'q MeasurementFilter) -> cache::BoxedQuery<'q, Pg, ST> {
    if let Some(metric) = &filter.metric {
        query = query.filter(cache::metric_name.eq(metric));
    }
    if let Some(from) = filter.from {
        query = query.filter(cache::measurement_time.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(cache::measurement_time.lt(until));
    }
    query
}

impl Measurements<'_> {
    /// Records what a metric (up to 100 characters) was at an instant, which may be five minutes ahead at the most: clocks
    /// differ, but a value of the far future would be the latest for ever. Another value of the same instant takes its place.
    ///
    /// ```no_run
    /// # use nmc_core::{Result, TenantTx, When};
    /// # fn record(tx: &mut TenantTx<'_>) -> Result<()> {
    /// tx.measurements().record("open jobs", 7.into(), When::Now)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a broken rule.
    pub fn record(&mut self, metric: &str, value: Decimal, at: impl Into<When>) -> Result<Measurement> {
        let at = self.measured_at(at.into().seen_from(self.0.now()))?;
        let id = MeasurementId::new(self.0.moment.id());
        Ok(diesel::insert_into(cache::table)
            .values((
                cache::id.eq(id),
                cache::tenant_id.eq(self.0.tenant),
                cache::metric_name.eq(reported(metric)?),
                cache::metric_value.eq(bounds::METRIC.rounded("metric_value", value)?),
                cache::measurement_time.eq(at),
                cache::created_at.eq(self.0.now()),
            ))
            .on_conflict((cache::tenant_id, cache::metric_name, cache::measurement_time))
            .do_update()
            .set(cache::metric_value.eq(excluded(cache::metric_value)))
            .returning(Measurement::as_returning())
            .get_result(self.0.conn)?)
    }

    /// The instant of a measurement, which may be a little ahead.
    pub(super) fn measured_at(&self, at: DateTime<Utc>) -> Result<DateTime<Utc>> {
        let at = bounds::instant("measurement_time", at)?;
        if at > self.0.now() + AHEAD {
            return Err(Error::invalid("measurement_time", "must not be in the future"));
        }
        Ok(at)
    }

    /// A metric's last value, if there is one.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn latest(&mut self, metric: &str) -> Result<Option<Measurement>> {
        Ok(Measurement::query()
            .filter(cache::tenant_id.eq(self.0.tenant))
            .filter(cache::metric_name.eq(metric))
            .order(cache::measurement_time.desc())
            .first(self.0.conn)
            .optional()?)
    }

    /// The last value of each of these metrics that has one, by name.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when more than 200 are asked for; otherwise as [`Self::latest`].
    pub fn latest_of(&mut self, metrics: &[&str]) -> Result<Vec<Measurement>> {
        if metrics.len() > AT_ONCE {
            return Err(Error::invalid("metrics", format!("must be at most {AT_ONCE} at once")));
        }
        Ok(sql_query(LATEST_OF).bind::<Uuid, _>(self.0.tenant).bind::<Array<Text>, _>(metrics).load(self.0.conn)?)
    }

    /// What is new of each metric, [`AT_A_TIME`] values at the most, by place; of one of which nothing was judged, the last value. From here on the
    /// transaction's time is after what was read, so that it isn't taken for what came later.
    pub(super) fn since(&mut self, wanted: &[Wanted<'_>]) -> Result<HashMap<usize, Fresh>> {
        let metrics: Vec<&str> = wanted.iter().map(|wanted| wanted.metric).collect();
        let since: Vec<_> = wanted.iter().map(|wanted| wanted.judged_until).collect();
        let written: Vec<_> = wanted.iter().map(|wanted| wanted.written_at).collect();
        let query = sql_query(SINCE)
            .bind::<Uuid, _>(self.0.tenant)
            .bind::<Array<Text>, _>(metrics)
            .bind::<Array<Nullable<Timestamptz>>, _>(since)
            .bind::<Array<Nullable<Timestamptz>>, _>(written);
        let rows: Vec<SampleRow> = Prepared(query).load(self.0.conn)?;
        let mut fresh: HashMap<usize, Fresh> = HashMap::new();
        for row in rows {
            if row.created_at > self.0.now() {
                self.0.moment.come_after(row.created_at);
            }
            // Ordinality counts from one.
            let first = usize::try_from(row.place - 1).map_err(Error::internal)?;
            if !row.is_late {
                fresh.entry(first).or_default().samples.push(Sample { at: row.measurement_time, value: row.metric_value });
                continue;
            }
            let asked = wanted.get(first);
            for (place, _) in wanted.iter().enumerate().filter(|(_, of)| Some(*of) == asked) {
                fresh.entry(place).or_default().late += 1;
            }
        }
        Ok(fresh)
    }

    /// A page of values, the last measured first.
    ///
    /// # Errors
    /// As [`Self::latest`].
    pub fn list(&mut self, filter: &MeasurementFilter, page: PageRequest) -> Result<Page<Measurement>> {
        let query = filtered(Measurement::query().filter(cache::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, cache::measurement_time, cache::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &Measurement| Cursor { at: row.measurement_time, id: row.id.uuid() }))
    }

    /// The number of values that a filter finds.
    ///
    /// # Errors
    /// As [`Self::latest`].
    pub fn count(&mut self, filter: &MeasurementFilter) -> Result<i64> {
        let query = cache::table.filter(cache::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Removes values measured before an instant, the oldest first, `limit` at the most; how many it were. 0 means that there
    /// is nothing to take now: nothing is left, or somebody else is at it.
    ///
    /// # Errors
    /// As [`Self::latest`].
    pub fn delete_before(&mut self, instant: impl Into<When>, limit: u16) -> Result<usize> {
        let instant = instant.into().seen_from(self.0.now());
        let old: Vec<MeasurementId> = cache::table
            .filter(cache::tenant_id.eq(self.0.tenant))
            .filter(cache::measurement_time.lt(instant))
            .order((cache::measurement_time, cache::id))
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select(cache::id)
            .load(self.0.conn)?;
        Ok(diesel::delete(cache::table)
            .filter(cache::tenant_id.eq(self.0.tenant))
            .filter(cache::id.eq_any(old))
            .execute(self.0.conn)?)
    }
}
