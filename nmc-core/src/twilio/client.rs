//! HTTP as Twilio's REST API speaks it: one place for credentials, time limits, TLS and bounded answers.

use crate::Secret;
use crate::telephony::{CallbackUrls, ProviderError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use ureq::tls::{RootCerts, TlsConfig};

/// The address of Twilio's API, unless a mock stands in.
const API: &str = "https://api.twilio.com";

/// The address of Twilio's prices.
const PRICING: &str = "https://pricing.twilio.com";

/// The longest answer that is read, in bytes: a page of a thousand numbers has some 1.5 million.
const LONGEST_ANSWER: u64 = 4 << 20;

/// An account, and where its callbacks go.
#[derive(Debug, Clone)]
pub struct TwilioConfig {
    /// The account's SID (`AC…`).
    pub account_sid: String,
    /// The account's auth token.
    pub auth_token: Secret,
    /// The URLs at which Twilio is to tell this platform of calls and texts.
    pub callbacks: CallbackUrls,
    /// The URL of another place for the API and the prices; `None` is the real one.
    pub api_url: Option<String>,
}

/// The answer that came back, whatever its status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// As much of the body as is sensible; an unreadable one counts as empty.
    body: Vec<u8>,
}

/// The body of an error answer.
#[derive(Deserialize, Default)]
struct ErrorResource {
    #[serde(default)]
    code: Option<i32>,
}

impl Answer {
    /// The document that the answer holds. Where a text in it was cut in the middle of a character, that character is replaced:
    /// one such text must not cost a whole list.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body).or_else(|error| {
            let mended = whole_characters(&self.body);
            if mended == self.body { Err(error) } else { serde_json::from_slice(&mended) }
        })
    }

    /// Twilio's code of an error. Its words may quote a number; the code says the same.
    pub(super) fn code(&self) -> Option<i32> {
        self.read::<ErrorResource>().unwrap_or_else(|_| ErrorResource::default()).code
    }
}

/// Talks to one account.
#[derive(Debug, Clone)]
pub(super) struct Client {
    agent: ureq::Agent,
    api: String,
    pricing: String,
    account_path: String,
    authorization: Secret,
}

impl Client {
    /// A client whose exchanges end within `limit`. Nothing is sent yet.
    pub(super) fn new(config: &TwilioConfig, limit: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(Duration::from_secs(3)))
            .timeout_global(Some(limit))
            // As many as a worker has under way: a connection is not made anew for each text.
            .max_idle_connections_per_host(64)
            .max_idle_connections(64)
            // The roots that the machine trusts: a proxy's own certificate works as it does for other programs.
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
            .build()
            .into();
        let place = |real: &str| config.api_url.as_deref().unwrap_or(real).trim_end_matches('/').to_owned();
        let credentials = format!("{}:{}", config.account_sid, config.auth_token.expose());
        Self {
            agent,
            api: place(API),
            pricing: place(PRICING),
            account_path: format!("/2010-04-01/Accounts/{}/", config.account_sid),
            authorization: Secret::new(format!("Basic {}", STANDARD.encode(credentials))),
        }
    }

    /// The address of one of the account's resources, like `Messages.json`.
    pub(super) fn resource(&self, name: &str) -> String {
        format!("{}{}{name}", self.api, self.account_path)
    }

    /// The address of the page that an answer names as the next: none but the account's own, since credentials go there.
    pub(super) fn page(&self, uri: &str) -> Option<String> {
        uri.starts_with(&self.account_path).then(|| format!("{}{uri}", self.api))
    }

    /// The address of a price list.
    pub(super) fn prices(&self, name: &str) -> String {
        format!("{}/v1/{name}", self.pricing)
    }

    pub(super) fn get(&self, url: &str, query: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        let request = self.agent.get(url).query_pairs(query.iter().copied());
        request.header("Authorization", self.authorization.expose()).call().map(read)
    }

    pub(super) fn post(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(url).header("Authorization", self.authorization.expose());
        request.send_form(form.iter().copied()).map(read)
    }

    pub(super) fn delete(&self, url: &str) -> Result<Answer, ureq::Error> {
        self.agent.delete(url).header("Authorization", self.authorization.expose()).call().map(read)
    }

    /// A file within `limit` of time, whatever the status: the body is for whoever asked to read. The credentials go along only
    /// `with_credentials`.
    pub(super) fn download(
        &self,
        url: &str,
        with_credentials: bool,
        limit: Duration,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let request = self.agent.get(url).config().timeout_global(Some(limit)).build();
        if with_credentials { request.header("Authorization", self.authorization.expose()) } else { request }.call()
    }

    #[cfg(test)]
    pub(super) fn config(&self) -> &ureq::config::Config {
        self.agent.config()
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Answer {
    let retry_after = answer
        .headers()
        .get("Retry-After")
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    let body = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec().unwrap_or_else(|_| Vec::new());
    Answer { status: answer.status().as_u16(), retry_after, body }
}

/// A JSON document with the replacement character in place of halves of surrogate pairs and of bytes that are no UTF-8.
fn whole_characters(document: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(document);
    let mut whole = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        whole.push_str(before);
        let length = match (unit(escape), escape.get(6..).and_then(unit)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                whole.push('\u{fffd}');
                rest = escape.get(6..).unwrap_or_default();
                continue;
            }
            (Some(_), _) => 6,
            (None, _) => 1 + escape.chars().nth(1).map_or(0, char::len_utf8),
        };
        let (kept, behind) = escape.split_at(length);
        whole.push_str(kept);
        rest = behind;
    }
    whole.push_str(rest);
    whole.into_bytes()
}

