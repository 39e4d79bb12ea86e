//! What a hostile tenant hears of streams.

use super::{Ask, told};
use nmc_core::events::StreamCursor;

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[
    ("StreamEvents::list", |tx, _, _| told(tx.stream_events().list(Some(StreamCursor::START), 1_000)?.events.len())),
    ("StreamEvents::list of now", |tx, _, _| told(tx.stream_events().list(None, 1)?.cursor.seq())),
];
