//! What is beside `/token/`.

use serde_json::{Value, json};

use super::support::Server;

#[tokio::test]
async fn health_and_readiness_are_answered_without_the_digit_one() {
    let server = Server::start().await;
    for (path, body) in [("/healthz", r#"{"healthy":true}"#), ("/readyz", r#"{"ready":true}"#)] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
    }
}

#[tokio::test]
async fn the_server_introduces_itself() {
    let server = Server::start().await;
    let answer = server.get("/.well-known/cardea").await;
    let body: Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(body["identity"].as_str().map(str::len), Some(64), "{body}");
    assert_eq!(body["keyRecord"].as_str().map(str::len), Some(210), "{body}");
    assert_eq!(body["channelPort"], json!(8421), "{body}");
}

#[tokio::test]
async fn the_landing_page_is_harmless() {
    let server = Server::start().await;
    let answer = server.get("/e").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.header("content-security-policy").is_some_and(|policy| policy.contains("default-src 'none'")));
    assert!(!answer.body.contains('1'));
}

#[tokio::test]
async fn the_clock_can_be_moved_in_development_only_and_forward_only() {
    let server = Server::start().await;
    let moved = server.post("/dev/clock", r#"{"advance":100}"#).await;
    let read = server.post("/dev/clock", r#"{"advance":0}"#).await;
    assert_eq!((moved.status, &moved.body), (200, &read.body), "{moved:?}");
    for body in [r#"{"advance":-1}"#, r#"{"advance":99999999999}"#, r#"{"advance":18446744073709551615}"#, "{}"] {
        let answer = server.post("/dev/clock", body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
    }
    let production = Server::start_in_production().await;
    assert_eq!(production.post("/dev/clock", r#"{"advance":100}"#).await.status, 404);
}
