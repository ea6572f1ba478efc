//! From the acknowledgement of an opening to the check that sees it.
//!
//! Server and floor take turns, and before either is measured a device opens its token at the server: so both are asked
//! by the same client in the same state of the machine, whose cores sleep while nobody asks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider as _};
use cardea_sdk::Window;

use super::fleet::{enrolled, pin};
use super::floor::EXCHANGE;
use super::getter::Getter;
use super::report::{Line, Sample};
use crate::harness::Site;

/// The body of an open token.
const OPEN: &[u8] = br#"{"status":1}"#;

/// Measures `rounds` openings, and as many of a server that does nothing but remember. Required: at most twice as long.
///
/// # Panics
/// A check after an acknowledged opening does not say 1, or after a close does.
#[must_use]
pub fn visible(rounds: usize) -> Vec<Line> {
    let mut site = Site::dev_with(&["--window", "3600", "--log", "error", "--set", "channel.reply_grid_ms=0"]);
    let link = site.offer("ada").link;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let token = runtime.block_on(enrolled(&link, site.time()));
    let mut getter = Getter::new(site.http(), &site.status_target("ada"));
    let mut floor = Floor::start();
    let (mut servers, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        runtime.block_on(token.open(pin(), Window::Service)).expect("it opens");
        let (body, time) = getter.get();
        assert_eq!(body, OPEN, "an acknowledged opening is visible");
        servers.push(time);
        runtime.block_on(token.close()).expect("it closes");
        assert_ne!(getter.get().0, OPEN, "an acknowledged close is visible");
        runtime.block_on(token.open(pin(), Window::Service)).expect("it opens");
        floor.set(b'1');
        let (body, time) = floor.getter.get();
        assert_eq!(body, OPEN);
        floors.push(time);
        runtime.block_on(token.close()).expect("it closes");
        floor.set(b'2');
        assert_ne!(floor.getter.get().0, OPEN);
    }
    assert!(site.is_up());
    floor.stop();
    let (server, floor) = (Sample::new(servers), Sample::new(floors));
    let line = |what: &str, sample: &Sample| {
        let (p50, p99) = (sample.percentile(50), sample.percentile(99));
        Line::said(what, format!("{p50:.1} us p50, {p99:.1} us p99, {} rounds", sample.len()))
    };
    vec![
        line("open acknowledged to visible: server", &server),
        line("open acknowledged to visible: floor in memory", &floor),
        Line::at_most("open acknowledged to visible: ratio", server.percentile(50) / floor.percentile(50), 2.0),
    ]
}

/// A server that keeps one number in memory.
struct Floor {
    child: Child,
    channel: TcpStream,
    getter: Getter,
}

impl Floor {
    fn start() -> Self {
        let program = std::env::current_exe().expect("a program knows itself");
        let mut command = Command::new(program);
        let mut child = command.arg("floor").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        output.read_line(&mut line).expect("it prints its ports");
        let ports: Vec<u16> = line.split_whitespace().map(|port| port.parse().expect("a port")).collect();
        let address = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let channel = TcpStream::connect(address(ports[0])).expect("it listens");
        channel.set_nodelay(true).expect("a socket has options");
        let target = "/token/status?id=ada&service=default_demo&authKey=0123456789abcdef";
        Self { child, channel, getter: Getter::new(address(ports[1]), target) }
    }

    /// Sets the status as a device would, which then reads the answer.
    fn set(&mut self, status: u8) {
        let mut answer = [0; EXCHANGE.1];
        self.channel.write_all(&[status; EXCHANGE.0]).expect("it reads");
        self.channel.read_exact(&mut answer).expect("it answers");
        read_as_a_device();
    }

    fn stop(mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// The Diffie-Hellman computations with which a device reads the answer to an opening.
fn read_as_a_device() {
    let secret = Secret::new([7; 32]);
    for public in [[9; 32], [11; 32]] {
        let _ = std::hint::black_box(Dalek::x25519(std::hint::black_box(&secret), &public));
    }
}
