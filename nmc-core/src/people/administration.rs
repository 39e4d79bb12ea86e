//! What people do about people, each in the transaction and with the rights of whoever acts: invite, change, deactivate, end
//! sessions. Nobody reaches above their own role, and nobody raises themselves.

use super::account_mail::NOTICE_LIFETIME;
use super::{NewProfile, NewUser, Profile, ProfilePatch, User, UserPatch};
use crate::access::{InvitationToken, NO_PASSWORD, PasswordProof, Permission, Session, SessionFilter};
use crate::error::found;
use crate::store::TenantTx;
use crate::{
    AccountMailKind, Email, Error, Page, PageRequest, Patch, PhoneNumber, Result, SessionEnd, SessionId, Timezone, UserId,
    UserRole,
};
use chrono::TimeDelta;

/// How long an invitation is good for.
pub const INVITATION_LIFETIME: TimeDelta = TimeDelta::days(7);

/// A person to add to a business.
#[derive(Debug, Clone)]
pub struct NewPerson {
    /// The login name; unique over all tenants.
    pub email: Email,
    /// The given name; up to 100 characters.
    pub first_name: String,
    /// The family name; up to 100 characters.
    pub last_name: String,
    /// The phone number at which to reach the person.
    pub phone_number: Option<PhoneNumber>,
    /// The person's time zone; the business's if left out.
    pub timezone: Option<Timezone>,
    /// The person's role, which says what they may do.
    pub role: UserRole,
}

/// Adds a user with profile, preferences and presence.
pub(crate) fn add(tx: &mut TenantTx<'_>, new: &NewPerson, password_hash: &str) -> Result<User> {
    let user = tx.users().create(&NewUser {
        email: new.email.clone(),
        // Anybody may give any address.
        email_verified: false,
        password_hash: password_hash.to_owned(),
        first_name: Some(new.first_name.clone()),
        last_name: Some(new.last_name.clone()),
        role: new.role,
    })?;
    let timezone = match new.timezone {
        Some(zone) => zone,
        None => tx.tenants().get()?.timezone,
    };
    tx.profiles().create(&NewProfile {
        user_id: user.id,
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        display_name: None,
        phone_number: new.phone_number.clone(),
        timezone: Some(timezone),
    })?;
    tx.preferences().create(user.id)?;
    tx.presences().insert_if_missing(user.id)?;
    if new.role == UserRole::Owner {
        tx.users().hold_account_if_free(user.id)?;
    }
    Ok(user)
}

/// Adds somebody who has no password yet, and hands out the invitation with which they choose one. It is shown here alone;
/// its hash is kept.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::UsersWrite`], or for a role above one's own; [`Error::Conflict`] on an e-mail
/// that is taken; [`Error::Invalid`] on a broken rule.
pub fn invite(tx: &mut TenantTx<'_>, new: &NewPerson) -> Result<(User, InvitationToken)> {
    let actor = tx.held_actor()?;
    actor.must(Permission::UsersWrite)?;
    actor.must_grant(new.role)?;
    let user = add(tx, new, NO_PASSWORD)?;
    hand_invitation(tx, user.id)
}

/// Invites somebody again, who lost the invitation or the password. Earlier invitations are void; a password they have
/// stays until the new one is chosen. Somebody who has one is invited again by a role alone that is higher than any
/// they had with it, and an owner by an operator: it could be done to come back as them. Somebody who was deactivated may log in again once they have chosen a password: the one
/// they had, and their keys, are not in force before.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::UsersWrite`], or to somebody too high; [`Error::NotFound`].
pub fn invite_again(tx: &mut TenantTx<'_>, user: UserId) -> Result<(User, InvitationToken)> {
    tx.must(Permission::UsersWrite)?;
    let row = tx.users().lock(user)?;
    let actor = tx.held_actor()?;
    actor.must(Permission::UsersWrite)?;
    actor.must_grant(row.role)?;
    // By the highest role that it has been good for: whoever lowers somebody's could come back as them otherwise.
    if let Some(role) = tx.users().role_of_password(user)? {
        actor.must_reset(role)?;
    }
    hand_invitation(tx, user)
}

