//! Counts what travels for an operation by datagram, in a capture of the loopback interface by `tshark`.
//! `cargo xtask test --only capture` runs it.
//!
//! Exit codes: 0 as it must be, 1 otherwise, 3 when this user may not capture.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

use cardea_tests::harness::{Site, pause};

/// IP packets with these lengths carry a C1 and an S1: 20 bytes of IP, 8 of UDP.
const REQUEST: Packet = Packet { up: true, protocol: 17, length: 20 + 8 + 128 };
const REPLY: Packet = Packet { up: false, protocol: 17, length: 20 + 8 + 63 };
/// Lengths of the datagrams that mark beginning and end in the capture.
const MARKS: [usize; 2] = [1, 3];
const WRONG: &str = "83640275";

/// One IP packet to or from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Packet {
    /// To the server.
    up: bool,
    /// 6 TCP, 17 UDP.
    protocol: u8,
    /// Of the whole packet, in bytes.
    length: usize,
}

impl Packet {
    fn is_mark(&self, mark: usize) -> bool {
        *self == Self { up: true, protocol: 17, length: 28 + mark }
    }
}

/// What goes to and from one server.
struct Capture {
    tshark: Child,
    lines: BufReader<ChildStdout>,
    server: SocketAddr,
    socket: UdpSocket,
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.tshark.kill();
        let _ = self.tshark.wait();
    }
}

impl Capture {
    /// Begins; an error is what `tshark` says when it may not.
    fn start(server: SocketAddr) -> Result<Self, String> {
        let fields = ["ip.proto", "ip.len", "udp.dstport", "tcp.dstport", "udp.payload"];
        let mut command = Command::new("tshark");
        command.args(["-l", "-n", "-Q", "-i", "lo", "-f", &format!("port {}", server.port()), "-T", "fields"]);
        command.args(fields.iter().flat_map(|field| ["-e", field]));
        let mut tshark = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let lines = BufReader::new(tshark.stdout.take().expect("it is a pipe"));
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        // It begins when it begins: marks are sent until one is seen.
        let marker = socket.try_clone().expect("a descriptor");
        let seen = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let done = std::sync::Arc::clone(&seen);
        let marking = std::thread::spawn(move || {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = marker.send_to(&[0; 8][..MARKS[0]], server);
                pause(Duration::from_millis(20));
            }
        });
        let mut capture = Self { tshark, lines, server, socket };
        let first = capture.packet();
        seen.store(true, std::sync::atomic::Ordering::Relaxed);
        marking.join().expect("it only sends");
        if first.is_some() {
            return Ok(capture);
        }
        let mut said = String::new();
        let _ = capture.tshark.stderr.take().expect("it is a pipe").read_to_string(&mut said);
        Err(said)
    }

    /// The next packet and, in hexadecimal, the content of a datagram.
    fn packet(&mut self) -> Option<(Packet, String)> {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("text");
        let fields: Vec<&str> = line.trim_end_matches('\n').split('\t').collect();
        let [protocol, length, udp, tcp, payload] = fields[..] else { return None };
        let port = if udp.is_empty() { tcp } else { udp };
        let packet = Packet {
            up: port == self.server.port().to_string(),
            protocol: protocol.parse().ok()?,
            length: length.parse().ok()?,
        };
        Some((packet, payload.replace(':', "")))
    }

    /// What travels while `act` acts.
    fn during(&mut self, act: impl FnOnce(&UdpSocket, SocketAddr)) -> Vec<(Packet, String)> {
        act(&self.socket, self.server);
        self.socket.send_to(&[0; 8][..MARKS[1]], self.server).expect("sent");
        let mut packets = Vec::new();
        loop {
            let (packet, payload) = self.packet().expect("tshark goes on");
            if packet.is_mark(MARKS[1]) {
                return packets;
            }
            if !packet.is_mark(MARKS[0]) {
                packets.push((packet, payload));
            }
        }
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal")).collect()
}

fn main() -> ExitCode {
    let site = Site::dev();
    let device = site.enrolled("joe");
    let mut capture = match Capture::start(site.channel()) {
        Ok(capture) => capture,
        Err(said) => {
            eprintln!("this user may not capture on the loopback interface: {}", said.trim());
            return ExitCode::from(3);
        }
    };
    let mut last = Vec::new();
    for (command, pins, word) in [
        ("open", &[Site::PIN][..], ""),
        ("close", &[], ""),
        ("status", &[], ""),
        ("open", &[WRONG], "pin-rejected"),
        ("open", &[Site::PIN], ""),
    ] {
        let packets = capture.during(|_, _| {
            let ran = device.run(&["--transport", "udp", command], pins);
            assert_eq!(ran.word(), word, "{ran:?}");
        });
        let (shapes, contents): (Vec<Packet>, Vec<String>) = packets.into_iter().unzip();
        assert_eq!(shapes, [REQUEST, REPLY], "{command}: one datagram each way and nothing else");
        println!("{command:<8} {} + {} bytes of IP", shapes[0].length, shapes[1].length);
        last = contents;
    }
    // Again, from somebody else: the same answer. Damaged, or of another length: none.
    let request = bytes(&last[0]);
    let packets = capture.during(|socket, server| {
        socket.send_to(&request, server).expect("sent");
        let mut answer = [0; 128];
        let length = socket.recv(&mut answer).expect("answered");
        assert_eq!(answer[..length], bytes(&last[1]));
    });
    assert_eq!(packets.into_iter().map(|(packet, _)| packet).collect::<Vec<_>>(), [REQUEST, REPLY]);
    let packets = capture.during(|socket, server| {
        for at in [0, 1, 2, 40, 127] {
            let mut damaged = request.clone();
            damaged[at] ^= 0x40;
            socket.send_to(&damaged, server).expect("sent");
        }
        socket.send_to(&request[..127], server).expect("sent");
        // The last word: when it is answered, the others have been looked at.
        drop(device.status().ended(0));
    });
    let datagrams: Vec<Packet> = packets.into_iter().map(|(packet, _)| packet).filter(|it| it.protocol == 17).collect();
    assert_eq!(datagrams.len(), 6, "nothing comes back: {datagrams:?}");
    assert!(datagrams.iter().all(|packet| packet.up));
    println!("damaged  6 datagrams, no answer");
    let packets = capture.during(|_, _| drop(device.run(&["--transport", "tcp", "close"], &[]).ended(0)));
    let total: usize = packets.iter().map(|(packet, _)| packet.length).sum();
    println!("for comparison, by TCP: {} packets, {total} bytes of IP", packets.len());
    ExitCode::SUCCESS
}
