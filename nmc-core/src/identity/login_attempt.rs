//! Guesses of a password, counted before they are checked (source lines 1123–1124): of any number at once, no more than the
//! limit are looked at.

use crate::schema::users;
use crate::store::{SystemTx, Tenant};
use crate::types::bounds;
use crate::{Email, Error, Result, TenantId, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Timestamptz};

/// A guess that may be checked.
#[derive(Clone)]
pub struct LoginAttempt {
    /// Whose account it is at; the proof holds once the password was right.
    pub(super) tenant: Tenant,
    pub(super) user: UserId,
    pub(super) password_hash: String,
}

impl SystemTx<'_> {
    /// Counts a guess at the account with this e-mail, and says what it is to be checked against; `None` for an account that
    /// is not there, deactivated or locked. The `limit`th guess in a row locks the account for `lock_for`, unless it turns
    /// out right; after that time counting begins anew. One statement.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `limit` is 0 or `lock_for` is not a time to come.
    pub fn claim_login_attempt(&mut self, email: &Email, limit: u16, lock_for: TimeDelta) -> Result<Option<LoginAttempt>> {
        if limit == 0 {
            return Err(Error::invalid("limit", "must be at least 1"));
        }
        let (now, until) = (self.now(), bounds::end_of("lock_for", self.now(), lock_for)?);
        let attempts =
            case_when(users::locked_until.is_not_null(), 1_i32.into_sql::<Integer>()).otherwise(users::failed_login_attempts + 1);
        let row: Option<(TenantId, UserId, String)> = diesel::update(users::table)
            .filter(users::email.eq(email))
            .filter(users::is_active)
            .filter(users::locked_until.is_null().or(users::locked_until.assume_not_null().le(now)))
            .set((
                users::failed_login_attempts.eq(attempts),
                users::locked_until.eq(case_when(attempts.ge(i32::from(limit)), until.into_sql::<Nullable<Timestamptz>>())
                    .otherwise(None::<DateTime<Utc>>.into_sql::<Nullable<Timestamptz>>())),
                users::updated_at.eq(now),
            ))
            .returning((users::tenant_id, users::id, users::password_hash))
            .get_result(self.conn)
            .optional()?;
        Ok(row.map(|(tenant, user, password_hash)| LoginAttempt { tenant: Tenant::proven(tenant), user, password_hash }))
    }
}

impl std::fmt::Debug for LoginAttempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginAttempt").field("user", &self.user).finish_non_exhaustive()
    }
}
