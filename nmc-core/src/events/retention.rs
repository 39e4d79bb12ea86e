//! How long events are kept.

use super::StreamEvents;
use super::stream::Row;
use crate::queue::{after, every_tenant};
use crate::schema::{stream_events as events, tenant_streams as streams};
use crate::store::{Reason, Store, SystemTx, Tenant};
use crate::{Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use std::ops::ControlFlow;

/// The time for which events are kept, at least: a reader that comes back sooner misses nothing.
pub const RETENTION: TimeDelta = TimeDelta::days(7);

/// Events deleted in one transaction.
const BITE: usize = 1_000;

/// Deletes events that are older than [`RETENTION`] from the beginnings of all streams, so that what is left has no gap: a bite of
/// each business's, then the next, until none is left or `at_most` are deleted. Returns how many.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database is not to be had; the bites before are gone.
pub fn delete_old_events(store: &Store, at_most: usize) -> Result<usize> {
    let mut deleted = 0;
    loop {
        let mut is_done = true;
        let find = |tx: &mut SystemTx<'_>, last, limit| tx.tenants_with_streams(last, limit);
        every_tenant(store, find, |tenant| {
            let bite = at_most.saturating_sub(deleted).min(BITE);
            if bite == 0 {
                return Ok(ControlFlow::Break(()));
            }
            let bitten = store.system(Reason::DueWork, |tx| {
                let before = tx.now() - RETENTION;
                StreamEvents(tx.scope(tenant.id())).delete_first(before, bite)
            })?;
            deleted += bitten;
            is_done &= bitten < bite;
            Ok(ControlFlow::Continue(()))
        })?;
        if is_done || deleted >= at_most {
            return Ok(deleted);
        }
    }
}

impl SystemTx<'_> {
    fn tenants_with_streams(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let query = streams::table
            .filter(streams::tenant_id.gt(after(last)))
            .order(streams::tenant_id)
            .limit(limit.into())
            .select(streams::tenant_id);
        let ids: Vec<TenantId> = query.load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

impl StreamEvents<'_> {
    /// Deletes the events from the first one on that are older than this, up to so many.
    fn delete_first(&mut self, before: DateTime<Utc>, bite: usize) -> Result<usize> {
        let first = self.rows_after(0, i64::try_from(bite).map_err(crate::Error::internal)?)?;
        let is_old = |row: &&Row| row.created_at < before;
        let Some(last) = first.iter().take_while(is_old).last() else { return Ok(0) };
        Ok(diesel::delete(events::table)
            .filter(events::tenant_id.eq(self.0.tenant))
            .filter(events::seq.le(last.seq))
            .execute(self.0.conn)?)
    }
}
