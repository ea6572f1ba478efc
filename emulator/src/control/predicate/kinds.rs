//! What names can have, as the description of the API says: what can never be true is told before anybody waits for it.

use serde_json::Value;

use super::{Atom, Operand, Predicate, PredicateError};
use crate::suggest::nearest;

/// What names begin at.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Scope {
    /// A device.
    Device,
    /// A session, in which the first name is that of a device.
    Session,
}

/// What a name can have, besides nothing.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Boolean,
    Number,
    Text,
    /// One of these.
    Word(Vec<String>),
    /// Something that has more names in it.
    Inner,
}

impl Kind {
    fn named(&self) -> &'static str {
        match self {
            Self::Boolean => "true or false",
            Self::Number => "a number",
            Self::Text | Self::Word(_) => "a text",
            Self::Inner => "something that has more in it",
        }
    }

    /// Whether one of this kind can be equal to one of that.
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text | Self::Word(_), Self::Text | Self::Word(_)) => true,
            _ => self == other,
        }
    }
}

impl Predicate {
    /// Whether each of its comparisons can be true, and can be false.
    ///
    /// # Errors
    /// [`PredicateError::Never`]. Names that there are not are found by looking.
    pub(in super::super) fn check(&self, scope: Scope, description: &Value) -> Result<(), PredicateError> {
        self.atoms.iter().try_for_each(|atom| {
            atom.check(scope, description).map_err(|why| PredicateError::Never { comparison: atom.text.clone(), why })
        })
    }
}

impl Atom {
    fn check(&self, scope: Scope, description: &Value) -> Result<(), String> {
        let operands = [Some(&self.left), self.compared.as_ref().map(|(_, right)| right)];
        if matches!(scope, Scope::Session) && operands.into_iter().flatten().any(Operand::is_bare) {
            return Err("in a session, names are those of a device and of what it has, as in phone.state".to_owned());
        }
        let kind = |operand: &Operand| kind(operand, scope, description);
        let left = kind(&self.left);
        let Some((comparison, right)) = &self.compared else {
            return match left {
                Some(Kind::Boolean) | None => Ok(()),
                Some(other) => Err(format!("it is {}, and is to be compared with something", other.named())),
            };
        };
        let right_kind = kind(right);
        if comparison.is_of_numbers()
            && let Some(kind) = [&left, &right_kind].into_iter().flatten().find(|kind| **kind != Kind::Number)
        {
            return Err(format!("only numbers are more or less, and this is {}", kind.named()));
        }
        let (Some(left), Some(right_kind)) = (left, right_kind) else { return Ok(()) };
        if !left.meets(&right_kind) {
            return Err(format!("{} is never {}", left.named(), right_kind.named()));
        }
        for (words, constant) in [(&left, right), (&right_kind, &self.left)] {
            if let (Kind::Word(words), Operand::Constant(Value::String(text))) = (words, constant)
                && !words.contains(text)
            {
                let meant = nearest(text, words.iter().map(String::as_str));
                let meant = meant.map(|near| format!(": did you mean {near:?}?")).unwrap_or_default();
                return Err(format!("it is one of {}{meant}", words.join(", ")));
            }
        }
        Ok(())
    }
}

impl Operand {
    /// A name that is alone.
    fn is_bare(&self) -> bool {
        matches!(self, Self::Name(path) if path.len() == 1)
    }
}

/// What this can have; nothing if nobody says it, or it is null.
fn kind(operand: &Operand, scope: Scope, description: &Value) -> Option<Kind> {
    let path = match operand {
        Operand::Constant(Value::Bool(_)) => return Some(Kind::Boolean),
        Operand::Constant(Value::Number(_)) => return Some(Kind::Number),
        Operand::Constant(Value::String(_)) => return Some(Kind::Text),
        Operand::Constant(_) => return None,
        Operand::Name(path) => path,
    };
    let path = match scope {
        Scope::Device => path.as_slice(),
        Scope::Session => path.get(1..)?,
    };
    let mut schema = &description["components"]["schemas"]["DeviceView"];
    for name in path {
        let inner = parts(schema, description).find_map(|part| match part["items"].is_object() {
            true if name == "length" => Some(None),
            true => name.parse::<usize>().ok().map(|_| Some(&part["items"])),
            false => part["properties"].get(name).map(Some),
        });
        match inner? {
            Some(inner) => schema = inner,
            None => return Some(Kind::Number),
        }
    }
    parts(schema, description).find_map(|part| {
        let is = |name: &str| {
            part["type"] == name || part["type"].as_array().is_some_and(|all| all.iter().any(|it| it == name))
        };
        let words =
            || part["enum"].as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
        match () {
            () if is("boolean") => Some(Kind::Boolean),
            () if is("integer") || is("number") => Some(Kind::Number),
            () if is("string") => Some(words().map_or(Kind::Text, Kind::Word)),
            () if is("object") || is("array") => Some(Kind::Inner),
            () => None,
        }
    })
}

/// A schema, and those that it is made of.
fn parts<'a>(schema: &'a Value, description: &'a Value) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
    let named = schema["$ref"].as_str().and_then(|name| description.pointer(name.strip_prefix('#')?));
    let made = ["allOf", "oneOf"].into_iter().filter_map(|of| schema[of].as_array()).flatten();
    Box::new(std::iter::once(schema).chain(named.into_iter().chain(made).flat_map(|it| parts(it, description))))
}
