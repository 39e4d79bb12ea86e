//! Users: the accounts that people of a business log in with.

use crate::access::{NO_PASSWORD, chosen_password};
use crate::error::{found, touched_one};
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::{api_keys, users};
use crate::store::{Scope, TenantTx, stamped};
use crate::types::{named_if_given, required};
use crate::{Confirmed, Email, Patch, Result, SessionEnd, TenantId, UserId, UserRole, Version};
use chrono::{DateTime, Utc};
use diesel::dsl::{case_when, sql};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// One user, without the password's hash, which only a login reads.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = users, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct User {
    pub id: UserId,
    pub tenant_id: TenantId,
    pub email: Email,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub role: UserRole,
    pub is_active: bool,
    #[diesel(select_expression = is_verified(), select_expression_type = IsVerified)]
    pub email_verified: bool,
    pub failed_login_attempts: i32,
    pub locked_until: Option<DateTime<Utc>>,
    pub known_failed_attempts: i32,
    pub known_locked_until: Option<DateTime<Utc>>,
    pub last_login_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl User {
    /// The version of the account, which logins and guesses leave as it is.
    #[must_use]
    pub fn version(&self) -> Version {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (first, last) = (text(&self.first_name), text(&self.last_name));
        let active = if self.is_active { "active" } else { "" };
        Version::of_content(&[self.email.as_str(), &first, &last, self.role.label(), active])
    }
}

/// A user to add.
#[derive(Clone)]
pub struct NewUser {
    /// The login name; unique over all tenants.
    pub email: Email,
    /// The password's bcrypt hash in modular crypt format, never the password.
    pub password_hash: String,
    /// The given name; up to 100 characters.
    pub first_name: Option<String>,
    /// The family name; up to 100 characters.
    pub last_name: Option<String>,
    /// The user's role, which says what they may do.
    pub role: UserRole,
    /// Whether the address is known to be theirs: a token that was mailed to it came back, or somebody vouches for it.
    pub email_verified: bool,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser").field("role", &self.role).field("email_verified", &self.email_verified).finish_non_exhaustive()
    }
}

/// Changes of a user. Their profile takes over e-mail and role in the same transaction.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct UserPatch {
    /// The login name; unique over all tenants.
    pub email: Option<Email>,
    /// The given name.
    pub first_name: Patch<String>,
    /// The family name.
    pub last_name: Patch<String>,
    /// The user's role, which says what they may do.
    pub role: Option<UserRole>,
    /// Whether the user may log in. Someone who no longer may loses their sessions in the same transaction.
    pub is_active: Option<bool>,
}

/// A filter of users. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct UserFilter {
    /// The role of the users.
    pub role: Option<UserRole>,
    /// Whether the users may log in.
    pub is_active: Option<bool>,
    /// The instant at which the users are locked out, be it from strange places or from known ones.
    pub locked_at: Option<DateTime<Utc>>,
    /// Whether the users have got the password wrong since their last login.
    pub failed_logins: Option<bool>,
    /// The instant before which the users' last login was; someone who has never logged in has none.
    pub last_login_before: Option<DateTime<Utc>>,
}

/// A tenant's users.
pub struct Users<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's users.
    pub const fn users(&mut self) -> Users<'_> {
        Users(self.0.reborrow())
    }
}

type IsVerified = diesel::dsl::And<users::email_verified, diesel::dsl::IsNotNull<users::email_verified_at>>;

/// Whether the address is known to be the user's. Programs older than `email_verified_at` write `email_verified` alone.
pub(super) fn is_verified() -> IsVerified {
    users::email_verified.and(users::email_verified_at.is_not_null())
}

/// The predicate of `users_failed_login_attempts_idx`, to the letter: PostgreSQL can't match it with bound values.
const FAILED_SQL: &str = "failed_login_attempts > 0";

fn filtered<'q, ST>(mut query: users::BoxedQuery<'q, Pg, ST>, filter: &UserFilter) -> users::BoxedQuery<'q, Pg, ST> {
    if let Some(role) = filter.role {
        query = query.filter(users::role.eq(role));
    }
    if let Some(active) = filter.is_active {
        query = query.filter(users::is_active.eq(active));
    }
    if let Some(at) = filter.locked_at {
        query = query.filter(users::locked_until.gt(at).or(users::known_locked_until.gt(at)));
    }
    match filter.failed_logins {
        Some(true) => query = query.filter(sql::<Bool>(FAILED_SQL)),
        Some(false) => query = query.filter(users::failed_login_attempts.eq(0)),
        None => {}
    }
    if let Some(before) = filter.last_login_before {
        query = query.filter(users::last_login_at.lt(before));
    }
    query
}

