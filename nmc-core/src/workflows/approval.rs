//! An operator's approval of a business, and who is told of it.

use crate::error::found;
use crate::people;
use crate::store::{SystemTx, TenantTx};
use crate::tenants::TenantRow;
use crate::{Result, TenantId};

/// A business that is approved, and the mails that were queued for that.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Approval {
    /// The business.
    pub business: TenantRow,
    /// Whether it was approved just now.
    pub is_new: bool,
    /// Whether its owner is mailed.
    pub owner_mailed: bool,
    /// The open invitations that are mailed now, as they could not be before.
    pub invitations_mailed: usize,
    /// The open invitations that are not mailed: they are more than may be in a day, or their address has got too many.
    pub invitations_left: usize,
}

/// Approves of a business as [`SystemTx::approve_tenant`] does, and has its owner told by mail, and those mailed who were invited
/// meanwhile and have not accepted. Of one that is approved already nobody is told.
///
/// # Errors
/// [`crate::Error::NotFound`].
pub fn approve(tx: &mut SystemTx<'_>, id: TenantId) -> Result<Approval> {
    let Some(business) = tx.approve_if_waiting(id)? else {
        let business = found(tx.find_tenant(id)?, "tenant")?;
        return Ok(Approval { business, is_new: false, owner_mailed: false, invitations_mailed: 0, invitations_left: 0 });
    };
    let (owner_mailed, invitations_mailed, invitations_left) = people::mail_approval(&mut TenantTx(tx.scope(id)))?;
    Ok(Approval { business, is_new: true, owner_mailed, invitations_mailed, invitations_left })
}
