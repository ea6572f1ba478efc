//! WebSockets, for networks that let nothing else through (specification, chapter 2.1.2): one frame is one binary
//! message at `/channel` of the server's web port.
//!
//! What travels is encrypted and authenticated already, so TLS is there for what such networks demand, and no decision
//! rests on it. Without TLS only this machine is asked.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use cardea_protocol::limits::FRAME_MAX;
use cardea_protocol::wire::Host;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::tcp::dial;
use super::{BoxFuture, Connection, Connector, Endpoint, TransportError};
use crate::tls;

/// Port of the web server, unless it is on this machine.
const PORT: u16 = 443;
/// Port of a server on this machine unless told otherwise.
const LOOPBACK_PORT: u16 = 8420;
/// Bytes of a frame's header at most, beside the frame.
const HEADER: usize = 14;

/// Connects by WebSocket: `wss` with the certificates that browsers trust, and `ws` on this machine.
#[derive(Debug, Clone, Default)]
pub struct WebSocketConnector {
    port: Option<u16>,
    tls: Option<Arc<ClientConfig>>,
}

impl WebSocketConnector {
    /// Connects to port 443 of the server's host, or to port 8420 if it is this machine.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects to `port` instead.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Uses TLS always, on this machine too, and as `config` says: with the root certificates of an organization, for
    /// example.
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Uses TLS always, and trusts the certificate authorities in `pem` in place of those that browsers trust: for an
    /// organization with an authority of its own.
    ///
    /// # Errors
    /// There is no certificate in it, or one that cannot be read.
    pub fn authorities(self, pem: &[u8]) -> io::Result<Self> {
        Ok(self.tls(tls::authorities(pem)?))
    }

    /// How `host` is asked; `None` without TLS.
    fn tls_for(&self, host: &str) -> io::Result<Option<Arc<ClientConfig>>> {
        match &self.tls {
            Some(config) => Ok(Some(Arc::clone(config))),
            None if is_local(host) => Ok(None),
            None => tls::web().map(Some),
        }
    }

    async fn open(&self, server: &Endpoint) -> Result<WebSocket, Error> {
        let host = server.bare_host();
        let tls = self.tls_for(&server.host)?;
        let port = self.port.unwrap_or(if is_local(&server.host) { LOOPBACK_PORT } else { PORT });
        let stream = dial(host, port).await?;
        // One frame is one write; waiting for more would only delay it.
        stream.set_nodelay(true)?;
        let scheme = if tls.is_some() { "wss" } else { "ws" };
        let stream = match tls {
            None => Stream::Plain(stream),
            Some(config) => {
                let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                Stream::Tls(Box::new(TlsConnector::from(config).connect(name, stream).await?))
            }
        };
        let config = WebSocketConfig::default()
            .read_buffer_size(FRAME_MAX + HEADER)
            .write_buffer_size(0)
            .max_write_buffer_size(2 * (FRAME_MAX + HEADER))
            .max_message_size(Some(FRAME_MAX))
            .max_frame_size(Some(FRAME_MAX));
        let url = format!("{scheme}://{}:{port}/channel", server.host);
        let (stream, _) = Box::pin(client_async_with_config(url, stream, Some(config))).await?;
        Ok(WebSocket(stream))
    }
}

fn is_local(host: &str) -> bool {
    Host::new(host).is_ok_and(|host| host.is_loopback())
}

impl Connector for WebSocketConnector {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            match self.open(server).await {
                Ok(socket) => Ok(Box::new(socket) as Box<dyn Connection>),
                Err(error) => Err(TransportError::Unreachable { server: server.clone(), source: cause(error) }),
            }
        })
    }
}

/// A connection by WebSocket.
#[derive(Debug)]
struct WebSocket(WebSocketStream<Stream>);

impl Connection for WebSocket {
    fn way(&self) -> &'static str {
        "websocket"
    }

    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move { self.0.send(Message::Binary(Bytes::copy_from_slice(frame))).await.map_err(broken) })
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Binary(frame))) => return Ok(frame),
                    // Answered by the library.
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Close(_))) | None => return Err(TransportError::Closed),
                    Some(Ok(Message::Text(_) | Message::Frame(_))) => {
                        return Err(TransportError::Broken(io::ErrorKind::InvalidData.into()));
                    }
                    Some(Err(error)) => return Err(broken(error)),
                }
            }
        })
    }
}

fn broken(error: Error) -> TransportError {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => TransportError::Closed,
        error => TransportError::Broken(cause(error)),
    }
}

/// What the system says is said as it is; what the other side did wrong is named by the library.
fn cause(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        error => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

/// What carries the WebSocket.
#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests;
