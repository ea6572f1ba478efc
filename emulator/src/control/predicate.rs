//! What can be waited for: a small language over the description of a device or of a session. It ends always: there are no
//! loops, no calls, and nothing of the machine can be named.
//!
//! ```text
//! state == 'open' && remaining > 30s
//! !(prompt == 'approve') || tokens.0.pending
//! ```
//!
//! Names are those of the description, with dots for what is inside. Numbers may have a unit (`ms`, `s`, `m`, `h`) and are
//! seconds then. What has no value is `null`, which is neither more nor less than anything.

mod kinds;
mod parse;

use serde_json::Value;

use crate::suggest::nearest;
pub(super) use kinds::Scope;

/// Something that is true or not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Predicate {
    text: String,
    root: Node,
    atoms: Vec<Atom>,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Or(Vec<Self>),
    And(Vec<Self>),
    Not(Box<Self>),
    /// Its place among the atoms.
    Atom(usize),
}

/// A comparison, or a name that stands alone.
#[derive(Debug, Clone, PartialEq)]
struct Atom {
    text: String,
    left: Operand,
    compared: Option<(Comparison, Operand)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Name(Vec<String>),
    Constant(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// Why a predicate means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum PredicateError {
    /// It is not written as it must be.
    #[error("the predicate is not as it must be, at character {at}: {why}")]
    Syntax {
        /// From 1.
        at: usize,
        /// What was expected.
        why: &'static str,
    },
    /// It is too long, or too deep.
    #[error("the predicate is too long: at most 1000 characters, 64 comparisons and 32 levels of brackets")]
    TooLong,
    /// A comparison says nothing: it is always the same.
    #[error("{comparison} can never be: {why}")]
    Never {
        /// The comparison.
        comparison: String,
        /// Why it cannot be.
        why: String,
    },
    /// A name is none of what there is.
    #[error("the predicate asks for {name:?}, and there is only {}{}", known.join(", "), meant(name, known))]
    Name {
        /// The name.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
}

fn meant(name: &str, known: &[String]) -> String {
    let name = name.rsplit('.').next().unwrap_or(name);
    nearest(name, known.iter().map(String::as_str)).map(|near| format!(": did you mean {near:?}?")).unwrap_or_default()
}

/// What came of looking once.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Looked {
    /// Whether it is true.
    pub(super) is_true: bool,
    /// Each comparison with what it found on its left, and whether it is true.
    pub(super) atoms: Vec<(Value, bool)>,
}

impl Predicate {
    /// Reads one.
    ///
    /// # Errors
    /// [`PredicateError::Syntax`], [`PredicateError::TooLong`].
    pub(super) fn parse(text: &str) -> Result<Self, PredicateError> {
        parse::predicate(text)
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Its comparisons, as they were written.
    pub(super) fn comparisons(&self) -> impl Iterator<Item = &str> {
        self.atoms.iter().map(|atom| &*atom.text)
    }

    /// Whether one of its names has another value in a second, though nothing happens: `facts` are what they have now.
    pub(super) fn is_of_time(&self, facts: &Value) -> bool {
        let operands = self
            .atoms
            .iter()
            .flat_map(|atom| std::iter::once(&atom.left).chain(atom.compared.as_ref().map(|(_, right)| right)));
        operands.into_iter().any(|operand| operand.is_of_time(facts))
    }

    /// Whether it is true of `facts`.
    ///
    /// # Errors
    /// [`PredicateError::Name`].
    pub(super) fn look(&self, facts: &Value) -> Result<Looked, PredicateError> {
        let atoms = self.atoms.iter().map(|atom| atom.look(facts)).collect::<Result<Vec<_>, _>>()?;
        Ok(Looked { is_true: self.root.is_true(&atoms), atoms })
    }
}

impl Node {
    fn is_true(&self, atoms: &[(Value, bool)]) -> bool {
        match self {
            Self::Or(nodes) => nodes.iter().any(|node| node.is_true(atoms)),
            Self::And(nodes) => nodes.iter().all(|node| node.is_true(atoms)),
            Self::Not(node) => !node.is_true(atoms),
            Self::Atom(place) => atoms.get(*place).is_some_and(|(_, is_true)| *is_true),
        }
    }
}

impl Atom {
    fn look(&self, facts: &Value) -> Result<(Value, bool), PredicateError> {
        let left = self.left.value(facts)?;
        let is_true = match &self.compared {
            None => left == Value::Bool(true),
            Some((comparison, right)) => comparison.holds(&left, &right.value(facts)?),
        };
        Ok((left, is_true))
    }
}

impl Operand {
    /// What a clock shows and how old something is goes on always; how a token stands, only while that ends by itself.
    fn is_of_time(&self, facts: &Value) -> bool {
        let Self::Name(path) = self else { return false };
        let Some((name, around)) = path.split_last() else { return false };
        match name.as_str() {
            "now" => true,
            "age" => self.value(facts).is_ok_and(|age| age.is_number()),
            "state" | "remaining" => {
                let beside = around.iter().cloned().chain(["remaining".to_owned()]).collect();
                Self::Name(beside).value(facts).is_ok_and(|left| left.is_number())
            }
            _ => false,
        }
    }

    fn value(&self, facts: &Value) -> Result<Value, PredicateError> {
        let path = match self {
            Self::Constant(value) => return Ok(value.clone()),
            Self::Name(path) => path,
        };
        let mut value = facts;
        for (depth, name) in path.iter().enumerate() {
            let inner = match value {
                Value::Object(fields) => fields.get(name).ok_or_else(|| fields.keys().cloned().collect()),
                // A place that there is not yet may be there later.
                Value::Array(items) => match name.parse::<usize>() {
                    Ok(place) => Ok(items.get(place).unwrap_or(&Value::Null)),
                    Err(_) if name == "length" => return Ok(items.len().into()),
                    Err(_) => Err(vec!["length".to_owned(), "0".to_owned()]),
                },
                Value::Null => return Ok(Value::Null),
                _ => Err(Vec::new()),
            };
            value = inner.map_err(|known| PredicateError::Name { name: path[..=depth].join("."), known })?;
        }
        Ok(value.clone())
    }
}

impl Comparison {
    const fn is_of_numbers(self) -> bool {
        !matches!(self, Self::Equal | Self::Unequal)
    }

    fn holds(self, left: &Value, right: &Value) -> bool {
        let numbers = || Some((left.as_f64()?, right.as_f64()?));
        let is_equal = || numbers().map_or_else(|| left == right, |(left, right)| left.total_cmp(&right).is_eq());
        match self {
            Self::Equal => is_equal(),
            Self::Unequal => !is_equal(),
            Self::Less => numbers().is_some_and(|(left, right)| left < right),
            Self::AtMost => numbers().is_some_and(|(left, right)| left <= right),
            Self::More => numbers().is_some_and(|(left, right)| left > right),
            Self::AtLeast => numbers().is_some_and(|(left, right)| left >= right),
        }
    }
}

#[cfg(test)]
mod tests;
