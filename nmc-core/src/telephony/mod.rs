//! The words that telephony speaks here, whoever the provider is.

mod codes;
mod countries;
mod policy;
mod zones;

pub(crate) use codes::untextable_codes;
pub use codes::{CodeMeaning, Consequence, explain, meaning_of};
pub use countries::NumberKind;
pub use policy::TextingHours;
