//! What is beside `/token/`.

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use super::support::Server;
use crate::admin::Part;
use crate::config::Config;
use crate::config::Sources;
use crate::http::{ANDROID, IOS};
use crate::http::{Api, Problem, health};
use crate::shutdown::Shutdown;

#[tokio::test]
async fn health_and_readiness_are_answered_without_the_digit_one() {
    let server = Server::start().await;
    for (path, body) in [("/healthz", r#"{"healthy":true}"#), ("/readyz", r#"{"ready":true}"#)] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_ready_is_named_until_it_is_back() {
    let server = Server::start_on_disk().await;
    let place = server.database();
    let away = place.with_extension("away");
    for _ in 0..2 {
        assert_eq!(server.get("/readyz").await.body, r#"{"ready":true}"#);
        std::fs::rename(&place, &away).expect("renamed");
        server.advance(1);
        let answer = server.get("/readyz").await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")), "{answer:?}");
        assert_eq!(answer.json()["parts"], json!(["database", "writer"]), "{answer:?}");
        assert_eq!(answer.json()["error"], "not-ready", "{answer:?}");
        assert!(!answer.body.contains('1') && !answer.body.contains("cardea.db"), "{answer:?}");
        assert_eq!(server.get("/healthz").await.body, r#"{"healthy":true}"#, "that is another question");
        std::fs::rename(&away, &place).expect("renamed");
    }
    assert_eq!(server.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_server_that_stops_is_not_ready() {
    let (server, shutdown) = (Server::start().await, Shutdown::new());
    let config = Sources::default().load().expect("the defaults").http;
    let api = Arc::new(Api::new(Arc::clone(&server.admin), &config, 0, None).until(shutdown.clone()));
    assert!(health::ready(State(Arc::clone(&api))).await.is_ok());
    shutdown.begin();
    let problem = health::ready(State(api)).await.expect_err("it stops");
    assert_eq!(problem, Problem::NotReady([Part::Listener].into()));
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
async fn phones_are_told_of_the_apps_that_there_are() {
    let server = Server::start().await;
    for path in [ANDROID, IOS] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (404, Some("unknown-path")), "{path}");
        assert!(!answer.body.contains('1'), "{answer:?}");
        let answer = server.post(path, "{}").await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")), "{path}");
    }
    let certificate = ["1a"; 32].join(":");
    let flags = [
        ("public.android_app", format!("org.example.cardea {certificate}")),
        ("public.ios_app", "A1B1C1D1E1.org.example.cardea".to_owned()),
        ("public.android_store", "https://play.example/1".to_owned()),
    ];
    let flags = flags.map(|(key, value)| (key.to_owned(), value, "--set".to_owned())).to_vec();
    let public = Sources { flags, ..Sources::default() }.load().expect("valid").public;
    let server = Server::start_limited(|config: &mut Config| config.public = public).await;
    for (path, pointer, value) in [
        (ANDROID, "/0/target/sha256_cert_fingerprints/0", certificate.to_uppercase()),
        (IOS, "/applinks/details/0/appIDs/0", "A1B1C1D1E1.org.example.cardea".to_owned()),
    ] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
        assert_eq!(answer.json().pointer(pointer), Some(&Value::String(value)), "{answer:?}");
        assert_eq!(server.get(&format!("{path}?x=1")).await.status, 200);
    }
    let page = server.get("/e").await;
    assert!(page.body.contains("<a rel=\"noreferrer\" href=\"https://play.example/1\">"), "{page:?}");
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
