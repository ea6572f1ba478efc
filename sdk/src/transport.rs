//! How frames get to the server and back. The bytes are the same everywhere and need no protection: they are
//! encrypted and authenticated, or hints.

pub mod auto;
pub mod memory;
pub mod tcp;
pub mod udp;
#[cfg(feature = "websocket")]
pub mod websocket;

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::log::LogSink;

/// A future behind a pointer, so that transports can be chosen when the program runs.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where a server's token channel is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Host name or address; an IPv6 address stands in brackets.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl Endpoint {
    /// The host without brackets, as resolvers and certificates want it.
    pub(crate) fn bare_host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host)
    }
}

/// How a request is repeated on datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repetition {
    /// When the identical datagram leaves again, each since the first one, in ascending order.
    pub again: &'static [Duration],
    /// When a connection takes over, since the first one.
    pub patience: Duration,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Makes connections.
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// Connects to `server`. The caller gives up by dropping the future.
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>>;

    /// Finds the cheapest way to `server` for one request and its answer, after which no session is wanted: a
    /// connection, unless there is something cheaper. The caller gives up by dropping the future.
    fn connect_once<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        self.connect(server)
    }

    /// Tells `sink` from now on which way is taken, where there are several. The first sink stays.
    fn log_to(&self, sink: &Arc<dyn LogSink>) {
        let _ = sink;
    }
}

/// One connection: frames of at most [`FRAME_MAX`](cardea_protocol::limits::FRAME_MAX) bytes, in order.
pub trait Connection: fmt::Debug + Send {
    /// Sends one frame. If the future is dropped, the connection is of no more use.
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>>;

    /// The next frame. Cancel safe: if the future is dropped, no frame is lost.
    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>>;

    /// `None` for a connection. Otherwise frames are datagrams: they may be lost, doubled and forged, are sent again as
    /// it says, and no session can live here.
    fn repetition(&self) -> Option<Repetition> {
        None
    }

    /// Which way it goes, in a word for people: `tcp`, `udp`, `websocket`. Nothing depends on it.
    fn way(&self) -> &'static str {
        "other"
    }
}

/// Why bytes did not get through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// There is no connection to the server.
    #[error("cannot reach {server}: {source}")]
    Unreachable {
        /// The server.
        server: Endpoint,
        /// What the system says.
        source: io::Error,
    },
    /// The server did not answer in time.
    #[error("the server does not answer")]
    TimedOut,
    /// The other side closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The connection broke, or what came is no frame.
    #[error("the connection broke: {0}")]
    Broken(#[from] io::Error),
}

impl TransportError {
    /// Whether the system says that nobody listens there. It says so because of a message that anybody on the way can
    /// write, and that may be about an earlier try: nothing follows from it about what has arrived.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Unreachable { source: error, .. } | Self::Broken(error) => {
                error.kind() == io::ErrorKind::ConnectionRefused
            }
            Self::TimedOut | Self::Closed => false,
        }
    }
}
