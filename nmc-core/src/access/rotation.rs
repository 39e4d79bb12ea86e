//! Exchanging refresh tokens. Each is good for one exchange. An answer that is lost on the way may be asked for again with
//! the token that was exchanged last, as long as none of its successors has been used; any older token that comes back has
//! two holders, and ends the session for both.

use super::{Session, Sessions, TokenHash};
use crate::schema::user_sessions as sessions;
use crate::store::{SystemTx, Tenant};
use crate::{Error, Result, SessionEnd, SessionId, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// The number of answers to one exchange that may be on their way, besides the last one; a client that asks yet again gives up
/// the first. The database's bound.
const SIBLINGS: usize = 7;

/// The result of showing a refresh token.
#[derive(Debug, Clone, PartialEq)]
pub enum Rotation {
    /// The token was in force, or the last that was exchanged and its successors unused; now the new one is, too.
    Rotated(Box<Session>),
    /// An older token of the session: somebody else holds a copy, and nobody can tell who. The session has ended.
    Reused,
    /// There is no such session.
    Unknown,
    /// The session was over before, for this reason.
    Ended(SessionEnd),
}

/// What a rotation has to know of the row it has locked.
#[derive(HasQuery)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
struct Tokens {
    refresh_token_hash: String,
    sibling_token_hashes: Vec<String>,
    previous_token_hash: Option<String>,
    expires_at: DateTime<Utc>,
    is_active: bool,
    ended_reason: Option<SessionEnd>,
}

impl Sessions<'_> {
    /// Exchanges a refresh token of this session, under the lock of its row. The caller has the session from the token's
    /// family, so a token that fits nothing was one of it once. The session's end stays where it is.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the new token is the one shown; [`Error::Conflict`] when another session has it.
    pub fn rotate(&mut self, id: SessionId, shown: &TokenHash, new: &TokenHash) -> Result<Rotation> {
        if shown == new {
            return Err(Error::invalid("refresh_token", "must be a new one"));
        }
        let row = Tokens::query()
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::id.eq(id))
            .for_update()
            .first(self.0.conn)
            .optional()?;
        let (Some(row), now) = (row, self.0.now()) else { return Ok(Rotation::Unknown) };
        if !row.is_active || row.expires_at <= now {
            return Ok(Rotation::Ended(row.ended_reason.unwrap_or(SessionEnd::Expired)));
        }
        let unused = shown.is(&row.refresh_token_hash) || row.sibling_token_hashes.iter().any(|sibling| shown.is(sibling));
        let (previous, siblings) = if unused {
            (shown.hex(), Vec::new())
        } else if let Some(previous) = row.previous_token_hash.filter(|previous| shown.is(previous)) {
            let mut siblings = row.sibling_token_hashes;
            siblings.push(row.refresh_token_hash);
            siblings.drain(..siblings.len().saturating_sub(SIBLINGS));
            (previous, siblings)
        } else {
            self.end(id, SessionEnd::Reuse)?;
            return Ok(Rotation::Reused);
        };
        let session = diesel::update(sessions::table)
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::id.eq(id))
            .filter(sessions::is_active)
            .set((
                sessions::refresh_token_hash.eq(new.hex()),
                sessions::sibling_token_hashes.eq(siblings),
                sessions::previous_token_hash.eq(previous),
                sessions::rotated_at.eq(now),
                sessions::last_used_at.eq(now),
            ))
            .returning(Session::as_returning())
            .get_result(self.0.conn)?;
        Ok(Rotation::Rotated(Box::new(session)))
    }
}

impl SystemTx<'_> {
    /// The session that the tokens of a family are for, with its tenant. Whether one of them is in force says
    /// [`Sessions::rotate`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn find_session_by_family(&mut self, family: &TokenHash) -> Result<Option<(Tenant, SessionId)>> {
        let row: Option<(TenantId, SessionId)> = sessions::table
            .filter(sessions::token_family_hash.eq(family.hex()))
            .select((sessions::tenant_id, sessions::id))
            .first(self.conn)
            .optional()?;
        Ok(row.map(|(tenant, id)| (Tenant::proven(tenant), id)))
    }
}
