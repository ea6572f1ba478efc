//! Subscriptions: tenants of one instance.

use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::authkey::Scope;
use crate::domain::world::ClockReading;
use crate::storage::rows::{AccessRows, SubscriptionRow};
use crate::storage::{StorageError, Transaction};
use crate::vault::{About, Event, EventKind, Vault, VaultError};

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: UnixSeconds,
}

impl Vault {
    /// Adds the subscription `name`.
    ///
    /// # Errors
    /// [`StorageError::Exists`] when there is one; storage failed.
    pub fn create_subscription(
        &self,
        tx: &mut dyn Transaction,
        name: &str,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Subscription, VaultError> {
        let created_at = clock.now();
        if !tx.ensure_subscription(name, created_at)? {
            return Err(StorageError::Exists.into());
        }
        let about = About::Subscription(name.to_owned());
        self.record(tx, &Event::new(EventKind::SubscriptionCreated, about, by, created_at))?;
        self.mark_time(tx, clock)?;
        Ok(Subscription { name: name.to_owned(), created_at })
    }

    /// All subscriptions, by name.
    ///
    /// # Errors
    /// Storage failed.
    pub fn subscriptions(&self, tx: &mut dyn Transaction) -> Result<Vec<Subscription>, VaultError> {
        let row = |SubscriptionRow { name, created_at }| Subscription { name, created_at };
        Ok(tx.subscriptions()?.into_iter().map(row).collect())
    }

    /// Deletes the subscription `name` and revokes its authkeys.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: there is none. [`VaultError::Refused`]: it has services. A row is damaged; storage
    /// failed.
    pub fn delete_subscription(
        &self,
        tx: &mut dyn Transaction,
        name: &str,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        // One that is being deleted is still in the way: its tokens may be many.
        if tx.services()?.iter().any(|service| service.subscription == name) {
            return Err(VaultError::Refused("the subscription has services: delete them first"));
        }
        if !tx.delete_subscription(name)? {
            return Err(VaultError::Unknown("subscription"));
        }
        self.revoke_authkeys_of(tx, &Scope::Subscription(name.to_owned()), by, clock)?;
        let about = About::Subscription(name.to_owned());
        self.record(tx, &Event::new(EventKind::SubscriptionDeleted, about, by, clock.now()))?;
        self.mark_time(tx, clock)
    }
}
