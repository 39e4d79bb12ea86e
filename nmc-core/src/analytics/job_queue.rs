//! Jobs as a queue, claimed in two steps like the outbox: which tenants have jobs due, then a tenant's jobs.

use super::job::{Job, Jobs};
use crate::queue::{Lease, NOT_HELD, after};
use crate::schema::{analytics_processing_jobs as jobs, tenants};
use crate::store::{Prepared, SystemTx, Tenant};
use crate::types::{bounds, clip, json};
use crate::{JobId, JobStatus, LeaseId, Result, TenantId, When};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::Value;

/// The predicate of `analytics_processing_jobs_due_next_attempt_at_idx`, to the letter.
const OPEN_SQL: &str = "analytics_processing_jobs.status IN ('pending', 'processing')";

/// What a job whose workers died with it is told to have failed of.
const DIED: &str = "its worker did not come back, the last time it was allowed to be tried";

/// A job that a worker holds under a lease.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct ClaimedJob {
    /// The job, as it is while it is worked on.
    pub job: Job,
    /// The id of this claim; a later one of the same job has another.
    pub lease: LeaseId,
}

impl SystemTx<'_> {
    /// The tenants with jobs due, the longest waiting first; `limit` at the most. A suspended one's jobs wait.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn tenants_with_due_jobs(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let waiting = jobs::table
            .inner_join(tenants::table)
            .filter(tenants::is_active)
            .filter(sql::<Bool>(OPEN_SQL))
            .filter(jobs::next_attempt_at.le(self.now()))
            .filter(jobs::tenant_id.gt(after(last)))
            .group_by(jobs::tenant_id)
            .order(jobs::tenant_id)
            .limit(limit.into())
            .select(jobs::tenant_id);
        let ids: Vec<TenantId> = Prepared(waiting).load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

