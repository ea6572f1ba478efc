//! Subscriptions.

use super::authkeys::may;
use super::{Actor, Admin, AdminError, taken};
use crate::domain::authkey::Scope;
use crate::domain::name::parse_subscription;
use crate::domain::permission::Permission;
use crate::storage::Transaction;
use crate::storage::rows::JournalFilter;
use crate::vault::{Repeatable, Subscription, Vault, VaultError};

impl Admin {
    /// Creates the subscription `name`. That takes an authkey for the whole instance.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the name is not valid or taken. [`AdminError::Forbidden`].
    pub async fn create_subscription(&self, name: &str, by: Actor) -> Result<Subscription, AdminError> {
        let name = parse_subscription(name)?.to_owned();
        let created = self.write(move |vault, tx| {
            check(vault, tx, by)?;
            vault.create_subscription(tx, &name, by, vault.reading())
        });
        taken(created.await, "there is a subscription with this name already")
    }

    /// As [`Admin::create_subscription`], for a caller who may ask again: answers what `said` makes of it, every time.
    ///
    /// # Errors
    /// As [`Admin::create_subscription`]; [`AdminError::BadCall`]: something else was asked under the same key.
    pub async fn create_subscription_once(
        &self,
        name: &str,
        by: Actor,
        once: Option<Repeatable>,
        said: fn(&Subscription) -> String,
    ) -> Result<String, AdminError> {
        let name = parse_subscription(name)?.to_owned();
        let created = self.write_once(once, move |vault, tx| {
            check(vault, tx, by)?;
            vault.create_subscription(tx, &name, by, vault.reading()).map(|made| said(&made))
        });
        taken(created.await, "there is a subscription with this name already")
    }

    /// All subscriptions, by name.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn list_subscriptions(&self) -> Result<Vec<Subscription>, AdminError> {
        self.read(|vault, tx| vault.subscriptions(tx)).await
    }

    /// Which rows of the journal belong to the subscription `name`: not those of one of the same name that was deleted
    /// before.
    ///
    /// # Errors
    /// [`AdminError::NoSubscription`]; the row is damaged; storage failed.
    pub async fn subscription_events(&self, name: &str) -> Result<JournalFilter, AdminError> {
        let name = name.to_owned();
        self.read(move |vault, tx| match vault.subscription(tx, &name)? {
            Some(_) => vault.subscription_filter(tx, &name),
            None => Err(VaultError::Unknown("subscription")),
        })
        .await
    }

    /// Deletes the subscription `name` and revokes its authkeys.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: the name is not valid, or it has services, accounts or applications.
    /// [`AdminError::Forbidden`],
    /// [`AdminError::NoSubscription`].
    pub async fn delete_subscription(&self, name: &str, by: Actor) -> Result<(), AdminError> {
        let name = parse_subscription(name)?.to_owned();
        self.write(move |vault, tx| {
            check(vault, tx, by)?;
            vault.delete_subscription(tx, &name, by, vault.reading())
        })
        .await
    }
}

fn check(vault: &Vault, tx: &mut dyn Transaction, by: Actor) -> Result<(), VaultError> {
    if may(vault, tx, by, &Scope::Instance, Permission::Services)? { Ok(()) } else { Err(VaultError::Forbidden) }
}
