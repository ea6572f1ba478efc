//! What the schema of scenarios says.

use std::fmt::Write as _;

use serde_json::Value;

use super::cell;

const SCHEMA: &str = include_str!("../../scenario/schema.json");

/// The fields of a scenario, of a step, and of what is expected.
pub(super) fn scenarios(text: &mut String) {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    *text += "## Steps of scenarios\n\n[scenarios.md](scenarios.md) says what they do; `scenario schema` prints the whole \
              schema, for editors.\n\n";
    for (title, place) in [
        ("field of a file", &schema["properties"]),
        ("step", &schema["$defs"]["step"]["properties"]),
        ("what is expected", &schema["$defs"]["expect"]["properties"]),
    ] {
        // Writing to a text does not fail.
        let _ = write!(text, "| {title} | takes |\n|---|---|\n");
        for (name, member) in place.as_object().into_iter().flatten() {
            let _ = writeln!(text, "| `{name}` | {} |", cell(&shape(&schema, member, 0)));
        }
        text.push('\n');
    }
}

/// What can stand there.
fn shape(schema: &Value, member: &Value, depth: usize) -> String {
    if let Some(name) = member["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
        return match (name, &schema["$defs"][name]) {
            ("outcome" | "net" | "status", inner) if depth == 0 => shape(schema, inner, depth + 1),
            _ => name.to_owned(),
        };
    }
    if let Some(choices) = member["oneOf"].as_array() {
        let mut shapes: Vec<String> = choices.iter().map(|choice| shape(schema, choice, depth + 1)).collect();
        shapes.dedup();
        return shapes.join(", or ");
    }
    if let Some(words) = member["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("`{}`", word.as_str().unwrap_or_default()))
            .collect::<Vec<_>>()
            .join(", ");
    }
    if let Some(fixed) = member.get("const") {
        return format!("`{fixed}`");
    }
    match member["type"].as_str() {
        Some("array") => format!("list of: {}", shape(schema, &member["items"], depth + 1)),
        Some("object") if member["properties"].is_object() => {
            let needed: Vec<&str> =
                member["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let names = member["properties"].as_object().into_iter().flatten().map(|(name, _)| {
                if needed.contains(&name.as_str()) { format!("`{name}`") } else { format!("[`{name}`]") }
            });
            format!("{{{}}}", names.collect::<Vec<_>>().join(", "))
        }
        Some("object") => match &member["additionalProperties"] {
            inner @ Value::Object(_) => format!("for each name: {}", shape(schema, inner, depth + 1)),
            _ => "object".to_owned(),
        },
        Some(kind) => kind.to_owned(),
        None => member["type"].as_array().map_or_else(String::new, |_| "text or number".to_owned()),
    }
}
