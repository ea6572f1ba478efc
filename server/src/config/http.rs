//! The sections of the HTTP side.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::{Problem, count, optional, seconds, timeout};

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
