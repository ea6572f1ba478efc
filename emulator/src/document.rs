//! Files that people write: scenarios and the stub's scripts, in YAML, of which JSON is a part. Strict, so that a slip is
//! found and not taken for something else: no unknown fields, nothing twice, no anchors, aliases or tags.

mod words;

use std::fmt;
use std::time::Duration;

use yaml_rust2::parser::{Event, Parser};
use yaml_rust2::scanner::{Marker, TScalarStyle};

pub(crate) use words::did_you_mean;

/// Longest file, in bytes.
pub(crate) const LONGEST: usize = 1 << 20;
/// Deepest nesting.
const DEEPEST: usize = 32;
/// Most values in a file.
const MOST: usize = 100_000;
/// Longest time that can be written: a hundred years.
const LONGEST_TIME: u64 = 100 * 366 * 86_400;

/// A place in a file, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

impl From<&Marker> for Place {
    fn from(marker: &Marker) -> Self {
        Self { line: marker.line(), column: marker.col() + 1 }
    }
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct DocumentError {
    /// Where.
    pub place: Place,
    /// What, and what to write instead.
    pub message: String,
}

/// A value in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// Text as it stands there, and whether it was without quotation marks: then it may be a number or the like.
    Scalar { text: String, is_plain: bool },
    /// Several, one after the other.
    List(Vec<Node>),
    /// Several with names, in the order in which they stand there.
    Map(Vec<(Name, Node)>),
}

/// The name of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) place: Place,
    pub(crate) text: String,
}

/// Reads a file.
pub(crate) fn read(text: &str) -> Result<Node, DocumentError> {
    let start = Place { line: 1, column: 1 };
    if text.len() > LONGEST {
        return Err(start.error(format!("the file is longer than {LONGEST} bytes")));
    }
    let mut reader = Reader { parser: Parser::new_from_str(text), seen: 0 };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart, _) => {}
            (Event::StreamEnd | Event::DocumentEnd, place) => return Err(place.error("there is nothing in the file")),
            (event, place) => {
                let node = reader.node(event, place, 0)?;
                if node.is_null() {
                    return Err(place.error("there is nothing in the file"));
                }
                return match (reader.next()?, reader.next()?) {
                    ((Event::DocumentEnd, _), (Event::StreamEnd, _)) => Ok(node),
                    (_, (_, place)) => {
                        Err(place.error("there is more than one document in the file: use several files"))
                    }
                };
            }
        }
    }
}

struct Reader<'a> {
    parser: Parser<std::str::Chars<'a>>,
    seen: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<(Event, Place), DocumentError> {
        let next = self.parser.next_token();
        let (event, marker) = next.map_err(|error| Place::from(error.marker()).error(error.info()))?;
        Ok((event, Place::from(&marker)))
    }

    /// The value that begins with `event`. Goes no deeper than allowed, so that a file cannot use up the stack.
    fn node(&mut self, event: Event, place: Place, depth: usize) -> Result<Node, DocumentError> {
        self.seen += 1;
        if self.seen > MOST || depth > DEEPEST {
            return Err(place.error("there is too much in the file, or too deep in one another"));
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag) | Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                (*anchor != 0, tag.is_some())
            }
            _ => (true, false),
        };
        if anchor || tag {
            return Err(place.error("anchors, aliases and tags (&, *, !) are not used here: write it out"));
        }
        let value = match event {
            Event::Scalar(text, style, ..) => Value::Scalar { text, is_plain: style == TScalarStyle::Plain },
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, place) => items.push(self.node(event, place, depth + 1)?),
                    }
                }
                Value::List(items)
            }
            _ => {
                let mut fields: Vec<(Name, Node)> = Vec::new();
                loop {
                    let name = match self.next()? {
                        (Event::MappingEnd, _) => break,
                        (Event::Scalar(text, _, 0, None), place) => Name { place, text },
                        (_, place) => return Err(place.error("a name must be plain text")),
                    };
                    if fields.iter().any(|(other, _)| other.text == name.text) {
                        return Err(name.place.error(format!("`{}` is there twice", name.text)));
                    }
                    let (event, place) = self.next()?;
                    fields.push((name, self.node(event, place, depth + 1)?));
                }
                Value::Map(fields)
            }
        };
        let place = match &value {
            // The reader has the place of its first colon.
            Value::Map(fields) => fields.first().map_or(place, |(name, _)| name.place),
            _ => place,
        };
        Ok(Node { place, value })
    }
}

impl Place {
    /// An error here.
    pub(crate) fn error(self, message: impl Into<String>) -> DocumentError {
        DocumentError { place: self, message: message.into() }
    }
}

impl Node {
    pub(crate) fn error(&self, message: impl Into<String>) -> DocumentError {
        self.place.error(message)
    }

