//! Peers who come in numbers, never finish, or send rubbish: nobody else notices, and nothing stays behind.

mod datagrams;
mod dawdlers;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};

use cardea_tests::harness::{Device, Killer, Site, get, until};

use super::clients::denied;

const PIN: &str = Site::PIN;
/// More bytes than any of these floods may cost.
const MEMORY: usize = 24 << 20;
/// Descriptors that a server may open for reasons of its own.
const OTHERS: usize = 24;

/// What a server had before.
struct Before {
    process: Killer,
    memory: usize,
    descriptors: usize,
}

impl Before {
    fn of(site: &Site) -> Self {
        let process = site.killer();
        Self { process, memory: process.memory(), descriptors: process.descriptors() }
    }

    /// It has not grown, and has so many connections more at most.
    #[track_caller]
    fn holds(&self, connections: usize) {
        let (memory, descriptors) = (self.process.memory(), self.process.descriptors());
        assert!(memory < self.memory + MEMORY, "{} bytes became {memory}", self.memory);
        assert!(descriptors <= self.descriptors + connections + OTHERS, "{} became {descriptors}", self.descriptors);
    }

    /// Everything is given back.
    fn returns(&self) {
        until("descriptors given back", || (self.process.descriptors() <= self.descriptors + OTHERS).then_some(()));
        self.holds(0);
    }
}

/// Connects from this address of this machine.
fn connect_from(from: &str, to: SocketAddr) -> TcpStream {
    let from: IpAddr = from.parse().expect("an address");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from, 0))?;
        socket.connect(to).await?.into_std()
    });
    let stream = stream.expect("the system has a queue");
    stream.set_nonblocking(false).expect("it is ours");
    stream
}

