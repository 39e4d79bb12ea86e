//! Analytics jobs: computations that are too long for a request. `job_queue.rs` works them off.

use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::analytics_processing_jobs as jobs;
use crate::store::{Scope, TenantTx, stamped};
use crate::types::bounds::instant;
use crate::types::{json, required};
use crate::{Error, JobId, JobStatus, JobType, LeaseId, Result, TenantId, When};
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::Value;

/// One job of analytics.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = jobs, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Job {
    pub id: JobId,
    pub tenant_id: TenantId,
    pub job_type: JobType,
    pub status: JobStatus,
    pub parameters: Value,
    pub result: Option<Value>,
    pub error_message: Option<String>,
    pub attempts: i32,
    pub max_attempts: i32,
    pub next_attempt_at: DateTime<Utc>,
    pub lease_owner: Option<LeaseId>,
    pub lease_expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub completed_at: Option<DateTime<Utc>>,
    pub bucket: Option<String>,
    pub progress: i16,
}

/// A job to be done.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The type of the job: what is to be done.
    pub job_type: JobType,
    /// An object: what the job type asks for, such as the period.
    pub parameters: Value,
    /// The instant before which the job is not run; `None`: at once.
    pub run_at: Option<DateTime<Utc>>,
    /// The number of attempts, 1 to 100; `None`: 3.
    pub max_attempts: Option<i32>,
    /// What the job computes, such as a period, in up to 100 characters: no other job of its type that is open may have the same.
    /// `None`: any number may be open.
    pub bucket: Option<String>,
}

impl NewJob {
    /// A job to be done at once, and tried three times.
    #[must_use]
    pub const fn now(job_type: JobType, parameters: Value) -> Self {
        Self { job_type, parameters, run_at: None, max_attempts: None, bucket: None }
    }
}

/// A filter of jobs. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct JobFilter {
    /// The status of the jobs.
    pub status: Option<JobStatus>,
    /// Whether the jobs are pending or processing (true), or completed or failed (false).
    pub open: Option<bool>,
    /// The type of the jobs.
    pub job_type: Option<JobType>,
    /// The instant at or after which the jobs were created.
    pub from: Option<DateTime<Utc>>,
    /// The instant before which the jobs were created.
    pub until: Option<DateTime<Utc>>,
}

/// A tenant's jobs.
pub struct Jobs<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's jobs.
    pub const fn jobs(&mut self) -> Jobs<'_> {
        Jobs(self.0.reborrow())
    }
}

const OPEN: [JobStatus; 2] = [JobStatus::Pending, JobStatus::Processing];

fn filtered<'q, ST>(mut query: jobs::BoxedQuery<'q, Pg, ST>, filter: &JobFilter) -> jobs::BoxedQuery<'q, Pg, ST> {
    if let Some(status) = filter.status {
        query = query.filter(jobs::status.eq(status));
    }
    match filter.open {
        Some(true) => query = query.filter(jobs::status.eq_any(OPEN)),
        Some(false) => query = query.filter(jobs::status.ne_all(OPEN)),
        None => {}
    }
    if let Some(kind) = filter.job_type {
        query = query.filter(jobs::job_type.eq(kind));
    }
    if let Some(from) = filter.from {
        query = query.filter(jobs::created_at.ge(from));
    }
    if let Some(until) = filter.until {
        query = query.filter(jobs::created_at.lt(until));
    }
    query
}

