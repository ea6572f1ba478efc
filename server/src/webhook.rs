//! Calling webhooks: one signed POST to an address that may be called.
//!
//! What is delivered, when and in which order is decided in [`Admin::deliver_webhooks`](crate::admin::Admin).

mod target;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use http_body_util::Full;
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::clock::UnixSeconds;

/// The size of every body, and of every frame of the event feed: spaces fill it up, so that it says nothing. Nothing
/// that happens to a token is larger, whatever its names are; what an administrator does may take a multiple.
pub(crate) const BLOCK: usize = 2_560;
/// Names that are looked up at once.
const LOOKUPS: usize = 16;
/// How long a call may take, the name's resolution and the handshakes included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a call failed. Whoever runs the receiver must act; no text has anything that the receiver sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The address cannot be called.
    #[error("the address is not one that can be called")]
    Address,
    /// The name leads to nowhere, or to where nothing may be called.
    #[error("the host is private or local: deliveries there are refused unless webhook.allow_private is set")]
    Private,
    /// The host cannot be reached.
    #[error("the host cannot be reached")]
    Unreachable,
    /// The certificate is not good, or TLS failed.
    #[error("TLS failed: the certificate is not valid for the host, or nobody speaks TLS there")]
    Tls,
    /// No answer in time.
    #[error("there was no answer in time")]
    Timeout,
    /// The receiver does not speak HTTP, or closed.
    #[error("the receiver did not answer in HTTP")]
    Http,
    /// The answer was not 2xx. Redirects are not followed.
    #[error("the receiver answered {0}")]
    Status(u16),
}

/// The file with more certificate authorities cannot be used. The operator has to put it right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("webhook.ca_file {}: {detail}; it must be certificates in PEM, or empty", path.display())]
pub struct CaFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub detail: String,
}

fn public_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots
}

/// A delivery: what is sent, and how it is signed.
#[derive(Debug)]
pub struct Call<'a> {
    /// The address.
    pub url: &'a str,
    /// The event's id.
    pub id: &'a str,
    /// The event's body.
    pub body: &'a serde_json::Value,
    /// The secrets that sign it: the present one first.
    pub secrets: &'a [&'a Secret<32>],
    /// The time of the call.
    pub now: UnixSeconds,
}

/// Calls webhooks.
#[derive(Clone)]
pub struct Caller {
    tls: TlsConnector,
    allow_private: bool,
    timeout: Duration,
    lookups: Arc<Semaphore>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("allow_private", &self.allow_private).finish_non_exhaustive()
    }
}

impl Caller {
    /// A caller that trusts the usual certificate authorities.
    #[must_use]
    pub fn new(allow_private: bool) -> Self {
        Self::with_roots(allow_private, public_roots())
    }

    /// The same, which also trusts the authorities in the file `path` (PEM). The file is read now and not again. Blocks.
    ///
    /// # Errors
    /// [`CaFileError`].
    pub fn with_authorities(allow_private: bool, path: &Path) -> Result<Self, CaFileError> {
        let failed = |detail: String| CaFileError { path: path.to_owned(), detail };
        let mut roots = public_roots();
        let mut count = 0;
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))? {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots.add(certificate).map_err(|error| failed(error.to_string()))?;
            count += 1;
        }
        if count == 0 {
            return Err(failed("there is no certificate in it".to_owned()));
        }
        Ok(Self::with_roots(allow_private, roots))
    }

    fn with_roots(allow_private: bool, roots: RootCertStore) -> Self {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("ring has the usual versions").with_root_certificates(roots).with_no_client_auth();
        Self {
            tls: TlsConnector::from(Arc::new(config)),
            allow_private,
            timeout: TIMEOUT,
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }

    #[cfg(test)]
    pub(crate) fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Calls; done when the receiver has answered 2xx. What else it says is not looked at.
    ///
    /// Cancel safe, in that the receiver may have got it.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call(&self, call: &Call<'_>) -> Result<(), CallError> {
        let answer = tokio::time::timeout(self.timeout, self.send(call)).await;
        answer.unwrap_or(Err(CallError::Timeout))
    }

    async fn send(&self, call: &Call<'_>) -> Result<(), CallError> {
        let uri: Uri = call.url.parse().map_err(|_| CallError::Address)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(CallError::Address);
        };
        let is_tls = scheme == "https";
        let port = authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let host = authority.host();
        let stream = target::connect(host, port, self.allow_private, &self.lookups).await?;
        let request = request(call, &uri, authority.as_str())?;
        if !is_tls {
            return exchange(stream, request).await;
        }
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| CallError::Address)?;
        exchange(self.tls.connect(name, stream).await.map_err(|_| CallError::Tls)?, request).await
    }
}

/// What a receiver has to compute: HMAC-SHA-256 under the secret as it was shown, over time, a dot, and the body.
fn signature(secret: &Secret<32>, time: &str, body: &[u8]) -> String {
    let shown = zeroize::Zeroizing::new(BASE64URL_NOPAD.encode(secret.expose()));
    let mac = Dalek::hmac(shown.as_bytes(), &[time.as_bytes(), b".", body]);
    format!("v1={}", HEXLOWER.encode(mac.expose()))
}

fn request(call: &Call<'_>, uri: &Uri, host: &str) -> Result<Request<Full<Bytes>>, CallError> {
    let mut body = call.body.to_string().into_bytes();
    body.resize(body.len().div_ceil(BLOCK) * BLOCK, b' ');
    let time = call.now.get().to_string();
    let signatures: Vec<_> = call.secrets.iter().map(|secret| signature(secret, &time, &body)).collect();
    let path = uri.path_and_query().map_or("/", hyper::http::uri::PathAndQuery::as_str);
    Request::post(path)
        .header(header::HOST, host)
        .header(header::USER_AGENT, "cardea")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .header("Cardea-Timestamp", time)
        .header("Cardea-Signature", signatures.join(","))
        .header("Cardea-Event-Id", call.id)
        .body(Full::new(body.into()))
        .map_err(|_| CallError::Address)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(), CallError> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|_| CallError::Http)?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|_| CallError::Http)?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(CallError::Status(status.as_u16())) }
    };
    tokio::pin!(connection);
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        _ = &mut connection => answer.await,
    }
}

#[cfg(test)]
mod tests;
