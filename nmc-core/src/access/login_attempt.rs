//! Guesses of a password, counted before they are checked: of any number at once, no more than the
//! limit are looked at. Guesses from where the account has logged in before are counted apart: strangers, however many, lock
//! out strangers alone.

use super::Origin;
use crate::store::{SystemTx, Tenant};
use crate::types::bounds;
use crate::{Email, Error, Result, TenantId, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Inet, Integer, Nullable, Text, Timestamptz, Uuid};
use ipnet::IpNet;
use std::net::IpAddr;

/// How long after a login its address and its device are known.
pub const KNOWN_FOR: TimeDelta = TimeDelta::days(60);

/// The shortest device that is told apart, in characters: what is shorter could be guessed.
pub const SHORTEST_DEVICE: usize = 16;

/// The origin of a guess at a password.
#[derive(Debug, Clone, Copy)]
pub enum GuessOrigin<'o> {
    /// A request that shows nothing but the guess.
    Request(&'o Origin),
    /// A session of the account that is alive, which counts as known.
    LiveSession,
}

/// A guess that may be checked.
#[derive(Clone)]
pub struct LoginAttempt {
    /// The tenant whose account it is at; the proof holds once the password was right.
    pub(crate) tenant: Tenant,
    pub(crate) user: UserId,
    pub(crate) password_hash: String,
    /// Whether it comes from where the account has logged in before.
    pub(crate) is_known: bool,
}

#[derive(QueryableByName)]
struct Claimed {
    #[diesel(sql_type = Uuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = Uuid)]
    id: UserId,
    #[diesel(sql_type = Text)]
    password_hash: String,
    #[diesel(sql_type = Bool)]
    is_known: bool,
}

/// Whether somebody has logged in to the account `k` from this network ($2) or with this device ($3) since $4.
macro_rules! is_known {
    () => {
        "EXISTS (SELECT 1 FROM user_sessions s WHERE s.tenant_id = k.tenant_id AND s.user_id = k.id AND s.created_at > $4 \
         AND (s.ip_address <<= $2 OR s.device_fingerprint = $3))"
    };
}

/// $5: a live session, $6: now, $7: the limit, $8: the end of a lock. What is read of `k` is read once; the counts are read
/// of the row as it is when this statement's turn has come.
const CLAIM: &str = concat!(
    "UPDATE users u SET \
     failed_login_attempts = CASE WHEN s.is_known THEN u.failed_login_attempts \
         WHEN u.locked_until IS NULL THEN u.failed_login_attempts + 1 ELSE 1 END, \
     locked_until = CASE WHEN s.is_known THEN u.locked_until \
         WHEN CASE WHEN u.locked_until IS NULL THEN u.failed_login_attempts + 1 ELSE 1 END >= $7 THEN $8 END, \
     known_failed_attempts = CASE WHEN NOT s.is_known THEN u.known_failed_attempts \
         WHEN u.known_locked_until IS NULL THEN u.known_failed_attempts + 1 ELSE 1 END, \
     known_locked_until = CASE WHEN NOT s.is_known THEN u.known_locked_until \
         WHEN CASE WHEN u.known_locked_until IS NULL THEN u.known_failed_attempts + 1 ELSE 1 END >= $7 THEN $8 END, \
     updated_at = $6 \
     FROM (SELECT k.id, $5 OR ",
    is_known!(),
    " AS is_known FROM users k WHERE k.email = $1) s \
     WHERE u.id = s.id AND u.is_active \
     AND (CASE WHEN s.is_known THEN u.known_locked_until ELSE u.locked_until END <= $6 \
         OR CASE WHEN s.is_known THEN u.known_locked_until ELSE u.locked_until END IS NULL) \
     RETURNING u.tenant_id, u.id, u.password_hash, s.is_known"
);

const KNOWS: &str = concat!("SELECT ", is_known!(), " AS is_known FROM users k WHERE k.email = $1");

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Bool)]
    is_known: bool,
}

/// The network of an address: who has one IPv6 address has the other 2⁶⁴ of its network, too.
fn network(address: IpAddr) -> IpNet {
    let address = address.to_canonical();
    let length = if address.is_ipv4() { 32 } else { 64 };
    IpNet::new(address, length).map_or_else(|_| IpNet::from(address), |network| network.trunc())
}

fn device(origin: &Origin) -> Option<&str> {
    origin.device_fingerprint.as_deref().map(str::trim).filter(|device| device.chars().count() >= SHORTEST_DEVICE)
}

impl SystemTx<'_> {
    /// Counts a guess at the account with this e-mail, and says what it is to be checked against; `None` for an account that
    /// is not there, deactivated or locked for guesses from there. The `limit`th guess in a row from strange places locks the
    /// account for `lock_for` to strangers, unless it turns out right, and the `limit`th from known ones to those; after that
    /// time counting begins anew. One statement.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `limit` is 0 or `lock_for` is not a time to come.
    pub fn claim_login_attempt(
        &mut self,
        email: &Email,
        from: GuessOrigin<'_>,
        limit: u16,
        lock_for: TimeDelta,
    ) -> Result<Option<LoginAttempt>> {
        if limit == 0 {
            return Err(Error::invalid("limit", "must be at least 1"));
        }
        let (now, until) = (self.now(), bounds::end_of("lock_for", self.now(), lock_for)?);
        let (network, device, is_alive) = match from {
            GuessOrigin::Request(origin) => (origin.ip_address.map(network), device(origin), false),
            GuessOrigin::LiveSession => (None, None, true),
        };
        let row: Option<Claimed> = sql_query(CLAIM)
            .bind::<Text, _>(email.as_str())
            .bind::<Nullable<Inet>, _>(network)
            .bind::<Nullable<Text>, _>(device)
            .bind::<Timestamptz, _>(since(now))
            .bind::<Bool, _>(is_alive)
            .bind::<Timestamptz, _>(now)
            .bind::<Integer, _>(i32::from(limit))
            .bind::<Timestamptz, _>(until)
            .get_result(self.conn)
            .optional()?;
        Ok(row.map(|row| LoginAttempt {
            tenant: Tenant::proven(row.tenant_id),
            user: row.id,
            password_hash: row.password_hash,
            is_known: row.is_known,
        }))
    }

    /// Whether the account with this e-mail has logged in from there before, within [`KNOWN_FOR`].
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn knows_origin(&mut self, email: &Email, origin: &Origin) -> Result<bool> {
        let now = self.now();
        let row: Option<Known> = sql_query(KNOWS)
            .bind::<Text, _>(email.as_str())
            .bind::<Nullable<Inet>, _>(origin.ip_address.map(network))
            .bind::<Nullable<Text>, _>(device(origin))
            .bind::<Timestamptz, _>(since(now))
            .get_result(self.conn)
            .optional()?;
        Ok(row.is_some_and(|row| row.is_known))
    }
}

fn since(now: DateTime<Utc>) -> DateTime<Utc> {
    now.checked_sub_signed(KNOWN_FOR).unwrap_or(now)
}

impl std::fmt::Debug for LoginAttempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginAttempt").field("user", &self.user).finish_non_exhaustive()
    }
}
