//! Sessions: one login of one user on one device, living on by rotating its refresh token.

use super::TokenHash;
use crate::error::found;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::{tenants, user_sessions as sessions, users};
use crate::store::{Scope, TenantTx};
use crate::types::bounds::instant;
use crate::types::{Host, clip, host, optional};
use crate::{Error, Result, SessionEnd, SessionId, TenantId, UserId, When};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use std::net::IpAddr;

/// One session, without the hashes of its tokens, which never leave this file.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Session {
    pub id: SessionId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub rotated_at: Option<DateTime<Utc>>,
    pub expires_at: DateTime<Utc>,
    #[diesel(deserialize_as = Host)]
    pub ip_address: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub device_fingerprint: Option<String>,
    pub is_active: bool,
    pub ended_at: Option<DateTime<Utc>>,
    pub ended_reason: Option<SessionEnd>,
    pub created_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
}

/// A session to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The user who has logged in.
    pub user_id: UserId,
    /// The hash of the part that all refresh tokens of the session share.
    pub token_family_hash: TokenHash,
    /// The hash of the refresh token that was handed out.
    pub refresh_token_hash: TokenHash,
    /// The instant from which on the session is not refreshed.
    pub expires_at: DateTime<Utc>,
    /// The address that the login came from.
    pub ip_address: Option<IpAddr>,
    /// The client's User-Agent; cut at 1,000 characters.
    pub user_agent: Option<String>,
    /// The text that the client sends to tell its devices apart; up to 255 characters.
    pub device_fingerprint: Option<String>,
}

/// A filter of sessions. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SessionFilter {
    /// The user whose sessions they are.
    pub user: Option<UserId>,
    /// Whether the sessions are alive now (true), or ended or expired (false).
    pub is_active: Option<bool>,
    /// The address from which the sessions were begun.
    pub ip: Option<IpAddr>,
}

/// The end of a session. Its last use is then: the trigger would take the server's clock for it.
#[derive(AsChangeset)]
#[diesel(table_name = sessions, check_for_backend(Pg))]
pub(crate) struct Ended {
    is_active: bool,
    ended_at: DateTime<Utc>,
    ended_reason: SessionEnd,
    last_used_at: DateTime<Utc>,
}

/// The sessions of a tenant's users.
pub struct Sessions<'a>(pub(crate) Scope<'a>);

impl TenantTx<'_> {
    /// The sessions of the tenant's users.
    pub const fn sessions(&mut self) -> Sessions<'_> {
        Sessions(self.0.reborrow())
    }
}

fn filtered<'q, ST>(
    mut query: sessions::BoxedQuery<'q, Pg, ST>,
    filter: &SessionFilter,
    now: DateTime<Utc>,
) -> sessions::BoxedQuery<'q, Pg, ST> {
    if let Some(user) = filter.user {
        query = query.filter(sessions::user_id.eq(user));
    }
    match filter.is_active {
        Some(true) => query = query.filter(sessions::is_active.and(sessions::expires_at.gt(now))),
        Some(false) => query = query.filter(diesel::dsl::not(sessions::is_active).or(sessions::expires_at.le(now))),
        None => {}
    }
    if let Some(ip) = filter.ip {
        query = query.filter(sessions::ip_address.eq(host(ip)));
    }
    query
}

