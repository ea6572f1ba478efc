//! TCP: each frame after its length in two bytes, big-endian.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cardea_protocol::limits::FRAME_MAX;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_util::codec::{Decoder as _, Encoder as _, LengthDelimitedCodec};

use super::{BoxFuture, Connection, Connector, Endpoint, TransportError};

/// How long an address that does not answer keeps the next one waiting, as browsers have it (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);

/// A connection that is being made.
type Making = BoxFuture<'static, io::Result<TcpStream>>;

/// Connects to whichever address of `host` takes a connection first. One that swallows everything, as many of IPv6 do, hides
/// no other.
pub(crate) fn dial(host: &str, port: u16) -> BoxFuture<'_, io::Result<TcpStream>> {
    Box::pin(async move {
        let addresses = lookup_host((host, port)).await?.collect();
        first(addresses, |address| Box::pin(TcpStream::connect(address))).await
    })
}

async fn first(addresses: Vec<SocketAddr>, connect: fn(SocketAddr) -> Making) -> io::Result<TcpStream> {
    let mut addresses = addresses.into_iter();
    let mut under_way: Vec<Making> = Vec::new();
    let mut why = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        match addresses.next() {
            Some(address) => under_way.push(connect(address)),
            None if under_way.is_empty() => return Err(why),
            None => {}
        }
        let made = poll_fn(|context| {
            for at in 0..under_way.len() {
                match under_way[at].as_mut().poll(context) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Some(stream)),
                    // The next one at once.
                    Poll::Ready(Err(error)) => {
                        why = error;
                        drop(under_way.remove(at));
                        return Poll::Ready(None);
                    }
                    Poll::Pending => {}
                }
            }
            Poll::Pending
        });
        if let Ok(Some(stream)) = timeout(STAGGER, made).await {
            return Ok(stream);
        }
    }
}

/// Connects over TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpConnector;

impl Connector for TcpConnector {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            let unreachable = |source| TransportError::Unreachable { server: server.clone(), source };
            let stream = dial(server.bare_host(), server.port).await.map_err(unreachable)?;
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
    fn way(&self) -> &'static str {
        "tcp"
    }

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
    use tokio::net::TcpListener;

    use super::*;

    /// Swallows everything that is sent to 192.0.2.0/24, and refuses what is sent to 198.51.100.0/24.
    fn network(address: SocketAddr) -> Making {
        match address.ip().to_string() {
            ip if ip.starts_with("192.0.2.") => Box::pin(std::future::pending()),
            ip if ip.starts_with("198.51.100.") => Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) }),
            _ => Box::pin(TcpStream::connect(address)),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_swallows_everything_hides_none_that_works() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let works = listener.local_addr().unwrap();
        let [swallows, swallows_too, refuses] =
            ["192.0.2.1:1", "192.0.2.2:1", "198.51.100.1:1"].map(|address| address.parse().unwrap());
        for (addresses, pauses) in [
            (vec![works], 0),
            (vec![works, swallows], 0),
            (vec![refuses, works], 0),
            (vec![swallows, works], 1),
            (vec![swallows, refuses, works], 1),
            (vec![swallows, swallows_too, works], 2),
        ] {
            let watch = crate::env::Stopwatch::start();
            let stream = first(addresses.clone(), network).await.unwrap();
            assert_eq!((stream.peer_addr().unwrap(), watch.elapsed()), (works, STAGGER * pauses), "{addresses:?}");
        }
        for addresses in [vec![refuses], vec![refuses; 3]] {
            assert_eq!(first(addresses, network).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        }
        assert_eq!(first(Vec::new(), network).await.unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
        let ended = timeout(Duration::from_secs(60), first(vec![refuses, swallows], network)).await;
        assert!(ended.is_err(), "whoever asks says how long");
    }

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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Endpoint { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() };
        drop(listener);
        let error = TcpConnector.connect(&server).await.unwrap_err();
        assert!(matches!(error, TransportError::Unreachable { .. }) && error.is_refusal());
        assert!(error.to_string().contains(&server.to_string()), "{error}");
    }
}
