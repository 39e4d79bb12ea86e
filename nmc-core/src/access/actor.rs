//! Who acts, and whether they may: every request is checked in the transaction that does its work, so that a logout, a
//! changed role or a suspension counts from the next request on, whatever its token says.

use super::access_token::AccessClaims;
use super::api_key::USES_NOTED_APART;
use super::random::ApiKeyText;
use super::{Permission, TokenHash};
use crate::error::found;
use crate::schema::{tenants, user_sessions as sessions, users};
use crate::store::{Reason, Store, SystemTx, Tenant, TenantTx};
use crate::{ApiKeyId, Error, Result, SessionId, TenantId, UserId, UserRole};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

/// Somebody who was let in, in one business. Only authentication makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
    tenant: Tenant,
    who: Who,
}

#[derive(Debug, Clone, PartialEq)]
enum Who {
    User {
        id: UserId,
        role: UserRole,
        session: SessionId,
    },
    /// `human`: the user the key goes back to, with their role; `None` for a key that an operator made for nobody.
    Key {
        id: ApiKeyId,
        scopes: Vec<Permission>,
        human: Option<(UserId, UserRole)>,
    },
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

    /// The person behind it: the user, or whom the key goes back to.
    #[must_use]
    pub const fn goes_back_to(&self) -> Option<UserId> {
        match self.who {
            Who::User { id, .. } | Who::Key { human: Some((id, _)), .. } => Some(id),
            Who::Key { human: None, .. } | Who::Operator => None,
        }
    }

    /// Whether it is an operator of the installation.
    #[must_use]
    pub const fn is_operator(&self) -> bool {
        matches!(self.who, Who::Operator)
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

    /// Insists that nobody reaches above themselves: it is done to somebody of this role. A key counts as an admin, or as
    /// whom it goes back to if that is less.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must_outrank(&self, role: UserRole) -> Result<()> {
        if role.rank() <= self.rank() { Ok(()) } else { Err(TOO_HIGH) }
    }

    /// Insists that they may make somebody of this role: one no higher than theirs, and a key must have all that the role
    /// has, or it would get more by coming back as that somebody.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must_grant(&self, role: UserRole) -> Result<()> {
        self.must_outrank(role)?;
        let all = || Permission::ALL.iter().all(|permission| !permission.is_of(role) || self.may(*permission));
        match self.who {
            Who::Key { .. } if !all() => Err(Error::Forbidden("this API key lacks scopes that the role has")),
            _ => Ok(()),
        }
    }

    /// Insists that they may let somebody of this role choose another password: of people, only a higher role may, since
    /// whoever does it could come back as them.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn must_reset(&self, role: UserRole) -> Result<()> {
        self.must_grant(role)?;
        self.must_stand_above(role)
    }

    /// Insists that they are of a higher role than this, or an operator.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(super) fn must_stand_above(&self, role: UserRole) -> Result<()> {
        let higher = matches!(self.who, Who::Operator) || role.rank() < self.rank();
        if higher { Ok(()) } else { Err(TOO_HIGH) }
    }

    fn rank(&self) -> u8 {
        match &self.who {
            Who::User { role, .. } => role.rank(),
            Who::Key { human, .. } => human.map_or(UserRole::Admin, |(_, role)| role).rank().min(UserRole::Admin.rank()),
            Who::Operator => UserRole::Owner.rank(),
        }
    }

    /// The same with the role they have now, or has whom their key goes back to, which stays until the transaction ends:
    /// whoever takes it from them comes before this, and is obeyed, or waits.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when they are deactivated meanwhile.
    pub(crate) fn held(&self, tx: &mut TenantTx<'_>) -> Result<Self> {
        let Some(id) = self.goes_back_to() else { return Ok(self.clone()) };
        let row: Option<(UserRole, bool)> = users::table
            .filter(users::tenant_id.eq(tx.0.tenant))
            .filter(users::id.eq(id))
            .select((users::role, users::is_active))
            .for_share()
            .first(tx.0.conn)
            .optional()?;
        let role = row.filter(|(_, is_active)| *is_active).map(|(role, _)| role);
        let who = match &self.who {
            Who::User { session, .. } => Who::User { id, role: role.ok_or(SESSION_OVER)?, session: *session },
            Who::Key { id: key, scopes, .. } => {
                let role = role.ok_or(NOT_IN_FORCE)?;
                let scopes = scopes.iter().copied().filter(|scope| scope.is_of(role)).collect();
                Who::Key { id: *key, scopes, human: Some((id, role)) }
            }
            Who::Operator => Who::Operator,
        };
        Ok(Self { tenant: self.tenant, who })
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

const TOO_HIGH: Error = Error::Forbidden("that takes a higher role than yours");
const NOT_IN_FORCE: Error = Error::Unauthenticated("the API key is not in force");
const SESSION_OVER: Error = Error::Unauthenticated("the session has ended; log in again");

/// Somebody who can be gone on as in one transaction after another, each of which makes sure that they still may: what
/// works with the outside world in between has no transaction of its own to stay in.
pub trait Acting {
    /// Runs `work` as them, in a transaction of their business.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when they are not let in any more; what `work` returns.
    fn act<T>(&self, store: &Store, work: impl Fn(&mut TenantTx<'_>, &Actor) -> Result<T>) -> Result<T>;
}

impl Acting for Credential {
    fn act<T>(&self, store: &Store, work: impl Fn(&mut TenantTx<'_>, &Actor) -> Result<T>) -> Result<T> {
        store.acting(self, work)
    }
}

impl Acting for Actor {
    fn act<T>(&self, store: &Store, work: impl Fn(&mut TenantTx<'_>, &Actor) -> Result<T>) -> Result<T> {
        store.tenant(&self.tenant, |tx| {
            let held = self.held(tx)?;
            work(tx, &held)
        })
    }
}

impl Store {
    /// Runs `work` as whoever holds the credential, in one transaction of their business, which is also where the credential
    /// is checked.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] when the credential is not in force; what `work` returns.
    pub fn acting<T>(&self, credential: &Credential, work: impl Fn(&mut TenantTx<'_>, &Actor) -> Result<T>) -> Result<T> {
        match credential {
            Credential::Token(claims) => self.tenant(&claims.tenant, |tx| {
                let (actor, last_used_at) = let_in(tx, claims)?;
                let result = work(tx, &actor)?;
                // Last, so that requests of one session at once wait for each other no longer than for a commit.
                if tx.now() - last_used_at >= USES_NOTED_APART {
                    match tx.sessions().touch(claims.session) {
                        // It may just have been ended.
                        Err(Error::NotFound { .. }) => {}
                        touched => drop(touched?),
                    }
                }
                Ok(result)
            }),
            Credential::Key { prefix, secret_hash } => self.found_tenant(
                Reason::Authentication,
                None,
                |tx| tx.find_key_and_human(prefix, secret_hash)?.ok_or(NOT_IN_FORCE),
                |tx, (key, human)| {
                    // A scope of a later version of this library means nothing to this one.
                    let scopes = key.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
                    let result = work(tx, &Actor { tenant: tx.tenant(), who: Who::Key { id: key.id, scopes, human } })?;
                    if key.last_used_at.is_none_or(|last| tx.now() - last > USES_NOTED_APART) {
                        tx.api_keys().mark_used(key.id)?;
                    }
                    Ok(result)
                },
            ),
        }
    }
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
    let who = Who::User { id: claims.user, role, session: claims.session };
    Ok((Actor { tenant: tx.tenant(), who }, last_used_at))
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
