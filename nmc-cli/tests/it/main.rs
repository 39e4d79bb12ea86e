//! The binary itself, as people and scripts run it.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod addresses;
mod alert_rules;
mod alert_simulate;
mod alerts;
mod analytics;
mod apikey;
mod approval;
mod calls;
mod commands;
mod conversations;
mod customers;
mod database;
mod dialogue;
mod home;
mod inbox;
mod messages;
mod migrate;
mod nmc;
mod numbers;
mod onboard;
mod onboarding;
mod options;
mod people;
mod queue;
mod readme;
mod reports;
mod secrets;
mod sessions;
mod stopping;
mod streams;
mod tables;
mod tenant_settings;
mod terminal;
mod texts;
mod token_key;
mod up;
mod worker;
