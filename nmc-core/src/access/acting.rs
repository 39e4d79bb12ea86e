//! How somebody comes to act, and whether they may: every request is checked in the transaction that does its work, so that a
//! logout, a changed role or a suspension counts from the next request on, whatever its token says.

use super::access_token::AccessClaims;
use super::api_key::USES_NOTED_APART;
use super::random::ApiKeyText;
use super::{Permission, TokenHash};
use crate::actor::{Actor, ActorKind};
use crate::schema::{tenants, user_sessions as sessions, users};
use crate::store::{Reason, Store, Tenant, TenantTx, Transactions};
use crate::{Error, Result, TenantId, UserId, UserRole};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use std::borrow::Cow;

/// The credential that somebody shows to be let in. Whether it is in force, [`Store::acting`] finds out.
#[derive(Debug, Clone)]
pub enum Credential {
    /// An access token whose signature was right.
    Token(AccessClaims),
    /// An API key, unchecked.
    Key {
        /// The public start of the key.
        prefix: String,
        /// The hash of the key's secret.
        secret_hash: TokenHash,
    },
}

impl From<ApiKeyText> for Credential {
    fn from(key: ApiKeyText) -> Self {
        Self::Key { prefix: key.prefix().to_owned(), secret_hash: key.hash() }
    }
}

/// The actor of several transactions that follow one another, because the outside world is asked in between: each is opened anew
/// as that actor, and makes sure that they still may.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Acting {
    /// Whoever holds this credential, as [`Store::acting`] has it.
    Holder(Credential),
    /// An operator of the installation, in this tenant: [`Store::as_operator`].
    Operator(Tenant),
    /// The embedding application, in this tenant, for nobody in particular: [`Store::tenant`].
    Application(Tenant),
    /// The embedding application, in this tenant, on behalf of a user: [`Store::tenant_on_behalf_of`].
    OnBehalfOf(Tenant, UserId),
}

impl From<Credential> for Acting {
    fn from(credential: Credential) -> Self {
        Self::Holder(credential)
    }
}

impl Acting {
    /// Runs `work` as this actor, in a transaction of their own.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when a credential is not in force; what `work` returns.
    pub fn transaction<T>(&self, store: &Store, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        match self {
            Self::Holder(credential) => store.acting(credential, work),
            Self::Operator(tenant) => store.as_operator(tenant, work),
            Self::Application(tenant) => store.tenant(tenant, work),
            Self::OnBehalfOf(tenant, user) => store.tenant_on_behalf_of(tenant, *user, work),
        }
    }

    /// Runs `work` as this actor, in a transaction of their own that writes nothing and reads one state: [`Store::reading`].
    ///
    /// # Errors
    /// As [`Self::transaction`].
    pub fn reading<T>(&self, store: &Store, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        let reading = store.reading();
        match self {
            Self::Holder(credential) => reading.acting(credential, work),
            Self::Operator(tenant) => reading.as_operator(tenant, work),
            Self::Application(tenant) => reading.tenant(tenant, work),
            Self::OnBehalfOf(tenant, user) => reading.tenant_on_behalf_of(tenant, *user, work),
        }
    }
}

impl Store {
    /// Runs `work` as whoever holds the credential, in one transaction of their business, which is also where the credential
    /// is checked.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the credential is not in force; what `work` returns.
    pub fn acting<T>(&self, credential: &Credential, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.failing_with().acting(credential, work)
    }
}

impl<E: From<Error>> Transactions<'_, E> {
    /// Runs a transaction as whoever shows a credential, as [`Store::acting`] does.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn acting<T>(&self, credential: &Credential, work: impl Fn(&mut TenantTx<'_>) -> Result<T, E>) -> Result<T, E> {
        match credential {
            Credential::Token(claims) => {
                let (result, is_new_use) = self.worker(&claims.tenant, |tx| {
                    let (actor, last_used_at) = let_in(tx, claims)?;
                    let result = tx.acting_as(&actor, &work)?;
                    let is_new_use = tx.now() - last_used_at >= USES_NOTED_APART;
                    // Last, so that requests of one session at once wait for each other no longer than for a commit.
                    if is_new_use && !self.only_read() {
                        touch(tx, claims)?;
                    }
                    Ok((result, is_new_use))
                })?;
                if is_new_use && self.only_read() {
                    self.note_apart(&claims.tenant, |tx| touch(tx, claims));
                }
                Ok(result)
            }
            Credential::Key { prefix, secret_hash } => {
                let (result, tenant, used) = self.found_by_worker(
                    Reason::Authentication,
                    None,
                    |tx| tx.find_key_and_human(prefix, secret_hash)?.ok_or_else(|| NOT_IN_FORCE.into()),
                    |tx, (key, human)| {
                        // A scope of a later version of this library means nothing to this one.
                        let scopes = key.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
                        let result = tx.acting_as(&Actor::of_key(key.id, scopes, human), &work)?;
                        let is_new_use = key.last_used_at.is_none_or(|last| tx.now() - last > USES_NOTED_APART);
                        if is_new_use && !self.only_read() {
                            tx.api_keys().mark_used(key.id)?;
                        }
                        Ok((result, tx.tenant(), is_new_use.then_some(key.id)))
                    },
                )?;
                if let Some(key) = used.filter(|_| self.only_read()) {
                    self.note_apart(&tenant, |tx| tx.api_keys().mark_used(key).map(drop));
                }
                Ok(result)
            }
        }
    }
}

