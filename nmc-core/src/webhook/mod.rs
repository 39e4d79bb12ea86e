//! Webhooks over HTTPS, behind the port: signed, and to nowhere inside.

mod client;
mod guard;
mod inside;

pub use client::WebhookClient;
pub use guard::{HostLookup, SystemLookup, WebhookPolicy};
