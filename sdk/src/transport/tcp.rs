//! TCP: each frame after its length in two bytes, big-endian.

use bytes::{Bytes, BytesMut};
use cardea_protocol::limits::FRAME_MAX;
use std::fmt;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::codec::{Decoder as _, Encoder as _, LengthDelimitedCodec};

use super::{BoxFuture, Connection, Connector, Endpoint, TransportError};

/// Connects over TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpConnector;

impl Connector for TcpConnector {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            let unreachable = |source| TransportError::Unreachable { server: server.clone(), source };
            let stream = TcpStream::connect((server.bare_host(), server.port)).await.map_err(unreachable)?;
            // One frame is one write; waiting for more would only delay it.
            stream.set_nodelay(true).map_err(unreachable)?;
            Ok(Box::new(Framed::new(stream)) as Box<dyn Connection>)
        })
    }
}

/// Frames over a byte stream.
pub struct Framed<S> {
    stream: S,
    codec: LengthDelimitedCodec,
    received: BytesMut,
}

impl<S> fmt::Debug for Framed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Framed")
    }
}

impl<S> Framed<S> {
    /// Frames over `stream`.
    pub fn new(stream: S) -> Self {
        let codec = LengthDelimitedCodec::builder().length_field_type::<u16>().max_frame_length(FRAME_MAX).new_codec();
        Self { stream, codec, received: BytesMut::new() }
    }
}

impl<S: AsyncRead + AsyncWrite + fmt::Debug + Send + Unpin> Connection for Framed<S> {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let mut bytes = BytesMut::new();
            self.codec.encode(Bytes::copy_from_slice(frame), &mut bytes)?;
            self.stream.write_all(&bytes).await?;
            Ok(self.stream.flush().await?)
        })
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move {
            loop {
                // The codec refuses a length above the limit before any of the frame is read.
                if let Some(frame) = self.codec.decode(&mut self.received)? {
                    return Ok(frame.freeze());
                }
                if self.stream.read_buf(&mut self.received).await? == 0 {
                    return Err(TransportError::Closed);
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[tokio::test]
    async fn frames_go_out_with_their_length_and_come_in_piece_by_piece() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut framed = Framed::new(near);
        framed.send(b"hello").await.unwrap();
        let mut bytes = [0; 7];
        far.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"\x00\x05hello");
        for byte in b"\x00\x03abc\x00\x01d" {
            far.write_all(&[*byte]).await.unwrap();
        }
        assert_eq!(framed.receive().await.unwrap(), "abc");
        assert_eq!(framed.receive().await.unwrap(), "d");
        drop(far);
        assert!(matches!(framed.receive().await, Err(TransportError::Closed)));
    }

    #[tokio::test]
    async fn a_frame_that_is_too_long_is_refused_at_its_length() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut framed = Framed::new(near);
        far.write_all(&561_u16.to_be_bytes()).await.unwrap();
        let refused = framed.receive().await;
        assert!(matches!(refused, Err(TransportError::Broken(error)) if error.kind() == io::ErrorKind::InvalidData));
        assert!(framed.send(&[0; 561]).await.is_err());
    }

    #[tokio::test]
    async fn a_dropped_receive_loses_nothing() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut framed = Framed::new(near);
        far.write_all(b"\x00\x03ab").await.unwrap();
        tokio::select! {
            biased;
            _ = framed.receive() => panic!("half a frame is no frame"),
            () = std::future::ready(()) => {}
        }
        far.write_all(b"c").await.unwrap();
        assert_eq!(framed.receive().await.unwrap(), "abc");
    }

    #[tokio::test]
    async fn nobody_there_is_unreachable() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Endpoint { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() };
        drop(listener);
        let error = TcpConnector.connect(&server).await.unwrap_err();
        assert!(matches!(error, TransportError::Unreachable { .. }) && error.is_refusal());
        assert!(error.to_string().contains(&server.to_string()), "{error}");
    }
}