impl Users<'_> {
    /// The user, if they are there.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn find(&mut self, id: UserId) -> Result<Option<User>> {
        Ok(User::query().filter(users::tenant_id.eq(self.0.tenant)).filter(users::id.eq(id)).first(self.0.conn).optional()?)
    }

    /// The user with this id.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn get(&mut self, id: UserId) -> Result<User> {
        found(self.find(id)?, "user")
    }

    /// The user, who stays as they are until the transaction ends.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn lock(&mut self, id: UserId) -> Result<User> {
        let query = User::query().filter(users::tenant_id.eq(self.0.tenant)).filter(users::id.eq(id)).for_no_key_update();
        found(query.first(self.0.conn).optional()?, "user")
    }

    /// The user with this e-mail, if they are this tenant's.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_by_email(&mut self, email: &Email) -> Result<Option<User>> {
        Ok(User::query()
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::email.eq(email))
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of users, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>> {
        let query = filtered(User::query().filter(users::tenant_id.eq(self.0.tenant)).into_boxed(), filter);
        let rows = keyset(query, page, users::created_at, users::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &User| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of users that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &UserFilter) -> Result<i64> {
        let query = users::table.filter(users::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter).get_result(self.0.conn)?)
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] on an e-mail that is taken, [`crate::Error::Invalid`] on a broken rule.
    pub fn create(&mut self, new: &NewUser) -> Result<User> {
        let id = UserId::new(self.0.moment.id());
        Ok(diesel::insert_into(users::table)
            .values((
                users::email.eq(&new.email),
                users::password_hash.eq(required("password_hash", &new.password_hash, 255)?),
                users::first_name.eq(named_if_given("first_name", new.first_name.as_deref(), 100)?),
                users::last_name.eq(named_if_given("last_name", new.last_name.as_deref(), 100)?),
                users::role.eq(new.role),
                users::email_verified.eq(new.email_verified),
                users::email_verified_at.eq(new.email_verified.then(|| self.0.now())),
                stamped!(users, self.0, id),
            ))
            .returning(User::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Changes a user, and what follows from it. Another e-mail is not verified. It makes an open invitation void, as another role does: whoever
    /// was shown it could come in with that.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Conflict`] on an e-mail that is taken, or when the last owner would go;
    /// [`crate::Error::Invalid`] on a broken rule.
    pub fn update(&mut self, id: UserId, patch: &UserPatch) -> Result<User> {
        if patch.is_active == Some(false) || patch.role.is_some_and(|role| role != UserRole::Owner) {
            self.let_go_as_owner(id)?;
        }
        if let Some(role) = patch.role {
            self.withdraw_invitation_unless(id, role)?;
            self.keep_role_of_password(id, role)?;
        }
        let now = self.0.now();
        let row: Option<User> = diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .set((
                patch.first_name.name("first_name", 100)?.map(|value| users::first_name.eq(value)),
                patch.last_name.name("last_name", 100)?.map(|value| users::last_name.eq(value)),
                // An invitation went to the old address, and is not for whoever reads that.
                patch.email.as_ref().map(|value| {
                    (
                        users::email_verified.eq(case_when(users::email.eq(value), users::email_verified).otherwise(false)),
                        users::email_verified_at.eq(case_when(users::email.eq(value), users::email_verified_at)),
                        users::email_changed_at
                            .eq(case_when(users::email.eq(value), users::email_changed_at).otherwise(Some(now))),
                        users::verification_token.eq(case_when(users::email.eq(value), users::verification_token)),
                        users::verification_expires_at.eq(case_when(users::email.eq(value), users::verification_expires_at)),
                    )
                }),
                patch.email.as_ref().map(|value| users::email.eq(value)),
                patch.role.map(|value| users::role.eq(value)),
                patch.is_active.map(|value| users::is_active.eq(value)),
                users::updated_at.eq(now),
            ))
            .returning(User::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        let user = found(row, "user")?;
        // Both under the lock of the user's row, so that of two changes the profile repeats the later one.
        if patch.email.is_some() || patch.role.is_some() {
            self.0.tx().profiles().follow(id, &user.email, user.role)?;
        }
        if patch.is_active == Some(false) {
            self.withdraw_invitation(id)?;
            self.0.tx().sessions().end_all_of_user(id, None, SessionEnd::Deactivated)?;
        }
        Ok(user)
    }

    /// Whether the user has chosen a password yet.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub fn has_password(&mut self, id: UserId) -> Result<bool> {
        Ok(self.role_of_password(id)?.is_some())
    }

    /// The highest role that the password which the user has chosen was ever good for; `None` without one.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`].
    pub(super) fn role_of_password(&mut self, id: UserId) -> Result<Option<UserRole>> {
        let query = users::table.filter(users::tenant_id.eq(self.0.tenant)).filter(users::id.eq(id));
        let columns = (users::password_hash.ne(NO_PASSWORD), users::role, users::password_role);
        let row: Option<(bool, UserRole, Option<UserRole>)> = query.select(columns).first(self.0.conn).optional()?;
        let (has_password, role, before) = found(row, "user")?;
        let highest = before.filter(|before| before.rank() > role.rank()).unwrap_or(role);
        Ok(has_password.then_some(highest))
    }

    /// Remembers what role the password has been good for, before a lower one takes its place.
    fn keep_role_of_password(&mut self, id: UserId, next: UserRole) -> Result<()> {
        let Some(highest) = self.role_of_password(id)?.filter(|highest| next.rank() < highest.rank()) else { return Ok(()) };
        diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .set(users::password_role.eq(highest))
            .execute(self.0.conn)?;
        Ok(())
    }

    /// Gives the user another password, its bcrypt hash, and unlocks the account. Their sessions are the caller's to end
    /// ([`crate::access::Sessions::end_all_of_user`]).
    ///
    /// # Errors
    /// [`crate::Error::NotFound`], or [`crate::Error::Invalid`] on a broken rule.
    pub fn set_password_hash(&mut self, id: UserId, hash: &str) -> Result<User> {
        let row = diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .set(chosen_password(hash, self.0.now())?)
            .returning(User::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "user")
    }

    /// Removes a user, and the API keys that go back to them. Someone whom conversations name can only be deactivated; that is
    /// known when the transaction commits.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`]; [`crate::Error::Conflict`] as above, and on the last owner.
    pub fn delete(&mut self, id: UserId, _: Confirmed) -> Result<()> {
        // Holds the row: a key that is being made for them is there to be removed, or finds nobody.
        self.let_go_as_owner(id)?;
        diesel::delete(api_keys::table)
            .filter(api_keys::tenant_id.eq(self.0.tenant))
            .filter(api_keys::created_by.eq(id))
            .execute(self.0.conn)?;
        let rows = diesel::delete(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .execute(self.0.conn)?;
        touched_one(rows, "user")
    }
}
