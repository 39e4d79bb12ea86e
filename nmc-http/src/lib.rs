//! A thin actix-web server over [`nmc_core`]: extract, one call into the library, answer. No Diesel here.

mod api;
mod blocking;
mod client;
mod connections;
mod error;
mod headers;
mod limits;
mod links;
mod log;
mod routes;
mod server;
mod serving;
mod shares;
mod signed_form;
mod state;
mod streams;
mod webhooks;

pub use connections::ConnectionLimits;
pub use limits::{Limit, Limits};
pub use links::{mail_links, reports_page};
pub use routes::v1::document as openapi;
pub use server::{RunningServer, ServerConfig, Uploading, start};
pub use streams::StreamLimits;
pub use webhooks::callback_urls;
