//! The library against a real PostgreSQL. One binary: one link, one server.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod alert_rounds;
mod alerts;
mod analytics;
mod approval;
mod backlog;
mod call_refresh;
mod calls;
mod catch_up;
mod consents;
mod constraints;
mod conversations;
mod customers;
mod embedding;
mod erasure;
mod events;
mod examples;
mod exports;
mod fake_twilio;
mod filters;
mod floors;
mod forwarding;
mod greeting;
mod holders;
mod holidays;
mod hours;
mod identity;
mod isolation;
mod keywords;
mod lifecycle;
mod media;
mod migrations;
mod missed_call;
mod notifier;
mod numbers;
mod outbox_rules;
mod own_schema;
mod people;
#[cfg(feature = "photos")]
mod photos;
mod plans;
mod pooler;
mod replies;
mod reports;
mod schema;
mod search;
mod search_path;
mod search_terms;
mod serialized;
mod settings;
mod signature;
mod silent_server;
mod smtp;
mod store;
mod support;
mod texts;
mod trade_metrics;
mod twilio_api;
mod typing;
mod values;
mod voice_callback;
mod webhook;
mod worker;
mod workflows;