impl Sessions<'_> {
    /// The session, if it is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn find(&mut self, id: SessionId) -> Result<Option<Session>> {
        Ok(Session::query()
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::id.eq(id))
            .first(self.0.conn)
            .optional()?)
    }

    /// The session with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get(&mut self, id: SessionId) -> Result<Session> {
        found(self.find(id)?, "session")
    }

    /// A page of sessions, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &SessionFilter, page: PageRequest) -> Result<Page<Session>> {
        let query = filtered(Session::query().filter(sessions::tenant_id.eq(self.0.tenant)).into_boxed(), filter, self.0.now());
        let rows = keyset(query, page, sessions::created_at, sessions::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &Session| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of sessions that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &SessionFilter) -> Result<i64> {
        let query = sessions::table.filter(sessions::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter, self.0.now()).get_result(self.0.conn)?)
    }

    /// Begins a session.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when the user or the tenant is deactivated; [`Error::Conflict`] on a token that is in use;
    /// [`Error::Invalid`] on a broken rule.
    pub fn create(&mut self, new: &NewSession) -> Result<Session> {
        self.must_be_let_in(new.user_id)?;
        instant("expires_at", new.expires_at)?;
        if new.expires_at <= self.0.now() {
            return Err(Error::invalid("expires_at", "must be in the future"));
        }
        // What a browser says of itself is cut: it must not cost the user their login.
        let user_agent = clip(new.user_agent.as_deref(), 1_000);
        Ok(diesel::insert_into(sessions::table)
            .values((
                sessions::id.eq(SessionId::new(self.0.moment.id())),
                sessions::tenant_id.eq(self.0.tenant),
                sessions::user_id.eq(new.user_id),
                sessions::token_family_hash.eq(new.token_family_hash.hex()),
                sessions::refresh_token_hash.eq(new.refresh_token_hash.hex()),
                sessions::expires_at.eq(new.expires_at),
                sessions::ip_address.eq(new.ip_address.map(host)),
                sessions::user_agent.eq(optional("user_agent", user_agent.as_deref(), 1_000)?),
                sessions::device_fingerprint.eq(optional("device_fingerprint", new.device_fingerprint.as_deref(), 255)?),
                sessions::created_at.eq(self.0.now()),
                sessions::last_used_at.eq(self.0.now()),
            ))
            .returning(Session::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Whoever deactivates a user or suspends a tenant changes its row and then ends its sessions: with a share of both
    /// rows, a login comes before that, and is ended, or after it, and is refused.
    fn must_be_let_in(&mut self, user: UserId) -> Result<()> {
        let active: Option<bool> = users::table
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(user))
            .select(users::is_active)
            .for_share()
            .first(self.0.conn)
            .optional()?;
        if !active.ok_or_else(|| Error::missing("user_id", "user"))? {
            return Err(Error::Forbidden("this user is deactivated"));
        }
        let active: Option<bool> = tenants::table
            .filter(tenants::id.eq(self.0.tenant))
            .select(tenants::is_active)
            .for_share()
            .first(self.0.conn)
            .optional()?;
        if found(active, "tenant")? { Ok(()) } else { Err(Error::Forbidden("this business is not active")) }
    }

    /// The session was used now.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not there, has ended or has expired.
    pub fn touch(&mut self, id: SessionId) -> Result<Session> {
        let row = diesel::update(sessions::table)
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::id.eq(id))
            .filter(sessions::is_active)
            .filter(sessions::expires_at.gt(self.0.now()))
            .set(sessions::last_used_at.eq(self.0.now()))
            .returning(Session::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "session")
    }

    /// Ends the session. One that has ended stays as it is: the first reason counts.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn end(&mut self, id: SessionId, why: SessionEnd) -> Result<Session> {
        diesel::update(sessions::table)
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::id.eq(id))
            .filter(sessions::is_active)
            .set(self.ended(why))
            .execute(self.0.conn)?;
        self.get(id)
    }

    /// Ends a user's sessions, except one perhaps, and says how many.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn end_all_of_user(&mut self, user: UserId, except: Option<SessionId>, why: SessionEnd) -> Result<usize> {
        let mut update = diesel::update(sessions::table)
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::user_id.eq(user))
            .filter(sessions::is_active)
            .set(self.ended(why))
            .into_boxed::<Pg>();
        if let Some(id) = except {
            update = update.filter(sessions::id.ne(id));
        }
        Ok(update.execute(self.0.conn)?)
    }

    /// Ends the sessions of all the tenant's users, and says how many.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn end_all(&mut self, why: SessionEnd) -> Result<usize> {
        Ok(diesel::update(sessions::table)
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::is_active)
            .set(self.ended(why))
            .execute(self.0.conn)?)
    }

    /// Removes sessions that expired before an instant, `limit` at the most, the oldest first, and says how many. One that
    /// has not expired stays, whatever the instant.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn delete_expired(&mut self, before: impl Into<When>, limit: u16) -> Result<usize> {
        let before = before.into().seen_from(self.0.now());
        let ids: Vec<SessionId> = sessions::table
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::expires_at.lt(before.min(self.0.now())))
            .order(sessions::expires_at)
            .limit(i64::from(limit))
            .for_update()
            .skip_locked()
            .select(sessions::id)
            .load(self.0.conn)?;
        Ok(diesel::delete(sessions::table)
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::id.eq_any(ids))
            .execute(self.0.conn)?)
    }

    /// Removes a user's sessions that expired before an instant, and says how many. One that has not expired stays.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn delete_expired_of_user(&mut self, user: UserId, before: impl Into<When>) -> Result<usize> {
        let before = before.into().seen_from(self.0.now());
        Ok(diesel::delete(sessions::table)
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::user_id.eq(user))
            .filter(sessions::expires_at.lt(before.min(self.0.now())))
            .execute(self.0.conn)?)
    }

    pub(crate) fn ended(&self, why: SessionEnd) -> Ended {
        let now = self.0.now();
        Ended { is_active: false, ended_at: now, ended_reason: why, last_used_at: now }
    }
}
