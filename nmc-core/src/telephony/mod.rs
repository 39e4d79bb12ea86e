//! The words that telephony speaks here, whoever the provider is.

mod codes;

pub use codes::{CodeMeaning, Consequence, explain, meaning_of};
