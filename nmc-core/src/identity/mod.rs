//! Who may come in: tenants and their users.

mod onboarding;
mod tenant;
mod user;

pub use onboarding::onboard;
pub use tenant::{NewTenant, TenantFilter, TenantPatch, TenantRow, Tenants};
pub use user::{NewUser, User, UserFilter, UserPatch, Users};
