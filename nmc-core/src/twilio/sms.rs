//! Texts through Twilio's REST API, version 2010-04-01.

use crate::conversations::{Lookup, OutboundSms, SendError, SendReceipt, SmsSender};
use crate::{MessageStatus, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use std::time::Duration;

/// Where Twilio's API is, unless a mock stands in.
const API: &str = "https://api.twilio.com";

/// Twilio's page of messages is read no further than this; texts of one minute to one person are a handful.
const LOOKUP_PAGE: &str = "100";

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: u64 = 1 << 20;

/// An account, and where its callbacks go.
#[derive(Debug, Clone)]
pub struct TwilioConfig {
    /// The account's SID (`AC…`).
    pub account_sid: String,
    /// The account's auth token.
    pub auth_token: Secret,
    /// Where this platform is reached from outside, like `https://nmc.example.com`; delivery callbacks go there.
    pub public_url: String,
    /// Another place of the API; `None` is the real one.
    pub api_url: Option<String>,
}

/// Sends texts through Twilio.
#[derive(Debug, Clone)]
pub struct TwilioSms {
    agent: ureq::Agent,
    messages_url: String,
    authorization: Secret,
    public_url: String,
}

/// What is read of a message resource; the rest may change.
#[derive(Deserialize)]
struct MessageResource {
    sid: String,
    status: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    direction: Option<String>,
    #[serde(default)]
    date_created: Option<String>,
}

#[derive(Deserialize)]
struct MessagePage {
    messages: Vec<MessageResource>,
}

/// The body of an error answer.
#[derive(Deserialize)]
struct ErrorResource {
    #[serde(default)]
    code: Option<i32>,
    #[serde(default)]
    message: Option<String>,
}

impl TwilioSms {
    /// Over this account. Nothing is sent yet.
    #[must_use]
    pub fn new(config: &TwilioConfig) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(3)))
            .timeout_global(Some(Duration::from_secs(8)))
            .build()
            .into();
        let api = config.api_url.as_deref().unwrap_or(API).trim_end_matches('/');
        let credentials = format!("{}:{}", config.account_sid, config.auth_token.expose());
        Self {
            agent,
            messages_url: format!("{api}/2010-04-01/Accounts/{}/Messages.json", config.account_sid),
            authorization: Secret::new(format!("Basic {}", STANDARD.encode(credentials))),
            public_url: config.public_url.trim_end_matches('/').to_owned(),
        }
    }

    /// The callback carries our id, so that it finds the text even if the answer to the sending got lost.
    fn callback_url(&self, sms: &OutboundSms<'_>) -> String {
        format!("{}/webhooks/twilio/sms/status?message={}", self.public_url, sms.id)
    }
}

impl SmsSender for TwilioSms {
    fn send(&self, sms: &OutboundSms<'_>) -> Result<SendReceipt, SendError> {
        let callback = self.callback_url(sms);
        let answer = self
            .agent
            .post(&self.messages_url)
            .header("Authorization", self.authorization.expose())
            .send_form([("From", sms.from.as_str()), ("To", sms.to.as_str()), ("Body", sms.body), ("StatusCallback", &callback)])
            .map_err(|error| not_answered(&error))?;
        let (status, retry_after, body) = read(answer);
        match status {
            200..=299 => {
                let message: MessageResource = serde_json::from_slice(&body)
                    .map_err(|_| SendError::InDoubt { reason: "Twilio took the text but its answer can't be read".to_owned() })?;
                Ok(receipt(message))
            }
            429 => Err(SendError::NotNow { retry_after, reason: "Twilio asks to slow down (429)".to_owned() }),
            // Wrong credentials are the operator's fault, not the text's: it waits until they are put right.
            401 | 403 => Err(SendError::NotNow { retry_after, reason: format!("Twilio refuses our credentials ({status})") }),
            400..=499 => Err(refused(status, &body)),
            // A text may have gone out before a 5xx came back.
            _ => Err(SendError::InDoubt { reason: format!("Twilio answered {status}") }),
        }
    }

