//! The worker of analytics jobs: reports, and figures that are computed anew. Reports that are due by their schedules become jobs first.
//!
//! A report is kept, its mails are queued and its job is ended in one transaction: whoever dies in between leaves all of it or nothing.
//! Figures are computed month by month, each in a transaction of its own, and every business has its turn between two of them.

use super::report::{Maker, WantedReport, keep, made};
use crate::analytics::{ClaimedJob, NewJob};
use crate::queue::{self, Backoff, Queue, Stop, every_tenant, work_until_stopped};
use crate::reports::{ReportContent, ReportKind};
use crate::store::{Store, SystemTx, Tenant, TenantTx};
use crate::{Error, JobType, ReportInterval, Result, TenantId};
use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// Attempts at a scheduled report: while figures are computed anew there is none, and that may take hours.
const ATTEMPTS: i32 = 30;

/// The configuration of the worker of analytics jobs.
#[derive(Debug, Clone, Copy)]
pub struct JobWorkerConfig {
    /// How long a claim holds, and what a worker had that was killed waits. Longer than a report or a month of figures takes.
    pub lease: TimeDelta,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// The pause between two looks for work.
    pub idle: Duration,
}

impl Default for JobWorkerConfig {
    fn default() -> Self {
        Self {
            lease: TimeDelta::minutes(3),
            backoff: Backoff { first: TimeDelta::seconds(10), longest: TimeDelta::minutes(30) },
            idle: Duration::from_secs(2),
        }
    }
}

/// The result of one look for jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct JobPass {
    /// Reports that became jobs, as their time had come.
    pub scheduled: usize,
    /// Jobs that are done, or of which a part is.
    pub worked: usize,
    /// Jobs that will be tried again.
    pub put_back: usize,
    /// Jobs that have failed.
    pub failed: usize,
}

/// The worker of analytics jobs, until it is told to stop. Clones share all of it.
#[derive(Clone)]
pub struct JobWorker {
    store: Store,
    config: JobWorkerConfig,
    stop: Arc<Stop>,
}

/// The result of one attempt at a job.
pub(crate) enum Fate {
    /// The job, or a part of it, was done, and that is written down.
    Worked,
    PutBack(TimeDelta, String),
    Failed(String),
}

impl JobWorker {
    /// A worker over this store.
    #[must_use]
    pub fn new(store: Store, config: JobWorkerConfig) -> Self {
        Self { store, config, stop: Arc::default() }
    }

    /// Asks every clone to stop after the job it is at.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Works until [`Self::stop`], on two threads, so that a long job holds nobody up; failures are logged and waited out.
    pub fn run(&self) {
        std::thread::scope(|threads| {
            threads.spawn(|| self.work());
            self.work();
        });
    }

    fn work(&self) {
        work_until_stopped(&self.stop, self.config.idle, "jobs of analytics can't be worked on now", || {
            Ok(self.pass()?.worked > 0)
        });
    }

    /// Looks for work once: reports that are due become jobs, and a due job of every tenant is worked on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is not to be had; what was claimed comes back when its lease ends.
    pub fn pass(&self) -> Result<JobPass> {
        let mut pass = JobPass { scheduled: self.schedule()?, ..JobPass::default() };
        queue::pass(&self.store, self, &self.stop, |claimed, fate| {
            let (tenant, job, kind) = (claimed.job.tenant_id, claimed.job.id, claimed.job.job_type);
            match fate {
                Fate::Worked => {
                    tracing::debug!(%tenant, %job, %kind, "job of analytics worked on");
                    pass.worked += 1;
                }
                Fate::PutBack(_, why) => {
                    tracing::info!(%tenant, %job, %kind, why, "job of analytics not done yet");
                    pass.put_back += 1;
                }
                Fate::Failed(why) => {
                    tracing::error!(%tenant, %job, %kind, why, "job of analytics failed");
                    pass.failed += 1;
                }
            }
        })?;
        Ok(pass)
    }

