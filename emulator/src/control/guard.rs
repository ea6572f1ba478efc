//! Who may call: programs of this machine that have the token, and no web page of anybody.
//!
//! A browser on the same machine can be made to send requests here by any page that is open in it. It tells where the page
//! is from (`Origin`), and whom it believes to call (`Host`), which a name that was pointed at this machine gives away.

use std::net::IpAddr;

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use base64ct::{Base64, Encoding as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::problem::Problem;

/// What may be asked without a token: it says nothing but yes or no.
pub(super) const PROBES: [&str; 2] = ["/live", "/ready"];

/// What a listener asks of its callers.
#[derive(Debug, Clone)]
pub(super) enum Guard {
    /// Nothing more: the socket is a file that only its owner can open.
    Socket,
    /// The token of this hash, on loopback.
    Token([u8; 32]),
}

impl Guard {
    /// For callers that have this token.
    pub(super) fn token(token: &str) -> Self {
        Self::Token(hash(token))
    }

    /// Whether a request for this address with these headers may go on.
    pub(super) fn check(&self, address: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
        if headers.contains_key(ORIGIN) {
            return Err(Problem::Elsewhere("the request has an Origin, as those of web pages have"));
        }
        let Self::Token(token) = self else { return Ok(()) };
        let mut hosts = headers.get_all(HOST).iter();
        let (host, other) = (hosts.next().and_then(|host| host.to_str().ok()).unwrap_or_default(), hosts.next());
        // An address with a host in it counts for more than the header (RFC 9112, section 3.2.2).
        let is_elsewhere = address.authority().is_some_and(|authority| !is_here(authority.as_str()));
        if other.is_some() || is_elsewhere || !is_here(host) {
            return Err(Problem::Elsewhere("the Host is none of localhost, 127.0.0.1 and [::1]"));
        }
        if PROBES.contains(&address.path()) {
            return Ok(());
        }
        // Hashes are compared: how long that takes says nothing about the token.
        match headers.get(AUTHORIZATION).and_then(|value| given(value.to_str().ok()?)) {
            Some(given) if hash(&given) == *token => Ok(()),
            _ => Err(Problem::NoToken),
        }
    }
}

/// The token that a caller gives: as such, or as the password of an address, which is all that some clients can send.
fn given(authorization: &str) -> Option<Zeroizing<String>> {
    if let Some(token) = authorization.strip_prefix("Bearer ") {
        return Some(Zeroizing::new(token.to_owned()));
    }
    let pair = Zeroizing::new(Base64::decode_vec(authorization.strip_prefix("Basic ")?).ok()?);
    let (_, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    Some(Zeroizing::new(password.to_owned()))
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Whether it names this machine by an address that no name server has a say in.
fn is_here(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(all: &[(HeaderName, &'static str)]) -> HeaderMap {
        all.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_who_has_the_token_and_calls_this_machine_by_its_own_name_goes_on() {
        let guard = Guard::token("secret");
        for host in ["localhost", "localhost:41873", "127.0.0.1:80", "127.0.0.9", "[::1]:80", "LocalHost"] {
            assert!(
                guard
                    .check(
                        &Uri::from_static("/v1/version"),
                        &headers(&[(HOST, host), (AUTHORIZATION, "Bearer secret")])
                    )
                    .is_ok(),
                "{host}"
            );
        }
        for host in
            ["", "example.com", "localhost.example.com", "127.0.0.1.example.com:80", "10.0.0.1", "[::2]", "localhost:x"]
        {
            let refused = guard
                .check(&Uri::from_static("/v1/version"), &headers(&[(HOST, host), (AUTHORIZATION, "Bearer secret")]));
            assert!(matches!(refused, Err(Problem::Elsewhere(_))), "{host}");
        }
        // user:secret
        let basic = headers(&[(HOST, "localhost"), (AUTHORIZATION, "Basic dXNlcjpzZWNyZXQ=")]);
        assert!(guard.check(&Uri::from_static("/v1/version"), &basic).is_ok());
        for token in [
            "Basic c2VjcmV0",
            "Basic dXNlcjpzZWNyZXQx",
            "Bearer secre",
            "Bearer secrets",
            "bearer secret",
            "Basic secret",
            "secret",
            "",
        ] {
            let refused =
                guard.check(&Uri::from_static("/v1/version"), &headers(&[(HOST, "localhost"), (AUTHORIZATION, token)]));
            assert!(matches!(refused, Err(Problem::NoToken)), "{token}");
        }
    }

    #[test]
    fn neither_a_second_host_nor_one_in_the_address_goes_around_the_first() {
        let guard = Guard::token("secret");
        let check = |address: &'static str, hosts: &[&'static str]| {
            let mut given = headers(&[(AUTHORIZATION, "Bearer secret")]);
            for host in hosts {
                given.append(HOST, HeaderValue::from_static(host));
            }
            guard.check(&Uri::from_static(address), &given).is_ok()
        };
        assert!(check("/v1/version", &["localhost"]) && check("http://127.0.0.1:80/v1/version", &["localhost"]));
        assert!(!check("/v1/version", &["localhost", "example.com"]));
        assert!(!check("/v1/version", &["localhost", "localhost"]));
        assert!(!check("http://example.com/v1/version", &["localhost"]));
        assert!(!check("http://localhost@example.com/v1/version", &["localhost"]));
    }

    #[test]
    fn no_web_page_calls_whatever_it_has() {
        for guard in [Guard::token("secret"), Guard::Socket] {
            for origin in ["https://example.com", "http://localhost:41873", "null", ""] {
                let given = [(HOST, "localhost"), (AUTHORIZATION, "Bearer secret"), (ORIGIN, origin)];
                assert!(
                    matches!(
                        guard.check(&Uri::from_static("/v1/version"), &headers(&given)),
                        Err(Problem::Elsewhere(_))
                    ),
                    "{origin}"
                );
            }
        }
        assert!(Guard::Socket.check(&Uri::from_static("/v1/version"), &headers(&[])).is_ok());
    }
}
