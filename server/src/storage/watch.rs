//! Who has to know what a commit changes before anybody can see it: whatever keeps copies of rows.
//!
//! Which token a statement changes is read off its parameters, not said by who wrote it: a statement that nobody thought
//! of makes every copy void, instead of none.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{Transaction, Value};

/// What a transaction changes of what statuses and access depend on.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Tokens, with their devices and attempts.
    pub tokens: BTreeSet<[u8; 16]>,
    /// Services, subscriptions or authkeys.
    pub access: bool,
    /// Anything at all.
    pub everything: bool,
}

impl Touched {
    /// Notes the change that a statement makes.
    pub(super) fn note(&mut self, sql: &str, parameters: &[Value<'_>]) {
        match table(sql) {
            Some("token" | "device" | "attempt") => {
                let mut named = false;
                for parameter in parameters {
                    if let Value::Bytes(bytes) = parameter
                        && let Ok(token) = <[u8; 16]>::try_from(*bytes)
                    {
                        // A user id may have sixteen bytes, too. One token too many does no harm.
                        self.tokens.insert(token);
                        named = true;
                    }
                }
                self.everything |= !named;
            }
            Some("service" | "subscription" | "authkey") => self.access = true,
            // Nothing of these is in a status.
            Some(
                "meta" | "counter" | "slots" | "enrollment" | "confirmation" | "journal" | "checkpoint" | "key_epoch"
                | "answer" | "webhook" | "delivery" | "spent_authkey",
            ) => {}
            _ => self.everything = true,
        }
    }

    /// Adds what another transaction changes.
    pub(super) fn merge(&mut self, other: Self) {
        self.tokens.extend(other.tokens);
        self.access |= other.access;
        self.everything |= other.everything;
    }

    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The table that a statement changes, when it is one of the plain forms.
fn table(sql: &str) -> Option<&str> {
    let mut words = sql.split_whitespace();
    match (words.next()?, words.next()?) {
        ("UPDATE", table) => Some(table),
        ("INSERT", "INTO") | ("DELETE", "FROM") => words.next(),
        _ => None,
    }
}

/// Told of every commit that changes what it keeps copies of.
pub trait Watcher: fmt::Debug + Send + Sync {
    /// Called at the end of a transaction, before its commit: no copy of what is touched may be used or made from now
    /// on, until the answer was called. It may read in the transaction what the rows will say.
    fn begins(self: Arc<Self>, touched: Touched, tx: &mut dyn Transaction) -> Ended;
}

/// To be called after a commit, or after it has failed: with whether it is certain that it has happened.
pub type Ended = Box<dyn FnOnce(bool) + Send>;

/// The place of the one watcher of a database.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch(Arc<OnceLock<Arc<dyn Watcher>>>);

impl Watch {
    /// Sets the watcher; there can be one only.
    pub(super) fn set(&self, watcher: Arc<dyn Watcher>) -> bool {
        self.0.set(watcher).is_ok()
    }

    /// Says that a commit of `tx` begins, and, when the answer is dropped, that it has ended.
    pub(super) fn begin(&self, touched: Touched, tx: &mut dyn Transaction) -> Option<Commit> {
        let watcher = self.0.get().filter(|_| !touched.is_empty())?;
        Some(Commit { ended: Some(Arc::clone(watcher).begins(touched, tx)), is_certain: false })
    }
}

/// A commit that has begun.
pub(super) struct Commit {
    ended: Option<Ended>,
    is_certain: bool,
}

impl Commit {
    /// It has happened.
    pub(super) fn happened(mut self) {
        self.is_certain = true;
    }
}

impl Drop for Commit {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            ended(self.is_certain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(sql: &str, parameters: &[Value<'_>]) -> Touched {
        let mut touched = Touched::default();
        touched.note(sql, parameters);
        touched
    }

    #[test]
    fn tokens_are_found_among_the_parameters() {
        let token = Value::Bytes(&[7; 16]);
        for sql in [
            "UPDATE token SET ver = $1 WHERE id = $2",
            "DELETE FROM device WHERE token = $1",
            "INSERT INTO attempt (token)",
        ] {
            let found = touched(sql, &[Value::Int(1), Value::Bytes(&[9; 40]), token]);
            assert_eq!(found.tokens, BTreeSet::from([[7; 16]]), "{sql}");
            assert!(!found.access && !found.everything, "{sql}");
        }
    }

    #[test]
    fn what_is_not_understood_touches_everything() {
        for sql in ["UPDATE token SET ver = ver", "WITH x AS (SELECT 1) DELETE FROM token", "DROP TABLE token", "x", ""]
        {
            assert!(touched(sql, &[]).everything, "{sql}");
        }
        assert!(touched("UPDATE something SET x = 1", &[Value::Bytes(&[7; 16])]).everything);
        assert!(touched("DELETE FROM authkey WHERE id = $1", &[Value::Int(1)]).access);
        assert!(touched("UPDATE meta SET sealed = $1", &[Value::Bytes(&[7; 16])]).is_empty());
    }

    #[test]
    fn every_table_of_the_schema_is_known() {
        let schema = include_str!("schema/0001_first_floor.sql");
        let tables = schema.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split(' ').next());
        let mut known = 0;
        for table in tables {
            let sql = format!("UPDATE {table} SET x = $1");
            assert!(
                !touched(&sql, &[Value::Bytes(&[7; 16])]).everything,
                "does a status depend on {table}? Say so in `Touched::note`"
            );
            known += 1;
        }
        assert!(known > 10);
    }
}
