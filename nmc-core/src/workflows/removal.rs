//! Removing a business, which must not hold a number that is paid for.

use crate::error::{found, touched_one};
use crate::schema::{phone_numbers, tenants};
use crate::store::SystemTx;
use crate::{Confirmed, Error, NumberStatus, Result, TenantId};
use diesel::prelude::*;

impl SystemTx<'_> {
    /// Deletes a tenant and all that is its own.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while it holds a number that is not released: a paid number must not be
    /// forgotten.
    pub fn delete_tenant(&mut self, id: TenantId, _: Confirmed) -> Result<()> {
        // The row lock keeps a number from being added between the check and the deletion (its key needs a share of it).
        let row: Option<TenantId> =
            tenants::table.filter(tenants::id.eq(id)).select(tenants::id).for_update().first(self.conn).optional()?;
        found(row, "tenant")?;
        let held: i64 = phone_numbers::table
            .filter(phone_numbers::tenant_id.eq(id))
            .filter(phone_numbers::status.ne(NumberStatus::Released))
            .count()
            .get_result(self.conn)?;
        if held > 0 {
            return Err(Error::conflict("tenant", "still holds phone numbers; release them first"));
        }
        let rows = diesel::delete(tenants::table).filter(tenants::id.eq(id)).execute(self.conn)?;
        touched_one(rows, "tenant")
    }
}
