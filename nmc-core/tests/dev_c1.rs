//! Development only.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#[path = "it/isolation.rs"]
mod isolation;
#[path = "it/migrations.rs"]
mod migrations;
#[path = "it/schema.rs"]
mod schema;
#[path = "it/store.rs"]
mod store;
