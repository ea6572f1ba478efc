//! What the SDK adds to a cold opening by datagram: `cargo bench -p cardea-sdk --bench cold`.
//!
//! The floor is what an opening cannot do without: two datagrams between two threads, and the primitives of both ends. The
//! server is the real responder behind a socket, with all that it knows in memory; that a real one waits for its disk is
//! measured elsewhere (`cargo xtask bench sdk`, "a cold opening at a real server"). Argon2id is in its smallest form, and
//! what it takes with the thread that it runs on is measured by itself and taken off. The exit code is 1 if the required
//! ratio is missed.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot go on ends")]
#![expect(clippy::disallowed_methods, reason = "real time is what is measured")]

#[path = "../tests/it/pushing.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod pushing;
#[path = "../tests/it/server.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod server;
#[path = "../tests/it/world.rs"]
#[expect(dead_code, reason = "tests use more of it")]
mod world;

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::token::Argon2Class;
use cardea_sdk::transport::udp::UdpConnector;
use cardea_sdk::transport::{BoxFuture, Connection, Connector, Endpoint, TransportError};
use cardea_sdk::{Token, Wallet, Window};
use tokio::runtime::{Builder, Runtime};

use server::Server;
use world::{PIN, World, pin};

/// Openings, and floors in turn with them.
const ROUNDS: usize = 3_000;
/// Rounds before those that count.
const BEFORE: usize = 200;
/// Required: at most so many times as long as the floor.
const LIMIT: f64 = 1.3;
/// Bytes of a cold request and of its reply.
const EXCHANGE: (usize, usize) = (128, 63);
/// Signatures that a server verifies for each opening, whatever they mean.
const SLOTS: usize = 4;
/// Diffie-Hellman computations of both ends together, and ephemeral keys.
const AGREEMENTS: usize = 8;
const EPHEMERALS: usize = 2;

fn main() -> ExitCode {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::enrolled(1));
    let server = served(world.server.clone());
    let token = runtime.block_on(over_datagrams(&world, server));
    let echo = served_echo();
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.connect(echo).unwrap();

    let mut samples: [Vec<u64>; 4] = Default::default();
    for round in 0..BEFORE + ROUNDS {
        let opening = timed(|| {
            runtime.block_on(token.open(pin(PIN), Window::Service)).expect("it opens");
        });
        runtime.block_on(token.close()).expect("it closes");
        let times = [opening, timed(|| exchange(&socket)), timed(cryptography), timed(|| derived(&runtime))];
        if round >= BEFORE {
            samples.iter_mut().zip(times).for_each(|(all, time)| all.push(time));
        }
    }
    let [opening, datagrams, cryptography, argon2id] = samples.map(median);
    let ratio = (opening - argon2id) / (datagrams + cryptography);
    println!("a cold opening by datagram, median of {ROUNDS}                 {opening:.0} us");
    println!("of it Argon2id at its smallest with its thread, taken off   {argon2id:.0} us");
    println!("floor: two datagrams between two threads                    {datagrams:.0} us");
    println!("floor: the cryptography of both ends                        {cryptography:.0} us");
    let missed = ratio > LIMIT;
    let mark = if missed { "MISSED" } else { "ok" };
    println!(
        "a cold opening to the floor                                 {ratio:.2} (required: at most {LIMIT})  {mark}"
    );
    if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn timed(what: impl FnOnce()) -> u64 {
    let began = Instant::now();
    what();
    u64::try_from(began.elapsed().as_nanos()).unwrap()
}

/// In microseconds.
fn median(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    f64::from(u32::try_from(times[times.len() / 2]).unwrap()) / 1_000.0
}

/// The server behind a socket, in a thread of its own.
fn served(server: Server) -> SocketAddr {
    answering(move |frame| server.answer(frame).swap_remove(0))
}

/// The floor's.
fn served_echo() -> SocketAddr {
    answering(|_| vec![7; EXCHANGE.1])
}

fn answering(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut space = [0; 1024];
        loop {
            let (length, from) = socket.recv_from(&mut space).unwrap();
            socket.send_to(&answer(&space[..length]), from).unwrap();
        }
    });
    address
}

fn exchange(socket: &UdpSocket) {
    let mut answer = [0; EXCHANGE.1];
    socket.send(&[7; EXCHANGE.0]).unwrap();
    assert_eq!(socket.recv(&mut answer).unwrap(), EXCHANGE.1);
}

/// Sends datagrams to one address, whatever the server is called.
#[derive(Debug)]
struct To(UdpConnector, Endpoint);

impl Connector for To {
    fn connect<'a>(&'a self, _: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        self.0.connect(&self.1)
    }

    fn connect_once<'a>(&'a self, _: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        self.0.connect_once(&self.1)
    }
}

/// The token of a world, in a wallet that sends datagrams to `server`.
async fn over_datagrams(world: &World, server: SocketAddr) -> Token {
    let endpoint = Endpoint { host: server.ip().to_string(), port: server.port() };
    let connector = To(UdpConnector::new(Arc::new(world.connector.clone())), endpoint);
    let builder = Wallet::builder().store(Arc::clone(&world.store)).connector(Arc::new(connector));
    let builder = builder.env(world.env.clone()).allow_test_argon2(true).emulated(true).recover_in_background(false);
    builder.open().await.unwrap().tokens().await.unwrap().swap_remove(0)
}

/// What an opening asks of the primitives: the handshake on both ends, the device's signature, and the server's looks at
/// each of four keys.
fn cryptography() {
    let (own, seed) = (Secret::new([7; 32]), Secret::new([8; 32]));
    let peer = Dalek::x25519_public(&Secret::new([9; 32]));
    let public = Dalek::ed25519_public(&seed);
    for _ in 0..AGREEMENTS {
        let _ = black_box(Dalek::x25519(black_box(&own), black_box(&peer)));
    }
    for _ in 0..EPHEMERALS {
        black_box(Dalek::x25519_public(black_box(&own)));
    }
    let signature = Dalek::ed25519_sign(black_box(&seed), &[1; 82]);
    for _ in 0..SLOTS {
        assert!(Dalek::ed25519_verify(black_box(&public), &[1; 82], &signature));
    }
}

/// Argon2id as the SDK does it: on a thread that may take long.
fn derived(runtime: &Runtime) {
    let derivation = || {
        let cost = Argon2Class::Test.cost();
        let mut memory = vec![<Dalek as Provider>::PinBlock::default(); usize::try_from(cost.memory_kib).unwrap()];
        black_box(
            Dalek::argon2id(b"274951", &Secret::new([7; 32]), cost, &mut memory).expect("there is enough memory"),
        );
    };
    runtime.block_on(async { tokio::task::spawn_blocking(derivation).await }).expect("it does not panic");
}
