//! Connections over TCP whose bytes are tampered with on their way to the server.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use cardea_sdk::transport::tcp::Framed;
use cardea_sdk::transport::{BoxFuture, Connection, Endpoint, TransportError};
use tokio::io::{AsyncWriteExt as _, Join, Sink, join, sink};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::sleep;

use super::armed::Hit;
use super::catalogue::Fault;
use super::frame::prefixed;

/// Frames after their length, as a tap that is not tight lets them through.
pub(super) struct Raw {
    /// The SDK's own reading.
    incoming: Framed<Join<OwnedReadHalf, Sink>>,
    outgoing: Option<OwnedWriteHalf>,
    hit: Hit,
    /// Bytes that have left.
    sent: usize,
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Raw").field(&self.hit.fault).finish()
    }
}

impl Raw {
    pub(super) async fn connect(server: &Endpoint, hit: Hit) -> Result<Self, TransportError> {
        let unreachable = |source| TransportError::Unreachable { server: server.clone(), source };
        let host = server.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&server.host);
        let stream = TcpStream::connect((host, server.port)).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let (incoming, outgoing) = stream.into_split();
        Ok(Self { incoming: Framed::new(join(incoming, sink())), outgoing: Some(outgoing), hit, sent: 0 })
    }

    async fn put(&mut self, frame: &[u8]) -> Result<(), TransportError> {
        let whole = prefixed(frame.len(), frame);
        match self.hit.fault {
            Fault::Slicer => self.pieces(&whole, self.hit.count("bytes").max(1), self.hit.time()).await,
            Fault::SlowLoris => self.pieces(&whole, 1, self.hit.time()).await,
            Fault::Reset => self.until(&whole, self.hit.count("at"), true).await,
            Fault::LimitData => self.until(&whole, self.hit.count("bytes"), false).await,
            Fault::Oversize => self.write(&prefixed(self.hit.count("bytes"), frame)).await,
            Fault::ZeroLength => self.write(&prefixed(0, &[])).await,
            Fault::BadLength => self.write(&prefixed(frame.len() + self.hit.count("more"), frame)).await,
            Fault::HalfClose => {
                self.write(&whole).await?;
                if let Some(mut outgoing) = self.outgoing.take() {
                    outgoing.shutdown().await?;
                }
                Ok(())
            }
            _ => self.write(&whole).await,
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        let outgoing = self.outgoing.as_mut().ok_or(TransportError::Closed)?;
        outgoing.write_all(bytes).await?;
        self.sent += bytes.len();
        Ok(())
    }

    async fn pieces(&mut self, bytes: &[u8], length: usize, pause: Duration) -> Result<(), TransportError> {
        for piece in bytes.chunks(length) {
            self.write(piece).await?;
            sleep(pause).await;
        }
        Ok(())
    }

    /// Sends what may still be sent, and ends the connection when that is all.
    async fn until(&mut self, bytes: &[u8], limit: usize, is_reset: bool) -> Result<(), TransportError> {
        let left = limit.saturating_sub(self.sent);
        if let Some(rest) = bytes.get(..left) {
            self.write(rest).await?;
            if let Some(outgoing) = self.outgoing.take() {
                if is_reset {
                    outgoing.as_ref().set_zero_linger()?;
                }
                drop(outgoing);
            }
            return Err(io::Error::from(io::ErrorKind::ConnectionReset).into());
        }
        self.write(bytes).await
    }
}

impl Connection for Raw {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(self.put(frame))
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        self.incoming.receive()
    }

    fn way(&self) -> &'static str {
        "tcp"
    }
}

/// What the SDK makes of these bytes when they come in a stream.
pub(super) fn stream(bytes: Vec<u8>) -> Framed<Join<io::Cursor<Vec<u8>>, Sink>> {
    Framed::new(join(io::Cursor::new(bytes), sink()))
}
