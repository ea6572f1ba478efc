//! Applications: what accounts sign in to.

use super::Sealed;
use crate::storage::transaction::{insert_one, query_all, query_one, update_one};
use crate::storage::{Row, StorageError, Transaction, Value};

/// An application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationRow {
    /// Its number.
    pub id: u64,
    /// The subscription that it belongs to.
    pub subscription: String,
    /// What it calls itself: 16 random bytes, written as a UUID.
    pub client: [u8; 16],
    /// The keyed hash of its appsecret.
    pub secret_hash: [u8; 32],
    /// Everything else.
    pub sealed: Sealed,
}

/// Applications.
pub trait ApplicationRows {
    /// Adds an application.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when there is one with the same appsecret; storage failed.
    fn insert_application(&mut self, row: &ApplicationRow) -> Result<(), StorageError>;

    /// The application with this number.
    ///
    /// # Errors
    /// Storage failed.
    fn application(&mut self, id: u64) -> Result<Option<ApplicationRow>, StorageError>;

    /// The application whose appsecret has this keyed hash.
    ///
    /// # Errors
    /// Storage failed.
    fn application_by_secret(&mut self, hash: &[u8; 32]) -> Result<Option<ApplicationRow>, StorageError>;

    /// The application that calls itself so.
    ///
    /// # Errors
    /// Storage failed.
    fn application_by_client(&mut self, client: &[u8; 16]) -> Result<Option<ApplicationRow>, StorageError>;

    /// At most `limit` applications of a subscription with numbers above `after`, by number.
    ///
    /// # Errors
    /// Storage failed.
    fn applications(&mut self, subscription: &str, after: u64, limit: u32)
    -> Result<Vec<ApplicationRow>, StorageError>;

    /// Changes an application; `row.sealed.ver` is one more than the stored one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody was faster; storage failed.
    fn update_application(&mut self, row: &ApplicationRow) -> Result<(), StorageError>;

    /// Removes an application; returns whether there was one.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_application(&mut self, id: u64) -> Result<bool, StorageError>;
}

fn application(row: &dyn Row) -> Result<ApplicationRow, StorageError> {
    Ok(ApplicationRow {
        id: row.unsigned(0)?,
        subscription: row.text(1)?,
        client: row.array(2)?,
        secret_hash: row.array(3)?,
        sealed: Sealed { ver: row.unsigned(4)?, bytes: row.bytes(5)? },
    })
}

impl<X: Transaction + ?Sized> ApplicationRows for X {
    fn insert_application(&mut self, row: &ApplicationRow) -> Result<(), StorageError> {
        let sql = "INSERT INTO application (id, subscription, client, secret_hash, ver, sealed) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        insert_one(
            self,
            sql,
            &[
                Value::unsigned(row.id),
                Value::Text(&row.subscription),
                Value::Bytes(&row.client),
                Value::Bytes(&row.secret_hash),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn application(&mut self, id: u64) -> Result<Option<ApplicationRow>, StorageError> {
        let sql = "SELECT id, subscription, client, secret_hash, ver, sealed FROM application WHERE id = $1";
        query_one(self, sql, &[Value::unsigned(id)], application)
    }

    fn application_by_secret(&mut self, hash: &[u8; 32]) -> Result<Option<ApplicationRow>, StorageError> {
        let sql = "SELECT id, subscription, client, secret_hash, ver, sealed FROM application WHERE secret_hash = $1";
        query_one(self, sql, &[Value::Bytes(hash)], application)
    }

    fn application_by_client(&mut self, client: &[u8; 16]) -> Result<Option<ApplicationRow>, StorageError> {
        let sql = "SELECT id, subscription, client, secret_hash, ver, sealed FROM application WHERE client = $1";
        query_one(self, sql, &[Value::Bytes(client)], application)
    }

    fn applications(
        &mut self,
        subscription: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ApplicationRow>, StorageError> {
        let sql = "SELECT id, subscription, client, secret_hash, ver, sealed FROM application \
                   WHERE subscription = $1 AND id > $2 ORDER BY id LIMIT $3";
        let (after, limit) = (Value::unsigned(after), Value::unsigned(limit.into()));
        query_all(self, sql, &[Value::Text(subscription), after, limit], application)
    }

    fn update_application(&mut self, row: &ApplicationRow) -> Result<(), StorageError> {
        let sql = "UPDATE application SET secret_hash = $1, ver = $2, sealed = $3 WHERE id = $4 AND ver = $2 - 1";
        let (ver, sealed) = (Value::unsigned(row.sealed.ver), Value::Bytes(&row.sealed.bytes));
        update_one(self, sql, &[Value::Bytes(&row.secret_hash), ver, sealed, Value::unsigned(row.id)])
    }

    fn delete_application(&mut self, id: u64) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM application WHERE id = $1", &[Value::unsigned(id)])? == 1)
    }
}
