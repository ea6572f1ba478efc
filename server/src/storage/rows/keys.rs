//! The server's static keys by epoch.

use super::Sealed;
use crate::storage::transaction::{insert_one, query_all};
use crate::storage::{StorageError, Transaction, Value};

/// A key with its public record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochRow {
    /// Counts keys for ever, from 1.
    pub serial: u64,
    /// The signed record that devices get.
    pub record: Vec<u8>,
    /// The secret.
    pub sealed: Sealed,
}

/// The server's static keys by epoch.
pub trait KeyRows {
    /// All keys that are not erased, oldest first.
    ///
    /// # Errors
    /// Storage failed.
    fn epochs(&mut self) -> Result<Vec<EpochRow>, StorageError>;

    /// Adds a key.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when its number is taken; storage failed.
    fn insert_epoch(&mut self, row: &EpochRow) -> Result<(), StorageError>;

    /// Erases the keys before `serial`; returns how many.
    ///
    /// # Errors
    /// Storage failed.
    fn erase_epochs_before(&mut self, serial: u64) -> Result<usize, StorageError>;
}

impl<X: Transaction + ?Sized> KeyRows for X {
    fn epochs(&mut self) -> Result<Vec<EpochRow>, StorageError> {
        query_all(self, "SELECT serial, record, ver, sealed FROM key_epoch ORDER BY serial", &[], |row| {
            Ok(EpochRow {
                serial: row.unsigned(0)?,
                record: row.bytes(1)?,
                sealed: Sealed { ver: row.unsigned(2)?, bytes: row.bytes(3)? },
            })
        })
    }

    fn insert_epoch(&mut self, row: &EpochRow) -> Result<(), StorageError> {
        insert_one(
            self,
            "INSERT INTO key_epoch (serial, record, ver, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            &[
                Value::unsigned(row.serial),
                Value::Bytes(&row.record),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn erase_epochs_before(&mut self, serial: u64) -> Result<usize, StorageError> {
        self.execute("DELETE FROM key_epoch WHERE serial < $1", &[Value::unsigned(serial)])
    }
}
