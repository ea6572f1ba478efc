//! One answer is open. Everything else is not.

use super::hostile::{Hostile, KEY, Reply, Then, json};
use crate::relying_party::{RelyingParty, RelyingPartyError, TokenStatus};

const OPEN: &str = r#"{"status":1}"#;
const TYPE: &str = "Content-Type: application/json\r\n";

/// What a call sees of a server that gives this answer.
async fn seen(reply: impl Into<Reply>) -> (bool, bool, Result<TokenStatus, RelyingPartyError>) {
    let server = Hostile::new([reply.into()]).await;
    let asked = server.asked_by();
    (asked.is_open("joe").await, asked.gate("joe").await, asked.status("joe").await)
}

async fn is_refused(reply: impl Into<Reply>, code: u32) {
    let reply = reply.into();
    let shown = String::from_utf8_lossy(&reply.bytes).chars().take(200).collect::<String>();
    let (open, gate, status) = seen(reply).await;
    assert!(!open && !gate, "{shown}");
    assert_eq!(status.map_err(|error| error.code()), Err(code), "{shown}");
}

#[tokio::test]
async fn the_five_statuses_are_told_apart_and_one_of_them_is_open() {
    for (number, status) in [
        (0, TokenStatus::NotEnrolled),
        (1, TokenStatus::Open),
        (2, TokenStatus::Closed),
        (3, TokenStatus::Duress),
        (4, TokenStatus::Blocked),
    ] {
        let (open, gate, told) = seen(json(200, &format!("{{\"status\":{number}}}"))).await;
        assert_eq!((open, gate, told), (number == 1, false, Ok(status)));
        assert_eq!((status.number(), status.is_open()), (number, number == 1));
    }
}

#[tokio::test]
async fn an_open_answer_is_open_however_it_is_rightly_framed() {
    for reply in [
        format!("HTTP/1.1 200 OK\r\n{TYPE}Content-Length: 12\r\nConnection: close\r\n\r\n{OPEN}"),
        format!("HTTP/1.1 200\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length:12\r\n\r\n{OPEN}"),
        format!("HTTP/1.0 200 OK\r\n{TYPE}Content-Length: 12\r\n\r\n{OPEN}"),
        format!(
            "HTTP/1.1 200 OK\r\n{TYPE}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"sta\r\n7\r\ntus\":1}}\r\n0\r\n\r\n"
        ),
        format!("HTTP/1.1 200 OK\r\n{TYPE}Content-Length: 12\r\nAge: 0\r\n\r\n{OPEN}"),
        format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n{TYPE}Content-Length: 12\r\n\r\n{OPEN}"),
    ] {
        let (open, gate, _) = seen(reply.as_str()).await;
        assert!(open && !gate, "{reply}");
    }
}

#[tokio::test]
async fn no_other_code_is_open_whatever_the_body_says() {
    for code in [100, 101, 201, 202, 203, 205, 206, 226, 300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404] {
        let (open, gate, status) = seen(json(code, OPEN)).await;
        assert!(!open && !gate && status.is_err(), "{code}");
    }
    for code in [405, 407, 408, 410, 413, 418, 429, 451, 500, 501, 502, 503, 504, 511, 599, 999] {
        let (open, gate, status) = seen(json(code, OPEN)).await;
        assert!(!open && !gate && status.is_err(), "{code}");
    }
    let (open, _, status) = seen(format!("HTTP/1.1 204 X\r\n{TYPE}Content-Length: 12\r\n\r\n{OPEN}")).await;
    assert!(!open && status.is_err());
}

