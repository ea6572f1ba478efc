//! The description of the API, `docs/api/openapi.yaml`, says what the server does.
//!
//! What is served is compared with it call by call, and every answer that any test of this folder gets is held against
//! its schemas. Patterns are left to the fuzzer that is driven by the description (part `api` of `cargo xtask test`).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::support::Answer;
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::http::problem::{self, Problem};
use crate::http::{ANDROID, IOS, Kind, PLAIN, Parameter, Verb, auth, docs, routes};
use crate::vault::{About, Event, EventKind, Reader};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../docs/generated/openapi.json")).expect("JSON"));

/// Pages and helpers that are no calls of the API.
const NO_CALLS: [&str; 6] = [ANDROID, IOS, "/channel", "/dev/clock", "/e", "/metrics"];

fn resolve(node: &'static Value) -> &'static Value {
    match node["$ref"].as_str() {
        Some(target) => resolve(DOCUMENT.pointer(&target[1..]).expect("lint has followed it")),
        None => node,
    }
}

fn operation(method: &str, path: &str) -> Option<&'static Value> {
    DOCUMENT["paths"].get(path)?.get(method)
}

/// What the description says of a call's parameters: name, schema, required.
fn described(operation: &'static Value, verb: Verb) -> Vec<(&'static str, &'static Value, bool)> {
    match verb {
        Verb::Get => {
            let list = operation["parameters"].as_array().into_iter().flatten().map(resolve);
            let query = list.filter(|parameter| parameter["in"] == "query");
            let parts = |parameter: &'static Value| {
                (parameter["name"].as_str().expect("a name"), &parameter["schema"], parameter["required"] == true)
            };
            query.map(parts).collect()
        }
        Verb::Post => {
            let body = &resolve(&operation["requestBody"])["content"]["application/json"]["schema"];
            members(resolve(body))
        }
    }
}

fn members(schema: &'static Value) -> Vec<(&'static str, &'static Value, bool)> {
    assert_eq!(schema["additionalProperties"], false, "unknown members are refused: {schema}");
    let required = |name: &str| schema["required"].as_array().is_some_and(|list| list.iter().any(|one| one == name));
    let all = schema["properties"].as_object().expect("properties");
    all.iter().map(|(name, member)| (name.as_str(), member, required(name))).collect()
}

