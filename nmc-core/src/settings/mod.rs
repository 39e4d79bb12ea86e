//! What each business sets for itself.

mod business_settings;
mod greeting;
mod hours;

pub use business_settings::{BusinessSettings, BusinessSettingsPatch, BusinessSettingsRepo};
pub use greeting::{GreetingPreview, SmsEncoding};
pub use hours::BusinessHours;