    /// Whether there is nothing, or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, is_plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }

    /// Text, however it is written: a user may be called 7.
    pub(crate) fn text(&self) -> Result<&str, DocumentError> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Ok(text),
            _ => Err(self.error("a text is needed here")),
        }
    }

    fn plain(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, is_plain: true } => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    pub(crate) fn number(&self) -> Result<u64, DocumentError> {
        let number = self.plain().and_then(|text| text.parse().ok());
        number.ok_or_else(|| self.error("a whole number from 0 is needed here"))
    }

    /// A number that fits.
    pub(crate) fn small<T: TryFrom<u64>>(&self, what: &str) -> Result<T, DocumentError> {
        T::try_from(self.number()?).map_err(|_| self.error(format!("{what} cannot be so large")))
    }

    /// A number from 0 to 1.
    pub(crate) fn fraction(&self) -> Result<f64, DocumentError> {
        let number = self.plain().and_then(|text| text.parse::<f64>().ok()).filter(|it| (0.0..=1.0).contains(it));
        number.ok_or_else(|| self.error("a number from 0 to 1 is needed here"))
    }

    /// How long: `250ms`, `2s`, `10m`, `1h`, `7d`.
    pub(crate) fn duration(&self) -> Result<Duration, DocumentError> {
        let needed = || self.error("a time is needed here, with its unit: 250ms, 2s, 10m, 1h or 7d");
        let text = self.text()?;
        let digits = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(needed)?;
        let number: u64 = text[..digits].parse().map_err(|_| needed())?;
        let unit = match &text[digits..] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3_600),
            "d" => Duration::from_secs(86_400),
            _ => return Err(needed()),
        };
        let time = u32::try_from(number).ok().and_then(|number| unit.checked_mul(number));
        time.filter(|time| time.as_secs() <= LONGEST_TIME).ok_or_else(|| self.error("nothing takes so long"))
    }

    /// Whole seconds: `2s`, `10m`, `1h`, `7d`.
    pub(crate) fn seconds(&self) -> Result<u64, DocumentError> {
        let time = self.duration()?;
        if time.subsec_nanos() == 0 { Ok(time.as_secs()) } else { Err(self.error("whole seconds are needed here")) }
    }

    /// One of some words.
    pub(crate) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, DocumentError> {
        let text = self.text()?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Ok(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Err(self.error(format!("`{text}` is not known here{}", did_you_mean(text, &known))))
    }

    /// The same as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        match &self.value {
            _ if self.is_null() => serde_json::Value::Null,
            Value::Scalar { text, is_plain } => {
                let plain = is_plain.then(|| serde_json::from_str(text).ok()).flatten();
                plain
                    .filter(|value: &serde_json::Value| value.is_number() || value.is_boolean())
                    .unwrap_or_else(|| text.as_str().into())
            }
            Value::List(items) => items.iter().map(Self::json).collect(),
            Value::Map(fields) => fields.iter().map(|(name, node)| (name.text.clone(), node.json())).collect(),
        }
    }

    /// Several, one after the other; one alone stands for itself.
    pub(crate) fn list(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// Several with names.
    pub(crate) fn map(&self) -> Result<&[(Name, Self)], DocumentError> {
        match &self.value {
            Value::Map(fields) => Ok(fields),
            _ if self.is_null() => Ok(&[]),
            _ => Err(self.error("fields are needed here, each with a name and a colon")),
        }
    }

    /// Several with names, of which only these are known.
    pub(crate) fn fields<'a>(&'a self, known: &[&str]) -> Result<Fields<'a>, DocumentError> {
        let fields = self.map()?;
        for (name, _) in fields {
            if !known.contains(&name.text.as_str()) {
                let hint = did_you_mean(&name.text, known);
                return Err(name.place.error(format!("there is no field `{}` here{hint}", name.text)));
            }
        }
        Ok(Fields { place: self.place, fields })
    }
}

/// Fields of which all are known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) place: Place,
    fields: &'a [(Name, Node)],
}

impl<'a> Fields<'a> {
    /// The field of this name, if it is there.
    pub(crate) fn get(self, name: &str) -> Option<&'a Node> {
        self.fields.iter().find(|(field, _)| field.text == name).map(|(_, node)| node)
    }

    /// The field of this name, which must be there.
    pub(crate) fn need(self, name: &str) -> Result<&'a Node, DocumentError> {
        self.get(name).ok_or_else(|| self.place.error(format!("the field `{name}` is missing")))
    }

    /// What `read` makes of the field of this name, if it is there.
    pub(crate) fn read<T>(
        self,
        name: &str,
        read: impl FnOnce(&'a Node) -> Result<T, DocumentError>,
    ) -> Result<Option<T>, DocumentError> {
        self.get(name).map(read).transpose()
    }
}

#[cfg(test)]
mod tests;
