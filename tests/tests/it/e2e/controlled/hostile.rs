//! Clients that are broken, slow or gone.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use cardea_tests::harness::{Site, until};
use serde_json::{Value, json};

use super::{Driven, TOKEN};

fn connection(driven: &Driven, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(driven.address).expect("it listens");
    stream.write_all(text.as_bytes()).expect("it reads");
    stream
}

fn call(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn garbage_harms_nobody_but_who_sends_it() {
    let driven = Driven::start();
    for garbage in
        ["\0\0\0\0", "GET\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}", &format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000))]
    {
        let mut stream = TcpStream::connect(driven.address).expect("it listens");
        // It may be turned away before all of it was sent.
        let _ = stream.write_all(garbage.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{garbage:?}");
    }
    for (body, code) in [("{", "bad-call"), ("[]", "bad-call"), ("nul", "bad-call"), ("{\"name\": 7}", "bad-call")] {
        let mut stream = connection(
            &driven,
            &call("POST", "/v1/sessions", body).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
        );
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains(code), "{answer}");
    }
    let long = json!({ "name": "a".repeat(7 << 20) });
    assert_eq!(driven.refused("POST", "/v1/sessions", &long), (413, "too-long".into()));
    assert_eq!(driven.done("GET", "/v1/sessions", &Value::Null)["sessions"], json!([]));
}

#[test]
fn a_client_that_goes_away_in_a_wait_holds_nothing() {
    let driven = Driven::start();
    driven.done("POST", "/v1/sessions", &json!({ "name": "one", "leaseMs": 200 }));
    let body = json!({ "until": "false", "timeoutMs": 600_000 }).to_string();
    let waiting = connection(&driven, &call("POST", "/v1/sessions/one/wait", &body));
    drop(waiting);
    // While the wait was in use the lease could not end.
    until("the session ends", || {
        (driven.done("GET", "/v1/sessions", &Value::Null)["sessions"] == json!([])).then_some(())
    });
}

#[test]
fn a_reader_of_events_that_never_reads_stops_nobody() {
    let (site, driven) = (Site::dev(), Driven::start());
    let phone = driven.enrolled(&site);
    let session = phone.strip_suffix("/devices/phone").expect("a device");
    let deaf: Vec<TcpStream> =
        (0..20).map(|_| connection(&driven, &call("GET", &format!("{session}/events?since=0"), ""))).collect();
    for _ in 0..50 {
        driven.done("POST", &format!("{phone}/status"), &Value::Null);
    }
    assert_eq!(driven.done("POST", &format!("{phone}/open"), &Value::Null)["state"], "open");
    drop(deaf);
}

#[test]
fn while_somebody_waits_in_a_session_its_lease_does_not_end() {
    let driven = Driven::start();
    driven.done("POST", "/v1/sessions", &json!({ "name": "one", "leaseMs": 100 }));
    // Three leases long.
    let vain = json!({ "until": "false", "timeoutMs": 300 });
    assert_eq!(driven.refused("POST", "/v1/sessions/one/wait", &vain), (408, "not-yet".into()));
    until("the lease is over", || {
        (driven.done("GET", "/v1/sessions", &Value::Null)["sessions"] == json!([])).then_some(())
    });
}
