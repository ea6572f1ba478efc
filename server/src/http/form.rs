//! What a call was sent, read and checked by its row of the table of calls.
//!
//! Texts of errors name members of the table and say what they should be; they never repeat what was sent.

mod json;
mod value;

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;

use super::problem::Problem;
use super::query;
use super::route::{AUTHKEY, Parameter, Route};
pub(super) use json::Json;
#[cfg(test)]
pub(super) use value::wrong;
pub(super) use value::{Given, check_text};

/// The values of one call, each of the kind that the table says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Form {
    record: Record,
    authkey: Option<String>,
}

/// Values by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    parameters: &'static [Parameter],
    values: Vec<Option<Given>>,
}

impl Form {
    /// Reads the query of a GET.
    ///
    /// # Errors
    /// A parameter is unknown, repeated, missing, or not what the table says; an encoding is broken.
    pub(super) fn of_query(route: &Route, text: Option<&str>) -> Result<Self, Problem> {
        let mut members = Vec::new();
        for pair in text.into_iter().flat_map(|text| text.split('&')) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            members.push((query::decode(name)?, Json::Text(query::decode(value)?)));
        }
        Self::of_members(route, members, &value::of_query)
    }

    /// Reads the body of a POST.
    ///
    /// # Errors
    /// It is no JSON object; a member is unknown, repeated, missing, or not what the table says.
    pub(super) fn of_body(route: &Route, body: &[u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(body) {
            Ok(Json::Object(members)) => Self::of_members(route, members, &value::of_parameter),
            _ => Err(Problem::bad_call(format!("the body must be one JSON object with {}", names(route)))),
        }
    }

    fn of_members(
        route: &Route,
        members: Vec<(String, Json)>,
        check: &dyn Fn(&Parameter, Json) -> Result<Given, Problem>,
    ) -> Result<Self, Problem> {
        let mut authkey = None;
        let mut rest = Vec::with_capacity(members.len());
        for (name, value) in members {
            if name != AUTHKEY.name {
                rest.push((name, value));
            } else if authkey.is_some() {
                return Err(repeated(AUTHKEY.name));
            } else {
                authkey = Some(check(&AUTHKEY, value)?);
            }
        }
        let record = Record::check(route.parameters, rest, check, &|| names(route))?;
        let authkey = match authkey {
            Some(Given::Text(key)) => Some(key),
            _ => None,
        };
        Ok(Self { record, authkey })
    }

    /// Takes the authkey out, if the form has one.
    pub(super) const fn take_authkey(&mut self) -> Option<String> {
        self.authkey.take()
    }

    /// Everything but the authkey and the parameters `without`, in one writing: forms that say the same are the same.
    pub(super) fn canonical(&self, without: &[&str]) -> String {
        let mut object = self.record.to_json();
        if let Some(members) = object.as_object_mut() {
            for name in without {
                members.remove(*name);
            }
        }
        object.to_string()
    }
}

impl std::ops::Deref for Form {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

impl Record {
    fn check(
        parameters: &'static [Parameter],
        members: Vec<(String, Json)>,
        check: &dyn Fn(&Parameter, Json) -> Result<Given, Problem>,
        known: &dyn Fn() -> String,
    ) -> Result<Self, Problem> {
        let mut values = vec![None; parameters.len()];
        for (name, value) in members {
            let Some(at) = parameters.iter().position(|parameter| parameter.name == name) else {
                return Err(Problem::bad_call(format!(
                    "there is something other than {}; in a query, encode `&` in values as %26",
                    known()
                )));
            };
            let value = check(&parameters[at], value)?;
            if values[at].replace(value).is_some() {
                return Err(repeated(parameters[at].name));
            }
        }
        for (parameter, value) in parameters.iter().zip(&values) {
            if parameter.required && value.is_none() {
                return Err(missing(parameter.name));
            }
        }
        Ok(Self { parameters, values })
    }

    fn to_json(&self) -> serde_json::Value {
        let members = self.parameters.iter().zip(&self.values);
        let given =
            members.filter_map(|(parameter, value)| Some((parameter.name.to_owned(), value.as_ref()?.to_json())));
        given.collect::<serde_json::Map<_, _>>().into()
    }

    fn value(&self, name: &str) -> Option<&Given> {
        let at = self.parameters.iter().position(|parameter| parameter.name == name)?;
        self.values[at].as_ref()
    }

    /// Whether the member was given, `null` included.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Given::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text that the call cannot do without.
    ///
    /// # Errors
    /// It is missing.
    pub(super) fn needed(&self, name: &'static str) -> Result<&str, Problem> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// So many bytes in hexadecimal that the call cannot do without.
    ///
    /// # Errors
    /// They are missing.
    pub(super) fn hex<const N: usize>(&self, name: &'static str) -> Result<[u8; N], Problem> {
        let bytes = HEXLOWER.decode(self.needed(name)?.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| missing(name))
    }

    /// A flag.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Given::Flag(flag) => Some(*flag),
            _ => None,
        }
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        match self.value(name)? {
            Given::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Names with flags.
    pub(super) fn flags(&self, name: &str) -> Option<&BTreeMap<String, bool>> {
        match self.value(name)? {
            Given::Flags(flags) => Some(flags),
            _ => None,
        }
    }

    /// Any object.
    pub(super) fn object(&self, name: &str) -> Option<&serde_json::Map<String, serde_json::Value>> {
        match self.value(name)? {
            Given::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The objects of a list.
    pub(super) fn records(&self, name: &str) -> Option<impl Iterator<Item = &Self>> {
        let Given::List(items) = self.value(name)? else { return None };
        Some(items.iter().filter_map(|item| match item {
            Given::Record(record) => Some(record),
            _ => None,
        }))
    }

    /// The texts of a list.
    pub(super) fn texts(&self, name: &str) -> Option<impl Iterator<Item = &str>> {
        let Given::List(items) = self.value(name)? else { return None };
        Some(items.iter().filter_map(|item| match item {
            Given::Text(text) => Some(text.as_str()),
            _ => None,
        }))
    }
}

fn names(route: &Route) -> String {
    names_of(route.all_parameters())
}

fn names_of(parameters: impl Iterator<Item = &'static Parameter>) -> String {
    parameters.map(|parameter| format!("`{}`", parameter.name)).collect::<Vec<_>>().join(", ")
}

fn missing(name: &str) -> Problem {
    Problem::bad_call(format!("`{name}` is missing"))
}

fn repeated(name: &str) -> Problem {
    Problem::bad_call(format!("`{name}` is repeated"))
}

#[cfg(test)]
mod tests;
