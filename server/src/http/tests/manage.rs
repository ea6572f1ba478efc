//! The POST calls of `/token/`.

use serde_json::{Value, json};

use super::support::{ADMIN_KEY, STATUS_KEY, Server, State};

const PATHS: [&str; 4] = ["/token/enroll", "/token/delete", "/token/block", "/token/unblock"];

fn call(id: &str) -> Value {
    json!({ "id": id, "service": "default_demo", "authKey": ADMIN_KEY })
}

#[tokio::test]
async fn enrolling_gives_the_three_ways_in_and_a_pending_token() {
    let server = Server::start().await;
    let answer = server.post("/token/enroll", &call("joe").to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let offer: Value = serde_json::from_str(&answer.body).expect("JSON");
    let text = |name: &str| offer[name].as_str().unwrap_or_default().to_owned();
    assert!(text("link").starts_with("http") && text("link").contains("/e#"), "{offer}");
    assert!(text("uri").starts_with("cardea:"), "{offer}");
    assert!(!text("code").is_empty(), "{offer}");
    assert!(text("qrSvg").contains("<svg"), "{offer}");
    assert!(offer["expiresAt"].as_u64().is_some(), "{offer}");
    assert_eq!(server.status("joe").await, 0);
}

#[tokio::test]
async fn block_unblock_and_delete_change_what_the_relying_party_sees() {
    let server = Server::start().await;
    server.token("joe", State::Closed).await;
    let post = async |path: &str| server.post(path, &call("joe").to_string()).await;
    assert_eq!(post("/token/block").await.body, r#"{"blocked":true}"#);
    assert_eq!(server.status("joe").await, 4);
    assert_eq!(post("/token/unblock").await.body, r#"{"blocked":false}"#);
    assert_eq!(server.status("joe").await, 2);
    assert_eq!(post("/token/delete").await.body, r#"{"deleted":true}"#);
    let gone = post("/token/delete").await;
    assert_eq!(gone.status, 404, "{gone:?}");
    for path in ["/token/delete", "/token/block", "/token/unblock"] {
        assert_eq!(post(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_malformed_body_is_a_bad_call_on_every_path() {
    let server = Server::start().await;
    let good = call("joe").to_string();
    let many = format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000));
    for body in [
        "",
        "null",
        "[]",
        "1",
        "\"joe\"",
        "{",
        "{}",
        "{\"id\":\"joe\"}",
        "{\"id\":1,\"service\":\"default_demo\",\"authKey\":\"admin-key-000000\"}",
        "{\"id\":null,\"service\":\"default_demo\",\"authKey\":\"admin-key-000000\"}",
        "{\"id\":\"joe\",\"id\":\"joe1\",\"service\":\"default_demo\",\"authKey\":\"admin-key-000000\"}",
        "{\"id\":\"joe\",\"service\":\"default_demo\",\"authKey\":\"admin-key-000000\",\"extra1\":1}",
        "{\"id\":\"\",\"service\":\"default_demo\",\"authKey\":\"admin-key-000000\"}",
        "{\"id\":\"joe\",\"service\":\"demo\",\"authKey\":\"admin-key-000000\"}",
        "{\"id\":\"\\ud800\",\"service\":\"default_demo\",\"authKey\":\"admin-key-000000\"}",
        "id=joe&service=default_demo&authKey=admin-key-000000",
        &format!("{good}{good}"),
        &many,
    ] {
        for path in PATHS {
            let answer = server.post(path, body).await;
            let short: String = body.chars().take(80).collect();
            assert_eq!(answer.status, 400, "{path} {short}: {answer:?}");
            assert!(!answer.body.contains('1') && answer.body.contains("\"code\":4000"), "{path} {short}: {answer:?}");
            assert_eq!(answer.header("connection"), Some("close"));
        }
    }
    let twice = server.post("/token/enroll?id=joe", &good).await;
    assert_eq!(twice.status, 400, "{twice:?}");
    let options = json!({ "id": "joe", "service": "default_demo", "authKey": ADMIN_KEY, "addDevice": "yes" });
    assert_eq!(server.post("/token/enroll", &options.to_string()).await.status, 400);
}

#[tokio::test]
async fn an_authkey_for_status_changes_nothing() {
    let server = Server::start().await;
    server.token("joe", State::Closed).await;
    let body = json!({ "id": "joe", "service": "default_demo", "authKey": STATUS_KEY }).to_string();
    for path in PATHS {
        let answer = server.post(path, &body).await;
        assert_eq!(answer.status, 403, "{path}: {answer:?}");
        assert!(!answer.body.contains('1'), "{answer:?}");
    }
    assert_eq!(server.status("joe").await, 2);
}

#[tokio::test]
async fn get_on_a_post_path_is_refused_without_effect() {
    let server = Server::start().await;
    server.token("joe", State::Closed).await;
    for path in PATHS {
        for method in ["GET", "HEAD", "DELETE", "PUT"] {
            let target = format!("{path}?id=joe&service=default_demo&authKey={ADMIN_KEY}");
            let answer = server.raw(&format!("{method} {target} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method} {path}: {answer:?}");
            assert!(!answer.body.contains('1'), "{answer:?}");
        }
    }
    assert_eq!(server.status("joe").await, 2);
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_whether_announced_or_not() {
    let server = Server::start_with(|http| http.body_limit = 1000).await;
    let announced = "POST /token/enroll HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n".to_owned();
    let chunk = format!("3e9\r\n{}\r\n0\r\n\r\n", "1".repeat(1001));
    let chunked = format!("POST /token/enroll HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    for request in [announced, chunked] {
        let answer = server.raw(&request).await;
        assert_eq!(answer.status, 413, "{answer:?}");
        assert!(!answer.body.contains('1') && answer.body.contains("too-large"), "{answer:?}");
    }
    let fits = format!("{:<1000}", call("joe").to_string());
    assert_eq!(server.post("/token/enroll", &fits).await.status, 200);
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let server = Server::start_with(|http| http.body_timeout = std::time::Duration::from_millis(5)).await;
    let answer = server.raw("POST /token/block HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"id\":").await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(!answer.body.contains('1'), "{answer:?}");
}
