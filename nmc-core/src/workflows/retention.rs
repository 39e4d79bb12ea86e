//! What is kept for a time and then deleted, business by business, in bounded bites.

use super::roll_up::HOURS_KEPT;
use crate::queue::{after, every_tenant};
use crate::schema::tenants;
use crate::store::{Store, SystemTx, Tenant, TenantTx};
use crate::{AggregationLevel, Result, TenantId};
use chrono::TimeDelta;
use diesel::prelude::*;
use std::ops::ControlFlow;

/// How long jobs of analytics are on record after their end.
const JOBS_KEPT: TimeDelta = TimeDelta::days(90);

/// How long sessions are on record after they expired.
const SESSIONS_KEPT: TimeDelta = TimeDelta::days(30);

/// Rows of a kind that are deleted in one transaction.
const BITE: u16 = 1_000;

/// Deletes what was kept long enough: figures of hours (400 days; those of days, weeks and months stay), ended jobs (90 days), reports that
/// have expired, and sessions that did a month ago. A bite of each business's, then the next, until none is left or `at_most` rows are
/// deleted. Returns how many.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database is not to be had; the bites before are gone.
pub fn delete_old_rows(store: &Store, at_most: usize) -> Result<usize> {
    let mut deleted = 0;
    loop {
        let mut bitten = 0;
        every_tenant(
            store,
            |tx, last, limit| tx.tenants_after(last, limit),
            |tenant| {
                bitten += store.worker(tenant, bite)?;
                Ok(if deleted + bitten < at_most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            },
        )?;
        deleted += bitten;
        if bitten == 0 || deleted >= at_most {
            return Ok(deleted);
        }
    }
}

fn bite(tx: &mut TenantTx<'_>) -> Result<usize> {
    let now = tx.now();
    Ok(tx.metrics().delete_before(AggregationLevel::Hourly, now - HOURS_KEPT, BITE)?
        + tx.jobs().delete_ended_before(now - JOBS_KEPT, BITE)?
        + tx.reports().delete_expired(BITE)?
        + tx.sessions().delete_expired(now - SESSIONS_KEPT, BITE)?)
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