fn hand_invitation(tx: &mut TenantTx<'_>, user: UserId) -> Result<(User, InvitationToken)> {
    let token = InvitationToken::random(user)?;
    let user = tx.users().set_invitation(&token, INVITATION_LIFETIME)?;
    Ok((user, token))
}

/// A user's account: one's own, or anybody's with [`Permission::UsersRead`].
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`].
pub fn get_user(tx: &mut TenantTx<'_>, user: UserId) -> Result<User> {
    tx.must_for(user, Permission::UsersRead)?;
    tx.users().get(user)
}

/// Changes a user's account. Of their own, people change the names; roles, and who may log in, are for those with
/// [`Permission::UsersWrite`], up to their own role. One's own e-mail takes the password ([`change_own_user`]), since whoever
/// reads it gets into the account; another's ends their sessions. A verified address is told by mail that it is the account's no more.
/// The profile keeps in step.
///
/// # Errors
/// [`Error::Forbidden`], also to an API key for the e-mail of whom it goes back to; [`Error::NotFound`]; [`Error::Conflict`]
/// on an e-mail that is taken, or when the last owner would go; [`Error::Invalid`] of `current_password` for one's own e-mail,
/// and on a broken rule.
pub fn change_user(tx: &mut TenantTx<'_>, user: UserId, patch: &UserPatch) -> Result<User> {
    change(tx, user, patch, None)
}

/// Changes one's own account, with the password that was shown again. Another e-mail ends one's other sessions.
///
/// # Errors
/// As [`change_user`]; [`Error::Invalid`] of `current_password` when the password was changed meanwhile.
pub fn change_own_user(tx: &mut TenantTx<'_>, proof: &PasswordProof, patch: &UserPatch) -> Result<User> {
    let user = tx.actor().user().ok_or(Error::Forbidden("an API key has no account"))?;
    change(tx, user, patch, Some(proof))
}

fn change(tx: &mut TenantTx<'_>, user: UserId, patch: &UserPatch, proof: Option<&PasswordProof>) -> Result<User> {
    tx.must_for(user, Permission::UsersWrite)?;
    let row = tx.users().lock(user)?;
    let actor = tx.held_actor()?;
    actor.must_for(user, Permission::UsersWrite)?;
    if patch.role.is_some() || patch.is_active.is_some() {
        actor.must(Permission::UsersWrite)?;
    }
    actor.must_outrank(row.role)?;
    if let Some(role) = patch.role {
        actor.must_grant(role)?;
    }
    if patch.is_active == Some(true) && !row.is_active {
        actor.must_grant(row.role)?;
    }
    let is_moved = patch.email.as_ref().is_some_and(|email| *email != row.email);
    if is_moved && actor.goes_back_to() == Some(user) && proof.is_none() {
        return Err(match actor.api_key() {
            Some(_) => Error::Forbidden("an API key can't change the e-mail of the person it goes back to"),
            None => Error::invalid("current_password", "is required to change one's own e-mail"),
        });
    }
    if let Some(PasswordProof(attempt)) = proof
        && !(attempt.user == user && tx.logins().take_back_guess(user, &attempt.password_hash)?)
    {
        return Err(Error::invalid("current_password", "was changed meanwhile"));
    }
    let before = row;
    let row = tx.users().update(user, patch)?;
    if is_moved {
        // Only where it was shown to be theirs: else a stranger reads of somebody's account.
        if before.email_verified {
            tx.account_mails().queue(&before, AccountMailKind::AddressChanged, NOTICE_LIFETIME)?;
        }
        tx.sessions().end_all_of_user(user, actor.session(), SessionEnd::LogoutAll)?;
    }
    if patch.role == Some(UserRole::Owner) {
        tx.users().hold_account_if_free(user)?;
    }
    if let (Patch::Keep, Patch::Keep) = (&patch.first_name, &patch.last_name) {
        return Ok(row);
    }
    // A profile always has both names: what is taken from the account stays there.
    if let Some(profile) = tx.profiles().find_by_user(user)? {
        let names =
            ProfilePatch { first_name: row.first_name.clone(), last_name: row.last_name.clone(), ..ProfilePatch::default() };
        tx.profiles().update(profile.id, &names)?;
    }
    Ok(row)
}

/// Changes a user's profile: one's own, or that of somebody of no higher role with [`Permission::ProfilesWrite`]. Names are
/// the account's, too.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`]; [`Error::Invalid`] on a broken rule.
pub fn change_profile(tx: &mut TenantTx<'_>, user: UserId, patch: &ProfilePatch) -> Result<Profile> {
    may_change(tx, user, Permission::ProfilesWrite)?;
    let profile = tx.profiles().lock_by_user(user)?;
    let profile = tx.profiles().update(profile.id, patch)?;
    if patch.first_name.is_some() || patch.last_name.is_some() {
        let names = UserPatch {
            first_name: Patch::Set(profile.first_name.clone()),
            last_name: Patch::Set(profile.last_name.clone()),
            ..UserPatch::default()
        };
        tx.users().update(user, &names)?;
    }
    Ok(profile)
}