/// Reads what there is, and says whether nothing more comes.
fn is_over(stream: &mut TcpStream, told: &mut Vec<u8>) -> bool {
    !stream.read_to_end(told).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Everybody else is served: a relying party, and a device.
#[track_caller]
fn others_are_served(site: &Site, device: &Device, user: &str) {
    device.open(PIN).ended(0);
    assert_eq!(site.status(user), 1);
    device.close().ended(0);
    assert_eq!(site.status(user), 2);
}

#[test]
fn who_takes_all_connections_that_one_address_may_have_leaves_the_others_alone() {
    const EACH: usize = 8;
    const FLOOD: usize = 120;
    let limits = ["limits.connections_per_address=8", "channel.max_connections_per_address=8"];
    let mut arguments = vec!["--window", "60", "--set", "channel.handshake_timeout=3600"];
    limits.iter().for_each(|limit| arguments.extend(["--set", limit]));
    let site = Site::dev_with(&arguments);
    let device = site.enrolled("joe");
    let before = Before::of(&site);
    for address in [site.channel(), site.http()] {
        let mut flood: Vec<_> = (0..FLOOD).map(|_| (connect_from("127.0.0.2", address), Vec::new())).collect();
        // Those over the limit are told so, or just closed; the first ones that were taken stay, whichever they are.
        flood.iter().for_each(|(stream, _)| stream.set_nonblocking(true).expect("it is ours"));
        until("all over the limit told", || {
            let over = flood.iter_mut().filter_map(|(stream, told)| is_over(stream, told).then_some(())).count();
            (over == FLOOD - EACH).then_some(())
        });
        for (_, told) in &flood {
            let text = String::from_utf8_lossy(told).into_owned();
            let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
            assert!(told.is_empty() || (text.starts_with("HTTP/1.1 503 ") && !body.contains('1')), "{text}");
        }
        before.holds(EACH);
        others_are_served(&site, &device, "joe");
        drop(flood);
        before.returns();
        // And that address is as good as any again.
        until("room again", || {
            let mut stream = connect_from("127.0.0.2", site.http());
            let ask = format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", site.status_target("joe"));
            let mut told = String::new();
            let _ = stream.write_all(ask.as_bytes());
            let _ = stream.read_to_string(&mut told);
            told.ends_with("{\"status\":2}").then_some(())
        });
    }
}

#[test]
fn who_is_connected_is_answered_while_no_descriptor_is_left() {
    const DESCRIPTORS: usize = 96;
    const FLOOD: usize = 300;
    let mut site = Site::empty();
    site.start.prepare = Some(format!("ulimit -n {DESCRIPTORS}"));
    let arguments = ["--window", "60", "--set", "channel.handshake_timeout=3600", "--set", "http.header_timeout=3600"];
    site.start.arguments = arguments.map(str::to_owned).into();
    site.up();
    site.use_dev_service();
    let device = site.enrolled("joe");
    device.open(PIN).ended(0);
    let before = Before::of(&site);
    let mut kept = TcpStream::connect(site.http()).expect("there is a server");
    let ask = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", site.status_target("joe"));
    let mut answered = || {
        kept.write_all(ask.as_bytes()).expect("it is open");
        let mut told = String::new();
        while !told.ends_with("{\"status\":1}") {
            let mut piece = [0; 512];
            let read = kept.read(&mut piece).expect("an answer");
            assert!(read > 0, "{told}");
            told.push_str(std::str::from_utf8(&piece[..read]).expect("text"));
        }
    };
    answered();
    let mut flood: Vec<TcpStream> =
        (0..FLOOD).map(|_| TcpStream::connect(site.channel()).expect("the system has a queue")).collect();
    until("no descriptor left", || (before.process.descriptors() >= DESCRIPTORS - 4).then_some(()));
    for _ in 0..20 {
        answered();
    }
    // Who comes now is turned away at once, and told nothing that opens. What the server gives back
    // meanwhile (a file that it looked at, a connection that ended) makes room for one more, which the flood takes.
    let refused = until("nobody let in", || {
        let answer = get(site.http(), site.status_target("joe").as_bytes());
        if answer.code == 200 {
            flood.extend(TcpStream::connect(site.channel()));
        }
        Some(answer).filter(|answer| answer.code != 200)
    });
    assert!([0, 503].contains(&refused.code), "{refused:?}");
    denied(&refused);
    site.logged(&["turning them away"]);
    drop(flood);
    until("room again", || (site.ask("joe").code == 200).then_some(()));
    before.returns();
    others_are_served(&site, &device, "joe");
}

#[test]
fn handshakes_that_come_in_numbers_and_mean_nothing_cost_nothing_that_stays() {
    let site = Site::dev();
    let device = site.enrolled("joe");
    let before = Before::of(&site);
    // First frames of each kind that the channel knows, and of some that it does not, whole and cut off.
    let frames: Vec<Vec<u8>> = [(0x11_u8, 128_usize), (0x12, 176), (0x13, 58), (0x21, 128), (0x00, 1), (0x1f, 560)]
        .iter()
        .map(|(kind, length)| {
            let mut frame = u16::try_from(*length).expect("short").to_be_bytes().to_vec();
            frame.push(*kind);
            frame.extend((1..*length).map(|at| u8::try_from(at * 7 % 251).expect("below 251")));
            frame
        })
        .collect();
    for round in 0..100 {
        let mut streams: Vec<TcpStream> = frames
            .iter()
            .map(|frame| {
                let mut stream = TcpStream::connect(site.channel()).expect("the system has a queue");
                let end = if round % 3 == 0 { frame.len() / 2 } else { frame.len() };
                let _ = stream.write_all(&frame[..end]);
                stream
            })
            .collect();
        for (stream, frame) in streams.iter_mut().zip(&frames) {
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut told = Vec::new();
            let _ = stream.read_to_end(&mut told);
            assert!(told.len() <= frame.len().max(65) * 4, "{} bytes for {}", told.len(), frame.len());
        }
        if round % 25 == 0 {
            others_are_served(&site, &device, "joe");
        }
    }
    before.returns();
}
