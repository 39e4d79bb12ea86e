//! Who may come in: tenants, their users with what belongs to each (sessions, profile, preferences, presence), and API keys.

mod api_key;
mod onboarding;
mod preferences;
mod presence;
mod profile;
mod session;
mod tenant;
mod token_hash;
mod user;

pub use api_key::{ApiKey, ApiKeyFilter, ApiKeyPatch, ApiKeys, NewApiKey};
pub use onboarding::onboard;
pub use preferences::{Preferences, PreferencesFilter, PreferencesPatch, PreferencesRepo};
pub use presence::{Presence, PresenceFilter, Presences};
pub use profile::{NewProfile, Profile, ProfileFilter, ProfilePatch, Profiles};
pub use session::{NewSession, Rotation, Session, SessionFilter, Sessions};
pub use tenant::{NewTenant, TenantFilter, TenantPatch, TenantRow, Tenants};
pub use token_hash::TokenHash;
pub use user::{NewUser, User, UserFilter, UserPatch, Users};
