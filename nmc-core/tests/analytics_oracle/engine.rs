//! The library's roll-up, as these tests call it.

use nmc_core::testing::{Business, TestDb};
use nmc_core::workflows::roll_up_all;
use nmc_core::{Result, Store};

/// Computes all that is marked, of every business.
pub(crate) fn roll_up(store: &Store) -> Result<()> {
    roll_up_all(store).map(drop)
}

/// Marks all figures of the business to be computed again.
pub(crate) fn mark_all(db: &TestDb, business: &Business) -> Result<()> {
    db.store.tenant(&business.tenant, |tx| tx.begin_rebuild())
}
