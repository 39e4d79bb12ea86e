//! The pictures of texts, as Twilio keeps them: behind the account's credentials, and a redirect to where the bytes are.

use super::TwilioConfig;
use super::client::{Client, plain};
use crate::telephony::{FetchError, FetchedMedia, MediaSource};
use std::time::{Duration, Instant};
use ureq::http::Uri;

/// The longest that one picture may take, redirects included.
const LIMIT: Duration = Duration::from_secs(25);
/// How many redirects are followed.
const MOST_REDIRECTS: u8 = 3;

/// Fetches the pictures of one account's texts.
#[derive(Debug, Clone)]
pub struct TwilioMedia {
    client: Client,
    /// The place of a stand-in for the API, as in [`TwilioConfig`]: the one that may be asked without encryption.
    stand_in: Option<String>,
}

/// The target of a request.
struct Target {
    url: String,
    /// Whether it is Twilio's own, to which alone the credentials go.
    is_twilios: bool,
}

impl TwilioMedia {
    /// Twilio as the source of pictures, for this account. Nothing is asked yet.
    #[must_use]
    pub fn new(config: &TwilioConfig) -> Self {
        let stand_in = config.api_url.as_deref().and_then(|url| url.parse().ok()).and_then(|url| origin(&url));
        Self { client: Client::new(config, LIMIT), stand_in }
    }

    /// The target to which the provider's first address leads: Twilio, or nothing.
    fn first(&self, url: &str) -> Result<Target, FetchError> {
        self.target(url).filter(|target| target.is_twilios).ok_or_else(|| refused("its address is none of Twilio's"))
    }

    /// An address that may be asked: by https, by the name of a host that others can see.
    fn target(&self, url: &str) -> Option<Target> {
        let uri: Uri = url.parse().ok()?;
        let origin = origin(&uri)?;
        if Some(&origin) == self.stand_in.as_ref() {
            return Some(Target { url: url.to_owned(), is_twilios: true });
        }
        let host = uri.host()?.to_ascii_lowercase();
        let is_named = host.contains('.') && host.ends_with(|c: char| c.is_ascii_alphabetic());
        let is_open = uri.scheme_str() == Some("https") && uri.port_u16().is_none_or(|port| port == 443);
        let is_twilios = host == "twilio.com" || host.ends_with(".twilio.com");
        (is_open && is_named && !is_reserved(&host)).then(|| Target { url: url.to_owned(), is_twilios })
    }

    /// Where a redirect leads, seen from the address that answered with it.
    fn redirected(&self, from: &str, location: &str) -> Option<Target> {
        if location.starts_with('/') && !location.starts_with("//") {
            let origin = origin(&from.parse().ok()?)?;
            return self.target(&format!("{origin}{location}"));
        }
        self.target(location)
    }
}

/// Scheme, host and port; `None` of what has none, or carries a user's name.
fn origin(uri: &Uri) -> Option<String> {
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    Some(format!("{}://{}", uri.scheme_str()?, authority.as_str().to_ascii_lowercase()))
}

/// Names that lead to a machine of one's own.
fn is_reserved(host: &str) -> bool {
    [".localhost", ".local", ".internal", ".lan", ".home.arpa", ".test", ".invalid"].iter().any(|end| host.ends_with(end))
}

fn refused(why: &str) -> FetchError {
    FetchError::Refused { reason: why.to_owned() }
}

fn not_now(reason: String) -> FetchError {
    FetchError::NotNow { retry_after: None, reason }
}

