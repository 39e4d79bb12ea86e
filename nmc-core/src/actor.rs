//! Who acts in a transaction. Only the library makes an [`Actor`]: authentication, the openings of [`crate::Store`], and the
//! platform's own work. The tenant they act in is the transaction's.

use crate::permission::Permission;
use crate::{ApiKeyId, Error, Result, SessionId, UserId, UserRole};
use std::fmt;
use uuid::Uuid;

/// Whoever a transaction acts as: a user, an API key, an operator of the installation, the platform's own work, or the
/// application that embeds this library, for nobody in particular or on behalf of a user. What is written and logged names them.
#[derive(Debug, Clone, PartialEq)]
pub struct Actor {
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
    /// A user for whom the application answers. `role`: theirs, once it was read; until then they may nothing.
    OnBehalfOf {
        id: UserId,
        role: Option<UserRole>,
    },
    Application,
    Operator,
    Worker,
}

/// The kinds of actors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ActorKind {
    /// A user, in a session of theirs.
    User,
    /// A program with an API key.
    ApiKey,
    /// An operator of the installation.
    Operator,
    /// The platform's own work: a queue's worker, a webhook of the provider, upkeep, a login on its way.
    Worker,
    /// The application that embeds this library, whether for nobody in particular or on behalf of a user.
    Application,
}

impl ActorKind {
    /// The name of the kind, as logs have it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::Operator => "operator",
            Self::Worker => "worker",
            Self::Application => "application",
        }
    }
}

/// The embedding application, for nobody in particular.
pub(crate) static APPLICATION: Actor = Actor { who: Who::Application };
/// An operator of the installation.
pub(crate) static OPERATOR: Actor = Actor { who: Who::Operator };
/// The platform's own work.
pub(crate) static WORKER: Actor = Actor { who: Who::Worker };

impl Actor {
    /// A user who was let in.
    pub(crate) const fn of_user(id: UserId, role: UserRole, session: SessionId) -> Self {
        Self { who: Who::User { id, role, session } }
    }

    /// A key that was let in, and the user it goes back to.
    pub(crate) const fn of_key(id: ApiKeyId, scopes: Vec<Permission>, human: Option<(UserId, UserRole)>) -> Self {
        Self { who: Who::Key { id, scopes, human } }
    }

    /// The embedding application, on behalf of a user whose role is not known yet.
    pub(crate) const fn on_behalf_of(id: UserId) -> Self {
        Self { who: Who::OnBehalfOf { id, role: None } }
    }

    /// The kind of the actor.
    #[must_use]
    pub const fn kind(&self) -> ActorKind {
        match self.who {
            Who::User { .. } => ActorKind::User,
            Who::Key { .. } => ActorKind::ApiKey,
            Who::OnBehalfOf { .. } | Who::Application => ActorKind::Application,
            Who::Operator => ActorKind::Operator,
            Who::Worker => ActorKind::Worker,
        }
    }

