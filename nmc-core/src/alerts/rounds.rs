//! Rounds: a business's rules are evaluated from time to time, by one worker at a time.

use super::bounded;
use crate::Result;
use crate::TenantId;
use crate::queue::after;
use crate::schema::{alert_rounds as rounds, tenants};
use crate::store::{Prepared, Scope, SystemTx, Tenant, TenantTx};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

impl SystemTx<'_> {
    /// The tenants whose round is due, by their ids; `limit` at the most. A suspended one's waits.
    pub(crate) fn tenants_with_due_rounds(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let ids: Vec<TenantId> = rounds::table
            .inner_join(tenants::table)
            .filter(tenants::is_active)
            .filter(rounds::due_at.le(self.now()))
            .filter(rounds::tenant_id.gt(after(last)))
            .order(rounds::tenant_id)
            .limit(bounded(limit))
            .select(rounds::tenant_id)
            .load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

/// A tenant's round.
pub(crate) struct AlertRounds<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's round.
    pub(crate) const fn alert_rounds(&mut self) -> AlertRounds<'_> {
        AlertRounds(self.0.reborrow())
    }
}

impl AlertRounds<'_> {
    /// Since when the round is due, if it is. It is this transaction's then; what another one has in hand is not due.
    pub(crate) fn hold_due(&mut self) -> Result<Option<DateTime<Utc>>> {
        Ok(rounds::table
            .filter(rounds::tenant_id.eq(self.0.tenant))
            .filter(rounds::due_at.le(self.0.now()))
            .select(rounds::due_at)
            .for_update()
            .skip_locked()
            .first(self.0.conn)
            .optional()?)
    }

    /// Puts the next round off until then.
    pub(crate) fn put_off(&mut self, until: DateTime<Utc>) -> Result<()> {
        let put_off = diesel::update(rounds::table)
            .filter(rounds::tenant_id.eq(self.0.tenant))
            .set((rounds::due_at.eq(until), rounds::updated_at.eq(self.0.now())))
            .returning(rounds::tenant_id);
        Prepared(put_off).keys::<TenantId>(self.0.conn)?;
        Ok(())
    }
}