fn misfits(place: &str, parameters: &[Parameter], described: &[(&'static str, &'static Value, bool)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for parameter in parameters {
        match described.iter().find(|(name, ..)| *name == parameter.name) {
            None => wrong.push(format!("{place}: `{}` is not described", parameter.name)),
            Some((_, schema, required)) => {
                if *required != parameter.required {
                    wrong.push(format!("{place}: `{}`: required is {required} in the description", parameter.name));
                }
                if let Err(why) = fits(parameter.kind, resolve(schema)) {
                    wrong.push(format!("{place}: `{}`: {why} in {schema}", parameter.name));
                }
            }
        }
    }
    for (name, ..) in described {
        if *name != "authKey" && !parameters.iter().any(|parameter| parameter.name == *name) {
            wrong.push(format!("{place}: `{name}` is described and not taken"));
        }
    }
    wrong
}

fn fits(kind: Kind, schema: &'static Value) -> Result<(), String> {
    let same = |name: &str, expected: Value| {
        if schema[name] == expected { Ok(()) } else { Err(format!("{name} must be {expected}")) }
    };
    if let Kind::Record(parameters) = kind {
        let wrong = misfits("its member", parameters, &members(schema));
        return if wrong.is_empty() { Ok(()) } else { Err(wrong.join(", ")) };
    }
    match kind {
        Kind::User => same("maxLength", 255.into()).and(same("minLength", 1.into())),
        Kind::Service => same("pattern", "^[a-z0-9-]{1,32}_[a-z0-9_-]{1,64}$".into()),
        Kind::Subscription => same("pattern", "^[a-z0-9-]{1,32}$".into()),
        Kind::Authkey => same("pattern", "^[A-Za-z0-9_-]{16,128}$".into()),
        Kind::Text { least, most } => same("minLength", least.into()).and(same("maxLength", most.into())),
        Kind::OrNull(kind) => same("nullable", true.into()).and_then(|()| fits(*kind, schema)),
        Kind::Flags => same("type", "object".into()).and_then(|()| fits(Kind::Flag, &schema["additionalProperties"])),
        Kind::Object(_) => same("type", "object".into()),
        Kind::UrlOrNull(most) => same("maxLength", most.into()).and(same("nullable", true.into())),
        Kind::Word(words) => same("enum", words.into()),
        Kind::Hex(bytes) => same("pattern", format!("^[0-9a-f]{{{}}}$", bytes * 2).into()),
        Kind::Idempotency => same("pattern", "^[A-Za-z0-9_-]{1,64}$".into()),
        Kind::Cursor => same("type", "string".into()),
        Kind::Flag => same("type", "boolean".into()),
        Kind::Number { least, most } => same("minimum", least.into()).and(same("maximum", most.into())),
        Kind::List { most, each } => {
            same("maxItems", most.into()).and_then(|()| fits(*each, resolve(&schema["items"])))
        }
        _ => Ok(()),
    }
}

fn codes(operation: &'static Value) -> BTreeSet<&'static str> {
    operation["responses"].as_object().expect("responses").keys().map(String::as_str).collect()
}

#[test]
fn every_call_is_described_as_it_is_served() {
    let mut wrong = Vec::new();
    for route in routes() {
        let (method, content) = match route.verb {
            Verb::Get => ("get", vec!["400", "403", "404", "429", "500", "503"]),
            Verb::Post => ("post", vec!["400", "403", "404", "413", "429", "500", "503"]),
        };
        let place = format!("{method} {}", route.path);
        let Some(operation) = operation(method, route.path) else {
            wrong.push(format!("{place} is not described"));
            continue;
        };
        if operation["x-permission"] != route.permission.name() {
            wrong.push(format!("{place}: its permission is {}", route.permission.name()));
        }
        wrong.extend(misfits(&place, route.parameters, &described(operation, route.verb)));
        let expected: BTreeSet<&str> = if route.path == "/token/gate" {
            // It says "no" with one code to whatever may hear only one.
            ["204", "400", "403", "429", "500", "503"].into()
        } else {
            content.into_iter().chain(["200"]).collect()
        };
        if codes(operation) != expected {
            wrong.push(format!("{place}: its codes are {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "mend docs/api/openapi.yaml and run `cargo xtask docs`:\n{}", wrong.join("\n"));
}

#[test]
fn every_call_that_is_described_is_served() {
    let is_served = |path: &str, method: &str| {
        let signs_in = auth::known_path(path) == Some(path);
        signs_in
            || PLAIN.contains(&path)
            || routes().iter().any(|route| route.path == path && (route.verb == Verb::Get) == (method == "get"))
    };
    for (path, methods) in DOCUMENT["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            assert!(is_served(path, method), "{method} {path} is not served");
        }
    }
}

#[test]
fn every_path_beside_the_calls_is_described_or_is_no_call() {
    for path in PLAIN {
        let is_described = operation("get", path).is_some();
        assert_eq!(is_described, !NO_CALLS.contains(path), "{path}");
    }
    assert!(docs::FILES.iter().all(|file| operation("get", file.path).is_none()));
}

#[test]
fn every_error_is_described_with_its_name_and_number() {
    let table = &DOCUMENT["components"]["schemas"]["ErrorName"]["x-codes"];
    let table = table.as_array().expect("a table");
    // Who signs in is told in plain text.
    for problem in problem::all().into_iter().filter(|problem| !matches!(problem, Problem::Unauthorized(_))) {
        let found = table.iter().find(|row| row["error"] == problem.slug() && row["code"] == problem.code());
        let row = found.unwrap_or_else(|| panic!("{} {} is not described", problem.slug(), problem.code()));
        let at_gate = matches!(problem, Problem::Forbidden) || row["error"] == "unknown-token";
        assert!(at_gate || row["status"] == problem.status().as_u16(), "{row}");
    }
    let names = DOCUMENT["components"]["schemas"]["ErrorName"]["enum"].as_array().expect("a list");
    assert_eq!(names.iter().collect::<Vec<_>>(), table.iter().map(|row| &row["error"]).collect::<Vec<_>>());
}

#[test]
fn every_type_of_event_is_described_and_no_other() {
    let mut told = BTreeSet::from(["webhook.test"]);
    for kind in EventKind::ALL {
        let plain = Event::new(*kind, About::Instance, Actor::System, UnixSeconds::EPOCH);
        let raised = Event { duress: true, duress_raised: true, ..plain.clone() };
        let used_up = Event { tries_used_up: true, ..plain.clone() };
        for event in [plain, raised, used_up] {
            told.extend([Reader::Everything, Reader::Duress, Reader::Nothing].map(|reader| event.name(reader)));
        }
    }
    let list = DOCUMENT["components"]["schemas"]["EventType"]["enum"].as_array().expect("a list");
    assert_eq!(list.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(), told);
}

/// Panics unless the description has such an answer to such a request.
#[track_caller]
pub(super) fn hold(request: &str, answer: &Answer) {
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let method = match method {
        "GET" => "get",
        "POST" => "post",
        _ => return,
    };
    let (Some(operation), Ok(body)) = (operation(method, path), serde_json::from_str::<Value>(&answer.body)) else {
        return;
    };
    let status = answer.status.to_string();
    let Some(described) = operation["responses"].get(&status).map(resolve) else {
        panic!("{method} {path} has no answer {status} in the description: {answer:?}");
    };
    if described["headers"].get("Retry-After").is_some() {
        assert!(answer.header("retry-after").is_some(), "{method} {path}: {answer:?}");
    }
    let schema = &described["content"]["application/json"]["schema"];
    if let Err(why) = valid(schema, &body) {
        panic!("{method} {path} {status} is not as described: {why}: {}", answer.body);
    }
}

/// Why `value` is not what `schema` says.
fn valid(schema: &'static Value, value: &Value) -> Result<(), String> {
    let schema = resolve(schema);
    if value.is_null() && schema["nullable"] == true {
        return Ok(());
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices.iter().filter(|choice| valid(choice, value).is_ok()).count();
        return if fitting == 1 { Ok(()) } else { Err(format!("{value} fits {fitting} of the choices")) };
    }
    let is_of_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("boolean") => value.is_boolean(),
        _ => false,
    };
    if !is_of_type {
        return Err(format!("{value} is no {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|list| !list.contains(value)) {
        return Err(format!("{value} is not in the list"));
    }
    let out = |low: &str, high: &str, number: u64| {
        schema[low].as_u64().is_some_and(|low| number < low) || schema[high].as_u64().is_some_and(|high| number > high)
    };
    if value.as_u64().is_some_and(|number| out("minimum", "maximum", number))
        || value.as_array().is_some_and(|list| out("minItems", "maxItems", list.len() as u64))
    {
        return Err(format!("{value} is out of range"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().expect("a name")).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(schema) => valid(schema, member).map_err(|why| format!("`{name}`: {why}"))?,
            None if schema.get("properties").is_some() => return Err(format!("`{name}` is not described")),
            None => {}
        }
    }
    value.as_array().into_iter().flatten().try_for_each(|item| valid(&schema["items"], item))
}

#[test]
fn an_answer_that_is_not_as_described_is_found() {
    let schema = |name: &str| &DOCUMENT["components"]["schemas"][name];
    let check = |name: &str, text: &str| valid(schema(name), &serde_json::from_str(text).expect("JSON")).is_ok();
    assert!(check("Status", r#"{"status":4}"#));
    for wrong in [r#"{"status":5}"#, r#"{"status":"1"}"#, r#"{"status":1,"x":2}"#, "{}", "[]"] {
        assert!(!check("Status", wrong), "{wrong}");
    }
    assert!(check("StatusProblem", r#"{"error":"busy","message":"x"}"#));
    assert!(!check("StatusProblem", r#"{"error":"busy","message":"x","code":5030}"#));
    assert!(!check("StatusProblem", r#"{"error":"lazy","message":"x"}"#));
}

#[test]
fn a_call_that_is_not_as_described_is_found() {
    const OTHER: &[Parameter] = &[Parameter::required("id", Kind::User), Parameter::optional("service", Kind::Flag)];
    let wrong = misfits("x", OTHER, &described(operation("get", "/token/status").expect("it is"), Verb::Get));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}
