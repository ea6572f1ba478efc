//! Sessions: what accounts are signed in with until they sign out.

use super::Sealed;
use crate::clock::UnixSeconds;
use crate::storage::transaction::{insert_one, query_all, query_one};
use crate::storage::{Row, StorageError, Transaction, Value};

/// A session of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The keyed hash of its token.
    pub hash: [u8; 32],
    /// The number of the account.
    pub account: u64,
    /// A keyed hash of account, application and identifier.
    pub slot: [u8; 32],
    /// When it was made.
    pub created_at: UnixSeconds,
    /// From when on it may be swept away; [`SessionRow::NEVER`] for never.
    pub expires_at: UnixSeconds,
    /// Everything else.
    pub sealed: Sealed,
}

impl SessionRow {
    /// The end of what does not end by itself: as late as a column can say.
    pub const NEVER: UnixSeconds = UnixSeconds::new(u64::MAX >> 1);
}

/// Sessions.
pub trait SessionRows {
    /// Adds a session, in the place of the one of the same slot.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when there is one with the same token; storage failed.
    fn put_session(&mut self, row: &SessionRow) -> Result<(), StorageError>;

    /// The session whose token has this keyed hash.
    ///
    /// # Errors
    /// Storage failed.
    fn session(&mut self, hash: &[u8; 32]) -> Result<Option<SessionRow>, StorageError>;

    /// All sessions of an account.
    ///
    /// # Errors
    /// Storage failed.
    fn sessions_of(&mut self, account: u64) -> Result<Vec<SessionRow>, StorageError>;

    /// Removes a session; returns whether there was one.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_session(&mut self, hash: &[u8; 32]) -> Result<bool, StorageError>;

    /// Removes the oldest sessions of an account beyond the newest `most`; returns how many.
    ///
    /// # Errors
    /// Storage failed.
    fn trim_sessions(&mut self, account: u64, most: u32) -> Result<usize, StorageError>;

    /// Removes the sessions that are over at `now`; returns how many.
    ///
    /// # Errors
    /// Storage failed.
    fn sweep_sessions(&mut self, now: UnixSeconds) -> Result<usize, StorageError>;
}

fn session(row: &dyn Row) -> Result<SessionRow, StorageError> {
    Ok(SessionRow {
        hash: row.array(0)?,
        account: row.unsigned(1)?,
        slot: row.array(2)?,
        created_at: UnixSeconds::new(row.unsigned(3)?),
        expires_at: UnixSeconds::new(row.unsigned(4)?),
        sealed: Sealed { ver: row.unsigned(5)?, bytes: row.bytes(6)? },
    })
}

impl<X: Transaction + ?Sized> SessionRows for X {
    fn put_session(&mut self, row: &SessionRow) -> Result<(), StorageError> {
        self.execute("DELETE FROM session WHERE slot = $1", &[Value::Bytes(&row.slot)])?;
        let sql = "INSERT INTO session (hash, account, slot, created_at, expires_at, ver, sealed) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
        insert_one(
            self,
            sql,
            &[
                Value::Bytes(&row.hash),
                Value::unsigned(row.account),
                Value::Bytes(&row.slot),
                Value::unsigned(row.created_at.get()),
                Value::unsigned(row.expires_at.get()),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn session(&mut self, hash: &[u8; 32]) -> Result<Option<SessionRow>, StorageError> {
        let sql = "SELECT hash, account, slot, created_at, expires_at, ver, sealed FROM session WHERE hash = $1";
        query_one(self, sql, &[Value::Bytes(hash)], session)
    }

    fn sessions_of(&mut self, account: u64) -> Result<Vec<SessionRow>, StorageError> {
        let sql = "SELECT hash, account, slot, created_at, expires_at, ver, sealed FROM session \
                   WHERE account = $1 ORDER BY hash";
        query_all(self, sql, &[Value::unsigned(account)], session)
    }

    fn delete_session(&mut self, hash: &[u8; 32]) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM session WHERE hash = $1", &[Value::Bytes(hash)])? == 1)
    }

    fn trim_sessions(&mut self, account: u64, most: u32) -> Result<usize, StorageError> {
        let sql = "DELETE FROM session WHERE account = $1 AND hash NOT IN \
                   (SELECT hash FROM session WHERE account = $1 ORDER BY created_at DESC, hash LIMIT $2)";
        self.execute(sql, &[Value::unsigned(account), Value::unsigned(most.into())])
    }

    fn sweep_sessions(&mut self, now: UnixSeconds) -> Result<usize, StorageError> {
        self.execute("DELETE FROM session WHERE expires_at <= $1", &[Value::unsigned(now.get())])
    }
}
