//! The worker's way past all tenants, each in its turn.

use crate::TenantId;
use crate::store::Tenant;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::time::Duration;

/// The place of the claiming in its way past all tenants.
#[derive(Default)]
pub(super) struct Round {
    /// The tenants of the page that are still to come, the next one last.
    pub(super) tenants: Vec<Tenant>,
    /// The last of the page, if another page follows.
    pub(super) last: Option<TenantId>,
    /// Whether anything was found in this round.
    pub(super) has_claimed: bool,
    /// Tenants whose numbers may not send before these times.
    pub(super) rests: HashMap<TenantId, DateTime<Utc>>,
}

/// Tenants that are remembered as resting; more are simply looked at again.
const MOST_RESTING: usize = 10_000;

impl Round {
    /// How long a tenant whose numbers may not send is left alone before it is looked at again.
    pub(super) const LONGEST_REST: TimeDelta = TimeDelta::seconds(1);

    /// How long there is nothing to look at: until the first tenant has rested, or as long as the outbox may stay unlooked at.
    pub(super) fn pause(&self, now: DateTime<Utc>, idle: Duration) -> Duration {
        let rested = self.rests.values().min().map(|until| (*until - now).to_std().unwrap_or_default());
        rested.map_or(idle, |rested| rested.min(idle))
    }

    pub(super) fn rest(&mut self, tenant: TenantId, until: DateTime<Utc>) {
        if self.rests.len() < MOST_RESTING {
            self.rests.insert(tenant, until);
        }
    }
}
