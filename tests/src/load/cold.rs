//! A cold opening by datagram, from the call of the SDK to its answer, beside what it cannot do without: two datagrams
//! between two processes, and the cryptography of both ends. What is required of the SDK in it is measured by its own
//! benchmark (`cold` of `cardea-sdk`), where no server has to store anything.
//!
//! The server acknowledges nothing that is not durable, and a disk is not what is measured here: its data is in memory
//! (`/dev/shm`), where it writes and flushes as anywhere else. So is the device's store. Deriving the PIN's key is Argon2id
//! in its smallest form, measured by itself and taken off.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::token::Argon2Class;
use cardea_sdk::transport::tcp::TcpConnector;
use cardea_sdk::transport::udp::UdpConnector;
use cardea_sdk::{Token, Window};

use super::fleet::{enrolled_over, pin};
use super::getter::now;
use super::place::in_memory;
use super::report::{Line, Sample};

/// Bytes of a cold request and of its reply, as datagrams.
const EXCHANGE: (usize, usize) = (130, 65);
/// Signatures that the server verifies for each opening, whatever they mean.
const SLOTS: usize = 4;
/// Diffie-Hellman computations of both ends together, and ephemeral keys.
const AGREEMENTS: usize = 8;
const EPHEMERALS: usize = 2;

/// Measures `rounds` openings, and as many floors in turn with them.
///
/// # Panics
/// The server does not open the token.
#[must_use]
pub fn cold(rounds: usize) -> Vec<Line> {
    let site = in_memory();
    let link = site.offer("ada").link;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let connector = Arc::new(UdpConnector::new(Arc::new(TcpConnector)));
    let token = runtime.block_on(enrolled_over(&link, site.time(), connector));
    let floor = Floor::start();
    let (mut openings, mut datagrams, mut crypto, mut argon) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let opening = timed(|| runtime.block_on(open(&token)));
        runtime.block_on(token.close()).expect("it closes");
        let samples = [timed(|| floor.exchange()), timed(cryptography), timed(|| derived(&runtime))];
        // The first round fills caches.
        if round > 0 {
            openings.push(opening);
            for (all, sample) in [&mut datagrams, &mut crypto, &mut argon].into_iter().zip(samples) {
                all.push(sample);
            }
        }
    }
    floor.stop();
    let p50 = |times: Vec<u64>| Sample::new(times).percentile(50);
    let p99 = Sample::new(openings.clone()).percentile(99);
    let (opening, datagrams, crypto, argon) = (p50(openings), p50(datagrams), p50(crypto), p50(argon));
    let floor = datagrams + crypto;
    vec![
        Line::said("a cold opening at a real server", format!("{opening:.0} us p50, {p99:.0} us p99, {rounds} rounds")),
        Line::said("of it Argon2id at its smallest with its thread, taken off", format!("{argon:.0} us")),
        Line::said("floor: two datagrams between two processes", format!("{datagrams:.0} us")),
        Line::said("floor: the cryptography of both ends", format!("{crypto:.0} us")),
        Line::said("a cold opening that is durable to the floor", format!("{:.2}", (opening - argon) / floor)),
    ]
}

async fn open(token: &Token) {
    token.open(pin(), Window::Service).await.expect("it opens");
}

fn timed(what: impl FnOnce()) -> u64 {
    let began = now();
    what();
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// What an opening asks of the primitives: the handshake on both ends, the device's signature, and the server's looks at
/// each of four keys.
fn cryptography() {
    let (own, seed) = (Secret::new([7; 32]), Secret::new([8; 32]));
    let peer = Dalek::x25519_public(&Secret::new([9; 32]));
    let public = Dalek::ed25519_public(&seed);
    for _ in 0..AGREEMENTS {
        let _ = std::hint::black_box(Dalek::x25519(std::hint::black_box(&own), std::hint::black_box(&peer)));
    }
    for _ in 0..EPHEMERALS {
        std::hint::black_box(Dalek::x25519_public(std::hint::black_box(&own)));
    }
    let signature = Dalek::ed25519_sign(std::hint::black_box(&seed), &[1; 82]);
    for _ in 0..SLOTS {
        assert!(Dalek::ed25519_verify(std::hint::black_box(&public), &[1; 82], &signature));
    }
}

/// Argon2id as the SDK does it: on a thread that may take long.
fn derived(runtime: &tokio::runtime::Runtime) {
    runtime.block_on(async { tokio::task::spawn_blocking(derivation).await }).expect("it does not panic");
}

/// A PIN's key, as cheap as Argon2id makes it.
fn derivation() {
    let cost = Argon2Class::Test.cost();
    let mut memory = vec![<Dalek as Provider>::PinBlock::default(); usize::try_from(cost.memory_kib).expect("few")];
    let key = Dalek::argon2id(b"27495163", &Secret::new([7; 32]), cost, &mut memory);
    std::hint::black_box(key.expect("there is enough memory"));
}

/// A process that answers datagrams.
struct Floor {
    child: Child,
    socket: UdpSocket,
}

impl Floor {
    fn start() -> Self {
        let program = std::env::current_exe().expect("a program knows itself");
        let mut command = Command::new(program);
        let mut child = command.arg("echo").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is a pipe")).read_line(&mut line).expect("it prints its port");
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port: u16 = line.trim().parse().expect("a port");
        socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).expect("loopback is there");
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit can be set");
        Self { child, socket }
    }

    fn exchange(&self) {
        let mut answer = [0; EXCHANGE.1];
        self.socket.send(&[7; EXCHANGE.0]).expect("sent");
        assert_eq!(self.socket.recv(&mut answer).expect("answered"), EXCHANGE.1);
    }

    fn stop(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process behind the floor. Answers until it is ended, and prints its port.
///
/// # Panics
/// Loopback has no port left.
pub fn run_echo() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    println!("{}", socket.local_addr().expect("it is bound").port());
    let mut request = [0; EXCHANGE.0];
    loop {
        let (_, from) = socket.recv_from(&mut request).expect("loopback does not end");
        let _ = socket.send_to(&[7; EXCHANGE.1], from);
    }
}
