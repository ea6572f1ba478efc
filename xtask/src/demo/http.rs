//! As much HTTP as the demo needs: one request over one connection to a server on this machine.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// A server on this machine that does not answer for so long will not.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server's answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Sends a GET.
pub(super) fn get(server: SocketAddr, target: &str) -> Result<Answer> {
    exchange(server, &format!("GET {target} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n"))
}

/// Sends a POST with a JSON body.
pub(super) fn post(server: SocketAddr, target: &str, json: &serde_json::Value) -> Result<Answer> {
    let body = json.to_string();
    exchange(
        server,
        &format!(
            "POST {target} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn exchange(server: SocketAddr, request: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE).with_context(|| format!("no server on {server}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes()).context("the server takes no request")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).context("the server does not answer")?;
    parse(&answer).with_context(|| format!("not an HTTP answer: {answer:?}"))
}

fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.lines().next()?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn reads_status_and_body() {
        let answer = parse("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").unwrap();
        assert_eq!(answer, Answer { status: 200, body: "{}".to_owned() });
        assert_eq!(parse("HTTP/1.1 403\r\n\r\n").unwrap().status, 403);
        assert!(parse("HTTP/1.1 200 OK\r\n").is_none());
        assert!(parse("SSH-2.0-x\r\n\r\n").is_none());
    }

    #[test]
    fn sends_one_request_and_reads_to_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"status\":2}").unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        assert_eq!(get(server, "/token/status?id=x").unwrap().body, "{\"status\":2}");
        assert!(peer.join().unwrap().starts_with("GET /token/status?id=x HTTP/1.1\r\n"));
    }
}
