//! Taking in a business: its row and its settings, in one transaction.

use super::{NewTenant, TenantRow};
use crate::settings::BusinessSettingsRepo;
use crate::store::{Reason, Store};
use crate::{Result, Tenant};

/// Takes in a business with default settings. The proof returned lets the caller go on as that tenant.
///
/// # Errors
/// [`crate::Error::Conflict`] on a name or phone that is taken, [`crate::Error::Invalid`] on a broken rule.
pub fn onboard(store: &Store, new: &NewTenant) -> Result<(Tenant, TenantRow)> {
    store.system(Reason::Operations, |tx| {
        let row = tx.create_tenant(new)?;
        BusinessSettingsRepo::over(tx.scope(row.id)).insert_defaults()?;
        Ok((Tenant::proven(row.id), row))
    })
}
