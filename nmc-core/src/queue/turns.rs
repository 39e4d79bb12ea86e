//! Every business in its turn.

use crate::store::{Reason, Store, SystemTx, Tenant};
use crate::{Result, TenantId};
use std::ops::ControlFlow;
use uuid::Uuid;

/// Tenants looked up at once.
pub(crate) const PAGE: u16 = 64;

/// Visits every tenant that has something due, page by page in the order of their ids: however much some have waiting, the others'
/// turn comes. `find` lists the tenants with something due whose ids come after the one given.
///
/// # Errors
/// What `find` and `visit` return.
pub(crate) fn every_tenant(
    store: &Store,
    find: impl Fn(&mut SystemTx<'_>, Option<TenantId>, u16) -> Result<Vec<Tenant>>,
    mut visit: impl FnMut(&Tenant) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let mut last = None;
    loop {
        let page = store.system(Reason::DueWork, |tx| find(tx, last, PAGE))?;
        for tenant in &page {
            if visit(tenant)?.is_break() {
                return Ok(());
            }
        }
        last = page.last().map(Tenant::id);
        if page.len() < usize::from(PAGE) {
            return Ok(());
        }
    }
}

/// The id that those of the next page are greater than.
pub(crate) fn after(last: Option<TenantId>) -> TenantId {
    last.unwrap_or(TenantId::new(Uuid::nil()))
}
