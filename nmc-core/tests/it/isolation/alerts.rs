//! What a hostile tenant hears of rules, alerts and notifications.

use super::Ask;

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[];
