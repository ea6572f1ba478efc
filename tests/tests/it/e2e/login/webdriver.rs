//! A suite that speaks WebDriver to a browser and to the emulator, with one client for both.

use std::net::SocketAddr;

use cardea_tests::harness::{Site, WebDriver};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{Page, SHUT, door};
use crate::e2e::controlled::{Driven, TOKEN};

/// The emulator, as a remote end beside the browser's.
fn tokens(at: SocketAddr, wanted: &Value) -> WebDriver {
    WebDriver::begin(at, &format!("Authorization: Bearer {TOKEN}\r\n"), wanted)
}

/// Logs a user in, as bindings of WebDriver do it; returns what the page says.
fn log_in(browser: &WebDriver, page: &str, user: &str) -> String {
    browser.go(page);
    browser.fill("[name=user]", user);
    browser.click("button");
    browser.text("h1")
}

#[test]
fn a_suite_of_webdriver_drives_a_token_beside_the_page() {
    let (site, driven, runtime) = (Site::dev(), Driven::start(), Runtime::new().expect("a runtime"));
    let page = runtime.block_on(Page::serve(door(&site)));
    let browser = cardea_tests::harness::Browser::start();
    let tokens = tokens(driven.address, &json!({ "cardea:virtualTokens": true, "cardea:leaseMs": 600_000 }));

    let offer = site.offer("joe");
    let device = tokens.command("POST", "/token/device", &json!({ "enroll": { "invitation": offer.link } }));
    assert_eq!(device, "device-1");
    let of = |what: &str| format!("/token/device/device-1{what}");
    assert_eq!(tokens.command("GET", &of(""), &Value::Null)["enrolled"], true);

    assert_eq!(log_in(&browser, &page.url, "joe"), SHUT);
    assert_eq!(tokens.command("POST", &of("/open"), &json!({}))["state"], "open");
    assert_eq!(log_in(&browser, &page.url, "joe"), "Welcome, joe");
    assert_eq!(tokens.command("POST", &of("/close"), &json!({}))["state"], "closed");
    assert_eq!(log_in(&browser, &page.url, "joe"), SHUT);

    // Who says no is not let in, and what the suite is told has WebDriver's form.
    assert_eq!(tokens.command("POST", &of("/presence"), &json!({ "outcome": "cancel" })), Value::Null);
    let denied = tokens.refused("POST", &of("/open"), &json!({}));
    assert_eq!(
        (denied.0, &denied.1["error"], &denied.1["data"]["code"]),
        (500, &json!("unknown error"), &json!("cancelled"))
    );
    assert_eq!(log_in(&browser, &page.url, "joe"), SHUT);

    assert_eq!(tokens.command("DELETE", &of(""), &Value::Null), Value::Null);
    assert_eq!(tokens.command("GET", "/token/device", &Value::Null)["devices"], json!([]));
}

#[test]
fn what_is_wrong_is_said_in_the_words_of_webdriver() {
    let driven = Driven::start();
    let tokens = tokens(driven.address, &json!({ "cardea:virtualTokens": true, "browserName": "chrome" }));
    assert_eq!(tokens.command("POST", "/token/device", &json!({ "name": "phone" })), "phone");
    for (method, path, body, status, error) in [
        ("POST", "/token/device", json!({ "nmae": "x" }), 400, "invalid argument"),
        ("POST", "/token/device", json!({ "name": "phone" }), 400, "invalid argument"),
        ("POST", "/token/device/phone/presence", json!({ "outcome": "aprove" }), 400, "invalid argument"),
        ("POST", "/token/device/fone/open", json!({}), 400, "invalid argument"),
        ("GET", "/token/device/phone/open", Value::Null, 405, "unknown method"),
        ("POST", "/webauthn/authenticator", json!({}), 404, "unknown command"),
    ] {
        let said = tokens.refused(method, path, &body);
        assert_eq!((said.0, &said.1["error"]), (status, &json!(error)), "{method} {path}: {said:?}");
        assert!(!said.1["message"].as_str().unwrap_or_default().is_empty() && said.1["stacktrace"] == "");
    }
    let said = tokens.refused("POST", "/token/device/phone/presence", &json!({ "outcome": "aprove" })).1;
    assert!(said["message"].as_str().unwrap_or_default().contains("did you mean `approve`?"), "{said}");

    // A session that has ended, one that is the program's own, and capabilities that nobody has.
    let ended = tokens.end();
    assert_eq!(ended.refused("GET", "/token/device", &Value::Null).1["error"], "invalid session id");
    let call = |method: &str, path: &str, body: &Value| {
        let answer = driven.call(method, path, body);
        (answer.code, answer.json()["value"].clone())
    };
    assert_eq!(call("GET", "/status", &Value::Null).1["message"], "the Cardea emulator");
    let wanted = |capabilities: Value| json!({ "capabilities": { "alwaysMatch": capabilities } });
    let (status, value) = call("POST", "/session", &wanted(json!({ "cardea:virtualTokens": false })));
    assert_eq!((status, &value["error"]), (500, &json!("session not created")));
    let (status, value) = call("POST", "/session", &wanted(json!({ "cardea:sed": 1 })));
    assert_eq!((status, &value["error"]), (400, &json!("invalid argument")));
    let (status, value) = call("DELETE", "/session/default", &Value::Null);
    assert_eq!((status, &value["error"]), (500, &json!("unsupported operation")), "{value}");
}
