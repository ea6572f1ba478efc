//! Confirmations.

use super::Sealed;
use crate::clock::UnixSeconds;
use crate::storage::transaction::{insert_one, query_all, query_one, update_one};
use crate::storage::{Row, StorageError, Transaction, Value};

/// A confirmation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmationRow {
    /// Its id on the wire and in the API.
    pub id: [u8; 8],
    /// Its number in the instance: who was asked later has the higher one.
    pub seq: u64,
    /// The token that is asked.
    pub token: [u8; 16],
    /// The number of the token's service.
    pub service: u64,
    /// The first second in which it cannot be answered any more.
    pub expires_at: UnixSeconds,
    /// Its text and its state.
    pub sealed: Sealed,
}

/// Confirmations; they go with their token.
pub trait ConfirmationRows {
    /// The confirmation with this id.
    ///
    /// # Errors
    /// Storage failed.
    fn confirmation(&mut self, id: &[u8; 8]) -> Result<Option<ConfirmationRow>, StorageError>;

    /// At most `limit` confirmations of a token with numbers below `below`, newest first.
    ///
    /// # Errors
    /// Storage failed.
    fn confirmations_of(
        &mut self,
        token: &[u8; 16],
        below: u64,
        limit: u32,
    ) -> Result<Vec<ConfirmationRow>, StorageError>;

    /// At most `limit` confirmations in a service with numbers below `below`, newest first.
    ///
    /// # Errors
    /// Storage failed.
    fn confirmations_in(&mut self, service: u64, below: u64, limit: u32) -> Result<Vec<ConfirmationRow>, StorageError>;

    /// At most `limit` confirmations that have expired by `now` and are not swept yet, the oldest first.
    ///
    /// # Errors
    /// Storage failed.
    fn confirmations_due(&mut self, now: UnixSeconds, limit: u32) -> Result<Vec<ConfirmationRow>, StorageError>;

    /// Adds a confirmation.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when there is one with this id; storage failed.
    fn insert_confirmation(&mut self, row: &ConfirmationRow) -> Result<(), StorageError>;

    /// Changes a confirmation; `sealed.ver` is one more than the stored one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]; storage failed.
    fn update_confirmation(&mut self, id: &[u8; 8], sealed: &Sealed) -> Result<(), StorageError>;

    /// Notes that the server has looked at a confirmation after its end.
    ///
    /// # Errors
    /// Storage failed.
    fn mark_swept(&mut self, id: &[u8; 8]) -> Result<(), StorageError>;

    /// Removes at most `limit` swept confirmations whose time was over before `time`; returns how many.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_confirmations(&mut self, time: UnixSeconds, limit: u32) -> Result<usize, StorageError>;
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT id, seq, token, service, expires_at, ver, sealed FROM confirmation ", $rest)
    };
}

fn confirmation(row: &dyn Row) -> Result<ConfirmationRow, StorageError> {
    Ok(ConfirmationRow {
        id: row.array(0)?,
        seq: row.unsigned(1)?,
        token: row.array(2)?,
        service: row.unsigned(3)?,
        expires_at: UnixSeconds::new(row.unsigned(4)?),
        sealed: Sealed { ver: row.unsigned(5)?, bytes: row.bytes(6)? },
    })
}

impl<X: Transaction + ?Sized> ConfirmationRows for X {
    fn confirmation(&mut self, id: &[u8; 8]) -> Result<Option<ConfirmationRow>, StorageError> {
        query_one(self, select!("WHERE id = $1"), &[Value::Bytes(id)], confirmation)
    }

    fn confirmations_of(
        &mut self,
        token: &[u8; 16],
        below: u64,
        limit: u32,
    ) -> Result<Vec<ConfirmationRow>, StorageError> {
        let parameters = [Value::Bytes(token), Value::unsigned(below), Value::Int(i64::from(limit))];
        query_all(self, select!("WHERE token = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"), &parameters, confirmation)
    }

    fn confirmations_in(&mut self, service: u64, below: u64, limit: u32) -> Result<Vec<ConfirmationRow>, StorageError> {
        let parameters = [Value::unsigned(service), Value::unsigned(below), Value::Int(i64::from(limit))];
        query_all(
            self,
            select!("WHERE service = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3"),
            &parameters,
            confirmation,
        )
    }

    fn confirmations_due(&mut self, now: UnixSeconds, limit: u32) -> Result<Vec<ConfirmationRow>, StorageError> {
        let parameters = [Value::unsigned(now.get()), Value::Int(i64::from(limit))];
        query_all(
            self,
            select!("WHERE swept = 0 AND expires_at <= $1 ORDER BY expires_at, seq LIMIT $2"),
            &parameters,
            confirmation,
        )
    }

    fn insert_confirmation(&mut self, row: &ConfirmationRow) -> Result<(), StorageError> {
        insert_one(
            self,
            "INSERT INTO confirmation (id, seq, token, service, expires_at, ver, sealed, swept) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT DO NOTHING",
            &[
                Value::Bytes(&row.id),
                Value::unsigned(row.seq),
                Value::Bytes(&row.token),
                Value::unsigned(row.service),
                Value::unsigned(row.expires_at.get()),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn update_confirmation(&mut self, id: &[u8; 8], sealed: &Sealed) -> Result<(), StorageError> {
        let sql = "UPDATE confirmation SET ver = $1, sealed = $2 WHERE id = $3 AND ver = $1 - 1";
        update_one(self, sql, &[Value::unsigned(sealed.ver), Value::Bytes(&sealed.bytes), Value::Bytes(id)])
    }

    fn mark_swept(&mut self, id: &[u8; 8]) -> Result<(), StorageError> {
        self.execute("UPDATE confirmation SET swept = 1 WHERE id = $1", &[Value::Bytes(id)])?;
        Ok(())
    }

    fn delete_confirmations(&mut self, time: UnixSeconds, limit: u32) -> Result<usize, StorageError> {
        let sql = "DELETE FROM confirmation WHERE id IN (SELECT id FROM confirmation \
                   WHERE swept = 1 AND expires_at < $1 ORDER BY expires_at, seq LIMIT $2)";
        self.execute(sql, &[Value::unsigned(time.get()), Value::Int(i64::from(limit))])
    }
}
