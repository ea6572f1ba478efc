//! What is sent and what is answered is what the description says, of every call.

mod refused;

use std::collections::BTreeSet;
use std::sync::Mutex;

use axum::body::{Body, Bytes};
use axum::http::Request;
use cardea_sdk::Env;
use http_body_util::BodyExt as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use crate::control::{Control, DeviceProfile, description};
use crate::engine::Options;
use crate::faults::Gate;
use crate::fits::wrong;
use crate::stub::{self, Stub};

/// Calls that nothing is to be read of: one has no end, one ends everything.
const APART: [&str; 2] = ["GET /v1/sessions/{session}/events", "POST /v1/shutdown"];

struct Caller {
    router: axum::Router,
    description: Value,
    /// The calls of the description that were answered with a success.
    called: Mutex<BTreeSet<String>>,
}

impl Caller {
    fn new() -> Self {
        let options = Options { allow_test_argon2: true, ..Options::default() };
        let profile = DeviceProfile::parse(json!({ "net": { "latencyMs": 1 }, "presence": "cancel" })).unwrap();
        let control = Control::new(options, Env::os()).with_faults(Gate::loopback());
        let control = control.with_profiles([("slow".to_owned(), profile)].into());
        let description = serde_json::from_str(&description()).unwrap();
        Self { router: control.calls(), description, called: Mutex::default() }
    }

    /// The path of the description that a path is one of.
    fn described(&self, method: &str, path: &str) -> (String, &Value) {
        let path = path.split('?').next().unwrap_or_default();
        let is = |known: &str| {
            let (known, path): (Vec<&str>, Vec<&str>) = (known.split('/').collect(), path.split('/').collect());
            known.len() == path.len() && known.iter().zip(path).all(|(it, part)| it.starts_with('{') || *it == part)
        };
        // Names come before what stands for any name.
        let mut found: Vec<&String> = self.description["paths"].as_object().unwrap().keys().collect();
        found.retain(|known| is(known));
        found.sort_by_key(|known| known.matches('{').count());
        let known = found.first().unwrap_or_else(|| panic!("nobody describes {path}"));
        let call = &self.description["paths"][known.as_str()][method.to_lowercase()];
        (format!("{method} {known}"), call)
    }

    /// A call with this status; what it says, which is what is described, and so is what is sent.
    async fn call(&self, method: &str, path: &str, body: Value, status: u16) -> Value {
        let (name, described) = self.described(method, path);
        let fits = |schema: &Value, value: &Value| wrong(&self.description, schema, value);
        let sent = &described["requestBody"]["content"]["application/json"]["schema"];
        if status < 300 {
            assert!(body.is_null() || sent.is_object(), "{name}: nobody describes what is sent");
            assert!(body.is_null() || fits(sent, &body).is_none(), "{name} is sent {body}: {:?}", fits(sent, &body));
            self.called.lock().unwrap().insert(name.clone());
        }
        let (found, kind, bytes) = self.send(method, path, &body).await;
        assert_eq!(found, status, "{name} {body}: {}", String::from_utf8_lossy(&bytes));
        let answers = &described["responses"][status.to_string()];
        assert!(answers["description"].is_string(), "{name}: nobody describes the status {status}");
        let Some(kind) = kind else {
            assert!(answers["content"].is_null() && bytes.is_empty(), "{name} answers nothing");
            return Value::Null;
        };
        let kind = kind.split(';').next().unwrap_or_default();
        let schema = &answers["content"][kind]["schema"];
        assert!(schema.is_object(), "{name}: nobody describes {kind}: {answers}");
        if !["application/json", "application/problem+json"].contains(&kind) {
            return Value::from(String::from_utf8_lossy(&bytes).into_owned());
        }
        let value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(fits(schema, &value), None, "{name} answers {value}");
        value
    }

    /// The status of the answer, its media type and what it says.
    async fn send(&self, method: &str, path: &str, body: &Value) -> (u16, Option<String>, Bytes) {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = Request::builder().method(method).uri(path).body(body).unwrap();
        let answer = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let found = answer.status().as_u16();
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        (found, kind, answer.into_body().collect().await.unwrap().to_bytes())
    }

    async fn get(&self, path: &str) -> Value {
        self.call("GET", path, Value::Null, 200).await
    }

    async fn done(&self, method: &str, path: &str, body: Value) {
        self.call(method, path, body, 204).await;
    }
}

const SESSION: &str = "/v1/sessions/s";
const PHONE: &str = "/v1/sessions/s/devices/phone";

