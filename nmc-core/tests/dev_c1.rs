//! Development only.
#[path = "it/schema.rs"]
mod schema;
