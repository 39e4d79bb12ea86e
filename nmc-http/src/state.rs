//! What the handlers share: made once by the server, and handed to each of its threads.

use crate::blocking::BlockingPool;
use crate::client::Proxies;
use crate::limits::RateLimits;
use crate::shares::{Places, Turns};
use crate::streams::Streams;
use nmc_core::Uploads;
use nmc_core::access::Authenticator;
use nmc_core::delivery::WebhookRules;
use nmc_core::numbers::Provisioner;
use nmc_core::tenants::RegistrationPolicy;
use nmc_core::twilio::Signer;
use std::sync::Arc;
use std::time::Duration;

/// The state that the handlers of the API share.
pub(crate) struct App {
    pub(crate) pool: BlockingPool,
    /// The threads where passwords are checked, which must not keep others waiting.
    pub(crate) login_pool: BlockingPool,
    /// The places for large bodies that are received.
    pub(crate) uploading: Places,
    /// The places for pictures of texts that are read whole.
    pub(crate) downloading: Places,
    /// The places for exports that are being read.
    pub(crate) exporting: Places,
    /// Turns at making pictures small: few at a time, for what each takes in memory.
    pub(crate) pictures: Turns,
    /// The threads that wait for the provider of numbers: it may be slow, and must not keep others waiting.
    pub(crate) provider_pool: BlockingPool,
    /// Buys numbers and gives them back; `None` when no provider is configured.
    pub(crate) numbers: Option<Provisioner>,
    pub(crate) authenticator: Authenticator,
    pub(crate) rate_limits: RateLimits,
    pub(crate) registration: RegistrationPolicy,
    /// Whether a worker sends mails.
    pub(crate) sends_mails: bool,
    /// Where webhooks may go.
    pub(crate) webhooks: Option<Arc<dyn WebhookRules>>,
    pub(crate) proxies: Proxies,
    pub(crate) uploads: Uploads,
    /// Origins whose pages may call the API.
    pub(crate) origins: Vec<String>,
    /// The streams of events that are open.
    pub(crate) streams: Arc<Streams>,
    pub(crate) patience: Duration,
}

/// The means by which webhooks are checked.
pub(crate) struct Webhooks {
    pub(crate) public_url: String,
    pub(crate) signer: Option<Signer>,
    pub(crate) patience: Duration,
}
