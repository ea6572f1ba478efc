//! A relying party that keeps its connection.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// One connection that asks the same again and again.
#[derive(Debug)]
pub(super) struct Getter {
    stream: TcpStream,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Getter {
    /// Connects, and will ask for `target`.
    pub(super) fn new(server: SocketAddr, target: &str) -> Self {
        let stream = TcpStream::connect(server).expect("the server listens");
        stream.set_nodelay(true).expect("a socket has options");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit can be set");
        let mut getter = Self { stream, request: Vec::new(), buffer: vec![0; 4096] };
        getter.ask(server, target);
        getter
    }

    /// Will ask for `target` from now on.
    pub(super) fn ask(&mut self, server: SocketAddr, target: &str) {
        self.request = format!("GET {target} HTTP/1.1\r\nHost: {server}\r\n\r\n").into_bytes();
    }

    /// Asks once: the body, and how long it took in nanoseconds.
    pub(super) fn get(&mut self) -> (Vec<u8>, u64) {
        let began = now();
        self.stream.write_all(&self.request).expect("the server reads");
        let (mut filled, mut whole) = (0, None);
        let body = loop {
            let read = self.stream.read(&mut self.buffer[filled..]).expect("the server answers");
            assert_ne!(read, 0, "the server closed: {}", String::from_utf8_lossy(&self.buffer[..filled]));
            filled += read;
            if whole.is_none() {
                whole = end_of_answer(&self.buffer[..filled]);
            }
            if let Some((head, end)) = whole.filter(|(_, end)| *end <= filled) {
                break self.buffer[head..end].to_vec();
            }
        };
        (body, u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Where the body begins and ends, once the head is there.
pub(super) fn end_of_answer(bytes: &[u8]) -> Option<(usize, usize)> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?;
    Some((head, head + length.trim().parse::<usize>().ok()?))
}

#[expect(clippy::disallowed_methods, reason = "the time that passes is what is measured")]
pub(super) fn now() -> Instant {
    Instant::now()
}