#[tokio::test]
async fn no_other_body_is_open_whatever_it_looks_like() {
    for body in [
        "",
        "1",
        "true",
        "open",
        "{}",
        r#"{"status": 1}"#,
        r#"{"status":1} "#,
        "{\"status\":1}\n",
        " {\"status\":1}",
        r#"{"status":"1"}"#,
        r#"{"status":1.0}"#,
        r#"{"status":01}"#,
        r#"{"status":+1}"#,
        r#"{"status":1e0}"#,
        r#"{"status":true}"#,
        r#"{"status":11}"#,
        r#"{"status":5}"#,
        r#"{"status":2,"n":1}"#,
        r#"{"n":1,"status":2}"#,
        r#"{"status":2,"status":1}"#,
        r#"{"status":1,"status":2}"#,
        r#"{"Status":1}"#,
        r#"{"status":1}{"status":2}"#,
        r#"{"status":1}1"#,
        "\u{feff}{\"status\":1}",
        "{\"status\":1}\0",
        r#"[{"status":1}]"#,
        r#"{"error":"forbidden","message":"1","code":1}"#,
        "<html>nginx/1.18.0</html>",
    ] {
        is_refused(json(200, body), 168).await;
    }
    let head = |length| format!("HTTP/1.1 200 OK\r\n{TYPE}Content-Length: {length}\r\n\r\n").into_bytes();
    is_refused([head(13), b"{\"status\":1}\xff".to_vec()].concat().as_slice(), 168).await;
    is_refused([head(3), b"\xff\xfe\x31".to_vec()].concat().as_slice(), 168).await;
    let wide: Vec<u8> = OPEN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    is_refused([head(24), wide].concat().as_slice(), 168).await;
}

#[tokio::test]
async fn an_answer_that_may_not_be_whole_is_not_open() {
    for (headers, body) in [
        // Nobody says how long it is.
        ("", OPEN),
        ("Connection: close\r\n", OPEN),
        ("Transfer-Encoding: identity\r\n", OPEN),
        ("Transfer-Encoding: gzip, chunked\r\n", "c\r\n{\"status\":1}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: gzip\r\nContent-Length: 12\r\n", OPEN),
        ("Content-Length: 12\r\nTransfer-Encoding: chunked\r\n", "c\r\n{\"status\":1}\r\n0\r\n\r\n"),
        // It is shorter or longer than it says.
        ("Content-Length: 13\r\n", OPEN),
        ("Content-Length: 4096\r\n", OPEN),
        ("Content-Length: 11\r\n", OPEN),
        ("Content-Length: 0\r\n", OPEN),
        // It says it twice, or says nothing that could be.
        ("Content-Length: 12\r\nContent-Length: 13\r\n", OPEN),
        ("Content-Length: 12, 13\r\n", OPEN),
        ("Content-Length: -12\r\n", OPEN),
        ("Content-Length: 0x0c\r\n", OPEN),
        ("Content-Length: 12a\r\n", OPEN),
        ("Content-Length: 18446744073709551628\r\n", OPEN),
        // Its chunks do not end.
        ("Transfer-Encoding: chunked\r\n", "c\r\n{\"status\":1}\r\n"),
        ("Transfer-Encoding: chunked\r\n", "c\r\n{\"status\":1}\r\n0\r\n"),
        ("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n{\"status\":1}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked\r\n", OPEN),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "c\r\n{\"status\":1}\r\n0\r\n\r\n"),
    ] {
        is_refused(format!("HTTP/1.1 200 OK\r\n{TYPE}{headers}\r\n{body}"), 168).await;
    }
    let whole = format!("HTTP/1.1 200 OK\r\n{TYPE}Content-Length: 12\r\n\r\n{OPEN}");
    for end in 0..whole.len() {
        let (open, gate, status) = seen(&whole[..end]).await;
        assert!(!open && !gate && status.is_err(), "{end}");
    }
}

#[tokio::test]
async fn what_was_changed_on_the_way_is_not_open() {
    for headers in [
        "Content-Length: 12\r\n",
        "Content-Type: text/html\r\nContent-Length: 12\r\n",
        "Content-Type: application/jsonp\r\nContent-Length: 12\r\n",
        "Content-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n",
        "Content-Type: application/json\r\nContent-Encoding: identity\r\nContent-Length: 12\r\n",
        "Content-Type: application/json\r\nAge: 5\r\nContent-Length: 12\r\n",
    ] {
        is_refused(format!("HTTP/1.1 200 OK\r\n{headers}\r\n{OPEN}"), 168).await;
    }
}

#[tokio::test]
async fn what_is_no_answer_is_not_open() {
    for reply in [
        OPEN,
        "1",
        "\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200",
        "HTTP/1.1 1 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 12\r\n\r\n{\"status\":1}",
        "HTTP/3 200 OK\r\nContent-Length: 12\r\n\r\n{\"status\":1}",
        "ICY 200 OK\r\nContent-Length: 12\r\n\r\n{\"status\":1}",
        "HTTP/1.1 200 OK\r\nContent-Length : 12\r\n\r\n{\"status\":1}",
        "HTTP/1.1 200 OK\r\n Content-Length: 12\r\n\r\n{\"status\":1}",
        "\x16\x03\x01\x02\x00\x01\x00\x01",
    ] {
        let (open, gate, status) = seen(reply).await;
        assert!(!open && !gate && status.is_err(), "{reply:?}");
    }
    let (open, gate, status) = seen(&[][..]).await;
    assert!(!open && !gate && status.is_err());
    let (open, gate, status) = seen(&[0xff; 9000][..]).await;
    assert!(!open && !gate && status.is_err());
}

