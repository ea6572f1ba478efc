//! A workspace for the HTTP client Insomnia, in its export format 4: a folder for each tag, a request for each call and
//! each example of its body, and environments for where to send them.

use anyhow::Result;

use super::node::{Node, map};
use super::schema::{self, Call};

const WORKSPACE: &str = "wrk_cardea";
const BASE: &str = "env_cardea";

/// The whole export.
pub(super) fn workspace(document: &Node) -> Result<Node> {
    let info = document.get("info").unwrap_or(&Node::Null);
    let mut resources = vec![map([
        ("_id", WORKSPACE.into()),
        ("_type", "workspace".into()),
        ("parentId", Node::Null),
        ("name", info.text_of("title").into()),
        ("description", info.text_of("description").into()),
        ("scope", "collection".into()),
    ])];
    resources.extend(environments());
    let calls = schema::calls(document);
    for (tag_number, tag) in document.get("tags").map_or(&[][..], Node::items).iter().enumerate() {
        let name = tag.text_of("name");
        let folder = format!("fld_{}", name.to_lowercase());
        resources.push(map([
            ("_id", folder.as_str().into()),
            ("_type", "request_group".into()),
            ("parentId", WORKSPACE.into()),
            ("name", name.into()),
            ("description", tag.text_of("description").into()),
            ("environment", map([])),
            ("metaSortKey", sort_key(tag_number)),
        ]));
        for (number, call) in calls.iter().filter(|call| call.tag() == name).enumerate() {
            resources.extend(requests(document, *call, &folder, number * 10)?);
        }
    }
    Ok(map([
        ("_type", "export".into()),
        ("__export_format", Node::Int(4)),
        // When it was exported says nothing, and would make every copy different.
        ("__export_date", "2000-01-01T00:00:00.000Z".into()),
        ("__export_source", "cardea".into()),
        ("resources", Node::List(resources)),
    ]))
}

fn environments() -> Vec<Node> {
    let environment = |id: &str, parent: &str, name: &str, number, data| {
        map([
            ("_id", id.into()),
            ("_type", "environment".into()),
            ("parentId", parent.into()),
            ("name", name.into()),
            ("data", data),
            ("isPrivate", Node::Bool(false)),
            ("metaSortKey", Node::Int(number)),
        ])
    };
    let base = map([
        ("base_url", "http://127.0.0.1:8420".into()),
        ("subscription", "default".into()),
        ("service", "default_demo".into()),
        ("id", "joe".into()),
        ("auth_key", "".into()),
    ]);
    let production = map([
        ("base_url", "https://cardea.example".into()),
        ("service", "default_main".into()),
        ("auth_key", "".into()),
    ]);
    vec![
        environment(BASE, WORKSPACE, "Base Environment", 0, base),
        environment("env_dev", BASE, "cardea-server dev", 1, map([("auth_key", "".into())])),
        environment("env_production", BASE, "Production", 2, production),
    ]
}

/// Insomnia sorts by falling keys.
fn sort_key(number: usize) -> Node {
    Node::Int(i64::try_from(number).map_or(0, |number| -number))
}

/// A request for each example of the body, or the one that a call without a body is.
fn requests(document: &Node, call: Call<'_>, folder: &str, first: usize) -> Result<Vec<Node>> {
    let body = call.body(document)?;
    let bodies = body.map(schema::examples).unwrap_or_default();
    let name = call.operation.text_of("summary");
    let id = format!("req_{}", call.operation.text_of("operationId"));
    if bodies.is_empty() {
        return Ok(vec![request(document, call, folder, (&id, name, first), None)?]);
    }
    let each = bodies.iter().enumerate().map(|(number, (example, value))| {
        let id = if number == 0 { id.clone() } else { format!("{id}_{number}") };
        let name = if example.is_empty() { name.to_owned() } else { format!("{name} ({example})") };
        request(document, call, folder, (&id, &name, first + number), Some(value))
    });
    each.collect()
}

fn request(
    document: &Node,
    call: Call<'_>,
    folder: &str,
    (id, name, number): (&str, &str, usize),
    body: Option<&Node>,
) -> Result<Node> {
    let pair = |name: &str, value: &str, disabled| {
        map([("name", name.into()), ("value", value.into()), ("disabled", Node::Bool(disabled))])
    };
    let mut parameters = Vec::new();
    let mut headers = Vec::new();
    for parameter in call.parameters(document)? {
        let name = parameter.text_of("name");
        let example = parameter.get("example").map(value_text).unwrap_or_default();
        let target = if parameter.text_of("in") == "header" { &mut headers } else { &mut parameters };
        target.push(pair(name, &variable(name).unwrap_or(example), !parameter.is("required")));
    }
    if call.needs_authkey() {
        headers.push(pair("Authorization", "apikey {{ _.auth_key }}", false));
    }
    let body = match body {
        None => map([]),
        Some(body) => {
            headers.insert(0, pair("Content-Type", "application/json", false));
            map([("mimeType", "application/json".into()), ("text", with_variables(body).to_json().as_str().into())])
        }
    };
    Ok(map([
        ("_id", id.into()),
        ("_type", "request".into()),
        ("parentId", folder.into()),
        ("name", name.into()),
        ("description", call.operation.text_of("description").into()),
        ("method", call.method.to_uppercase().as_str().into()),
        ("url", format!("{{{{ _.base_url }}}}{}", call.path).as_str().into()),
        ("parameters", Node::List(parameters)),
        ("headers", Node::List(headers)),
        ("authentication", map([])),
        ("body", body),
        ("metaSortKey", sort_key(number)),
        // A redirect is never followed: see "Fail closed".
        ("settingFollowRedirects", "off".into()),
    ]))
}

fn value_text(value: &Node) -> String {
    if let Node::Text(text) = value { text.clone() } else { value.to_json_line() }
}

/// The environment's variable for what most calls have.
fn variable(name: &str) -> Option<String> {
    ["id", "service", "subscription"].contains(&name).then(|| format!("{{{{ _.{name} }}}}"))
}

/// The example with the environment's user and service, and with the authkey left to the header.
fn with_variables(body: &Node) -> Node {
    let member = |(name, value): &(String, Node)| match variable(name) {
        Some(variable) => (name.clone(), Node::Text(variable)),
        None => (name.clone(), value.clone()),
    };
    Node::Map(body.members().iter().filter(|(name, _)| name != "authKey").map(member).collect())
}
