//! One call, one connection: HTTP/1.1 with nothing that could make a no a yes.
//!
//! No connection is used twice, so no answer can be that of another call. There is no pool, no proxy, no redirect, no
//! cookie and no compression, and no task: whoever drops the future of a call closes its socket. An answer counts only
//! if it says how long it is, or marks its end, and came to that end within the time and size limits.

use std::error::Error as _;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, AGE, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::RelyingPartyError;
use super::base::Base;
use crate::transport::tcp::dial;

/// Most bytes of the head of an answer.
const HEAD_MAX: usize = 16 * 1024;
/// Most headers of an answer.
const HEADERS_MAX: usize = 64;

/// A connection to the server.
trait Socket: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug> Socket for T {}

type Sender = http1::SendRequest<Full<Bytes>>;
type Connection = http1::Connection<TokioIo<Box<dyn Socket>>, Full<Bytes>>;

/// What moves the bytes of a connection while it is polled; `None` once it has ended.
#[derive(Debug)]
struct Driver(Option<Connection>);

impl Driver {
    /// What goes wrong with the connection, the call over it is told too.
    fn poll(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && Pin::new(connection).poll(context).is_ready()
        {
            self.0 = None;
        }
    }

    /// Polls the connection as long as the call that runs over it.
    async fn run<T>(&mut self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        poll_fn(|context| {
            self.poll(context);
            call.as_mut().poll(context)
        })
        .await
    }
}

/// How the server is asked.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) base: Base,
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// Erased from memory with the last of its copies, and hidden by `Debug`.
    pub(super) authorization: HeaderValue,
    /// For a whole call.
    pub(super) limit: Duration,
}

/// What a call asks.
#[derive(Debug)]
pub(super) struct Ask<'a> {
    pub(super) path: &'static str,
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The JSON of a POST; `None` is a GET.
    pub(super) body: Option<Bytes>,
    /// Most bytes of the answer.
    pub(super) most: usize,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    /// Whether it says that it is JSON.
    pub(super) fn is_json(&self) -> bool {
        is_of_type(&self.headers, "application/json")
    }
}

impl Http {
    /// Asks, and reads the answer to its end.
    pub(super) async fn call(&self, ask: Ask<'_>) -> Result<Reply, RelyingPartyError> {
        let most = ask.most;
        let whole = async {
            let (mut sender, mut driver) = self.connect().await?;
            let request = self.request(&ask, "application/json")?;
            driver.run(async { read(sender.send_request(request).await.map_err(broken)?, most).await }).await
        };
        timeout(self.limit, whole).await.map_err(|_| RelyingPartyError::Timeout)?
    }

    /// Asks for an answer that does not end. Everything up to its head is within the time limit.
    pub(super) async fn stream(&self, ask: Ask<'_>) -> Result<Stream, RelyingPartyError> {
        let most = ask.most;
        let begun = async {
            let (mut sender, mut driver) = self.connect().await?;
            let request = self.request(&ask, "text/event-stream")?;
            let response = driver.run(async { sender.send_request(request).await.map_err(broken) }).await?;
            if response.status() != StatusCode::OK {
                let refused = driver.run(read(response, most)).await?;
                return Err(super::answer::refusal(&refused));
            }
            if !is_of_type(response.headers(), "text/event-stream") || is_encoded(response.headers()) {
                return Err(RelyingPartyError::Answer("it is not a stream of events"));
            }
            Ok(Stream { driver, body: response.into_body(), _sender: sender })
        };
        timeout(self.limit, begun).await.map_err(|_| RelyingPartyError::Timeout)?
    }

