//! A server that is gone: its machine says that nobody listens, to datagrams and to connections.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cardea_protocol::wire::Op;
use cardea_sdk::transport::memory::MemoryConnector;
use cardea_sdk::transport::tcp::TcpConnector;
use cardea_sdk::transport::udp::{HASTY, UdpConnector};
use cardea_sdk::transport::{BoxFuture, Connection, Connector, Endpoint, Repetition, TransportError};
use cardea_sdk::{DeviceStatus, Wallet, Window};
use tokio::net::{TcpListener, UdpSocket};

use crate::world::{PIN, World, paused_now, pin};

/// The end of an operation's patience.
const MINUTE: Duration = Duration::from_secs(60);

/// What becomes of something that is sent, or of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Arrives,
    /// It arrives, and somebody says that it did not.
    Forged,
    Refused,
    Silence,
}
use Fate::{Arrives, Forged, Refused, Silence};

/// A way to the server in memory on which everything has a fate: the last one of each list for ever.
#[derive(Debug, Clone)]
struct Fates {
    memory: MemoryConnector,
    datagrams: Arc<Mutex<VecDeque<Fate>>>,
    connections: Arc<Mutex<VecDeque<Fate>>>,
}

fn next(fates: &Mutex<VecDeque<Fate>>) -> Fate {
    let mut fates = fates.lock().unwrap();
    if fates.len() > 1 { fates.pop_front().unwrap() } else { fates[0] }
}

fn refusal() -> io::Error {
    io::ErrorKind::ConnectionRefused.into()
}

impl Fates {
    fn set(&self, datagrams: &[Fate], connections: &[Fate]) {
        *self.datagrams.lock().unwrap() = datagrams.iter().copied().collect();
        *self.connections.lock().unwrap() = connections.iter().copied().collect();
    }
}

impl Connector for Fates {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        match next(&self.connections) {
            Arrives => self.memory.connect(server),
            Refused | Forged => {
                let error = TransportError::Unreachable { server: server.clone(), source: refusal() };
                Box::pin(std::future::ready(Err(error)))
            }
            Silence => Box::pin(std::future::pending()),
        }
    }

    fn connect_once<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        let datagrams = Datagrams { way: self.clone(), server: server.clone(), path: None, refused: false };
        Box::pin(std::future::ready(Ok(Box::new(datagrams) as Box<dyn Connection>)))
    }
}

#[derive(Debug)]
struct Datagrams {
    way: Fates,
    server: Endpoint,
    path: Option<Box<dyn Connection>>,
    refused: bool,
}

impl Connection for Datagrams {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let fate = next(&self.way.datagrams);
            if matches!(fate, Arrives | Forged) {
                let mut path = self.way.memory.connect(&self.server).await?;
                path.send(frame).await?;
                // It is there before anything else is said.
                if fate == Forged {
                    path.receive().await?;
                }
                self.path = Some(path);
            }
            self.refused = matches!(fate, Refused | Forged);
            Ok(())
        })
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move {
            match &mut self.path {
                _ if self.refused => Err(refusal().into()),
                Some(path) => path.receive().await,
                None => std::future::pending().await,
            }
        })
    }

    fn repetition(&self) -> Option<Repetition> {
        Some(HASTY)
    }
}

async fn over(world: &World, connector: Arc<dyn Connector>) -> Wallet {
    let builder = Wallet::builder().store(Arc::clone(&world.store)).connector(connector);
    builder.env(world.env.clone()).allow_test_argon2(true).recover_in_background(false).open().await.unwrap()
}

async fn world(seed: u64, datagrams: &[Fate], connections: &[Fate]) -> (World, Fates) {
    let mut world = World::enrolled(seed).await;
    let way = Fates { memory: world.connector.clone(), datagrams: Arc::default(), connections: Arc::default() };
    way.set(datagrams, connections);
    world.wallet = over(&world, Arc::new(way.clone())).await;
    world.server.state().executed.clear();
    (world, way)
}

/// How long an opening takes, what becomes of it, and whether it is pending after it.
async fn opening(wallet: &Wallet) -> (Duration, Result<DeviceStatus, u32>, bool) {
    let token = wallet.tokens().await.unwrap().remove(0);
    let before = paused_now();
    let opened = token.open(pin(PIN), Window::Service).await;
    let result = opened.map(|status| status.state).map_err(|error| error.code());
    (before.elapsed(), result, token.summary().await.unwrap().pending)
}

fn openings(world: &World) -> usize {
    world.server.state().executed.iter().filter(|(op, _)| *op == Op::Open).count()
}

