//! What is refused, and what is said then.

use serde_json::{Value, json};

use super::{Caller, PHONE, SESSION};
use crate::stub::{self, Stub};

/// A session with a device that has a token.
async fn begin() -> (Stub, Caller) {
    let (stub, caller) = (Stub::start(stub::Settings::default()).await.unwrap(), Caller::new());
    caller.call("POST", "/v1/sessions", json!({ "name": "s", "seed": 7 }), 201).await;
    let link = stub.enroll("joe").await.unwrap().link;
    let new = json!({ "name": "phone", "pin": "274951", "enroll": { "invitation": link } });
    caller.call("POST", &format!("{SESSION}/devices"), new, 201).await;
    (stub, caller)
}

impl Caller {
    /// What is said to a call that is refused, and its word.
    async fn refused(&self, method: &str, path: &str, body: Value, status: u16) -> (String, String) {
        let answer = self.call(method, path, body, status).await;
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        (text("detail"), text("code"))
    }

    /// Waits until the holder of the phone is asked.
    async fn asked(&self) {
        self.call("POST", &format!("{PHONE}/wait"), json!({ "until": "prompt == 'open'" }), 200).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_is_not_as_it_must_be_is_named_and_not_repeated() {
    let caller = Caller::new();
    caller.call("POST", "/v1/sessions", json!({ "name": "s" }), 201).await;
    caller.call("POST", &format!("{SESSION}/devices"), json!({ "name": "phone" }), 201).await;
    let devices = format!("{SESSION}/devices");
    let at = |what: &str| format!("{PHONE}/{what}");
    for (path, body, field) in [
        (devices.clone(), json!({ "name": "x", "pin": 739_164 }), "pin"),
        (devices.clone(), json!({ "name": "x", "pin": "274951", "duressPins": 739_164 }), "duressPins"),
        (devices.clone(), json!({ "name": "x", "pin": "274951", "duressPins": [true, "739164"] }), "duressPins[0]"),
        (devices, json!({ "name": "x", "enroll": "739164" }), "enroll"),
        (at("open"), json!({ "pin": 739_164 }), "pin"),
        (at("open"), json!({ "pin": 739_164.5 }), "pin"),
        (at("change-pins"), json!({ "newPin": { "739164": 1 } }), "newPin"),
        (at("export"), json!({ "passphrase": 739_164 }), "passphrase"),
        (at("prompts/1"), json!({ "outcome": "approve", "pin": 739_164 }), "pin"),
        ("/session/s/token/device".to_owned(), json!({ "pin": 739_164 }), "pin"),
        ("/session/s/token/device/phone/open".to_owned(), json!({ "pin": 739_164 }), "pin"),
        ("/session".to_owned(), json!({ "capabilities": { "alwaysMatch": { "cardea:seed": "739164" } } }), "seed"),
    ] {
        let (status, _, said) = caller.send("POST", &path, &body).await;
        let said = String::from_utf8(said.to_vec()).unwrap();
        assert_eq!(status, 400, "{path} {body}: {said}");
        assert!(!said.contains("739164"), "{path} {body}: {said}");
        assert!(said.contains(&format!("{field}: ")), "{path} {body}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_does_something_is_not_made_another_one() {
    let (stub, caller) = begin().await;
    let snapshots = format!("{SESSION}/snapshots");
    caller.call("POST", &snapshots, json!({ "name": "a" }), 201).await;
    caller.done("PUT", &format!("{PHONE}/presence"), json!({ "outcome": "wait" })).await;
    let open = format!("{PHONE}/open");
    let opening = caller.call("POST", &open, json!({}), 200);
    let meanwhile = async {
        caller.asked().await;
        for (path, body) in [
            (format!("{snapshots}/a/restore"), Value::Null),
            (format!("{PHONE}/reset"), Value::Null),
            (format!("{PHONE}/rename"), json!({ "name": "other" })),
        ] {
            let (said, word) = caller.refused("POST", &path, body, 422).await;
            assert_eq!(word, "busy", "{path}: {said}");
        }
        caller.done("POST", &format!("{PHONE}/prompts/1"), json!({ "outcome": "approve" })).await;
    };
    tokio::join!(opening, meanwhile);
    assert_eq!(caller.get(PHONE).await["state"], json!("open"));
    caller.done("POST", &format!("{snapshots}/a/restore"), Value::Null).await;
    stub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_removes_a_device_is_not_taken_for_its_holder() {
    let (stub, caller) = begin().await;
    caller.done("PUT", &format!("{PHONE}/presence"), json!({ "outcome": "wait" })).await;
    let open = format!("{PHONE}/open");
    let opening = caller.refused("POST", &open, json!({}), 409);
    let removing = async {
        caller.asked().await;
        caller.done("DELETE", PHONE, Value::Null).await;
    };
    let ((_, word), ()) = tokio::join!(opening, removing);
    assert_eq!(word, "device-removed");
    let entries = caller.get(&format!("{SESSION}/journal?device=phone")).await;
    let kinds: Vec<&str> =
        entries["entries"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    let removed = kinds.iter().position(|kind| *kind == "removed").unwrap();
    assert!(!kinds[removed..].contains(&"answered") && !kinds[removed..].contains(&"asked"), "{kinds:?}");
    stub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_device_that_is_removed_is_told_so() {
    let (stub, caller) = begin().await;
    for (path, until) in [(PHONE, "state == 'open'"), (SESSION, "phone.state == 'open'")] {
        let path = format!("{path}/wait");
        let waiting = caller.refused("POST", &path, json!({ "until": until, "timeoutMs": 60_000 }), 409);
        let removing = async {
            tokio::task::yield_now().await;
            caller.done("DELETE", PHONE, Value::Null).await;
        };
        let ((said, word), ()) = tokio::join!(waiting, removing);
        assert_eq!((&*word, &*said), ("device-removed", "the device \"phone\" was removed, or its session has ended"));
        caller.call("POST", &format!("{SESSION}/devices"), json!({ "name": "phone" }), 201).await;
    }
    stub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_that_nobody_can_read_is_refused() {
    let (stub, caller) = begin().await;
    for label in ["red\u{1b}[31m", "two\nlines", "\u{202e}drawkcab", &"x".repeat(65)] {
        let (said, word) = caller.refused("PUT", &format!("{PHONE}/label"), json!({ "label": label }), 400).await;
        assert_eq!(word, "bad-label", "{said}");
        assert!(said.contains("at most 64 bytes"), "{said}");
        let link = stub.enroll("joe").await.unwrap().link;
        let enroll = json!({ "invitation": link, "label": label });
        let (_, word) = caller.refused("POST", &format!("{PHONE}/enroll"), enroll, 400).await;
        assert_eq!(word, "bad-label");
    }
    assert_eq!(caller.get(PHONE).await["tokens"].as_array().unwrap().len(), 1, "nothing was enrolled");
    caller.done("PUT", &format!("{PHONE}/label"), json!({ "label": "Büro 🚪" })).await;
    stub.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_refused() {
    let caller = Caller::new();
    caller.call("POST", "/v1/sessions", json!({ "name": "s" }), 201).await;
    caller.call("POST", &format!("{SESSION}/devices"), json!({ "name": "phone" }), 201).await;
    let before = caller.get(&format!("{SESSION}/clock")).await["frozen"].clone();
    for (method, path, body, said) in [
        ("POST", format!("{SESSION}/devices"), json!({ "name": "-x" }), "begins with neither"),
        ("PUT", format!("{SESSION}/clock"), json!({ "now": u64::MAX, "frozen": true }), "the year 9999"),
        ("POST", format!("{SESSION}/clock/advance"), json!({ "seconds": u64::MAX }), "the year 9999"),
        ("PUT", format!("{PHONE}/clock"), json!({ "skewSeconds": i64::MIN }), "a hundred years"),
        (
            "PUT",
            format!("{PHONE}/presence"),
            json!({ "delay": { "ms": 3_600_001 } }),
            "delay: a delay is an hour at most",
        ),
        (
            "PUT",
            format!("{PHONE}/presence"),
            json!({ "delay": { "fromMs": 2, "toMs": 1 } }),
            "toMs is not below fromMs",
        ),
        (
            "PUT",
            format!("{PHONE}/presence"),
            json!({ "delay": { "medianMs": 2, "sigma": 11 } }),
            "sigma is from 0 to 10",
        ),
        ("PUT", format!("{PHONE}/presence"), json!({ "delay": { "ms": 2, "toMs": 3 } }), "a delay has ms, or fromMs"),
        ("PUT", format!("{PHONE}/presence"), json!({ "delay": 5 }), "delay: invalid type: integer"),
        ("POST", format!("{SESSION}/faults"), json!({ "fault": "ack-lost", "times": 0 }), "count from 1"),
        (
            "POST",
            format!("{SESSION}/faults"),
            json!({ "fault": "bit-flip", "match": { "message": 0 } }),
            "count from 1",
        ),
        (
            "POST",
            format!("{SESSION}/faults"),
            json!({ "fault": "ack-lost", "match": { "op": "opn" } }),
            "no device is told to \"opn\": op is one of enroll,",
        ),
        ("POST", format!("{PHONE}/invitation"), json!({ "invitation": "ABCDE-FGHJK" }), "say its host"),
        ("POST", format!("{PHONE}/invitation"), json!({ "invitation": "htps://x" }), "that is no invitation"),
        ("POST", format!("{PHONE}/invitation"), json!({ "invitation": "foo" }), "that is no invitation"),
    ] {
        let (found, _) = caller.refused(method, &path, body.clone(), 400).await;
        assert!(found.contains(said), "{path} {body}: {found}");
    }
    assert_eq!(caller.get(&format!("{SESSION}/clock")).await["frozen"], before, "nothing is half done");
    caller.call("POST", &format!("{PHONE}/prompts/1"), json!({ "outcome": "approve", "pin": "12" }), 422).await;
    caller.call("POST", &format!("{PHONE}/open"), json!({ "pin": "12" }), 422).await;
    caller.call("POST", &format!("{PHONE}/open"), json!({ "tokn": "12" }), 400).await;
    caller.call("GET", &format!("{PHONE}?tokn=12"), Value::Null, 400).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_to_another_session_of_the_same_name_is_told_everything() {
    let caller = Caller::new();
    caller.call("POST", "/v1/sessions", json!({ "name": "s" }), 201).await;
    caller.call("POST", &format!("{SESSION}/devices"), json!({ "name": "phone" }), 201).await;
    let since = async |number: u64| {
        let entries = caller.get(&format!("{SESSION}/journal?since={number}")).await;
        entries["entries"].as_array().unwrap().len()
    };
    assert_eq!((since(0).await, since(1).await, since(2).await), (1, 0, 1));
    let request = hyper::Request::get(format!("{SESSION}/events")).header("last-event-id", "999");
    let request = request.body(axum::body::Body::empty()).unwrap();
    let answer =
        hyper::service::Service::call(&hyper_util::service::TowerToHyperService::new(caller.router.clone()), request);
    let mut body = answer.await.unwrap().into_body();
    let frame = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
    let text = String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap();
    assert!(text.contains("id: 1") && text.contains("event: made"), "{text}");
}
