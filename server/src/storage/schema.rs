//! The tables, as a list of steps that only grows. A step that has been released is never edited.

use rusqlite::Connection;

use super::StorageError;
use super::sqlite::failure;

/// Marks a database as ours ("Card" in ASCII).
pub(super) const APPLICATION_ID: i64 = 0x4361_7264;

/// The steps, in words of SQLite.
pub(super) const STEPS: &[&str] =
    &[include_str!("schema/0001_first_floor.sql"), include_str!("schema/0002_sign_in.sql")];

/// Newest format that this server knows.
pub(super) const KNOWN: i64 = STEPS.len() as i64;

/// What is wrong with the file, before a path is attached.
pub(super) enum SchemaError {
    Foreign,
    Storage(StorageError),
}

impl From<rusqlite::Error> for SchemaError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase) => Self::Foreign,
            _ => Self::Storage(failure(&error)),
        }
    }
}

/// Brings the database to the newest format, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), SchemaError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    let found = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    let fresh = application == 0 && found == 0 && tables == 0;
    if !fresh && application != APPLICATION_ID {
        return Err(SchemaError::Foreign);
    }
    if found > KNOWN {
        return Err(SchemaError::Storage(StorageError::Newer { found, known: KNOWN }));
    }
    let done = usize::try_from(found).map_err(|_| SchemaError::Foreign)?;
    for step in &STEPS[done..] {
        transaction.execute_batch(step)?;
    }
    if found < KNOWN {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", KNOWN)?;
    }
    transaction.commit()?;
    Ok(())
}
