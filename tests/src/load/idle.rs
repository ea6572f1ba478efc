//! What a device costs that is connected and says nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};

use cardea_protocol::crypto::{Dalek, Random};
use cardea_protocol::device::{Answer, Credential, Delivered, Enrollment, Intent, Received, Record, Session};
use cardea_protocol::pin::PinKey;
use cardea_protocol::token::DeviceInfo;
use cardea_protocol::wire::Link;
use cardea_sdk::{Entropy as _, OsEntropy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::cpu;
use super::report::{Line, number};
use crate::harness::{Offer, Site};

/// What may be resident at most for each idle encrypted connection, in bytes.
const LIMIT: f64 = 2048.0;
const INFO: DeviceInfo = DeviceInfo { platform: 3, sdk_version: [0, 1, 0], emulated: true, biometric: false };

/// Connects `devices` devices, one warm session and one address each, and measures what the server holds for them;
/// then as many connections to a server that does nothing but wait on each.
///
/// # Panics
/// Server or devices do not work at all.
#[must_use]
pub fn idle(devices: usize) -> Vec<Line> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let sessions = runtime.block_on(sessions(devices));
    let floor = runtime.block_on(floor(devices));
    vec![
        Line::said("idle connections, each of its own device and address", devices.to_string()),
        Line::said("a tokio task and its socket, resident", format!("{floor:.0} bytes for each")),
        Line::said("an encrypted session to the floor", format!("{:.2}", sessions / floor)),
        Line::at_most("resident bytes for each encrypted session", sessions.round(), LIMIT),
    ]
}

/// Bytes that the server holds for each session.
async fn sessions(count: usize) -> f64 {
    let most = (count + 100).to_string();
    let set = |key: &str| format!("channel.{key}={most}");
    let (all, each) = (set("max_connections"), set("max_connections_per_address"));
    let set = ["--window", "60", "--log", "error", "--set", &all, "--set", &each, "--set", "channel.reply_grid_ms=0"];
    let site = Site::dev_with(&set);
    let (server, now) = (site.channel(), u32::try_from(site.time()).expect("before 2106"));
    let pid = site.ready["pid"].as_u64().expect("the ready file has it");
    let mut devices = Vec::with_capacity(count);
    for number in 0..count {
        let mut device = Device::enroll(&site.offer(&format!("device{number}")), server, address(number)).await;
        // Once before, so that what the database keeps of each device is there already.
        drop(device.connect(server, now).await);
        devices.push(device);
    }
    let before = cpu::memory(pid);
    let mut warm = Vec::with_capacity(count);
    for device in &mut devices {
        warm.push(device.connect(server, now).await);
    }
    let after = cpu::memory(pid);
    // They are alive: every one of some that are spread over all.
    for (device, (stream, session)) in devices.iter().zip(&mut warm).step_by(97) {
        let request = session.request(&device.record, &Intent::Status, now).expect("a request");
        let reply = ask(stream, request.frame().bytes()).await;
        assert!(matches!(session.receive(&reply), Ok(Delivered::Reply(_))));
    }
    per_connection(before, after, count)
}

/// Bytes that a server without any state of its own holds for each connection.
async fn floor(count: usize) -> f64 {
    let program = std::env::current_exe().expect("a program knows itself");
    let mut command = Command::new(program);
    let mut child = command.arg("waiter").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it can start");
    let mut line = String::new();
    let mut output = std::io::BufReader::new(child.stdout.take().expect("it is a pipe"));
    std::io::BufRead::read_line(&mut output, &mut line).expect("the waiter speaks");
    let server = SocketAddr::from((Ipv4Addr::LOCALHOST, line.trim().parse().expect("a port")));
    let touch = async |number| {
        let mut stream = connect(server, address(number)).await;
        stream.write_all(&[1]).await.expect("sent");
        stream.read_u8().await.expect("answered");
        stream
    };
    drop(touch(0).await);
    let before = cpu::memory(child.id().into());
    let mut streams = Vec::with_capacity(count);
    for number in 0..count {
        streams.push(touch(number).await);
    }
    let after = cpu::memory(child.id().into());
    drop(child.stdin.take());
    child.wait().expect("a child can be waited for");
    per_connection(before, after, count)
}

fn per_connection(before: u64, after: u64, count: usize) -> f64 {
    number(after.saturating_sub(before)) * 1024.0 / number(count as u64)
}

/// The process behind the floor: one task and one socket for each connection, and nothing else. Serves until its
/// standard input ends, and prints its port.
///
/// # Panics
/// Loopback has no port left.
pub fn run_waiter() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("it is bound").port());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    while let Ok(byte) = stream.read_u8().await {
                        if stream.write_all(&[byte]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        // Whoever started this ends it by closing the pipe.
        let end = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
        let _ = end.await;
    });
}

/// Each device has an address of its own, as in the field: 127.0.0.0/8 is this machine.
fn address(number: usize) -> Ipv4Addr {
    let [_, high, middle, low] = u32::try_from(number + 1).expect("few").to_be_bytes();
    Ipv4Addr::new(127, high + 1, middle, low)
}

async fn connect(server: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((from, 0).into()).expect("loopback has many addresses");
    socket.connect(server).await.expect("the server listens")
}

/// Sends a frame and reads the next one.
async fn ask(stream: &mut TcpStream, frame: &[u8]) -> Vec<u8> {
    let length = u16::try_from(frame.len()).expect("a frame").to_be_bytes();
    stream.write_all(&[&length, frame].concat()).await.expect("sent");
    let mut answer = vec![0; stream.read_u16().await.expect("an answer").into()];
    stream.read_exact(&mut answer).await.expect("a frame");
    answer
}

struct Os;

impl Random for Os {
    fn fill(&mut self, bytes: &mut [u8]) {
        OsEntropy.fill(bytes);
    }
}

/// A device without PINs, which a PING does not need.
struct Device {
    record: Record,
    from: Ipv4Addr,
}

impl Device {
    async fn enroll(offer: &Offer, server: SocketAddr, from: Ipv4Addr) -> Self {
        let link = Link::parse(&offer.link).expect("a link");
        let credential = Credential::from_link::<Dalek>(&link);
        let start = Enrollment::<Dalek>::start(&credential, &link.server_key, link.epoch, &mut Os).expect("starts");
        let mut stream = connect(server, from).await;
        let answer = ask(&mut stream, start.frame().bytes()).await;
        let Ok(offered) = start.receive(&answer, &mut Os) else { panic!("no offer") };
        let keys = std::array::from_fn(|_| PinKey::random(&mut Os));
        let (record, receipt) = offered.accept(&keys, &INFO).expect("accepted").stored();
        let answer = ask(&mut stream, receipt.frame().bytes()).await;
        let Ok(enrolled) = receipt.receive(&record, &answer) else { panic!("no receipt") };
        Self { record: enrolled.stored().0, from }
    }

    /// A warm session.
    async fn connect(&mut self, server: SocketAddr, now: u32) -> (TcpStream, Session<Dalek>) {
        let (record, mut attempt) = self.record.start(&Intent::Ping, now, &mut Os).expect("starts").stored();
        let mut stream = connect(server, self.from).await;
        let answer = ask(&mut stream, attempt.frame().bytes()).await;
        let Received::Answered(step) = attempt.receive(&record, &answer) else { panic!("no answer") };
        let (record, answer) = step.stored();
        self.record = record;
        match answer {
            Answer::Operation { session: Some(session), .. } => (stream, session),
            _ => panic!("no session"),
        }
    }
}
