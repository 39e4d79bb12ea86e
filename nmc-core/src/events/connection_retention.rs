//! How long the log and the figures of streams are kept.

use super::{ConnectionMetrics, WebsocketEvents};
use crate::queue::every_tenant;
use crate::store::{Reason, Store, SystemTx, Tenant};
use crate::{Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use std::ops::ControlFlow;

/// For how long the log and the figures of streams are kept.
pub const CONNECTIONS_KEPT: TimeDelta = TimeDelta::days(30);

/// Rows deleted in one transaction.
const BITE: usize = 1_000;

/// Deletes from the log and the figures of streams what is older than [`CONNECTIONS_KEPT`], business by business, until nothing is left
/// or `at_most` rows are deleted. Returns how many.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database is not to be had; the bites before are gone.
pub fn delete_old_connections(store: &Store, at_most: usize) -> Result<usize> {
    let entries = delete_old(
        store,
        at_most,
        |tx, last, limit| tx.tenants_with_websocket_events(last, limit),
        |tx, tenant, before, bite| WebsocketEvents(tx.scope(tenant)).delete_before(before, bite),
    )?;
    let figures = delete_old(
        store,
        at_most.saturating_sub(entries),
        |tx, last, limit| tx.tenants_with_connection_metrics(last, limit),
        |tx, tenant, before, bite| ConnectionMetrics(tx.scope(tenant)).delete_before(before, bite),
    )?;
    Ok(entries.saturating_add(figures))
}

fn delete_old(
    store: &Store,
    at_most: usize,
    find: impl Fn(&mut SystemTx<'_>, Option<TenantId>, u16) -> Result<Vec<Tenant>>,
    delete: impl Fn(&mut SystemTx<'_>, TenantId, DateTime<Utc>, usize) -> Result<usize>,
) -> Result<usize> {
    let mut deleted = 0_usize;
    every_tenant(store, find, |tenant| {
        loop {
            let bite = at_most.saturating_sub(deleted).min(BITE);
            if bite == 0 {
                return Ok(ControlFlow::Break(()));
            }
            let bitten = store.system(Reason::DueWork, |tx| delete(tx, tenant.id(), tx.now() - CONNECTIONS_KEPT, bite))?;
            deleted = deleted.saturating_add(bitten);
            if bitten < bite {
                return Ok(ControlFlow::Continue(()));
            }
        }
    })?;
    Ok(deleted)
}
