//! Schemas in words, and calls as a list.

use anyhow::Result;

use super::node::Node;

/// One call of the API.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) path: &'a str,
    /// In lower case, as in the description.
    pub(super) method: &'a str,
    pub(super) operation: &'a Node,
}

impl<'a> Call<'a> {
    /// The name of its tag.
    pub(super) fn tag(&self) -> &'a str {
        self.operation.get("tags").and_then(|tags| tags.items().first()).map_or("", Node::text)
    }

    /// Whether it needs an authkey.
    pub(super) fn needs_authkey(&self) -> bool {
        self.operation.get("security").is_none_or(|security| !security.items().is_empty())
    }

    /// The JSON media type of its body, if it has one.
    pub(super) fn body(&self, document: &'a Node) -> Result<Option<&'a Node>> {
        let Some(body) = self.operation.get("requestBody") else { return Ok(None) };
        let body = document.resolve(body)?;
        Ok(body.get("content").and_then(|content| content.get("application/json")))
    }

    /// Its parameters, resolved.
    pub(super) fn parameters(&self, document: &'a Node) -> Result<Vec<&'a Node>> {
        let list = self.operation.get("parameters").map_or(&[][..], Node::items);
        list.iter().map(|parameter| document.resolve(parameter)).collect()
    }
}

/// Every call, in the order of the description.
pub(super) fn calls(document: &Node) -> Vec<Call<'_>> {
    let paths = document.get("paths").map_or(&[][..], Node::members);
    let each = paths.iter().flat_map(|(path, methods)| {
        methods.members().iter().map(move |(method, operation)| Call { path, method, operation })
    });
    each.collect()
}

/// The examples of a media type or parameter: name or summary, and value.
pub(super) fn examples(media: &Node) -> Vec<(&str, &Node)> {
    let named = media.get("examples").map_or(&[][..], Node::members);
    let named = named.iter().filter_map(|(name, example)| {
        let summary = example.text_of("summary");
        Some((if summary.is_empty() { name } else { summary }, example.get("value")?))
    });
    media.get("example").map(|value| ("", value)).into_iter().chain(named).collect()
}

/// What a value of `schema` looks like, in a few words. A named schema is called by its name.
pub(super) fn kind(schema: &Node) -> String {
    if let Some(target) = schema.get("$ref") {
        return target.text().rsplit('/').next().unwrap_or_default().to_owned();
    }
    let choices = schema.get("oneOf").map_or(&[][..], Node::items);
    if !choices.is_empty() {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let fixed = schema.get("enum").map_or(&[][..], Node::items);
    let mut words = match (schema.text_of("type"), fixed) {
        ("array", _) => format!("list of {}", schema.get("items").map_or_else(|| "anything".to_owned(), kind)),
        (_, [one]) => word(one),
        (_, [_, ..]) => format!("one of {}", fixed.iter().map(word).collect::<Vec<_>>().join(", ")),
        ("string", _) => "text".to_owned(),
        (name, _) => name.to_owned(),
    };
    let number = |name: &str| schema.get(name).map(Node::to_json_line);
    let range = |words: &mut String, low: Option<String>, high: Option<String>, unit: &str| match (low, high) {
        (Some(low), Some(high)) => *words += &format!(", {low} to {high}{unit}"),
        (Some(low), None) if low != "0" => *words += &format!(", at least {low}{unit}"),
        (None, Some(high)) => *words += &format!(", at most {high}{unit}"),
        _ => {}
    };
    range(&mut words, number("minimum"), number("maximum"), "");
    range(&mut words, number("minLength"), number("maxLength"), " long");
    range(&mut words, number("minItems"), number("maxItems"), " items");
    if let Some(pattern) = schema.get("pattern") {
        words += &format!(", {}", pattern.text());
    }
    if let Some(default) = schema.get("default") {
        words += &format!(", {} unless given", word(default));
    }
    if schema.is("nullable") {
        words += ", or null";
    }
    words
}

fn word(value: &Node) -> String {
    if let Node::Text(text) = value { text.clone() } else { value.to_json_line() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_told_in_words() {
        for (schema, words) in [
            ("{type: string}", "text"),
            ("{type: string, minLength: 1, maxLength: 9}", "text, 1 to 9 long"),
            ("{type: integer, minimum: 0, maximum: 4, default: 2}", "integer, 0 to 4, 2 unless given"),
            ("{type: integer, minimum: 0}", "integer"),
            ("{type: boolean, enum: [true]}", "true"),
            ("{type: string, enum: [a, b], nullable: true}", "one of a, b, or null"),
            ("{type: array, maxItems: 3, items: {$ref: '#/x/Thing'}}", "list of Thing, at most 3 items"),
            ("{oneOf: [{$ref: '#/x/A'}, {type: string}]}", "A or text"),
        ] {
            assert_eq!(kind(&Node::from_yaml(schema).unwrap()), words);
        }
    }
}
