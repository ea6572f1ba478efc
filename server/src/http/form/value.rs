//! One value: is it what the table says?

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::json::Json;
use super::{Record, names_of};
use crate::domain::name::{ServiceName, parse_subscription};
use crate::http::problem::Problem;
use crate::http::route::{Kind, Parameter};
use crate::http::spell::spell;

/// A checked value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) enum Given {
    Null,
    Flag(bool),
    Number(u64),
    Text(String),
    List(Vec<Self>),
    Record(Record),
    Flags(BTreeMap<String, bool>),
    Object(Map<String, Value>),
}

impl Given {
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => (*flag).into(),
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Record(record) => record.to_json(),
            Self::Flags(flags) => flags.iter().map(|(name, flag)| (name.clone(), Value::from(*flag))).collect(),
            Self::Object(object) => object.clone().into(),
        }
    }
}

/// Checks a query parameter, where everything is text.
pub(super) fn of_query(parameter: &Parameter, value: Json) -> Result<Given, Problem> {
    let Json::Text(text) = value else { return of_parameter(parameter, value) };
    let value = match parameter.kind {
        Kind::Flag => match text.as_str() {
            "true" => Json::Flag(true),
            "false" => Json::Flag(false),
            _ => Json::Null,
        },
        Kind::Number { .. } => {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| plain).map_or(Json::OddNumber(None), Json::Number)
        }
        _ => Json::Text(text),
    };
    of_parameter(parameter, value)
}

/// Checks a member.
pub(super) fn of_parameter(parameter: &Parameter, value: Json) -> Result<Given, Problem> {
    let checked = of_kind(parameter.kind, value)?;
    checked.ok_or_else(|| not(parameter))
}

/// Checks a text that somebody has read without the table.
///
/// # Errors
/// It is not what the table says.
pub(in crate::http) fn check_text(parameter: &Parameter, text: &str) -> Result<(), Problem> {
    if is_text(parameter.kind, text) { Ok(()) } else { Err(not(parameter)) }
}

/// What is said of a wrong value.
#[cfg(test)]
pub(in crate::http) fn wrong(parameter: &Parameter) -> Problem {
    not(parameter)
}

fn not(parameter: &Parameter) -> Problem {
    Problem::bad_call(format!("`{}` must be {}", parameter.name, wanted(parameter.kind)))
}

/// `None` is a value of another kind; errors are those of the members of an object.
fn of_kind(kind: Kind, value: Json) -> Result<Option<Given>, Problem> {
    Ok(match (kind, value) {
        (Kind::UrlOrNull(_), Json::Null) => Some(Given::Null),
        (Kind::Flag, Json::Flag(flag)) => Some(Given::Flag(flag)),
        (Kind::Number { least, most }, Json::Number(number)) => {
            (least..=most).contains(&number).then_some(Given::Number(number))
        }
        (Kind::List { most, each }, Json::List(items)) => {
            if !(1..=most).contains(&items.len()) {
                return Ok(None);
            }
            let mut checked = Vec::with_capacity(items.len());
            for item in items {
                let Some(item) = of_kind(*each, item)? else { return Ok(None) };
                checked.push(item);
            }
            Some(Given::List(checked))
        }
        (Kind::Either(kinds), value) => {
            for kind in kinds {
                if let Some(given) = of_kind(*kind, value.clone())? {
                    return Ok(Some(given));
                }
            }
            None
        }
        (Kind::OrNull(_), Json::Null) => Some(Given::Null),
        (Kind::OrNull(kind), value) => of_kind(*kind, value)?,
        (Kind::Flags, Json::Object(members)) => {
            let mut flags = BTreeMap::new();
            for (name, value) in members {
                let Json::Flag(flag) = value else { return Ok(None) };
                if flags.insert(name, flag).is_some() {
                    return Ok(None);
                }
            }
            Some(Given::Flags(flags))
        }
        (Kind::Object(most), value @ Json::Object(_)) => match value.into_value() {
            Some(Value::Object(object)) if Value::from(object.clone()).to_string().len() <= most => {
                Some(Given::Object(object))
            }
            _ => None,
        },
        (Kind::Record(parameters), Json::Object(members)) => {
            let known = || names_of(parameters.iter());
            Some(Given::Record(Record::check(parameters, members, &of_parameter, &known)?))
        }
        (kind, Json::Text(text)) => is_text(kind, &text).then_some(Given::Text(text)),
        _ => None,
    })
}

fn is_text(kind: Kind, text: &str) -> bool {
    let is_plain = || !text.chars().any(char::is_control);
    match kind {
        Kind::User => (1..=255).contains(&text.len()),
        Kind::Service => ServiceName::parse(text).is_ok(),
        Kind::Subscription => parse_subscription(text).is_ok(),
        // What no authkey can be is unknown, like any other that is not there.
        Kind::Authkey => true,
        Kind::Text { least, most } => (least..=most).contains(&text.len()) && is_plain(),
        Kind::UrlOrNull(most) => (1..=most).contains(&text.len()) && is_plain(),
        Kind::Word(words) => words.contains(&text),
        Kind::Hex(bytes) => text.len() == 2 * bytes && text.bytes().all(|byte| b"0123456789abcdef".contains(&byte)),
        Kind::Idempotency => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            (1..=64).contains(&text.len()) && text.bytes().all(allowed)
        }
        Kind::Cursor => {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            (1..=1024).contains(&text.len()) && text.bytes().all(allowed)
        }
        Kind::Flag
        | Kind::Flags
        | Kind::Number { .. }
        | Kind::List { .. }
        | Kind::Record(_)
        | Kind::Object(_)
        | Kind::OrNull(_)
        | Kind::Either(_) => false,
    }
}

/// What a value of this kind is, to follow "must be".
fn wanted(kind: Kind) -> String {
    match kind {
        Kind::User => "a text between one and 255 bytes long".to_owned(),
        Kind::Service => "the API name of a service, `<subscription>_<service>`, of a-z, 0-9, `-` and `_`".to_owned(),
        Kind::Subscription => "the name of a subscription, of a-z, 0-9 and `-`".to_owned(),
        Kind::Authkey => "the text of an authkey".to_owned(),
        Kind::Text { least, most } => {
            let (least, most) = (spell(least as u64), spell(most as u64));
            format!("a text between {least} and {most} bytes long, without control characters")
        }
        Kind::UrlOrNull(most) => format!("a URL of at most {} bytes, or null", spell(most as u64)),
        Kind::Word(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            format!("one of {}", words.join(", "))
        }
        Kind::Hex(bytes) => format!("{} digits of lower-case hexadecimal", spell(2 * bytes as u64)),
        Kind::Idempotency => "between one and 64 of A-Z, a-z, 0-9, `-` and `_`".to_owned(),
        Kind::Cursor => "what an answer to this very call gave as `next`".to_owned(),
        Kind::Flag => "`true` or `false`".to_owned(),
        Kind::Flags => "an object of names, each once, with `true` or `false`".to_owned(),
        Kind::Object(most) => {
            format!("an object of at most {} bytes of JSON, with no member twice", spell(most as u64))
        }
        Kind::OrNull(kind) => format!("{}, or null", wanted(*kind)),
        Kind::Number { least, most } => format!("a whole number between {} and {}", spell(least), spell(most)),
        Kind::List { most, each } => {
            format!("a list of between one and {}, each {}", spell(most as u64), wanted(*each))
        }
        Kind::Either(kinds) => kinds.iter().map(|kind| wanted(*kind)).collect::<Vec<_>>().join(", or "),
        Kind::Record(parameters) => format!("an object with {}", names_of(parameters.iter())),
    }
}