async fn begin(caller: &Caller, stub: &Stub) {
    for path in ["/v1/version", "/v1/capabilities", "/v1/sessions", "/v1/faults"] {
        caller.get(path).await;
    }
    caller.get("/live").await;
    caller.call("GET", "/ready", Value::Null, 503).await;
    let new = json!({ "name": "s", "seed": 7, "leaseMs": 60_000, "presence": { "outcome": "approve", "delay": { "ms": 0 } } });
    caller.call("POST", "/v1/sessions", new, 201).await;
    caller.done("POST", &format!("{SESSION}/lease"), Value::Null).await;
    let link = stub.enroll("joe").await.unwrap().link;
    let new = json!({ "name": "phone", "pin": "274951", "duressPins": ["605172"], "enroll": { "invitation": link }, "watch": true });
    caller.call("POST", &format!("{SESSION}/devices"), new, 201).await;
    caller.call("POST", &format!("{SESSION}/devices"), json!({ "name": "slow", "profile": "slow" }), 201).await;
    for path in ["", "/devices", "/devices/phone", "/devices/phone/token", "/devices/phone/tokens", "/clock"] {
        caller.get(&format!("{SESSION}{path}")).await;
    }
}

async fn operate(caller: &Caller, stub: &Stub) {
    let post = async |path: &str, body| caller.call("POST", &format!("{PHONE}/{path}"), body, 200).await;
    let link = stub.enroll("joe").await.unwrap().link;
    post("invitation", json!({ "invitation": link })).await;
    caller.done("PUT", &format!("{PHONE}/label"), json!({ "label": "front" })).await;
    post("open", json!({ "token": "front", "seconds": 16 })).await;
    let until = json!({ "until": "state == 'open' && remaining > 1s", "timeoutMs": 5_000 });
    post("wait", until).await;
    let until = json!({ "until": "phone.state == 'open'" });
    caller.call("POST", &format!("{SESSION}/wait"), until, 200).await;
    let vain = json!({ "until": "state == 'closed'", "timeoutMs": 1 });
    let vain = caller.call("POST", &format!("{PHONE}/wait"), vain, 408).await;
    assert_eq!((&vain["nearMisses"][0]["found"], &vain["lastState"]["state"]), (&json!("open"), &json!("open")));
    for text in ["one", "two"] {
        stub.ask("joe", text, None).await.unwrap();
    }
    let waiting = caller.get(&format!("{PHONE}/confirmations")).await;
    let id = waiting["confirmations"][0]["id"].as_str().unwrap().to_owned();
    caller.get(&format!("{PHONE}/confirmation?id={id}")).await;
    post("approve", json!({ "id": id })).await;
    post("deny", json!({ "reason": "not-me" })).await;
    post("status", json!({})).await;
    post("close", json!({})).await;
    post("change-pins", json!({ "newPin": "918273", "duressPins": ["604215"] })).await;
    for path in ["about", "devices", "history"] {
        caller.get(&format!("{PHONE}/{path}")).await;
    }
}

async fn hold(caller: &Caller) {
    for (path, body) in [
        ("clock", json!({ "skewSeconds": -90 })),
        ("clock", json!({ "skewSeconds": 0 })),
        ("network", json!({ "profile": "lossy-wifi" })),
        ("network", json!({ "profile": { "latencyMs": 5, "loss": 0.1, "flap": { "upMs": 5, "downMs": 2 } } })),
        ("network", json!({ "profile": "ideal" })),
        ("persona", json!({ "pin": "918273", "duressPins": ["604215"] })),
        ("presence", json!({ "outcome": "cancel", "delay": { "fromMs": 1, "toMs": 3 } })),
        ("presence", json!({ "delay": { "medianMs": 1, "sigma": 0.4 } })),
    ] {
        caller.done("PUT", &format!("{PHONE}/{path}"), body).await;
        if path != "persona" && path != "clock" {
            caller.get(&format!("{PHONE}/{path}")).await;
        }
    }
    let next = format!("{PHONE}/presence/next");
    caller.done("POST", &next, json!({ "outcome": "wrong-pin" })).await;
    caller.done("DELETE", &next, Value::Null).await;
    caller.done("POST", &next, json!({ "outcome": "wait" })).await;
    let open = format!("{PHONE}/open");
    let opening = caller.call("POST", &open, json!({}), 422);
    let answering = async {
        caller.call("POST", &format!("{PHONE}/wait"), json!({ "until": "prompt == 'open'" }), 200).await;
        let prompts = caller.get(&format!("{PHONE}/prompts")).await;
        let prompt = format!("{PHONE}/prompts/{}", prompts["prompts"][0]["prompt"]);
        caller.done("POST", &prompt, json!({ "outcome": "cancel" })).await;
    };
    tokio::join!(opening, answering);
    caller.done("POST", &format!("{PHONE}/watch"), Value::Null).await;
    // While it hears what the server says, it may be too busy to be made what it was.
    caller.done("DELETE", &format!("{PHONE}/watch"), Value::Null).await;
}

