//! The link in a text about an alert: its token names nothing, and its notification is found by the token's hash.

use super::notification::Notifications;
use crate::access::TokenHash;
use crate::error::touched_one;
use crate::schema::{notifications, tenants};
use crate::store::{SystemTx, Tenant};
use crate::{NotificationId, Result, TenantId};
use diesel::prelude::*;

impl Notifications<'_> {
    /// Notes the token that the text of this notification holds.
    pub(crate) fn set_link(&mut self, id: NotificationId, token: &TokenHash) -> Result<()> {
        let rows = diesel::update(notifications::table)
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq(id))
            .set((notifications::link_hash.eq(token.hex()), notifications::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        touched_one(rows, "notification")
    }

    /// The hash of the token that the text of this notification holds, in hexadecimal.
    pub(crate) fn link(&mut self, id: NotificationId) -> Result<Option<String>> {
        let kept: Option<Option<String>> = notifications::table
            .filter(notifications::tenant_id.eq(self.0.tenant))
            .filter(notifications::id.eq(id))
            .select(notifications::link_hash)
            .first(self.0.conn)
            .optional()?;
        Ok(kept.flatten())
    }
}

impl SystemTx<'_> {
    /// The notification whose text holds this token, and its tenant, if that is active.
    pub(crate) fn find_texted(&mut self, token: &TokenHash) -> Result<Option<(Tenant, NotificationId)>> {
        let found: Option<(TenantId, NotificationId)> = notifications::table
            .inner_join(tenants::table.on(tenants::id.eq(notifications::tenant_id)))
            .filter(notifications::link_hash.eq(token.hex()))
            .filter(tenants::is_active)
            .select((notifications::tenant_id, notifications::id))
            .first(self.conn)
            .optional()?;
        Ok(found.map(|(tenant, id)| (Tenant::proven(tenant), id)))
    }
}
