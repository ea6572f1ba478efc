//! Accounts: made, listed, changed, given passwords, removed.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::authkeys::{has_all, may};
use super::{Actor, Admin, AdminError, taken};
use crate::domain::account::{AccountError, AccountKind, AccountRights, AccountState, Login, SETTINGS_MAX};
use crate::domain::authkey::Scope;
use crate::domain::name::parse_subscription;
use crate::domain::permission::Permission;
use crate::password::{Password, PasswordHash};
use crate::storage::Transaction;
use crate::storage::rows::AccessRows;
use crate::vault::{Account, EventKind, NewAccount, Repeatable, Vault, VaultError};

const TAKEN: &str = "another account has this name or e-mail address";

/// An account to be made.
pub struct NewPerson {
    /// The name of the subscription.
    pub subscription: String,
    /// What it signs in with.
    pub name: String,
    /// Or with this.
    pub email: Option<String>,
    /// Its password; without one it cannot sign in with one.
    pub password: Option<Zeroizing<String>>,
    /// What it may do.
    pub rights: AccountRights,
    /// Who it is for.
    pub kind: AccountKind,
    /// A number that the organization knows its owner by.
    pub contact: Option<u32>,
    /// What applications keep about it.
    pub settings: Map<String, Value>,
}

impl NewPerson {
    /// An account that may do nothing, and has no password yet.
    #[must_use]
    pub fn new(subscription: &str, name: &str) -> Self {
        Self {
            subscription: subscription.to_owned(),
            name: name.to_owned(),
            email: None,
            password: None,
            rights: AccountRights::default(),
            kind: AccountKind::default(),
            contact: None,
            settings: Map::new(),
        }
    }
}

impl std::fmt::Debug for NewPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewPerson").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}

/// What is to be changed of an account; what is `None` stays as it is.
#[derive(Debug, Clone, Default)]
pub struct AccountChange {
    /// Another name.
    pub name: Option<String>,
    /// Another e-mail address, or none.
    pub email: Option<Option<String>>,
    /// Whether it may do everything.
    pub admin: Option<bool>,
    /// Whether it may not see what is public.
    pub restricted: Option<bool>,
    /// Groups, in the place of those that it has.
    pub groups: Option<std::collections::BTreeMap<u32, bool>>,
    /// Words of permissions, in the place of those that it has.
    pub words: Option<std::collections::BTreeMap<String, bool>>,
    /// Who it is for.
    pub kind: Option<AccountKind>,
    /// Whether it may sign in. What it was signed in with is over when it may not.
    pub state: Option<AccountState>,
    /// A number that the organization knows its owner by, or none.
    pub contact: Option<Option<u32>>,
    /// What applications keep about it, in the place of what there is.
    pub settings: Option<Map<String, Value>>,
}

impl Admin {
    /// Makes an account.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: something of it cannot be, or name or address is taken. [`AdminError::Forbidden`],
    /// [`AdminError::NoSubscription`]. [`AdminError::TooMany`]: too many passwords are looked at.
    pub async fn create_account(&self, new: NewPerson, by: Actor) -> Result<Account, AdminError> {
        let job = self.account_job(new, by).await?;
        taken(self.write(job).await, TAKEN)
    }

    /// As [`Admin::create_account`], for a caller who may ask again: answers what `said` makes of it, every time.
    ///
    /// # Errors
    /// As [`Admin::create_account`]; [`AdminError::BadCall`]: something else was asked under the same key.
    pub async fn create_account_once(
        &self,
        new: NewPerson,
        by: Actor,
        once: Option<Repeatable>,
        said: fn(&Account) -> String,
    ) -> Result<String, AdminError> {
        let job = self.account_job(new, by).await?;
        taken(self.write_once(once, move |vault, tx| job(vault, tx).map(|made| said(&made))).await, TAKEN)
    }

    async fn account_job(
        &self,
        new: NewPerson,
        by: Actor,
    ) -> Result<impl FnOnce(&Vault, &mut dyn Transaction) -> Result<Account, VaultError> + Send + use<>, AdminError>
    {
        let NewPerson { subscription, name, email, password, rights, kind, contact, settings } = new;
        let subscription = parse_subscription(&subscription)?.to_owned();
        let name = Login::name(&name)?;
        let email = email.map(|email| Login::email(&email)).transpose()?;
        rights.check()?;
        check_settings(&settings)?;
        let password = match password {
            Some(password) => {
                let names: Vec<&Login> = [Some(&name), email.as_ref()].into_iter().flatten().collect();
                Some(self.password_hash(&password, &subscription, &names).await?)
            }
            None => None,
        };
        let new = NewAccount { subscription, name, email, password, rights, kind, contact, settings };
        Ok(move |vault: &Vault, tx: &mut dyn Transaction| {
            check(vault, tx, by, &new.subscription)?;
            check_reach(vault, tx, by, &new.subscription, &new.rights)?;
            vault.create_account(tx, new, by, vault.reading())
        })
    }

