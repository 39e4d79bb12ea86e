use crate::api::lists::{List, Span, filled};
use crate::api::reply::{Json, PageOut};
use crate::api::request::{LongJsonBody, NoQuery, RequestContext};
use crate::api::wire::{Quantity, Text, given, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::Error;
use nmc_core::alerts::{Measurement, MeasurementFilter, NewMeasurement};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("measurements");

/// The most values of one request.
const MOST: usize = 1_000;

/// A measured value of a metric.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeasurementOut {
    id: text::MeasurementId,
    metric: String,
    value: text::Quantity,
    /// The instant of the measurement.
    at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

impl From<Measurement> for MeasurementOut {
    fn from(row: Measurement) -> Self {
        Self {
            id: Text(row.id),
            metric: row.metric_name,
            value: Text(Quantity(row.metric_value)),
            at: row.measurement_time,
            created_at: row.created_at,
        }
    }
}

/// The filter of a list of values.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeasurementQuery {
    /// The metric that was measured.
    #[param(max_length = 100)]
    metric: Option<String>,
    /// The instant at or after which the values were measured, like 2026-11-22T18:00:00Z.
    from: Option<DateTime<Utc>>,
    /// The instant before which the values were measured.
    until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// A value to record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeasurementIn {
    /// The metric that was measured; a name of the business's own, none that begins with `nmc.`.
    metric: String,
    value: text::Quantity,
    /// The instant of the measurement, five minutes ahead at most; now if left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    at: Option<DateTime<Utc>>,
}

/// Values to record: all of them, or none if one breaks a rule.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeasurementsIn {
    #[schema(max_items = 1000)]
    rows: Vec<MeasurementIn>,
}

/// What was recorded.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordedOut {
    /// The number of values that are new, or other than before.
    #[schema(minimum = 0, maximum = 1000)]
    written: u64,
}

pub(super) async fn list(context: RequestContext<MeasurementQuery, ()>) -> ApiResult<Json<PageOut<MeasurementOut>>> {
    let query = &context.query;
    let page = LIST.page(query.limit, query.after.as_deref())?;
    let span = Span::new(("from", query.from), ("until", query.until))?;
    let filter =
        MeasurementFilter { metric: filled("metric", query.metric.as_deref(), 100)?, from: span.from, until: span.until };
    let rows = context.acting(move |tx| tx.measurements().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn record(context: RequestContext<NoQuery, LongJsonBody<MeasurementsIn>>) -> ApiResult<Json<RecordedOut>> {
    let rows = &context.body.0.rows;
    if rows.len() > MOST {
        return Err(Error::invalid("rows", format!("must be at most {MOST} at once")).into());
    }
    let new: Vec<NewMeasurement> = rows
        .iter()
        .map(|row| NewMeasurement { metric_name: row.metric.clone(), metric_value: row.value.0.0, measurement_time: row.at })
        .collect();
    let written = context.acting(move |tx| tx.measurements().record_all(&new)).await;
    let names = [("metric_name", "metric"), ("metric_value", "value"), ("measurement_time", "at")];
    Ok(Json(RecordedOut { written: written.map_err(|error| error.renamed(&names))? }))
}
