//! Subscriptions: tenants of one instance.

use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::authkey::Scope;
use crate::domain::world::ClockReading;
use crate::storage::rows::{AccessRows, AccountRows, ApplicationRows, JournalFilter, MetaRows, SubscriptionRow};
use crate::storage::{StorageError, Transaction};
use crate::vault::seal::Table;
use crate::vault::{About, Authkey, Decoder, Encoder, Event, EventKind, Vault, VaultError};

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: UnixSeconds,
    /// The row of the journal that says so: what is before it is of another subscription that had the name before.
    since: u64,
    /// The last authkey that was there already.
    keys_before: u64,
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
        let (created_at, keys_before) = (clock.now(), tx.last_number("authkey")?);
        if tx.has_subscription(name)? {
            return Err(StorageError::Exists.into());
        }
        let about = About::Subscription(name.to_owned());
        let since = self.record(tx, &Event::new(EventKind::SubscriptionCreated, about, by, created_at))?;
        let mut content = Encoder::new();
        content.u64(since).u64(keys_before);
        let binding: [&[u8]; 2] = [name.as_bytes(), &created_at.get().to_le_bytes()];
        let sealed = self.seal(Table::Subscription, &binding, 1, &content);
        tx.insert_subscription(&SubscriptionRow { name: name.to_owned(), created_at, sealed })?;
        self.mark_time(tx, clock)?;
        Ok(Subscription { name: name.to_owned(), created_at, since, keys_before })
    }

    fn open_subscription(&self, row: SubscriptionRow) -> Result<Subscription, VaultError> {
        let SubscriptionRow { name, created_at, sealed } = row;
        let binding: [&[u8]; 2] = [name.as_bytes(), &created_at.get().to_le_bytes()];
        let content = self.sealer.open(Table::Subscription, &binding, &sealed)?;
        let mut decoder = Decoder::new(Table::Subscription, &content);
        let (since, keys_before) = (decoder.u64()?, decoder.u64()?);
        decoder.end()?;
        Ok(Subscription { name, created_at, since, keys_before })
    }

    /// The subscription `name`.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn subscription(&self, tx: &mut dyn Transaction, name: &str) -> Result<Option<Subscription>, VaultError> {
        tx.subscription(name)?.map(|row| self.open_subscription(row)).transpose()
    }

    /// The rows of the journal that belong to the subscription `name`, and not to one of the same name that was deleted
    /// before; of a name that nobody has now, to all that have had it.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn subscription_filter(&self, tx: &mut dyn Transaction, name: &str) -> Result<JournalFilter, VaultError> {
        let since = self.subscription(tx, name)?.map_or(0, |subscription| subscription.since);
        Ok(JournalFilter::Subscription { name: name.to_owned(), since })
    }

    /// The authkeys that are good in `scope` or a part of it, by number; revoked and expired ones too, but none of a
    /// subscription or service that had the same name before.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn authkeys_in(&self, tx: &mut dyn Transaction, scope: &Scope) -> Result<Vec<Authkey>, VaultError> {
        let before = match scope {
            Scope::Instance => Some(0),
            Scope::Subscription(name) => self.subscription(tx, name)?.map(|subscription| subscription.keys_before),
            Scope::Service(name) => self.service(tx, name)?.map(|service| service.keys_before),
        };
        let Some(before) = before else { return Ok(Vec::new()) };
        let mut keys = self.authkeys(tx)?;
        keys.retain(|key| key.number > before && scope.covers(&key.rights.scope));
        Ok(keys)
    }

    /// All subscriptions, by name.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn subscriptions(&self, tx: &mut dyn Transaction) -> Result<Vec<Subscription>, VaultError> {
        tx.subscriptions()?.into_iter().map(|row| self.open_subscription(row)).collect()
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
        if !AccountRows::accounts(tx, name, 0, 1)?.is_empty() {
            return Err(VaultError::Refused("the subscription has accounts: delete them first"));
        }
        if !ApplicationRows::applications(tx, name, 0, 1)?.is_empty() {
            return Err(VaultError::Refused("the subscription has applications: delete them first"));
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
