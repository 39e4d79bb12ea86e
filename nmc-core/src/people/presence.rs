//! Presence (table `user_status`): whether a user is here right now.
//!
//! Being online is a lease: each sign of life renews it, and it ends by itself when none comes. So nobody is told to be
//! here because a client died without a goodbye, or because nothing swept up after it.

use super::profile::must_have_profile;
use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::user_status as presence;
use crate::store::{Scope, TenantTx};
use crate::{Patch, PresenceId, PresenceStatus, Result, StreamEventKind, TenantId, UserId, When};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::not;
use diesel::pg::Pg;
use diesel::prelude::*;

/// One user's presence, as it is at the instant of the transaction that read it: `is_online` holds only while the last sign
/// of life is younger than [`Self::LEASE`].
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = presence, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Presence {
    pub id: PresenceId,
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub is_active: bool,
    pub is_online: bool,
    pub last_seen_at: DateTime<Utc>,
    pub current_status: PresenceStatus,
    pub status_message: Option<String>,
    pub updated_at: DateTime<Utc>,
}

impl Presence {
    /// How long a sign of life keeps a user online: three heartbeats of a client that sends one every 30 seconds.
    pub const LEASE: TimeDelta = TimeDelta::seconds(90);

    /// The row as it is told at this instant.
    fn told_at(mut self, now: DateTime<Utc>) -> Self {
        self.is_online &= self.last_seen_at > lease_began(now);
        self
    }
}

/// The instant at which a lease began that ends now: who was seen last then or before is no longer online.
fn lease_began(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_sub_signed(Presence::LEASE).unwrap_or(now)
}

/// A filter of users' presence. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PresenceFilter {
    /// Whether the users have a client connected that was heard of within [`Presence::LEASE`].
    pub is_online: Option<bool>,
    /// The status that the users have chosen.
    pub current_status: Option<PresenceStatus>,
    /// The instant at or after which the users were seen.
    pub seen_since: Option<DateTime<Utc>>,
}

/// The presence of a tenant's users, one row each.
pub struct Presences<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The presence of the tenant's users.
    pub const fn presences(&mut self) -> Presences<'_> {
        Presences(self.0.reborrow())
    }
}

fn filtered<'q, ST>(
    mut query: presence::BoxedQuery<'q, Pg, ST>,
    filter: &PresenceFilter,
    now: DateTime<Utc>,
) -> presence::BoxedQuery<'q, Pg, ST> {
    let began = lease_began(now);
    match filter.is_online {
        Some(true) => query = query.filter(presence::is_online).filter(presence::last_seen_at.gt(began)),
        Some(false) => query = query.filter(not(presence::is_online).or(presence::last_seen_at.le(began))),
        None => {}
    }
    if let Some(status) = filter.current_status {
        query = query.filter(presence::current_status.eq(status));
    }
    if let Some(since) = filter.seen_since {
        query = query.filter(presence::last_seen_at.ge(since));
    }
    query
}