    /// At most `limit` accounts of a subscription with numbers above `after`, by number.
    ///
    /// # Errors
    /// [`AdminError::NoSubscription`]; storage failed, or a row is damaged.
    pub async fn list_accounts(&self, subscription: &str, after: u64, limit: u32) -> Result<Vec<Account>, AdminError> {
        let subscription = subscription.to_owned();
        self.read(move |vault, tx| {
            is_there(tx, &subscription)?;
            vault.accounts(tx, &subscription, after, limit)
        })
        .await
    }

    /// The account of the subscription with this number.
    ///
    /// # Errors
    /// [`AdminError::NoAccount`]; storage failed, or the row is damaged.
    pub async fn account(&self, subscription: &str, number: u64) -> Result<Account, AdminError> {
        let subscription = subscription.to_owned();
        self.read(move |vault, tx| found(vault, tx, &subscription, number)).await
    }

    /// The account of the subscription that signs in with this name or address.
    ///
    /// # Errors
    /// [`AdminError::NoAccount`]; [`AdminError::BadCall`]: it is neither; storage failed, or the row is damaged.
    pub async fn account_called(&self, subscription: &str, login: &str) -> Result<Account, AdminError> {
        let (subscription, login) = (subscription.to_owned(), Login::parse(login)?);
        self.read(move |vault, tx| vault.account_of(tx, &subscription, &login)?.ok_or(VaultError::Unknown("account")))
            .await
    }

    /// Changes an account. What it was signed in with is over if it may not sign in any more.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: something cannot be, or name or address is taken. [`AdminError::NoAccount`],
    /// [`AdminError::Forbidden`].
    pub async fn update_account(
        &self,
        subscription: &str,
        number: u64,
        change: AccountChange,
        by: Actor,
    ) -> Result<Account, AdminError> {
        let name = change.name.as_deref().map(Login::name).transpose()?;
        let email = change.email.as_ref().map(|email| email.as_deref().map(Login::email).transpose()).transpose()?;
        if let Some(settings) = &change.settings {
            check_settings(settings)?;
        }
        let words = change.words.clone().unwrap_or_default();
        AccountRights { groups: change.groups.clone().unwrap_or_default(), words, ..AccountRights::default() }
            .check()?;
        let subscription = subscription.to_owned();
        let changed = self.write(move |vault, tx| {
            let mut account = administered(vault, tx, by, &subscription, number)?;
            let ends = change.state.is_some_and(|state| state != AccountState::Active && state != account.state);
            account.name = name.unwrap_or(account.name);
            account.email = email.unwrap_or(account.email);
            account.rights.admin = change.admin.unwrap_or(account.rights.admin);
            account.rights.restricted = change.restricted.unwrap_or(account.rights.restricted);
            account.rights.groups = change.groups.unwrap_or(account.rights.groups);
            account.rights.words = change.words.unwrap_or(account.rights.words);
            account.kind = change.kind.unwrap_or(account.kind);
            account.state = change.state.unwrap_or(account.state);
            account.contact = change.contact.unwrap_or(account.contact);
            account.settings = change.settings.unwrap_or(account.settings);
            check_reach(vault, tx, by, &subscription, &account.rights)?;
            vault.update_account(tx, &mut account, EventKind::AccountUpdated, ends, by, vault.reading())?;
            Ok(account)
        });
        taken(changed.await, TAKEN)
    }

