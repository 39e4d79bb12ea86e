//! A thin actix-web server over [`nmc_core`]: extract, one call into the library, answer. No Diesel here.

mod blocking;
mod error;
mod log;
mod routes;
mod server;
mod signed_form;

pub use server::{RunningServer, ServerConfig, start};
