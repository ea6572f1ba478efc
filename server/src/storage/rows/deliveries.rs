//! How far the deliveries of each service have come.

use super::Sealed;
use crate::storage::transaction::{insert_one, query_one, update_one};
use crate::storage::{StorageError, Transaction, Value};

/// How far the deliveries of each service have come.
pub trait DeliveryRows {
    /// The state of a service's deliveries.
    ///
    /// # Errors
    /// Storage failed.
    fn delivery(&mut self, service: u64) -> Result<Option<Sealed>, StorageError>;

    /// Stores a state, whose version is one more than the stored one, or 1 for the first.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] or [`StorageError::Exists`] when somebody was faster; storage failed.
    fn put_delivery(&mut self, service: u64, sealed: &Sealed) -> Result<(), StorageError>;

    /// Removes a state, if there is one.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_delivery(&mut self, service: u64) -> Result<(), StorageError>;
}

impl<X: Transaction + ?Sized> DeliveryRows for X {
    fn delivery(&mut self, service: u64) -> Result<Option<Sealed>, StorageError> {
        query_one(self, "SELECT ver, sealed FROM delivery WHERE service = $1", &[Value::unsigned(service)], |row| {
            Ok(Sealed { ver: row.unsigned(0)?, bytes: row.bytes(1)? })
        })
    }

    fn put_delivery(&mut self, service: u64, sealed: &Sealed) -> Result<(), StorageError> {
        let (ver, bytes, service) =
            (Value::unsigned(sealed.ver), Value::Bytes(&sealed.bytes), Value::unsigned(service));
        if sealed.ver == 1 {
            let sql = "INSERT INTO delivery (ver, sealed, service) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            return insert_one(self, sql, &[ver, bytes, service]);
        }
        let sql = "UPDATE delivery SET ver = $1, sealed = $2 WHERE service = $3 AND ver = $1 - 1";
        update_one(self, sql, &[ver, bytes, service])
    }

    fn delete_delivery(&mut self, service: u64) -> Result<(), StorageError> {
        self.execute("DELETE FROM delivery WHERE service = $1", &[Value::unsigned(service)])?;
        Ok(())
    }
}
