//! What each business sets for itself.

mod business_settings;

pub use business_settings::{BusinessSettings, BusinessSettingsPatch, BusinessSettingsRepo};
