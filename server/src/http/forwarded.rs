//! Whose call it is: the peer of the connection, or what trusted proxies say of it.
//!
//! Every hop appends what it saw, so only the right end of the list can be believed: it was written by a proxy that we
//! trust. Going left, each address that is a trusted proxy's own is believed about the one before it; the first that is
//! not is the client. What a client has written itself stands further left and is never reached.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{FORWARDED, HeaderName};
use axum::http::{HeaderMap, HeaderValue};

use crate::config::ForwardedBy;
use crate::network::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The proxies that are believed, and how they speak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxies {
    trusted: Vec<Network>,
    by: ForwardedBy,
}

impl Proxies {
    pub(super) const fn new(trusted: Vec<Network>, by: ForwardedBy) -> Self {
        Self { trusted, by }
    }

    /// The networks that have to send a PROXY header; none unless that is how proxies speak.
    pub(super) fn proxy_protocol(&self) -> &[Network] {
        if self.by == ForwardedBy::ProxyProtocol { &self.trusted } else { &[] }
    }

    /// Whether `peer` is a proxy that is believed.
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        !self.trusted.is_empty() && self.trusted.iter().any(|network| network.contains(peer))
    }

    /// Whether `headers` claim to come from a proxy.
    pub(super) fn are_claimed(headers: &HeaderMap) -> bool {
        headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
    }

    /// Whether a proxy that is believed says that the call came to it over TLS: what the nearest one wrote counts.
    pub(super) fn is_secure(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        if !self.trusts(peer.to_canonical()) {
            return false;
        }
        let last =
            |name| headers.get_all(name).iter().next_back().and_then(split).and_then(|list| list.last().copied());
        let said = match self.by {
            ForwardedBy::XForwardedFor => last(X_FORWARDED_PROTO),
            ForwardedBy::Forwarded => last(FORWARDED).and_then(proto),
            ForwardedBy::ProxyProtocol => None,
        };
        said.is_some_and(|said| said.eq_ignore_ascii_case("https"))
    }

    /// The client of a call with `headers` that came from `peer`. `None` when a trusted proxy said something that is no
    /// address: then nobody knows, and whatever depends on it has to be refused.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let peer = peer.to_canonical();
        let (name, read): (_, fn(&str) -> Option<IpAddr>) = match self.by {
            ForwardedBy::XForwardedFor => (X_FORWARDED_FOR, address),
            ForwardedBy::Forwarded => (FORWARDED, node),
            // Then the peer is the client already.
            ForwardedBy::ProxyProtocol => return Some(peer),
        };
        if !self.trusts(peer) {
            return Some(peer);
        }
        let mut client = peer;
        for value in headers.get_all(name).iter().rev() {
            for element in split(value)?.into_iter().rev() {
                client = read(element)?;
                if !self.trusts(client) {
                    return Some(client);
                }
            }
        }
        Some(client)
    }
}

/// The last `proto` of a `Forwarded` element.
fn proto(element: &str) -> Option<&str> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.rev().find(|(name, _)| name.eq_ignore_ascii_case("proto")).map(|(_, value)| value.trim_matches('"'))
}

/// The elements of a header that is a list. A comma inside quotes is none.
fn split(value: &HeaderValue) -> Option<Vec<&str>> {
    let text = value.to_str().ok()?;
    let mut quoted = false;
    let elements = text.split(|letter| {
        quoted ^= letter == '"';
        letter == ',' && !quoted
    });
    let elements: Vec<&str> = elements.map(str::trim).filter(|element| !element.is_empty()).collect();
    // Half a quote could hide an element; a backslash could hide a quote.
    (!quoted && !text.contains('\\')).then_some(elements)
}

/// An address as proxies write it: bare, or with a port, an IPv6 address with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address: IpAddr = bare.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip())).ok()?;
    Some(address.to_canonical())
}

