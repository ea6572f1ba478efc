//! Receipts and the outbox: rows that are only ever added, and taken from the outbox once delivered.

use crate::clock::UnixSeconds;
use crate::storage::transaction::{insert_one, query_all};
use crate::storage::{StorageError, Transaction, Value};

/// A signed statement and its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRow {
    /// Its number in the instance.
    pub seq: u64,
    /// The token it is about.
    pub token: [u8; 16],
    /// When it was committed.
    pub at: UnixSeconds,
    /// The statement, its signature and what it came to.
    pub sealed: Vec<u8>,
}

/// Receipts and the outbox.
pub trait JournalRows {
    /// Adds a receipt.
    ///
    /// # Errors
    /// Storage failed.
    fn insert_receipt(&mut self, row: &ReceiptRow) -> Result<(), StorageError>;

    /// At most `limit` receipts of a token with numbers above `after`, oldest first.
    ///
    /// # Errors
    /// Storage failed.
    fn receipts_of(&mut self, token: &[u8; 16], after: u64, limit: u32) -> Result<Vec<ReceiptRow>, StorageError>;

    /// Adds an event for whoever has to be told.
    ///
    /// # Errors
    /// Storage failed.
    fn insert_event(&mut self, seq: u64, sealed: &[u8]) -> Result<(), StorageError>;

    /// At most `limit` events with numbers above `after`, oldest first.
    ///
    /// # Errors
    /// Storage failed.
    fn events(&mut self, after: u64, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StorageError>;

    /// Removes the events up to and with `seq`; they have been delivered.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_events(&mut self, seq: u64) -> Result<usize, StorageError>;
}

impl<X: Transaction + ?Sized> JournalRows for X {
    fn insert_receipt(&mut self, row: &ReceiptRow) -> Result<(), StorageError> {
        insert_one(
            self,
            "INSERT INTO receipt (seq, token, at, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            &[
                Value::unsigned(row.seq),
                Value::Bytes(&row.token),
                Value::unsigned(row.at.get()),
                Value::Bytes(&row.sealed),
            ],
        )
    }

    fn receipts_of(&mut self, token: &[u8; 16], after: u64, limit: u32) -> Result<Vec<ReceiptRow>, StorageError> {
        let sql = "SELECT seq, token, at, sealed FROM receipt WHERE token = $1 AND seq > $2 ORDER BY seq LIMIT $3";
        let parameters = [Value::Bytes(token), Value::unsigned(after), Value::Int(i64::from(limit))];
        query_all(self, sql, &parameters, |row| {
            Ok(ReceiptRow {
                seq: row.unsigned(0)?,
                token: row.array(1)?,
                at: UnixSeconds::new(row.unsigned(2)?),
                sealed: row.bytes(3)?,
            })
        })
    }

    fn insert_event(&mut self, seq: u64, sealed: &[u8]) -> Result<(), StorageError> {
        let sql = "INSERT INTO outbox (seq, sealed) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        insert_one(self, sql, &[Value::unsigned(seq), Value::Bytes(sealed)])
    }

    fn events(&mut self, after: u64, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StorageError> {
        let sql = "SELECT seq, sealed FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2";
        let parameters = [Value::unsigned(after), Value::Int(i64::from(limit))];
        query_all(self, sql, &parameters, |row| Ok((row.unsigned(0)?, row.bytes(1)?)))
    }

    fn delete_events(&mut self, seq: u64) -> Result<usize, StorageError> {
        self.execute("DELETE FROM outbox WHERE seq <= $1", &[Value::unsigned(seq)])
    }
}
