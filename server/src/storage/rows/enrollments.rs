//! Offers to enroll.

use super::Sealed;
use crate::clock::UnixSeconds;
use crate::storage::transaction::{insert_one, query_one, update_one};
use crate::storage::{Row, StorageError, Transaction, Value};

/// An offer to enroll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollmentRow {
    /// What the link names it by.
    pub id: [u8; 8],
    /// What the typed code names it by.
    pub lookup: String,
    /// The token it is for.
    pub token: [u8; 16],
    /// From when on it may be swept away.
    pub expires_at: UnixSeconds,
    /// Its secrets and its state.
    pub sealed: Sealed,
}

/// Offers to enroll; a token has one at most.
pub trait EnrollmentRows {
    /// The offer with this id.
    ///
    /// # Errors
    /// Storage failed.
    fn enrollment(&mut self, id: &[u8; 8]) -> Result<Option<EnrollmentRow>, StorageError>;

    /// The offer whose typed code begins with `lookup`.
    ///
    /// # Errors
    /// Storage failed.
    fn enrollment_by_lookup(&mut self, lookup: &str) -> Result<Option<EnrollmentRow>, StorageError>;

    /// The offer for this token.
    ///
    /// # Errors
    /// Storage failed.
    fn enrollment_of(&mut self, token: &[u8; 16]) -> Result<Option<EnrollmentRow>, StorageError>;

    /// Adds an offer.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when the token has one or the lookup is in use; storage failed.
    fn insert_enrollment(&mut self, row: &EnrollmentRow) -> Result<(), StorageError>;

    /// Changes an offer; `sealed.ver` is one more than the stored one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]; storage failed.
    fn update_enrollment(&mut self, id: &[u8; 8], sealed: &Sealed) -> Result<(), StorageError>;

    /// Removes the offer for a token, if there is one.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_enrollment_of(&mut self, token: &[u8; 16]) -> Result<(), StorageError>;

    /// Removes every offer that has expired by `now`; returns how many.
    ///
    /// # Errors
    /// Storage failed.
    fn sweep_enrollments(&mut self, now: UnixSeconds) -> Result<usize, StorageError>;
}

fn enrollment(row: &dyn Row) -> Result<EnrollmentRow, StorageError> {
    Ok(EnrollmentRow {
        id: row.array(0)?,
        lookup: row.text(1)?,
        token: row.array(2)?,
        expires_at: UnixSeconds::new(row.unsigned(3)?),
        sealed: Sealed { ver: row.unsigned(4)?, bytes: row.bytes(5)? },
    })
}

impl<X: Transaction + ?Sized> EnrollmentRows for X {
    fn enrollment(&mut self, id: &[u8; 8]) -> Result<Option<EnrollmentRow>, StorageError> {
        let sql = "SELECT id, lookup, token, expires_at, ver, sealed FROM enrollment WHERE id = $1";
        query_one(self, sql, &[Value::Bytes(id)], enrollment)
    }

    fn enrollment_by_lookup(&mut self, lookup: &str) -> Result<Option<EnrollmentRow>, StorageError> {
        let sql = "SELECT id, lookup, token, expires_at, ver, sealed FROM enrollment WHERE lookup = $1";
        query_one(self, sql, &[Value::Text(lookup)], enrollment)
    }

    fn enrollment_of(&mut self, token: &[u8; 16]) -> Result<Option<EnrollmentRow>, StorageError> {
        let sql = "SELECT id, lookup, token, expires_at, ver, sealed FROM enrollment WHERE token = $1";
        query_one(self, sql, &[Value::Bytes(token)], enrollment)
    }

    fn insert_enrollment(&mut self, row: &EnrollmentRow) -> Result<(), StorageError> {
        let sql = "INSERT INTO enrollment (id, lookup, token, expires_at, ver, sealed) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        insert_one(
            self,
            sql,
            &[
                Value::Bytes(&row.id),
                Value::Text(&row.lookup),
                Value::Bytes(&row.token),
                Value::unsigned(row.expires_at.get()),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn update_enrollment(&mut self, id: &[u8; 8], sealed: &Sealed) -> Result<(), StorageError> {
        let sql = "UPDATE enrollment SET ver = $1, sealed = $2 WHERE id = $3 AND ver = $1 - 1";
        update_one(self, sql, &[Value::unsigned(sealed.ver), Value::Bytes(&sealed.bytes), Value::Bytes(id)])
    }

    fn delete_enrollment_of(&mut self, token: &[u8; 16]) -> Result<(), StorageError> {
        self.execute("DELETE FROM enrollment WHERE token = $1", &[Value::Bytes(token)])?;
        Ok(())
    }

    fn sweep_enrollments(&mut self, now: UnixSeconds) -> Result<usize, StorageError> {
        self.execute("DELETE FROM enrollment WHERE expires_at <= $1", &[Value::unsigned(now.get())])
    }
}
