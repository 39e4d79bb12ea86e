//! Rounds of every business: by a worker, or until nothing is left.

use super::{SIZES, round, size_after};
use crate::queue::{Stop, every_tenant, work_until_stopped};
use crate::store::{Store, Tenant};
use crate::{Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What roll-ups came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct RolledUp {
    /// The rounds that were made, each of one business.
    pub rounds: usize,
    /// The hours that were computed.
    pub hours: usize,
    /// The businesses whose round failed: it is tried again.
    pub failed: usize,
}

/// Computes all that is marked of every business, one after another, until nothing is left but of those whose rounds fail. Several processes may
/// do this at once: what one has in hand is left to it.
///
/// # Errors
/// [`crate::Error::Unavailable`] or [`crate::Error::Internal`]; what was done before stays.
pub fn roll_up_all(store: &Store) -> Result<RolledUp> {
    let mut all = RolledUp::default();
    let mut slow = Slow::default();
    loop {
        let pass = slow.pass(store, TimeDelta::zero(), &Stop::default())?;
        all.rounds += pass.rounds;
        all.hours += pass.hours;
        if !pass.goes_on {
            all.failed = slow.failing();
            return Ok(all);
        }
    }
}

/// What a pass came to.
#[derive(Default)]
struct Pass {
    rounds: usize,
    hours: usize,
    /// Whether the next one may come to more at once.
    goes_on: bool,
}

/// The businesses whose last round did not end well, as one process remembers them: until a round has left nothing to do.
#[derive(Default)]
struct Slow(HashMap<TenantId, Trouble>);

/// How a business is gone on with.
#[derive(Default)]
struct Trouble {
    /// The rounds that took too long; there is a smaller size for the next.
    too_long: usize,
    /// The end of the pause after a round that failed.
    waits_until: Option<Instant>,
}

/// The pause of a business whose round failed: it fails again in all likelihood, and the others have their turn meanwhile.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

impl Slow {
    /// The businesses whose last round failed.
    fn failing(&self) -> usize {
        self.0.values().filter(|trouble| trouble.waits_until.is_some()).count()
    }

    /// A round of every business of which something is marked and which was not computed within `pause`.
    fn pass(&mut self, store: &Store, pause: TimeDelta, stop: &Stop) -> Result<Pass> {
        let mut pass = Pass::default();
        every_tenant(
            store,
            |tx, last, limit| {
                let since = if pause.is_zero() { DateTime::<Utc>::MAX_UTC } else { tx.now() - pause };
                tx.tenants_to_roll_up(last, limit, since)
            },
            |tenant| {
                if stop.is_asked() {
                    return Ok(ControlFlow::Break(()));
                }
                self.visit(store, tenant, &mut pass)?;
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(pass)
    }

    /// A round of a business, of the size that it had time for.
    fn visit(&mut self, store: &Store, tenant: &Tenant, pass: &mut Pass) -> Result<()> {
        let known = self.0.get(&tenant.id());
        if known.and_then(|known| known.waits_until).is_some_and(|until| Instant::now() < until) {
            return Ok(());
        }
        let too_long = known.map_or(0, |known| known.too_long);
        let rows = size_after(too_long);
        match store.worker(tenant, |tx| round(tx, rows)) {
            Ok(Some(round)) => {
                pass.rounds += 1;
                pass.hours += round.hours;
                pass.goes_on = true;
                if round.is_all {
                    self.0.remove(&tenant.id());
                } else if let Some(known) = self.0.get_mut(&tenant.id()) {
                    known.waits_until = None;
                }
            }
            Ok(None) => {}
            Err(error) if error.is_timeout() && too_long + 1 < SIZES.len() => {
                tracing::info!(tenant = %tenant.id(), rows, error = error.causes(), "a round of figures took too long; the next is smaller");
                self.0.insert(tenant.id(), Trouble { too_long: too_long + 1, waits_until: None });
                pass.goes_on = true;
            }
            Err(error) if error.is_retryable() && !error.is_timeout() => return Err(error),
            Err(error) => {
                tracing::warn!(tenant = %tenant.id(), error = error.causes(), "a business's figures could not be computed");
                let waits_until = Instant::now().checked_add(AFTER_FAILURE);
                self.0.insert(tenant.id(), Trouble { too_long, waits_until });
            }
        }
        Ok(())
    }
}

/// The worker of analytics: it rolls up what is marked until it is told to stop.
#[derive(Clone)]
pub struct AnalyticsWorker {
    store: Store,
    stop: Arc<Stop>,
}

/// The least time between two computations of a business's figures: they are no older than that, and a while.
pub(super) const PAUSE: TimeDelta = TimeDelta::seconds(30);

impl AnalyticsWorker {
    /// A worker over this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, stop: Arc::default() }
    }

    /// Asks every clone to stop.
    pub fn stop(&self) {
        self.stop.ask();
    }

    /// Works until [`Self::stop`]; failures are logged, and tried again. A round is whole or not at all, so that a worker may die at any
    /// time.
    pub fn run(&self) {
        let mut slow = Slow::default();
        work_until_stopped(&self.stop, Duration::from_secs(2), "figures can't be computed now", || {
            Ok(slow.pass(&self.store, PAUSE, &self.stop)?.goes_on)
        });
    }
}