/// Insists that what belongs to a user (profile, preferences, status) may be changed: it is one's own, or one has the
/// permission and they are of no higher role. Holds the user's row.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`].
pub fn may_change(tx: &mut TenantTx<'_>, user: UserId, permission: Permission) -> Result<User> {
    tx.must_for(user, permission)?;
    let row = tx.users().lock(user)?;
    let actor = tx.held_actor()?;
    actor.must_for(user, permission)?;
    if actor.user() != Some(user) {
        actor.must_outrank(row.role)?;
    }
    Ok(row)
}

/// The live sessions of a user, newest first: one's own, or anybody's with [`Permission::SessionsRead`].
///
/// # Errors
/// [`Error::Forbidden`]; also to a program with a key that names no user; [`Error::NotFound`].
pub fn list_sessions(tx: &mut TenantTx<'_>, of: Option<UserId>, page: PageRequest) -> Result<Page<Session>> {
    let user = of.or(tx.actor().user()).ok_or(Error::Forbidden("an API key has no sessions of its own; name a user"))?;
    tx.must_for(user, Permission::SessionsRead)?;
    tx.users().get(user)?;
    tx.sessions().list(&SessionFilter { user: Some(user), is_active: Some(true), ..SessionFilter::default() }, page)
}

/// The session with this id: one's own, or with [`Permission::SessionsRead`] anybody's. Who may not see another's is told that
/// there is none.
///
/// # Errors
/// [`Error::NotFound`].
pub fn get_session(tx: &mut TenantTx<'_>, id: SessionId) -> Result<Session> {
    let actor = tx.known_actor()?;
    let session = tx.sessions().find(id)?.filter(|session| actor.must_for(session.user_id, Permission::SessionsRead).is_ok());
    found(session, "session")
}

/// Ends one session: one's own, or with [`Permission::SessionsEnd`] that of somebody of no higher role. Who may not end
/// another's is told that there is none.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`].
pub fn end_session(tx: &mut TenantTx<'_>, id: SessionId) -> Result<()> {
    let actor = tx.known_actor()?;
    let session = tx.sessions().find(id)?.filter(|session| actor.must_for(session.user_id, Permission::SessionsEnd).is_ok());
    let session = found(session, "session")?;
    if actor.user() != Some(session.user_id) {
        may_change(tx, session.user_id, Permission::SessionsEnd)?;
    }
    tx.sessions().end(id, SessionEnd::Logout).map(drop)
}

/// Ends the session one acts in.
///
/// # Errors
/// [`Error::Forbidden`] to a program with a key, which has none.
pub fn logout(tx: &mut TenantTx<'_>) -> Result<()> {
    let session = tx.actor().session().ok_or(Error::Forbidden("an API key has no session"))?;
    tx.sessions().end(session, SessionEnd::Logout).map(drop)
}

/// Ends all sessions of a user, and says how many: one's own, or with [`Permission::SessionsEnd`] those of somebody of no
/// higher role.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`].
pub fn logout_everywhere(tx: &mut TenantTx<'_>, of: Option<UserId>) -> Result<usize> {
    let user = of.or(tx.actor().user()).ok_or(Error::Forbidden("an API key has no sessions of its own; name a user"))?;
    may_change(tx, user, Permission::SessionsEnd)?;
    tx.sessions().end_all_of_user(user, None, SessionEnd::LogoutAll)
}
