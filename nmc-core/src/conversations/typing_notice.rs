//! Notices of who types (table `typing_notices`), for the clients of other processes. They are soon out of date, and then deleted.

use crate::store::SystemTx;
use crate::{ConversationId, Result, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// Old notices deleted in one statement.
pub(super) const BITE: usize = 500;

/// The notice that a user types in a conversation, or no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypingNotice {
    /// The business.
    pub tenant_id: TenantId,
    /// The conversation, in whose room it is told.
    pub conversation_id: ConversationId,
    /// The user who types.
    pub user_id: UserId,
    /// Whether they do; `false`: no longer.
    pub is_typing: bool,
}

/// What a notice is of. The last one counts.
pub(super) type Key = (TenantId, ConversationId, UserId);

impl TypingNotice {
    pub(super) const fn key(&self) -> Key {
        (self.tenant_id, self.conversation_id, self.user_id)
    }
}

/// A notice as another process has written it.
#[derive(QueryableByName)]
pub(super) struct Heard {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = SqlUuid)]
    conversation_id: ConversationId,
    #[diesel(sql_type = SqlUuid)]
    user_id: UserId,
    #[diesel(sql_type = Bool)]
    is_typing: bool,
    /// Another one whenever it is written again.
    #[diesel(sql_type = Timestamptz)]
    pub(super) noticed_at: DateTime<Utc>,
}

impl Heard {
    pub(super) const fn notice(&self) -> TypingNotice {
        let Self { tenant_id, conversation_id, user_id, is_typing, .. } = *self;
        TypingNotice { tenant_id, conversation_id, user_id, is_typing }
    }
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = SqlUuid)]
    conversation_id: ConversationId,
    #[diesel(sql_type = SqlUuid)]
    user_id: UserId,
}

/// One that is there is moved without a look at the rows it points at, and without waiting for another process that moves it.
const MOVE_SQL: &str = "
    WITH told AS (
        SELECT n.tenant_id, n.conversation_id, n.user_id, news.is_typing, now() AS noticed_at
        FROM unnest($1, $2, $3, $4) AS news (tenant_id, conversation_id, user_id, is_typing)
        JOIN typing_notices AS n
            ON n.tenant_id = news.tenant_id AND n.conversation_id = news.conversation_id AND n.user_id = news.user_id
        FOR NO KEY UPDATE OF n SKIP LOCKED)
    UPDATE typing_notices AS n SET process_id = $5, is_typing = told.is_typing, noticed_at = told.noticed_at
    FROM told
    WHERE n.tenant_id = told.tenant_id AND n.conversation_id = told.conversation_id AND n.user_id = told.user_id
    RETURNING n.tenant_id, n.conversation_id, n.user_id";

/// Whoever works on a conversation, or deletes the user, is not waited for, nor does their work ever wait for more than this
/// statement. One order, so that two processes don't wait for each other.
const ADD_SQL: &str = "
    INSERT INTO typing_notices (tenant_id, conversation_id, user_id, process_id, is_typing)
    SELECT c.tenant_id, c.id, u.id, $5, news.is_typing
    FROM unnest($1, $2, $3, $4) AS news (tenant_id, conversation_id, user_id, is_typing)
    JOIN conversations AS c ON c.tenant_id = news.tenant_id AND c.id = news.conversation_id
    JOIN users AS u ON u.tenant_id = news.tenant_id AND u.id = news.user_id
    WHERE NOT EXISTS (
        SELECT FROM typing_notices AS n WHERE n.tenant_id = c.tenant_id AND n.conversation_id = c.id AND n.user_id = u.id)
    ORDER BY c.tenant_id, c.id, u.id
    FOR KEY SHARE OF c, u SKIP LOCKED
    ON CONFLICT (tenant_id, conversation_id, user_id) DO NOTHING
    RETURNING tenant_id, conversation_id, user_id";

/// The newest of each business, so that what one of them has too many of is left out there.
const HEAR_SQL: &str = "
    SELECT tenant_id, conversation_id, user_id, is_typing, noticed_at
    FROM (SELECT n.*, row_number() OVER (PARTITION BY n.tenant_id ORDER BY n.noticed_at DESC) AS place
          FROM typing_notices AS n
          WHERE n.tenant_id = ANY ($1) AND n.process_id <> $2 AND n.noticed_at > now() - interval '6 seconds') AS heard
    WHERE place <= 256";

const DELETE_OLD_SQL: &str = "
    WITH old AS (
        SELECT tenant_id, conversation_id, user_id FROM typing_notices
        WHERE noticed_at < now() - interval '1 minute' LIMIT $1 FOR UPDATE SKIP LOCKED)
    DELETE FROM typing_notices AS n USING old
    WHERE n.tenant_id = old.tenant_id AND n.conversation_id = old.conversation_id AND n.user_id = old.user_id";

impl SystemTx<'_> {
    /// Writes the notices of a process, and returns those that are written. The others are of rows that somebody has locked just now,
    /// or that there are not (any more).
    pub(super) fn write_typing(&mut self, process: Uuid, told: &[TypingNotice]) -> Result<Vec<Key>> {
        let mut written = self.typing_statement(MOVE_SQL, process, told)?;
        let fresh: Vec<TypingNotice> = told.iter().filter(|notice| !written.contains(&notice.key())).copied().collect();
        written.extend(self.typing_statement(ADD_SQL, process, &fresh)?);
        Ok(written)
    }

    fn typing_statement(&mut self, sql: &str, process: Uuid, told: &[TypingNotice]) -> Result<Vec<Key>> {
        if told.is_empty() {
            return Ok(Vec::new());
        }
        let keys = || told.iter().map(TypingNotice::key);
        let written: Vec<Written> = sql_query(sql)
            .bind::<Array<SqlUuid>, _>(keys().map(|(tenant, ..)| tenant).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(keys().map(|(_, conversation, _)| conversation).collect::<Vec<_>>())
            .bind::<Array<SqlUuid>, _>(keys().map(|(.., user)| user).collect::<Vec<_>>())
            .bind::<Array<Bool>, _>(told.iter().map(|notice| notice.is_typing).collect::<Vec<_>>())
            .bind::<SqlUuid, _>(process)
            .load(self.conn)?;
        Ok(written.into_iter().map(|row| (row.tenant_id, row.conversation_id, row.user_id)).collect())
    }

    /// What other processes have written in these businesses within the last six seconds.
    pub(super) fn typing_of_others(&mut self, process: Uuid, tenants: &[TenantId]) -> Result<Vec<Heard>> {
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        let query = sql_query(HEAR_SQL).bind::<Array<SqlUuid>, _>(tenants).bind::<SqlUuid, _>(process);
        Ok(query.load(self.conn)?)
    }

    /// Deletes notices that are out of date, of all businesses: [`BITE`] at the most. Returns how many.
    pub(super) fn delete_old_typing(&mut self) -> Result<usize> {
        let limit = i64::try_from(BITE).map_err(crate::Error::internal)?;
        Ok(sql_query(DELETE_OLD_SQL).bind::<BigInt, _>(limit).execute(self.conn)?)
    }
}