impl MediaSource for TwilioMedia {
    fn fetch(&self, url: &str, limit: usize) -> Result<FetchedMedia, FetchError> {
        let deadline = Instant::now() + LIMIT;
        let mut target = self.first(url)?;
        for _ in 0..=MOST_REDIRECTS {
            let left = deadline.saturating_duration_since(Instant::now());
            let answer = self.client.download(&target.url, target.is_twilios, left);
            let mut answer = match answer {
                Ok(answer) => answer,
                Err(error) => return Err(not_now(format!("Twilio can't be reached: {}", plain(&error)))),
            };
            let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
            match answer.status().as_u16() {
                200 => {
                    let told: Option<u64> = header("Content-Length").and_then(|text| text.parse().ok());
                    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
                    if told.is_some_and(|told| told > limit) {
                        return Err(FetchError::TooLarge);
                    }
                    let bytes = match answer.body_mut().with_config().limit(limit.saturating_add(1)).read_to_vec() {
                        Ok(bytes) => bytes,
                        Err(ureq::Error::BodyExceedsLimit(_)) => return Err(FetchError::TooLarge),
                        Err(error) => return Err(not_now(format!("it broke off: {}", plain(&error)))),
                    };
                    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    return match told {
                        _ if size > limit => Err(FetchError::TooLarge),
                        Some(told) if told != size => Err(not_now("it broke off".to_owned())),
                        _ => Ok(FetchedMedia { bytes }),
                    };
                }
                301 | 302 | 303 | 307 | 308 => {
                    let next = header("Location").and_then(|location| self.redirected(&target.url, location));
                    target = next.ok_or_else(|| refused("Twilio leads to an address that is not asked"))?;
                }
                404 | 410 => return Err(FetchError::Gone),
                401 | 403 => return Err(not_now("Twilio refuses our credentials".to_owned())),
                status @ (408 | 429 | 500..) => {
                    let retry_after = header("Retry-After").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
                    return Err(FetchError::NotNow { retry_after, reason: format!("Twilio answered {status}") });
                }
                status => return Err(refused(&format!("Twilio answered {status}"))),
            }
        }
        Err(refused("Twilio leads in circles"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use crate::telephony::CallbackUrls;

    fn source(api_url: Option<&str>) -> TwilioMedia {
        TwilioMedia::new(&TwilioConfig {
            account_sid: "AC1".to_owned(),
            auth_token: Secret::new("token"),
            callbacks: CallbackUrls::default(),
            api_url: api_url.map(str::to_owned),
        })
    }

    #[test]
    fn nothing_but_twilios_own_address_is_asked_first() {
        let source = source(Some("http://127.0.0.1:9"));
        for own in [
            "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1",
            "https://api.ie1.twilio.com/x",
            "https://API.TWILIO.COM:443/x",
            "http://127.0.0.1:9/x",
        ] {
            assert!(source.first(own).is_ok(), "{own}");
        }
        for other in [
            "",
            "x",
            "/x",
            "http://api.twilio.com/x",
            "https://api.twilio.com:8443/x",
            "https://twilio.com.evil.example/x",
            "https://eviltwilio.com/x",
            "https://api.twilio.com@evil.example/x",
            "https://evil.example/api.twilio.com",
            "https://s3.amazonaws.com/x",
            "http://127.0.0.1:10/x",
            "http://127.0.0.1/x",
            "https://127.0.0.1:9/x",
            "ftp://api.twilio.com/x",
            "file:///etc/passwd",
        ] {
            assert!(matches!(source.first(other), Err(FetchError::Refused { .. })), "{other}");
        }
    }

    #[test]
    fn a_redirect_leads_to_public_https_without_credentials() {
        let source = source(None);
        let from = "https://api.twilio.com/a";
        let led = |location: &str| source.redirected(from, location).map(|target| (target.url, target.is_twilios));
        assert_eq!(led("/b"), Some(("https://api.twilio.com/b".to_owned(), true)));
        for open in ["https://s3-external-1.amazonaws.com/media/x?sig=1", "https://mms.twiliocdn.com/x"] {
            assert_eq!(led(open), Some((open.to_owned(), false)));
        }
        for closed in [
            "",
            "b",
            "//evil.example/x",
            "http://mms.twiliocdn.com/x",
            "https://127.0.0.1/x",
            "https://[::1]/x",
            "https://169.254.169.254/latest/meta-data",
            "https://localhost/x",
            "https://db.internal/x",
            "https://2130706433/x",
            "https://user@mms.twiliocdn.com/x",
            "https://mms.twiliocdn.com:22/x",
        ] {
            assert_eq!(led(closed), None, "{closed}");
        }
    }
}
