//! Users are online while they have streams.

use super::Streams;
use crate::blocking::BlockingPool;
use chrono::TimeDelta;
use nmc_core::people::{PresenceLease, PresenceLeases};
use nmc_core::{Tenant, UserId};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// The users of this server's streams.
pub(super) struct Presence {
    leases: Arc<PresenceLeases>,
    looked_every: Duration,
    somebody_came: Notify,
}

impl Presence {
    pub(super) fn new(renewed_every: Duration) -> Self {
        let leases = PresenceLeases::new(TimeDelta::from_std(renewed_every).unwrap_or(TimeDelta::MAX));
        Self { leases: Arc::new(leases), looked_every: renewed_every.div_f32(6.0), somebody_came: Notify::new() }
    }

    /// Keeps a user online as long as a stream has this.
    pub(super) fn hold(&self, tenant: &Tenant, user: UserId) -> PresenceLease {
        let lease = self.leases.hold(tenant, user);
        self.somebody_came.notify_one();
        lease
    }
}

impl Streams {
    /// Writes from time to time who is online, for all streams of the server, and at once when somebody comes.
    pub(crate) async fn keep_presence(&self, pool: &BlockingPool) {
        let Some(presence) = &self.presence else { return };
        loop {
            // Whether somebody came or it is time: what is due is written.
            drop(timeout(presence.looked_every, presence.somebody_came.notified()).await);
            let leases = Arc::clone(&presence.leases);
            if let Err(error) = pool.blocking(move |store| leases.renew(store)).await {
                tracing::warn!(%error, "it can't be written now who is online");
                tokio::time::sleep(presence.looked_every).await;
            }
        }
    }
}
