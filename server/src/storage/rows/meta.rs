//! Single values of the instance, and counters.

use super::Sealed;
use crate::storage::transaction::{insert_one, query_one, update_one};
use crate::storage::{StorageError, Transaction, Value};

/// Single values of the instance, and counters.
pub trait MetaRows {
    /// The value called `name`.
    ///
    /// # Errors
    /// Storage failed.
    fn meta(&mut self, name: &str) -> Result<Option<Sealed>, StorageError>;

    /// Stores `value`, whose version is one more than the stored one, or 1 for the first.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] or [`StorageError::Exists`] when somebody was faster; storage failed.
    fn put_meta(&mut self, name: &str, value: &Sealed) -> Result<(), StorageError>;

    /// The next number of the counter `name`, from 1 on; never the same twice.
    ///
    /// # Errors
    /// Storage failed.
    fn next_number(&mut self, name: &str) -> Result<u64, StorageError>;

    /// The number that the counter `name` has given out last; 0 before the first.
    ///
    /// # Errors
    /// Storage failed.
    fn last_number(&mut self, name: &str) -> Result<u64, StorageError>;
}

impl<X: Transaction + ?Sized> MetaRows for X {
    fn meta(&mut self, name: &str) -> Result<Option<Sealed>, StorageError> {
        query_one(self, "SELECT ver, sealed FROM meta WHERE name = $1", &[Value::Text(name)], |row| {
            Ok(Sealed { ver: row.unsigned(0)?, bytes: row.bytes(1)? })
        })
    }

    fn put_meta(&mut self, name: &str, value: &Sealed) -> Result<(), StorageError> {
        let (name, sealed, ver) = (Value::Text(name), Value::Bytes(&value.bytes), Value::unsigned(value.ver));
        if value.ver == 1 {
            let sql = "INSERT INTO meta (name, sealed, ver) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            return insert_one(self, sql, &[name, sealed, ver]);
        }
        let sql = "UPDATE meta SET sealed = $1, ver = $2 WHERE name = $3 AND ver = $2 - 1";
        update_one(self, sql, &[sealed, ver, name])
    }

    fn next_number(&mut self, name: &str) -> Result<u64, StorageError> {
        let sql = "INSERT INTO counter (name, value) VALUES ($1, 1) \
                   ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value";
        let number = query_one(self, sql, &[Value::Text(name)], |row| row.unsigned(0))?;
        number.ok_or(StorageError::Misuse("a counter returned no number"))
    }

    fn last_number(&mut self, name: &str) -> Result<u64, StorageError> {
        let sql = "SELECT value FROM counter WHERE name = $1";
        Ok(query_one(self, sql, &[Value::Text(name)], |row| row.unsigned(0))?.unwrap_or(0))
    }
}
