//! What a login reads and writes of a user's account: the password's hash, and the count of wrong ones.

use crate::error::found;
use crate::schema::{tenants, users};
use crate::store::{Scope, TenantTx};
use crate::types::required;
use crate::{Email, Result, UserId, UserRole};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

/// The words known of somebody, which must not be their password.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct KnownOf {
    pub(crate) email: Email,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) business_name: String,
}

/// The logins of a tenant's users.
pub struct Logins<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The logins of the tenant's users.
    pub const fn logins(&mut self) -> Logins<'_> {
        Logins(self.0.reborrow())
    }
}

/// The changes that come with a password that somebody chose, given as its bcrypt hash: the account is unlocked, and an open
/// invitation, which could undo it, is void.
#[derive(AsChangeset)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct ChosenPassword {
    password_hash: String,
    verification_token: Option<String>,
    verification_expires_at: Option<DateTime<Utc>>,
    failed_login_attempts: i32,
    locked_until: Option<DateTime<Utc>>,
    known_failed_attempts: i32,
    known_locked_until: Option<DateTime<Utc>>,
    password_role: Option<UserRole>,
    updated_at: DateTime<Utc>,
}

pub(crate) fn chosen_password(hash: &str, now: DateTime<Utc>) -> Result<ChosenPassword> {
    Ok(ChosenPassword {
        password_hash: required("password_hash", hash, 255)?,
        verification_token: None,
        verification_expires_at: None,
        failed_login_attempts: 0,
        locked_until: None,
        known_failed_attempts: 0,
        known_locked_until: None,
        password_role: None,
        updated_at: now,
    })
}

impl Logins<'_> {
    /// The e-mail address that a user logs in with.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn email_of(&mut self, id: UserId) -> Result<Email> {
        let query = users::table.filter(users::tenant_id.eq(self.0.tenant)).filter(users::id.eq(id));
        found(query.select(users::email).first(self.0.conn).optional()?, "user")
    }

    pub(crate) fn known_of(&mut self, id: UserId) -> Result<KnownOf> {
        let query = users::table
            .inner_join(tenants::table.on(tenants::id.eq(users::tenant_id)))
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .select((users::email, users::first_name, users::last_name, tenants::business_name));
        found(query.first(self.0.conn).optional()?, "user")
    }

    /// Notes that the user has logged in now, with the password behind this hash, from a known place or a strange one: the count
    /// of wrong ones from such places begins anew. Says `false`, and changes nothing, when the password, or whether they may log
    /// in, has changed meanwhile.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn record(&mut self, id: UserId, verified_hash: &str, from_known: bool) -> Result<bool> {
        let now = self.0.now();
        let strange = (!from_known).then(|| (users::failed_login_attempts.eq(0), users::locked_until.eq(None::<DateTime<Utc>>)));
        let known = from_known.then(|| (users::known_failed_attempts.eq(0), users::known_locked_until.eq(None::<DateTime<Utc>>)));
        let rows = diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .filter(users::is_active)
            .filter(users::password_hash.eq(verified_hash))
            .set((strange, known, users::last_login_at.eq(now), users::updated_at.eq(now)))
            .execute(self.0.conn)?;
        Ok(rows > 0)
    }

    /// Gives the user another password, its bcrypt hash, if the password is still the one behind the old hash, and unlocks the
    /// account. Says whether it was; else nothing changes. Their sessions are the caller's to end.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] on a broken rule.
    pub fn replace_password_hash(&mut self, id: UserId, old: &str, new: &str) -> Result<bool> {
        let rows = diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .filter(users::password_hash.eq(old))
            .set(chosen_password(new, self.0.now())?)
            .execute(self.0.conn)?;
        Ok(rows > 0)
    }

    /// Keeps the same password by another hash.
    pub(crate) fn rehash(&mut self, id: UserId, old: &str, new: &str) -> Result<()> {
        diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .filter(users::password_hash.eq(old))
            .set((users::password_hash.eq(required("password_hash", new, 255)?), users::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        Ok(())
    }

    /// Takes back the guess that has turned out right, and says whether the password is still the one behind this hash.
    pub(crate) fn take_back_guess(&mut self, id: UserId, verified_hash: &str) -> Result<bool> {
        let rows = diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .filter(users::password_hash.eq(verified_hash))
            .set((
                users::known_failed_attempts.eq(0),
                users::known_locked_until.eq(None::<DateTime<Utc>>),
                users::updated_at.eq(self.0.now()),
            ))
            .execute(self.0.conn)?;
        Ok(rows > 0)
    }
}
