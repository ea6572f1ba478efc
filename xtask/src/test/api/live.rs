//! The description with examples that work on one server, and what became of them.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// How examples of bodies say what kind of authkey belongs there.
const AUTHKEY: &str = "AUTHKEY-";
/// Where made-up webhooks may lead: nowhere.
const WEBHOOK: &str = "^http://127\\.0\\.0\\.1:9/[a-z]{0,8}$";

/// A value that the example of a parameter or member becomes: path, name, value.
pub(super) type Object = (&'static str, &'static str, Value);

/// Puts the authkey and these values into the examples of `document`, and keeps made-up webhooks on this machine.
///
/// # Errors
///
/// The description has no such call or no such parameter.
pub(super) fn adapt(document: &mut Value, key: &str, objects: &[Object]) -> Result<()> {
    for (path, name, value) in objects {
        let done = set_parameter(document, path, name, value) | set_member(document, path, name, value);
        (done > 0).then_some(()).with_context(|| format!("{path} has no example of {name}"))?;
    }
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    for schema in schemas.context("there are no schemas")?.values_mut() {
        let taken = schema.pointer_mut("/properties/webhook").and_then(Value::as_object_mut);
        // Those of answers have no limit.
        if let Some(webhook) = taken.filter(|webhook| webhook.contains_key("maxLength")) {
            webhook.remove("format");
            webhook.insert("pattern".to_owned(), WEBHOOK.into());
        }
    }
    replace_keys(document, key);
    Ok(())
}

fn set_parameter(document: &mut Value, path: &str, name: &str, value: &Value) -> usize {
    let place = format!("/paths/{}/get/parameters", path.replace('/', "~1"));
    let list = document.pointer(&place).and_then(Value::as_array).cloned().unwrap_or_default();
    let resolved = list.iter().map(|parameter| match parameter["$ref"].as_str() {
        Some(target) => document.pointer(&target[1..]).cloned().unwrap_or_default(),
        None => parameter.clone(),
    });
    let mut resolved: Vec<Value> = resolved.collect();
    let mut done = 0;
    for parameter in resolved.iter_mut().filter(|parameter| parameter["name"] == name) {
        parameter["example"] = value.clone();
        done += 1;
    }
    if let Some(place) = document.pointer_mut(&place).filter(|_| done > 0) {
        *place = resolved.into();
    }
    done
}

fn set_member(document: &mut Value, path: &str, name: &str, value: &Value) -> usize {
    let place = format!("/paths/{}/post/requestBody", path.replace('/', "~1"));
    // Calls that share a body have examples of their own from now on.
    if let Some(shared) = document.pointer(&format!("{place}/$ref")).and_then(Value::as_str)
        && let Some(body) = document.pointer(&shared[1..]).cloned()
        && let Some(place) = document.pointer_mut(&place)
    {
        *place = body;
    }
    let Some(contents) = document.pointer_mut(&format!("{place}/content")).and_then(Value::as_object_mut) else {
        return 0;
    };
    let mut examples: Vec<&mut Value> = Vec::new();
    let nodes = contents.values_mut().filter_map(Value::as_object_mut).flat_map(serde_json::Map::iter_mut);
    for (kind, node) in nodes {
        match (kind.as_str(), node) {
            ("example", example) => examples.push(example),
            ("examples", Value::Object(named)) => {
                examples.extend(named.values_mut().filter_map(|one| one.get_mut("value")));
            }
            _ => {}
        }
    }
    let members = examples.into_iter().filter_map(|example| example.get_mut(name));
    members.map(|member| *member = value.clone()).count()
}

fn replace_keys(node: &mut Value, key: &str) {
    match node {
        Value::String(text) if text.starts_with(AUTHKEY) => key.clone_into(text),
        Value::Array(list) => list.iter_mut().for_each(|node| replace_keys(node, key)),
        Value::Object(members) => members.values_mut().for_each(|node| replace_keys(node, key)),
        _ => {}
    }
}

