//! What is kept for a time and then deleted, business by business, in bounded bites.

use super::roll_up::HOURS_KEPT;
use crate::queue::{after, every_tenant};
use crate::schema::tenants;
use crate::store::{Store, SystemTx, Tenant, TenantTx};
use crate::{AggregationLevel, Result, TenantId};
use chrono::TimeDelta;
use diesel::prelude::*;
use std::ops::ControlFlow;

/// How long rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The time that figures of hours are kept; less than 400 days counts as 400, as reports are made of so many. Those of days, weeks and
    /// months stay.
    pub hourly_figures: TimeDelta,
    /// The time that jobs of analytics are on record after their end.
    pub jobs: TimeDelta,
    /// The time that sessions are on record after they expired.
    pub sessions: TimeDelta,
}

impl Default for Retention {
    fn default() -> Self {
        Self { hourly_figures: HOURS_KEPT, jobs: TimeDelta::days(90), sessions: TimeDelta::days(30) }
    }
}

/// What was deleted for good is remembered for as long as the provider's lists are read back, and a day.
const ERASED_KEPT: TimeDelta = TimeDelta::days(8);

/// Rows of a kind that are deleted in one transaction.
const BITE: u16 = 1_000;

/// Deletes what was kept long enough: figures of hours, ended jobs, sessions that expired, and reports, which say when they do. A bite of each business's, then the next, until none is left or `at_most` rows are
/// deleted. Returns how many.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database is not to be had; the bites before are gone.
pub fn delete_old_rows(store: &Store, keep: Retention, at_most: usize) -> Result<usize> {
    let mut deleted = 0;
    loop {
        let mut bitten = 0;
        every_tenant(
            store,
            |tx, last, limit| tx.tenants_after(last, limit),
            |tenant| {
                bitten += store.worker(tenant, |tx| bite(tx, keep))?;
                Ok(if deleted + bitten < at_most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            },
        )?;
        deleted += bitten;
        if bitten == 0 || deleted >= at_most {
            return Ok(deleted);
        }
    }
}

fn bite(tx: &mut TenantTx<'_>, keep: Retention) -> Result<usize> {
    let now = tx.now();
    Ok(tx.metrics().delete_before(AggregationLevel::Hourly, now - keep.hourly_figures.max(HOURS_KEPT), BITE)?
        + tx.jobs().delete_ended_before(now - keep.jobs, BITE)?
        + tx.reports().delete_expired(BITE)?
        + tx.erased_sids().delete_before(now - ERASED_KEPT, BITE)?
        + tx.sessions().delete_expired(now - keep.sessions, BITE)?)
}

impl SystemTx<'_> {
    fn tenants_after(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let ids: Vec<TenantId> = tenants::table
            .filter(tenants::id.gt(after(last)))
            .order(tenants::id)
            .limit(limit.into())
            .select(tenants::id)
            .load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}
