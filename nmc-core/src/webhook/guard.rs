//! Where webhooks may go. The addresses that are judged are those that are connected to: a name is looked up once, so that it can't
//! lead elsewhere the second time.

use super::inside::{embedded, is_public};
use crate::delivery::WebhookRules;
use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// The longest URL that is looked at, in bytes.
const LONGEST_URL: usize = 2_000;
/// The longest look-up of a name.
const LONGEST_LOOKUP: Duration = Duration::from_secs(5);
/// Addresses of one name that are tried at most.
const TRIED: usize = 4;

/// Where webhooks may go beside port 443 of public addresses.
#[derive(Debug, Clone, Default)]
pub struct WebhookPolicy {
    /// Networks that webhooks may go to though they are not public, and without TLS as well: an operator's own.
    pub allow: Vec<IpNet>,
    /// Ports that webhooks may go to beside 443.
    pub ports: Vec<u16>,
}

impl WebhookRules for WebhookPolicy {
    /// Looks at the scheme and the port. Where the host leads is looked at when something goes there.
    fn must_be_sendable(&self, url: &str) -> crate::Result<()> {
        let refused = |Forbidden(why)| crate::Error::invalid("contact_value", format!("can't be sent to: {why}"));
        self.target(url.trim()).map(drop).map_err(refused)
    }
}

/// Looks up the addresses of a host.
pub trait HostLookup: Send + Sync {
    /// The addresses of a host's name, or the one that it writes.
    ///
    /// # Errors
    /// What the look-up comes to.
    fn look_up(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

/// Names as this machine resolves them.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl HostLookup for SystemLookup {
    fn look_up(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        (host, port).to_socket_addrs().map(Iterator::collect)
    }
}

/// A webhook that may not go where it was to go, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Forbidden(pub(super) &'static str);

impl WebhookPolicy {
    /// The URL, if its form is one that a webhook may go to.
    pub(super) fn target(&self, url: &str) -> Result<Uri, Forbidden> {
        if url.len() > LONGEST_URL || !url.bytes().all(|b| b.is_ascii_graphic()) || url.contains('\\') {
            return Err(Forbidden("its URL is too long, or holds characters that no URL has"));
        }
        let uri: Uri = url.parse().map_err(|_| Forbidden("its URL can't be read"))?;
        let authority = uri.authority().ok_or(Forbidden("its URL names no host"))?;
        // Without TLS it goes to allowed networks alone: see `resolve`.
        let standard = match uri.scheme_str() {
            Some("https") => 443,
            Some("http") if !self.allow.is_empty() => 80,
            _ => return Err(Forbidden("its URL must begin with https://")),
        };
        if authority.as_str().contains('@') {
            return Err(Forbidden("its URL must hold no user or password"));
        }
        if authority.host().is_empty() || authority.host().contains('%') {
            return Err(Forbidden("its URL names no host"));
        }
        let port = match authority.as_str().strip_prefix(authority.host()).unwrap_or_default() {
            "" => standard,
            written => {
                let digits = written.strip_prefix(':').filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
                digits.and_then(|port| port.parse().ok()).ok_or(Forbidden("its URL names no port"))?
            }
        };
        if port == 443 || self.ports.contains(&port) {
            Ok(uri)
        } else {
            Err(Forbidden("its URL names a port that is not allowed"))
        }
    }

    fn is_allowed(&self, ip: IpAddr) -> bool {
        let stands_for = match ip {
            IpAddr::V6(ip) => embedded(ip).map(IpAddr::V4),
            IpAddr::V4(_) => None,
        };
        [Some(ip), stands_for].into_iter().flatten().any(|ip| self.allow.iter().any(|net| net.contains(&ip)))
    }

    /// Insists that a webhook may go to every one of these addresses: of several, which one is connected to is chance.
    fn must_allow(&self, addresses: &[SocketAddr], is_encrypted: bool) -> Result<(), Forbidden> {
        let may = |address: &SocketAddr| self.is_allowed(address.ip()) || is_encrypted && is_public(address.ip());
        match addresses.iter().all(may) {
            true => Ok(()),
            false if is_encrypted => Err(Forbidden("its host leads to an address that is not public")),
            false => Err(Forbidden("its URL must begin with https://")),
        }
    }
}

/// Resolves names for the HTTP client, and lets none through that leads inside.
pub(super) struct GuardedResolver {
    pub(super) policy: WebhookPolicy,
    pub(super) lookup: Arc<dyn HostLookup>,
}

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedResolver").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl GuardedResolver {
    /// Looks a host up on a thread of its own: the system's look-up knows no time limit.
    fn look_up(&self, host: String, port: u16, limit: Duration) -> Result<Vec<SocketAddr>, Error> {
        let (tell, told) = mpsc::sync_channel(1);
        let lookup = Arc::clone(&self.lookup);
        // Nobody listens any more when it took too long.
        std::thread::spawn(move || drop(tell.send(lookup.look_up(&host, port))));
        match told.recv_timeout(limit) {
            Ok(found) => found.map_err(|_| Error::HostNotFound),
            Err(_) => Err(Error::Timeout(ureq::Timeout::Resolve)),
        }
    }
}

impl Resolver for GuardedResolver {
    fn resolve(&self, uri: &Uri, _: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let forbidden = |why| Error::Other(Box::new(why));
        // Once more: whatever led here, this is what is connected to.
        self.policy.target(&uri.to_string()).map_err(forbidden)?;
        let is_encrypted = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let found = self.look_up(host, port, LONGEST_LOOKUP.min(*timeout.after))?;
        if found.is_empty() {
            return Err(Error::HostNotFound);
        }
        self.policy.must_allow(&found, is_encrypted).map_err(forbidden)?;
        let mut addresses = self.empty();
        for address in found.into_iter().take(TRIED) {
            // Its port is the URL's, whatever the look-up says.
            addresses.push(SocketAddr::new(address.ip(), port));
        }
        Ok(addresses)
    }
}
