//! What accounts allowed applications until it ends, and the tokens that they have for it.

use super::Sealed;
use crate::clock::UnixSeconds;
use crate::storage::transaction::{insert_one, query_all, query_one, update_one};
use crate::storage::{Row, StorageError, Transaction, Value};

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRow {
    /// 16 random bytes, written as a UUID.
    pub id: [u8; 16],
    /// The number of the account.
    pub account: u64,
    /// A keyed hash of account, application and device.
    pub slot: [u8; 32],
    /// When it was made.
    pub created_at: UnixSeconds,
    /// Everything else.
    pub sealed: Sealed,
}

/// A token of a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantTokenRow {
    /// The keyed hash of the token.
    pub hash: [u8; 32],
    /// The grant.
    pub grant: [u8; 16],
    /// From when on it may be swept away.
    pub expires_at: UnixSeconds,
    /// Everything else.
    pub sealed: Sealed,
}

/// Grants and their tokens.
pub trait GrantRows {
    /// Adds a grant, in the place of the one of the same slot, with whose tokens it is over.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when there is one with the same id; storage failed.
    fn put_grant(&mut self, row: &GrantRow) -> Result<(), StorageError>;

    /// The grant with this id.
    ///
    /// # Errors
    /// Storage failed.
    fn grant(&mut self, id: &[u8; 16]) -> Result<Option<GrantRow>, StorageError>;

    /// Removes a grant with its tokens; returns whether there was one.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_grant(&mut self, id: &[u8; 16]) -> Result<bool, StorageError>;

    /// Removes the grants of an account with their tokens; returns how many there were.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_grants_of(&mut self, account: u64) -> Result<usize, StorageError>;

    /// Removes the oldest grants of an account beyond the newest `most`, with their tokens; returns how many.
    ///
    /// # Errors
    /// Storage failed.
    fn trim_grants(&mut self, account: u64, most: u32) -> Result<usize, StorageError>;

    /// Adds a token.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when there is one with the same hash; storage failed.
    fn insert_grant_token(&mut self, row: &GrantTokenRow) -> Result<(), StorageError>;

    /// The token with this keyed hash.
    ///
    /// # Errors
    /// Storage failed.
    fn grant_token(&mut self, hash: &[u8; 32]) -> Result<Option<GrantTokenRow>, StorageError>;

    /// All tokens of a grant.
    ///
    /// # Errors
    /// Storage failed.
    fn grant_tokens(&mut self, grant: &[u8; 16]) -> Result<Vec<GrantTokenRow>, StorageError>;

    /// Changes a token; `row.sealed.ver` is one more than the stored one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody was faster; storage failed.
    fn update_grant_token(&mut self, row: &GrantTokenRow) -> Result<(), StorageError>;

    /// Removes a token; returns whether there was one.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_grant_token(&mut self, hash: &[u8; 32]) -> Result<bool, StorageError>;

    /// Removes the tokens that are over at `now`, and the grants that have none; returns how many grants.
    ///
    /// # Errors
    /// Storage failed.
    fn sweep_grants(&mut self, now: UnixSeconds) -> Result<usize, StorageError>;
}

fn grant(row: &dyn Row) -> Result<GrantRow, StorageError> {
    Ok(GrantRow {
        id: row.array(0)?,
        account: row.unsigned(1)?,
        slot: row.array(2)?,
        created_at: UnixSeconds::new(row.unsigned(3)?),
        sealed: Sealed { ver: row.unsigned(4)?, bytes: row.bytes(5)? },
    })
}

fn token(row: &dyn Row) -> Result<GrantTokenRow, StorageError> {
    Ok(GrantTokenRow {
        hash: row.array(0)?,
        grant: row.array(1)?,
        expires_at: UnixSeconds::new(row.unsigned(2)?),
        sealed: Sealed { ver: row.unsigned(3)?, bytes: row.bytes(4)? },
    })
}

impl<X: Transaction + ?Sized> GrantRows for X {
    fn put_grant(&mut self, row: &GrantRow) -> Result<(), StorageError> {
        self.execute("DELETE FROM token_grant WHERE slot = $1", &[Value::Bytes(&row.slot)])?;
        let sql = "INSERT INTO token_grant (id, account, slot, created_at, ver, sealed) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        insert_one(
            self,
            sql,
            &[
                Value::Bytes(&row.id),
                Value::unsigned(row.account),
                Value::Bytes(&row.slot),
                Value::unsigned(row.created_at.get()),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn grant(&mut self, id: &[u8; 16]) -> Result<Option<GrantRow>, StorageError> {
        let sql = "SELECT id, account, slot, created_at, ver, sealed FROM token_grant WHERE id = $1";
        query_one(self, sql, &[Value::Bytes(id)], grant)
    }

    fn delete_grant(&mut self, id: &[u8; 16]) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM token_grant WHERE id = $1", &[Value::Bytes(id)])? == 1)
    }

    fn delete_grants_of(&mut self, account: u64) -> Result<usize, StorageError> {
        self.execute("DELETE FROM token_grant WHERE account = $1", &[Value::unsigned(account)])
    }

    fn trim_grants(&mut self, account: u64, most: u32) -> Result<usize, StorageError> {
        let sql = "DELETE FROM token_grant WHERE account = $1 AND id NOT IN \
                   (SELECT id FROM token_grant WHERE account = $1 ORDER BY created_at DESC, id LIMIT $2)";
        self.execute(sql, &[Value::unsigned(account), Value::unsigned(most.into())])
    }

    fn insert_grant_token(&mut self, row: &GrantTokenRow) -> Result<(), StorageError> {
        let sql = "INSERT INTO grant_token (hash, grant_id, expires_at, ver, sealed) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT DO NOTHING";
        insert_one(
            self,
            sql,
            &[
                Value::Bytes(&row.hash),
                Value::Bytes(&row.grant),
                Value::unsigned(row.expires_at.get()),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn grant_token(&mut self, hash: &[u8; 32]) -> Result<Option<GrantTokenRow>, StorageError> {
        let sql = "SELECT hash, grant_id, expires_at, ver, sealed FROM grant_token WHERE hash = $1";
        query_one(self, sql, &[Value::Bytes(hash)], token)
    }

    fn grant_tokens(&mut self, grant: &[u8; 16]) -> Result<Vec<GrantTokenRow>, StorageError> {
        let sql = "SELECT hash, grant_id, expires_at, ver, sealed FROM grant_token WHERE grant_id = $1 ORDER BY hash";
        query_all(self, sql, &[Value::Bytes(grant)], token)
    }

    fn update_grant_token(&mut self, row: &GrantTokenRow) -> Result<(), StorageError> {
        let sql = "UPDATE grant_token SET ver = $1, sealed = $2 WHERE hash = $3 AND ver = $1 - 1";
        let (ver, sealed) = (Value::unsigned(row.sealed.ver), Value::Bytes(&row.sealed.bytes));
        update_one(self, sql, &[ver, sealed, Value::Bytes(&row.hash)])
    }

    fn delete_grant_token(&mut self, hash: &[u8; 32]) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM grant_token WHERE hash = $1", &[Value::Bytes(hash)])? == 1)
    }

    fn sweep_grants(&mut self, now: UnixSeconds) -> Result<usize, StorageError> {
        self.execute("DELETE FROM grant_token WHERE expires_at <= $1", &[Value::unsigned(now.get())])?;
        let sql = "DELETE FROM token_grant WHERE NOT EXISTS \
                   (SELECT 1 FROM grant_token WHERE grant_token.grant_id = token_grant.id)";
        self.execute(sql, &[])
    }
}
