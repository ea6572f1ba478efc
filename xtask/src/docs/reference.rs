//! The PDF reference: cover and introduction, contents, a section for each call, the schemas, the errors.

use std::collections::BTreeMap;

use anyhow::Result;

use super::markdown::{inline, write as markdown};
use super::node::Node;
use super::pdf::{BLACK, BLUE, Color, Flow, Font, GRAY, Run};
use super::schema::{self, Call};

const SIZE: f32 = 10.0;
const GET: Color = [0.09, 0.42, 0.64];
const POST: Color = [0.11, 0.47, 0.31];

/// The file.
///
/// # Errors
///
/// A reference in `document` leads nowhere.
pub(super) fn write(document: &Node) -> Result<Vec<u8>> {
    let title = document.get("info").map_or("", |info| info.text_of("title"));
    // The contents name pages that are known only when everything is laid out; they take the same room with any number.
    let numbers = lay_out(document, &BTreeMap::new())?.page_numbers();
    Ok(lay_out(document, &numbers)?.finish(title))
}

fn lay_out(document: &Node, numbers: &BTreeMap<String, usize>) -> Result<Flow> {
    let info = document.get("info").unwrap_or(&Node::Null);
    let title = format!("{} {}", info.text_of("title"), info.text_of("version"));
    let mut flow = Flow::new(&title);
    flow.space(0.0);
    flow.title(info.text_of("title"), 26.0, BLACK);
    flow.paragraph(
        &[Run::new(format!("Reference for version {}", info.text_of("version")), Font::Plain).colored(GRAY)],
        12.0,
    );
    flow.space(10.0);
    markdown(&mut flow, info.text_of("description"));

    let calls = schema::calls(document);
    let tags = document.get("tags").map_or(&[][..], Node::items);
    flow.page();
    contents(&mut flow, tags, &calls, numbers);
    for tag in tags {
        let name = tag.text_of("name");
        let mut of_tag = calls.iter().filter(|call| call.tag() == name).peekable();
        if of_tag.peek().is_none() {
            continue;
        }
        flow.page();
        flow.mark(&format!("tag {name}"), 0, name);
        flow.title(name, 20.0, BLACK);
        flow.paragraph(&[Run::new(tag.text_of("description"), Font::Plain).colored(GRAY)], 11.0);
        for call in of_tag {
            flow.space(16.0);
            write_call(&mut flow, document, *call)?;
        }
    }
    write_schemas(&mut flow, document)?;
    write_errors(&mut flow, document);
    Ok(flow)
}

