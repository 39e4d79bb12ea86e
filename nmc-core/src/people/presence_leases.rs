//! Users who are online because a process holds something open for them, such as streams of events.

use super::Presence;
use crate::schema::user_status as presence;
use crate::store::{Reason, Store, SystemTx, Tenant};
use crate::{PresenceId, Result, StreamEventKind, TenantId, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Bool, Timestamptz, Uuid};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps users online for as long as this process holds a lease for them, with a statement for all of them from time to time and none
/// for each. Other processes, and clients that send heartbeats, may keep the same users online: who is let go here becomes offline
/// once nobody else has renewed their presence. What users say of being reachable stays as it is.
pub struct PresenceLeases {
    held: Arc<Mutex<HashMap<Key, Held>>>,
    renewed_every: TimeDelta,
}

type Key = (TenantId, UserId);

#[derive(Default)]
struct Held {
    holders: usize,
    /// When this process last renewed it; `None`: it is to be, at once.
    renewed_at: Option<DateTime<Utc>>,
}

/// The lease that keeps a user online until it is dropped.
#[must_use = "it is held until this is dropped"]
pub struct PresenceLease {
    held: Arc<Mutex<HashMap<Key, Held>>>,
    key: Key,
}

/// The changes that are to be written.
#[derive(Default)]
struct Due {
    /// The users who have just come, and may have no presence yet.
    come: Vec<Key>,
    /// All who are here.
    here: Vec<Key>,
    /// The users for whom nothing is held any more, with the instant of their last renewal.
    gone: Vec<(Key, DateTime<Utc>)>,
}

impl PresenceLeases {
    /// The leases of a process, renewed this often, which is to be the same in all processes, and less than half of
    /// [`Presence::LEASE`].
    #[must_use]
    pub fn new(renewed_every: TimeDelta) -> Self {
        Self { held: Arc::default(), renewed_every }
    }

    /// Keeps the user online from the next [`Self::renew`] on.
    pub fn hold(&self, tenant: &Tenant, user: UserId) -> PresenceLease {
        let key = (tenant.id(), user);
        lock(&self.held).entry(key).or_default().holders += 1;
        PresenceLease { held: Arc::clone(&self.held), key }
    }

    /// Writes the leases that are due. To be called several times in the period of renewal, and when somebody comes. Those whose
    /// presence was not renewed in time by whoever held it, in the businesses of those who are here, become offline, too. Events
    /// tell of changes alone.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is not to be had: it is written by the next call.
    pub fn renew(&self, store: &Store) -> Result<()> {
        let due = self.due(store.now());
        if due.here.is_empty() && due.gone.is_empty() {
            return Ok(());
        }
        let at = store.system(Reason::Presence, |tx| {
            tx.add_presences(&due.come)?;
            tx.renew_presences(&due.here)?;
            tx.end_presences(&due.gone)?;
            Ok(tx.now())
        })?;
        let mut held = lock(&self.held);
        for key in &due.here {
            if let Some(held) = held.get_mut(key) {
                held.renewed_at = Some(at);
            }
        }
        for (key, _) in &due.gone {
            match held.get_mut(key) {
                // Back since: online again, at once.
                Some(back) if back.holders > 0 => back.renewed_at = None,
                _ => drop(held.remove(key)),
            }
        }
        Ok(())
    }

    fn due(&self, now: DateTime<Utc>) -> Due {
        let mut due = Due::default();
        // Whoever else holds it has renewed it in the meantime.
        let for_good = self.renewed_every + self.renewed_every / 2;
        let mut held = lock(&self.held);
        held.retain(|_, held| held.holders > 0 || held.renewed_at.is_some());
        for (key, Held { holders, renewed_at }) in held.iter() {
            match renewed_at {
                None => {
                    due.come.push(*key);
                    due.here.push(*key);
                }
                Some(at) if *holders > 0 && now - at >= self.renewed_every => due.here.push(*key),
                Some(at) if *holders == 0 && now - at >= for_good => due.gone.push((*key, *at)),
                Some(_) => {}
            }
        }
        due
    }
}

impl std::fmt::Debug for PresenceLeases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PresenceLeases").field("users", &lock(&self.held).len()).finish_non_exhaustive()
    }
}

impl Drop for PresenceLease {
    fn drop(&mut self) {
        if let Some(held) = lock(&self.held).get_mut(&self.key) {
            held.holders = held.holders.saturating_sub(1);
        }
    }
}

fn lock(held: &Mutex<HashMap<Key, Held>>) -> MutexGuard<'_, HashMap<Key, Held>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

const ADD_SQL: &str = "
    INSERT INTO user_status (id, tenant_id, user_id, last_seen_at, updated_at)
    SELECT come.id, p.tenant_id, p.user_id, $4, $4
    FROM unnest($1, $2, $3) AS come (id, tenant_id, user_id)
    JOIN user_profiles AS p ON p.tenant_id = come.tenant_id AND p.user_id = come.user_id
    ORDER BY p.user_id
    ON CONFLICT (user_id) DO NOTHING";

