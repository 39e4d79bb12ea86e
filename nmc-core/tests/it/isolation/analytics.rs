//! What a hostile tenant hears of figures, jobs and reports.

use super::Ask;

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[];
