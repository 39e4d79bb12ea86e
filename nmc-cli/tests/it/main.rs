//! The binary itself, as people and scripts run it.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod addresses;
mod commands;
mod home;
mod migrate;
mod nmc;
mod readme;
mod up;
mod worker;