async fn go_wrong(caller: &Caller, stub: &Stub) {
    let faults = format!("{SESSION}/faults");
    let rule = json!({ "id": "a", "fault": "bit-flip", "match": { "device": "phone", "dir": "in", "frame": "s1" },
        "times": 1, "skip": 1, "prob": 0.5, "seed": 3, "params": { "bit": 2 } });
    caller.call("POST", &faults, rule, 201).await;
    caller.get(&faults).await;
    caller.done("DELETE", &format!("{faults}/a"), Value::Null).await;
    let rules = json!({ "rules": [{ "fault": "ack-lost", "times": 1, "match": { "op": "open" } }] });
    caller.call("PUT", &faults, rules, 200).await;
    caller.call("POST", &faults, json!({ "fault": "bit-flop" }), 400).await;
    caller.done("DELETE", &faults, Value::Null).await;

    let trace = format!("{SESSION}/trace");
    caller.call("POST", &trace, Value::Null, 200).await;
    caller.call("POST", &format!("{PHONE}/open"), json!({ "pin": "918273" }), 200).await;
    caller.get(&trace).await;
    caller.call("DELETE", &trace, Value::Null, 200).await;
    let lines = caller.get(&format!("{trace}.jsonl?secrets=shown")).await;
    for path in ["trace.pcapng", "trace.keylog", "journal?limit=1000", "scenario?name=x"] {
        caller.get(&format!("{SESSION}/{path}")).await;
    }
    let replays = format!("{SESSION}/replays");
    caller.call("POST", &replays, json!({ "mode": "verbatim", "trace": lines }), 200).await;
    let enroll = json!({ "invitation": stub.enroll("again").await.unwrap().link });
    let resign = json!({ "mode": "resign", "trace": lines, "device": "again", "enroll": enroll });
    caller.call("POST", &replays, resign, 200).await;
}

async fn keep(caller: &Caller, stub: &Stub) {
    let snapshots = format!("{SESSION}/snapshots");
    caller.call("POST", &snapshots, json!({ "name": "a" }), 201).await;
    caller.get(&snapshots).await;
    caller.call("POST", &format!("{PHONE}/clone"), json!({ "name": "copy" }), 201).await;
    caller.get(&format!("{snapshots}/a/differences")).await;
    caller.done("POST", &format!("{snapshots}/a/restore"), Value::Null).await;
    caller.done("DELETE", &format!("{snapshots}/a"), Value::Null).await;
    caller.call("POST", &format!("{SESSION}/devices/slow/rename"), json!({ "name": "other" }), 200).await;
    let exported = caller.call("POST", &format!("{PHONE}/export"), json!({ "insecurePlain": true }), 200).await;
    let import = json!({ "file": exported["file"], "name": "imported" });
    caller.call("POST", &format!("{SESSION}/devices/import"), import, 201).await;
    caller.done("POST", &format!("{SESSION}/devices/imported/reset"), Value::Null).await;
    let other = format!("{SESSION}/devices/other");
    let enroll = json!({ "invitation": stub.enroll("joe").await.unwrap().link, "pin": "274951", "label": "second" });
    caller.call("POST", &format!("{other}/enroll"), enroll, 200).await;
    let siblings = caller.get(&format!("{other}/devices")).await;
    let first = siblings["devices"].as_array().unwrap().iter().find(|device| device["this"] == json!(false)).unwrap();
    let revoke = json!({ "device": first["device"], "pin": "274951" });
    caller.call("POST", &format!("{other}/revoke"), revoke, 200).await;
    caller.done("POST", &format!("{other}/unenroll"), json!({ "pin": "274951" })).await;
    caller.done("POST", &format!("{PHONE}/forget"), json!({})).await;
    caller.done("DELETE", &other, Value::Null).await;
    caller.call("PUT", &format!("{SESSION}/clock"), json!({ "now": 1_800_000_000, "frozen": true }), 200).await;
    caller.call("POST", &format!("{SESSION}/clock/advance"), json!({ "seconds": 60 }), 200).await;
    caller.call("GET", &other, Value::Null, 404).await;
    caller.done("DELETE", SESSION, Value::Null).await;
}

#[test]
fn each_call_has_a_name_of_its_own() {
    let description: Value = serde_json::from_str(&description()).unwrap();
    let calls =
        description["paths"].as_object().unwrap().values().flat_map(|calls| calls.as_object().unwrap().values());
    let names: Vec<&str> = calls.map(|call| call["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    assert!(names.contains(&"postSessionDeviceOpen") && names.contains(&"getSessionTraceJsonl"), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_sends_and_answers_what_is_described() {
    let (stub, caller) = (Stub::start(stub::Settings::default()).await.unwrap(), Caller::new());
    begin(&caller, &stub).await;
    operate(&caller, &stub).await;
    hold(&caller).await;
    go_wrong(&caller, &stub).await;
    keep(&caller, &stub).await;
    let called = caller.called.lock().unwrap().clone();
    let methods = |path: &str, calls: &Value| {
        let methods: Vec<String> = calls.as_object().unwrap().keys().map(|it| it.to_uppercase()).collect();
        methods.into_iter().map(move |method| format!("{method} {path}")).collect::<Vec<_>>()
    };
    let paths = caller.description["paths"].as_object().unwrap();
    let all: Vec<String> = paths.iter().flat_map(|(path, calls)| methods(path, calls)).collect();
    let left: Vec<&String> = all.iter().filter(|it| !called.contains(*it) && !APART.contains(&it.as_str())).collect();
    assert_eq!(left, ["GET /ready"].iter().collect::<Vec<_>>());
    stub.stop().await;
}