/// Notes that a session is used, which may just have been ended.
fn touch(tx: &mut TenantTx<'_>, claims: &AccessClaims) -> Result<()> {
    match tx.sessions().touch(claims.session) {
        Err(Error::NotFound { .. }) => Ok(()),
        touched => touched.map(drop),
    }
}

impl<'a> TenantTx<'a> {
    /// Whether whoever acts has this permission. Costs a statement where an application acts on behalf of a user, whose role is
    /// read then.
    ///
    /// # Errors
    /// [`Error::Forbidden`] when that user is unknown in this tenant, or deactivated.
    pub fn may(&mut self, permission: Permission) -> Result<bool> {
        Ok(self.known_actor()?.may(permission))
    }

    /// Insists that whoever acts has this permission.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must(&mut self, permission: Permission) -> Result<()> {
        self.known_actor()?.must(permission)
    }

    /// Insists that an act is about the user who acts, or that they have this permission over others.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must_for(&mut self, user: UserId, permission: Permission) -> Result<()> {
        self.known_actor()?.must_for(user, permission)
    }

    /// The actor of the transaction, with what they may do.
    pub(crate) fn known_actor(&mut self) -> Result<Cow<'a, Actor>> {
        let actor = self.actor();
        let Some(user) = actor.user().filter(|_| actor.is_of_unknown_role()) else { return Ok(Cow::Borrowed(actor)) };
        let role = active(role_of(self.0.tenant, user).first(self.0.conn).optional()?);
        Ok(Cow::Owned(actor.with_role(role.ok_or(NOBODYS_BEHALF)?)))
    }

    /// The actor of the transaction, with the role they have now, or has whom their key goes back to, which stays until the
    /// transaction ends: whoever takes it from them comes before this, and is obeyed, or waits.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when they are deactivated meanwhile; [`Error::Forbidden`] when it is a user on whose behalf the
    /// application acts.
    pub(crate) fn held_actor(&mut self) -> Result<Cow<'a, Actor>> {
        let actor = self.actor();
        let Some(user) = actor.goes_back_to() else { return Ok(Cow::Borrowed(actor)) };
        let role = active(role_of(self.0.tenant, user).for_share().first(self.0.conn).optional()?);
        let role = role.ok_or(match actor.kind() {
            ActorKind::ApiKey => NOT_IN_FORCE,
            ActorKind::User => SESSION_OVER,
            _ => NOBODYS_BEHALF,
        })?;
        Ok(Cow::Owned(actor.with_role(role)))
    }
}

const NOT_IN_FORCE: Error = Error::Unauthenticated("the API key is not in force");
const SESSION_OVER: Error = Error::Unauthenticated("the session has ended; log in again");
const NOBODYS_BEHALF: Error = Error::Forbidden("the user on whose behalf this is done is unknown here, or deactivated");

/// A user's role, and whether they are active.
#[diesel::dsl::auto_type]
fn role_of(tenant: TenantId, user: UserId) -> _ {
    users::table.filter(users::tenant_id.eq(tenant)).filter(users::id.eq(user)).select((users::role, users::is_active))
}

/// The role of somebody who is active.
fn active(row: Option<(UserRole, bool)>) -> Option<UserRole> {
    row.filter(|(_, is_active)| *is_active).map(|(role, _)| role)
}

/// The user's role; whether user and tenant are active; whether the session is; its end and its last use.
type Standing = (UserRole, bool, bool, DateTime<Utc>, DateTime<Utc>);

/// The holder of a token, if their session, their account and their business still are what they must be; and when it was
/// last used.
fn let_in(tx: &mut TenantTx<'_>, claims: &AccessClaims) -> Result<(Actor, DateTime<Utc>)> {
    let now = tx.now();
    let row: Option<Standing> = sessions::table
        .inner_join(users::table.on(users::tenant_id.eq(tx.0.tenant).and(users::id.eq(sessions::user_id))))
        .inner_join(tenants::table.on(tenants::id.eq(tx.0.tenant)))
        .filter(sessions::tenant_id.eq(tx.0.tenant))
        .filter(sessions::id.eq(claims.session))
        .filter(sessions::user_id.eq(claims.user))
        .select((
            users::role,
            users::is_active.and(tenants::is_active),
            sessions::is_active,
            sessions::expires_at,
            sessions::last_used_at,
        ))
        .first(tx.0.conn)
        .optional()?;
    let (role, is_active, lives, expires_at, last_used_at) = row.ok_or(SESSION_OVER)?;
    if !is_active || !lives || expires_at <= now {
        return Err(SESSION_OVER);
    }
    Ok((Actor::of_user(claims.user, role, claims.session), last_used_at))
}