impl Presences<'_> {
    /// The user's presence, if it is known.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, user: UserId) -> Result<Option<Presence>> {
        let row: Option<Presence> = Presence::query()
            .filter(presence::tenant_id.eq(self.0.tenant))
            .filter(presence::user_id.eq(user))
            .first(self.0.conn)
            .optional()?;
        Ok(row.map(|row| row.told_at(self.0.now())))
    }

    /// The user's presence.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, user: UserId) -> Result<Presence> {
        found(self.find(user)?, "presence")
    }

    /// A page of users' presence, the last seen first. Someone who is seen between two pages moves to the front, and is
    /// missed by the pages that follow.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &PresenceFilter, page: PageRequest) -> Result<Page<Presence>> {
        let now = self.0.now();
        let query = filtered(Presence::query().filter(presence::tenant_id.eq(self.0.tenant)).into_boxed(), filter, now);
        let rows: Vec<Presence> = keyset(query, page, presence::last_seen_at, presence::id).load(self.0.conn)?;
        let rows = rows.into_iter().map(|row| row.told_at(now)).collect();
        Ok(Page::from_rows(rows, page, |row: &Presence| Cursor { at: row.last_seen_at, id: row.id.uuid() }))
    }

    /// The number of users that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &PresenceFilter) -> Result<i64> {
        let query = presence::table.filter(presence::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter, self.0.now()).get_result(self.0.conn)?)
    }

    /// The user's presence, which begins as offline and available if there was none.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] when they have no profile.
    pub fn insert_if_missing(&mut self, user: UserId) -> Result<Presence> {
        must_have_profile(&mut self.0, user)?;
        diesel::insert_into(presence::table)
            .values((
                presence::id.eq(PresenceId::new(self.0.moment.id())),
                presence::tenant_id.eq(self.0.tenant),
                presence::user_id.eq(user),
                presence::last_seen_at.eq(self.0.now()),
                presence::updated_at.eq(self.0.now()),
            ))
            .on_conflict(presence::user_id)
            .do_nothing()
            .execute(self.0.conn)?;
        self.get(user)
    }

    /// A sign of life from one of the user's clients: they are online from now on for [`Presence::LEASE`]. Nothing changes
    /// while presence is not tracked for them.
    ///
    /// # Errors
    /// As [`Self::insert_if_missing`].
    pub fn heartbeat(&mut self, user: UserId) -> Result<Presence> {
        // One statement, but when they come.
        if let Some(row) = self.see(user, true)? {
            return Ok(row);
        }
        if let Some(row) = self.see(user, false)? {
            self.changed(user);
            return Ok(row);
        }
        let row = self.insert_if_missing(user)?;
        let seen = self.see(user, false)?;
        if seen.is_some() {
            self.changed(user);
        }
        Ok(seen.unwrap_or(row))
    }

    /// Renews the lease of a user who is here, or begins one, which others want to hear of.
    fn see(&mut self, user: UserId, is_here: bool) -> Result<Option<Presence>> {
        let now = self.0.now();
        let row = diesel::update(presence::table)
            .filter(presence::tenant_id.eq(self.0.tenant))
            .filter(presence::user_id.eq(user))
            .filter(presence::is_active)
            .filter(presence::is_online.and(presence::last_seen_at.gt(lease_began(now))).eq(is_here))
            .set((presence::is_online.eq(true), presence::last_seen_at.eq(now), presence::updated_at.eq(now)))
            .returning(Presence::as_returning())
            .get_result(self.0.conn);
        Ok(row.optional()?)
    }

    fn changed(&self, user: UserId) {
        self.0.note(StreamEventKind::PresenceChanged, user.uuid());
    }

    /// Records what the user says of being reachable; the message has up to 200 characters. Whether a client is connected is
    /// another matter, and stays: this is no sign of life.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a broken rule, or when they have no profile.
    pub fn set(&mut self, user: UserId, status: PresenceStatus, message: &Patch<String>) -> Result<Presence> {
        let message = message.text("status_message", 200)?;
        self.insert_if_missing(user)?;
        let row = diesel::update(presence::table)
            .filter(presence::tenant_id.eq(self.0.tenant))
            .filter(presence::user_id.eq(user))
            .set((
                presence::current_status.eq(status),
                message.map(|value| presence::status_message.eq(value)),
                presence::updated_at.eq(self.0.now()),
            ))
            .returning(Presence::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        self.changed(user);
        found(row.map(|row: Presence| row.told_at(self.0.now())), "presence")
    }

    /// Records that the user's last client says goodbye now. Twice is once.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn go_offline(&mut self, user: UserId) -> Result<Presence> {
        let now = self.0.now();
        let rows = diesel::update(presence::table)
            .filter(presence::tenant_id.eq(self.0.tenant))
            .filter(presence::user_id.eq(user))
            .filter(presence::is_online)
            .set((presence::is_online.eq(false), presence::last_seen_at.eq(now), presence::updated_at.eq(now)))
            .execute(self.0.conn)?;
        if rows > 0 {
            self.changed(user);
        }
        self.get(user)
    }

    /// Begins, or ends, tracking the user's presence. Someone who is not tracked is not online.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn track(&mut self, user: UserId, tracked: bool) -> Result<Presence> {
        let row = diesel::update(presence::table)
            .filter(presence::tenant_id.eq(self.0.tenant))
            .filter(presence::user_id.eq(user))
            .set((
                presence::is_active.eq(tracked),
                (!tracked).then(|| presence::is_online.eq(false)),
                presence::updated_at.eq(self.0.now()),
            ))
            .returning(Presence::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        self.changed(user);
        found(row.map(|row: Presence| row.told_at(self.0.now())), "presence")
    }

    /// Makes those offline in the table, too, who are online there but were not seen since: they have lost their connection. Says
    /// how many. Housekeeping: an instant a [`Presence::LEASE`] ago changes nothing of what is told.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn sweep(&mut self, unseen_since: impl Into<When>) -> Result<usize> {
        let unseen_since = unseen_since.into().seen_from(self.0.now());
        let gone: Vec<UserId> = diesel::update(presence::table)
            .filter(presence::tenant_id.eq(self.0.tenant))
            .filter(presence::is_online)
            .filter(presence::last_seen_at.lt(unseen_since))
            .set((presence::is_online.eq(false), presence::updated_at.eq(self.0.now())))
            .returning(presence::user_id)
            .get_results(self.0.conn)?;
        gone.iter().for_each(|user| self.changed(*user));
        Ok(gone.len())
    }

    /// Forgets the user's presence.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn delete(&mut self, user: UserId) -> Result<()> {
        let rows = diesel::delete(presence::table)
            .filter(presence::tenant_id.eq(self.0.tenant))
            .filter(presence::user_id.eq(user))
            .execute(self.0.conn)?;
        self.changed(user);
        touched_one(rows, "presence")
    }
}
