//! `GET /token/status` as the clients in the field use it.

use super::clients;
use super::support::{ADMIN_KEY, Answer, STATUS_KEY, Server, State};

fn target(id: &str) -> String {
    format!("/token/status?id={id}&service=default_demo&authKey={STATUS_KEY}")
}

#[track_caller]
fn assert_shut(answer: &Answer, why: &str) {
    for (name, lets_in) in clients::ALL {
        assert!(!lets_in(answer.status, &answer.body), "{name} lets in: {why}: {answer:?}");
    }
    assert!(!answer.body.contains('1'), "{why}: {answer:?}");
}

#[tokio::test]
async fn each_state_has_its_exact_body_and_only_open_lets_anyone_in() {
    let server = Server::start().await;
    for state in [State::Pending, State::Open, State::Closed, State::Duress, State::Blocked] {
        server.token("joe", state).await;
        let answer = server.get(&target("joe")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, &*format!("{{\"status\":{}}}", state.number())));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        for (name, lets_in) in clients::ALL {
            assert_eq!(lets_in(answer.status, &answer.body), state == State::Open, "{name} {state:?}");
        }
    }
}

#[tokio::test]
async fn user_ids_arrive_as_the_clients_send_them() {
    let server = Server::start().await;
    for (id, sent) in [
        ("joe+t@x.com", &["joe+t@x.com", "joe%2Bt%40x.com"][..]),
        ("José", &["José", "Jos%C3%A9", "Jos%c3%a9"]),
        ("joe b", &["joe%20b"]),
        ("a[1]", &["a[1]", "a%5B1%5D"]),
        ("a1", &["a1"]),
        ("a2", &["a2"]),
        ("o'b", &["o'b", "o%27b"]),
        ("joe&service=zz", &["joe%26service%3Dzz"]),
        ("joe#1", &["joe%231"]),
        ("DOMAIN\\joe", &["DOMAIN\\joe", "DOMAIN%5Cjoe"]),
        ("a=b", &["a=b"]),
        ("a/b?c", &["a/b?c"]),
        ("{x|y}^`", &["{x|y}^`"]),
        ("😀", &["😀"]),
        ("nul\0nul", &["nul%00nul"]),
        ("%41", &["%2541"]),
    ] {
        server.token(id, State::Open).await;
        for sent in sent {
            let answer = server.get(&target(sent)).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":1}"#), "{id:?} as {sent}");
        }
        server.token(id, State::Closed).await;
        let answer = server.get(&target(sent[0])).await;
        assert_eq!(answer.body, r#"{"status":2}"#, "{id:?}");
    }
}

#[tokio::test]
async fn ids_that_look_alike_are_different_people() {
    let server = Server::start().await;
    server.token("José", State::Open).await;
    server.token("joe", State::Open).await;
    for other in ["Jose%CC%81", "JOSÉ", "joe%20", "%20joe", "Joe", "joe%00", "joe+", "joe%2520"] {
        let answer = server.get(&target(other)).await;
        assert_eq!(answer.status, 404, "{other}: {answer:?}");
        assert_shut(&answer, other);
    }
}

#[tokio::test]
async fn ids_that_change_the_call_are_refused_although_the_shorter_id_is_open() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    let key = STATUS_KEY;
    for query in [
        format!("id=joe#1&service=default_demo&authKey={key}"),
        format!("id=joe&service=default_demo&service=default_demo&authKey={key}"),
        format!("id=joe&service=zz&service=default_demo&authKey={key}"),
        format!("id=joe&id=eve&service=default_demo&authKey={key}"),
        format!("id=joe&service=default_demo&authKey={key}&authKey={key}"),
        format!("id=joe&%69d=eve&service=default_demo&authKey={key}"),
        format!("id=joe&x&service=default_demo&authKey={key}"),
        format!("id=joe&x=y&service=default_demo&authKey={key}"),
        format!("id=joe&&service=default_demo&authKey={key}"),
        format!("id=joe&service=default_demo&authKey={key}&"),
        format!("id=joe;service=default_demo&authKey={key}"),
        format!("ID=joe&service=default_demo&authKey={key}"),
        format!("id=joe%&service=default_demo&authKey={key}"),
        format!("id=joe%zz&service=default_demo&authKey={key}"),
        format!("id=joe%FF&service=default_demo&authKey={key}"),
        format!("id=&service=default_demo&authKey={key}"),
        format!("id={}&service=default_demo&authKey={key}", "é".repeat(128)),
        format!("service=default_demo&authKey={key}"),
        format!("id=joe&authKey={key}"),
        "id=joe&service=default_demo".to_owned(),
        format!("id=joe&service=&authKey={key}"),
        format!("id=joe&service=demo&authKey={key}"),
        String::new(),
    ] {
        let answer = server.get(&format!("/token/status?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        assert_shut(&answer, &query);
        assert!(answer.body.contains("bad-call") && !answer.body.contains("\"code\""), "{answer:?}");
    }
    assert_eq!(server.get("/token/status").await.status, 400);
}

#[tokio::test]
async fn failures_close_the_connection_and_successes_keep_it() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    let (wrong_key, unknown_service) = ("wrong-key-00000000", "default_other");
    for (target, status) in [
        ("/token/status?id=joe".to_owned(), 400),
        (format!("/token/status?id=joe&service=default_demo&authKey={wrong_key}"), 403),
        (target("nobody"), 404),
        (format!("/token/status?id=joe&service={unknown_service}&authKey={ADMIN_KEY}"), 404),
        ("/token/status/".to_owned(), 404),
        ("/token/statuses".to_owned(), 404),
    ] {
        // `raw` reads until the server closes: with a connection that stays open it would never return.
        let answer = server.raw(&format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")).await;
        assert!(
            answer.status == status || (target.contains(unknown_service) && answer.status == 403),
            "{target}: {answer:?}"
        );
        assert_eq!(answer.header("connection"), Some("close"), "{target}: {answer:?}");
        assert_shut(&answer, &target);
    }
    let kept = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", target("joe"));
    let last = format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target("joe"));
    let answer = server.raw(&format!("{kept}{last}")).await;
    assert!(answer.body.contains("200 OK") && answer.body.ends_with(r#"{"status":1}"#), "{answer:?}");
}

#[tokio::test]
async fn checks_come_in_the_order_form_then_authkey_then_existence() {
    let server = Server::start().await;
    let wrong = "wrong-key-00000000";
    for (query, status) in [
        (format!("id=&service=default_demo&authKey={wrong}"), 400),
        (format!("id=nobody&service=Bad&authKey={wrong}"), 400),
        (format!("id=nobody&service=default_demo&authKey={wrong}"), 403),
        ("id=nobody&service=default_demo&authKey=%20short".to_owned(), 403),
        ("id=nobody&service=default_demo&authKey=".to_owned(), 403),
        (format!("id=nobody&service=default_demo&authKey={STATUS_KEY}"), 404),
    ] {
        let answer = server.get(&format!("/token/status?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {answer:?}");
        assert_shut(&answer, &query);
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_the_one_that_works() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW", "get"] {
        let target = target("joe");
        let answer = server.raw(&format!("{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")).await;
        assert_eq!(answer.status, 405, "{method}: {answer:?}");
        assert_eq!(answer.header("allow"), Some("GET"), "{method}: {answer:?}");
        assert_eq!(answer.header("connection"), Some("close"), "{method}: {answer:?}");
        assert_shut(&answer, method);
    }
}

#[tokio::test]
async fn unusual_requests_are_answered_like_any_other() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    let (target, open) = (target("joe"), r#"{"status":1}"#);
    for request in [
        format!("GET {target} HTTP/1.0\r\n\r\n"),
        format!("GET http://token.example.org{target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"),
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"),
        format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nExpect: nothing\r\nConnection: close\r\n\r\n"
        ),
        format!("\r\n\r\nGET {target} HTTP/1.1\nHost: x\nConnection: close\n\n"),
    ] {
        let answer = server.raw(&request).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, open), "{request}");
    }
    for request in [
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT token.example.org:1443 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET //token/status?id=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /token/%73tatus?id=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /token/status%3Fid=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /token/../token/status?id=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /token HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let answer = server.raw(request).await;
        assert!((400..500).contains(&answer.status), "{request}: {answer:?}");
        assert_shut(&answer, request);
    }
}

#[tokio::test]
async fn the_authkey_may_come_in_the_authorization_header() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    let ask = async |header: &str, query: &str| {
        let head = format!("GET /token/status?id=joe&service=default_demo{query} HTTP/1.1\r\nHost: x\r\n");
        server.raw(&format!("{head}{header}Connection: close\r\n\r\n")).await
    };
    for scheme in ["apikey", "Apikey", "bearer", "Bearer"] {
        let answer = ask(&format!("Authorization: {scheme} {STATUS_KEY}\r\n"), "").await;
        assert_eq!(answer.body, r#"{"status":1}"#, "{scheme}");
    }
    let both = ask(&format!("Authorization: bearer {STATUS_KEY}\r\n"), "&authKey=wrong-key-00000000").await;
    assert_eq!(both.status, 403, "the parameter counts: {both:?}");
    for (header, status) in [
        ("Authorization: bearer wrong-key-00000000\r\n".to_owned(), 403),
        (format!("Authorization: Basic {STATUS_KEY}\r\n"), 400),
        (format!("Authorization: bearer {STATUS_KEY}\r\nAuthorization: bearer {STATUS_KEY}\r\n"), 400),
    ] {
        let answer = ask(&header, "").await;
        assert_eq!(answer.status, status, "{header}: {answer:?}");
        assert_shut(&answer, &header);
    }
}

#[tokio::test]
async fn of_many_checks_at_once_exactly_one_sees_a_single_use_opening() {
    let server = std::sync::Arc::new(Server::start_single_use().await);
    server.token("joe", State::Open).await;
    let head = format!("HEAD {} HTTP/1.1\r\nHost: x\r\n\r\n", target("joe"));
    assert_eq!(server.raw(&head).await.status, 405, "asking for headers consumes nothing");
    let checks = (0..32).map(|_| {
        let server = std::sync::Arc::clone(&server);
        tokio::spawn(async move { server.status("joe").await })
    });
    let mut seen = Vec::new();
    for check in checks.collect::<Vec<_>>() {
        seen.push(check.await.expect("no panic"));
    }
    assert_eq!(seen.iter().filter(|status| **status == 1).count(), 1, "{seen:?}");
    assert_eq!(seen.iter().filter(|status| **status == 2).count(), 31, "{seen:?}");
}

#[tokio::test]
async fn a_damaged_database_lets_nobody_in() {
    for sql in [
        "UPDATE token SET sealed = zeroblob(length(sealed))",
        "UPDATE service SET sealed = zeroblob(length(sealed))",
        "UPDATE authkey SET sealed = zeroblob(length(sealed))",
        "UPDATE token SET ver = ver + 1",
        "UPDATE token SET user_id = CAST('eve' AS BLOB)",
        "ALTER TABLE token RENAME TO elsewhere",
    ] {
        let server = Server::start().await;
        server.token("joe", State::Open).await;
        assert_eq!(server.status("joe").await, 1);
        server.damage(sql).await;
        for id in ["joe", "eve"] {
            let answer = server.get(&target(id)).await;
            assert!([404, 500].contains(&answer.status), "{sql}: {answer:?}");
            assert_eq!(answer.header("connection"), Some("close"), "{sql}: {answer:?}");
            assert_shut(&answer, sql);
        }
    }
}

#[tokio::test]
async fn an_opening_ends_by_itself() {
    let server = Server::start().await;
    server.token("joe", State::Open).await;
    server.post("/dev/clock", r#"{"advance":59}"#).await;
    assert_eq!(server.status("joe").await, 1);
    server.post("/dev/clock", r#"{"advance":1}"#).await;
    assert_eq!(server.status("joe").await, 2);
}

#[tokio::test]
async fn the_gate_knows_only_let_in_and_refused() {
    let server = Server::start().await;
    let gate = |query: &str| format!("/token/gate?{query}&authKey={STATUS_KEY}");
    let joe = gate("id=joe&service=default_demo");
    for state in [State::Pending, State::Open, State::Closed, State::Duress, State::Blocked] {
        server.token("joe", state).await;
        let answer = server.get(&joe).await;
        assert_eq!(answer.status, if state == State::Open { 204 } else { 403 }, "{state:?}: {answer:?}");
        assert_eq!(answer.body.is_empty(), state == State::Open, "{state:?}: {answer:?}");
        assert_shut(&answer, "gate");
    }
    server.token("joe", State::Open).await;
    for (query, status, slug) in [
        ("id=nobody&service=default_demo", 403, "unknown-token"),
        ("id=joe&service=default_other", 403, "unknown-token"),
        ("id=joe&service=other_demo", 403, "forbidden"),
        ("id=joe&service=demo", 400, "bad-call"),
        ("id=joe&id=eve&service=default_demo", 400, "bad-call"),
        ("service=default_demo", 400, "bad-call"),
        ("id=joe&service=default_demo&x=y", 400, "bad-call"),
    ] {
        let answer = server.get(&gate(query)).await;
        assert_eq!(answer.status, status, "{query}: {answer:?}");
        assert!(answer.body.contains(slug) && answer.body.contains("\"code\":"), "{query}: {answer:?}");
        assert_shut(&answer, query);
    }
    for method in ["HEAD", "POST"] {
        let answer = server.raw(&format!("{method} {joe} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")), "{method}: {answer:?}");
    }
}

#[tokio::test]
async fn the_gate_ends_a_single_use_opening_once() {
    let server = Server::start_single_use().await;
    server.token("joe", State::Open).await;
    let gate = format!("/token/gate?id=joe&service=default_demo&authKey={STATUS_KEY}");
    assert_eq!(server.get(&gate).await.status, 204);
    assert_eq!(server.get(&gate).await.status, 403);
    assert_eq!(server.status("joe").await, 2);
}