/// The UTF-16 unit that a text begins with as an escape, like `\ud83d`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

/// Whether it is certain that a request without an answer did nothing: the connection was never made.
pub(super) fn never_arrived(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve)
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_) => true,
        ureq::Error::Io(io) => io.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

/// The kind of failure; never a URL, which holds the account and the person.
pub(super) fn plain(error: &ureq::Error) -> &'static str {
    match error {
        ureq::Error::HostNotFound => "its host is not found",
        ureq::Error::ConnectionFailed => "the connection failed",
        ureq::Error::Timeout(_) => "it took too long",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
            "the secure connection failed; are the system's root certificates (ca-certificates) installed?"
        }
        // A certificate that is not trusted arrives as this.
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::InvalidData => {
            "the secure connection broke, or its certificate is not trusted; are the system's root certificates \
             (ca-certificates) installed?"
        }
        ureq::Error::Io(_) => "the connection broke",
        _ => "the exchange failed",
    }
}

/// A refusal in our words: Twilio's own may quote the number.
pub(super) fn refused(answer: &Answer) -> ProviderError {
    let code = answer.code();
    let said = code.map_or_else(|| format!("status {}", answer.status), |code| format!("error {code}"));
    let because = |why: &str| ProviderError::Refused { code, reason: format!("Twilio refuses ({said}): {why}") };
    match (answer.status, code.unwrap_or_default()) {
        (429, _) | (_, 20_429) => {
            ProviderError::NotNow { retry_after: answer.retry_after, reason: "Twilio asks to slow down (429)".to_owned() }
        }
        // An account whose balance is used up is suspended: it "is not active".
        (402, _) | (_, 20_005 | 10_001 | 90_010) => ProviderError::NoFunds { said },
        (401 | 403, _) | (_, 20_003) => ProviderError::Credentials { said },
        (_, 21_422) => ProviderError::Taken,
        (404, 20_404) => ProviderError::Gone,
        // Somebody's in between, or at a wrong address: it says nothing of what Twilio has.
        (404, _) => ProviderError::NotNow {
            retry_after: None,
            reason: "a 404 that is not Twilio's; is the address of the API right?".to_owned(),
        },
        (_, 21_421) => because("it is not a phone number that Twilio knows"),
        (_, 21_404) => because("a trial account may hold one number; upgrade it at Twilio"),
        (_, 21_615 | 21_631 | 21_632 | 21_633 | 21_651) => because("the number needs an address that the account has not told"),
        (_, 21_649 | 21_650 | 22_102) => because("the number needs a regulatory bundle that the account does not have"),
        _ => because("see twilio.com/docs/errors"),
    }
}

/// The refusal of a question that changes nothing, if it is one: what fails is certainly not done.
pub(super) fn answered_by_an_error(answer: &Answer) -> Option<ProviderError> {
    match answer.status {
        200 => None,
        500.. => Some(ProviderError::NotNow { retry_after: answer.retry_after, reason: answered(answer.status) }),
        _ => Some(refused(answer)),
    }
}

pub(super) fn answered(status: u16) -> String {
    format!("Twilio answered {status}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client::new(
            &TwilioConfig {
                account_sid: "AC1".to_owned(),
                auth_token: Secret::new("token"),
                callbacks: CallbackUrls::default(),
                api_url: None,
            },
            Duration::from_secs(8),
        )
    }

    #[test]
    fn credentials_go_to_no_page_but_the_accounts_own() {
        let client = client();
        let own = "/2010-04-01/Accounts/AC1/IncomingPhoneNumbers.json?Page=1";
        assert_eq!(client.page(own), Some(format!("https://api.twilio.com{own}")));
        for elsewhere in ["@evil.example/2010-04-01/Accounts/AC1/", "https://evil.example/", "/2010-04-01/Accounts/AC2/x", ""] {
            assert_eq!(client.page(elsewhere), None, "{elsewhere}");
        }
    }

    #[test]
    fn half_a_character_costs_only_itself() {
        let read = |body: &str| -> String {
            let answer = Answer { status: 200, retry_after: None, body: body.as_bytes().to_vec() };
            answer.read::<Vec<String>>().unwrap().concat()
        };
        assert_eq!(read(r#"["ok \ud83d", "\ude00", "STOP"]"#), "ok \u{fffd}\u{fffd}STOP");
        assert_eq!(read(r#"["\ud83d\ude00 \ud83dx \\ud83d \u00e9\n"]"#), "\u{1f600} \u{fffd}x \\ud83d \u{e9}\n");
        let answer = |body: &[u8]| Answer { status: 200, retry_after: None, body: body.to_vec() };
        assert_eq!(answer(b"[\"\xf0\x9f STOP\"]").read::<Vec<String>>().unwrap(), ["\u{fffd} STOP"]);
        for nothing in [&b"[\"\\ud83d\""[..], b"\\", b"", b"<html>"] {
            assert!(answer(nothing).read::<Vec<String>>().is_err());
        }
    }

    #[test]
    fn certificates_are_checked_by_what_the_machine_trusts() {
        assert!(matches!(client().config().tls_config().root_certs(), RootCerts::PlatformVerifier));
        assert!(!client().config().tls_config().disable_verification());
    }
}
