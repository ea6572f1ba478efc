//! What the description of the control API says.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{cell, table};

/// The language of `wait`, and the names that it knows.
pub(super) fn waiting(text: &mut String, api: &Value) {
    *text += "## What can be waited for\n\n`wait \"state == 'open' && remaining > 30s\"`: comparisons (`==`, `!=`, `<`, `<=`, \
              `>`, `>=`) joined by `&&`, `||`, `!` and brackets. A name stands for what `device show --json` says, with dots for \
              what is inside: `tokens.0.label`, `prompts.length`. With `--all` names begin with that of a device: \
              `phone.state`. Texts stand in single or double quotes; numbers may have a unit (`ms`, `s`, `m`, `h`) and are \
              seconds then; there are `true`, `false` and `null`, which is neither more nor less than anything. A name \
              that there is not is an error at once.\n\n";
    let properties = members(api, "DeviceView");
    table(text, ["name", "is"], properties.iter().map(|(name, what)| (name.clone(), what.as_str())));
}

/// The members of a schema, with those of the schemas that it consists of.
fn members(api: &Value, schema: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect(api, &api["components"]["schemas"][schema], &mut found);
    found
}

fn collect(api: &Value, schema: &Value, found: &mut Vec<(String, String)>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
        collect(api, &api["components"]["schemas"][name], found);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect(api, part, found);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        found.push((name.clone(), said(api, member)));
    }
}

/// What a member is: in its own words, else in those of its schema.
fn said(api: &Value, member: &Value) -> String {
    // What may be there or not has its words with the first choice.
    let own = [member, &member["oneOf"][0]].into_iter().find_map(|it| it["description"].as_str());
    let named = |node: &Value| -> Option<String> {
        let name = node["$ref"].as_str()?.rsplit('/').next()?.to_owned();
        api["components"]["schemas"][&name]["description"].as_str().map(str::to_owned)
    };
    let inner = || named(member).or_else(|| named(&member["items"]));
    own.map(str::to_owned).or_else(inner).unwrap_or_else(|| kind(member)).trim_end_matches('.').to_owned()
}

fn kind(member: &Value) -> String {
    match &member["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => String::new(),
    }
}

/// What `capabilities` prints.
pub(super) fn capabilities(text: &mut String, api: &Value) {
    *text += "## What this version can do\n\n`cardea-emulator capabilities --json` and `GET /v1/capabilities` say it to programs.\n\n\
              | name | is | here |\n|---|---|---|\n";
    let says = members(api, "Capabilities");
    let all = crate::control::capabilities();
    for (name, value) in all.as_object().unwrap_or(&Map::new()) {
        let what = says.iter().find(|(known, _)| known == name).map_or("", |(_, what)| what);
        let words = |value: &Value| match value {
            Value::String(word) => format!("`{word}`"),
            other => format!("`{other}`"),
        };
        let here = match value {
            Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
            Value::Object(items) => {
                items.iter().map(|(name, value)| format!("{name} {}", words(value))).collect::<Vec<_>>().join(", ")
            }
            other => words(other),
        };
        let _ = writeln!(text, "| `{name}` | {} | {} |", cell(what), cell(&here));
    }
    text.push('\n');
}

/// Every call, with its first sentence.
pub(super) fn calls(text: &mut String, api: &Value) {
    *text += "## Calls of the control API\n\n[openapi.json](openapi.json) describes them in full, as `cardea-emulator openapi` \
              and `GET /v1/openapi.json` do; [control.md](control.md) says how they are meant.\n\n";
    let mut rows = Vec::new();
    for (path, methods) in api["paths"].as_object().into_iter().flatten() {
        for (method, call) in methods.as_object().into_iter().flatten() {
            let summary = call["summary"].as_str().or_else(|| call["description"].as_str()).unwrap_or_default();
            rows.push((format!("{} {path}", method.to_uppercase()), summary.trim_end_matches('.').to_owned()));
        }
    }
    table(text, ["call", "does"], rows.iter().map(|(call, what)| (call.clone(), what.as_str())));
    text.truncate(text.trim_end().len());
    text.push('\n');
}
