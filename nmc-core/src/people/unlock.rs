//! Letting somebody in again whom wrong passwords have locked out, before the lock ends by itself.

use super::{User, Users, may_change};
use crate::access::Permission;
use crate::error::found;
use crate::schema::users;
use crate::store::TenantTx;
use crate::{Result, UserId};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

impl User {
    /// The instant until which the account is locked, seen from `at`, from strange places or from those known to it: no login
    /// from there is let in, whatever the password. `None`: it is not locked.
    #[must_use]
    pub fn lock_at(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.locked_until.max(self.known_locked_until).filter(|until| *until > at)
    }
}

impl Users<'_> {
    /// Takes the locks off an account, and begins counting wrong passwords anew.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn unlock(&mut self, id: UserId) -> Result<User> {
        let row = diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .set((
                users::failed_login_attempts.eq(0),
                users::locked_until.eq(None::<DateTime<Utc>>),
                users::known_failed_attempts.eq(0),
                users::known_locked_until.eq(None::<DateTime<Utc>>),
                users::updated_at.eq(self.0.now()),
            ))
            .returning(User::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "user")
    }
}

/// Takes the lock off somebody's account.
///
/// # Errors
/// [`crate::Error::Forbidden`] without [`Permission::UsersWrite`], or to somebody of a higher role; [`crate::Error::NotFound`].
pub fn unlock_user(tx: &mut TenantTx<'_>, user: UserId) -> Result<User> {
    tx.must(Permission::UsersWrite)?;
    may_change(tx, user, Permission::UsersWrite)?;
    tx.users().unlock(user)
}