    /// Gives an account a password. What it was signed in with is over, and wrong passwords are forgotten.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: nobody may have this password. [`AdminError::NoAccount`], [`AdminError::Forbidden`],
    /// [`AdminError::TooMany`].
    pub async fn set_password(
        &self,
        subscription: &str,
        number: u64,
        password: &str,
        by: Actor,
    ) -> Result<(), AdminError> {
        let account = self.account(subscription, number).await?;
        let names: Vec<&Login> = [Some(&account.name), account.email.as_ref()].into_iter().flatten().collect();
        let hash = self.password_hash(password, subscription, &names).await?;
        let subscription = subscription.to_owned();
        self.write(move |vault, tx| {
            let clock = vault.reading();
            let mut account = administered(vault, tx, by, &subscription, number)?;
            (account.password, account.password_at, account.failures) = (Some(hash), clock.now(), 0);
            vault.update_account(tx, &mut account, EventKind::PasswordChanged, true, by, clock)
        })
        .await
    }

    /// Ends everything that an account was signed in with.
    ///
    /// # Errors
    /// [`AdminError::NoAccount`], [`AdminError::Forbidden`]; storage failed.
    pub async fn end_sessions(&self, subscription: &str, number: u64, by: Actor) -> Result<(), AdminError> {
        let subscription = subscription.to_owned();
        self.write(move |vault, tx| {
            let mut account = administered(vault, tx, by, &subscription, number)?;
            vault.update_account(tx, &mut account, EventKind::SignedOutAll, true, by, vault.reading())
        })
        .await
    }

    /// Removes an account with all that it was signed in with.
    ///
    /// # Errors
    /// [`AdminError::NoAccount`], [`AdminError::Forbidden`]; storage failed.
    pub async fn delete_account(&self, subscription: &str, number: u64, by: Actor) -> Result<(), AdminError> {
        let subscription = subscription.to_owned();
        self.write(move |vault, tx| {
            let account = administered(vault, tx, by, &subscription, number)?;
            vault.delete_account(tx, &account, by, vault.reading())
        })
        .await
    }

    /// What is kept of a password of somebody who is known by `known_by`.
    async fn password_hash(
        &self,
        password: &str,
        subscription: &str,
        known_by: &[&Login],
    ) -> Result<PasswordHash, AdminError> {
        let policy = self.policy(subscription).await?;
        let names: Vec<&str> = known_by.iter().map(|login| login.as_str()).chain([subscription]).collect();
        let least = policy.password_least;
        let password = Password::new(password, least, &names)?.beside(&policy.blocked, least)?;
        let passwords = self.passwords()?;
        Ok(passwords.make(passwords.admit()?, password, crate::entropy::bytes(self.vault.entropy())).await?)
    }
}

fn check_settings(settings: &Map<String, Value>) -> Result<(), AccountError> {
    let length = serde_json::to_string(settings).map_or(usize::MAX, |text| text.len());
    if length <= SETTINGS_MAX { Ok(()) } else { Err(AccountError::Settings) }
}

/// The account with this number, if it is one of the subscription.
fn found(vault: &Vault, tx: &mut dyn Transaction, subscription: &str, number: u64) -> Result<Account, VaultError> {
    let account = vault.account(tx, number)?.filter(|account| account.subscription == subscription);
    account.ok_or(VaultError::Unknown("account"))
}

/// The account with this number, if it is one of the subscription and may do nothing that `by` may not: who administers
/// accounts becomes no other one, and none that may do more.
fn administered(
    vault: &Vault,
    tx: &mut dyn Transaction,
    by: Actor,
    subscription: &str,
    number: u64,
) -> Result<Account, VaultError> {
    check(vault, tx, by, subscription)?;
    let account = found(vault, tx, subscription, number)?;
    check_reach(vault, tx, by, subscription, &account.rights)?;
    Ok(account)
}

fn check_reach(
    vault: &Vault,
    tx: &mut dyn Transaction,
    by: Actor,
    subscription: &str,
    rights: &AccountRights,
) -> Result<(), VaultError> {
    let scope = Scope::Subscription(subscription.to_owned());
    if has_all(vault, tx, by, &scope, rights.permissions())? { Ok(()) } else { Err(VaultError::Forbidden) }
}

/// Whether `by` may administer who signs in there, and there is such a place.
pub(super) fn check(vault: &Vault, tx: &mut dyn Transaction, by: Actor, subscription: &str) -> Result<(), VaultError> {
    if !may(vault, tx, by, &Scope::Subscription(subscription.to_owned()), Permission::Accounts)? {
        return Err(VaultError::Forbidden);
    }
    is_there(tx, subscription)
}

pub(super) fn is_there(tx: &mut dyn Transaction, subscription: &str) -> Result<(), VaultError> {
    if tx.has_subscription(subscription)? { Ok(()) } else { Err(VaultError::Unknown("subscription")) }
}
