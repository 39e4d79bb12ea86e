//! Values that a business measures itself, many at once.

use super::measurement::Measurements;
use super::trade_metric::reported;
use crate::schema::alert_metrics_cache as cache;
use crate::store::{at_most_a_batch, at_row};
use crate::types::bounds;
use crate::{Error, MeasurementId, Result};
use chrono::{DateTime, SubsecRound as _, Utc};
use diesel::prelude::*;
use diesel::query_dsl::methods::FilterDsl as _;
use diesel::upsert::excluded;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A measured value to record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMeasurement {
    /// The metric that was measured; up to 100 characters, and none that begins like [`super::RESERVED_METRICS`].
    pub metric_name: String,
    /// The value, in the metric's unit; rounded to 4 decimals.
    pub metric_value: Decimal,
    /// The instant of the measurement; the transaction's own if left out.
    pub measurement_time: Option<DateTime<Utc>>,
}

impl Measurements<'_> {
    /// Records values of the business's own metrics, up to [`crate::Store::BATCH`], all or none of them, in one statement: how many are
    /// new or other than before. Another value of the same metric and instant takes the place of the first, also among these; the same
    /// value changes nothing.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a broken rule, with the row at fault: a name that is reserved, a value too large, an instant more
    /// than five minutes ahead.
    pub fn record_all(&mut self, new: &[NewMeasurement]) -> Result<u64> {
        at_most_a_batch(new)?;
        // In one order, so that two who record the same wait for each other instead of for each other's rows.
        let mut last = BTreeMap::new();
        for (row, new) in new.iter().enumerate() {
            let (metric, at, value) = self.checked(new).map_err(|error| at_row(row, error))?;
            last.insert((metric, at), value);
        }
        self.write(last)
    }

    /// Records values of any metrics by metric and instant, in one statement: how many are new or other than before.
    pub(crate) fn write(&mut self, values: BTreeMap<(String, DateTime<Utc>), Decimal>) -> Result<u64> {
        if values.is_empty() {
            return Ok(0);
        }
        let rows: Vec<_> = values
            .into_iter()
            .map(|((metric, at), value)| {
                (
                    cache::id.eq(MeasurementId::new(self.0.moment.id())),
                    cache::tenant_id.eq(self.0.tenant),
                    cache::metric_name.eq(metric),
                    cache::metric_value.eq(value),
                    cache::measurement_time.eq(at),
                    cache::created_at.eq(self.0.now()),
                )
            })
            .collect();
        let written = diesel::insert_into(cache::table)
            .values(rows)
            .on_conflict((cache::tenant_id, cache::metric_name, cache::measurement_time))
            .do_update()
            .set(cache::metric_value.eq(excluded(cache::metric_value)))
            .filter(cache::metric_value.ne(excluded(cache::metric_value)))
            .execute(self.0.conn)?;
        u64::try_from(written).map_err(Error::internal)
    }

    fn checked(&self, new: &NewMeasurement) -> Result<(String, DateTime<Utc>, Decimal)> {
        let metric = reported(&new.metric_name)?;
        let value = bounds::METRIC.rounded("metric_value", new.metric_value)?;
        // As the database keeps it: two instants that it can't tell apart are one.
        let at = self.measured_at(new.measurement_time.unwrap_or(self.0.now()))?.trunc_subsecs(6);
        Ok((metric, at, value))
    }
}
