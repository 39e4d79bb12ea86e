//! Whose address a request comes from, when proxies stand between.

use actix_web::HttpRequest;
use ipnet::IpNet;
use std::net::IpAddr;

/// The proxies whose word is believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(Vec<IpNet>);

impl Proxies {
    pub(crate) const fn new(trusted: Vec<IpNet>) -> Self {
        Self(trusted)
    }

    /// The nearest address that is not a trusted proxy's. What `X-Forwarded-For` says further on, anybody may have written.
    pub(crate) fn client(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        let said = request.headers().get_all("X-Forwarded-For").filter_map(|value| value.to_str().ok());
        let said: Vec<&str> = said.flat_map(|list| list.split(',')).collect();
        Some(self.nearest(peer, &said))
    }

    fn nearest(&self, peer: IpAddr, said: &[&str]) -> IpAddr {
        let mut nearest = peer;
        for hop in said.iter().rev() {
            if !self.0.iter().any(|net| net.contains(&nearest)) {
                break;
            }
            match hop.trim().parse::<IpAddr>() {
                Ok(address) => nearest = address.to_canonical(),
                // A proxy of ours that does not know: it counts itself.
                Err(_) => break,
            }
        }
        nearest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        for (peer, said, client) in [
            ("203.0.113.7", vec!["1.2.3.4"], "203.0.113.7"),
            ("10.1.1.1", vec!["203.0.113.7"], "203.0.113.7"),
            ("10.1.1.1", vec!["1.2.3.4", "203.0.113.7", "10.2.2.2"], "203.0.113.7"),
            ("10.1.1.1", vec!["1.2.3.4", "rubbish"], "10.1.1.1"),
            ("10.1.1.1", vec![], "10.1.1.1"),
            ("::1", vec!["::ffff:203.0.113.7"], "203.0.113.7"),
            ("10.1.1.1", vec!["10.3.3.3"], "10.3.3.3"),
        ] {
            assert_eq!(proxies.nearest(peer.parse().unwrap(), &said), client.parse::<IpAddr>().unwrap(), "{peer} {said:?}");
        }
    }
}
