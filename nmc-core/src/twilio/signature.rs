//! X-Twilio-Signature: HMAC over the public URL and every received parameter.

use crate::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// The reason why a webhook was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// No signature came with the webhook.
    #[error("the X-Twilio-Signature header is missing")]
    Missing,
    /// The settings header names an algorithm that is not ours.
    #[error("the signature's algorithm is not supported")]
    Algorithm,
    /// The signature is not that of this URL and these parameters under our token.
    #[error("the signature does not match")]
    Mismatch,
}

/// Makes and checks signatures with the account's auth token.
#[derive(Clone, Debug)]
pub struct Signer {
    token: Secret,
}

impl Signer {
    /// A signer with this auth token.
    #[must_use]
    pub const fn new(token: Secret) -> Self {
        Self { token }
    }

    /// The signature of a form post, as Twilio makes it: for tests, demos and load scripts.
    #[must_use]
    pub fn sign(&self, url: &str, params: &[(String, String)]) -> String {
        STANDARD.encode(Algorithm::Sha1.mac(self.token.expose(), &signed_text(url, params)).into_bytes())
    }

    /// Believes a form post, or says why not. `url` is the public URL as configured (never taken from headers) with the
    /// query as received; with and without its default port both count, and so does the URL without a port of its own,
    /// which Twilio leaves out for calls. `settings` is the value of `X-Twilio-Webhooks-Signature-Settings`, if there was
    /// one.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn check(
        &self,
        url: &str,
        params: &[(String, String)],
        signature: Option<&str>,
        settings: Option<&str>,
    ) -> Result<(), SignatureError> {
        let signature = signature.ok_or(SignatureError::Missing)?;
        if self.token.expose().is_empty() {
            // Everybody knows it.
            return Err(SignatureError::Mismatch);
        }
        let algorithm = Algorithm::named(settings)?;
        let given = STANDARD.decode(signature.trim()).map_err(|_| SignatureError::Mismatch)?;
        // Both spellings are always tried, so that time tells nothing about which one matched.
        let mut good = false;
        for url in spellings(url) {
            good |= algorithm.matches(self.token.expose(), &signed_text(&url, params), &given);
        }
        if good { Ok(()) } else { Err(SignatureError::Mismatch) }
    }

    /// Believes a post whose body is not a form: its SHA-256 stands in the URL as `bodySHA256`.
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn check_body(
        &self,
        url: &str,
        body: &[u8],
        signature: Option<&str>,
        settings: Option<&str>,
    ) -> Result<(), SignatureError> {
        self.check(url, &[], signature, settings)?;
        let claimed = url
            .split_once('?')
            .and_then(|(_, query)| query.split('&').find_map(|pair| pair.strip_prefix("bodySHA256=")))
            .ok_or(SignatureError::Mismatch)?;
        let actual: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
        // The digest of a body the sender knows is no secret; the signature above is what is compared in constant time.
        if claimed.eq_ignore_ascii_case(&actual) { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

#[derive(Clone, Copy)]
enum Algorithm {
    Sha1,
    Sha256,
}

enum AnyMac {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
}

impl AnyMac {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Sha1(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
        }
    }
}

impl Algorithm {
    fn named(settings: Option<&str>) -> Result<Self, SignatureError> {
        let Some(settings) = settings else { return Ok(Self::Sha1) };
        let name = settings
            .split(',')
            .filter_map(|part| part.split_once('='))
            .find(|(key, _)| key.trim().eq_ignore_ascii_case("algorithm"))
            .map(|(_, value)| value.trim());
        match name {
            None => Ok(Self::Sha1),
            Some(name) if name.eq_ignore_ascii_case("HMAC_SHA1") => Ok(Self::Sha1),
            Some(name) if name.eq_ignore_ascii_case("HMAC_SHA256") => Ok(Self::Sha256),
            Some(_) => Err(SignatureError::Algorithm),
        }
    }

    fn mac(self, token: &str, text: &str) -> AnyMac {
        // HMAC takes keys of any length; the fallible constructor exists for other MACs.
        match self {
            Self::Sha1 => AnyMac::Sha1(keyed::<Hmac<Sha1>>(token, text)),
            Self::Sha256 => AnyMac::Sha256(keyed::<Hmac<Sha256>>(token, text)),
        }
    }

    fn matches(self, token: &str, text: &str, given: &[u8]) -> bool {
        match self.mac(token, text) {
            AnyMac::Sha1(mac) => mac.verify_slice(given).is_ok(),
            AnyMac::Sha256(mac) => mac.verify_slice(given).is_ok(),
        }
    }
}

fn keyed<M: hmac::Mac + hmac::KeyInit>(token: &str, text: &str) -> M {
    #[expect(clippy::expect_used, reason = "HMAC accepts a key of any length")]
    let mut mac = <M as hmac::KeyInit>::new_from_slice(token.as_bytes()).expect("HMAC accepts a key of any length");
    mac.update(text.as_bytes());
    mac
}

/// The URL followed by each parameter's name and value, sorted by name; the values of a repeated name once each, sorted.
fn signed_text(url: &str, params: &[(String, String)]) -> String {
    let mut sorted: Vec<(&str, &str)> = params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let mut text = url.to_owned();
    for (name, value) in sorted {
        text.push_str(name);
        text.push_str(value);
    }
    text
}

/// The URL as it is, and the other way it may have been signed: without its port, or with its scheme's default port.
fn spellings(url: &str) -> [String; 2] {
    let Some((scheme, rest)) = url.split_once("://") else { return [url.to_owned(), url.to_owned()] };
    let default_port = if scheme.eq_ignore_ascii_case("https") { "443" } else { "80" };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let other = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => format!("{scheme}://{host}{tail}"),
        _ => format!("{scheme}://{authority}:{default_port}{tail}"),
    };
    [url.to_owned(), other]
}