    fn lookup(&self, sms: &OutboundSms<'_>, since: DateTime<Utc>) -> Result<Lookup, SendError> {
        let not_now = |reason: String| SendError::NotNow { retry_after: None, reason };
        let answer = self
            .agent
            .get(&self.messages_url)
            .query("To", sms.to.as_str())
            .query("From", sms.from.as_str())
            .query("PageSize", LOOKUP_PAGE)
            .header("Authorization", self.authorization.expose())
            .call()
            .map_err(|error| not_now(format!("Twilio can't be asked about a text in doubt: {}", plain(&error))))?;
        let (status, retry_after, body) = read(answer);
        if status != 200 {
            let reason = format!("Twilio answered {status} when asked about a text in doubt");
            return Err(SendError::NotNow { retry_after, reason });
        }
        let page: MessagePage = serde_json::from_slice(&body)
            .map_err(|_| not_now("Twilio's answer about a text in doubt can't be read".to_owned()))?;
        // Twilio's clock has seconds, and need not agree with ours to the second.
        let since = since - TimeDelta::seconds(5);
        let mut held: Vec<SendReceipt> = page
            .messages
            .into_iter()
            .filter(|message| message.body.as_deref() == Some(sms.body))
            .filter(|message| message.direction.as_deref().is_none_or(|way| way.starts_with("outbound")))
            .filter(|message| created(message).is_none_or(|at| at >= since))
            .map(receipt)
            .collect();
        held.reverse();
        Ok(Lookup::Held(held))
    }
}

fn created(message: &MessageResource) -> Option<DateTime<Utc>> {
    let text = message.date_created.as_deref()?;
    DateTime::parse_from_rfc2822(text).ok().map(|at| at.with_timezone(&Utc))
}

fn receipt(message: MessageResource) -> SendReceipt {
    // Twilio's queue comes after ours; a word that is new to us means at least that Twilio has it.
    let status = match message.status.as_str() {
        "queued" => MessageStatus::Accepted,
        word => word.parse().unwrap_or(MessageStatus::Accepted),
    };
    SendReceipt { sid: message.sid, status }
}

/// Status, Retry-After, and as much of the body as is sensible; an unreadable body counts as empty.
fn read(mut answer: ureq::http::Response<ureq::Body>) -> (u16, Option<Duration>, Vec<u8>) {
    let retry_after = answer
        .headers()
        .get("Retry-After")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    let body = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec().unwrap_or_else(|_| Vec::new());
    (answer.status().as_u16(), retry_after, body)
}

fn refused(status: u16, body: &[u8]) -> SendError {
    let error: ErrorResource = serde_json::from_slice(body).unwrap_or(ErrorResource { code: None, message: None });
    // Twilio's own words may quote the number; the code says the same.
    let reason = match (error.code, error.message) {
        (Some(code), _) => format!("Twilio refused the text (error {code})"),
        (None, _) => format!("Twilio refused the text ({status})"),
    };
    SendError::Refused { code: error.code, reason }
}

/// No answer at all. Only when the connection was never made is it certain that nothing was sent.
fn not_answered(error: &ureq::Error) -> SendError {
    let reason = format!("Twilio can't be reached: {}", plain(error));
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve)
        | ureq::Error::Tls(_) => SendError::NotNow { retry_after: None, reason },
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            SendError::NotNow { retry_after: None, reason }
        }
        _ => SendError::InDoubt { reason },
    }
}

/// The kind of failure; never a URL, which holds the account and the person.
fn plain(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::HostNotFound => "its host is not found",
        ureq::Error::ConnectionFailed => "the connection failed",
        ureq::Error::Timeout(_) => "it took too long",
        ureq::Error::Tls(_) => "the secure connection failed",
        ureq::Error::Io(_) => "the connection broke",
        _ => "the exchange failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreConfig;

    /// A text is sent under its recipient's lock, inside a transaction: every wait for Twilio ends before theirs do.
    #[test]
    fn every_wait_has_an_end() {
        let sender = TwilioSms::new(&TwilioConfig {
            account_sid: "AC1".to_owned(),
            auth_token: Secret::new("token"),
            public_url: "https://nmc.example.com".to_owned(),
            api_url: None,
        });
        let timeouts = sender.agent.config().timeouts();
        let longest = timeouts.global.expect("a limit");
        let store = StoreConfig::new(Secret::new(""));
        assert!(longest <= Duration::from_secs(10), "the port's promise");
        assert!(longest < store.lock_timeout && longest < store.idle_in_transaction_timeout);
        assert!(timeouts.connect.is_some_and(|limit| limit < longest));
    }
}
