//! The words that telephony speaks here, whoever the provider is.

mod codes;
mod countries;
mod forwarding;
mod pace;
mod policy;
mod zones;

pub(crate) use codes::untextable_codes;
pub use codes::{CodeMeaning, Consequence, explain, meaning_of};
pub use countries::NumberKind;
pub use pace::Pace;
pub use policy::TextingHours;
