//! The loop of a worker.

use super::{Stop, every_tenant};
use crate::store::{Store, SystemTx, Tenant, TenantTx};
use crate::{Result, TenantId};
use std::ops::ControlFlow;
use std::time::Duration;

/// The least pause after a failure, so that a database that is away is not asked without end.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Does `pass` again and again until `stop` is asked for: at once while it says that it found work, after a pause of `idle` when it
/// found none, and after a longer one when it failed, which is logged as `trouble`.
pub(crate) fn work_until_stopped(stop: &Stop, idle: Duration, trouble: &str, mut pass: impl FnMut() -> Result<bool>) {
    while !stop.is_asked() {
        match pass() {
            Ok(true) => {}
            Ok(false) => stop.wait(idle),
            Err(error) => {
                tracing::warn!(error = error.causes(), "{trouble}");
                stop.wait(idle.max(AFTER_FAILURE));
            }
        }
    }
}

/// A queue whose rows are worked on one after another.
pub(crate) trait Queue {
    /// A row under a lease.
    type Claim;
    /// The outcome of an attempt at a row.
    type Outcome;

    /// The tenants with rows due whose ids come after `last`, in the order of their ids.
    fn tenants_with_due(&self, tx: &mut SystemTx<'_>, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>>;

    /// Claims a batch of the tenant's due rows.
    fn claim(&self, tx: &mut TenantTx<'_>) -> Result<Vec<Self::Claim>>;

    /// Does what the row is there for, with no transaction open.
    fn attempt(&self, tenant: &Tenant, claim: &Self::Claim) -> Self::Outcome;

    /// Writes down what came of it, and whether the claim still held: if not, another worker says what becomes of the row.
    fn note(&self, tx: &mut TenantTx<'_>, claim: &Self::Claim, outcome: &Self::Outcome) -> Result<bool>;

    /// Gives back claims that were not begun.
    fn give_back(&self, tx: &mut TenantTx<'_>, claims: &[Self::Claim]) -> Result<()>;
}

/// Works once on every tenant's due rows, a batch of each, and tells `noted` of each row whose outcome was written down. A stop is
/// obeyed between two rows.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database is not to be had; what was claimed comes back when its lease ends.
pub(crate) fn pass<Q: Queue>(store: &Store, queue: &Q, stop: &Stop, mut noted: impl FnMut(&Q::Claim, Q::Outcome)) -> Result<()> {
    let tenants = |tx: &mut SystemTx<'_>, last, limit| queue.tenants_with_due(tx, last, limit);
    every_tenant(store, tenants, |tenant| {
        let claims = store.worker(tenant, |tx| queue.claim(tx))?;
        let mut rest = claims.as_slice();
        while let Some((claim, others)) = rest.split_first() {
            if stop.is_asked() {
                store.worker(tenant, |tx| queue.give_back(tx, rest))?;
                return Ok(ControlFlow::Break(()));
            }
            let outcome = queue.attempt(tenant, claim);
            if store.worker(tenant, |tx| queue.note(tx, claim, &outcome))? {
                noted(claim, outcome);
            }
            rest = others;
        }
        Ok(ControlFlow::Continue(()))
    })
}
