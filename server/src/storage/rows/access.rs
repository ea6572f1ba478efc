//! Subscriptions, services and authkeys.

use super::Sealed;
use crate::clock::UnixSeconds;
use crate::storage::transaction::{insert_one, query_all, query_one, update_one};
use crate::storage::{Row, StorageError, Transaction, Value};

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// Its number.
    pub id: u64,
    /// Its API name.
    pub name: String,
    /// The subscription it belongs to.
    pub subscription: String,
    /// Its settings.
    pub sealed: Sealed,
}

/// An authkey, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthkeyRow {
    /// Its number.
    pub id: u64,
    /// The keyed hash of the key.
    pub hash: [u8; 32],
    /// When it was used last, to the minute; 0 for never.
    pub used_at: UnixSeconds,
    /// What it allows, where, and its name.
    pub sealed: Sealed,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: UnixSeconds,
    /// Where its part of the log and of the authkeys begins.
    pub sealed: Sealed,
}

/// Subscriptions, services, webhooks and authkeys.
pub trait AccessRows {
    /// Adds a subscription.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when the name is taken; storage failed.
    fn insert_subscription(&mut self, row: &SubscriptionRow) -> Result<(), StorageError>;

    /// The subscription `name`.
    ///
    /// # Errors
    /// Storage failed.
    fn subscription(&mut self, name: &str) -> Result<Option<SubscriptionRow>, StorageError>;

    /// Whether there is a subscription `name`.
    ///
    /// # Errors
    /// Storage failed.
    fn has_subscription(&mut self, name: &str) -> Result<bool, StorageError>;

    /// All subscriptions, by name.
    ///
    /// # Errors
    /// Storage failed.
    fn subscriptions(&mut self) -> Result<Vec<SubscriptionRow>, StorageError>;

    /// Removes a subscription without services; returns whether there was one.
    ///
    /// # Errors
    /// Storage failed, also when it has services.
    fn delete_subscription(&mut self, name: &str) -> Result<bool, StorageError>;

    /// The service with this API name.
    ///
    /// # Errors
    /// Storage failed.
    fn service_by_name(&mut self, name: &str) -> Result<Option<ServiceRow>, StorageError>;

    /// The service with this number.
    ///
    /// # Errors
    /// Storage failed.
    fn service_by_id(&mut self, id: u64) -> Result<Option<ServiceRow>, StorageError>;

    /// All services, by name.
    ///
    /// # Errors
    /// Storage failed.
    fn services(&mut self) -> Result<Vec<ServiceRow>, StorageError>;

    /// Adds a service.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when the name is taken; storage failed.
    fn insert_service(&mut self, row: &ServiceRow) -> Result<(), StorageError>;

    /// Changes a service's settings; `sealed.ver` is one more than the stored one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]; storage failed.
    fn update_service(&mut self, id: u64, sealed: &Sealed) -> Result<(), StorageError>;

    /// Removes a service without tokens, and its webhook.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when there is none; storage failed, also when it has tokens.
    fn delete_service(&mut self, id: u64) -> Result<(), StorageError>;

    /// The webhook of the service with this number.
    ///
    /// # Errors
    /// Storage failed.
    fn webhook(&mut self, service: u64) -> Result<Option<Sealed>, StorageError>;

    /// Stores a webhook, whose version is one more than the stored one, or 1 for the first.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] or [`StorageError::Exists`] when somebody was faster; storage failed.
    fn put_webhook(&mut self, service: u64, sealed: &Sealed) -> Result<(), StorageError>;

    /// Removes the webhook of a service; returns whether there was one.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_webhook(&mut self, service: u64) -> Result<bool, StorageError>;

    /// The authkey with this keyed hash.
    ///
    /// # Errors
    /// Storage failed.
    fn authkey_by_hash(&mut self, hash: &[u8; 32]) -> Result<Option<AuthkeyRow>, StorageError>;

    /// All authkeys, by number.
    ///
    /// # Errors
    /// Storage failed.
    fn authkeys(&mut self) -> Result<Vec<AuthkeyRow>, StorageError>;

    /// The authkey with this number.
    ///
    /// # Errors
    /// Storage failed.
    fn authkey_by_id(&mut self, id: u64) -> Result<Option<AuthkeyRow>, StorageError>;

    /// Adds an authkey.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when the same key is there already; storage failed.
    fn insert_authkey(&mut self, row: &AuthkeyRow) -> Result<(), StorageError>;

    /// Changes an authkey; `sealed.ver` is one more than the stored one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]; storage failed.
    fn update_authkey(&mut self, id: u64, sealed: &Sealed) -> Result<(), StorageError>;

