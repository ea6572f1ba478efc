//! Peers who send a byte now and then, so as never to be done.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use cardea_tests::harness::{Authority, Site, pause};
use tokio_rustls::rustls::{ClientConnection, StreamOwned};

use super::{Before, MEMORY, others_are_served};

/// As many as a server has to bear.
const CROWD: usize = 150;
/// Between two bytes of each.
const PAUSE: Duration = Duration::from_millis(50);

/// A crowd that begins with `first` and goes on with `then`, a byte at a time, until the server has closed the connections of
/// all of them. Returns what each was told. `meanwhile` happens while all of them are there.
fn dawdle(address: SocketAddr, first: &[u8], then: u8, meanwhile: impl FnOnce()) -> Vec<Vec<u8>> {
    let mut crowd: Vec<(Option<TcpStream>, Vec<u8>)> = (0..CROWD)
        .map(|_| {
            let mut stream = TcpStream::connect(address).expect("the system has a queue");
            let _ = stream.write_all(first);
            stream.set_nonblocking(true).expect("it is ours");
            (Some(stream), Vec::new())
        })
        .collect();
    meanwhile();
    // Every one of them ends: the server waits for none for long.
    while crowd.iter().any(|(stream, _)| stream.is_some()) {
        for (slot, told) in &mut crowd {
            let Some(stream) = slot else { continue };
            let mut piece = [0; 1024];
            let ended = match stream.read(&mut piece) {
                Ok(0) => true,
                Ok(read) => {
                    told.extend_from_slice(&piece[..read]);
                    false
                }
                Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
            };
            // Whoever has been answered may still write for a while.
            let _ = stream.write(&[then]);
            if ended {
                *slot = None;
            }
        }
        pause(PAUSE);
    }
    crowd.into_iter().map(|(_, told)| told).collect()
}

/// Nobody was told anything that opens a door.
fn harmless(told: &[Vec<u8>]) {
    for bytes in told {
        let text = String::from_utf8_lossy(bytes);
        let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
        assert!(!body.contains('1') && (text.is_empty() || text.starts_with("HTTP/1.1 4")), "{text}");
    }
}

#[test]
fn heads_and_bodies_that_never_end_are_given_up() {
    let site = Site::dev_with(&["--window", "60", "--set", "http.header_timeout=1", "--set", "http.body_timeout=1"]);
    let device = site.enrolled("joe");
    let head = format!("GET {} HTTP/1.1\r\nHost: x\r\nX-Long: ", site.status_target("joe"));
    let post = "POST /token/block HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n{";
    let chunked = "POST /token/block HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nea60\r\n{";
    for first in ["", "G", &head, post, chunked] {
        let before = Before::of(&site);
        let then = if first.is_empty() { b'\r' } else { b'1' };
        let told = dawdle(site.http(), first.as_bytes(), then, || {
            before.holds(CROWD);
            others_are_served(&site, &device, "joe");
        });
        harmless(&told);
        before.returns();
    }
}

#[test]
fn first_frames_that_never_end_are_given_up() {
    let site = Site::dev_with(&["--window", "60", "--set", "channel.handshake_timeout=1"]);
    let device = site.enrolled("joe");
    let upgrade = "GET /channel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A message of 128 bytes, of which each comes alone.
    let message = [upgrade.as_bytes(), &[0x82, 0xfe, 0x00, 0x80, 7, 7, 7, 7]].concat();
    for (address, first) in [(site.channel(), &b""[..]), (site.channel(), &[0, 128, 0x11]), (site.http(), &message)] {
        let before = Before::of(&site);
        let told = dawdle(address, first, 0, || {
            before.holds(CROWD);
            others_are_served(&site, &device, "joe");
        });
        for bytes in told {
            assert!(bytes.is_empty() || bytes.starts_with(b"HTTP/1.1 101 "), "{:?}", String::from_utf8_lossy(&bytes));
        }
        before.returns();
    }
}

#[test]
fn tls_handshakes_that_never_end_are_given_up() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("a folder"));
    let (certificate, key) = authority.certify(&["localhost", "127.0.0.1"]).files(folder.path());
    let set = |name: &str, value: &str| (format!("CARDEA_{name}"), value.to_owned());
    let site = Site::run_with(vec![
        set("TLS_CERTIFICATE", &certificate.display().to_string()),
        set("TLS_KEY", &key.display().to_string()),
        set("TLS_HANDSHAKE_TIMEOUT", "1"),
        set("HTTP_HEADER_TIMEOUT", "1"),
        set("LIMITS_CONNECTIONS_PER_ADDRESS", "0"),
    ]);
    let ask = || {
        let name = "localhost".try_into().expect("a name");
        let tls = ClientConnection::new(authority.client(), name).expect("a client");
        let stream = TcpStream::connect(site.http()).expect("there is a server");
        let mut stream = StreamOwned::new(tls, stream);
        let target = site.status_target("nobody");
        stream.write_all(format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).expect("sent");
        let mut told = [0; 12];
        stream.read_exact(&mut told).expect("an answer");
        assert_eq!(&told, b"HTTP/1.1 404");
    };
    // The head of a record of 512 bytes, and of a ClientHello in it.
    let hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    for first in [&b""[..], &hello] {
        let before = Before::of(&site);
        let told = dawdle(site.http(), first, 0x16, || {
            before.holds(CROWD);
            (0..3).for_each(|_| ask());
        });
        for bytes in told {
            assert!(bytes.len() < 64 && !bytes.starts_with(b"HTTP"), "{:?}", String::from_utf8_lossy(&bytes));
        }
        before.returns();
    }
    assert!(site.killer().memory() < 10 * MEMORY);
}
