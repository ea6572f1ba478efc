//! Sorts errors of PostgreSQL by who must act.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};
use tokio_rustls::rustls;

use crate::storage::StorageError;

/// What an error means for the statement that met it. Says nothing that was in a parameter.
pub(super) fn failure(error: &Error) -> StorageError {
    match error.as_db_error() {
        Some(error) => database(error),
        None => StorageError::Unreachable(chain(error)),
    }
}

/// The same while connecting, where most of what goes wrong is for the operator. The driver says only in words what
/// happened; whatever is not recognized counts as a database that cannot be reached.
pub(super) fn connect_failure(error: &Error) -> StorageError {
    let Some(source) = error.source().filter(|_| error.as_db_error().is_none()) else { return failure(error) };
    let is_of_tls = |error: &io::Error| error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
    let is_of_network = source.downcast_ref::<io::Error>().is_some_and(|error| !is_of_tls(error));
    match (error.to_string().as_str(), source.to_string().as_str()) {
        ("error performing TLS handshake", _) if !is_of_network => StorageError::Unsafe(source.to_string()),
        ("invalid configuration", "password missing") => {
            StorageError::Refused("it wants a password, and database.password_file is not set".to_owned())
        }
        ("authentication error", _) => StorageError::Refused(chain(error)),
        _ => failure(error),
    }
}

/// The same for a commit: what the database did not undo for sure, it may have kept.
pub(super) fn commit_failure(error: &Error) -> StorageError {
    match error.as_db_error() {
        // A broken constraint, or a transaction that had to give way or had failed before: undone.
        Some(error) if ["23", "25", "3B", "40"].contains(&class(error)) => database(error),
        _ => StorageError::Uncertain,
    }
}

/// Whether the connection can go on after a rollback.
pub(super) fn is_survivable(error: &Error) -> bool {
    let fatal = |error: &DbError| ["08", "25P03", "57P"].iter().any(|class| error.code().code().starts_with(class));
    error.as_db_error().is_some_and(|error| !fatal(error))
}

fn class(error: &DbError) -> &str {
    error.code().code().get(..2).unwrap_or_default()
}

fn database(error: &DbError) -> StorageError {
    // Details and hints may repeat what is in a row; codes and messages do not.
    let detail = || format!("{} {}", error.code().code(), error.message());
    match (error.code(), class(error)) {
        (&SqlState::UNIQUE_VIOLATION | &SqlState::DUPLICATE_TABLE, _) => StorageError::Exists,
        (_, "23") => StorageError::Misuse("a constraint of the schema is broken"),
        (&SqlState::READ_ONLY_SQL_TRANSACTION, _) => StorageError::ReadOnly,
        (&SqlState::DISK_FULL, _) => StorageError::Full,
        (&SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN, _) => StorageError::Uncertain,
        (&SqlState::LOCK_NOT_AVAILABLE | &SqlState::QUERY_CANCELED, _) | (_, "40") => StorageError::Busy,
        (&SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED, _) => StorageError::Corrupt(detail()),
        (&SqlState::INVALID_CATALOG_NAME, _) | (_, "28") => StorageError::Refused(detail()),
        // The database ends the session of a node that hangs in its transaction.
        (&SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT, _) | (_, "08" | "53" | "57") => {
            StorageError::Unreachable(detail())
        }
        _ => StorageError::Io(detail()),
    }
}

/// The error and what is behind it, as one line.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(behind) = source {
        text.push_str(": ");
        text.push_str(&behind.to_string());
        source = behind.source();
    }
    text
}
