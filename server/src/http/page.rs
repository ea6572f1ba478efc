//! Lists in pages.

use axum::Json;
use serde_json::{Value, json};

use super::Problem;
use super::call::Call;
use super::route::{Kind, Parameter};

/// Where to go on.
pub(super) const CURSOR: Parameter = Parameter::optional("cursor", Kind::Cursor);
/// How many at most.
pub(super) const LIMIT: Parameter = Parameter::optional("limit", Kind::Number { least: 1, most: LIMIT_MAX });

const LIMIT_MAX: u64 = 1_000;
const LIMIT_DEFAULT: u64 = 100;

/// The part of a list that a call asks for.
pub(super) struct Page {
    /// Most items.
    pub(super) limit: u32,
    /// What the page before ended with; `None` for the first page.
    pub(super) after: Option<Vec<u8>>,
    /// Which list it is: a cursor is good for the very same one only.
    list: String,
}

impl Page {
    /// Reads `cursor` and `limit`.
    ///
    /// # Errors
    /// The cursor was made for another list, or is none.
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        let limit = call.form.number(LIMIT.name).unwrap_or(LIMIT_DEFAULT);
        let list = format!("{}\n{}", call.route.path, call.form.canonical(&[CURSOR.name, LIMIT.name]));
        let cursor = call.form.text(CURSOR.name);
        let after = cursor.map(|cursor| call.api.admin.open_cursor(&list, cursor)).transpose()?;
        Ok(Self { limit: u32::try_from(limit).unwrap_or(u32::MAX), after, list })
    }

    /// The number that the page before ended with.
    ///
    /// # Errors
    /// There is something else in the cursor.
    pub(super) fn after_number(&self) -> Result<Option<u64>, Problem> {
        let number = |bytes: &Vec<u8>| <[u8; 8]>::try_from(bytes.as_slice()).ok().map(u64::from_le_bytes);
        match &self.after {
            None => Ok(None),
            Some(bytes) => number(bytes).map(Some).ok_or(Problem::Internal),
        }
    }

    /// Of one item more than were asked for, leaves what was asked for; returns the last then, if there are more.
    pub(super) fn cut<'a, T>(&self, found: &'a mut Vec<T>) -> Option<&'a T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = found.len() > limit;
        found.truncate(limit);
        found.last().filter(|_| more)
    }

    /// The answer with these items, which end with `last` if there are more.
    pub(super) fn answer(&self, call: &Call, items: Vec<Value>, last: Option<&[u8]>) -> Json<Value> {
        let next = last.map(|last| call.api.admin.seal_cursor(&self.list, last));
        Json(json!({ "items": items, "next": next }))
    }
}
