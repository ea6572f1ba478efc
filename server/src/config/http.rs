//! The sections of the HTTP side.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::{Problem, count, optional, seconds, timeout};
use crate::network::Network;

/// Section `http`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Address to bind.
    pub listen: SocketAddr,
    /// Connections at once.
    pub max_connections: usize,
    /// Calls at once.
    pub max_requests: usize,
    /// Bytes of request line and headers together.
    pub head_limit: usize,
    /// Bytes of a body.
    pub body_limit: usize,
    /// Time for the headers; idle time between calls.
    #[serde(deserialize_with = "seconds")]
    pub header_timeout: Duration,
    /// Time for the body.
    #[serde(deserialize_with = "seconds")]
    pub body_timeout: Duration,
    /// Time from the end of the headers to the answer.
    #[serde(deserialize_with = "seconds")]
    pub answer_timeout: Duration,
    /// Time for a connection in all.
    #[serde(deserialize_with = "seconds")]
    pub connection_timeout: Duration,
    /// The proxies that are believed about whose calls they pass on.
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<Network>,
    /// How they say it.
    pub forwarded_by: ForwardedBy,
}

/// How proxies say whose call they pass on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedBy {
    /// In the header `X-Forwarded-For`.
    XForwardedFor,
    /// In the header `Forwarded` (RFC 7239).
    Forwarded,
    /// By the PROXY protocol, before the first byte of HTTP or TLS.
    ProxyProtocol,
}

/// Section `limits`. Per minute where nothing else is said; 0 is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// Connections of one address at once.
    pub connections_per_address: usize,
    /// Wrong authkeys of one address.
    pub wrong_authkeys: u32,
    /// Wrong passwords from one address.
    pub wrong_passwords_per_address: u32,
    /// Wrong passwords for one name of an account, whether or not there is one.
    pub wrong_passwords_per_name: u32,
    /// Wrong passwords with one appsecret, and wrong ones of these.
    pub wrong_passwords_per_application: u32,
    /// Calls for access tokens of one subscription.
    pub tokens_per_organization: u32,
    /// Calls with one authkey.
    pub calls_per_authkey: u32,
    /// Status checks of one token.
    pub checks_per_token: u32,
    /// Tokens whose status is kept in memory.
    pub cached_statuses: usize,
    /// Addresses whose wrong authkeys and passwords are not counted.
    #[serde(deserialize_with = "networks")]
    pub exempt: Vec<Network>,
}

/// Section `metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsConfig {
    /// Address of their own listener; `None`: there is none.
    #[serde(deserialize_with = "address")]
    pub listen: Option<SocketAddr>,
    /// Whether the API serves them as well, for everybody.
    pub public: bool,
}

impl HttpConfig {
    pub(super) fn check(&self) -> Result<(), Problem> {
        [
            ("http.max_connections", self.max_connections),
            ("http.max_requests", self.max_requests),
            ("http.body_limit", self.body_limit),
        ]
        .into_iter()
        .try_for_each(count)?;
        [
            ("http.header_timeout", self.header_timeout),
            ("http.body_timeout", self.body_timeout),
            ("http.answer_timeout", self.answer_timeout),
            ("http.connection_timeout", self.connection_timeout),
        ]
        .into_iter()
        .try_for_each(timeout)?;
        if !(8192..=1 << 20).contains(&self.head_limit) {
            return Err(("http.head_limit", "must be from 8192 to 1048576 bytes"));
        }
        Ok(())
    }
}

/// Section `tls`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// File with the chain of certificates; `None`: plain HTTP.
    #[serde(deserialize_with = "optional")]
    certificate: Option<String>,
    /// File with the key of the first of them.
    #[serde(deserialize_with = "optional")]
    key: Option<String>,
    /// Time for a handshake.
    #[serde(deserialize_with = "seconds")]
    pub handshake_timeout: Duration,
}

impl TlsConfig {
    /// The files of certificate and key; `None`: plain HTTP.
    #[must_use]
    pub fn files(&self) -> Option<(&Path, &Path)> {
        Some((Path::new(self.certificate.as_ref()?), Path::new(self.key.as_ref()?)))
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        timeout(("tls.handshake_timeout", self.handshake_timeout))?;
        match (&self.certificate, &self.key) {
            (Some(_), None) => Err(("tls.certificate", "needs tls.key beside it")),
            (None, Some(_)) => Err(("tls.key", "needs tls.certificate beside it")),
            _ => Ok(()),
        }
    }
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = |(text, error)| serde::de::Error::custom(format!("has `{text}`: {error}"));
    Network::parse_list(&text).map_err(wrong)
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = optional(deserializer)?;
    let parse = |text: String| text.parse().map_err(|_| serde::de::Error::custom("must be ADDRESS:PORT, or empty"));
    text.map(parse).transpose()
}
