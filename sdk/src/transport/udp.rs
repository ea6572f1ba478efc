//! Single datagrams for single exchanges, and something else for everything else.
//!
//! A cold operation is one datagram each way (specification, chapter 2.1.1). Datagrams may be lost, doubled and forged,
//! and a server that does not know the device is silent, so that a request is repeated a few times and then goes on
//! over connections.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cardea_protocol::limits::{FRAME_MAX, RETRY_SECONDS};
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::Instant;

use super::{BoxFuture, Connection, Connector, Endpoint, Repetition, TransportError};
use crate::log::LogSink;

/// When the identical datagram leaves again, after the first one.
const AGAIN: [Duration; RETRY_SECONDS.len()] = [
    Duration::from_secs(RETRY_SECONDS[0] as u64),
    Duration::from_secs(RETRY_SECONDS[1] as u64),
    Duration::from_secs(RETRY_SECONDS[2] as u64),
];
/// The repetitions of the specification, and the time after which a connection takes over.
pub const PATIENT: Repetition = Repetition { again: &AGAIN, patience: Duration::from_secs(8) };
/// One repetition, for when a connection is as welcome.
pub const HASTY: Repetition = Repetition { again: AGAIN.split_at(1).0, patience: Duration::from_secs(2) };

/// Sends single exchanges as datagrams, to the port of the token channel; makes connections in another way.
#[derive(Clone)]
pub struct UdpConnector {
    connections: Arc<dyn Connector>,
    repetition: Repetition,
    deaf: Option<Arc<Unheard>>,
}

impl fmt::Debug for UdpConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UdpConnector")
    }
}

impl UdpConnector {
    /// Datagrams first, always, with the repetitions of [`PATIENT`]; `connections` for what they cannot do.
    #[must_use]
    pub const fn new(connections: Arc<dyn Connector>) -> Self {
        Self { connections, repetition: PATIENT, deaf: None }
    }

    /// Datagrams only to servers that have not refused any or left any unanswered lately, and then with the repetitions of [`HASTY`].
    #[must_use]
    pub fn where_it_works(connections: Arc<dyn Connector>) -> Self {
        Self { connections, repetition: HASTY, deaf: Some(Arc::default()) }
    }
}

impl Connector for UdpConnector {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        self.connections.connect(server)
    }

    fn log_to(&self, sink: &Arc<dyn LogSink>) {
        self.connections.log_to(sink);
    }

    fn connect_once<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        Box::pin(async move {
            if self.deaf.as_ref().is_some_and(|deaf| deaf.remembers(server)) {
                return self.connections.connect_once(server).await;
            }
            match socket(server).await {
                Ok(socket) => {
                    let watch =
                        self.deaf.clone().map(|deaf| Watch { deaf, server: server.clone(), state: State::Idle });
                    Ok(Box::new(Datagrams { socket, repetition: self.repetition, watch }) as Box<dyn Connection>)
                }
                Err(_) => self.connections.connect_once(server).await,
            }
        })
    }
}

/// A socket that hears `server` only.
async fn socket(server: &Endpoint) -> io::Result<UdpSocket> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in lookup_host((server.bare_host(), server.port)).await? {
        let any: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        match UdpSocket::bind(any).await {
            Ok(socket) => match socket.connect(address).await {
                Ok(()) => return Ok(socket),
                Err(error) => last = error,
            },
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Datagrams to and from one server.
struct Datagrams {
    socket: UdpSocket,
    repetition: Repetition,
    watch: Option<Watch>,
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Datagrams")
    }
}

impl Datagrams {
    fn failed(&mut self, error: io::Error) -> TransportError {
        // Windows tells a datagram that was refused as a connection that was reset.
        let error = if error.kind() == io::ErrorKind::ConnectionReset {
            io::Error::new(io::ErrorKind::ConnectionRefused, error)
        } else {
            error
        };
        let error = TransportError::from(error);
        if let Some(watch) = &mut self.watch
            && error.is_refusal()
        {
            watch.refused();
        }
        error
    }
}

impl Connection for Datagrams {
    fn way(&self) -> &'static str {
        "udp"
    }

    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            if let Some(watch) = &mut self.watch {
                watch.sent();
            }
            self.socket.send(frame).await.map_err(|error| self.failed(error))?;
            Ok(())
        })
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move {
            // One byte more than a frame, so that a longer datagram is none.
            let mut space = [0; FRAME_MAX + 1];
            loop {
                let length = self.socket.recv(&mut space).await.map_err(|error| self.failed(error))?;
                if length <= FRAME_MAX {
                    if let Some(watch) = &mut self.watch {
                        watch.heard();
                    }
                    return Ok(Bytes::copy_from_slice(&space[..length]));
                }
            }
        })
    }

    fn repetition(&self) -> Option<Repetition> {
        Some(self.repetition)
    }
}

/// Servers whose datagrams did not come. Nothing depends on it but which way is tried first.
#[derive(Debug, Default)]
pub(super) struct Unheard(Mutex<Vec<(Endpoint, Instant)>>);

