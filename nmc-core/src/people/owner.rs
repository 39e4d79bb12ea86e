//! A business keeps an owner: the last one can't be removed, and the account goes to another one with its holder.

use super::Users;
use crate::access::NO_PASSWORD;
use crate::error::found;
use crate::schema::{tenants, users};
use crate::{Error, Result, TenantId, UserId, UserRole};
use diesel::prelude::*;

impl Users<'_> {
    /// Lets this user stop being an owner, if they are one and not the last. Of two owners who let each other go, the
    /// second to get the tenant's row sees what the first did.
    pub(super) fn let_go_as_owner(&mut self, id: UserId) -> Result<()> {
        let tenant = self.0.tenant;
        let user: Option<(UserRole, bool)> = users::table
            .filter(users::tenant_id.eq(tenant))
            .filter(users::id.eq(id))
            .select((users::role, users::is_active))
            // Not more: who lets another owner go has the tenant's row point at this one when they commit.
            .for_no_key_update()
            .first(self.0.conn)
            .optional()?;
        let (role, is_active) = found(user, "user")?;
        if role != UserRole::Owner || !is_active {
            return Ok(());
        }
        let holder: Option<(TenantId, Option<UserId>)> = tenants::table
            .filter(tenants::id.eq(tenant))
            .select((tenants::id, tenants::owner_id))
            .for_no_key_update()
            .first(self.0.conn)
            .optional()?;
        let (_, holder) = found(holder, "tenant")?;
        let next: Option<UserId> = users::table
            .filter(users::tenant_id.eq(tenant))
            .filter(users::role.eq(UserRole::Owner))
            .filter(users::is_active)
            .filter(users::id.ne(id))
            // Who has not accepted the invitation may never come.
            .filter(users::password_hash.ne(NO_PASSWORD))
            .order(users::created_at)
            .select(users::id)
            .first(self.0.conn)
            .optional()?;
        let next = next.ok_or(Error::conflict("user", "is the last owner; make another one first"))?;
        if holder == Some(id) {
            diesel::update(tenants::table)
                .filter(tenants::id.eq(tenant))
                .set((tenants::owner_id.eq(next), tenants::updated_at.eq(self.0.now())))
                .execute(self.0.conn)?;
        }
        Ok(())
    }

    /// Makes an owner the holder of the account, if nobody is.
    pub(super) fn hold_account_if_free(&mut self, id: UserId) -> Result<()> {
        diesel::update(tenants::table)
            .filter(tenants::id.eq(self.0.tenant))
            .filter(tenants::owner_id.is_null())
            .set((tenants::owner_id.eq(id), tenants::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        Ok(())
    }
}