/// The operations of `document` that never had a 2xx among `calls`, entries of a list in the HTTP Archive format.
pub(super) fn without_success(document: &Value, calls: &[Value]) -> Vec<String> {
    let succeeded: BTreeSet<String> = calls
        .iter()
        .filter(|entry| entry["response"]["status"].as_u64().is_some_and(|status| (200..300).contains(&status)))
        .filter_map(|entry| {
            let url = entry["request"]["url"].as_str()?.split_once("://")?.1;
            let path = url.split(['?', '#']).next()?.split_once('/')?.1;
            Some(format!("{} /{path}", entry["request"]["method"].as_str()?.to_lowercase()))
        })
        .collect();
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, _)| format!("{method} {path}"))
    });
    operations.filter(|operation| !succeeded.iter().any(|call| is_call_of(operation, call))).collect()
}

/// Whether `call` is one of `operation`, whose path may have parts in braces.
fn is_call_of(operation: &str, call: &str) -> bool {
    let (mut wanted, mut made) = (operation.split('/'), call.split('/'));
    loop {
        match (wanted.next(), made.next()) {
            (None, None) => return true,
            (Some(wanted), Some(made)) if wanted == made || wanted.starts_with('{') => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "paths": {
                "/token/detail": { "get": { "parameters": [{ "$ref": "#/components/parameters/id" }] } },
                "/token/block": { "post": { "requestBody": { "$ref": "#/components/requestBodies/User" } } },
                "/token/enroll": { "post": { "requestBody": { "content": { "application/json": { "examples": {
                    "one": { "value": { "id": "joe" } }, "many": { "value": { "users": [] } },
                } } } } } },
            },
            "components": {
                "requestBodies": { "User": { "content": { "application/json": {
                    "example": { "id": "joe", "authKey": "AUTHKEY-WITH-BLOCK" },
                } } } },
                "parameters": { "id": { "name": "id", "in": "query", "example": "joe" } },
                "schemas": {
                    "In": { "properties": { "webhook": { "maxLength": 9, "format": "uri" } } },
                    "Out": { "properties": { "webhook": { "type": "string" } } },
                },
            },
        })
    }

    #[test]
    fn examples_become_those_of_the_server() {
        let mut adapted = document();
        let objects = [
            ("/token/detail", "id", json!("eve")),
            ("/token/block", "id", json!(7)),
            ("/token/enroll", "id", json!("new")),
        ];
        adapt(&mut adapted, "key", &objects).unwrap();
        let at = |place: &str| adapted.pointer(place).cloned().unwrap_or_default();
        assert_eq!(at("/paths/~1token~1detail/get/parameters/0/example"), "eve");
        let body = |path: &str| format!("/paths/~1token~1{path}/post/requestBody/content/application~1json");
        assert_eq!(at(&format!("{}/example", body("block"))), json!({ "id": 7, "authKey": "key" }));
        assert_eq!(at(&format!("{}/examples/one/value/id", body("enroll"))), "new");
        assert_eq!(at("/components/schemas/In/properties/webhook"), json!({ "maxLength": 9, "pattern": WEBHOOK }));
        assert_eq!(at("/components/schemas/Out/properties/webhook"), json!({ "type": "string" }));
        assert!(adapt(&mut document(), "key", &[("/token/block", "device", json!(1))]).is_err());
    }

    #[test]
    fn calls_that_only_failed_are_named() {
        let call = |method: &str, url: &str, status: u64| json!({ "request": { "method": method, "url": url }, "response": { "status": status } });
        let calls = [
            call("GET", "http://127.0.0.1:8420/token/detail?id=joe", 200),
            call("POST", "http://127.0.0.1:8420/token/block", 403),
            call("GET", "http://127.0.0.1:8420/token/enroll", 200),
        ];
        assert_eq!(without_success(&document(), &calls), ["post /token/block", "post /token/enroll"]);
        assert!(is_call_of("get /{instance}/auth/v1/", "get /demo/auth/v1/"));
        for other in ["get /demo/auth/v1", "post /demo/auth/v1/", "get /demo/auth/v2/", "get /a/b/auth/v1/"] {
            assert!(!is_call_of("get /{instance}/auth/v1/", other), "{other}");
        }
    }
}
