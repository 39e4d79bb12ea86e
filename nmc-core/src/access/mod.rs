//! Who may come in, and what they may do: sessions, API keys, tokens, passwords, permissions.

mod access_token;
mod acting;
mod api_key;
mod authenticator;
mod key_ring;
mod login;
mod login_attempt;
mod mail_token;
mod password;
mod random;
mod rotation;
mod session;
mod standing;
mod token_hash;
mod token_keys;

pub use crate::actor::{Actor, ActorKind};
pub use crate::permission::Permission;
pub use access_token::AccessClaims;
pub use acting::{Acting, Credential};
pub use api_key::{ApiKey, ApiKeyFilter, ApiKeyPatch, ApiKeys, NewApiKey};
pub use authenticator::{Authenticator, LoginPolicy, Origin, PasswordProof, Tokens};
pub(crate) use authenticator::{must_not_name, words_of};
pub use key_ring::{KeyOrder, LONGEST_OVERLAP, change_key, make_key, make_key_for, make_service_key, revoke_key, rotate_key};
pub use login::Logins;
pub(crate) use login::chosen_password;
pub use login_attempt::{GuessOrigin, KNOWN_FOR, LoginAttempt, SHORTEST_DEVICE};
pub(crate) use mail_token::MailToken;
pub(crate) use password::NO_PASSWORD;
pub use password::{Hasher, Password};
pub use random::{ApiKeyText, InvitationToken, RefreshToken};
pub use rotation::Rotation;
pub use session::{NewSession, Session, SessionFilter, Sessions};
pub use standing::Standing;
pub use token_hash::TokenHash;
pub use token_keys::{TokenKey, TokenKeys};
