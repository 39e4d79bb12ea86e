use crate::api::lists::{List, Span, filled};
use crate::api::reply::{Done, Json, PageOut};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Quantity, Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::analytics::{KPI_PERIODS, KPIS, Kpi, KpiFilter, KpiSnapshot, KpiTarget};
use nmc_core::{Error, KpiPeriod};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("key figures");

/// The value of a key figure in a day, a week or a month.
#[derive(Serialize, ToSchema)]
pub(crate) struct KpiOut {
    id: text::KpiSnapshotId,
    name: String,
    value: text::Quantity,
    target: Option<text::Quantity>,
    /// How far the value lies above or below the target, in percent of the target.
    #[schema(value_type = Option<String>, pattern = r"^-?[0-9]{1,20}(\.[0-9]{1,2})?$")]
    variance_percentage: Option<text::Quantity>,
    /// How the value compares with the one of the period before.
    trend: Option<text::TrendDirection>,
    period: text::KpiPeriod,
    /// The first instant of the period.
    period_start: Option<DateTime<Utc>>,
    /// The first instant after the period.
    period_end: DateTime<Utc>,
    /// The zone whose period it is.
    timezone: Option<text::Timezone>,
    /// The version of the formulas.
    formula: Option<i32>,
    computed_at: Option<DateTime<Utc>>,
}

impl From<KpiSnapshot> for KpiOut {
    fn from(row: KpiSnapshot) -> Self {
        let quantity = |value| Text(Quantity(value));
        Self {
            id: Text(row.id),
            name: row.kpi_name,
            value: quantity(row.kpi_value),
            target: row.kpi_target.map(quantity),
            variance_percentage: row.variance_percentage.map(quantity),
            trend: row.trend_direction.map(Text),
            period: Text(row.period_type),
            period_start: row.period_start,
            period_end: row.snapshot_date,
            timezone: row.timezone.map(Text),
            formula: row.formula,
            computed_at: row.computed_at,
        }
    }
}

/// The filter of a list of key figures.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct KpiQuery {
    /// The name of the key figure.
    #[param(max_length = 100)]
    name: Option<String>,
    /// The periods that the values are of.
    #[param(inline, value_type = Option<text::KpiPeriod>)]
    period: Option<text::KpiPeriod>,
    /// The instant at or after which the periods end, like 2026-11-22T18:00:00Z.
    from: Option<DateTime<Utc>>,
    /// The instant before which the periods end.
    until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// How a key figure is computed, and which way is good.
#[derive(Serialize, ToSchema)]
pub(crate) struct KpiDefinitionOut {
    name: &'static str,
    /// What it is, in a few words.
    #[schema(min_length = 1, max_length = 100)]
    label: &'static str,
    #[schema(pattern = "^(calls|percent|usd|minutes|hours)$")]
    unit: &'static str,
    more_is_better: bool,
    /// The figure above the line.
    #[schema(min_length = 1, max_length = 100)]
    numerator: &'static str,
    /// The figures below the line, which are added; none of a count.
    #[schema(max_items = 10)]
    denominator: Vec<&'static str>,
}

/// The key figures there are.
#[derive(Serialize, ToSchema)]
pub(crate) struct KpiDefinitionsOut {
    items: Vec<KpiDefinitionOut>,
}

/// What a key figure should come to.
#[derive(Serialize, ToSchema)]
pub(crate) struct KpiTargetOut {
    /// The name of the key figure.
    #[schema(min_length = 1, max_length = 100)]
    kpi: String,
    period: text::KpiPeriod,
    target: text::Quantity,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<KpiTarget> for KpiTargetOut {
    fn from(row: KpiTarget) -> Self {
        Self {
            kpi: row.kpi_name,
            period: Text(row.period_type),
            target: Text(Quantity(row.kpi_target)),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The targets of a business, by name and period.
#[derive(Serialize, ToSchema)]
pub(crate) struct KpiTargetsOut {
    items: Vec<KpiTargetOut>,
}

/// A target to set, in the unit of the key figure.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KpiTargetIn {
    target: text::Quantity,
}

pub(super) async fn list(context: RequestContext<KpiQuery, ()>) -> ApiResult<Json<PageOut<KpiOut>>> {
    let query = &context.query;
    let page = LIST.page(query.limit, query.after.as_deref())?;
    let span = Span::new(("from", query.from), ("until", query.until))?;
    let filter = KpiFilter {
        kpi_name: filled("name", query.name.as_deref(), 100)?,
        period_type: query.period.map(|period| period.0),
        from: span.from,
        until: span.until,
    };
    let rows = context.acting(move |tx| tx.kpi_snapshots().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn definitions(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<KpiDefinitionsOut>> {
    context.acting(|_| Ok(())).await?;
    let definition = |kpi: &Kpi| KpiDefinitionOut {
        name: kpi.name,
        label: kpi.label,
        unit: kpi.unit.label(),
        more_is_better: kpi.more_is_better,
        numerator: kpi.numerator,
        denominator: kpi.denominator.to_vec(),
    };
    Ok(Json(KpiDefinitionsOut { items: KPIS.iter().map(definition).collect() }))
}

pub(super) async fn targets(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<KpiTargetsOut>> {
    let rows = context.acting(|tx| tx.kpi_targets().list()).await?;
    Ok(Json(KpiTargetsOut { items: rows.into_iter().map(KpiTargetOut::from).collect() }))
}

/// The key figure and the period of the path.
fn named<B>(context: &RequestContext<NoQuery, B>) -> ApiResult<(&'static Kpi, KpiPeriod)> {
    let name: String = context.id("kpi", "key figure")?;
    let kpi = Kpi::named(&name).ok_or(Error::NotFound { entity: "key figure" })?;
    let period: KpiPeriod = context.id("period", "period of key figures")?;
    if !KPI_PERIODS.contains(&period) {
        return Err(Error::NotFound { entity: "period of key figures" }.into());
    }
    Ok((kpi, period))
}

pub(super) async fn set_target(context: RequestContext<NoQuery, JsonBody<KpiTargetIn>>) -> ApiResult<Json<KpiTargetOut>> {
    let ((kpi, period), target) = (named(&context)?, context.body.0.target.0.0);
    let row = context.acting(move |tx| tx.kpi_targets().upsert_by_key(kpi.name, period, target)).await;
    Ok(Json(row.map_err(|error| error.renamed(&[("kpi_target", "target")]))?.into()))
}

pub(super) async fn remove_target(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let (kpi, period) = named(&context)?;
    context.acting(move |tx| tx.kpi_targets().delete(kpi.name, period)).await?;
    Ok(Done)
}
