//! The server as Twilio and its operators meet it: a real port, a real client, a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod alert_links;
mod answering;
mod api;
mod connection_limits;
mod connections;
mod events;
mod floors;
mod forgeries;
mod health;
mod log;
mod malformed;
mod outages;
mod refusals;
mod site;
mod socket;
mod stopping;
mod texts;
mod typing;
mod voice;
mod web_inbox;
mod websocket;
mod wire;
