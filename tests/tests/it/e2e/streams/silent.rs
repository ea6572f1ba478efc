//! Readers that do not read.

use std::net::{SocketAddr, TcpStream};

use cardea_tests::harness::{Site, until};
use serde_json::{Value, json};

use super::Stream;

/// Offers enrollments to `count` users with long names, which is as many events.
fn fill(site: &Site, count: usize, round: usize) {
    let users: Vec<Value> = (0..count)
        // A character that takes six bytes as JSON.
        .map(|number| json!({ "id": format!("{round} {number} {}", "\u{1}".repeat(230)) }))
        .collect();
    let offered = site.manage("enroll", &json!({ "users": users, "qr": false }));
    assert_eq!(offered.code, 200, "{offered:?}");
}

/// A connection whose reader has room for next to nothing.
fn narrow(server: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4_096)?;
        socket.connect(server).await?.into_std()
    });
    let stream = stream.expect("there is a server");
    stream.set_nonblocking(false).expect("it is ours");
    stream
}

#[test]
fn who_does_not_read_holds_nobody_up_takes_little_memory_and_is_cut_off() {
    const SILENT: usize = 12;
    let site = Site::dev_with(&["--window", "60", "--set", "http.body_limit=1000000"]);
    // More than the system keeps for a connection.
    (0..32).for_each(|round| fill(&site, 100, round));
    let process = site.killer();
    let mut reader = Stream::open(&site, "&after=0", "");
    reader.until(3_200);
    let (memory, sockets) = (process.memory(), process.sockets());
    let silent: Vec<Stream> = (0..SILENT).map(|_| Stream::over(narrow(site.http()), &site, "&after=0", "")).collect();
    until("their streams", || (process.sockets() >= sockets + SILENT).then_some(()));
    // Somebody who reads has everything meanwhile, again and again.
    for _ in 0..3 {
        Stream::open(&site, "&after=0", "").until(3_200);
        assert_eq!(site.call("block", "nobody", &json!({})).code, 404);
    }
    let more = process.memory().saturating_sub(memory);
    assert!(more < SILENT * 1_500_000, "{more} bytes for {SILENT} readers that do not read");
    // They are given half a minute, and are gone one after the other.
    for left in (0..SILENT).rev() {
        until("the end of patience", || (process.sockets() <= sockets + left).then_some(()));
    }
    let _ = site.offer("late");
    assert_eq!(reader.next().expect("the stream goes on").kind, "enrollment.offered");
    for stream in silent {
        assert!(!stream.rest().1, "cut off, and not ended");
    }
}
