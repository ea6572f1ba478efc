//! A value of YAML or JSON that keeps the order of its members.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use yaml_rust2::{Yaml, YamlLoader};

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Self>),
    Map(Vec<(String, Self)>),
}

impl Node {
    /// Reads one YAML document.
    ///
    /// # Errors
    ///
    /// It is no YAML, or uses more of it than a description needs: several documents, anchors, other keys than texts,
    /// fractions.
    pub(super) fn from_yaml(text: &str) -> Result<Self> {
        let mut documents = YamlLoader::load_from_str(text)?;
        if documents.len() != 1 {
            bail!("{} documents in one file", documents.len());
        }
        Self::convert(documents.remove(0))
    }

    fn convert(yaml: Yaml) -> Result<Self> {
        Ok(match yaml {
            Yaml::Null => Self::Null,
            Yaml::Boolean(value) => Self::Bool(value),
            Yaml::Integer(value) => Self::Int(value),
            Yaml::String(value) => Self::Text(value),
            Yaml::Array(items) => Self::List(items.into_iter().map(Self::convert).collect::<Result<_>>()?),
            Yaml::Hash(members) => {
                let member = |(key, value): (Yaml, Yaml)| match key {
                    Yaml::String(key) => Ok((key.clone(), Self::convert(value).with_context(|| key)?)),
                    other => bail!("a key that is no text: {other:?}"),
                };
                Self::Map(members.into_iter().map(member).collect::<Result<_>>()?)
            }
            other => bail!("a value that has no place in a description: {other:?}"),
        })
    }

    /// The member `name`, if this is a map that has it.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The members, none if this is no map.
    pub(super) fn members(&self) -> &[(String, Self)] {
        if let Self::Map(members) = self { members } else { &[] }
    }

    /// The items, none if this is no list.
    pub(super) fn items(&self) -> &[Self] {
        if let Self::List(items) = self { items } else { &[] }
    }

    /// The text, empty if this is none.
    pub(super) fn text(&self) -> &str {
        if let Self::Text(text) = self { text } else { "" }
    }

    /// The text of the member `name`, empty if there is none.
    pub(super) fn text_of(&self, name: &str) -> &str {
        self.get(name).map_or("", Self::text)
    }

    /// Whether the member `name` is true.
    pub(super) fn is(&self, name: &str) -> bool {
        self.get(name) == Some(&Self::Bool(true))
    }

    /// Follows `node` to what it refers to in this document, if it is a reference, and to what that refers to.
    ///
    /// # Errors
    ///
    /// A reference leads nowhere, or in a circle.
    pub(super) fn resolve<'a>(&'a self, node: &'a Self) -> Result<&'a Self> {
        let mut node = node;
        for _ in 0..8 {
            let Some(target) = node.get("$ref").map(Self::text) else { return Ok(node) };
            let path = target.strip_prefix("#/").with_context(|| format!("{target} leads out of the document"))?;
            let found = path.split('/').try_fold(self, |node, part| node.get(part));
            node = found.with_context(|| format!("{target} leads nowhere"))?;
        }
        bail!("a reference goes in a circle")
    }

    /// Indented JSON with a line break at the end.
    pub(super) fn to_json(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, Some(0));
        text.push('\n');
        text
    }

    /// JSON in one line.
    pub(super) fn to_json_line(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, None);
        text
    }

    fn write(&self, out: &mut String, depth: Option<usize>) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "{value}");
            }
            Self::Text(text) => quote(out, text),
            Self::List(items) => enclose(out, "[]", depth, items, |out, depth, item| item.write(out, depth)),
            Self::Map(members) => enclose(out, "{}", depth, members, |out, depth, (key, value)| {
                quote(out, key);
                out.push_str(if depth.is_some() { ": " } else { ":" });
                value.write(out, depth);
            }),
        }
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A map from pairs.
pub(super) fn map<const N: usize>(members: [(&str, Node); N]) -> Node {
    Node::Map(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn enclose<T>(
    out: &mut String,
    brackets: &str,
    depth: Option<usize>,
    items: &[T],
    write: impl Fn(&mut String, Option<usize>, &T),
) {
    let (open, close) = brackets.split_at(1);
    let line = |out: &mut String, depth: Option<usize>| {
        if let Some(depth) = depth {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    out.push_str(open);
    let inner = depth.map(|depth| depth + 1);
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        line(out, inner);
        write(out, inner, item);
    }
    if !items.is_empty() {
        line(out, depth);
    }
    out.push_str(close);
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            character if character.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            character => out.push(character),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_becomes_json_in_the_same_order() {
        let node = Node::from_yaml("b: [1, 'x\"y', null]\na: {c: true, d: {}}\n").unwrap();
        assert_eq!(node.to_json_line(), r#"{"b":[1,"x\"y",null],"a":{"c":true,"d":{}}}"#);
        assert_eq!(node.get("a").unwrap().to_json(), "{\n  \"c\": true,\n  \"d\": {}\n}\n");
    }

    #[test]
    fn references_are_followed_within_the_document_only() {
        let node = Node::from_yaml("a: {$ref: '#/b'}\nb: {$ref: '#/c/d'}\nc: {d: 7}\ne: {$ref: '#/e'}").unwrap();
        assert_eq!(node.resolve(node.get("a").unwrap()).unwrap(), &Node::Int(7));
        assert!(node.resolve(node.get("e").unwrap()).is_err());
        for broken in ["a: {$ref: '#/x'}", "a: {$ref: 'other.yaml#/x'}"] {
            let node = Node::from_yaml(broken).unwrap();
            assert!(node.resolve(node.get("a").unwrap()).is_err(), "{broken}");
        }
    }

    #[test]
    fn yaml_that_is_more_than_a_description_is_refused() {
        for text in ["a: 1.5", "1: a", "a: b\n---\nc: d", "a: [", ""] {
            assert!(Node::from_yaml(text).is_err(), "{text:?}");
        }
    }
}
