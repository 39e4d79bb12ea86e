//! Whether those who were let in a while ago still would be: for what goes on after its request, such as a stream of events.

use super::Permission;
use crate::schema::{api_keys as keys, tenants, user_sessions as sessions, users};
use crate::store::{Reason, Store, SystemTx, TenantTx};
use crate::{ApiKeyId, Result, SessionId, TenantId, UserRole};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use std::collections::HashSet;

/// The session or API key by which somebody was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Standing {
    tenant: TenantId,
    by: By,
    /// Which of [`ON_STREAMS`] they had.
    rights: [bool; ON_STREAMS.len()],
}

/// What is asked for when a stream opens and while it lasts. Whoever has others of these later opens another stream.
const ON_STREAMS: [Permission; 3] = [Permission::EventsRead, Permission::ConversationsRead, Permission::MessagesWrite];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum By {
    Session(SessionId),
    Key(ApiKeyId),
}

impl Standing {
    /// The session or API key by which whoever acts in this transaction was let in; `None` of those who show no credential.
    #[must_use]
    pub fn of(tx: &TenantTx<'_>) -> Option<Self> {
        let session = tx.actor().session().map(By::Session);
        let by = session.or_else(|| tx.actor().api_key().map(By::Key))?;
        Some(Self { tenant: tx.tenant().id(), by, rights: ON_STREAMS.map(|permission| tx.actor().may(permission)) })
    }
}

impl Store {
    /// The ones of `asked` who would still be let in as they were, and may do this: the session or the key is in force, the account and
    /// the business are active, and what they may read and write on a stream is what it was. Two statements, however many they are.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is not to be had.
    pub fn still_standing(&self, asked: &[Standing], permission: Permission) -> Result<HashSet<Standing>> {
        let session = |standing: &Standing| if let By::Session(id) = standing.by { Some(id) } else { None };
        let key = |standing: &Standing| if let By::Key(id) = standing.by { Some(id) } else { None };
        let of_sessions: Vec<SessionId> = asked.iter().filter_map(session).collect();
        let of_keys: Vec<ApiKeyId> = asked.iter().filter_map(key).collect();
        self.system(Reason::Authentication, |tx| {
            let mut standing = tx.live_sessions(&of_sessions, permission)?;
            standing.extend(tx.live_keys(&of_keys, permission)?);
            Ok(standing)
        })
    }
}

impl SystemTx<'_> {
    fn live_sessions(&mut self, asked: &[SessionId], permission: Permission) -> Result<HashSet<Standing>> {
        if asked.is_empty() {
            return Ok(HashSet::new());
        }
        let live: Vec<(TenantId, SessionId, UserRole)> = sessions::table
            .inner_join(users::table.on(users::tenant_id.eq(sessions::tenant_id).and(users::id.eq(sessions::user_id))))
            .inner_join(tenants::table.on(tenants::id.eq(sessions::tenant_id)))
            .filter(sessions::id.eq_any(asked))
            .filter(sessions::is_active.and(users::is_active).and(tenants::is_active))
            .filter(sessions::expires_at.gt(self.now()))
            .select((sessions::tenant_id, sessions::id, users::role))
            .load(self.conn)?;
        let may = live.into_iter().filter(|(.., role)| permission.is_of(*role));
        let rights = |role| ON_STREAMS.map(|permission| permission.is_of(role));
        Ok(may.map(|(tenant, id, role)| Standing { tenant, by: By::Session(id), rights: rights(role) }).collect())
    }

    fn live_keys(&mut self, asked: &[ApiKeyId], permission: Permission) -> Result<HashSet<Standing>> {
        type Row = (TenantId, ApiKeyId, Vec<String>, Option<crate::UserId>, Option<DateTime<Utc>>, Option<(UserRole, bool)>);
        if asked.is_empty() {
            return Ok(HashSet::new());
        }
        let live: Vec<Row> = keys::table
            .inner_join(tenants::table.on(tenants::id.eq(keys::tenant_id)))
            .left_join(users::table.on(users::tenant_id.eq(keys::tenant_id).and(users::id.nullable().eq(keys::created_by))))
            .filter(tenants::is_active)
            .filter(keys::id.eq_any(asked))
            .filter(keys::revoked_at.is_null())
            .select((
                keys::tenant_id,
                keys::id,
                keys::scopes,
                keys::created_by,
                keys::expires_at,
                (users::role, users::is_active).nullable(),
            ))
            .load(self.conn)?;
        let now = self.now();
        let may = |(_, _, scopes, human, _, account): &Row, permission: Permission| {
            let is_vouched_for = match (human, account) {
                (None, _) => true,
                (Some(_), Some((role, is_active))) => *is_active && permission.is_of(*role),
                (Some(_), None) => false,
            };
            is_vouched_for && scopes.iter().any(|scope| scope == permission.label())
        };
        let live = live.iter().filter(|row| row.4.is_none_or(|end| end > now) && may(row, permission));
        let rights = |row: &Row| ON_STREAMS.map(|permission| may(row, permission));
        Ok(live.map(|row| Standing { tenant: row.0, by: By::Key(row.1), rights: rights(row) }).collect())
    }
}
