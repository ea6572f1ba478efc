//! HTTP, byte by byte.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A server on this machine that does not answer for so long will not.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The number of the status line; 0 when the connection ended without one.
    pub code: u16,
    /// The headers, with the status line.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let (head, body) = end.map_or((bytes, &[][..]), |at| (&bytes[..at], &bytes[at + 4..]));
        let head = String::from_utf8_lossy(head).into_owned();
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        Self { code, head, body: body.to_owned() }
    }
}

/// GET, with the target as it is.
pub fn get(server: SocketAddr, target: &[u8]) -> Answer {
    request(server, b"GET", target, "", b"")
}

/// POST of a JSON body.
pub fn post(server: SocketAddr, target: &str, body: &Value) -> Answer {
    request(server, b"POST", target.as_bytes(), "Content-Type: application/json\r\n", body.to_string().as_bytes())
}

/// One request on a connection of its own. `headers` are whole lines.
pub fn request(server: SocketAddr, method: &[u8], target: &[u8], headers: &str, body: &[u8]) -> Answer {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let rest = format!(" HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n{headers}{length}\r\n");
    raw(server, &[method, b" ", target, rest.as_bytes(), body].concat())
}

/// As [`request`], for servers that say how long the body is and then do not end the connection.
pub(super) fn request_by_length(server: SocketAddr, method: &str, target: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let head =
        format!("{method} {target} HTTP/1.1\r\nHost: {server}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
    let mut bytes = Vec::new();
    if let Ok(mut stream) = TcpStream::connect_timeout(&server, PATIENCE) {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit that is not 0 can be set");
        let _ = stream.write_all(head.as_bytes());
        let mut piece = [0; 8192];
        loop {
            let answer = Answer::parse(&bytes);
            let lengths = answer.head.lines().filter_map(|line| line.split_once(':'));
            let mut lengths = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let length = lengths.find_map(|(_, length)| length.trim().parse::<usize>().ok());
            if length.is_some_and(|length| answer.body.len() >= length) {
                break;
            }
            match stream.read(&mut piece) {
                Ok(count @ 1..) => bytes.extend_from_slice(&piece[..count]),
                _ => break,
            }
        }
    }
    Answer::parse(&bytes)
}

/// Any bytes, and all that comes back until the server ends the connection. A connection that breaks is an answer too.
pub fn raw(server: SocketAddr, bytes: &[u8]) -> Answer {
    let mut answer = Vec::new();
    if let Ok(mut stream) = TcpStream::connect_timeout(&server, PATIENCE) {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit that is not 0 can be set");
        // A server that has seen enough stops reading.
        let _ = stream.write_all(bytes);
        let _ = stream.read_to_end(&mut answer);
    }
    Answer::parse(&answer)
}
