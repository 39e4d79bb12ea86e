//! The calls and texts that were deleted for good: news of them comes late, and the provider lists them for days.

use crate::schema::erased_sids as erased;
use crate::store::{Scope, SystemTx, TenantTx};
use crate::{ErasedSidId, Result, TenantId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use std::collections::HashSet;

/// A tenant's SIDs of what was deleted.
pub(crate) struct ErasedSids<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The SIDs of the calls and texts that the tenant has deleted.
    pub(crate) const fn erased_sids(&mut self) -> ErasedSids<'_> {
        ErasedSids(self.0.reborrow())
    }
}

impl ErasedSids<'_> {
    /// Notes calls and texts as deleted; of automatic texts with when they were sent.
    pub(crate) fn insert_if_missing(&mut self, sids: &[(String, Option<DateTime<Utc>>)]) -> Result<()> {
        if sids.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = sids
            .iter()
            .map(|(sid, texted_at)| {
                (
                    erased::id.eq(ErasedSidId::new(self.0.moment.id())),
                    erased::tenant_id.eq(self.0.tenant),
                    erased::sid.eq(sid),
                    erased::texted_at.eq(*texted_at),
                    erased::created_at.eq(self.0.now()),
                )
            })
            .collect();
        diesel::insert_into(erased::table).values(rows).on_conflict_do_nothing().execute(self.0.conn)?;
        Ok(())
    }

    /// Whether a call or text was deleted.
    pub(crate) fn has(&mut self, sid: &str) -> Result<bool> {
        let row = erased::table.filter(erased::tenant_id.eq(self.0.tenant)).filter(erased::sid.eq(sid));
        Ok(diesel::select(diesel::dsl::exists(row)).get_result(self.0.conn)?)
    }

    /// Forgets the SIDs of what was deleted before an instant, and says how many.
    pub(crate) fn delete_before(&mut self, before: DateTime<Utc>, limit: u16) -> Result<usize> {
        let ids: Vec<ErasedSidId> = erased::table
            .filter(erased::tenant_id.eq(self.0.tenant))
            .filter(erased::created_at.lt(before))
            .order(erased::created_at)
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select(erased::id)
            .load(self.0.conn)?;
        Ok(diesel::delete(erased::table)
            .filter(erased::tenant_id.eq(self.0.tenant))
            .filter(erased::id.eq_any(ids))
            .execute(self.0.conn)?)
    }
}

impl SystemTx<'_> {
    /// Which of these calls or texts these tenants have deleted.
    pub(crate) fn erased_among(&mut self, tenants: Vec<TenantId>, sids: &[&str]) -> Result<HashSet<String>> {
        let rows: Vec<String> = erased::table
            .filter(erased::tenant_id.eq_any(tenants))
            .filter(erased::sid.eq_any(sids))
            .select(erased::sid)
            .load(self.conn)?;
        Ok(rows.into_iter().collect())
    }
}