#[tokio::test(start_paused = true)]
async fn an_opening_ends_when_datagrams_and_three_connections_in_a_row_were_refused() {
    for (seed, datagrams) in [(950, vec![Refused]), (951, vec![Silence, Refused])] {
        let (world, way) = world(seed, &datagrams, &[Refused]).await;
        let (took, result, pending) = opening(&world.wallet).await;
        assert_eq!((result, pending), (Err(101), true));
        assert_eq!(took.as_secs(), 3 + datagrams.len() as u64 - 1);
        // It is found out when the server is back, and nothing is repeated.
        way.set(&[Arrives], &[Arrives]);
        let token = world.token().await;
        assert_eq!(token.status().await.unwrap().state, DeviceStatus::Closed);
        assert_eq!((token.summary().await.unwrap().pending, openings(&world)), (false, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_was_forged_takes_nothing_back() {
    let (world, way) = world(952, &[Forged], &[Refused]).await;
    let (_, result, pending) = opening(&world.wallet).await;
    assert_eq!((result, pending, openings(&world)), (Err(101), true, 1));
    way.set(&[Arrives], &[Arrives]);
    assert_eq!(world.token().await.status().await.unwrap().state, DeviceStatus::Open);
    assert_eq!(openings(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_back_within_seconds_does_what_was_asked() {
    for (seed, datagram, wait) in [(953, Forged, 0), (954, Refused, 0), (955, Refused, 1), (956, Refused, 2)] {
        let refused = [Refused, Refused, Arrives];
        let (world, _way) = world(seed, &[datagram], &refused[2 - wait..]).await;
        let (took, result, pending) = opening(&world.wallet).await;
        assert_eq!((result, pending, openings(&world)), (Ok(DeviceStatus::Open), false, 1));
        assert_eq!(took.as_secs(), [0, 1, 3][wait]);
    }
}

#[tokio::test(start_paused = true)]
async fn silence_anywhere_is_waited_for_to_the_end() {
    let refused_once = [Refused, Silence];
    let never_three = [Refused, Refused, Silence].repeat(20);
    for (seed, datagrams, connections) in [
        (957, &[Silence][..], &[Refused][..]),
        (958, &[Refused][..], &[Silence][..]),
        (959, &[Refused][..], &refused_once[..]),
        (960, &[Refused][..], &never_three[..]),
    ] {
        let (world, _way) = world(seed, datagrams, connections).await;
        let (took, result, pending) = opening(&world.wallet).await;
        assert_eq!((took, result, pending), (MINUTE, Err(101), true), "{seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_was_made_is_worth_the_whole_patience() {
    let (world, _way) = world(961, &[Refused], &[Arrives, Refused]).await;
    world.server.fault([crate::server::Fault::LoseReply]);
    let (took, result, pending) = opening(&world.wallet).await;
    assert_eq!((took, result, pending), (MINUTE, Err(101), true));
    assert_eq!(openings(&world), 1);
}

/// The way to a port on this machine, whatever the server is called.
#[derive(Debug)]
struct To<C>(C, Endpoint);

impl<C: Connector> Connector for To<C> {
    fn connect<'a>(&'a self, _: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        self.0.connect(&self.1)
    }

    fn connect_once<'a>(&'a self, _: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        self.0.connect_once(&self.1)
    }
}

/// Datagrams, else TCP, to a port at which nobody is.
async fn nowhere() -> Arc<dyn Connector> {
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        if UdpSocket::bind(address).await.is_ok() {
            let port = Endpoint { host: "127.0.0.1".into(), port: address.port() };
            return Arc::new(To(UdpConnector::where_it_works(Arc::new(TcpConnector)), port));
        }
    }
}

// In both, paused time may go on while the system answers.
#[tokio::test(start_paused = true)]
async fn where_the_system_says_that_nobody_listens_an_opening_ends_and_the_next_one_sends_nothing() {
    let world = World::enrolled(962).await;
    let wallet = over(&world, nowhere().await).await;
    let (took, result, pending) = opening(&wallet).await;
    assert_eq!((result, pending), (Err(101), true));
    assert!(took < MINUTE / 2, "{took:?}");
    let (took, result, pending) = opening(&wallet).await;
    assert_eq!((result, pending), (Err(102), true));
    assert!(took < MINUTE / 2, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_known_to_be_gone_leaves_nothing_pending() {
    let (world, connector) = (World::enrolled(963).await, nowhere().await);
    let mut datagrams = connector.connect_once(&Endpoint { host: "id.example".into(), port: 8421 }).await.unwrap();
    datagrams.send(&[1; 128]).await.unwrap();
    datagrams.receive().await.unwrap_err();
    drop(datagrams);
    let (_, result, pending) = opening(&over(&world, connector).await).await;
    assert_eq!((result, pending), (Err(102), false));
}
