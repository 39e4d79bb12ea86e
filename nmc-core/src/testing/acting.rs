//! Somebody else's doing in the middle of a transaction.

use crate::actor::Actor;
use crate::{TenantTx, UserId};

/// Runs `work` in this transaction as [`crate::Store::tenant_on_behalf_of`] would: for tables of calls that are handed their
/// transaction.
pub fn on_behalf_of<T>(tx: &mut TenantTx<'_>, user: UserId, work: impl FnOnce(&mut TenantTx<'_>) -> T) -> T {
    tx.acting_as(&Actor::on_behalf_of(user), work)
}