impl Unheard {
    /// How long a way is not tried again.
    const LASTS: Duration = Duration::from_secs(600);
    /// A wallet has a few servers.
    const MOST: usize = 64;

    pub(super) fn remembers(&self, server: &Endpoint) -> bool {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.iter().any(|(other, since)| other == server && since.elapsed() < Self::LASTS)
    }

    pub(super) fn note(&self, server: &Endpoint) {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.retain(|(other, _)| other != server);
        if table.len() >= Self::MOST {
            table.clear();
        }
        table.push((server.clone(), now()));
    }

    pub(super) fn forget(&self, server: &Endpoint) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| other != server);
    }
}

#[expect(clippy::disallowed_methods, reason = "monotonic time for delays, as tokio's own timers take it")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// Notes a server whose datagrams do not come. Somebody who gives up early learns nothing.
#[derive(Debug)]
struct Watch {
    deaf: Arc<Unheard>,
    server: Endpoint,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Sent,
    /// Sent more than once, and nothing came; or the system says that nobody is there.
    Unanswered,
    Heard,
}

impl Watch {
    fn sent(&mut self) {
        self.state = match self.state {
            State::Idle => State::Sent,
            State::Sent => State::Unanswered,
            state => state,
        };
    }

    fn heard(&mut self) {
        self.state = State::Heard;
    }

    fn refused(&mut self) {
        if self.state != State::Heard {
            self.state = State::Unanswered;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.state == State::Unanswered {
            self.deaf.note(&self.server);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::network;
    use super::*;

    async fn server() -> (UdpSocket, Endpoint) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint { host: "127.0.0.1".into(), port: socket.local_addr().unwrap().port() };
        (socket, endpoint)
    }

    #[tokio::test]
    async fn a_frame_is_a_datagram_and_nothing_longer_or_from_elsewhere_comes_in() {
        let (server, endpoint) = server().await;
        let (memory, _listener) = network();
        let connector = UdpConnector::new(Arc::new(memory));
        let mut once = connector.connect_once(&endpoint).await.unwrap();
        assert_eq!(once.repetition(), Some(PATIENT));
        once.send(&[7; 128]).await.unwrap();
        let mut space = [0; 1024];
        let (length, device) = server.recv_from(&mut space).await.unwrap();
        assert_eq!(space[..length], [7; 128]);
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        stranger.send_to(&[1; 63], device).await.unwrap();
        server.send_to(&[2; FRAME_MAX + 1], device).await.unwrap();
        server.send_to(&[3; 63], device).await.unwrap();
        assert_eq!(once.receive().await.unwrap(), [3; 63][..]);
    }

    #[tokio::test]
    async fn a_refusal_is_told_as_one_and_remembered() {
        let (server, endpoint) = server().await;
        drop(server);
        let (memory, _listener) = network();
        let connector = UdpConnector::where_it_works(Arc::new(memory));
        let mut refused = connector.connect_once(&endpoint).await.unwrap();
        refused.send(&[1; 128]).await.unwrap();
        assert!(refused.receive().await.unwrap_err().is_refusal());
        drop(refused);
        assert!(connector.connect_once(&endpoint).await.unwrap().repetition().is_none());
    }

    #[tokio::test]
    async fn connections_are_made_in_the_other_way() {
        let (_server, endpoint) = server().await;
        let (memory, mut listener) = network();
        let connector = UdpConnector::new(Arc::new(memory));
        let stream = connector.connect(&endpoint).await.unwrap();
        assert!(stream.repetition().is_none());
        assert!(listener.accept().await.is_some());
        let nowhere = Endpoint { host: "no.such.host.invalid".into(), port: 1 };
        assert!(connector.connect_once(&nowhere).await.unwrap().repetition().is_none());
    }

    #[tokio::test]
    async fn a_server_that_leaves_datagrams_unanswered_is_reached_otherwise_for_a_while() {
        let (server, endpoint) = server().await;
        let (memory, _listener) = network();
        let connector = UdpConnector::where_it_works(Arc::new(memory));
        let is_datagram = async || connector.connect_once(&endpoint).await.unwrap().repetition().is_some();
        let mut given_up = connector.connect_once(&endpoint).await.unwrap();
        given_up.send(&[1; 128]).await.unwrap();
        drop(given_up);
        assert!(is_datagram().await, "one datagram may be lost");
        let mut answered = connector.connect_once(&endpoint).await.unwrap();
        answered.send(&[1; 128]).await.unwrap();
        answered.send(&[1; 128]).await.unwrap();
        let mut space = [0; 1024];
        server.recv_from(&mut space).await.unwrap();
        let (_, device) = server.recv_from(&mut space).await.unwrap();
        server.send_to(&[3; 63], device).await.unwrap();
        answered.receive().await.unwrap();
        drop(answered);
        assert!(is_datagram().await);
        let mut unanswered = connector.connect_once(&endpoint).await.unwrap();
        unanswered.send(&[1; 128]).await.unwrap();
        unanswered.send(&[1; 128]).await.unwrap();
        drop(unanswered);
        assert!(!is_datagram().await);
        tokio::time::pause();
        tokio::time::advance(Unheard::LASTS).await;
        assert!(is_datagram().await);
    }
}
