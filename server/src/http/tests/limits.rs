//! Who calls too often, and from where a call comes.

use super::support::{ADMIN_KEY, Answer, STATUS_KEY, Server, State};
use crate::network::Network;

const WRONG: &str = "wrong-key-0123456";

impl Server {
    /// Asks for the status of `joe` as the client `from`, through the proxy.
    async fn ask(&self, key: &str, from: &str) -> Answer {
        self.raw(&format!(
            "GET /token/status?id=joe&service=default_demo&authKey={key} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             X-Forwarded-For: 127.0.0.1, {from}\r\n\r\n"
        ))
        .await
    }

    async fn pass(&self, seconds: u32) {
        let answer = self.post("/dev/clock", &format!("{{\"advance\":{seconds}}}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

fn is_throttled(answer: &Answer) -> bool {
    if answer.status != 429 {
        return false;
    }
    assert!(!answer.body.contains('1') && answer.body.contains("\"too-many\""), "{answer:?}");
    assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
    assert!(answer.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()), "{answer:?}");
    true
}

#[tokio::test]
async fn an_address_with_too_many_wrong_authkeys_is_not_heard_for_a_minute_and_others_are() {
    let server = Server::start_limited(|config| config.limits.wrong_authkeys = 3).await;
    server.token("joe", State::Open).await;
    for _ in 0..3 {
        assert_eq!(server.ask(WRONG, "192.0.2.1").await.status, 403);
    }
    for key in [WRONG, STATUS_KEY] {
        let answer = server.ask(key, "192.0.2.1").await;
        assert!(is_throttled(&answer), "{answer:?}");
        assert_eq!(answer.header("retry-after"), Some("60"));
    }
    assert_eq!(server.ask(STATUS_KEY, "192.0.2.2").await.body, r#"{"status":1}"#);
    server.pass(59).await;
    assert_eq!(server.ask(STATUS_KEY, "192.0.2.1").await.header("retry-after"), Some("1"));
    server.pass(1).await;
    assert_eq!(server.ask(STATUS_KEY, "192.0.2.1").await.body, r#"{"status":2}"#);
}

#[tokio::test]
async fn neither_right_calls_nor_other_mistakes_count_as_wrong_authkeys() {
    let server = Server::start_limited(|config| config.limits.wrong_authkeys = 3).await;
    server.token("joe", State::Closed).await;
    for _ in 0..4 {
        assert_eq!(server.ask(STATUS_KEY, "192.0.2.1").await.status, 200);
        assert_eq!(server.get("/token/status?id=joe").await.status, 400);
        assert_eq!(server.get("/nothing").await.status, 404);
        let gate = format!("/token/gate?id=joe&service=default_demo&authKey={STATUS_KEY}");
        assert_eq!(server.get(&gate).await.status, 403, "refused, and the authkey was right");
    }
    assert_eq!(server.ask(STATUS_KEY, "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn loopback_has_a_limit_unless_it_is_exempt() {
    for (exempt, expected) in [("", 429), ("127.0.0.0/8", 403)] {
        let server = Server::start_limited(|config| {
            config.http.trusted_proxies = Vec::new();
            config.limits.wrong_authkeys = 1;
            config.limits.exempt = Network::parse_list(exempt).expect("networks");
        });
        let server = server.await;
        let statuses = [server.ask(WRONG, "192.0.2.1").await.status, server.ask(WRONG, "192.0.2.2").await.status];
        assert_eq!(statuses, [403, expected], "what a stranger says of himself counts for nothing");
    }
}

#[tokio::test]
async fn an_authkey_has_its_share_of_calls() {
    let server = Server::start_limited(|config| config.limits.calls_per_authkey = 2).await;
    server.token("joe", State::Closed).await;
    let statuses = [0, 1].map(|_| server.ask(STATUS_KEY, "192.0.2.1"));
    for status in statuses {
        assert_eq!(status.await.status, 200);
    }
    assert!(is_throttled(&server.ask(STATUS_KEY, "192.0.2.2").await), "wherever it comes from");
    let body = format!(r#"{{"id":"joe","service":"default_demo","authKey":"{ADMIN_KEY}"}}"#);
    let calls = [server.post("/token/block", &body).await, server.post("/token/unblock", &body).await];
    assert!(calls.iter().all(|call| call.status == 200), "{calls:?}");
    assert!(is_throttled(&server.post("/token/block", &body).await));
    server.pass(60).await;
    assert_eq!(server.ask(STATUS_KEY, "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn a_token_has_its_share_of_checks_and_a_refused_check_consumes_nothing() {
    let server = Server::start_limited(|config| config.limits.checks_per_token = 1).await;
    server.token("joe", State::Closed).await;
    server.token("eve", State::Closed).await;
    assert_eq!(server.ask(STATUS_KEY, "192.0.2.1").await.status, 200);
    assert!(is_throttled(&server.ask(STATUS_KEY, "192.0.2.1").await));
    assert_eq!(server.status("eve").await, 2);
    server.pass(60).await;
    assert_eq!(server.ask(STATUS_KEY, "192.0.2.1").await.status, 200);
}

#[tokio::test]
async fn an_address_has_so_many_connections() {
    let server = Server::start_limited(|config| {
        config.http.trusted_proxies = Vec::new();
        config.limits.connections_per_address = 1;
    });
    let server = server.await;
    let held = server.connect().await;
    let answer = loop {
        // The first one counts as soon as the server has noticed it.
        let answer = server.get("/healthz").await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(!answer.body.contains('1') && answer.body.contains("busy"), "{answer:?}");
    drop(held);
    while server.get("/healthz").await.status != 200 {}
}

#[tokio::test]
async fn what_is_counted_can_be_read_and_names_nobody() {
    let server = Server::start_limited(|_| {}).await;
    server.token("joe", State::Open).await;
    server.token("eve", State::Duress).await;
    for user in ["joe", "eve"] {
        server.status(user).await;
    }
    server.ask(WRONG, "192.0.2.1").await;
    server.get("/token/status/joe-in-the-path").await;
    let answer = server.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        r#"cardea_http_requests_total{route="/token/status",code="200"} 2"#,
        r#"cardea_http_requests_total{route="/token/status",code="403"} 1"#,
        r#"cardea_http_requests_total{route="other",code="404"} 1"#,
        r#"cardea_http_request_seconds_count{route="/token/status"} 3"#,
    ] {
        assert!(answer.body.lines().any(|have| have == line), "{line}: {}", answer.body);
    }
    for word in ["joe", "eve", "192.0.2.1", "default_demo", STATUS_KEY, "duress", "status=\""] {
        assert!(!answer.body.contains(word), "{word}: {}", answer.body);
    }
}

#[tokio::test]
async fn statuses_from_memory_are_counted_apart_from_the_others() {
    let server = Server::start_limited(|_| {}).await;
    server.token("joe", State::Open).await;
    let counted = async || {
        let text = server.get("/metrics").await.body;
        ["hits", "misses"].map(|name| {
            let line = format!("cardea_status_cache_{name}_total ");
            let value =
                text.lines().find_map(|have| have.strip_prefix(&line)).and_then(|value| value.parse::<u64>().ok());
            value.unwrap_or_else(|| panic!("{name}: {text}"))
        })
    };
    assert_eq!(counted().await, [0, 0]);
    server.status("joe").await;
    assert_eq!(counted().await, [0, 1], "the first one");
    server.status("joe").await;
    server.status("joe").await;
    server.ask(WRONG, "192.0.2.1").await;
    assert_eq!(counted().await, [2, 2]);
}

#[tokio::test]
async fn behind_the_proxy_protocol_a_call_is_the_clients() {
    let server = Server::start_limited(|config| {
        config.http.forwarded_by = crate::config::ForwardedBy::ProxyProtocol;
        config.limits.wrong_authkeys = 1;
    });
    let server = server.await;
    let ask = async |from: &str, key: &str| {
        let call = format!("GET /token/status?id=joe&service=default_demo&authKey={key} HTTP/1.1\r\nHost: x\r\n");
        let claim = "X-Forwarded-For: 198.51.100.9\r\nConnection: close\r\n\r\n";
        server.raw(&format!("PROXY TCP4 {from} 127.0.0.1 4711 443\r\n{call}{claim}")).await.status
    };
    assert_eq!(ask("192.0.2.1", WRONG).await, 403);
    assert_eq!(ask("192.0.2.1", STATUS_KEY).await, 429);
    assert_eq!(ask("192.0.2.2", STATUS_KEY).await, 404);
    let without = server.get("/healthz").await;
    assert_eq!((without.status, without.body.as_str()), (0, ""), "a trusted proxy has to say whose call it is");
}
