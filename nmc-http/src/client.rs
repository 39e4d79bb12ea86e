//! The address that a request comes from, when proxies stand between.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The proxies whose word is believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies(Vec<IpNet>);

impl Proxies {
    pub(crate) const fn new(trusted: Vec<IpNet>) -> Self {
        Self(trusted)
    }

    /// The nearest address that is not a trusted proxy's. What `X-Forwarded-For` says further on, anybody may have written.
    /// `Forwarded` (RFC 7239) is read where there is no `X-Forwarded-For`.
    pub(crate) fn client(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        Some(self.nearest(peer, &hops(request.headers())))
    }

    fn nearest(&self, peer: IpAddr, hops: &[Option<IpAddr>]) -> IpAddr {
        let mut nearest = peer;
        for hop in hops.iter().rev() {
            if !self.0.iter().any(|net| net.contains(&nearest)) {
                break;
            }
            // A proxy of ours that does not know: it counts itself.
            let Some(address) = hop else { break };
            nearest = *address;
        }
        nearest
    }
}

/// The addresses that the proxies tell, the nearest last; `None` for what is no address.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let said = |name: &str| -> Vec<String> {
        let lines = headers.get_all(name).map(|value| value.to_str().unwrap_or("unknown"));
        lines.flat_map(|list| list.split(',')).map(str::to_owned).collect()
    };
    let plain = said("X-Forwarded-For");
    if plain.is_empty() {
        said("Forwarded").iter().map(|element| node(element).and_then(address)).collect()
    } else {
        plain.iter().map(|hop| address(hop)).collect()
    }
}

/// The value of `for=` in an element of `Forwarded`.
fn node(element: &str) -> Option<&str> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for")).map(|(_, node)| node)
}

/// An address as proxies write it: by itself or in brackets, with a port or without, quoted or not.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn client(peer: &str, headers: &[(&'static str, &'static str)]) -> String {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        proxies.nearest(peer.parse().unwrap(), &hops(&map)).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, said, expected) in [
            ("203.0.113.7", "1.2.3.4", "203.0.113.7"),
            ("10.1.1.1", "203.0.113.7", "203.0.113.7"),
            ("10.1.1.1", "1.2.3.4, 203.0.113.7,10.2.2.2", "203.0.113.7"),
            ("10.1.1.1", "1.2.3.4, rubbish", "10.1.1.1"),
            ("10.1.1.1", "", "10.1.1.1"),
            ("::1", "::ffff:203.0.113.7", "203.0.113.7"),
            ("10.1.1.1", "10.3.3.3", "10.3.3.3"),
        ] {
            assert_eq!(client(peer, &[("x-forwarded-for", said)]), expected, "{peer} {said:?}");
        }
        assert_eq!(client("10.1.1.1", &[]), "10.1.1.1");
    }

    #[test]
    fn ports_brackets_and_quotes_are_read() {
        for (said, expected) in [
            ("203.0.113.7:5678", "203.0.113.7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:5678", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("\"203.0.113.7\"", "203.0.113.7"),
            ("\"[2001:db8::7]:5678\"", "2001:db8::7"),
            ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
            ("203.0.113.7:5678, 10.2.2.2:443", "203.0.113.7"),
            ("203.0.113.7:port", "10.1.1.1"),
            ("203.0.113.7:5678:9", "10.1.1.1"),
            ("unknown", "10.1.1.1"),
        ] {
            assert_eq!(client("10.1.1.1", &[("x-forwarded-for", said)]), expected, "{said}");
        }
    }

    #[test]
    fn forwarded_is_read_where_there_is_nothing_else() {
        for (said, expected) in [
            ("for=203.0.113.7", "203.0.113.7"),
            ("proto=https; For=\"[2001:db8::7]:47011\";by=10.9.9.9", "2001:db8::7"),
            ("for=1.2.3.4, for=203.0.113.7;proto=http, for=10.2.2.2", "203.0.113.7"),
            ("for=_hidden", "10.1.1.1"),
            ("by=203.0.113.7", "10.1.1.1"),
        ] {
            assert_eq!(client("10.1.1.1", &[("forwarded", said)]), expected, "{said}");
        }
        assert_eq!(client("10.1.1.1", &[("forwarded", "for=1.2.3.4"), ("x-forwarded-for", "203.0.113.7")]), "203.0.113.7");
    }
}
