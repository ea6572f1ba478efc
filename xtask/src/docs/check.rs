//! Is the description sound in itself? Whether the server does what it says is for the server's tests.

use std::collections::BTreeSet;

use super::node::Node;
use super::schema::{self, Call};
use crate::lint::Findings;

/// Looks through the whole document.
pub(super) fn document(document: &Node, findings: &mut Findings) {
    references(document, document, findings);
    let tags: Vec<&str> =
        document.get("tags").map_or(&[][..], Node::items).iter().map(|tag| tag.text_of("name")).collect();
    let mut names = BTreeSet::new();
    for call in schema::calls(document) {
        findings.saw();
        let place = format!("{} {}", call.method, call.path);
        for member in ["operationId", "summary", "description"] {
            if call.operation.text_of(member).trim().is_empty() {
                findings.wrong(format!("{place}: no {member}"));
            }
        }
        if !names.insert(call.operation.text_of("operationId")) {
            findings.wrong(format!("{place}: its operationId is another call's too"));
        }
        if !tags.contains(&call.tag()) {
            findings.wrong(format!("{place}: its tag is not in the list of tags"));
        }
        for problem in problems(document, call) {
            findings.wrong(format!("{place}: {problem}"));
        }
    }
}

fn references(document: &Node, node: &Node, findings: &mut Findings) {
    if let Err(error) = document.resolve(node) {
        findings.wrong(error.to_string());
    }
    node.items().iter().for_each(|item| references(document, item, findings));
    for (name, value) in node.members() {
        if name.contains(' ') {
            findings.wrong(format!("a member is called \"{name}\": put the text that it belongs to in quotes"));
        }
        references(document, value, findings);
    }
}

fn problems(document: &Node, call: Call<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    for parameter in call.parameters(document).unwrap_or_default() {
        let name = parameter.text_of("name");
        if parameter.text_of("description").is_empty() {
            problems.push(format!("parameter {name} has no description"));
        }
        if let (Some(schema), Some(example)) = (parameter.get("schema"), parameter.get("example")) {
            problems.extend(misfit(document, schema, example).map(|why| format!("example of {name}: {why}")));
        }
    }
    let answers = call.operation.get("responses").map_or(&[][..], Node::members).iter();
    let answers = answers.filter_map(|(code, answer)| Some((code.as_str(), document.resolve(answer).ok()?)));
    let media = answers.flat_map(|(code, answer)| {
        let content = answer.get("content").map_or(&[][..], Node::members);
        content.iter().filter(|(kind, _)| kind == "application/json").map(move |(_, media)| (code, media))
    });
    let body = call.body(document).ok().flatten().map(|media| ("body", media));
    for (place, media) in media.chain(body) {
        let Some(schema) = media.get("schema") else {
            problems.push(format!("{place}: no schema"));
            continue;
        };
        for (_, example) in schema::examples(media) {
            problems.extend(misfit(document, schema, example).map(|why| format!("example of {place}: {why}")));
        }
    }
    problems
}

/// Why `value` is not what `schema` says; none when it is. Patterns are left to validators that know them.
fn misfit(document: &Node, schema: &Node, value: &Node) -> Option<String> {
    let schema = document.resolve(schema).ok()?;
    if *value == Node::Null && schema.is("nullable") {
        return None;
    }
    let choices = schema.get("oneOf").map_or(&[][..], Node::items);
    if !choices.is_empty() {
        let fitting = choices.iter().filter(|choice| misfit(document, choice, value).is_none()).count();
        return (fitting != 1).then(|| format!("{} fits {fitting} of the choices", value.to_json_line()));
    }
    let is_of_type = match schema.text_of("type") {
        "object" => matches!(value, Node::Map(_)),
        "array" => matches!(value, Node::List(_)),
        "string" => matches!(value, Node::Text(_)),
        "integer" => matches!(value, Node::Int(_)),
        "boolean" => matches!(value, Node::Bool(_)),
        _ => true,
    };
    if !is_of_type {
        return Some(format!("{} is no {}", value.to_json_line(), schema.text_of("type")));
    }
    if schema.get("enum").is_some_and(|list| !list.items().contains(value)) {
        return Some(format!("{} is not in the list", value.to_json_line()));
    }
    let missing =
        schema.get("required").map_or(&[][..], Node::items).iter().find(|name| value.get(name.text()).is_none());
    if let Some(name) = missing {
        return Some(format!("`{}` is missing", name.text()));
    }
    let known = schema.get("properties");
    for (name, member) in value.members() {
        match known.and_then(|known| known.get(name)) {
            Some(schema) => {
                if let Some(why) = misfit(document, schema, member) {
                    return Some(format!("`{name}`: {why}"));
                }
            }
            None if schema.text_of("type") == "object" && known.is_some() => {
                return Some(format!("`{name}` is not described"));
            }
            None => {}
        }
    }
    let items = schema.get("items");
    value.items().iter().find_map(|item| misfit(document, items?, item))
}
