//! The businesses, an operator's approval of them, and what each sets for itself.

mod approval;
mod business_settings;
mod greeting;
mod greeting_template;
mod holiday;
mod hours;
mod tenant;
mod text_size;

pub use approval::RegistrationPolicy;
pub(crate) use approval::must_be_approved;
pub use business_settings::{BusinessSettings, BusinessSettingsPatch, BusinessSettingsRepo};
pub use greeting::{DEFAULT_GREETING, GreetingPreview, GreetingWords, render_greeting};
pub use holiday::{Holiday, Holidays};
pub use hours::BusinessHours;
pub use tenant::{NewTenant, TenantFilter, TenantPatch, TenantRow, Tenants};
pub use text_size::{SmsEncoding, TextSize};
