//! The binary itself, as people and scripts run it.

mod addresses;
mod commands;
mod home;
mod migrate;
mod nmc;
mod readme;
mod up;
mod worker;