fn contents(flow: &mut Flow, tags: &[Node], calls: &[Call<'_>], numbers: &BTreeMap<String, usize>) {
    flow.title("Contents", 20.0, BLACK);
    flow.space(6.0);
    let number = |place: &str| numbers.get(place).map_or_else(|| "0".to_owned(), ToString::to_string);
    let chapter = |flow: &mut Flow, place: &str, name: &str| {
        flow.space(5.0);
        flow.need(32.0);
        let run = Run { link: Some(place.to_owned()), ..Run::new(name, Font::Bold) };
        flow.entry(run, &number(place), 10.0, 0.0);
    };
    for tag in tags {
        let name = tag.text_of("name");
        chapter(flow, &format!("tag {name}"), name);
        for call in calls.iter().filter(|call| call.tag() == name) {
            let place = place_of(*call);
            let text = format!("{} {}   {}", call.method.to_uppercase(), call.path, call.operation.text_of("summary"));
            let run = Run { link: Some(place.clone()), ..Run::new(text, Font::Plain) };
            flow.entry(run, &number(&place), 9.2, 12.0);
        }
    }
    chapter(flow, "schemas", "Schemas");
    chapter(flow, "errors", "Errors");
}

fn place_of(call: Call<'_>) -> String {
    format!("call {}", call.operation.text_of("operationId"))
}

fn write_call(flow: &mut Flow, document: &Node, call: Call<'_>) -> Result<()> {
    let summary = call.operation.text_of("summary");
    flow.need(190.0);
    flow.mark(&place_of(call), 1, summary);
    flow.title(summary, 13.5, BLACK);
    let method = call.method.to_uppercase();
    flow.badge(&method, if method == "GET" { GET } else { POST }, call.path);
    let permission = call.operation.text_of("x-permission");
    let needs = if permission.is_empty() {
        vec![Run::new("No authkey needed.", Font::Plain).colored(GRAY)]
    } else {
        vec![Run::new("Permission ", Font::Plain).colored(GRAY), Run::new(permission, Font::Code)]
    };
    flow.paragraph(&needs, 9.0);
    markdown(flow, call.operation.text_of("description"));

    let parameters = call.parameters(document)?;
    if !parameters.is_empty() {
        let row = |parameter: &&Node| {
            let name = parameter.text_of("name");
            let place = if parameter.text_of("in") == "header" { " (header)" } else { "" };
            let schema = parameter.get("schema").unwrap_or(&Node::Null);
            row(document, &format!("{name}{place}"), schema, parameter.is("required"), parameter.text_of("description"))
        };
        let rows: Vec<Vec<Vec<Run>>> = parameters.iter().map(row).collect::<Result<_>>()?;
        flow.table(&[2.2, 3.0, 4.2], &["Parameter", "Value", "Meaning"], &rows);
    }
    let body = call.body(document)?;
    if let Some(schema) = body.and_then(|body| body.get("schema")) {
        members(flow, document, document.resolve(schema)?, "Member")?;
    }
    example_of_request(flow, call, &parameters, body);
    answers(flow, document, call)
}

/// A curl command that can be changed and pasted.
fn example_of_request(flow: &mut Flow, call: Call<'_>, parameters: &[&Node], body: Option<&Node>) {
    let host = "https://cardea.example";
    match body.and_then(|body| schema::examples(body).into_iter().next()) {
        Some((_, value)) => {
            let text = format!("curl -s {host}{} \\\n  -d '{}'", call.path, value.to_json_line());
            flow.code(&text);
        }
        None if !call.needs_authkey() => flow.code(&format!("curl -s {host}{}", call.path)),
        None => {
            let needed =
                parameters.iter().filter(|parameter| parameter.is("required") && parameter.text_of("in") == "query");
            let pair =
                |parameter: &&Node| Some(format!("{}={}", parameter.text_of("name"), parameter.get("example")?.text()));
            let mut query: Vec<String> = needed.filter_map(pair).collect();
            if query.is_empty() {
                let first = parameters
                    .iter()
                    .find(|parameter| ["service", "subscription"].contains(&parameter.text_of("name")));
                query.extend(first.and_then(pair));
            }
            let mark = if query.is_empty() { "" } else { "?" };
            flow.code(&format!(
                "curl -s -H 'Authorization: apikey KEY' \\\n  '{host}{}{mark}{}'",
                call.path,
                query.join("&")
            ));
        }
    }
}

fn answers(flow: &mut Flow, document: &Node, call: Call<'_>) -> Result<()> {
    let mut errors = Vec::new();
    for (code, answer) in call.operation.get("responses").map_or(&[][..], Node::members) {
        let answer = document.resolve(answer)?;
        let content = answer.get("content").and_then(|content| content.members().first());
        let own = code.starts_with('2') || content.is_some_and(|(_, media)| media.get("examples").is_some());
        if !own {
            errors.push(code.as_str());
            continue;
        }
        flow.need(48.0);
        let mut line = vec![Run::new(format!("{code}  "), Font::Bold)];
        line.extend(inline(answer.text_of("description")));
        if let Some(schema) = content.and_then(|(_, media)| media.get("schema")) {
            line.extend(reference(schema, " See "));
        }
        flow.paragraph(&line, SIZE);
        let Some((_, media)) = content else { continue };
        if let Some(schema) = media.get("schema")
            && schema.get("$ref").is_none()
            && says_more(document, schema)
        {
            members(flow, document, schema, "Member")?;
        }
        let examples = schema::examples(media);
        let shown: Vec<String> = examples
            .iter()
            .map(|(_, value)| if let Node::Text(text) = value { text.clone() } else { value.to_json_line() })
            .collect();
        if !shown.is_empty() {
            flow.code(&shown.join("\n"));
        }
    }
    if !errors.is_empty() {
        let mut line = vec![Run::new(errors.join("  "), Font::Bold), Run::new("  see ", Font::Plain)];
        line.push(Run::new("Errors", Font::Plain).to("errors"));
        flow.paragraph(&line, 9.0);
    }
    Ok(())
}

/// Whether a table of the members says more than the example does.
fn says_more(document: &Node, schema: &Node) -> bool {
    let members = schema.get("properties").map_or(&[][..], Node::members);
    members
        .iter()
        .any(|(_, member)| document.resolve(member).is_ok_and(|member| !member.text_of("description").is_empty()))
}

/// The names of the schemas that `schema` consists of, as links.
fn reference(schema: &Node, before: &str) -> Vec<Run> {
    let choices = schema.get("oneOf").map_or(&[][..], Node::items);
    let all: Vec<&Node> = std::iter::once(schema).chain(choices).filter(|node| node.get("$ref").is_some()).collect();
    let mut runs = Vec::new();
    for (number, node) in all.into_iter().enumerate() {
        let name = schema::kind(node);
        runs.push(Run::new(if number == 0 { before } else { " or " }, Font::Plain));
        runs.push(Run::new(name.as_str(), Font::Plain).to(&format!("schema {name}")));
    }
    if !runs.is_empty() {
        runs.push(Run::new(".", Font::Plain));
    }
    runs
}

fn members(flow: &mut Flow, document: &Node, schema: &Node, word: &str) -> Result<()> {
    let mut rows = Vec::new();
    member_rows(document, schema, "", &mut rows)?;
    if !rows.is_empty() {
        flow.table(&[2.2, 3.0, 4.2], &[word, "Value", "Meaning"], &rows);
    }
    Ok(())
}

/// A row for each member, and after one that is an object without a name of its own a row for each of its members.
fn member_rows(document: &Node, schema: &Node, before: &str, rows: &mut Vec<Vec<Vec<Run>>>) -> Result<()> {
    let required: Vec<&str> = schema.get("required").map_or(&[][..], Node::items).iter().map(Node::text).collect();
    for (name, member) in schema.get("properties").map_or(&[][..], Node::members) {
        let described = document.resolve(member)?.text_of("description");
        let full = format!("{before}{name}");
        rows.push(row(document, &full, member, required.contains(&name.as_str()), described)?);
        member_rows(document, member, &format!("{full}."), rows)?;
    }
    Ok(())
}

fn row(document: &Node, name: &str, schema: &Node, required: bool, meaning: &str) -> Result<Vec<Vec<Run>>> {
    let mut first = vec![Run::new(name, if required { Font::CodeBold } else { Font::Code })];
    if !required {
        first.push(Run::new(" optional", Font::Plain).colored(GRAY));
    }
    let resolved = document.resolve(schema)?;
    let is_object = |node: &Node| matches!(node.text_of("type"), "object");
    let is_long = resolved.get("enum").is_some_and(|list| list.items().len() > 6);
    let named = schema.get("$ref").is_some() && (is_object(resolved) || is_long || resolved.get("oneOf").is_some());
    let of_items = schema.get("items").filter(|items| items.get("$ref").is_some());
    let value = match of_items {
        _ if named => vec![link(schema)],
        Some(items) if document.resolve(items).is_ok_and(is_object) => {
            vec![Run::new("list of ", Font::Plain), link(items)]
        }
        _ if schema.get("$ref").is_some() => vec![Run::new(schema::kind(resolved), Font::Plain)],
        _ => vec![Run::new(schema::kind(schema), Font::Plain)],
    };
    Ok(vec![first, value, inline(meaning)])
}

fn link(schema: &Node) -> Run {
    let name = schema::kind(schema);
    let place = format!("schema {name}");
    Run::new(name, Font::Plain).to(&place)
}

fn write_schemas(flow: &mut Flow, document: &Node) -> Result<()> {
    let schemas = document.get("components").and_then(|components| components.get("schemas"));
    flow.page();
    flow.mark("schemas", 0, "Schemas");
    flow.title("Schemas", 20.0, BLACK);
    for (name, schema) in schemas.map_or(&[][..], Node::members) {
        flow.space(12.0);
        flow.need(80.0);
        flow.mark(&format!("schema {name}"), 1, name);
        flow.title(name, 12.0, BLUE);
        if schema.text_of("type") != "object" {
            flow.paragraph(&[Run::new(schema::kind(schema), Font::Plain).colored(GRAY)], 9.4);
        }
        if !schema.text_of("description").is_empty() {
            flow.paragraph(&inline(schema.text_of("description")), SIZE);
        }
        members(flow, document, schema, "Member")?;
    }
    Ok(())
}

fn write_errors(flow: &mut Flow, document: &Node) {
    flow.page();
    flow.mark("errors", 0, "Errors");
    flow.title("Errors", 20.0, BLACK);
    let codes = ["components", "schemas", "ErrorName", "x-codes"];
    let list = codes.iter().try_fold(document, |node, name| node.get(name)).map_or(&[][..], Node::items);
    let cell = |error: &Node, name: &str, font| {
        let value = error.get(name).unwrap_or(&Node::Null);
        vec![Run::new(if let Node::Text(text) = value { text.clone() } else { value.to_json_line() }, font)]
    };
    let rows: Vec<Vec<Vec<Run>>> = list
        .iter()
        .map(|error| {
            vec![
                cell(error, "status", Font::Bold),
                cell(error, "error", Font::Code),
                cell(error, "code", Font::Plain),
                inline(error.text_of("meaning")),
            ]
        })
        .collect();
    flow.paragraph(&inline("The HTTP status, the member `error`, the member `code`, and what it means. None of them is ever an open token."), SIZE);
    flow.table(&[1.0, 2.4, 1.2, 5.0], &["Status", "error", "code", "Meaning"], &rows);
}