    /// The user who acts, or on whose behalf the application does; a program with a key is none. What is written names them.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self.who {
            Who::User { id, .. } | Who::OnBehalfOf { id, .. } => Some(id),
            Who::Key { .. } | Who::Application | Who::Operator | Who::Worker => None,
        }
    }

    /// The person behind it: the user, or whom the key goes back to.
    #[must_use]
    pub const fn goes_back_to(&self) -> Option<UserId> {
        match self.who {
            Who::Key { human: Some((id, _)), .. } => Some(id),
            _ => self.user(),
        }
    }

    /// Whether the actor is an operator of the installation.
    #[must_use]
    pub const fn is_operator(&self) -> bool {
        matches!(self.who, Who::Operator)
    }

    /// The session a user acts in.
    #[must_use]
    pub const fn session(&self) -> Option<SessionId> {
        match self.who {
            Who::User { session, .. } => Some(session),
            _ => None,
        }
    }

    /// The key a program acts with.
    #[must_use]
    pub const fn api_key(&self) -> Option<ApiKeyId> {
        match self.who {
            Who::Key { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Whether nothing is known yet of what they may.
    pub(crate) const fn is_of_unknown_role(&self) -> bool {
        matches!(self.who, Who::OnBehalfOf { role: None, .. })
    }

    /// The same person with this role: a key keeps the scopes that the role has.
    pub(crate) fn with_role(&self, role: UserRole) -> Self {
        let who = match &self.who {
            Who::User { id, session, .. } => Who::User { id: *id, role, session: *session },
            Who::Key { id, scopes, human: Some((human, _)) } => {
                let scopes = scopes.iter().copied().filter(|scope| scope.is_of(role)).collect();
                Who::Key { id: *id, scopes, human: Some((*human, role)) }
            }
            Who::OnBehalfOf { id, .. } => Who::OnBehalfOf { id: *id, role: Some(role) },
            Who::Key { human: None, .. } | Who::Application | Who::Operator | Who::Worker => self.who.clone(),
        };
        Self { who }
    }

    /// Whether the actor has a permission. Operators, the platform and the application for nobody in particular may everything:
    /// what they call is what bounds them.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        match &self.who {
            Who::User { role, .. } => permission.is_of(*role),
            Who::Key { scopes, .. } => scopes.contains(&permission),
            Who::OnBehalfOf { role, .. } => role.is_some_and(|role| permission.is_of(role)),
            Who::Application | Who::Operator | Who::Worker => true,
        }
    }

    /// Insists that the actor has a permission.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn must(&self, permission: Permission) -> Result<()> {
        match (self.may(permission), &self.who) {
            (true, _) => Ok(()),
            (false, Who::Key { .. }) => Err(Error::Forbidden(permission.not_of_the_key())),
            (false, _) => Err(Error::Forbidden(permission.not_of_the_role())),
        }
    }

    /// Insists that it is about themselves, or that they may do it to others.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn must_for(&self, user: UserId, permission: Permission) -> Result<()> {
        if self.user() == Some(user) { Ok(()) } else { self.must(permission) }
    }

    /// Insists that nobody reaches above themselves: it is done to somebody of this role. A key counts as an admin, or as
    /// whom it goes back to if that is less.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn must_outrank(&self, role: UserRole) -> Result<()> {
        if self.rank().is_none_or(|own| role.rank() <= own) { Ok(()) } else { Err(TOO_HIGH) }
    }

    /// Insists that they may make somebody of this role: one no higher than theirs, and a key must have all that the role
    /// has, or it would get more by coming back as that somebody.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn must_grant(&self, role: UserRole) -> Result<()> {
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
    pub(crate) fn must_reset(&self, role: UserRole) -> Result<()> {
        self.must_grant(role)?;
        self.must_stand_above(role)
    }

    /// Insists that they are of a higher role than this, or of none.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn must_stand_above(&self, role: UserRole) -> Result<()> {
        if self.rank().is_none_or(|own| role.rank() < own) { Ok(()) } else { Err(TOO_HIGH) }
    }

    /// How high their role stands; `None`: they stand above all roles.
    fn rank(&self) -> Option<u8> {
        match &self.who {
            Who::User { role, .. } => Some(role.rank()),
            Who::Key { human, .. } => Some(human.map_or(UserRole::Admin, |(_, role)| role).rank().min(UserRole::Admin.rank())),
            Who::OnBehalfOf { role, .. } => Some(role.unwrap_or(UserRole::Viewer).rank()),
            Who::Application | Who::Operator | Who::Worker => None,
        }
    }

    /// The id that tells them apart from others of their kind.
    fn id(&self) -> Option<Uuid> {
        match self.who {
            Who::User { id, .. } | Who::OnBehalfOf { id, .. } => Some(id.uuid()),
            Who::Key { id, .. } => Some(id.uuid()),
            Who::Application | Who::Operator | Who::Worker => None,
        }
    }
}

const TOO_HIGH: Error = Error::Forbidden("that takes a higher role than yours");

/// For logs: the kind, and the id if there is one, such as `api_key 01890a5d-ac96-774b-bcce-b302099a8057` or `operator`; never a
/// name. The id of an application's is that of the user on whose behalf it acts.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().label())?;
        match (self.id(), &self.who) {
            (Some(id), Who::OnBehalfOf { .. }) => write!(f, " for user {id}"),
            (Some(id), _) => write!(f, " {id}"),
            (None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actor_in_a_log_is_a_kind_and_ids() {
        let id = Uuid::from_u128(7);
        let user = Actor::of_user(UserId::new(id), UserRole::Owner, SessionId::new(Uuid::from_u128(8)));
        let key = Actor::of_key(ApiKeyId::new(id), vec![], Some((UserId::new(Uuid::from_u128(9)), UserRole::Owner)));
        let seven = "00000000-0000-0000-0000-000000000007";
        assert_eq!(user.to_string(), format!("user {seven}"));
        assert_eq!(key.to_string(), format!("api_key {seven}"));
        assert_eq!(Actor::on_behalf_of(UserId::new(id)).to_string(), format!("application for user {seven}"));
        assert_eq!([&APPLICATION, &OPERATOR, &WORKER].map(ToString::to_string), ["application", "operator", "worker"]);
    }

    #[test]
    fn user_of_unknown_role_may_nothing() {
        let actor = Actor::on_behalf_of(UserId::new(Uuid::from_u128(7)));
        assert!(Permission::ALL.iter().all(|permission| !actor.may(*permission)));
        assert!(actor.must_outrank(UserRole::User).is_err() && actor.must_stand_above(UserRole::Viewer).is_err());
        let owner = actor.with_role(UserRole::Owner);
        assert!(Permission::ALL.iter().all(|permission| permission.is_of(UserRole::Owner) == owner.may(*permission)));
    }
}
