//! Whether JSON is what a schema says, for tests: the part of JSON Schema that ours use.

use std::collections::BTreeMap;

use serde_json::Value;

/// What is wrong with `value`. References are looked up in `root`. A field is wrong, too, that no part of the schema names.
pub(crate) fn wrong(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(at) = schema["$ref"].as_str() {
        let found = at.strip_prefix('#').and_then(|path| root.pointer(path));
        return found.map_or_else(|| Some(format!("there is no {at}")), |schema| wrong(root, schema, value));
    }
    for choices in [&schema["oneOf"], &schema["anyOf"]].into_iter().filter_map(Value::as_array) {
        let found: Vec<String> = choices.iter().filter_map(|choice| wrong(root, choice, value)).collect();
        if found.len() == choices.len() || (schema["anyOf"].is_null() && found.len() + 1 != choices.len()) {
            return Some(format!("{} choices fit {value}: {found:?}", choices.len() - found.len()));
        }
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Some(format!("{value} is none of {words:?}"));
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        return Some(format!("{value} is not {}", schema["const"]));
    }
    if !is(&schema["type"], value) {
        return Some(format!("{value} is no {}", schema["type"]));
    }
    let limits = [("minimum", value.as_f64()), ("minLength", value.as_str().map(|text| text.len() as f64))];
    if limits.into_iter().any(|(name, found)| found.zip(schema[name].as_f64()).is_some_and(|(it, least)| it < least)) {
        return Some(format!("{value} is too small for {schema}"));
    }
    let limits = [("maximum", value.as_f64()), ("maxLength", value.as_str().map(|text| text.len() as f64))];
    if limits.into_iter().any(|(name, found)| found.zip(schema[name].as_f64()).is_some_and(|(it, most)| it > most)) {
        return Some(format!("{value} is too large for {schema}"));
    }
    match value {
        Value::Array(items) if !schema["items"].is_null() => {
            items.iter().find_map(|item| wrong(root, &schema["items"], item))
        }
        Value::Object(_) => object(root, schema, value),
        _ => None,
    }
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind {
        Value::String(kind) => match kind.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            _ => value.is_null(),
        },
        Value::Array(kinds) => kinds.iter().any(|kind| is(kind, value)),
        _ => true,
    }
}

/// What a schema, and those that are all to fit, say of the fields of an object.
#[derive(Default)]
struct Fields<'a> {
    known: BTreeMap<&'a str, &'a Value>,
    needed: Vec<&'a str>,
    /// What other fields are; nothing if any may be there.
    others: Option<&'a Value>,
}

impl<'a> Fields<'a> {
    fn add(&mut self, root: &'a Value, schema: &'a Value) {
        if let Some(found) = schema["$ref"].as_str().and_then(|at| root.pointer(at.strip_prefix('#')?)) {
            return self.add(root, found);
        }
        self.known.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, it)| (name.as_str(), it)));
        self.needed.extend(schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str));
        self.others = self.others.or_else(|| schema.get("additionalProperties"));
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.add(root, part);
        }
    }
}

fn object(root: &Value, schema: &Value, value: &Value) -> Option<String> {
    let (mut fields, found) = (Fields::default(), value.as_object()?);
    fields.add(root, schema);
    if let Some(missing) = fields.needed.iter().find(|name| !found.contains_key(**name)) {
        return Some(format!("{missing} is missing in {value}"));
    }
    if fields.known.is_empty() && fields.others.is_none() {
        return None;
    }
    found.iter().find_map(|(name, field)| match (fields.known.get(name.as_str()), fields.others) {
        (Some(known), _) => wrong(root, known, field).map(|wrong| format!("{name}: {wrong}")),
        (None, Some(Value::Object(_))) => wrong(root, fields.others?, field),
        (None, Some(Value::Bool(true))) => None,
        (None, _) => Some(format!("{name} is not known in {value}")),
    })
}