    /// Notes that an authkey was used at `at`, unless it was used later or is gone.
    ///
    /// # Errors
    /// Storage failed.
    fn authkey_used(&mut self, id: u64, at: UnixSeconds) -> Result<(), StorageError>;

    /// Moves every last use after `now` to `now`.
    ///
    /// # Errors
    /// Storage failed.
    fn forget_authkey_uses_after(&mut self, now: UnixSeconds) -> Result<(), StorageError>;

    /// Removes an authkey and keeps its hash; returns whether there was one.
    ///
    /// # Errors
    /// Storage failed.
    fn delete_authkey(&mut self, id: u64) -> Result<bool, StorageError>;

    /// Whether an authkey with this keyed hash was removed.
    ///
    /// # Errors
    /// Storage failed.
    fn was_authkey(&mut self, hash: &[u8; 32]) -> Result<bool, StorageError>;
}

fn subscription(row: &dyn Row) -> Result<SubscriptionRow, StorageError> {
    Ok(SubscriptionRow {
        name: row.text(0)?,
        created_at: UnixSeconds::new(row.unsigned(1)?),
        sealed: Sealed { ver: row.unsigned(2)?, bytes: row.bytes(3)? },
    })
}

pub(super) fn service(row: &dyn Row) -> Result<ServiceRow, StorageError> {
    Ok(ServiceRow {
        id: row.unsigned(0)?,
        name: row.text(1)?,
        subscription: row.text(2)?,
        sealed: Sealed { ver: row.unsigned(3)?, bytes: row.bytes(4)? },
    })
}

pub(super) fn authkey(row: &dyn Row) -> Result<AuthkeyRow, StorageError> {
    Ok(AuthkeyRow {
        id: row.unsigned(0)?,
        hash: row.array(1)?,
        used_at: UnixSeconds::new(row.unsigned(2)?),
        sealed: Sealed { ver: row.unsigned(3)?, bytes: row.bytes(4)? },
    })
}

impl<X: Transaction + ?Sized> AccessRows for X {
    fn insert_subscription(&mut self, row: &SubscriptionRow) -> Result<(), StorageError> {
        let sql = "INSERT INTO subscription (name, created_at, ver, sealed) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT DO NOTHING";
        let (at, ver) = (Value::unsigned(row.created_at.get()), Value::unsigned(row.sealed.ver));
        insert_one(self, sql, &[Value::Text(&row.name), at, ver, Value::Bytes(&row.sealed.bytes)])
    }

    fn subscription(&mut self, name: &str) -> Result<Option<SubscriptionRow>, StorageError> {
        let sql = "SELECT name, created_at, ver, sealed FROM subscription WHERE name = $1";
        query_one(self, sql, &[Value::Text(name)], subscription)
    }

    fn has_subscription(&mut self, name: &str) -> Result<bool, StorageError> {
        let sql = "SELECT created_at FROM subscription WHERE name = $1";
        Ok(query_one(self, sql, &[Value::Text(name)], |row| row.int(0))?.is_some())
    }

    fn service_by_name(&mut self, name: &str) -> Result<Option<ServiceRow>, StorageError> {
        let sql = "SELECT id, name, subscription, ver, sealed FROM service WHERE name = $1";
        query_one(self, sql, &[Value::Text(name)], service)
    }

    fn service_by_id(&mut self, id: u64) -> Result<Option<ServiceRow>, StorageError> {
        let sql = "SELECT id, name, subscription, ver, sealed FROM service WHERE id = $1";
        query_one(self, sql, &[Value::unsigned(id)], service)
    }

    fn services(&mut self) -> Result<Vec<ServiceRow>, StorageError> {
        query_all(self, "SELECT id, name, subscription, ver, sealed FROM service ORDER BY name", &[], service)
    }

