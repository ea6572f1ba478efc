//! The tables on PostgreSQL: the same steps as on SQLite, in its words.
//!
//! The table `cardea` has one row. It says that the schema is ours and which format it has, and it is the lock that
//! whoever writes, or changes the format, takes first.

use super::connection::Connection;
use crate::storage::StorageError;
use crate::storage::schema::{APPLICATION_ID, KNOWN, STEPS};

/// Of several first starts at once all but one find that the other was faster, and look again.
const TRIES: usize = 5;

/// Brings the database to the newest format, in one transaction.
pub(super) fn migrate(connection: &mut Connection, name: &str) -> Result<(), StorageError> {
    for _ in 0..TRIES {
        let outcome = attempt(connection, name);
        match outcome {
            Ok(()) => return Ok(()),
            Err(error) => {
                connection.rollback();
                if error != Refusal::Lost {
                    return Err(error.into());
                }
            }
        }
    }
    Err(StorageError::Busy)
}

#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// Another node made the tables in this moment.
    Lost,
    Storage(StorageError),
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<Refusal> for StorageError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Lost => Self::Busy,
            Refusal::Storage(error) => error,
        }
    }
}

/// The format of the database; `None`: it is empty. With `lock` in a transaction, which then has the lock.
pub(super) fn found(connection: &mut Connection, name: &str, lock: bool) -> Result<Option<i64>, StorageError> {
    let foreign = || StorageError::Foreign(name.into());
    let found = connection.texts(
        "SELECT count(*) FILTER (WHERE c.relname = 'cardea'), count(*), current_schema() IS NULL \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')",
    )?;
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    match found[..] {
        [_, _, "t"] => return Err(StorageError::Refused("there is no schema to use".to_owned())),
        ["0", "0", _] => return Ok(None),
        ["0", _, _] => return Err(foreign()),
        _ => {}
    }
    let row = connection.texts(if lock {
        "SELECT application, format FROM cardea WHERE id = 1 FOR UPDATE"
    } else {
        "SELECT application, format FROM cardea WHERE id = 1"
    });
    let row = row.map_err(|error| match error {
        error @ (StorageError::Busy | StorageError::Unreachable(_)) => error,
        _ => foreign(),
    })?;
    let numbers: Vec<i64> = row.iter().filter_map(|text| text.parse().ok()).collect();
    match numbers[..] {
        [APPLICATION_ID, found] if found > KNOWN => Err(StorageError::Newer { found, known: KNOWN }),
        [APPLICATION_ID, found] if found >= 0 => Ok(Some(found)),
        _ => Err(foreign()),
    }
}

fn attempt(connection: &mut Connection, name: &str) -> Result<(), Refusal> {
    connection.batch("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")?;
    let done = match found(connection, name, true)? {
        Some(found) => usize::try_from(found).map_err(|_| StorageError::Foreign(name.into()))?,
        None => {
            let make =
                "CREATE TABLE cardea (id BIGINT PRIMARY KEY, application BIGINT NOT NULL, format BIGINT NOT NULL)";
            connection.batch(make).map_err(|error| match error {
                StorageError::Exists => Refusal::Lost,
                error => error.into(),
            })?;
            connection
                .batch(&format!("INSERT INTO cardea (id, application, format) VALUES (1, {APPLICATION_ID}, 0)"))?;
            0
        }
    };
    for step in &STEPS[done..] {
        connection.batch(&translate(step))?;
    }
    if done < STEPS.len() {
        connection.batch(&format!("UPDATE cardea SET format = {KNOWN} WHERE id = 1"))?;
    }
    connection.batch("COMMIT")?;
    Ok(())
}

/// A step of SQLite's schema in PostgreSQL's words: the names of the types differ, texts are compared as bytes, and
/// there is only one kind of table.
fn translate(step: &str) -> String {
    let mut text = String::with_capacity(step.len() + 512);
    for line in step.lines().filter(|line| !line.trim_start().starts_with("--")) {
        let line = line.replace(") STRICT, WITHOUT ROWID;", ");").replace(") STRICT;", ");");
        let words = line.split(' ').map(|word| {
            let (bare, comma) = word.strip_suffix(',').map_or((word, ""), |bare| (bare, ","));
            let known = match bare {
                "INTEGER" => "BIGINT",
                "BLOB" => "BYTEA",
                "TEXT" => "TEXT COLLATE \"C\"",
                bare => bare,
            };
            format!("{known}{comma}")
        });
        text.push_str(&words.collect::<Vec<_>>().join(" "));
        text.push('\n');
    }
    text
}

/// What the first statements of a transaction for writing are: it begins, takes the lock and says which format there is.
pub(super) const BEGIN_WRITING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
    SELECT format FROM cardea WHERE id = 1 FOR UPDATE";

/// What the first statements of a transaction for reading are: whoever does not know the format says so, instead of taking
/// rows for what they are not.
pub(super) const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
    SELECT format FROM cardea WHERE id = 1";

/// Fails when another node has changed the format since this one looked.
pub(super) fn check_format(found: Option<&String>, name: &str) -> Result<(), StorageError> {
    match found.and_then(|text| text.parse().ok()) {
        Some(found) if found == KNOWN => Ok(()),
        Some(found) if found > KNOWN => Err(StorageError::Newer { found, known: KNOWN }),
        _ => Err(StorageError::Foreign(name.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_said_in_words_of_postgresql() {
        for step in STEPS {
            let text = translate(step);
            for word in ["BLOB", "STRICT", "ROWID", " INTEGER", "--"] {
                assert!(!text.contains(word), "{word} in {text}");
            }
            assert!(text.contains("BYTEA") && text.contains("BIGINT PRIMARY KEY"));
        }
    }
}