/// Rows are locked in one order, so that two processes wait for each other and don't die of it.
const RENEW_SQL: &str = "
    WITH here AS (
        SELECT s.tenant_id, s.id, s.is_online AND s.last_seen_at > $4 AS was_online
        FROM unnest($1, $2) AS held (tenant_id, user_id)
        JOIN user_status AS s ON s.tenant_id = held.tenant_id AND s.user_id = held.user_id
        WHERE s.is_active
        ORDER BY s.id
        FOR NO KEY UPDATE OF s)
    UPDATE user_status AS s SET is_online = true, last_seen_at = $3, updated_at = $3
    FROM here
    WHERE s.tenant_id = here.tenant_id AND s.id = here.id
    RETURNING s.tenant_id, s.user_id, NOT here.was_online AS is_changed";

/// Whoever has renewed it since has moved its instant.
const END_SQL: &str = "
    WITH gone AS (
        SELECT s.tenant_id, s.id
        FROM unnest($1, $2, $3) AS held (tenant_id, user_id, renewed_at)
        JOIN user_status AS s ON s.tenant_id = held.tenant_id AND s.user_id = held.user_id
        WHERE s.is_online AND s.last_seen_at = held.renewed_at
        ORDER BY s.id
        FOR NO KEY UPDATE OF s)
    UPDATE user_status AS s SET is_online = false, updated_at = $4
    FROM gone
    WHERE s.tenant_id = gone.tenant_id AND s.id = gone.id
    RETURNING s.tenant_id, s.user_id, true AS is_changed";

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Uuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = Uuid)]
    user_id: UserId,
    #[diesel(sql_type = Bool)]
    is_changed: bool,
}

impl SystemTx<'_> {
    fn add_presences(&mut self, come: &[Key]) -> Result<()> {
        if come.is_empty() {
            return Ok(());
        }
        let ids: Vec<PresenceId> = come.iter().map(|_| PresenceId::new(self.moment.id())).collect();
        let (tenants, users) = columns(come);
        sql_query(ADD_SQL)
            .bind::<Array<Uuid>, _>(ids)
            .bind::<Array<Uuid>, _>(tenants)
            .bind::<Array<Uuid>, _>(users)
            .bind::<Timestamptz, _>(self.now())
            .execute(self.conn)?;
        Ok(())
    }

    fn renew_presences(&mut self, here: &[Key]) -> Result<()> {
        if here.is_empty() {
            return Ok(());
        }
        let (now, began) = (self.now(), self.now() - Presence::LEASE);
        let (tenants, users) = columns(here);
        let in_these: HashSet<TenantId> = tenants.iter().copied().collect();
        let written: Vec<Written> = sql_query(RENEW_SQL)
            .bind::<Array<Uuid>, _>(tenants)
            .bind::<Array<Uuid>, _>(users)
            .bind::<Timestamptz, _>(now)
            .bind::<Timestamptz, _>(began)
            .load(self.conn)?;
        self.note_presences(&written);
        let expired: Vec<Key> = diesel::update(presence::table)
            .filter(presence::tenant_id.eq_any(in_these))
            .filter(presence::is_online)
            .filter(presence::last_seen_at.le(began))
            .set((presence::is_online.eq(false), presence::updated_at.eq(now)))
            .returning((presence::tenant_id, presence::user_id))
            .get_results(self.conn)?;
        let expired = expired.into_iter().map(|(tenant_id, user_id)| Written { tenant_id, user_id, is_changed: true });
        self.note_presences(&expired.collect::<Vec<_>>());
        Ok(())
    }

    fn end_presences(&mut self, gone: &[(Key, DateTime<Utc>)]) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        let (keys, renewed): (Vec<Key>, Vec<DateTime<Utc>>) = gone.iter().copied().unzip();
        let (tenants, users) = columns(&keys);
        let written: Vec<Written> = sql_query(END_SQL)
            .bind::<Array<Uuid>, _>(tenants)
            .bind::<Array<Uuid>, _>(users)
            .bind::<Array<Timestamptz>, _>(renewed)
            .bind::<Timestamptz, _>(self.now())
            .load(self.conn)?;
        self.note_presences(&written);
        Ok(())
    }

    fn note_presences(&mut self, written: &[Written]) {
        for Written { tenant_id, user_id, .. } in written.iter().filter(|written| written.is_changed) {
            self.scope(*tenant_id).note(StreamEventKind::PresenceChanged, user_id.uuid());
        }
    }
}

fn columns(keys: &[Key]) -> (Vec<TenantId>, Vec<UserId>) {
    keys.iter().copied().unzip()
}
