//! Answers to calls that may be repeated.

use super::Sealed;
use crate::clock::UnixSeconds;
use crate::storage::transaction::{insert_one, query_one};
use crate::storage::{StorageError, Transaction, Value};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRow {
    /// What it is found by.
    pub hash: [u8; 32],
    /// From when on it may be swept away.
    pub expires_at: UnixSeconds,
    /// What was asked and answered.
    pub sealed: Sealed,
}

/// Answers to calls that may be repeated.
pub trait AnswerRows {
    /// The answer with this hash.
    ///
    /// # Errors
    /// Storage failed.
    fn answer(&mut self, hash: &[u8; 32]) -> Result<Option<AnswerRow>, StorageError>;

    /// Adds an answer.
    ///
    /// # Errors
    /// [`StorageError::Exists`]; storage failed.
    fn insert_answer(&mut self, row: &AnswerRow) -> Result<(), StorageError>;

    /// Removes every answer that has expired by `now`; returns how many.
    ///
    /// # Errors
    /// Storage failed.
    fn sweep_answers(&mut self, now: UnixSeconds) -> Result<usize, StorageError>;

    /// Removes every answer that expires later than `time`; returns how many.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_answers_after(&mut self, time: UnixSeconds) -> Result<usize, StorageError>;
}

impl<X: Transaction + ?Sized> AnswerRows for X {
    fn answer(&mut self, hash: &[u8; 32]) -> Result<Option<AnswerRow>, StorageError> {
        let sql = "SELECT hash, expires_at, ver, sealed FROM answer WHERE hash = $1";
        query_one(self, sql, &[Value::Bytes(hash)], |row| {
            Ok(AnswerRow {
                hash: row.array(0)?,
                expires_at: UnixSeconds::new(row.unsigned(1)?),
                sealed: Sealed { ver: row.unsigned(2)?, bytes: row.bytes(3)? },
            })
        })
    }

    fn insert_answer(&mut self, row: &AnswerRow) -> Result<(), StorageError> {
        insert_one(
            self,
            "INSERT INTO answer (hash, expires_at, ver, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            &[
                Value::Bytes(&row.hash),
                Value::unsigned(row.expires_at.get()),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn sweep_answers(&mut self, now: UnixSeconds) -> Result<usize, StorageError> {
        self.execute("DELETE FROM answer WHERE expires_at <= $1", &[Value::unsigned(now.get())])
    }

    fn delete_answers_after(&mut self, time: UnixSeconds) -> Result<usize, StorageError> {
        self.execute("DELETE FROM answer WHERE expires_at > $1", &[Value::unsigned(time.get())])
    }
}
