//! Single exchanges by datagram: repeated, forged, unanswered, and never a session.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cardea_protocol::Code;
use cardea_protocol::wire::Op;
use cardea_sdk::transport::memory::MemoryConnector;
use cardea_sdk::transport::udp::{HASTY, PATIENT};
use cardea_sdk::transport::{BoxFuture, Connection, Connector, Endpoint, Repetition, TransportError};
use cardea_sdk::{DeviceStatus, Wallet, WalletError, Window};
use tokio::sync::mpsc;

use crate::server::Fault;
use crate::world::{DURESS, PIN, WRONG, World, paused_now, pin, pins};

/// Carries single exchanges as datagrams between the device and the server in memory, each on a path of its own.
#[derive(Debug, Clone)]
struct Post {
    memory: MemoryConnector,
    repetition: Repetition,
    /// Connections that were made.
    connections: mpsc::UnboundedSender<()>,
}

impl Connector for Post {
    fn connect<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        let _ = self.connections.send(());
        self.memory.connect(server)
    }

    fn connect_once<'a>(&'a self, server: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        let (back, answers) = mpsc::unbounded_channel();
        let (memory, server, repetition) = (self.memory.clone(), server.clone(), self.repetition);
        let datagrams = Datagrams { memory, server, repetition, back, answers };
        Box::pin(std::future::ready(Ok(Box::new(datagrams) as Box<dyn Connection>)))
    }
}

#[derive(Debug)]
struct Datagrams {
    memory: MemoryConnector,
    server: Endpoint,
    repetition: Repetition,
    back: mpsc::UnboundedSender<Bytes>,
    answers: mpsc::UnboundedReceiver<Bytes>,
}

impl Connection for Datagrams {
    fn send<'a>(&'a mut self, frame: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let mut path = self.memory.connect(&self.server).await?;
            path.send(frame).await?;
            let back = self.back.clone();
            tokio::spawn(async move {
                if let Ok(answer) = path.receive().await {
                    let _ = back.send(answer);
                }
            });
            Ok(())
        })
    }

    fn receive(&mut self) -> BoxFuture<'_, Result<Bytes, TransportError>> {
        Box::pin(async move { self.answers.recv().await.ok_or(TransportError::Closed) })
    }

    fn repetition(&self) -> Option<Repetition> {
        Some(self.repetition)
    }
}

/// A world whose wallet sends datagrams, and how many connections it has made since.
async fn world(seed: u64, repetition: Repetition) -> (World, mpsc::UnboundedReceiver<()>) {
    let mut world = World::enrolled(seed).await;
    let (connections, made) = mpsc::unbounded_channel();
    let connector = Post { memory: world.connector.clone(), repetition, connections };
    let builder = Wallet::builder().store(Arc::clone(&world.store)).connector(Arc::new(connector));
    let builder = builder.env(world.env.clone()).allow_test_argon2(true).emulated(true).recover_in_background(false);
    world.wallet = builder.open().await.unwrap();
    let mut state = world.server.state();
    state.traffic.clear();
    state.requests.clear();
    drop(state);
    (world, made)
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_two_datagrams() {
    let (world, made) = world(900, PATIENT).await;
    let token = world.token().await;
    assert_eq!(token.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
    assert!(matches!(token.open(pin(WRONG), Window::Service).await, Err(WalletError::PinRejected { .. })));
    assert_eq!(token.status().await.unwrap().state, DeviceStatus::Open);
    assert_eq!(token.close().await.unwrap().state, DeviceStatus::Closed);
    assert_eq!(world.server.state().traffic, [128, 63].repeat(4));
    assert!(made.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_identical_datagram_goes_out_again_after_1_2_and_4_seconds() {
    let (world, made) = world(901, PATIENT).await;
    world.server.fault([Fault::LoseRequest, Fault::LoseReply, Fault::DamageReply]);
    let before = paused_now();
    let status = world.token().await.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!(status.state, DeviceStatus::Open);
    assert_eq!(before.elapsed(), Duration::from_secs(4));
    let state = world.server.state();
    assert_eq!(state.requests.len(), 4);
    assert!(state.requests.iter().all(|request| *request == state.requests[0]));
    assert_eq!(state.executed.iter().filter(|(op, _)| *op == Op::Open).count(), 1);
    assert!(made.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connection_takes_over_with_the_same_bytes() {
    for (seed, repetition, copies) in [(902, PATIENT, 4), (903, HASTY, 2)] {
        let (world, made) = world(seed, repetition).await;
        world.server.fault(std::iter::repeat_n(Fault::LoseReply, copies));
        let before = paused_now();
        world.token().await.open(pin(PIN), Window::Service).await.unwrap();
        assert_eq!(before.elapsed(), repetition.patience);
        let state = world.server.state();
        assert_eq!((state.requests.len(), made.len()), (copies + 1, 1));
        assert!(state.requests.iter().all(|request| *request == state.requests[0]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_anybody_can_forge_ends_no_attempt() {
    let (world, made) = world(904, PATIENT).await;
    for code in [Code::UnknownHint, Code::StaleKey, Code::Overloaded, Code::VersionUnsupported] {
        world.server.fault([Fault::Forge(code), Fault::DamageReply]);
        world.token().await.status().await.unwrap();
    }
    assert!(made.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_with_a_new_key_is_silent_and_tells_it_on_a_connection() {
    let (world, made) = world(905, PATIENT).await;
    world.server.state().rotate(8);
    assert_eq!(world.token().await.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
    assert!(!made.is_empty());
    assert_eq!(world.server.state().executed.iter().filter(|(op, _)| *op == Op::Open).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_session_goes_over_a_connection() {
    let (world, made) = world(906, PATIENT).await;
    world.token().await.change_pin(pin(PIN), pins()).await.unwrap();
    assert_eq!(made.len(), 1);
    assert_eq!(world.token().await.open(pin(DURESS), Window::Service).await.unwrap().state, DeviceStatus::Open);
    assert_eq!(made.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_dropped_between_datagrams_is_found_out_by_the_next() {
    for (seed, fault) in [(907, Fault::LoseRequest), (908, Fault::LoseReply)] {
        for seconds in [0, 1, 3, 7] {
            let (world, _made) = world(seed + 10 * seconds, PATIENT).await;
            world.server.fault(std::iter::repeat_n(fault.clone(), 5));
            let token = world.token().await;
            let open = token.open(pin(PIN), Window::Service);
            let limit = Duration::from_millis(seconds * 1000 + 500);
            assert!(tokio::time::timeout(limit, open).await.is_err());
            assert!(token.summary().await.unwrap().pending);
            world.server.state().faults.clear();
            let expected = if fault == Fault::LoseReply { DeviceStatus::Open } else { DeviceStatus::Closed };
            assert_eq!(token.status().await.unwrap().state, expected, "{fault:?} {seconds}");
            assert!(!token.summary().await.unwrap().pending);
        }
    }
}
