//! Every way to the server, with the same outcome; and a server that has no descriptor left.

use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;

use cardea_tests::harness::{Device, Site, get};

const PIN: &str = Site::PIN;
const NEW: &str = "61840275";
const WRONG: &str = "83640275";

/// Arguments that take `way`, before others.
fn by<'a>(way: &'a str, port: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["--transport", way, "--web-port", port], arguments].concat()
}

/// The life of a token by one way; no other is open where `only` says so.
fn lives(site: &Site, way: &str, user: &str) -> Device {
    let port = site.http().port().to_string();
    let device = site.device(user);
    let run = |arguments: &[&str], pins: &[&str]| device.run(&by(way, &port, arguments), pins);
    run(&["enroll", &site.offer(user).link], &[PIN]).ended(0);
    run(&["open"], &[WRONG]).failed("pin-rejected");
    run(&["open"], &[PIN]).ended(0);
    assert_eq!(site.status(user), 1, "{way}");
    run(&["change-pin"], &[PIN, NEW]).ended(0);
    run(&["close"], &[]).ended(0);
    assert_eq!(site.status(user), 2, "{way}");
    run(&["open"], &[NEW]).ended(0);
    assert_eq!(run(&["status"], &[]).ended(0).json()["state"], "open", "{way}");
    device
}

#[test]
fn a_token_lives_the_same_life_by_every_way() {
    let site = Site::dev();
    for way in ["tcp", "udp", "websocket", "auto"] {
        lives(&site, way, way);
    }
}

#[test]
fn one_device_changes_its_way_with_every_operation() {
    let site = Site::dev();
    let port = site.http().port().to_string();
    let device = site.enrolled("joe");
    for way in ["udp", "tcp", "websocket", "auto", "udp", "websocket"] {
        device.run(&by(way, &port, &["open"]), &[PIN]).ended(0);
        assert_eq!(site.status("joe"), 1, "{way}");
        device.run(&by(way, &port, &["close"]), &[]).ended(0);
        assert_eq!(site.status("joe"), 2, "{way}");
    }
}

#[test]
fn where_datagrams_are_not_answered_a_connection_takes_over() {
    let site = Site::dev_with(&["--window", "60", "--set", "channel.udp=false"]);
    let device = site.enrolled("joe");
    // The system says at once that nobody listens.
    device.run(&["--transport", "udp", "open"], &[PIN]).ended(0);
    assert_eq!(site.status("joe"), 1);
    // A socket that swallows everything in the server's place.
    let _deaf = std::net::UdpSocket::bind(site.channel()).expect("nobody has it");
    device.run(&["--transport", "auto", "close"], &[]).ended(0);
    assert_eq!(site.status("joe"), 2);
}

#[test]
fn without_websockets_the_path_is_not_there() {
    let site = Site::dev_with(&["--window", "60", "--set", "channel.websocket=false"]);
    let device = site.enrolled("joe");
    assert_eq!(get(site.http(), b"/channel").code, 404);
    let port = site.http().port().to_string();
    device.run(&by("websocket", &port, &["status"]), &[]).failed("offline");
}

#[test]
fn a_server_without_descriptors_turns_connections_away_and_recovers() {
    const DESCRIPTORS: usize = 96;
    const FLOOD: usize = 300;
    let mut site = Site::empty();
    site.start.prepare = Some(format!("ulimit -n {DESCRIPTORS}"));
    // Whoever is let in may be silent for as long as this test takes.
    site.start.arguments = ["--window", "60", "--set", "channel.handshake_timeout=3600"].map(str::to_owned).into();
    site.up();
    site.use_dev_service();
    let device = site.enrolled("joe");
    for address in [site.channel(), site.http()] {
        let closed = flood(address, FLOOD, FLOOD - DESCRIPTORS);
        drop(closed);
        device.open(PIN).ended(0);
        assert_eq!(site.status("joe"), 1, "after {address}");
        device.close().ended(0);
    }
}

/// Connects `count` times, waits until at least `turned_away` of them have been closed by the server, and gives them
/// back. A connection that is neither served nor turned away would be waited for in vain.
fn flood(address: SocketAddr, count: usize, turned_away: usize) -> Vec<TcpStream> {
    let (sender, closed) = mpsc::channel();
    let streams: Vec<TcpStream> = (0..count)
        .map(|_| {
            let stream = TcpStream::connect(address).expect("the system has a queue");
            let (mut watched, sender) = (stream.try_clone().expect("descriptors here"), sender.clone());
            thread::spawn(move || {
                // A word of apology may come first.
                let _ = watched.read_to_end(&mut Vec::new());
                let _ = sender.send(());
            });
            stream
        })
        .collect();
    for _ in 0..turned_away {
        closed.recv().expect("the threads end one after the other");
    }
    for stream in &streams {
        // The threads have clones: only this ends the connection.
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
    streams
}
