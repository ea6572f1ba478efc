use std::time::Duration;

use cardea_sdk::{DeviceStatus, Env, WalletError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::engine::{Device, EngineError, Options, Session, Settings as SessionSettings, Transport};

/// A call, and what came of it to the end of the connection.
async fn call(stub: &Stub, request: &str) -> String {
    let mut stream = TcpStream::connect(stub.http()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is cut is an answer, too.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

async fn get(stub: &Stub, target: &str) -> String {
    call(stub, &format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", stub.http())).await
}

async fn check(stub: &Stub, user: &str) -> String {
    let (service, key) = (stub.service(), stub.status_key());
    get(stub, &format!("/token/status?id={user}&service={service}&authKey={key}")).await
}

async fn post(stub: &Stub, path: &str, body: &str) -> String {
    let (host, key, length) = (stub.http(), stub.authkey(), body.len());
    let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: bearer {key}\r\n");
    call(stub, &format!("{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")).await
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

async fn stub(rules: &str) -> Stub {
    let script = Script::parse(&format!("cardea-stub: 1\nrules:\n{rules}")).unwrap();
    Stub::start(Settings { script, seed: Some(Seed::new(1)), ..Settings::default() }).await.unwrap()
}

async fn phone(stub: &Stub, user: &str) -> (Session, Device) {
    phone_over(stub, user, Transport::Tcp).await
}

async fn phone_over(stub: &Stub, user: &str, transport: Transport) -> (Session, Device) {
    let options =
        Options { allow_test_argon2: true, transport, web_port: Some(stub.http().port()), ..Options::default() };
    let settings = SessionSettings { seed: Some(Seed::new(1)), options, ..SessionSettings::default() };
    let session = Session::in_memory(settings, &Env::os()).unwrap();
    let phone = session.add("phone").await.unwrap();
    let link = stub.enroll(user).await.unwrap().link;
    phone.enroll(&phone.invitation(&link, None).await.unwrap()).await.unwrap();
    (session, phone)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_script_it_is_a_server_like_any_other_and_says_what_it_is() {
    let stub = stub("").await;
    let (_session, phone) = phone(&stub, "joe").await;
    assert!(check(&stub, "joe").await.ends_with(r#"{"status":2}"#));
    phone.open(None, None).await.unwrap();
    let answer = check(&stub, "joe").await;
    assert!(answer.ends_with(r#"{"status":1}"#) && answer.contains("cardea-stub: real"), "{answer}");
    assert!(check(&stub, "ann").await.starts_with("HTTP/1.1 404"));
    let offered = format!(r#"{{"id":"ann","service":"{}"}}"#, stub.service());
    assert!(body(&post(&stub, "/token/enroll", &offered).await).contains("/e#"));
    assert_eq!(stub.status("ann").await.unwrap(), 0);
    stub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_come_by_datagram_and_websocket_too() {
    let stub = stub("").await;
    for (user, transport) in [("ann", Transport::Udp), ("bob", Transport::WebSocket), ("joe", Transport::Auto)] {
        let (_session, phone) = phone_over(&stub, user, transport).await;
        assert_eq!(phone.open(None, None).await.unwrap().state, DeviceStatus::Open, "{transport:?}");
        assert_eq!(stub.status(user).await.unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_fail_as_the_script_says_and_then_work() {
    let stub = stub(
        "  - {match: {path: /token/status, user: joe}, times: 1, do: {code: 429, retry-after: 30s}}
  - {match: {path: /token/status, user: joe}, times: 1, do: {maintenance: 2m}}
  - {match: {path: /token/status, user: joe}, times: 1, do: {cut: before}}
  - {match: {path: /token/status, user: joe}, times: 1, do: {cut: body}}
  - {match: {path: /token/status, user: joe}, times: 1, do: {slow-body: 30ms}}
  - {match: {path: /token/status, user: joe}, times: 1, do: {status: unknown}}
  - {match: {path: /token/status, user: joe}, times: 1, do: {status: open}}",
    )
    .await;
    stub.enroll("joe").await.unwrap();
    let busy = check(&stub, "joe").await;
    assert!(busy.starts_with("HTTP/1.1 429") && busy.contains("retry-after: 30"), "{busy}");
    assert!(busy.contains("cardea-stub: rule 1") && !body(&busy).contains('1'), "{busy}");
    let busy = check(&stub, "joe").await;
    assert!(busy.starts_with("HTTP/1.1 503") && busy.contains("retry-after: 120"), "{busy}");
    assert_eq!(check(&stub, "joe").await, "");
    let half = check(&stub, "joe").await;
    assert!(half.contains("content-length: 12") && body(&half) == r#"{"stat"#, "{half}");
    assert_eq!(body(&check(&stub, "joe").await), r#"{"status":0}"#);
    assert_eq!(body(&check(&stub, "joe").await), r#"{"status":7}"#);
    assert_eq!(body(&check(&stub, "joe").await), r#"{"status":1}"#);
    assert_eq!(body(&check(&stub, "joe").await), r#"{"status":0}"#);
    assert!(stub.hits().iter().all(|hits| hits.hits == 1), "{:?}", stub.hits());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_answer_is_an_old_one_and_never_open() {
    let stub = stub("").await;
    let (_session, phone) = phone(&stub, "joe").await;
    let stale = || {
        let rule = "cardea-stub: 1\nrules: [{match: {path: /token/status}, times: 1, do: {status: stale}}]";
        stub.replace_script(Script::parse(rule).unwrap());
    };
    assert_eq!(body(&check(&stub, "joe").await), r#"{"status":2}"#);
    phone.open(None, None).await.unwrap();
    assert_eq!(body(&check(&stub, "joe").await), r#"{"status":1}"#);
    stale();
    assert_eq!(body(&check(&stub, "joe").await), r#"{"status":2}"#);
    stub.change("joe", TokenChange::Block).await.unwrap();
    assert_eq!(body(&check(&stub, "joe").await), r#"{"status":4}"#);
    stale();
    // What was told before was "open".
    assert_eq!(body(&check(&stub, "joe").await), r#"{"status":4}"#);
    // A user of whom nothing was told.
    stub.enroll("ann").await.unwrap();
    stale();
    assert_eq!(body(&check(&stub, "ann").await), r#"{"status":0}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_meet_what_the_script_has_for_them() {
    let stub = stub(
        "  - {match: {channel: operate, user: joe}, times: 2, do: {refuse: version}}
  - {match: {channel: operate, user: joe}, times: 1, do: {token: block}}",
    )
    .await;
    let (_session, joe) = phone(&stub, "joe").await;
    let (_other, ann) = phone(&stub, "ann").await;
    ann.open(None, None).await.unwrap();
    let refused = joe.open(None, None).await;
    assert!(matches!(&refused, Err(EngineError::Wallet(WalletError::Refused(_)))), "{refused:?}");
    let blocked = joe.open(None, None).await;
    assert!(matches!(blocked, Err(EngineError::Wallet(WalletError::Blocked { .. }))), "{blocked:?}");
    assert_eq!((stub.status("joe").await.unwrap(), stub.status("ann").await.unwrap()), (4, 1));
    assert_eq!(stub.hits().iter().map(|hits| hits.hits).collect::<Vec<_>>(), [2, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_leaves_nothing_half_done() {
    let stub = stub("  - {match: {channel: operate, user: joe}, times: 1, do: {cut: answer}}").await;
    let (_session, joe) = phone(&stub, "joe").await;
    // The device says the same again, and is told what was done.
    assert_eq!(joe.open(None, None).await.unwrap().state, DeviceStatus::Open);
    assert_eq!(stub.hits()[0].hits, 1);
    assert_eq!(stub.status("joe").await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_follow_a_server_that_has_replaced_its_key_and_one_that_unenrolls_them() {
    let stub = stub("").await;
    let (_session, joe) = phone(&stub, "joe").await;
    stub.rotate_keys().await.unwrap();
    joe.open(None, None).await.unwrap();
    stub.change("joe", TokenChange::Unenroll).await.unwrap();
    assert_eq!(joe.status(None).await.unwrap().state, DeviceStatus::NotEnrolled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_time_is_the_one_that_it_was_given() {
    let (session, time) = {
        let session = Session::in_memory(SessionSettings::default(), &Env::os()).unwrap();
        (session.clone(), session.time().clone())
    };
    time.freeze();
    let stub = Stub::start(Settings { time: Some(time), ..Settings::default() }).await.unwrap();
    let (_other, joe) = phone(&stub, "joe").await;
    joe.open(None, None).await.unwrap();
    session.time().advance(59);
    assert_eq!(stub.status("joe").await.unwrap(), 1);
    session.time().advance(1);
    assert_eq!(stub.status("joe").await.unwrap(), 2);
    // A clock that goes back opens nothing again.
    stub.set_skew(-30);
    assert_eq!(stub.status("joe").await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_the_authkey_may_tell_it_what_to_do_over_http_and_nobody_else() {
    let stub = stub("  - {match: {path: /token/status}, do: {code: 503}}").await;
    assert!(check(&stub, "joe").await.starts_with("HTTP/1.1 503"));
    for request in [
        format!("GET /stub HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", stub.http()),
        format!(
            "GET /stub HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nAuthorization: bearer {}\r\n\r\n",
            stub.authkey()
        ),
    ] {
        assert!(call(&stub, &request).await.starts_with("HTTP/1.1 403"), "{request}");
    }
    let before = stub.time().now();
    assert!(post(&stub, "/stub/clock", r#"{"advance":3600}"#).await.starts_with("HTTP/1.1 200"));
    assert!(stub.time().now() >= before + 3_600);
    for wrong in [r#"{"advance":-1}"#, r#"{"advance":99999999999}"#, r#"{"advnace":1}"#, "x", ""] {
        assert!(post(&stub, "/stub/clock", wrong).await.starts_with("HTTP/1.1 400"), "{wrong}");
    }
    let wrong = post(&stub, "/stub/script", r#"{"cardea-stub": 1, "ruels": []}"#).await;
    assert!(wrong.starts_with("HTTP/1.1 400") && wrong.contains("did you mean `rules`?"), "{wrong}");
    assert!(post(&stub, "/stub/script", r#"{"cardea-stub": 1, "rules": []}"#).await.starts_with("HTTP/1.1 200"));
    assert!(check(&stub, "joe").await.starts_with("HTTP/1.1 404"));
    assert!(post(&stub, "/stub/else", "").await.starts_with("HTTP/1.1 404"));
    assert!(post(&stub, "/stub", "").await.starts_with("HTTP/1.1 405"));
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_and_nothing_listens_elsewhere() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    for settings in [Settings { http: port, ..Settings::default() }, Settings { channel: port, ..Settings::default() }]
    {
        let error = Stub::start(settings).await.unwrap_err();
        assert!(matches!(error, StubError::Listen { port: said, .. } if said == port), "{error}");
    }
    let stub = Stub::start(Settings::default()).await.unwrap();
    assert!(stub.http().ip().is_loopback() && stub.channel().ip().is_loopback());
    assert!(matches!(stub.enroll("").await, Err(StubError::User(_))));
    assert!(matches!(stub.status("nobody").await, Err(StubError::Refused(AdminError::NoToken))));
    let http = stub.http();
    tokio::time::timeout(Duration::from_secs(30), stub.stop()).await.unwrap();
    assert!(TcpStream::connect(http).await.is_err());
}
