//! What the listener and hyper answer by themselves, on raw sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::config::Sources;

/// A server with one path, `/token/status`, that answers "open" once it may.
struct Fixture {
    address: SocketAddr,
    entered: Arc<Notify>,
    release: Arc<Notify>,
    shutdown: Shutdown,
    running: JoinHandle<()>,
}

fn config() -> HttpConfig {
    let mut config = Sources::default().load().expect("the defaults").http;
    config.listen = "127.0.0.1:0".parse().expect("an address");
    config
}

async fn start(config: HttpConfig, held: bool) -> Fixture {
    let (entered, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, go) = (Arc::clone(&entered), Arc::clone(&release));
    let handler = move || async move {
        inside.notify_one();
        if held {
            go.notified().await;
        }
        r#"{"status":1}"#
    };
    let router = Router::new().route("/token/status", get(handler));
    let shutdown = Shutdown::new();
    let listener = TcpListener::bind(config.listen).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let server = HttpServer::new(listener, router, config, Duration::from_secs(30), shutdown.clone());
    Fixture { address, entered, release, shutdown, running: tokio::spawn(server.run()) }
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("a connection")
}

/// Everything the server sends until it closes.
async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset after the answer is the server's right when it has not read all of the request.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).expect("text")
}

async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address).await;
    let _ = stream.write_all(request).await;
    read_all(&mut stream).await
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn what_hyper_refuses_by_itself_has_no_body_and_closes() {
    let fixture = start(config(), false).await;
    let long = "1".repeat(20_000);
    for (request, expected) in [
        (format!("GET /token/status?id={long} HTTP/1.1\r\nHost: x\r\n\r\n"), "431"),
        (format!("GET /token/status HTTP/1.1\r\nHost: x\r\nX: {long}\r\n\r\n"), "431"),
        (format!("GET /token/status HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: 1\r\n".repeat(100)), "431"),
        ("G{}T /token/status?id=1 HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET /token/status?id=a b1 HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET /token/status?id=1 HTTP/1.7\r\n\r\n".to_owned(), "400"),
        ("GET /token/status?id=1 HTTP/1.1\r\nbroken header 1\r\n\r\n".to_owned(), "400"),
        ("GET /token/status?id=1\r\n\r\n".to_owned(), "400"),
        ("GET token/status?id=1 HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("GET /token/status HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 11\r\n\r\n".to_owned(), "400"),
        ("GET /token/status HTTP/1.1\r\nContent-Length: 1x\r\n\r\n".to_owned(), "400"),
        ("GET /token/status HTTP/1.1\r\nTransfer-Encoding: gzip1\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = exchange(fixture.address, request.as_bytes()).await;
        let short: String = request.chars().take(60).collect();
        assert_eq!(status(&answer), expected, "{short}: {answer}");
        assert_eq!(body(&answer), "", "{short}: {answer}");
        assert!(answer.contains("connection: close"), "{short}: {answer}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_http_get_no_body() {
    let fixture = start(config(), false).await;
    for request in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"1\r\n\r\n",
        b"GET /token/status?id=\xff\xfe HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\n\0\0\0\0",
    ] {
        let mut stream = connect(fixture.address).await;
        let _ = stream.write_all(request).await;
        stream.shutdown().await.expect("half a close");
        let answer = read_all(&mut stream).await;
        assert_eq!(body(&answer), "", "{request:?}: {answer}");
    }
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off_without_a_body() {
    let config = HttpConfig { header_timeout: Duration::from_millis(5), ..config() };
    let fixture = start(config, false).await;
    for request in [&b""[..], b"GET /token/status?id=1", b"GET /token/status HTTP/1.1\r\nHost: 1"] {
        let answer = exchange(fixture.address, request).await;
        assert_eq!(answer, "", "{request:?}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let config = HttpConfig { header_timeout: Duration::from_millis(5), ..config() };
    let fixture = start(config, false).await;
    let answer = exchange(fixture.address, b"GET /token/status HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!((status(&answer), body(&answer)), ("200", r#"{"status":1}"#));
}

#[tokio::test]
async fn an_old_connection_is_cut_off() {
    let config = HttpConfig { connection_timeout: Duration::from_millis(5), ..config() };
    let fixture = start(config, false).await;
    assert_eq!(exchange(fixture.address, b"").await, "");
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_told_to_come_back() {
    let fixture = start(HttpConfig { answer_timeout: Duration::from_millis(5), ..config() }, true).await;
    let answer = exchange(fixture.address, b"GET /token/status HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(status(&answer), "503", "{answer}");
    assert!(answer.contains("retry-after: 2") && answer.contains("connection: close"), "{answer}");
    assert!(!body(&answer).contains('1') && body(&answer).contains("unavailable"), "{answer}");
}

#[tokio::test]
async fn calls_over_the_limit_are_told_to_come_back() {
    let fixture = start(HttpConfig { max_requests: 1, ..config() }, true).await;
    let request = b"GET /token/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut first = connect(fixture.address).await;
    first.write_all(request).await.expect("sent");
    fixture.entered.notified().await;
    let second = exchange(fixture.address, request).await;
    assert_eq!(status(&second), "503", "{second}");
    assert!(second.contains("retry-after: 2") && second.contains("connection: close"), "{second}");
    assert!(!body(&second).contains('1') && body(&second).contains("busy"), "{second}");
    fixture.release.notify_one();
    assert_eq!(body(&read_all(&mut first).await), r#"{"status":1}"#);
}

#[tokio::test]
async fn connections_over_the_limit_are_turned_away_and_room_comes_back() {
    let fixture = start(HttpConfig { max_connections: 1, ..config() }, true).await;
    let request = b"GET /token/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut first = connect(fixture.address).await;
    first.write_all(request).await.expect("sent");
    fixture.entered.notified().await;
    let second = read_all(&mut connect(fixture.address).await).await;
    assert_eq!(status(&second), "503", "{second}");
    assert!(second.contains("Retry-After: 2") && second.contains("Connection: close"), "{second}");
    assert!(!body(&second).contains('1') && body(&second).contains("busy"), "{second}");
    fixture.release.notify_one();
    assert_eq!(body(&read_all(&mut first).await), r#"{"status":1}"#);
    fixture.release.notify_one();
    loop {
        // The place is free as soon as the server has noticed that the first connection ended.
        let answer = exchange(fixture.address, request).await;
        if status(&answer) == "200" {
            break;
        }
        assert_eq!(status(&answer), "503", "{answer}");
    }
}

#[tokio::test]
async fn shutdown_finishes_the_call_in_hand_and_closes_what_is_idle() {
    let fixture = start(config(), true).await;
    let mut idle = connect(fixture.address).await;
    let mut half = connect(fixture.address).await;
    half.write_all(b"GET /token/status?id=1").await.expect("sent");
    let mut busy = connect(fixture.address).await;
    busy.write_all(b"GET /token/status HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    fixture.entered.notified().await;
    fixture.shutdown.begin();
    assert_eq!(read_all(&mut idle).await, "");
    drop(half);
    fixture.release.notify_one();
    let answer = read_all(&mut busy).await;
    assert_eq!((status(&answer), body(&answer)), ("200", r#"{"status":1}"#));
    fixture.shutdown.drained().await;
    fixture.running.await.expect("no panic");
    assert!(TcpStream::connect(fixture.address).await.is_err(), "the port is closed");
}

#[tokio::test]
async fn pipelined_calls_are_answered_in_order_until_the_first_failure() {
    let fixture = start(config(), false).await;
    let one = "GET /token/status HTTP/1.1\r\nHost: x\r\n\r\n";
    let bad = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = exchange(fixture.address, format!("{one}{one}{bad}{one}").as_bytes()).await;
    assert_eq!(answer.matches(r#"{"status":1}"#).count(), 2, "{answer}");
    assert!(answer.ends_with('}') && answer.contains("unknown-path"), "{answer}");
}