impl Jobs<'_> {
    /// Claims up to `limit` due jobs for `lease_for`. Until then no other worker sees them; afterwards they are due again. A
    /// job whose last allowed attempt ended that way has failed, and is not among them.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when `lease_for` is not a time to come.
    pub fn claim(&mut self, limit: u16, lease_for: TimeDelta) -> Result<Vec<ClaimedJob>> {
        let now = self.0.now();
        let lease = Lease::begin(&mut self.0, lease_for)?;
        let due = jobs::table
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(OPEN_SQL))
            .filter(jobs::next_attempt_at.le(now))
            .order(jobs::next_attempt_at)
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select((jobs::id, jobs::attempts.lt(jobs::max_attempts)));
        let due: Vec<(JobId, bool)> = Prepared(due).load(self.0.conn)?;
        let ids_of = |may_run: bool| -> Vec<JobId> { due.iter().filter(|(_, may)| *may == may_run).map(|(id, _)| *id).collect() };
        let (to_run, spent) = (ids_of(true), ids_of(false));
        if !spent.is_empty() {
            diesel::update(jobs::table)
                .filter(jobs::tenant_id.eq(self.0.tenant))
                .filter(jobs::id.eq_any(spent))
                .set((
                    jobs::status.eq(JobStatus::Failed),
                    jobs::error_message.eq(DIED),
                    jobs::lease_owner.eq(None::<LeaseId>),
                    jobs::lease_expires_at.eq(None::<DateTime<Utc>>),
                    jobs::updated_at.eq(now),
                ))
                .execute(self.0.conn)?;
        }
        if to_run.is_empty() {
            return Ok(Vec::new());
        }
        let mut claimed: Vec<Job> = diesel::update(jobs::table)
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(jobs::id.eq_any(&to_run))
            .set((
                jobs::status.eq(JobStatus::Processing),
                jobs::lease_owner.eq(lease.id),
                jobs::lease_expires_at.eq(lease.until),
                // Not due again before the lease ends: one comparison finds what is due.
                jobs::next_attempt_at.eq(lease.until),
                jobs::attempts.eq(jobs::attempts + 1),
                jobs::updated_at.eq(now),
            ))
            .returning(Job::as_returning())
            .get_results(self.0.conn)?;
        // UPDATE returns its rows in any order.
        claimed.sort_by_key(|job| to_run.iter().position(|id| *id == job.id));
        Ok(claimed.into_iter().map(|job| ClaimedJob { job, lease: lease.id }).collect())
    }

    /// Holds a claim for longer: until `lease_for` from now.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when the claim no longer holds: another worker has the job, or it has ended.
    pub fn extend(&mut self, claimed: &ClaimedJob, lease_for: TimeDelta) -> Result<Job> {
        let until = bounds::lease_end(self.0.now(), lease_for)?;
        let row = diesel::update(jobs::table)
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(jobs::id.eq(claimed.job.id))
            .filter(jobs::lease_owner.eq(claimed.lease))
            .filter(jobs::status.eq(JobStatus::Processing))
            .set((jobs::lease_expires_at.eq(until), jobs::next_attempt_at.eq(until), jobs::updated_at.eq(self.0.now())))
            .returning(Job::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        row.ok_or(NOT_HELD)
    }

    /// The job is done; `result` is up to 64 KiB of JSON.
    ///
    /// # Errors
    /// As [`Self::extend`]; [`crate::Error::Invalid`] on a result that is too long.
    pub fn complete(&mut self, claimed: &ClaimedJob, result: Option<&Value>) -> Result<Job> {
        if let Some(result) = result {
            json::document("result", result, json::DOCUMENT)?;
        }
        self.end_claim(claimed, JobStatus::Completed, result, None, None)
    }

    /// A part of the job is done, in all so many percent: the next part is due at `next_at`, and any worker's. Parts cost no attempts.
    ///
    /// # Errors
    /// As [`Self::extend`]; [`crate::Error::Invalid`] on an instant that is none of ours.
    pub fn go_on(&mut self, claimed: &ClaimedJob, progress: i16, next_at: impl Into<When>) -> Result<Job> {
        let now = self.0.now();
        let next_at = bounds::instant("next_at", next_at.into().seen_from(now))?;
        let row = diesel::update(jobs::table)
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(jobs::id.eq(claimed.job.id))
            .filter(jobs::lease_owner.eq(claimed.lease))
            .filter(jobs::status.eq(JobStatus::Processing))
            .set((
                jobs::status.eq(JobStatus::Pending),
                jobs::progress.eq(progress.clamp(0, 100)),
                jobs::attempts.eq(claimed.job.attempts.saturating_sub(1)),
                jobs::next_attempt_at.eq(next_at),
                jobs::error_message.eq(None::<String>),
                jobs::lease_owner.eq(None::<LeaseId>),
                jobs::lease_expires_at.eq(None::<DateTime<Utc>>),
                jobs::updated_at.eq(now),
            ))
            .returning(Job::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        row.ok_or(NOT_HELD)
    }

    /// The job has failed of `error` (cut at 1,000 characters), and trying again would not help.
    ///
    /// # Errors
    /// As [`Self::extend`].
    pub fn give_up(&mut self, claimed: &ClaimedJob, error: &str) -> Result<Job> {
        self.end_claim(claimed, JobStatus::Failed, None, clip(Some(&error.replace('\0', "")), 1_000), None)
    }

    /// The attempt failed of `error` (cut at 1,000 characters). The job is tried again at `retry_at`, unless that was its last
    /// attempt: then it has failed.
    ///
    /// # Errors
    /// As [`Self::extend`]; [`crate::Error::Invalid`] on an instant that is none of ours.
    pub fn fail(&mut self, claimed: &ClaimedJob, error: &str, retry_at: impl Into<When>) -> Result<Job> {
        let retry_at = bounds::instant("retry_at", retry_at.into().seen_from(self.0.now()))?;
        let is_last = claimed.job.attempts >= claimed.job.max_attempts;
        let (to, retry_at) = if is_last { (JobStatus::Failed, None) } else { (JobStatus::Pending, Some(retry_at)) };
        self.end_claim(claimed, to, None, clip(Some(&error.replace('\0', "")), 1_000), retry_at)
    }

    fn end_claim(
        &mut self,
        claimed: &ClaimedJob,
        to: JobStatus,
        result: Option<&Value>,
        error: Option<String>,
        due: Option<DateTime<Utc>>,
    ) -> Result<Job> {
        claimed.job.status.must_become(to)?;
        let now = self.0.now();
        let row = diesel::update(jobs::table)
            .filter(jobs::tenant_id.eq(self.0.tenant))
            .filter(jobs::id.eq(claimed.job.id))
            .filter(jobs::lease_owner.eq(claimed.lease))
            .filter(jobs::status.eq(JobStatus::Processing))
            .set((
                jobs::status.eq(to),
                jobs::result.eq(result),
                jobs::error_message.eq(error),
                due.map(|at| jobs::next_attempt_at.eq(at)),
                jobs::lease_owner.eq(None::<LeaseId>),
                jobs::lease_expires_at.eq(None::<DateTime<Utc>>),
                jobs::completed_at.eq((to == JobStatus::Completed).then_some(now)),
                (to == JobStatus::Completed).then_some(jobs::progress.eq(100)),
                jobs::updated_at.eq(now),
            ))
            .returning(Job::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        row.ok_or(NOT_HELD)
    }
}
