use crate::api::lists::{List, Span};
use crate::api::reply::{Created, Done, Json, PageOut, RenderedFile, Rendering};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Text, given_day, text};
use crate::error::ApiResult;
use chrono::{DateTime, NaiveDate, Utc};
use nmc_core::analytics::{ReportFilter, ReportHead};
use nmc_core::reports::{CsvOptions, Paper, ReportContent, ReportKind};
use nmc_core::workflows::{WantedReport, kept_report, make_report};
use nmc_core::{Error, ReportId, TenantTx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("reports");

/// A report that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportOut {
    id: text::ReportId,
    #[serde(rename = "type")]
    #[schema(value_type = text::ReportKind)]
    kind: String,
    /// The first instant of the period.
    from: DateTime<Utc>,
    /// The first instant after the period.
    until: DateTime<Utc>,
    /// The instant at which the figures were read.
    generated_at: DateTime<Utc>,
    /// The instant from which on the report is gone.
    expires_at: Option<DateTime<Utc>>,
    /// The path of all that the report says, as JSON.
    #[schema(max_length = 100)]
    json: String,
    /// The path of the report as CSV.
    #[schema(max_length = 100)]
    csv: String,
    /// The path of the report as PDF.
    #[schema(max_length = 100)]
    pdf: String,
}

impl From<ReportHead> for ReportOut {
    fn from(row: ReportHead) -> Self {
        let file = |ending| format!("/v1/reports/{}.{ending}", row.id);
        Self {
            json: file("json"),
            csv: file("csv"),
            pdf: file("pdf"),
            id: Text(row.id),
            kind: row.report_type,
            from: row.period_start,
            until: row.period_end,
            generated_at: row.generated_at,
            expires_at: row.expires_at,
        }
    }
}

/// The filter of a list of reports.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportQuery {
    /// The type of the reports.
    #[serde(rename = "type")]
    #[param(inline, value_type = Option<text::ReportKind>)]
    kind: Option<text::ReportKind>,
    /// The instant at or after which the reports were made.
    from: Option<DateTime<Utc>>,
    /// The instant before which the reports were made.
    until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

/// The period to report on, in days of the business's time zone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportIn {
    #[serde(rename = "type")]
    kind: text::ReportKind,
    /// The first day of a custom report; of others any day of the period, and the last that is over is meant if left out.
    #[serde(default, deserialize_with = "given_day")]
    #[schema(nullable = false)]
    first_day: Option<NaiveDate>,
    /// The last day of a custom report, 366 days at the most; others have none.
    #[serde(default, deserialize_with = "given_day")]
    #[schema(nullable = false)]
    last_day: Option<NaiveDate>,
}

/// How a report is written as CSV.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsvQuery {
    /// Whether each cell that a spreadsheet might take for a formula gets an apostrophe, phone numbers too; free text always does.
    spreadsheet_safe: Option<bool>,
    /// Whether the file begins with a byte order mark, which Excel wants.
    bom: Option<bool>,
}

pub(super) async fn list(context: RequestContext<ReportQuery, ()>) -> ApiResult<Json<PageOut<ReportOut>>> {
    let query = &context.query;
    let page = LIST.page(query.limit, query.after.as_deref())?;
    let span = Span::new(("from", query.from), ("until", query.until))?;
    let report_type = query.kind.as_ref().map(|kind| kind.0.label().to_owned());
    let filter = ReportFilter { report_type, from: span.from, until: span.until, ..ReportFilter::default() };
    let rows = context
        .acting(move |tx| {
            let expired_at = Some((tx.now(), false));
            tx.reports().list(&ReportFilter { expired_at, ..filter.clone() }, page)
        })
        .await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn make(context: RequestContext<NoQuery, JsonBody<ReportIn>>) -> ApiResult<Created<ReportOut>> {
    let ReportIn { kind: Text(kind), first_day, last_day } = context.body.0;
    let is_custom = kind == ReportKind::Custom;
    if is_custom && first_day.is_none() {
        return Err(Error::invalid("first_day", "is required of a custom report").into());
    }
    if is_custom != last_day.is_some() {
        let rule = if is_custom { "is required of a custom report" } else { "is for custom reports alone" };
        return Err(Error::invalid("last_day", rule).into());
    }
    let wanted = match (kind, first_day, last_day) {
        (ReportKind::Custom, Some(first), Some(last)) => WantedReport::Custom(first, last),
        (ReportKind::Daily, Some(day), _) => WantedReport::Daily(day),
        (ReportKind::Weekly, Some(day), _) => WantedReport::Weekly(day),
        (ReportKind::Monthly, Some(day), _) => WantedReport::Monthly(day),
        _ => {
            let today = |tx: &mut TenantTx<'_>| Ok(tx.now().with_timezone(&tx.tenants().get()?.timezone.tz()).date_naive());
            WantedReport::last(kind, context.acting(today).await?)
        }
    };
    let report = context.in_steps(move |store, who| make_report(store, who, wanted)).await?;
    Ok(Created(format!("/v1/reports/{}", report.id), ReportHead::from(report).into()))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<ReportOut>> {
    let id: ReportId = context.id("report", "report")?;
    let (report, _) = context.acting(move |tx| kept_report(tx, id)).await?;
    Ok(Json(ReportHead::from(report).into()))
}

pub(super) async fn remove(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let id: ReportId = context.id("report", "report")?;
    context.acting(move |tx| tx.reports().delete(id)).await?;
    Ok(Done)
}

pub(super) async fn as_json(context: RequestContext<NoQuery, ()>) -> ApiResult<Rendering> {
    rendering(&context, "json", "application/json", ReportContent::to_json).await
}

pub(super) async fn as_csv(context: RequestContext<CsvQuery, ()>) -> ApiResult<Rendering> {
    let query = &context.query;
    let (spreadsheet_safe, bom) = (query.spreadsheet_safe.unwrap_or_default(), query.bom.unwrap_or_default());
    let options = CsvOptions { spreadsheet_safe, bom };
    rendering(&context, "csv", "text/csv; charset=utf-8", move |content| content.to_csv(options)).await
}

pub(super) async fn as_pdf(context: RequestContext<NoQuery, ()>) -> ApiResult<Rendering> {
    rendering(&context, "pdf", "application/pdf", |content| content.to_pdf(Paper::usual_in(&content.zone))).await
}

/// A file made of a report, by a thread that may take its time and holds no connection.
async fn rendering<Q>(
    context: &RequestContext<Q, ()>,
    ending: &'static str,
    media_type: &'static str,
    render: impl Fn(&ReportContent) -> nmc_core::Result<Vec<u8>> + Send + 'static,
) -> ApiResult<Rendering> {
    let id: ReportId = context.id("report", "report")?;
    let (_, content) = context.acting(move |tx| kept_report(tx, id)).await?;
    // Reports don't change, but how they are printed may.
    let tag = format!("{id}-{}", env!("CARGO_PKG_VERSION"));
    if context.has_already(&tag) {
        return Ok(Rendering { file: None, tag });
    }
    let name = format!("{}.{ending}", content.file_stem());
    let bytes = context.app.pool.blocking(move |_| render(&content)).await?;
    Ok(Rendering { file: Some(RenderedFile { bytes, media_type, name }), tag })
}
