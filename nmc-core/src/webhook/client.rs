//! Webhooks over HTTP, as the Standard Webhooks have them.

use super::guard::{Forbidden, GuardedResolver, HostLookup, SystemLookup, WebhookPolicy};
use crate::delivery::{LARGEST_WEBHOOK, LONGEST_WEBHOOK, OutboundWebhook, WebhookAnswer, WebhookError, WebhookSender};
use chrono::{DateTime, Utc};
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;

/// How much of an answer is read, in bytes.
const READ: u64 = 4 << 10;

/// Sends webhooks to public addresses, each over a connection of its own.
#[derive(Debug, Clone)]
pub struct WebhookClient {
    agent: ureq::Agent,
    policy: WebhookPolicy,
    patience: Duration,
}

impl WebhookClient {
    /// A client that sends where this policy allows.
    #[must_use]
    pub fn new(policy: WebhookPolicy) -> Self {
        Self::with_lookup(policy, Arc::new(SystemLookup))
    }

    /// A client that looks hosts up so.
    #[must_use]
    pub fn with_lookup(policy: WebhookPolicy, lookup: Arc<dyn HostLookup>) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Where a redirect leads is not what the tenant set; it is told as the failure that it is.
            .max_redirects(0)
            // A proxy would look the name up once more, elsewhere.
            .proxy(None)
            // One tenant's connection is not another's.
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .timeout_connect(Some(Duration::from_secs(5)))
            .max_response_header_size(16 << 10)
            .user_agent(concat!("nmc-webhook/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .build();
        let resolver = GuardedResolver { policy: policy.clone(), lookup };
        Self { agent: ureq::Agent::with_parts(config, DefaultConnector::default(), resolver), policy, patience: LONGEST_WEBHOOK }
    }

    /// The same client, whose receivers may take this long, and no longer than [`LONGEST_WEBHOOK`].
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience: patience.min(LONGEST_WEBHOOK), ..self }
    }
}

fn refused(why: &str) -> WebhookError {
    WebhookError::Refused { reason: why.to_owned() }
}

impl WebhookSender for WebhookClient {
    fn send(&self, webhook: &OutboundWebhook<'_>) -> Result<WebhookAnswer, WebhookError> {
        let OutboundWebhook { id, at, url, body, secrets } = *webhook;
        if body.len() > LARGEST_WEBHOOK {
            return Err(refused("it is larger than 20 KB"));
        }
        let target = self.policy.target(url).map_err(|Forbidden(why)| refused(why))?;
        let request = self
            .agent
            .post(target)
            .config()
            .timeout_global(Some(self.patience))
            .build()
            .header("Content-Type", "application/json")
            .header("webhook-id", id.to_string())
            .header("webhook-timestamp", at.timestamp().to_string())
            .header("webhook-signature", secrets.sign(id, at, body));
        let answer = request.send(body).map_err(|error| not_answered(&error))?;
        judged(answer, at)
    }
}

/// The meaning of an answer.
fn judged(answer: ureq::http::Response<ureq::Body>, now: DateTime<Utc>) -> Result<WebhookAnswer, WebhookError> {
    let status = answer.status().as_u16();
    let asked = answer.headers().get("Retry-After").and_then(|value| value.to_str().ok()).and_then(|text| wait(text, now));
    let mut body = Vec::new();
    // What can't be read is not needed: the status says it all.
    let read = answer.into_body().into_reader().take(READ).read_to_end(&mut body);
    if let Err(error) = read {
        tracing::debug!(kind = %error.kind(), "the body of a webhook's answer broke off");
    }
    let answer = WebhookAnswer { status, body: String::from_utf8_lossy(&body).into_owned() };
    let reason = match status {
        200..=299 => return Ok(answer),
        410 => return Err(WebhookError::Gone { answer }),
        300..=399 => format!("the receiver leads elsewhere ({status}), and webhooks follow no redirects"),
        429 => format!("the receiver asks to slow down ({status})"),
        _ => format!("the receiver answered {status}"),
    };
    let retry_after = asked.filter(|_| matches!(status, 429 | 503));
    Err(WebhookError::NotNow { retry_after, answer: Some(answer), reason })
}

/// The wait that `Retry-After` asks for, in seconds or until a date.
fn wait(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = DateTime::parse_from_rfc2822(text).ok()?;
    (until.to_utc() - now).to_std().ok()
}

/// The reason why there was no answer; never the URL, nor an address.
fn not_answered(error: &ureq::Error) -> WebhookError {
    let why = match error {
        ureq::Error::Other(other) => match other.downcast_ref::<Forbidden>() {
            Some(Forbidden(why)) => return refused(why),
            None => "the exchange failed",
        },
        ureq::Error::HostNotFound => "its host is not found",
        ureq::Error::Timeout(_) => "it took too long",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "the secure connection failed",
        // A certificate that is not trusted arrives as this.
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::InvalidData => {
            "the secure connection broke, or its certificate is not trusted"
        }
        ureq::Error::Io(_) | ureq::Error::ConnectionFailed => "the connection failed or broke",
        _ => "the exchange failed",
    };
    WebhookError::NotNow { retry_after: None, answer: None, reason: format!("the receiver did not answer: {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A proxy named by the environment would be asked for what is inside its network.
    #[test]
    fn proxies_redirects_and_kept_connections_are_off() {
        let client = WebhookClient::new(WebhookPolicy::default());
        let config = client.agent.config();
        assert!(config.proxy().is_none());
        assert_eq!((config.max_redirects(), config.max_idle_connections(), config.max_idle_connections_per_host()), (0, 0, 0));
        assert!(!config.tls_config().disable_verification());
        assert_eq!(client.patience, LONGEST_WEBHOOK);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-11-16T12:00:00Z".parse().unwrap();
        let seconds = |text| wait(text, now).map(|wait| wait.as_secs());
        assert_eq!([seconds("120"), seconds(" 0 ")], [Some(120), Some(0)]);
        assert_eq!(seconds("Mon, 16 Nov 2026 12:01:00 GMT"), Some(60));
        assert_eq!([seconds("Mon, 16 Nov 2026 11:00:00 GMT"), seconds("soon"), seconds("-1")], [None; 3]);
    }
}
