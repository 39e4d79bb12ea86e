//! A thin actix-web server over [`nmc_core`]: extract, one call into the library, answer. No Diesel here.

mod api;
mod blocking;
mod client;
mod connections;
mod error;
mod headers;
mod limits;
mod log;
mod routes;
mod server;
mod serving;
mod shares;
mod signed_form;
mod webhooks;

pub use connections::ConnectionLimits;
pub use limits::{Limit, Limits};
pub use routes::v1::document as openapi;
pub use server::{RunningServer, ServerConfig, Uploading, start};
pub use webhooks::callback_urls;

/// What the handlers of the API share.
pub(crate) struct App {
    pub(crate) door: blocking::Door,
    /// The way of those who come in: passwords are checked here, and must not keep others waiting.
    pub(crate) entrance: blocking::Door,
    /// Where large bodies are received.
    pub(crate) uploading: shares::Places,
    /// Where pictures of texts are read whole.
    pub(crate) downloading: shares::Places,
    /// Turns at making pictures small: few at a time, for what each takes in memory.
    pub(crate) pictures: shares::Turns,
    /// Where the provider of numbers is waited for: it may be slow, and must not keep others waiting.
    pub(crate) counter: blocking::Door,
    /// Buys numbers and gives them back; `None` when no provider is configured.
    pub(crate) numbers: Option<nmc_core::numbers::Provisioner>,
    pub(crate) authenticator: nmc_core::access::Authenticator,
    pub(crate) gate: limits::Gate,
    pub(crate) registration: nmc_core::tenants::RegistrationPolicy,
    pub(crate) proxies: client::Proxies,
    pub(crate) uploads: nmc_core::Uploads,
    pub(crate) patience: std::time::Duration,
}
