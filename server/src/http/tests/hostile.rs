//! Whatever a stranger sends: no body that leaves has the byte `1` in it unless a token is open.
//!
//! Every request here is full of that byte.

use super::support::{STATUS_KEY, Server, State};

/// The bodies of all answers in `bytes`, and the status of the first.
fn bodies(bytes: &[u8]) -> (u16, Vec<Vec<u8>>) {
    let (mut rest, mut bodies, mut first) = (bytes, Vec::new(), 0);
    while !rest.is_empty() {
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head: {:?}", String::from_utf8_lossy(rest)));
        let head = String::from_utf8(rest[..end].to_vec()).expect("heads are text").to_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status: u16 = status.unwrap_or_else(|| panic!("no status: {head}"));
        if first == 0 && status != 100 {
            first = status;
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().expect("a number"));
        assert!(!head.contains("transfer-encoding"), "{head}");
        let body = &rest[end + 4..];
        // The answer to HEAD has the length only.
        let length = if body.is_empty() { 0 } else { length };
        assert!(body.len() >= length, "cut off: {head}");
        bodies.push(body[..length].to_vec());
        rest = &body[length..];
    }
    (first, bodies)
}

/// Sends `request` and checks every byte of every body; the first status.
async fn send(server: &Server, request: impl AsRef<[u8]>) -> u16 {
    let bytes = server.bytes(request.as_ref(), false).await;
    check(request.as_ref(), &bytes)
}

fn check(request: &[u8], bytes: &[u8]) -> u16 {
    let (status, bodies) = bodies(bytes);
    for body in bodies {
        let (body, request) = (String::from_utf8_lossy(&body), String::from_utf8_lossy(request));
        assert!(!body.contains('1'), "{request}: {body}");
    }
    status
}

/// A server with a closed token, `joe1`, and the target that asks for it.
async fn closed() -> (Server, String) {
    let server = Server::start_limited(|config| config.limits.wrong_authkeys = 0).await;
    server.token("joe1", State::Closed).await;
    (server, format!("/token/status?id=joe1&service=default_demo&authKey={STATUS_KEY}"))
}