#[tokio::test]
async fn heads_and_bodies_without_end_are_cut_off() {
    let head = format!("HTTP/1.1 200 OK\r\n{TYPE}");
    let long = format!("{head}X: {}\r\nContent-Length: 12\r\n\r\n{OPEN}", "1".repeat(70_000));
    is_refused(long, 168).await;
    let many = format!("{head}{}Content-Length: 12\r\n\r\n{OPEN}", "X: 1\r\n".repeat(100));
    is_refused(many, 168).await;
    let huge = format!("{head}Content-Length: 1000000000000\r\n\r\n{}", "1".repeat(20_000));
    is_refused(huge, 168).await;
    let endless = Reply { bytes: format!("{head}Transfer-Encoding: chunked\r\n\r\n").into_bytes(), then: Then::Hold };
    let chunks = "400\r\n".to_owned() + &"1".repeat(1024) + "\r\n";
    let endless = Reply { bytes: [endless.bytes, chunks.repeat(20).into_bytes()].concat(), then: Then::Hold };
    is_refused(endless, 168).await;
    is_refused(Reply { bytes: b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\n".to_vec(), then: Then::Close }, 168).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_too_long_is_a_no_in_ten_seconds() {
    let head = format!("HTTP/1.1 200 OK\r\n{TYPE}Content-Length: 13\r\n\r\n");
    for (bytes, then) in [
        (String::new(), Then::Hold),
        ("HTTP/1.1 200 OK\r\n".to_owned(), Then::Hold),
        (head.clone(), Then::Hold),
        (format!("{head}{OPEN}"), Then::Hold),
        ("HTTP/1.1 200 OK\r\nX: ".to_owned(), Then::Drip),
        (format!("HTTP/1.1 200 OK\r\n{TYPE}Content-Length: 4096\r\n\r\n{OPEN}"), Then::Drip),
    ] {
        is_refused(Reply { bytes: bytes.into_bytes(), then }, 167).await;
    }
}

#[tokio::test]
async fn nobody_is_asked_but_the_configured_server() {
    let other = Hostile::new([json(200, OPEN)]).await;
    for code in [300, 301, 302, 303, 305, 307, 308] {
        for headers in [
            format!("Location: http://{}/token/status", other.address),
            format!("Refresh: 0; url=http://{}/", other.address),
            format!("Alt-Svc: h2=\"{}\"\r\nContent-Location: http://{}/", other.address, other.address),
        ] {
            let reply = format!("HTTP/1.1 {code} X\r\n{headers}\r\n{TYPE}Content-Length: 12\r\n\r\n{OPEN}");
            is_refused(reply, 168).await;
        }
    }
    assert_eq!(other.requests(), [""; 0]);
}

#[tokio::test]
async fn an_answer_too_many_is_nobodys_answer() {
    let (closed, open) = (json(200, r#"{"status":2}"#), json(200, OPEN));
    let both = Reply { bytes: format!("{closed}{open}").into_bytes(), then: Then::Hold };
    let server = Hostile::new([both.clone(), both, closed.into()]).await;
    let asked = server.asked_by();
    for _ in 0..4 {
        assert_eq!(asked.status("joe").await, Ok(TokenStatus::Closed));
    }
    assert_eq!(server.requests().len(), 4, "each call has a connection of its own");
}

#[tokio::test]
async fn calls_at_the_same_time_do_not_get_each_others_answers() {
    let replies = (0..40).map(|at| json(200, if at % 2 == 0 { OPEN } else { r#"{"status":2}"# }));
    let server = Hostile::new(replies).await;
    let asked = server.asked_by();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let asked = asked.clone();
        calls.spawn(async move { asked.is_open("joe").await });
    }
    let open = calls.join_all().await.into_iter().filter(|open| *open).count();
    assert_eq!((open, server.requests().len()), (20, 40));
}

#[tokio::test]
async fn a_dropped_call_closes_its_connection_and_leaves_nothing_to_the_next() {
    let hold = Reply { bytes: Vec::new(), then: Then::Hold };
    let server = Hostile::new([hold, json(200, r#"{"status":2}"#).into()]).await;
    let asked = server.asked_by();
    tokio::select! {
        biased;
        _ = asked.status("joe") => panic!("nothing was answered"),
        () = async { while server.requests().is_empty() { tokio::task::yield_now().await; } } => {}
    }
    assert_eq!(asked.status("joe").await, Ok(TokenStatus::Closed));
}

#[tokio::test]
async fn a_call_says_what_it_must_and_encodes_the_user() {
    let server = Hostile::new([json(200, OPEN)]).await;
    let asked = server.asked_by();
    assert!(asked.is_open("joe&service=x é+").await);
    let _ = asked.gate("joe").await;
    let requests = server.requests();
    let line = "GET /token/status?id=joe%26service%3Dx%20%C3%A9%2B&service=default_door HTTP/1.1";
    assert_eq!(requests[0].lines().next(), Some(line));
    assert_eq!(requests[1].lines().next(), Some("GET /token/gate?id=joe&service=default_door HTTP/1.1"));
    for header in [
        format!("host: {}", server.address),
        format!("authorization: apikey {KEY}"),
        "accept: application/json".to_owned(),
        "cache-control: no-store".to_owned(),
        "connection: close".to_owned(),
    ] {
        assert!(requests[0].lines().any(|line| line == header), "{header}: {}", requests[0]);
    }
    for user in ["", &"x".repeat(256)] {
        assert!(!asked.is_open(user).await && !asked.gate(user).await);
        assert_eq!(asked.status(user).await.unwrap_err().code(), 161);
    }
    assert_eq!(server.requests().len(), 2, "what cannot be right is not asked");
}

#[tokio::test]
async fn the_gate_is_open_for_204_and_nothing_else() {
    for (reply, expected) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nabcde", false),
        ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false),
        ("HTTP/1.1 204 No Content\r\nAge: 3\r\n\r\n", false),
        ("HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n", false),
        ("HTTP/1.1 204 No Content\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", false),
    ] {
        let (open, gate, _) = seen(reply).await;
        assert_eq!((open, gate), (false, expected), "{reply}");
    }
}

#[tokio::test]
async fn refusals_say_who_must_act() {
    let problem = |name: &str| format!(r#"{{"error":"{name}","message":"say it\u0007 otherwise"}}"#);
    for (status, name, code, text) in [
        (400, "bad-call", 161, "the call is not right: say it otherwise"),
        (403, "forbidden", 162, "the authkey does not allow this"),
        (404, "unknown-service", 163, "no such service"),
        (404, "unknown-token", 163, "no token"),
        (404, "unknown-confirmation", 163, "no such confirmation"),
        (404, "unknown-path", 168, "not one"),
        (405, "bad-method", 168, "not one"),
        (429, "too-many", 164, "too many calls: ask again in 2 seconds"),
        (500, "internal", 165, "cannot answer now"),
        (503, "busy", 165, "cannot answer now"),
    ] {
        let error = seen(json(status, &problem(name))).await.2.unwrap_err();
        assert_eq!(error.code(), code, "{status} {name}");
        assert!(error.to_string().contains(text), "{error}");
    }
    let later = "HTTP/1.1 429 X\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(seen(later).await.2.unwrap_err().to_string(), "too many calls: ask again in 40 seconds");
    let never = "HTTP/1.1 503 X\r\nRetry-After: 99999999999\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(seen(never).await.2.unwrap_err().to_string(), "the server cannot answer now: ask again in 300 seconds");
    is_refused("HTTP/1.1 502 X\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\n1", 165).await;
    is_refused("HTTP/1.1 403 X\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\n1", 168).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_or_speaks_no_tls_is_unreachable() {
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secure = format!("https://{}", plain.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, json(200, OPEN).as_bytes()).await;
        }
    });
    let asked = RelyingParty::new(&secure, "default_door", KEY).unwrap();
    assert_eq!(asked.status("joe").await.unwrap_err().code(), 166);
    assert!(!asked.is_open("joe").await && !asked.gate("joe").await);
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let asked = RelyingParty::new(&format!("http://{free}"), "default_door", KEY).unwrap();
    assert_eq!(asked.status("joe").await.unwrap_err().code(), 166);
    assert!(!asked.is_open("joe").await && !asked.gate("joe").await);
}
