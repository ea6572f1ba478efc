//! Tokens.

use super::Sealed;
use crate::storage::transaction::{insert_one, query_all, query_one, update_one};
use crate::storage::{Row, StorageError, Transaction, Value};

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id on the wire.
    pub id: [u8; 16],
    /// The number of its service.
    pub service: u64,
    /// The user id, as bytes.
    pub user: Vec<u8>,
    /// Its state.
    pub sealed: Sealed,
}

/// Tokens.
pub trait TokenRows {
    /// The token of `user` in the service with this number.
    ///
    /// # Errors
    /// Storage failed.
    fn token_of(&mut self, service: u64, user: &str) -> Result<Option<TokenRow>, StorageError>;

    /// The token with this id.
    ///
    /// # Errors
    /// Storage failed.
    fn token_by_id(&mut self, id: &[u8; 16]) -> Result<Option<TokenRow>, StorageError>;

    /// At most `limit` tokens of the service with this number whose user ids follow `after`, in the order of the bytes of
    /// their user ids.
    ///
    /// # Errors
    /// Storage failed.
    fn tokens_after(&mut self, service: u64, after: &[u8], limit: u32) -> Result<Vec<TokenRow>, StorageError>;

    /// The ids of all tokens.
    ///
    /// # Errors
    /// Storage failed.
    fn token_ids(&mut self) -> Result<Vec<[u8; 16]>, StorageError>;

    /// Adds a token.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when the user has one in this service; storage failed.
    fn insert_token(&mut self, row: &TokenRow) -> Result<(), StorageError>;

    /// Changes a token's state; `sealed.ver` is one more than the stored one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]; storage failed.
    fn update_token(&mut self, id: &[u8; 16], sealed: &Sealed) -> Result<(), StorageError>;

    /// Removes a token; its offer to enroll goes with it, its devices stay.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when there is none; storage failed.
    fn delete_token(&mut self, id: &[u8; 16]) -> Result<(), StorageError>;
}

pub(super) fn token(row: &dyn Row) -> Result<TokenRow, StorageError> {
    Ok(TokenRow {
        id: row.array(0)?,
        service: row.unsigned(1)?,
        user: row.bytes(2)?,
        sealed: Sealed { ver: row.unsigned(3)?, bytes: row.bytes(4)? },
    })
}

impl<X: Transaction + ?Sized> TokenRows for X {
    fn token_of(&mut self, service: u64, user: &str) -> Result<Option<TokenRow>, StorageError> {
        let sql = "SELECT id, service, user_id, ver, sealed FROM token WHERE service = $1 AND user_id = $2";
        query_one(self, sql, &[Value::unsigned(service), Value::Bytes(user.as_bytes())], token)
    }

    fn token_by_id(&mut self, id: &[u8; 16]) -> Result<Option<TokenRow>, StorageError> {
        let sql = "SELECT id, service, user_id, ver, sealed FROM token WHERE id = $1";
        query_one(self, sql, &[Value::Bytes(id)], token)
    }

    fn tokens_after(&mut self, service: u64, after: &[u8], limit: u32) -> Result<Vec<TokenRow>, StorageError> {
        let sql = "SELECT id, service, user_id, ver, sealed FROM token WHERE service = $1 AND user_id > $2 \
                   ORDER BY user_id LIMIT $3";
        query_all(self, sql, &[Value::unsigned(service), Value::Bytes(after), Value::unsigned(limit.into())], token)
    }

    fn token_ids(&mut self) -> Result<Vec<[u8; 16]>, StorageError> {
        let mut ids = Vec::new();
        self.query("SELECT id FROM token ORDER BY id", &[], &mut |row| {
            ids.push(row.array(0)?);
            Ok(())
        })?;
        Ok(ids)
    }

    fn insert_token(&mut self, row: &TokenRow) -> Result<(), StorageError> {
        insert_one(
            self,
            "INSERT INTO token (id, service, user_id, ver, sealed) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            &[
                Value::Bytes(&row.id),
                Value::unsigned(row.service),
                Value::Bytes(&row.user),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn update_token(&mut self, id: &[u8; 16], sealed: &Sealed) -> Result<(), StorageError> {
        let sql = "UPDATE token SET ver = $1, sealed = $2 WHERE id = $3 AND ver = $1 - 1";
        update_one(self, sql, &[Value::unsigned(sealed.ver), Value::Bytes(&sealed.bytes), Value::Bytes(id)])
    }

    fn delete_token(&mut self, id: &[u8; 16]) -> Result<(), StorageError> {
        update_one(self, "DELETE FROM token WHERE id = $1", &[Value::Bytes(id)])
    }
}
