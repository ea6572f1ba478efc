//! Accounts: who signs in.

use super::Sealed;
use crate::storage::transaction::{insert_one, query_all, query_one, update_one};
use crate::storage::{Row, StorageError, Transaction, Value};

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// Its number.
    pub id: u64,
    /// The subscription that it belongs to.
    pub subscription: String,
    /// What it is found by: a keyed hash of subscription and name.
    pub name_hash: [u8; 32],
    /// Likewise of subscription and e-mail address, if it has one.
    pub email_hash: Option<[u8; 32]>,
    /// Everything else.
    pub sealed: Sealed,
}

/// Accounts.
pub trait AccountRows {
    /// Adds an account.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when name or address is taken; storage failed.
    fn insert_account(&mut self, row: &AccountRow) -> Result<(), StorageError>;

    /// The account with this number.
    ///
    /// # Errors
    /// Storage failed.
    fn account(&mut self, id: u64) -> Result<Option<AccountRow>, StorageError>;

    /// The account that is found by this hash of its name.
    ///
    /// # Errors
    /// Storage failed.
    fn account_by_name(&mut self, hash: &[u8; 32]) -> Result<Option<AccountRow>, StorageError>;

    /// The account that is found by this hash of its e-mail address.
    ///
    /// # Errors
    /// Storage failed.
    fn account_by_email(&mut self, hash: &[u8; 32]) -> Result<Option<AccountRow>, StorageError>;

    /// At most `limit` accounts of a subscription with numbers above `after`, by number.
    ///
    /// # Errors
    /// Storage failed.
    fn accounts(&mut self, subscription: &str, after: u64, limit: u32) -> Result<Vec<AccountRow>, StorageError>;

    /// Changes an account; `row.sealed.ver` is one more than the stored one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody was faster; [`StorageError::Exists`] when name or address is taken;
    /// storage failed.
    fn update_account(&mut self, row: &AccountRow) -> Result<(), StorageError>;

    /// Removes an account with its sessions; returns whether there was one.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_account(&mut self, id: u64) -> Result<bool, StorageError>;
}

fn account(row: &dyn Row) -> Result<AccountRow, StorageError> {
    let email_hash = row
        .optional_bytes(3)?
        .map(|bytes| bytes.try_into().map_err(|_| StorageError::Corrupt("a value has another length".to_owned())));
    Ok(AccountRow {
        id: row.unsigned(0)?,
        subscription: row.text(1)?,
        name_hash: row.array(2)?,
        email_hash: email_hash.transpose()?,
        sealed: Sealed { ver: row.unsigned(4)?, bytes: row.bytes(5)? },
    })
}

impl<X: Transaction + ?Sized> AccountRows for X {
    fn insert_account(&mut self, row: &AccountRow) -> Result<(), StorageError> {
        let sql = "INSERT INTO account (id, subscription, name_hash, email_hash, ver, sealed) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        insert_one(
            self,
            sql,
            &[
                Value::unsigned(row.id),
                Value::Text(&row.subscription),
                Value::Bytes(&row.name_hash),
                Value::bytes_or_null(row.email_hash.as_ref().map(<[u8; 32]>::as_slice)),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn account(&mut self, id: u64) -> Result<Option<AccountRow>, StorageError> {
        let sql = "SELECT id, subscription, name_hash, email_hash, ver, sealed FROM account WHERE id = $1";
        query_one(self, sql, &[Value::unsigned(id)], account)
    }

    fn account_by_name(&mut self, hash: &[u8; 32]) -> Result<Option<AccountRow>, StorageError> {
        let sql = "SELECT id, subscription, name_hash, email_hash, ver, sealed FROM account WHERE name_hash = $1";
        query_one(self, sql, &[Value::Bytes(hash)], account)
    }

    fn account_by_email(&mut self, hash: &[u8; 32]) -> Result<Option<AccountRow>, StorageError> {
        let sql = "SELECT id, subscription, name_hash, email_hash, ver, sealed FROM account WHERE email_hash = $1";
        query_one(self, sql, &[Value::Bytes(hash)], account)
    }

    fn accounts(&mut self, subscription: &str, after: u64, limit: u32) -> Result<Vec<AccountRow>, StorageError> {
        let sql = "SELECT id, subscription, name_hash, email_hash, ver, sealed FROM account \
                   WHERE subscription = $1 AND id > $2 ORDER BY id LIMIT $3";
        let (after, limit) = (Value::unsigned(after), Value::unsigned(limit.into()));
        query_all(self, sql, &[Value::Text(subscription), after, limit], account)
    }

    fn update_account(&mut self, row: &AccountRow) -> Result<(), StorageError> {
        // An error of the database itself would end a transaction of PostgreSQL.
        let of_name = self.account_by_name(&row.name_hash)?;
        let of_email = row.email_hash.as_ref().map(|hash| self.account_by_email(hash)).transpose()?.flatten();
        if [of_name, of_email].iter().flatten().any(|found| found.id != row.id) {
            return Err(StorageError::Exists);
        }
        let sql = "UPDATE account SET name_hash = $1, email_hash = $2, ver = $3, sealed = $4 \
                   WHERE id = $5 AND ver = $3 - 1";
        update_one(
            self,
            sql,
            &[
                Value::Bytes(&row.name_hash),
                Value::bytes_or_null(row.email_hash.as_ref().map(<[u8; 32]>::as_slice)),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
                Value::unsigned(row.id),
            ],
        )
    }

    fn delete_account(&mut self, id: u64) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM account WHERE id = $1", &[Value::unsigned(id)])? == 1)
    }
}