/// The address in the `for` parameter of an element of `Forwarded`. Source: RFC 7239, section 4.
fn node(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") {
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            if found.replace(address(value)?).is_some() {
                return None;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies(trusted: &str, by: ForwardedBy) -> Proxies {
        Proxies::new(Network::parse_list(trusted).expect("networks"), by)
    }

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), value.parse().expect("a header value"));
        }
        headers
    }

    fn client(by: ForwardedBy, peer: &str, values: &[&str]) -> Option<String> {
        let name = if by == ForwardedBy::Forwarded { FORWARDED } else { X_FORWARDED_FOR };
        let proxies = proxies("127.0.0.1, 10.0.0.0/8, 2001:db8:1::/48", by);
        let client = proxies.client(peer.parse().expect("an address"), &headers(name, values));
        client.map(|client| client.to_string())
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_no_trusted_proxy() {
        let ask = |peer, values: &[&str]| client(ForwardedBy::XForwardedFor, peer, values);
        for (peer, values, expected) in [
            ("192.0.2.1", &["198.51.100.1"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["127.0.0.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1", "10.0.0.2, 10.0.0.3"], "198.51.100.1"),
            ("10.0.0.1", &["nonsense, 198.51.100.1,10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.2,10.0.0.3"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("2001:db8:1::1", &["[2001:db8:2::1]:4711"], "2001:db8:2::1"),
            ("2001:db8:1::1", &["2001:db8:2::1"], "2001:db8:2::1"),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            assert_eq!(ask(peer, values).as_deref(), Some(expected), "{peer} {values:?}");
        }
    }

    #[test]
    fn the_standard_header_is_read_by_its_grammar() {
        let ask = |values: &[&str]| client(ForwardedBy::Forwarded, "10.0.0.1", values);
        for (values, expected) in [
            (&["for=198.51.100.1"][..], "198.51.100.1"),
            (&["For=198.51.100.1;proto=https;by=10.0.0.1"], "198.51.100.1"),
            (&["proto=https; for=\"[2001:db8:2::1]:4711\""], "2001:db8:2::1"),
            (&["for=127.0.0.1, for=198.51.100.1", "for=10.9.9.9"], "198.51.100.1"),
            (&["for=_hidden, for=\"198.51.100.1\";host=\"a,b\""], "198.51.100.1"),
        ] {
            assert_eq!(ask(values).as_deref(), Some(expected), "{values:?}");
        }
    }

    #[test]
    fn what_a_trusted_proxy_says_and_nobody_understands_is_nobodys_address() {
        for value in ["unknown", "198.51.100.1, nonsense", "198.51.100.1 10.0.0.2", "\"198.51.100.1", "300.1.1.1"] {
            assert_eq!(client(ForwardedBy::XForwardedFor, "10.0.0.1", &[value]), None, "{value}");
        }
        for value in
            ["for=unknown", "for=_hidden", "by=10.0.0.2", "for=198.51.100.1;for=10.0.0.2", "for", "for=\"a\\\"b\""]
        {
            assert_eq!(client(ForwardedBy::Forwarded, "10.0.0.1", &[value]), None, "{value}");
        }
    }

    #[test]
    fn a_call_is_secure_if_the_nearest_trusted_proxy_says_so() {
        let (near, far) = ("10.0.0.1".parse().expect("an address"), "192.0.2.1".parse().expect("an address"));
        for (by, name, value, expected) in [
            (ForwardedBy::XForwardedFor, X_FORWARDED_PROTO, "https", true),
            (ForwardedBy::XForwardedFor, X_FORWARDED_PROTO, "http, HTTPS", true),
            (ForwardedBy::XForwardedFor, X_FORWARDED_PROTO, "https, http", false),
            (ForwardedBy::XForwardedFor, FORWARDED, "proto=https", false),
            (ForwardedBy::Forwarded, FORWARDED, "for=192.0.2.1;Proto=\"https\"", true),
            (ForwardedBy::Forwarded, FORWARDED, "proto=https, for=192.0.2.1", false),
            (ForwardedBy::Forwarded, X_FORWARDED_PROTO, "https", false),
            (ForwardedBy::ProxyProtocol, X_FORWARDED_PROTO, "https", false),
        ] {
            let headers = headers(name, &[value]);
            assert_eq!(proxies("10.0.0.0/8", by).is_secure(near, &headers), expected, "{by:?} {value}");
            assert!(!proxies("10.0.0.0/8", by).is_secure(far, &headers), "{by:?} {value}");
        }
    }

    #[test]
    fn without_trusted_proxies_nobody_is_believed() {
        let headers = headers(X_FORWARDED_FOR, &["127.0.0.1"]);
        let peer = "192.0.2.1".parse().expect("an address");
        for by in [ForwardedBy::XForwardedFor, ForwardedBy::Forwarded, ForwardedBy::ProxyProtocol] {
            assert_eq!(proxies("", by).client(peer, &headers), Some(peer));
        }
    }

    proptest! {
        #[test]
        fn a_client_cannot_choose_its_address(claimed in "[ -~]{0,80}") {
            // The proxy adds what it saw behind whatever the client has sent.
            let (mine, peer) = ("198.51.100.7", "10.0.0.1");
            let seen = client(ForwardedBy::XForwardedFor, peer, &[&claimed, mine]);
            prop_assert_eq!(seen.as_deref(), Some(mine));
            let joined = format!("{claimed}, {mine}");
            if let Some(seen) = client(ForwardedBy::XForwardedFor, peer, &[&joined]) {
                prop_assert_eq!(seen, mine);
            }
        }
    }
}
