//! Invitations (`users.verification_token`): with one, somebody who was
//! added by a colleague chooses their password.

use super::account_mail::verified_at;
use super::{User, Users};
use crate::access::{Authenticator, InvitationToken, NO_PASSWORD, Password, chosen_password, must_not_name};
use crate::error::found;
use crate::schema::{tenants, users};
use crate::store::{Reason, SystemTx, Tenant};
use crate::types::bounds;
use crate::{Email, Error, Result, Secret, SessionEnd, TenantId, UserId, UserRole};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

impl Users<'_> {
    /// Invites a user to choose a password, for so long. An invitation they had before is void.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Invalid`] when `good_for` is not a time to come.
    pub fn set_invitation(&mut self, token: &InvitationToken, good_for: TimeDelta) -> Result<User> {
        let row = diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(token.user()))
            .set((
                users::verification_token.eq(token.hash().hex()),
                users::verification_expires_at.eq(bounds::end_of("good_for", self.0.now(), good_for)?),
                users::updated_at.eq(self.0.now()),
            ))
            .returning(User::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        found(row, "user")
    }

    /// Makes an open invitation void.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub(super) fn withdraw_invitation(&mut self, id: UserId) -> Result<()> {
        diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id))
            .filter(users::verification_token.is_not_null())
            .set((
                users::verification_token.eq(None::<String>),
                users::verification_expires_at.eq(None::<DateTime<Utc>>),
                users::updated_at.eq(self.0.now()),
            ))
            .execute(self.0.conn)?;
        Ok(())
    }

    /// Makes an open invitation void, unless the user has this role.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub(super) fn withdraw_invitation_unless(&mut self, id: UserId, role: UserRole) -> Result<()> {
        let query = users::table.filter(users::tenant_id.eq(self.0.tenant)).filter(users::id.eq(id));
        let is_other: Option<bool> = query.select(users::role.ne(role)).for_no_key_update().first(self.0.conn).optional()?;
        if is_other == Some(true) { self.withdraw_invitation(id) } else { Ok(()) }
    }

    /// Spends an invitation that was shown: the user gets this password, its bcrypt hash, and is active. That the address is theirs it does not
    /// show.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `invitation` when it is not in force.
    pub fn accept_invitation(&mut self, token: &InvitationToken, password_hash: &str) -> Result<User> {
        self.spend_invitation(token.user(), &token.hash().hex(), password_hash, false)
    }

    /// Spends the invitation that is kept as this hash. One that came by mail shows that the address is the user's: another address
    /// makes it void.
    fn spend_invitation(&mut self, user: UserId, kept: &str, password_hash: &str, by_mail: bool) -> Result<User> {
        let now = self.0.now();
        let row = diesel::update(users::table)
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(user))
            // Whoever is deactivated has none but one that came afterwards.
            .filter(users::verification_token.eq(kept))
            .filter(users::verification_expires_at.gt(now))
            .set((chosen_password(password_hash, now)?, by_mail.then(|| verified_at(now)), users::is_active.eq(true)))
            .returning(User::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        row.ok_or_else(void)
    }
}

impl Authenticator {
    /// Chooses the password of somebody who was invited, with the token that was shown or the one of a mail, which makes them known as
    /// the holder of their address, too. The invitation is spent; sessions they have are ended.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `invitation` when it is not in force, or of `password` when it can't be one.
    pub fn accept_invitation(&self, invitation: &Secret, password: &Secret) -> Result<User> {
        let token: InvitationToken = invitation.expose().parse()?;
        // Looked at first, so that nobody has us hash for nothing, and a page can ask whether it is in force with a password that
        // can't be one; decided when it is spent.
        let find = |tx: &mut SystemTx<'_>| {
            let kept = tx.find_invitation(&token)?;
            let is_it =
                |(tenant, kept): &(Tenant, String)| token.hash().is(kept) || token.is_by_mail(self.keys(), tenant.id(), kept);
            kept.filter(is_it).ok_or_else(void)
        };
        self.store().system(Reason::Authentication, find)?;
        let password = Password::new("password", password)?;
        let hash = self.hasher().hash(&password)?;
        self.store().found_by_worker(Reason::Authentication, None, find, |tx, kept| {
            must_not_name(tx, token.user(), &password, "password")?;
            let user = tx.users().spend_invitation(token.user(), &kept, &hash, !token.hash().is(&kept))?;
            tx.sessions().end_all_of_user(user.id, None, SessionEnd::PasswordChanged)?;
            Ok(user)
        })
    }

    /// Frees an address that nothing holds but an invitation that was not accepted in its time, and says whether it did: the
    /// account that was never anybody's is removed. Who invited may invite again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub(crate) fn free_address(&self, email: &Email) -> Result<bool> {
        match self.store().system(Reason::Authentication, |tx| tx.remove_lapsed(email)) {
            // Something in that business names the account, which then stays.
            Err(Error::Conflict { .. }) => Ok(false),
            freed => freed,
        }
    }
}

impl SystemTx<'_> {
    fn remove_lapsed(&mut self, email: &Email) -> Result<bool> {
        let end = users::verification_expires_at;
        let rows = diesel::delete(users::table)
            .filter(users::email.eq(email))
            .filter(users::password_hash.eq(NO_PASSWORD))
            .filter(users::last_login_at.is_null())
            .filter(end.is_null().or(end.assume_not_null().le(self.now())))
            .execute(self.conn)?;
        Ok(rows > 0)
    }

    /// The tenant that an invitation is into, if it is in force and its secret is right.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn find_invited(&mut self, token: &InvitationToken) -> Result<Option<Tenant>> {
        let kept = self.find_invitation(token)?.filter(|(_, kept)| token.hash().is(kept));
        Ok(kept.map(|(tenant, _)| tenant))
    }

    /// The invitation in force of the user of a token: the tenant, and the hash that is kept of it.
    fn find_invitation(&mut self, token: &InvitationToken) -> Result<Option<(Tenant, String)>> {
        let row: Option<(TenantId, Option<String>)> = users::table
            .inner_join(tenants::table.on(tenants::id.eq(users::tenant_id)))
            .filter(users::id.eq(token.user()))
            .filter(tenants::is_active)
            .filter(users::verification_expires_at.gt(self.now()))
            .select((users::tenant_id, users::verification_token))
            .first(self.conn)
            .optional()?;
        Ok(row.and_then(|(tenant, kept)| Some((Tenant::proven(tenant), kept?))))
    }
}

/// Used up, replaced, too old or never made: whoever shows it hears no more than that.
fn void() -> Error {
    Error::invalid("invitation", "must be in force: it is used up, replaced or too old")
}
