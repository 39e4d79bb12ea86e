use crate::api::lists::List;
use crate::api::reply::{Done, Json, PageOut};
use crate::api::request::{JsonBody, NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, NaiveDate, Utc};
use nmc_core::analytics::{NewReportSchedule, ReportMail, ReportMailFilter, ReportSchedule};
use nmc_core::{ReportInterval, TenantTx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MAILS: List = List("report mails");

/// A report that is made and mailed by itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportScheduleOut {
    /// How often: `daily` of the day before, `weekly` on Monday of the week before, `monthly` on the 1st of the month before.
    kind: text::ReportInterval,
    is_active: bool,
    /// The hour of the business's clock at which it is made.
    #[schema(minimum = 0, maximum = 23)]
    hour: i16,
    /// The users it is mailed to; none: owners and administrators.
    #[schema(max_items = 50)]
    user_ids: Vec<text::UserId>,
    /// The instant from which on the next one is made, if it is active.
    next_due_at: DateTime<Utc>,
    /// The first day of the last period that was reported on.
    last_period_start: Option<NaiveDate>,
    /// Users whom it is meant for and not mailed to, as things are.
    #[schema(max_items = 200)]
    unreached: Vec<UnreachedOut>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A user who would get none of a schedule's reports.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnreachedOut {
    user_id: text::UserId,
    /// Why they would get none.
    why: text::Unreached,
}

impl ReportScheduleOut {
    fn of(tx: &mut TenantTx<'_>, row: ReportSchedule) -> nmc_core::Result<Self> {
        let unreached = tx.report_mails().unreached(&row)?;
        Ok(Self {
            kind: Text(row.kind),
            is_active: row.is_active,
            hour: row.hour,
            user_ids: row.user_ids.into_iter().map(Text).collect(),
            next_due_at: row.next_due_at,
            last_period_start: row.last_period_start,
            unreached: unreached.into_iter().map(|of| UnreachedOut { user_id: Text(of.user), why: Text(of.why) }).collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// The schedules of a business, by kind.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportSchedulesOut {
    #[schema(max_items = 3)]
    items: Vec<ReportScheduleOut>,
}

/// When a report is made by itself, and for whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportScheduleIn {
    /// Whether it is made; true if left out.
    #[serde(default = "yes")]
    #[schema(default = true)]
    is_active: bool,
    /// The hour of the business's clock; 7 if left out.
    #[serde(default = "seven")]
    #[schema(default = 7, minimum = 0, maximum = 23)]
    hour: i16,
    /// The users it is mailed to, whose role may see reports; owners and administrators if left out.
    #[serde(default)]
    #[schema(max_items = 50)]
    user_ids: Vec<text::UserId>,
}

const fn yes() -> bool {
    true
}

const fn seven() -> i16 {
    7
}

/// A mail that brings a report to a user.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReportMailOut {
    id: text::ReportMailId,
    report_id: text::ReportId,
    user_id: text::UserId,
    status: text::ReportMailStatus,
    /// Why the last attempt failed, or why it is not sent.
    error_message: Option<String>,
    attempts: i32,
    /// The instant before which it is not tried again, while it waits.
    next_attempt_at: Option<DateTime<Utc>>,
    /// The instant at which the mail server had taken it.
    sent_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<ReportMail> for ReportMailOut {
    fn from(row: ReportMail) -> Self {
        Self {
            id: Text(row.id),
            report_id: Text(row.report_id),
            user_id: Text(row.user_id),
            status: Text(row.status),
            error_message: row.error_message,
            attempts: row.attempts,
            next_attempt_at: row.next_attempt_at,
            sent_at: row.sent_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The filter of a list of mails that bring reports.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportMailQuery {
    /// The report that the mails bring.
    #[param(inline, value_type = Option<text::ReportId>)]
    report: Option<text::ReportId>,
    /// What became of the mails.
    #[param(inline, value_type = Option<text::ReportMailStatus>)]
    status: Option<text::ReportMailStatus>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

pub(super) async fn list(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<ReportSchedulesOut>> {
    let items = context.acting(|tx| {
        let rows = tx.report_schedules().list()?;
        rows.into_iter().map(|row| ReportScheduleOut::of(tx, row)).collect()
    });
    Ok(Json(ReportSchedulesOut { items: items.await? }))
}

pub(super) async fn set(context: RequestContext<NoQuery, JsonBody<ReportScheduleIn>>) -> ApiResult<Json<ReportScheduleOut>> {
    let kind: ReportInterval = context.id("kind", "schedule")?;
    let ReportScheduleIn { is_active, hour, ref user_ids } = context.body.0;
    let new = NewReportSchedule { is_active, hour, user_ids: user_ids.iter().map(|id| id.0).collect() };
    let set = context.acting(move |tx| {
        let row = tx.report_schedules().upsert_by_kind(kind, &new)?;
        ReportScheduleOut::of(tx, row)
    });
    Ok(Json(set.await?))
}

pub(super) async fn remove(context: RequestContext<NoQuery, ()>) -> ApiResult<Done> {
    let kind: ReportInterval = context.id("kind", "schedule")?;
    context.acting(move |tx| tx.report_schedules().delete(kind)).await?;
    Ok(Done)
}

pub(super) async fn mails(context: RequestContext<ReportMailQuery, ()>) -> ApiResult<Json<PageOut<ReportMailOut>>> {
    let query = &context.query;
    let page = MAILS.page(query.limit, query.after.as_deref())?;
    let filter = ReportMailFilter {
        report: query.report.as_ref().map(|report| report.0),
        status: query.status.as_ref().map(|status| status.0),
    };
    let rows = context.acting(move |tx| tx.report_mails().list(&filter, page)).await?;
    Ok(Json(MAILS.of(rows)))
}
