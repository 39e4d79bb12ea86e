//! The words that telephony speaks here, whoever the provider is.

mod codes;
mod pace;

pub use codes::{CodeMeaning, Consequence, explain, meaning_of};
pub use pace::Pace;
