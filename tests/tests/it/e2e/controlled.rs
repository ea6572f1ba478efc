//! The control API against a real server: what a test suite in any language does with emulated devices.

mod evidence;
mod hostile;

use std::net::SocketAddr;

use cardea_emulator::control::Control;
use cardea_emulator::engine::Options;
use cardea_sdk::Env;
use cardea_tests::harness::{Answer, Site, request};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(super) const TOKEN: &str = "of-this-test";

/// A running API.
pub(super) struct Driven {
    pub(super) address: SocketAddr,
    control: Control,
    _runtime: Runtime,
}

impl Driven {
    pub(super) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let control = Control::new(Options { allow_test_argon2: true, ..Options::default() }, Env::os());
        let (leases, serving) = (control.clone(), control.clone());
        runtime.spawn(async move { leases.watch_leases().await });
        runtime.spawn(async move { serving.serve_http(listener, TOKEN).await });
        Self { address, control, _runtime: runtime }
    }

    pub(super) fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let headers = format!("Authorization: Bearer {TOKEN}\r\n");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        request(self.address, method.as_bytes(), path.as_bytes(), &headers, body.as_bytes())
    }

    /// A call that succeeds; what it says.
    fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.call(method, path, body);
        assert!((200..300).contains(&answer.code), "{method} {path}: {}", answer.text());
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// A call that fails; the status, and the word for programs.
    fn refused(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let answer = self.call(method, path, body);
        assert!(answer.head.to_lowercase().contains("application/problem+json"), "{}", answer.head);
        let problem = answer.json();
        assert_eq!(problem["status"], answer.code);
        assert!(!problem["detail"].as_str().unwrap_or_default().is_empty());
        (answer.code, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    /// A call that fails; what it says to a person.
    fn detail(&self, method: &str, path: &str, body: &Value) -> String {
        let answer = self.call(method, path, body);
        assert!((400..500).contains(&answer.code), "{}", answer.text());
        answer.json()["detail"].as_str().unwrap_or_default().to_owned()
    }

    /// A session with a device that has a token of `joe`; the path of the device.
    fn enrolled(&self, site: &Site) -> String {
        let session = self.done("POST", "/v1/sessions", &Value::Null)["session"].as_str().expect("a name").to_owned();
        let enroll = json!({ "invitation": site.offer("joe").link });
        self.done("POST", &format!("/v1/sessions/{session}/devices"), &json!({ "name": "phone", "enroll": enroll }));
        format!("/v1/sessions/{session}/devices/phone")
    }
}

#[test]
fn a_token_is_enrolled_opened_and_closed_by_calls() {
    let (site, driven) = (Site::dev(), Driven::start());
    let phone = driven.enrolled(&site);
    let opened = driven.done("POST", &format!("{phone}/open"), &Value::Null);
    assert_eq!((&opened["status"], &opened["state"]), (&json!(1), &json!("open")));
    assert_eq!(site.status("joe"), 1);
    assert_eq!(driven.done("POST", &format!("{phone}/close"), &json!({}))["state"], "closed");
    assert_eq!(site.status("joe"), 2);
    assert_eq!(driven.done("GET", &phone, &Value::Null)["tokens"].as_array().map(Vec::len), Some(1));
    driven.done("POST", &format!("{phone}/unenroll"), &Value::Null);
    assert_eq!(site.status("joe"), 0);
    driven.done("DELETE", &phone, &Value::Null);
    assert_eq!(driven.refused("GET", &phone, &Value::Null), (404, "no-device".into()));
}

#[test]
fn holders_do_what_they_are_told_by_calls() {
    let (site, driven) = (Site::dev(), Driven::start());
    let phone = driven.enrolled(&site);
    let open = format!("{phone}/open");
    let next = format!("{phone}/presence/next");
    for (outcome, code) in [("cancel", "cancelled"), ("wrong-pin", "pin-rejected"), ("fail", "refused")] {
        driven.done("POST", &next, &json!({ "outcome": outcome }));
        assert_eq!(driven.refused("POST", &open, &Value::Null), (422, code.into()), "{outcome}");
    }
    driven.done("PUT", &format!("{phone}/presence"), &json!({ "outcome": "wait" }));
    std::thread::scope(|scope| {
        let opening = scope.spawn(|| driven.done("POST", &open, &Value::Null));
        let prompt = cardea_tests::harness::until("a prompt", || {
            driven.done("GET", &format!("{phone}/prompts"), &Value::Null)["prompts"].get(0).cloned()
        });
        assert_eq!((&prompt["purpose"], &prompt["triesLeft"]), (&json!("open"), &json!(9)));
        let answer = format!("{phone}/prompts/{}", prompt["prompt"]);
        driven.done("POST", &answer, &json!({ "outcome": "approve" }));
        assert_eq!(opening.join().expect("no panic")["state"], "open");
        assert_eq!(driven.refused("POST", &answer, &json!({ "outcome": "approve" })), (404, "no-prompt".into()));
    });
    assert_eq!(site.status("joe"), 1);

    driven.done("POST", &next, &json!({ "outcome": "duress", "delay": { "ms": 1 } }));
    assert_eq!(driven.done("POST", &open, &Value::Null)["status"], 1);
    assert_eq!(site.status("joe"), 3);
}

#[test]
fn bad_calls_say_what_is_wrong_and_change_nothing() {
    let driven = Driven::start();
    let sessions = "/v1/sessions";
    assert!(driven.detail("POST", sessions, &json!({ "sed": 1 })).contains("did you mean `seed`?"));
    assert!(driven.detail("GET", "/v1/sessions/s1/journal?sine=4", &Value::Null).contains("no session called \"s1\""));
    assert_eq!(driven.refused("POST", sessions, &json!({ "leaseMs": 1 })), (400, "bad-call".into()));
    assert_eq!(driven.refused("POST", sessions, &json!({ "name": "../x" })), (400, "bad-name".into()));
    assert_eq!(
        driven.refused("POST", sessions, &json!({ "presence": { "outcome": "yes" } })),
        (400, "bad-call".into())
    );
    assert_eq!(driven.refused("GET", "/v1/session", &Value::Null), (404, "no-path".into()));
    assert_eq!(driven.refused("PATCH", sessions, &Value::Null), (405, "method".into()));
    assert_eq!(driven.done("GET", sessions, &Value::Null)["sessions"], json!([]));

    driven.done("POST", sessions, &json!({ "name": "one", "seed": 7 }));
    assert_eq!(driven.refused("POST", sessions, &json!({ "name": "one" })), (409, "session-exists".into()));
    let devices = "/v1/sessions/one/devices";
    for (new, code) in [
        (json!({ "name": "a b" }), "bad-name"),
        (json!({ "name": "phone", "pin": "12" }), "pin-not-allowed"),
        (json!({ "name": "phone", "duressPins": ["836402"] }), "bad-call"),
        (json!({ "name": "phone", "enroll": { "invitation": "https://example.com/" } }), "no-invitation"),
    ] {
        let (status, word) = driven.refused("POST", devices, &new);
        assert!(word == code && (400..500).contains(&status), "{new}: {status} {word}");
    }
    assert_eq!(driven.done("GET", devices, &Value::Null)["devices"], json!([]));
    driven.done("POST", devices, &json!({ "name": "phone" }));
    assert_eq!(driven.refused("POST", devices, &json!({ "name": "phone" })), (409, "device-exists".into()));
    assert_eq!(driven.refused("POST", &format!("{devices}/phone/open"), &Value::Null), (409, "no-such-token".into()));
    driven.done("DELETE", "/v1/sessions/one", &Value::Null);
    assert_eq!(driven.refused("GET", "/v1/sessions/one", &Value::Null), (404, "no-session".into()));
}

#[test]
fn nobody_without_the_token_and_no_web_page_calls() {
    let driven = Driven::start();
    let code = |headers: &str| request(driven.address, b"GET", b"/v1/version", headers, b"").code;
    assert_eq!(code(""), 401);
    assert_eq!(code("Authorization: Bearer another\r\n"), 401);
    assert_eq!(code(&format!("Authorization: Bearer {TOKEN}\r\n")), 200);
    assert_eq!(code(&format!("Authorization: Bearer {TOKEN}\r\nOrigin: http://{}\r\n", driven.address)), 403);
    // Who only wants to know whether it runs needs no token.
    let probe = |path: &str| request(driven.address, b"GET", path.as_bytes(), "", b"").code;
    assert_eq!((probe("/live"), probe("/ready")), (200, 503));
    driven.control.is_ready();
    assert_eq!(probe("/ready"), 200);
}

#[test]
fn a_session_ends_with_its_lease_unless_somebody_calls() {
    let driven = Driven::start();
    driven.done("POST", "/v1/sessions", &json!({ "name": "long", "leaseMs": 86_400_000 }));
    driven.done("POST", "/v1/sessions", &json!({ "name": "short", "leaseMs": 100 }));
    cardea_tests::harness::until("the lease is over", || {
        (driven.done("GET", "/v1/sessions", &Value::Null)["sessions"] == json!(["long"])).then_some(())
    });
    assert_eq!(driven.refused("GET", "/v1/sessions/short", &Value::Null), (404, "no-session".into()));
}

#[test]
fn time_and_journal_of_a_session_are_its_own() {
    let driven = Driven::start();
    for name in ["one", "other"] {
        driven.done("POST", "/v1/sessions", &json!({ "name": name }));
    }
    driven.done("PUT", "/v1/sessions/one/clock", &json!({ "frozen": true, "now": 1_000 }));
    driven.done("POST", "/v1/sessions/one/clock/advance", &json!({ "seconds": 60 }));
    assert_eq!(driven.done("GET", "/v1/sessions/one/clock", &Value::Null), json!({ "now": 1_060, "frozen": true }));
    assert_eq!(driven.done("GET", "/v1/sessions/other/clock", &Value::Null)["frozen"], false);
    driven.done("POST", "/v1/sessions/one/devices", &json!({ "name": "phone" }));
    driven.refused("POST", "/v1/sessions/one/devices/phone/status", &Value::Null);
    let journal = driven.done("GET", "/v1/sessions/one/journal?since=0", &Value::Null);
    let made = json!({ "kind": "made", "number": 1, "time": 1_060, "device": "phone" });
    assert_eq!((&journal["entries"][0], &journal["lost"]), (&made, &json!(0)));
    assert_eq!(journal["entries"][1]["kind"], "failed");
    assert_eq!(driven.done("GET", "/v1/sessions/other/journal", &Value::Null)["entries"], json!([]));
    assert_eq!(driven.refused("GET", "/v1/sessions/one/journal?form=2", &Value::Null), (400, "bad-call".into()));
}

#[test]
fn everything_that_a_token_can_is_done_by_calls() {
    let (site, driven) = (Site::dev(), Driven::start());
    let phone = driven.enrolled(&site);
    let shown = driven.done("GET", &phone, &Value::Null);
    assert_eq!((&shown["enrolled"], &shown["state"]), (&json!(true), &json!("closed")));
    assert_eq!(shown["tokens"][0]["service"], "");

    let about = driven.done("GET", &format!("{phone}/about"), &Value::Null);
    assert_eq!(about["user"], "joe");
    driven.done("PUT", &format!("{phone}/label"), &json!({ "label": "door" }));
    let opened = driven.done("POST", &format!("{phone}/open"), &json!({ "token": "door", "seconds": 60 }));
    assert!(opened["remaining"].as_u64().is_some_and(|left| left <= 60), "{opened}");
    let shown = driven.done("GET", &phone, &Value::Null);
    assert_eq!((&shown["state"], &shown["tokens"][0]["label"]), (&json!("open"), &json!("door")));
    assert!(shown["remaining"].as_u64().is_some_and(|left| left <= 60) && shown["online"] == true, "{shown}");

    // A PIN in the call is what the holder types; the holder is not asked.
    driven.done("PUT", &format!("{phone}/presence"), &json!({ "outcome": "fail" }));
    let open = format!("{phone}/open");
    assert_eq!(driven.refused("POST", &open, &json!({ "pin": "918273" })), (422, "pin-rejected".into()));
    driven.done("POST", &open, &json!({ "pin": "274951" }));
    let change = json!({ "pin": "274951", "newPin": "918273", "duressPins": [] });
    driven.done("POST", &format!("{phone}/change-pins"), &change);
    driven.done("PUT", &format!("{phone}/presence"), &json!({ "outcome": "approve" }));
    driven.done("POST", &open, &Value::Null);
    assert_eq!(driven.refused("POST", &open, &json!({ "pin": "27" })), (422, "pin-not-allowed".into()));

    let devices = driven.done("GET", &format!("{phone}/devices?token=door"), &Value::Null);
    assert_eq!((&devices["devices"][0]["this"], &devices["devices"][0]["emulated"]), (&json!(true), &json!(true)));
    let history = driven.done("GET", &format!("{phone}/history?page=0"), &Value::Null);
    assert_eq!(history["history"][0]["what"], "opened", "{history}");
    assert_eq!(
        driven.refused("GET", &format!("{phone}/history?token=window"), &Value::Null),
        (404, "no-such-token".into())
    );
    assert_eq!(driven.refused("POST", &format!("{phone}/approve"), &Value::Null), (404, "no-such-text".into()));
    let revoked = driven.refused("POST", &format!("{phone}/revoke"), &json!({ "device": "nobody" }));
    assert_eq!(revoked, (400, "bad-call".into()));
    driven.done("POST", &format!("{phone}/forget"), &Value::Null);
    assert_eq!(driven.done("GET", &phone, &Value::Null)["enrolled"], false);
}

#[test]
fn the_description_has_every_call_and_nothing_that_is_not_there() {
    let driven = Driven::start();
    let description = driven.done("GET", "/v1/openapi.json", &Value::Null);
    assert_eq!(description["openapi"], "3.1.0");
    let paths = description["paths"].as_object().expect("paths");
    assert!(paths.len() > 30, "{}", paths.len());
    for (path, methods) in paths {
        let path = path.replace("{session}", "none").replace("{device}", "none").replace("{prompt}", "none");
        for method in methods.as_object().expect("methods").keys() {
            let answer = driven.call(&method.to_uppercase(), &path, &Value::Null);
            let code = if answer.body.is_empty() { Value::Null } else { answer.json()["code"].clone() };
            assert!(code != "no-path" && code != "method", "{method} {path}");
        }
    }
}

#[test]
fn a_network_is_made_worse_and_better_by_calls() {
    let (site, driven) = (Site::dev(), Driven::start());
    let phone = driven.enrolled(&site);
    let network = format!("{phone}/network");
    driven.done("PUT", &network, &json!({ "profile": "offline" }));
    assert_eq!(driven.done("GET", &phone, &Value::Null)["network"], "offline");
    let refused = driven.call("POST", &format!("{phone}/status"), &Value::Null);
    assert_eq!((refused.code, &refused.json()["code"], &refused.json()["exit"]), (502, &json!("offline"), &json!(5)));
    assert_eq!(driven.done("GET", &phone, &Value::Null)["online"], false);
    driven.done("PUT", &network, &json!({ "profile": { "latencyMs": 1 } }));
    assert_eq!(driven.done("POST", &format!("{phone}/status"), &Value::Null)["state"], "closed");
    for wrong in [json!("4g"), json!({ "loss": 2 }), json!({ "los": 0 }), json!(7)] {
        assert_eq!(driven.refused("PUT", &network, &json!({ "profile": wrong })), (400, "bad-call".into()), "{wrong}");
    }
    assert_eq!(driven.done("GET", &phone, &Value::Null)["network"], "custom");
}