    /// Makes jobs of the reports that are due.
    fn schedule(&self) -> Result<usize> {
        let mut scheduled = 0;
        every_tenant(
            &self.store,
            |tx, last, limit| tx.tenants_with_due_reports(last, limit),
            |tenant| {
                if self.stop.is_asked() {
                    return Ok(ControlFlow::Break(()));
                }
                match self.store.worker(tenant, schedule_due) {
                    Ok(some) => scheduled += some,
                    Err(error) if error.is_retryable() => return Err(error),
                    Err(error) => {
                        tracing::warn!(tenant = %tenant.id(), error = error.causes(), "a business's reports can't be scheduled");
                    }
                }
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(scheduled)
    }
}

/// Makes jobs of what is due by the tenant's schedules; how many.
fn schedule_due(tx: &mut TenantTx<'_>) -> Result<usize> {
    let zone = tx.tenants().get()?.timezone;
    let mut scheduled = 0;
    for due in tx.report_schedules().take_due(zone)? {
        let kind = kind_of(due.schedule.kind);
        let wanted = WantedReport::last(kind, due.day);
        let Some((first_day, _)) = wanted.days() else { continue };
        if !tx.report_schedules().note_period(due.schedule.id, first_day)? {
            continue;
        }
        let parameters = json!({"type": kind.label(), "first_day": first_day, "mail": true});
        let bucket = Some(format!("{kind} {first_day}, mailed"));
        let new = NewJob { bucket, max_attempts: Some(ATTEMPTS), ..NewJob::now(JobType::ReportGeneration, parameters) };
        scheduled += usize::from(tx.jobs().insert_if_missing(&new)?.is_some());
    }
    Ok(scheduled)
}

const fn kind_of(interval: ReportInterval) -> ReportKind {
    match interval {
        ReportInterval::Daily => ReportKind::Daily,
        ReportInterval::Weekly => ReportKind::Weekly,
        ReportInterval::Monthly => ReportKind::Monthly,
    }
}

/// How often a kind of report is made by itself, if it is.
pub(super) const fn interval_of(kind: ReportKind) -> Option<ReportInterval> {
    match kind {
        ReportKind::Daily => Some(ReportInterval::Daily),
        ReportKind::Weekly => Some(ReportInterval::Weekly),
        ReportKind::Monthly => Some(ReportInterval::Monthly),
        ReportKind::Custom => None,
    }
}

/// The report that a job is to make: `type`, `first_day` and, of a custom one, `last_day`.
fn wanted(parameters: &Value) -> Result<WantedReport> {
    let text = |field: &str| parameters.get(field).and_then(Value::as_str);
    let day = |field: &'static str| {
        let day = text(field).and_then(|text| text.parse::<NaiveDate>().ok());
        day.ok_or_else(|| Error::invalid(field, "must be a day like 2026-11-29"))
    };
    let kind = text("type").and_then(|text| text.parse::<ReportKind>().ok());
    Ok(match kind.ok_or_else(|| Error::invalid("type", "must be daily, weekly, monthly or custom"))? {
        ReportKind::Daily => WantedReport::Daily(day("first_day")?),
        ReportKind::Weekly => WantedReport::Weekly(day("first_day")?),
        ReportKind::Monthly => WantedReport::Monthly(day("first_day")?),
        ReportKind::Custom => WantedReport::Custom(day("first_day")?, day("last_day")?),
    })
}

/// Makes the report of a job.
fn report(store: &Store, tenant: &Tenant, claimed: &ClaimedJob) -> Result<()> {
    let wanted = wanted(&claimed.job.parameters)?;
    made(store, Maker::Worker(tenant), wanted, |tx, content| keep_and_queue(tx, claimed, wanted.kind(), content))
}

/// Keeps the report of a job, queues it for its readers where it is to be mailed, and ends the job.
fn keep_and_queue(tx: &mut TenantTx<'_>, claimed: &ClaimedJob, kind: ReportKind, content: &ReportContent) -> Result<()> {
    let parameters = &claimed.job.parameters;
    let report = keep(tx, content)?;
    let mut result = json!({"report": report.id});
    if parameters.get("mail").and_then(Value::as_bool) == Some(true) {
        let schedule = match interval_of(kind) {
            Some(kind) => tx.report_schedules().find_by_kind(kind)?,
            None => None,
        };
        // Whoever has switched the schedule off meanwhile wants no mails.
        let mails = match schedule.filter(|schedule| schedule.is_active) {
            Some(schedule) => tx.report_mails().queue(report.id, &schedule)?,
            None => 0,
        };
        if let Some(object) = result.as_object_mut() {
            object.insert("mails".to_owned(), json!(mails));
        }
    }
    tx.jobs().complete(claimed, Some(&result)).map(drop)
}

impl Queue for JobWorker {
    type Claim = ClaimedJob;
    type Outcome = Fate;

    fn tenants_with_due(&self, tx: &mut SystemTx<'_>, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        tx.tenants_with_due_jobs(last, limit)
    }

    fn claim(&self, tx: &mut TenantTx<'_>) -> Result<Vec<ClaimedJob>> {
        tx.jobs().claim(1, self.config.lease)
    }

    fn attempt(&self, tenant: &Tenant, claimed: &ClaimedJob) -> Fate {
        let done = match claimed.job.job_type {
            JobType::ReportGeneration => report(&self.store, tenant, claimed),
            // Key figures and their trends are computed with the figures.
            JobType::Aggregation | JobType::KpiCalculation | JobType::TrendAnalysis => {
                self.store.worker(tenant, |tx| tx.rebuild_by_job(claimed))
            }
        };
        let Err(error) = done else { return Fate::Worked };
        let job = &claimed.job;
        let may_help = error.is_retryable() || matches!(error, Error::Internal(_));
        if matches!(error, Error::Internal(_)) {
            tracing::error!(tenant = %tenant.id(), job = %job.id, error = error.causes(), "a job of analytics met a defect");
        }
        if may_help && job.attempts < job.max_attempts {
            Fate::PutBack(self.config.backoff.wait(job.attempts, None, job.id.uuid()), error.to_string())
        } else {
            Fate::Failed(error.to_string())
        }
    }

    fn note(&self, tx: &mut TenantTx<'_>, claimed: &ClaimedJob, fate: &Fate) -> Result<bool> {
        let noted = match fate {
            Fate::Worked => return Ok(true),
            Fate::PutBack(wait, why) => {
                let at = tx.now() + *wait;
                tx.jobs().fail(claimed, why, at)
            }
            Fate::Failed(why) => tx.jobs().give_up(claimed, why),
        };
        match noted {
            Ok(_) => Ok(true),
            // Another worker has it by now.
            Err(Error::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn give_back(&self, tx: &mut TenantTx<'_>, claims: &[ClaimedJob]) -> Result<()> {
        for claimed in claims {
            let now = tx.now();
            match tx.jobs().go_on(claimed, claimed.job.progress, now) {
                Ok(_) | Err(Error::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
