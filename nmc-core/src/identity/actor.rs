//! Who acts, and whether they may: every request is checked in the transaction that does its work, so that a logout, a
//! changed role or a suspension counts from the next request on, whatever its token says.

use super::access_token::AccessClaims;
use super::random::ApiKeyText;
use super::{Permission, TokenHash};
use crate::error::found;
use crate::schema::{tenants, user_sessions as sessions, users};
use crate::store::{Reason, Store, SystemTx, Tenant, TenantTx};
use crate::{ApiKeyId, Error, Result, SessionId, TenantId, UserId, UserRole};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

/// Somebody who was let in, in one business. Only authentication makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    tenant: Tenant,
    who: Who,
}

#[derive(Debug, Clone, PartialEq)]
enum Who {
    User { id: UserId, role: UserRole, session: SessionId },
    Key { id: ApiKeyId, scopes: Vec<Permission> },
    Operator,
}

impl Actor {
    /// The business they act in.
    #[must_use]
    pub const fn tenant(&self) -> Tenant {
        self.tenant
    }

    /// The user; a program with a key is none.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self.who {
            Who::User { id, .. } => Some(id),
            Who::Key { .. } | Who::Operator => None,
        }
    }

    /// The session a user acts in.
    #[must_use]
    pub const fn session(&self) -> Option<SessionId> {
        match self.who {
            Who::User { session, .. } => Some(session),
            Who::Key { .. } | Who::Operator => None,
        }
    }

    /// The key a program acts with.
    #[must_use]
    pub const fn api_key(&self) -> Option<ApiKeyId> {
        match self.who {
            Who::Key { id, .. } => Some(id),
            Who::User { .. } | Who::Operator => None,
        }
    }

    /// Whether they may.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        match &self.who {
            Who::User { role, .. } => permission.is_of(*role),
            Who::Key { scopes, .. } => scopes.contains(&permission),
            Who::Operator => true,
        }
    }

    /// Insists that they may.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must(&self, permission: Permission) -> Result<()> {
        match (self.may(permission), &self.who) {
            (true, _) => Ok(()),
            (false, Who::Key { .. }) => Err(Error::Forbidden("this API key lacks the scope for that")),
            (false, _) => Err(Error::Forbidden("your role does not allow that")),
        }
    }

    /// Insists that it is about themselves, or that they may do it to others.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must_for(&self, user: UserId, permission: Permission) -> Result<()> {
        if self.user() == Some(user) { Ok(()) } else { self.must(permission) }
    }

    /// Insists that nobody reaches above themselves: `role` is granted, or held by whom it is done to. A key counts as an
    /// admin.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must_outrank(&self, role: UserRole) -> Result<()> {
        let own = match &self.who {
            Who::User { role, .. } => *role,
            Who::Key { .. } => UserRole::Admin,
            Who::Operator => UserRole::Owner,
        };
        if role.rank() <= own.rank() { Ok(()) } else { Err(Error::Forbidden("that takes a higher role than yours")) }
    }
}

/// What somebody shows to be let in. Whether it is in force, [`Store::acting`] finds out.
#[derive(Debug, Clone)]
pub enum Credential {
    /// An access token whose signature was right.
    Token(AccessClaims),
    /// An API key, unchecked.
    Key {
        /// Its public start.
        prefix: String,
        /// Of its secret.
        secret_hash: TokenHash,
    },
}

impl From<ApiKeyText> for Credential {
    fn from(key: ApiKeyText) -> Self {
        Self::Key { prefix: key.prefix().to_owned(), secret_hash: key.hash() }
    }
}

/// A use within this time of the last one that was noted is not noted: a busy client must not write with every request.
const USES_NOTED_APART: TimeDelta = TimeDelta::seconds(60);

const NOT_IN_FORCE: Error = Error::Unauthenticated("the API key is not in force");
const SESSION_OVER: Error = Error::Unauthenticated("the session has ended; log in again");

impl Store {
    /// Runs `work` as whoever holds the credential, in one transaction of their business, which is also where the credential
    /// is checked.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the credential is not in force; what `work` returns.
    pub fn acting<T>(&self, credential: &Credential, work: impl Fn(&mut TenantTx<'_>, &Actor) -> Result<T>) -> Result<T> {
        match credential {
            Credential::Token(claims) => self.tenant(&claims.tenant, |tx| {
                let actor = let_in(tx, claims)?;
                work(tx, &actor)
            }),
            Credential::Key { prefix, secret_hash } => self.found_tenant(
                Reason::Authentication,
                None,
                |tx| tx.find_api_key(prefix, secret_hash)?.ok_or(NOT_IN_FORCE),
                |tx, key| {
                    if key.last_used_at.is_none_or(|last| tx.now() - last > USES_NOTED_APART) {
                        tx.api_keys().mark_used(key.id)?;
                    }
                    // A scope of a later version of this library means nothing to this one.
                    let scopes = key.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
                    work(tx, &Actor { tenant: tx.tenant(), who: Who::Key { id: key.id, scopes } })
                },
            ),
        }
    }
}

/// The user's role; whether user and tenant are active; whether the session is; its end and its last use.
type Standing = (UserRole, bool, bool, DateTime<Utc>, DateTime<Utc>);

/// The holder of a token, if their session, their account and their business still are what they must be.
fn let_in(tx: &mut TenantTx<'_>, claims: &AccessClaims) -> Result<Actor> {
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
    if now - last_used_at >= USES_NOTED_APART {
        match tx.sessions().touch(claims.session) {
            // It ended between the two statements.
            Err(Error::NotFound { .. }) => return Err(SESSION_OVER),
            touched => drop(touched?),
        }
    }
    Ok(Actor { tenant: tx.tenant(), who: Who::User { id: claims.user, role, session: claims.session } })
}

impl SystemTx<'_> {
    /// An operator of the installation, acting in a business: they may do all that its owner may.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn operator_for(&mut self, id: TenantId) -> Result<Actor> {
        let row = found(self.find_tenant(id)?, "tenant")?;
        Ok(Actor { tenant: Tenant::proven(row.id), who: Who::Operator })
    }
}
