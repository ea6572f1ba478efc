//! What subscriptions ask of those who sign in.

use super::Sealed;
use crate::storage::transaction::query_one;
use crate::storage::{Row, StorageError, Transaction, Value};

/// The policy of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// The name of the subscription.
    pub subscription: String,
    /// What it says.
    pub sealed: Sealed,
}

/// Policies.
pub trait PolicyRows {
    /// The policy of a subscription; `None`: it has never said anything.
    ///
    /// # Errors
    /// Storage failed.
    fn policy(&mut self, subscription: &str) -> Result<Option<PolicyRow>, StorageError>;

    /// Sets the policy of a subscription; `row.sealed.ver` is one more than the stored one, and 1 for the first.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when somebody was faster; storage failed.
    fn put_policy(&mut self, row: &PolicyRow) -> Result<(), StorageError>;
}

fn policy(row: &dyn Row) -> Result<PolicyRow, StorageError> {
    Ok(PolicyRow { subscription: row.text(0)?, sealed: Sealed { ver: row.unsigned(1)?, bytes: row.bytes(2)? } })
}

impl<X: Transaction + ?Sized> PolicyRows for X {
    fn policy(&mut self, subscription: &str) -> Result<Option<PolicyRow>, StorageError> {
        let sql = "SELECT subscription, ver, sealed FROM sign_in_policy WHERE subscription = $1";
        query_one(self, sql, &[Value::Text(subscription)], policy)
    }

    fn put_policy(&mut self, row: &PolicyRow) -> Result<(), StorageError> {
        let values = [Value::Text(&row.subscription), Value::unsigned(row.sealed.ver), Value::Bytes(&row.sealed.bytes)];
        let sql = "INSERT INTO sign_in_policy (subscription, ver, sealed) VALUES ($1, $2, $3) \
                   ON CONFLICT (subscription) DO UPDATE SET ver = $2, sealed = $3 WHERE sign_in_policy.ver = $2 - 1";
        if self.execute(sql, &values)? == 1 { Ok(()) } else { Err(StorageError::Conflict) }
    }
}
