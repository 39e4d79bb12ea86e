use crate::api::lists::{List, Span, agree, is_same};
use crate::api::reply::{Json, PageOut};
use crate::api::request::{NoQuery, RequestContext};
use crate::api::wire::{Text, text};
use crate::error::ApiResult;
use chrono::{DateTime, Utc};
use nmc_core::analytics::{Job, JobFilter};
use nmc_core::{JobId, JobStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

const LIST: List = List("jobs");

/// Why a job has failed that somebody called off.
const CANCELED: &str = "it was canceled";

/// A job of analytics: a computation that is too long for a request.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobOut {
    id: text::JobId,
    #[serde(rename = "type")]
    job_type: text::JobType,
    status: text::JobStatus,
    /// What the job was asked to do, such as the period.
    #[schema(value_type = Object)]
    parameters: Value,
    /// What came of it.
    #[schema(value_type = Option<Value>)]
    result: Option<Value>,
    /// Why the last attempt failed.
    error_message: Option<String>,
    /// How far it is, in percent.
    #[schema(minimum = 0, maximum = 100)]
    progress: i16,
    attempts: i32,
    max_attempts: i32,
    /// The instant before which it is not tried; none once it has ended.
    next_attempt_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
}

impl From<Job> for JobOut {
    fn from(row: Job) -> Self {
        Self {
            id: Text(row.id),
            job_type: Text(row.job_type),
            status: Text(row.status),
            parameters: row.parameters,
            result: row.result,
            error_message: row.error_message,
            progress: row.progress,
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            next_attempt_at: (!row.status.is_terminal()).then_some(row.next_attempt_at),
            created_at: row.created_at,
            updated_at: row.updated_at,
            completed_at: row.completed_at,
        }
    }
}

/// The filter of a list of jobs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobQuery {
    /// The status of the jobs.
    #[param(inline, value_type = Option<text::JobStatus>)]
    status: Option<text::JobStatus>,
    /// Whether the jobs are pending or processing (true), or completed or failed (false).
    open: Option<bool>,
    /// The type of the jobs.
    #[serde(rename = "type")]
    #[param(inline, value_type = Option<text::JobType>)]
    job_type: Option<text::JobType>,
    /// The instant at or after which the jobs were created, like 2026-11-22T18:00:00Z.
    from: Option<DateTime<Utc>>,
    /// The instant before which the jobs were created.
    until: Option<DateTime<Utc>>,
    /// The most rows of the page, 1 to 200; 50 if left out.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u16>,
    /// The cursor of the page: `next` of the page before; the first page if left out.
    #[param(pattern = "^[A-Za-b][A-Za-z0-9_-]{31}[0-9a-f]{6}$")]
    after: Option<String>,
}

pub(super) async fn list(context: RequestContext<JobQuery, ()>) -> ApiResult<Json<PageOut<JobOut>>> {
    let query = &context.query;
    let page = LIST.page(query.limit, query.after.as_deref())?;
    let span = Span::new(("from", query.from), ("until", query.until))?;
    let status = query.status.map(|status| status.0);
    let is_open = status.map(JobStatus::is_open);
    agree("open", "status", is_same(query.open, is_open))?;
    let filter =
        JobFilter { status, open: query.open, job_type: query.job_type.map(|kind| kind.0), from: span.from, until: span.until };
    let rows = context.acting(move |tx| tx.jobs().list(&filter, page)).await?;
    Ok(Json(LIST.of(rows)))
}

pub(super) async fn get(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<JobOut>> {
    let id: JobId = context.id("job", "job")?;
    Ok(Json(context.acting(move |tx| tx.jobs().get(id)).await?.into()))
}

pub(super) async fn cancel(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<JobOut>> {
    let id: JobId = context.id("job", "job")?;
    Ok(Json(context.acting(move |tx| tx.jobs().cancel(id, CANCELED)).await?.into()))
}

pub(super) async fn retry(context: RequestContext<NoQuery, ()>) -> ApiResult<Json<JobOut>> {
    let id: JobId = context.id("job", "job")?;
    Ok(Json(context.acting(move |tx| tx.jobs().retry(id)).await?.into()))
}