    fn insert_service(&mut self, row: &ServiceRow) -> Result<(), StorageError> {
        let sql = "INSERT INTO service (id, name, subscription, ver, sealed) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT DO NOTHING";
        insert_one(
            self,
            sql,
            &[
                Value::unsigned(row.id),
                Value::Text(&row.name),
                Value::Text(&row.subscription),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn update_service(&mut self, id: u64, sealed: &Sealed) -> Result<(), StorageError> {
        let sql = "UPDATE service SET ver = $1, sealed = $2 WHERE id = $3 AND ver = $1 - 1";
        update_one(self, sql, &[Value::unsigned(sealed.ver), Value::Bytes(&sealed.bytes), Value::unsigned(id)])
    }

    fn subscriptions(&mut self) -> Result<Vec<SubscriptionRow>, StorageError> {
        let sql = "SELECT name, created_at, ver, sealed FROM subscription ORDER BY name";
        query_all(self, sql, &[], subscription)
    }

    fn delete_subscription(&mut self, name: &str) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM subscription WHERE name = $1", &[Value::Text(name)])? == 1)
    }

    fn delete_service(&mut self, id: u64) -> Result<(), StorageError> {
        update_one(self, "DELETE FROM service WHERE id = $1", &[Value::unsigned(id)])
    }

    fn webhook(&mut self, service: u64) -> Result<Option<Sealed>, StorageError> {
        query_one(self, "SELECT ver, sealed FROM webhook WHERE service = $1", &[Value::unsigned(service)], |row| {
            Ok(Sealed { ver: row.unsigned(0)?, bytes: row.bytes(1)? })
        })
    }

    fn put_webhook(&mut self, service: u64, sealed: &Sealed) -> Result<(), StorageError> {
        let (service, ver) = (Value::unsigned(service), Value::unsigned(sealed.ver));
        let bytes = Value::Bytes(&sealed.bytes);
        if sealed.ver == 1 {
            let sql = "INSERT INTO webhook (service, ver, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            return insert_one(self, sql, &[service, ver, bytes]);
        }
        let sql = "UPDATE webhook SET ver = $1, sealed = $2 WHERE service = $3 AND ver = $1 - 1";
        update_one(self, sql, &[ver, bytes, service])
    }

    fn delete_webhook(&mut self, service: u64) -> Result<bool, StorageError> {
        Ok(self.execute("DELETE FROM webhook WHERE service = $1", &[Value::unsigned(service)])? == 1)
    }

    fn authkey_by_hash(&mut self, hash: &[u8; 32]) -> Result<Option<AuthkeyRow>, StorageError> {
        let sql = "SELECT id, hash, used_at, ver, sealed FROM authkey WHERE hash = $1";
        query_one(self, sql, &[Value::Bytes(hash)], authkey)
    }

    fn authkeys(&mut self) -> Result<Vec<AuthkeyRow>, StorageError> {
        query_all(self, "SELECT id, hash, used_at, ver, sealed FROM authkey ORDER BY id", &[], authkey)
    }

    fn authkey_by_id(&mut self, id: u64) -> Result<Option<AuthkeyRow>, StorageError> {
        let sql = "SELECT id, hash, used_at, ver, sealed FROM authkey WHERE id = $1";
        query_one(self, sql, &[Value::unsigned(id)], authkey)
    }

    fn insert_authkey(&mut self, row: &AuthkeyRow) -> Result<(), StorageError> {
        insert_one(
            self,
            "INSERT INTO authkey (id, hash, used_at, ver, sealed) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            &[
                Value::unsigned(row.id),
                Value::Bytes(&row.hash),
                Value::unsigned(row.used_at.get()),
                Value::unsigned(row.sealed.ver),
                Value::Bytes(&row.sealed.bytes),
            ],
        )
    }

    fn update_authkey(&mut self, id: u64, sealed: &Sealed) -> Result<(), StorageError> {
        let sql = "UPDATE authkey SET ver = $1, sealed = $2 WHERE id = $3 AND ver = $1 - 1";
        update_one(self, sql, &[Value::unsigned(sealed.ver), Value::Bytes(&sealed.bytes), Value::unsigned(id)])
    }

    fn authkey_used(&mut self, id: u64, at: UnixSeconds) -> Result<(), StorageError> {
        let sql = "UPDATE authkey SET used_at = $1 WHERE id = $2 AND used_at < $1";
        self.execute(sql, &[Value::unsigned(at.get()), Value::unsigned(id)])?;
        Ok(())
    }

    fn forget_authkey_uses_after(&mut self, now: UnixSeconds) -> Result<(), StorageError> {
        self.execute("UPDATE authkey SET used_at = $1 WHERE used_at > $1", &[Value::unsigned(now.get())])?;
        Ok(())
    }

    fn was_authkey(&mut self, hash: &[u8; 32]) -> Result<bool, StorageError> {
        let sql = "SELECT hash FROM spent_authkey WHERE hash = $1";
        Ok(query_one(self, sql, &[Value::Bytes(hash)], |row| row.bytes(0))?.is_some())
    }

    fn delete_authkey(&mut self, id: u64) -> Result<bool, StorageError> {
        let sql = "INSERT INTO spent_authkey (hash) SELECT hash FROM authkey WHERE id = $1 ON CONFLICT DO NOTHING";
        self.execute(sql, &[Value::unsigned(id)])?;
        Ok(self.execute("DELETE FROM authkey WHERE id = $1", &[Value::unsigned(id)])? == 1)
    }
}
