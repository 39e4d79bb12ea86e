//! All figures of a business computed anew, by a job or at once.

use super::{AHEAD, PAUSE, round, size_after};
use crate::analytics::{ClaimedJob, Job, NewJob};
use crate::store::TenantTx;
use crate::{JobType, Result};
use chrono::TimeDelta;
use serde_json::json;

impl TenantTx<'_> {
    /// Has all figures of the business computed anew by a job, month by month, the latest first. They stay as they are until then; the job
    /// tells how far that is, and can be canceled until it has begun. One that has begun already begins again from the start. Nothing is
    /// computed unless a [`crate::workflows::JobWorker`] runs, or another worker of jobs.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn rebuild_figures(&mut self) -> Result<()> {
        let bucket = Some(ALL_FIGURES.to_owned());
        let made = self.jobs().insert_if_missing(&NewJob { bucket, ..NewJob::now(JobType::Aggregation, json!({})) })?;
        // One that waits still computes all of it; what another has computed may have been read before what this transaction has changed.
        if made.is_none() && !self.jobs().hold_waiting(JobType::Aggregation, ALL_FIGURES)? {
            self.begin_rebuild()?;
        }
        Ok(())
    }

    /// Has all figures of the business computed anew by the next roll-ups, as [`Self::rebuild_figures`] has it done by a job.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn begin_rebuild(&mut self) -> Result<()> {
        let before = self.now() + AHEAD;
        self.analytics_roll_ups().rebuild_before(before)
    }

    /// Computes a part of what is to be computed anew, a smaller one at each attempt, and notes how far the job is that it is part of.
    pub(in crate::workflows) fn rebuild_by_job(&mut self, claimed: &ClaimedJob) -> Result<()> {
        let job = &claimed.job;
        if job.progress == 0 {
            self.begin_rebuild()?;
        }
        if let Some(state) = self.analytics_roll_ups().find()?.filter(|state| !state.is_rebuilding()) {
            self.jobs().complete(claimed, Some(&json!({"formula": state.formula})))?;
            return Ok(());
        }
        // A part that is done gives its attempt back, so that the next has the size of this one.
        let rows = size_after(usize::try_from(job.attempts).unwrap_or(0).saturating_sub(1));
        // What another process has in hand it computes.
        let wait = if round(self, rows)?.is_some() { TimeDelta::zero() } else { PAUSE / 10 };
        let progress = self.rebuilt(job)?;
        let at = self.now() + wait;
        self.jobs().go_on(claimed, progress, at).map(drop)
    }

    /// How far the figures are computed anew, in percent of the time that there are figures of: 1 to 99.
    fn rebuilt(&mut self, job: &Job) -> Result<i16> {
        let left = self.analytics_roll_ups().find()?.and_then(|state| state.rebuild_before);
        let first = self.metrics().first_month()?;
        let percent = left.zip(first).map_or(99, |(left, first)| {
            let (done, all) = ((job.created_at - left).num_hours(), (job.created_at - first).num_hours());
            done.saturating_mul(100).checked_div(all).unwrap_or(99)
        });
        Ok(i16::try_from(percent.clamp(1, 99)).unwrap_or(99))
    }
}

/// What a job computes that computes all figures anew.
const ALL_FIGURES: &str = "all figures";
