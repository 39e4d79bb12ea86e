//! Who may come in: tenants, their users with what belongs to each (sessions, profile, preferences, presence), and API keys;
//! how they come in (login, tokens, invitations), and what they may do.

mod access_token;
mod actor;
mod api_key;
mod approval;
mod authenticator;
mod invitation;
mod key_ring;
mod login_attempt;
mod onboarding;
mod owner;
mod password;
mod people;
mod permission;
#[cfg(feature = "photos")]
mod photo;
#[cfg(feature = "photos")]
mod photo_change;
mod preferences;
mod presence;
mod profile;
mod random;
mod registration;
mod rotation;
mod session;
mod tenant;
mod token_hash;
mod token_keys;
mod unlock;
#[cfg(feature = "photos")]
mod uploads;
mod user;

#[cfg(feature = "photos")]
pub use crate::uploads::Uploads;
pub use access_token::AccessClaims;
pub use actor::{Acting, Actor, Credential};
pub use api_key::{ApiKey, ApiKeyFilter, ApiKeyPatch, ApiKeys, NewApiKey};
pub use approval::RegistrationPolicy;
pub(crate) use approval::must_be_approved;
pub use authenticator::{Authenticator, LoginPolicy, Origin, PasswordProof, Tokens};
pub use key_ring::{KeyOrder, LONGEST_OVERLAP, change_key, make_key, make_key_for, make_service_key, revoke_key, rotate_key};
pub use login_attempt::{GuessOrigin, KNOWN_FOR, LoginAttempt, SHORTEST_DEVICE};
pub use onboarding::{Missing, Onboarding, OnboardingStep, onboard};
pub use password::{Hasher, Password};
pub use people::{
    INVITATION_LIFETIME, NewPerson, change_own_user, change_profile, change_user, end_session, get_session, get_user, invite,
    invite_again, list_sessions, logout, logout_everywhere, may_change,
};
pub use permission::Permission;
#[cfg(feature = "photos")]
pub use photo::Photo;
#[cfg(feature = "photos")]
pub use photo_change::{PhotoChange, change_photo, forget_photo, set_photo};
pub use preferences::{Preferences, PreferencesFilter, PreferencesPatch, PreferencesRepo};
pub use presence::{Presence, PresenceFilter, Presences};
pub use profile::{NewProfile, Profile, ProfileFilter, ProfilePatch, Profiles};
pub use random::{ApiKeyText, InvitationToken, RefreshToken};
pub use registration::{Registered, Registration};
pub use rotation::Rotation;
pub use session::{NewSession, Session, SessionFilter, Sessions};
pub use tenant::{NewTenant, TenantFilter, TenantPatch, TenantRow, Tenants};
pub use token_hash::TokenHash;
pub use token_keys::{TokenKey, TokenKeys};
pub use unlock::unlock_user;
#[cfg(feature = "photos")]
pub use uploads::PhotoPath;
pub use user::{NewUser, User, UserFilter, UserPatch, Users};