    fn request(&self, ask: &Ask<'_>, accept: &'static str) -> Result<Request<Full<Bytes>>, RelyingPartyError> {
        let method = if ask.body.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::builder()
            .method(method)
            .uri(self.base.target(ask.path, ask.query))
            .header(HOST, self.base.authority())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, accept)
            .header(CACHE_CONTROL, "no-store")
            .header(CONNECTION, "close");
        if ask.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = Full::new(ask.body.clone().unwrap_or_default());
        request.body(body).map_err(|_| RelyingPartyError::Call("it is too long".to_owned()))
    }

    async fn connect(&self) -> Result<(Sender, Driver), RelyingPartyError> {
        let dialed = dial(self.base.bare_host(), self.base.port).await;
        let stream = dialed.map_err(|error| unreachable(&error))?;
        // A request is one write; waiting for more would only delay it.
        stream.set_nodelay(true).map_err(|error| unreachable(&error))?;
        let socket: Box<dyn Socket> = match &self.tls {
            None => Box::new(stream),
            Some(config) => {
                let name = ServerName::try_from(self.base.bare_host().to_owned())
                    .map_err(|_| RelyingPartyError::Setup("the host of the server is no name for a certificate"))?;
                let secured = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
                Box::new(secured.map_err(|error| unreachable(&error))?)
            }
        };
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD_MAX).max_headers(HEADERS_MAX);
        let (sender, connection) = builder.handshake(TokioIo::new(socket)).await.map_err(broken)?;
        Ok((sender, Driver(Some(connection))))
    }
}

/// Reads an answer that is complete by its own account.
async fn read(response: Response<Incoming>, most: usize) -> Result<Reply, RelyingPartyError> {
    let (head, mut body) = response.into_parts();
    let (status, headers) = (head.status, head.headers);
    if is_encoded(&headers) {
        return Err(RelyingPartyError::Answer("it is encoded, which nobody asked for"));
    }
    if headers.get_all(AGE).iter().any(|age| age != "0") {
        return Err(RelyingPartyError::Answer("it comes from a cache, and is not of now"));
    }
    let only = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none())
    };
    let is_chunked = only(&TRANSFER_ENCODING).is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    let is_empty = status == StatusCode::NO_CONTENT;
    let is_framed = match (headers.contains_key(TRANSFER_ENCODING), headers.contains_key(CONTENT_LENGTH)) {
        (false, false) => is_empty,
        (false, true) => !is_empty || only(&CONTENT_LENGTH).is_some_and(|length| length == "0"),
        (true, false) => is_chunked && !is_empty,
        // Somebody may have read it otherwise.
        (true, true) => false,
    };
    if !is_framed {
        return Err(RelyingPartyError::Answer("nobody can tell whether it is whole"));
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if whole.len() + data.len() > most {
            return Err(RelyingPartyError::Answer("it is too long"));
        }
        whole.extend_from_slice(&data);
    }
    Ok(Reply { status, headers, body: whole.freeze() })
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers.contains_key(CONTENT_ENCODING)
}

/// Whether the one `Content-Type` is `wanted`, whatever its parameters.
fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(wanted)
}

fn broken(error: hyper::Error) -> RelyingPartyError {
    if error.is_parse() {
        return RelyingPartyError::Answer("it is not HTTP, or its head is too long");
    }
    let io = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    if error.is_incomplete_message() || io == Some(io::ErrorKind::UnexpectedEof) {
        return RelyingPartyError::Answer("it ended before it was whole");
    }
    if matches!(io, Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)) {
        return RelyingPartyError::Answer("its pieces have no length that could be");
    }
    match error.source() {
        Some(source) => unreachable(source),
        None => unreachable(&error),
    }
}

fn unreachable(error: &(dyn std::error::Error + '_)) -> RelyingPartyError {
    RelyingPartyError::Unreachable { reason: error.to_string() }
}

/// An answer that does not end.
#[derive(Debug)]
pub(super) struct Stream {
    driver: Driver,
    body: Incoming,
    _sender: Sender,
}

impl Stream {
    /// The next bytes; `None` at the end.
    ///
    /// Cancel safe: what came is given once, and later if not now.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, RelyingPartyError>> {
        loop {
            let frame = self.driver.run(self.body.frame()).await?;
            match frame {
                Err(error) => return Some(Err(broken(error))),
                Ok(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Some(Ok(data));
                    }
                }
            }
        }
    }
}
