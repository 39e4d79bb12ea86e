use crate::api::lists::{self, List, filled};
use crate::api::reply::{Json, PageOut, Underway};
use crate::api::request::{NoQuery, RequestContext};
use crate::api::wire::{FiguresOut, Quantity, Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::analytics::{FORMULA, KPIS, Kpi, Metric, MetricFilter, RollUp};
use nmc_core::workflows::{Counted, behind_page, figures};
use nmc_core::{Error, Result, Span};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

const METRICS: List = List("analytics metrics");
const ROWS: List = List("rows behind figures");

/// The longest span of which figures are computed while somebody waits.
// With the hours that a clock which is set back adds to a month.
const LONGEST: TimeDelta = TimeDelta::hours(31 * 24 + 3);

/// A count, which is a whole number.
pub(super) fn whole(value: Decimal) -> i64 {
    value.to_i64().unwrap_or(i64::MAX)
}

/// A point of a metric: a sum of an hour, day, week or month, or a value that was recorded.
#[derive(Serialize, ToSchema)]
pub(crate) struct MetricOut {
    id: text::MetricId,
    #[serde(rename = "type")]
    metric_type: text::MetricType,
    name: String,
    value: text::Quantity,
    /// What the value is of, such as a number or an assignee; empty for all.
    #[schema(value_type = Object)]
    dimensions: Value,
    level: text::AggregationLevel,
    /// The instant that the value belongs to, of a period its first.
    at: DateTime<Utc>,
    period_start: Option<DateTime<Utc>>,
    period_end: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl From<Metric> for MetricOut {
    fn from(row: Metric) -> Self {
        Self {
            id: Text(row.id),
            metric_type: Text(row.metric_type),
            name: row.metric_name,
            value: Text(Quantity(row.metric_value)),
            dimensions: row.dimensions,
            level: Text(row.aggregation_level),
            at: row.timestamp,
            period_start: row.period_start,
            period_end: row.period_end,
            updated_at: row.updated_at,
        }
    }
}

/// The filter of a list of points.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricQuery {
    /// The type of the metric.
    #[serde(rename = "type")]
    #[param(inline, value_type = Option<text::MetricType>)]
    metric_type: Option<text::MetricType>,
    /// The name of the metric, such as `nmc.calls_missed`.
    #[param(max_length = 100)]
    name: Option<String>,
    /// The level of the points: what they sum up.
    #[param(inline, value_type = Option<text::AggregationLevel>)]
    level: Option<text::AggregationLevel>,
    /// The number that the points are of.
    #[param(inline, value_type = Option<text::PhoneNumber>)]
    number: Option<text::PhoneNumber>,
    /// The person that the points are of.
    #[param(inline, value_type = Option<text::UserId>)]
    assignee: Option<text::UserId>,
    /// The instant at or after which the points lie, like 2026-11-22T18:00:00Z.
    from: Option<DateTime<Utc>>,
    /// The instant before which the points lie.
    until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// A stretch of time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct FiguresQuery {
    /// The first instant, like 2026-11-22T18:00:00Z.
    from: DateTime<Utc>,
    /// The first instant after it; 31 days after `from` at the most.
    until: DateTime<Utc>,
}

/// Figures and key figures of a stretch of time, from the rows as they are now.
#[derive(Serialize, ToSchema)]
pub(crate) struct SpanFiguresOut {
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    figures: FiguresOut,
    /// The key figures by name; one that has no value is left out.
    kpis: FiguresOut,
}

/// Which figure, of which time: a key figure or one that is counted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowsQuery {
    /// The key figure, such as `missed_rate`: the rows of all figures that it is computed of.
    #[param(max_length = 100)]
    kpi: Option<String>,
    /// The figure, such as `nmc.calls_missed`.
    #[param(max_length = 100)]
    figure: Option<String>,
    /// The first instant, like 2026-11-22T18:00:00Z.
    from: DateTime<Utc>,
    /// The first instant after it; 31 days after `from` at the most.
    until: DateTime<Utc>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// A row that counts in a figure.
#[derive(Serialize, ToSchema)]
pub(crate) struct CountedOut {
    #[schema(pattern = "^(call|conversation|message|consent)$")]
    kind: &'static str,
    /// The id of the call, conversation, text or consent.
    #[schema(value_type = String, pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    id: uuid::Uuid,
    /// The instant that the row belongs to.
    at: DateTime<Utc>,
    /// What it counts, by the name of the figure.
    counts: FiguresOut,
}

impl From<Counted> for CountedOut {
    fn from(row: Counted) -> Self {
        Self { kind: row.kind.label(), id: row.id, at: row.at, counts: FiguresOut::from(&row.counts) }
    }
}

/// Where the figures of the business have come to.
#[derive(Serialize, ToSchema)]
pub(crate) struct RollUpOut {
    /// The instant of the last computation; null before the first one.
    rolled_up_at: Option<DateTime<Utc>>,
    /// The instant before which figures are still to be computed anew; null when all are.
    rebuild_before: Option<DateTime<Utc>>,
    /// The zone by whose days and hours the figures were computed.
    timezone: Option<text::Timezone>,
    /// The version of the formulas that the figures were computed by.
    formula: Option<i32>,
    /// The version of the formulas that figures are computed by now.
    current_formula: i32,
}

impl From<Option<RollUp>> for RollUpOut {
    fn from(row: Option<RollUp>) -> Self {
        let row = row.as_ref();
        Self {
            rolled_up_at: row.map(|row| row.rolled_up_at),
            rebuild_before: row.and_then(|row| row.rebuild_before),
            timezone: row.map(|row| Text(row.timezone)),
            formula: row.map(|row| row.formula),
            current_formula: FORMULA,
        }
    }
}

/// A span that figures are computed of.
fn span(from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Span> {
    lists::Span::new(("from", Some(from)), ("until", Some(until)))?;
    if until - from > LONGEST {
        return Err(Error::invalid("until", format!("must be at most {} days after from", LONGEST.num_days())));
    }
    Ok(Span { from, until })
}

pub(super) async fn metrics(context: RequestContext<MetricQuery, ()>) -> ApiResult<Json<PageOut<MetricOut>>> {
    let query = &context.query;
    let page = METRICS.page(query.limit, query.after.as_deref())?;
    let span = lists::Span::new(("from", query.from), ("until", query.until))?;
    let number = query.number.as_ref().map(|number| ("number".to_owned(), json!(number)));
    let assignee = query.assignee.as_ref().map(|user| ("assignee".to_owned(), json!(user)));
    let dimensions: serde_json::Map<String, Value> = number.into_iter().chain(assignee).collect();
    let filter = MetricFilter {
        metric_type: query.metric_type.map(|kind| kind.0),
        metric_name: filled("name", query.name.as_deref(), 100)?,
        aggregation_level: query.level.map(|level| level.0),
        dimensions: (!dimensions.is_empty()).then_some(Value::Object(dimensions)),
        from: span.from,
        until: span.until,
    };
    let rows = context.acting(move |tx| tx.metrics().list(&filter, page)).await?;
    Ok(Json(METRICS.of(rows)))
}

pub(super) async fn of_span(context: RequestContext<FiguresQuery, ()>) -> ApiResult<Json<SpanFiguresOut>> {
    let span = span(context.query.from, context.query.until)?;
    let found = context.acting(move |tx| figures(tx, span)).await?;
    let kpi = |kpi: &Kpi| Some((kpi.name.to_owned(), kpi.value(&found)?));
    let kpis = KPIS.iter().filter_map(kpi).collect();
    Ok(Json(SpanFiguresOut { from: span.from, until: span.until, figures: FiguresOut::from(&found), kpis }))
}

pub(super) async fn rows(context: RequestContext<RowsQuery, ()>) -> ApiResult<Json<PageOut<CountedOut>>> {
    let query = &context.query;
    let page = ROWS.page(query.limit, query.after.as_deref())?;
    let span = span(query.from, query.until)?;
    let names = named(query.kpi.as_deref(), query.figure.as_deref())?;
    let found = context.acting(move |tx| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        behind_page(tx, &names, span, page)
    });
    Ok(Json(ROWS.of(found.await?)))
}

/// The figures that are asked for.
fn named(kpi: Option<&str>, figure: Option<&str>) -> Result<Vec<String>> {
    match (kpi, figure) {
        (Some(kpi), None) => {
            let kpi =
                Kpi::named(kpi).ok_or_else(|| Error::invalid("kpi", "must be the name of a key figure, such as missed_rate"))?;
            Ok(kpi.figures().map(str::to_owned).collect())
        }
        (None, Some(figure)) => Ok(filled("figure", Some(figure), 100)?.into_iter().collect()),
        (Some(_), Some(_)) => Err(Error::invalid("figure", "must not be given with kpi")),
        (None, None) => Err(Error::invalid("figure", "is required, or kpi")),
    }
}

pub(super) async fn roll_up(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<RollUpOut>> {
    Ok(Json(context.acting(|tx| tx.analytics_roll_ups().find()).await?.into()))
}

pub(super) async fn rebuild(context: RequestContext<NoQuery, ()>) -> ApiResult<Underway<RollUpOut>> {
    let state = context.acting(|tx| {
        tx.rebuild_figures()?;
        tx.analytics_roll_ups().find()
    });
    Ok(Underway(state.await?.into()))
}
