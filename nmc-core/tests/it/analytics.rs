//! Figures, jobs and reports against a real database.

mod figures;
mod jobs;
mod metrics;
mod reports;

use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::testing::{Business, ManualClock, TestDb, noon};
use nmc_core::{Clock as _, Result, TenantTx};
use std::sync::Arc;

/// A business, and a clock that stands at noon.
struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    business: Business,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let db = TestDb::with_clock(Arc::clone(&clock) as _);
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        Self { db, clock, business }
    }

    /// A second passes. Without that, a change of a row written in the same instant shows the trigger's time.
    fn tick(&self) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::seconds(1));
        self.clock.now()
    }

    fn tx<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.tenant(&self.business.tenant, work)
    }
}