impl Jobs<'_> {
    /// The job, if it is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn find(&mut self, id: JobId) -> Result<Option<Job>> {
        Ok(Job::query().filter(jobs::tenant_id.eq(self.0.tenant)).filter(jobs::id.eq(id)).first(self.0.conn).optional()?)
    }

    /// The job with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get(&mut self, id: JobId) -> Result<Job> {
        found(self.find(id)?, "job")
    }

    /// A page of jobs, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &JobFilter, page: PageRequest) -> Result<Page<Job>> {
        let query = filtered(Job::query().filter(jobs::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, jobs::created_at, jobs::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &Job| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of jobs that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &JobFilter) -> Result<i64> {
        let query = jobs::table.filter(jobs::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Puts a job into the queue.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a broken rule; [`Error::Conflict`] of `bucket` while another job has it.
    pub fn create(&mut self, new: &NewJob) -> Result<Job> {
        self.insert_if_missing(new)?.ok_or_else(|| Error::conflict("bucket", "is that of a job that is open already"))
    }

    /// Puts a job into the queue, unless one of its type and bucket is open: then there is nothing to do, and `None`.
    ///
    /// # Errors
    /// [`Error::Invalid`] on a broken rule.
    pub fn insert_if_missing(&mut self, new: &NewJob) -> Result<Option<Job>> {
        json::object("parameters", &new.parameters)?;
        let most = new.max_attempts.unwrap_or(3);
        if !(1..=100).contains(&most) {
            return Err(Error::invalid("max_attempts", "must be between 1 and 100"));
        }
        let due = new.run_at.map(|at| instant("run_at", at)).transpose()?.unwrap_or_else(|| self.0.now());
        let bucket = new.bucket.as_deref().map(|bucket| required("bucket", bucket, 100)).transpose()?;
        let id = JobId::new(self.0.moment.id());
        Ok(diesel::insert_into(jobs::table)
            .values((
                jobs::job_type.eq(new.job_type),
                jobs::status.eq(JobStatus::Pending),
                jobs::parameters.eq(&new.parameters),
                jobs::max_attempts.eq(most),
                jobs::next_attempt_at.eq(due),
                jobs::bucket.eq(bucket),
                stamped!(jobs, self.0, id),
            ))
            .on_conflict((jobs::tenant_id, jobs::job_type, jobs::bucket))
            .filter_target(sql::<Bool>("status IN ('pending', 'processing') AND bucket IS NOT NULL"))
            .do_nothing()
            .returning(Job::as_returning())
            .get_result(self.0.conn)
            .optional()?)
    }

    /// Whether a job of this type and bucket waits that no worker has begun: none begins it before this transaction ends.
    pub(crate) fn hold_waiting(&mut self, kind: JobType, bucket: &str) -> Result<bool> {
        let waiting: Option<JobId> = jobs::table
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(jobs::job_type.eq(kind))
            .filter(jobs::bucket.eq(bucket))
            .filter(jobs::status.eq(JobStatus::Pending))
            .filter(jobs::progress.eq(0))
            .for_update()
            .select(jobs::id)
            .first(self.0.conn)
            .optional()?;
        Ok(waiting.is_some())
    }

    /// Calls off a job that no worker has begun: it has failed, for the reason given (up to 1,000 characters).
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::InvalidTransition`] once it has begun, which changes nothing.
    pub fn cancel(&mut self, id: JobId, why: &str) -> Result<Job> {
        let why = required("why", why, 1_000)?;
        let Job { status: from, progress, .. } = self.lock(id)?;
        // A worker's job is the worker's to end, though its status might move there; between two of its parts, it is, too.
        if from == JobStatus::Processing || from == JobStatus::Pending && progress > 0 {
            return Err(Error::InvalidTransition { entity: "job", from: JobStatus::Processing.label(), to: "canceled" });
        }
        if !from.may_become(JobStatus::Failed) {
            return Err(Error::InvalidTransition { entity: "job", from: from.label(), to: "canceled" });
        }
        Ok(diesel::update(jobs::table)
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(jobs::id.eq(id))
            .filter(jobs::status.eq(from))
            .set((jobs::status.eq(JobStatus::Failed), jobs::error_message.eq(why), jobs::updated_at.eq(self.0.now())))
            .returning(Job::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Has a job that failed done once more, at once, with all its attempts.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidTransition`] unless it has failed, or [`Error::Conflict`] of `bucket` while another job has
    /// it.
    pub fn retry(&mut self, id: JobId) -> Result<Job> {
        let from = self.lock(id)?.status;
        if from != JobStatus::Failed {
            return Err(Error::InvalidTransition { entity: "job", from: from.label(), to: "pending" });
        }
        let now = self.0.now();
        Ok(diesel::update(jobs::table)
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(jobs::id.eq(id))
            .filter(jobs::status.eq(from))
            .set((
                jobs::status.eq(JobStatus::Pending),
                jobs::attempts.eq(0),
                jobs::progress.eq(0),
                jobs::next_attempt_at.eq(now),
                jobs::error_message.eq(None::<String>),
                jobs::updated_at.eq(now),
            ))
            .returning(Job::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Removes a job that has ended.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while it is open.
    pub fn delete(&mut self, id: JobId) -> Result<()> {
        if !self.lock(id)?.status.is_terminal() {
            return Err(Error::conflict("status", "is still open; call the job off first"));
        }
        let rows =
            diesel::delete(jobs::table).filter(jobs::tenant_id.eq(self.0.tenant)).filter(jobs::id.eq(id)).execute(self.0.conn)?;
        touched_one(rows, "job")
    }

    /// Takes out jobs that ended before an instant, `limit` at the most. Returns how many went;
    /// 0 means that there is none to take now.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn delete_ended_before(&mut self, before: impl Into<When>, limit: u16) -> Result<usize> {
        let before = before.into().seen_from(self.0.now());
        let old: Vec<JobId> = jobs::table
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(jobs::status.ne_all(OPEN))
            .filter(jobs::updated_at.lt(before))
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select(jobs::id)
            .load(self.0.conn)?;
        Ok(diesel::delete(jobs::table)
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(jobs::id.eq_any(old))
            .execute(self.0.conn)?)
    }

    fn lock(&mut self, id: JobId) -> Result<Job> {
        let row = Job::query()
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(jobs::id.eq(id))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        found(row, "job")
    }
}