#[tokio::test]
async fn methods_that_are_not_asked_for() {
    let server = Server::start_single_use().await;
    server.token("joe1", State::Open).await;
    let target = format!("/token/status?id=joe1&service=default_demo&authKey={STATUS_KEY}");
    for (method, expected) in [
        ("HEAD", 405),
        ("OPTIONS", 405),
        ("DELETE", 405),
        ("PUT", 405),
        ("PATCH", 405),
        ("TRACE", 405),
        ("PROPFIND1", 405),
        ("get", 405),
        ("GET1", 405),
    ] {
        let status =
            send(&server, format!("{method} {target} HTTP/1.1\r\nHost: x1\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(status, expected, "{method}");
    }
    for line in ["OPTIONS * HTTP/1.1", "CONNECT x1:1 HTTP/1.1", "GET * HTTP/1.1", "POST /token/status HTTP/1.1"] {
        let status = send(&server, format!("{line}\r\nHost: x1\r\nConnection: close\r\n\r\n")).await;
        assert!((400..500).contains(&status), "{line}: {status}");
    }
    assert_eq!(server.status("joe1").await, 1, "nothing of that was a check");
    assert_eq!(server.status("joe1").await, 2);
}

#[tokio::test]
async fn targets_and_headers_in_every_shape() {
    let (server, target) = closed().await;
    for (line, expected) in [
        (format!("GET http://x1:1{target} HTTP/1.1"), 200),
        (format!("GET https://joe1@x1{target} HTTP/1.1"), 200),
        (format!("GET {target} HTTP/1.0"), 200),
        // What follows `#` is no part of a target, and clients that know it do not send it.
        (format!("GET {target}#1 HTTP/1.1"), 200),
        (format!("GET /{target} HTTP/1.1"), 404),
        (format!("GET {} HTTP/1.1", target.replace("/status?", "/status/?")), 404),
        (format!("GET {} HTTP/1.1", target.replace("/status?", "/status;1?")), 404),
        (format!("GET {} HTTP/1.1", target.replace("/status?", "/stat%75s?")), 404),
        (format!("GET {} HTTP/1.1", target.replace("/status?", "/./status?")), 404),
        (format!("GET {} HTTP/1.1", target.replace("/token/", "/TOKEN/")), 404),
        (format!("GET {}&1 HTTP/1.1", target), 400),
        (format!("GET {}%1 HTTP/1.1", target), 400),
        (format!("GET {} HTTP/1.1", target.replace("joe1", "%c3%28")), 400),
        (format!("GET {} HTTP/1.1", target.replace("joe1", "%00")), 404),
        (format!("GET {} HTTP/1.1", target.replace("joe1", &"1".repeat(300))), 400),
        (format!("GET {} HTTP/1.1", target.replace("joe1", "joe11")), 404),
        (format!("GET {} HTTP/1.1", target.replace("_demo", "_demo1")), 404),
        (format!("GET {} HTTP/1.1", target.replace("_demo", "_")), 400),
        (format!("GET {} HTTP/1.1", target.replace(STATUS_KEY, &"1".repeat(5000))), 403),
        (format!("GET {} HTTP/1.1", target.replace(STATUS_KEY, "1")), 403),
    ] {
        let status = send(&server, format!("{line}\r\nHost: x1\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(status, expected, "{line}");
    }
    for header in [
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MTExMTExMTExMTExMTExMQ==",
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        "Range: bytes=11-11\r\nIf-None-Match: \"1\"\r\nIf-Modified-Since: 1",
        "Accept: text/html;q=0.1\r\nAccept-Encoding: gzip;q=1\r\nAccept-Language: x1",
        "Expect: 100-continue",
        "Expect: 1",
        "Content-Type: 1/1\r\nCookie: a=1",
        "TE: trailers\r\nTrailer: 1",
        "X-Forwarded-For: 1, 11.1.1.1",
        "X-Forwarded-For: 1",
        "Content-Length: 1\r\n\r\n1",
        "Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\nX: 1",
    ] {
        let status = send(&server, format!("GET {target} HTTP/1.1\r\nConnection: close\r\n{header}\r\n\r\n")).await;
        assert_eq!(status, 200, "{header}");
    }
    for (header, expected) in [
        ("Authorization: Basic MTE6MTE=", 403),
        ("Authorization: Digest 1", 400),
        ("Authorization: bearer a\r\nAuthorization: bearer 1", 400),
    ] {
        let target = target.split("&authKey").next().expect("a target");
        let status = send(&server, format!("GET {target} HTTP/1.1\r\nConnection: close\r\n{header}\r\n\r\n")).await;
        assert_eq!(status, expected, "{header}");
    }
}

#[tokio::test]
async fn bodies_in_every_shape() {
    let (server, _) = closed().await;
    let head = "POST /token/block HTTP/1.1\r\nHost: x1\r\nConnection: close\r\n";
    for (rest, expected) in [
        ("Expect: 100-continue\r\nContent-Length: 1\r\n\r\n1", 400),
        ("Expect: 100-continue\r\nContent-Length: 111111111\r\n\r\n1", 413),
        ("Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\nTrailer1: 1\r\nAnother: 11\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\n\r\n1;ext=1\r\n1\r\n0\r\n\r\n", 400),
        ("Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\n1", 400),
        ("Transfer-Encoding: chunked\r\n\r\nx1\r\n1\r\n", 400),
        ("Transfer-Encoding: chunked, 1\r\n\r\n1", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\n1\r\n0\r\n\r\n", 400),
        ("Content-Length: 1\r\nContent-Length: 2\r\n\r\n1", 400),
        ("Content-Length: -1\r\n\r\n1", 400),
        ("Content-Length: 11111111111111111111111\r\n\r\n1", 400),
        ("Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n1", 400),
        ("Content-Length: 11\r\n\r\n{\"id\":\"1\"}\n", 400),
        ("\r\n1", 400),
    ] {
        assert_eq!(send(&server, format!("{head}{rest}")).await, expected, "{rest}");
    }
}

#[tokio::test]
async fn what_is_no_request_gets_no_body() {
    let (server, target) = closed().await;
    for (bytes, expected) in [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(), [0, 400]),
        (format!("GET {target}\r\n\r\n").into_bytes(), [400, 400]),
        (format!("GET  {target} HTTP/1.1\r\n\r\n").into_bytes(), [400, 400]),
        (format!("GET {target} HTTP/11.1\r\n\r\n").into_bytes(), [400, 505]),
        (format!("GET {target} HTTP/1.1\r\nHost : 1\r\n\r\n").into_bytes(), [400, 400]),
        (format!("GET {target} HTTP/1.1\r\nX: a\r\n folded1\r\n\r\n").into_bytes(), [400, 400]),
        (format!("GET {target} HTTP/1.1\r\nX: \0\x01\r\n\r\n").into_bytes(), [400, 400]),
        (format!("GET {target} HTTP/1.1\r\n{}\r\n", "A: 1\r\n".repeat(200)).into_bytes(), [431, 431]),
        (format!("GET {target}{} HTTP/1.1\r\n\r\n", "1".repeat(70_000)).into_bytes(), [431, 414]),
        (b"GET /token/status?id=\xff1 HTTP/1.1\r\n\r\n".to_vec(), [400, 400]),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".repeat(40), [400, 431]),
    ] {
        let status = check(&bytes, &server.bytes(&bytes, true).await);
        assert!(expected.contains(&status), "{status} for {}", String::from_utf8_lossy(&bytes[..60.min(bytes.len())]));
    }
}

#[tokio::test]
async fn calls_in_one_write_are_answered_in_order_up_to_the_first_mistake() {
    let (server, target) = closed().await;
    let good = format!("GET {target} HTTP/1.1\r\nHost: x1\r\n\r\n");
    let bad = good.replace("id=joe1", "id=joe1&id=joe1");
    let bytes = server.bytes(format!("{}{bad}{good}", good.repeat(50)).as_bytes(), false).await;
    let (_, bodies) = bodies(&bytes);
    assert_eq!(bodies.len(), 51);
    assert!(bodies[..50].iter().all(|body| body == br#"{"status":2}"#));
    assert!(!bodies[50].contains(&b'1'));
}

#[tokio::test]
async fn a_call_is_the_same_however_its_bytes_arrive() {
    let (server, target) = closed().await;
    let request = format!("GET {target} HTTP/1.1\r\nHost: x1\r\nConnection: close\r\n\r\n");
    let mut stream = server.connect().await;
    for byte in request.bytes() {
        tokio::io::AsyncWriteExt::write_all(&mut stream, &[byte]).await.expect("sent");
        tokio::task::yield_now().await;
    }
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await.expect("an answer");
    assert_eq!(bodies(&answer), (200, vec![br#"{"status":2}"#.to_vec()]));
}
