//! Accounts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::HashOf;
use crate::clock::UnixSeconds;
use crate::domain::account::{AccountKind, AccountRights, AccountState, Login};
use crate::domain::actor::Actor;
use crate::domain::world::ClockReading;
use crate::password::{Cost, PasswordHash};
use crate::storage::Transaction;
use crate::storage::rows::{AccountRow, AccountRows, MetaRows};
use crate::vault::seal::Table;
use crate::vault::{About, Decoder, Encoder, Event, EventKind, Vault, VaultError};

/// An account to be added.
#[derive(Debug)]
pub struct NewAccount {
    /// The subscription.
    pub subscription: String,
    /// What it signs in with.
    pub name: Login,
    /// Or with this.
    pub email: Option<Login>,
    /// What is kept of its password; without one it cannot sign in with one.
    pub password: Option<PasswordHash>,
    /// What it may do.
    pub rights: AccountRights,
    /// Who it is for.
    pub kind: AccountKind,
    /// A number that the organization knows its owner by.
    pub contact: Option<u32>,
    /// What applications keep about it.
    pub settings: Map<String, Value>,
}

/// An account.
#[derive(Debug)]
pub struct Account {
    /// Its number, which no other account ever has.
    pub number: u64,
    /// The subscription that it belongs to.
    pub subscription: String,
    /// What it signs in with.
    pub name: Login,
    /// Or with this.
    pub email: Option<Login>,
    /// What is kept of its password.
    pub password: Option<PasswordHash>,
    /// When that was set.
    pub password_at: UnixSeconds,
    /// Wrong passwords since the last right one.
    pub failures: u32,
    /// What it may do.
    pub rights: AccountRights,
    /// Who it is for.
    pub kind: AccountKind,
    /// Whether it may sign in.
    pub state: AccountState,
    /// A number that the organization knows its owner by.
    pub contact: Option<u32>,
    /// What applications keep about it.
    pub settings: Map<String, Value>,
    /// When it was made.
    pub created_at: UnixSeconds,
    /// What was signed in before this number changed is over.
    pub epoch: u32,
    ver: u64,
}

impl Vault {
    /// Adds an account.
    ///
    /// # Errors
    /// [`StorageError::Exists`](crate::storage::StorageError::Exists) when another one has the name or the address;
    /// storage failed.
    pub fn create_account(
        &self,
        tx: &mut dyn Transaction,
        new: NewAccount,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Account, VaultError> {
        let NewAccount { subscription, name, email, password, rights, kind, contact, settings } = new;
        let account = Account {
            number: tx.next_number("account")?,
            subscription,
            name,
            email,
            password,
            password_at: clock.now(),
            failures: 0,
            rights,
            kind,
            state: AccountState::Active,
            contact,
            settings,
            created_at: clock.now(),
            epoch: 0,
            ver: 1,
        };
        tx.insert_account(&self.account_row(&account))?;
        self.record(tx, &about(EventKind::AccountCreated, &account, by, clock))?;
        self.mark_time(tx, clock)?;
        Ok(account)
    }

    /// The account with this number.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn account(&self, tx: &mut dyn Transaction, number: u64) -> Result<Option<Account>, VaultError> {
        AccountRows::account(tx, number)?.map(|row| self.open_account(row)).transpose()
    }

    /// The account of the subscription that signs in with `login`.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn account_of(
        &self,
        tx: &mut dyn Transaction,
        subscription: &str,
        login: &Login,
    ) -> Result<Option<Account>, VaultError> {
        let row = match self.login_hash(subscription, login) {
            (HashOf::Email, hash) => tx.account_by_email(&hash)?,
            (_, hash) => tx.account_by_name(&hash)?,
        };
        row.map(|row| self.open_account(row)).transpose()
    }

    /// At most `limit` accounts of a subscription with numbers above `after`, by number.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn accounts(
        &self,
        tx: &mut dyn Transaction,
        subscription: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Account>, VaultError> {
        AccountRows::accounts(tx, subscription, after, limit)?.into_iter().map(|row| self.open_account(row)).collect()
    }

    /// Stores what was changed of an account. What it was signed in with is over if `ends`.
    ///
    /// # Errors
    /// [`StorageError::Exists`](crate::storage::StorageError::Exists) when another one has the name or the address;
    /// storage failed.
    pub fn update_account(
        &self,
        tx: &mut dyn Transaction,
        account: &mut Account,
        kind: EventKind,
        ends: bool,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        if ends {
            account.epoch = account.epoch.wrapping_add(1);
        }
        self.put_account(tx, account)?;
        self.record(tx, &about(kind, account, by, clock))?;
        self.mark_time(tx, clock)
    }

    /// Stores how many wrong passwords there were, and what is kept of a right one. Tells nobody.
    ///
    /// # Errors
    /// Storage failed.
    pub fn put_account(&self, tx: &mut dyn Transaction, account: &mut Account) -> Result<(), VaultError> {
        account.ver += 1;
        Ok(AccountRows::update_account(tx, &self.account_row(account))?)
    }

    /// Removes an account with all that it was signed in with.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; storage failed.
    pub fn delete_account(
        &self,
        tx: &mut dyn Transaction,
        account: &Account,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        if !AccountRows::delete_account(tx, account.number)? {
            return Err(VaultError::Unknown("account"));
        }
        self.record(tx, &about(EventKind::AccountDeleted, account, by, clock))?;
        self.mark_time(tx, clock)
    }

    fn login_hash(&self, subscription: &str, login: &Login) -> (HashOf, [u8; 32]) {
        let of = if login.as_str().contains('@') { HashOf::Email } else { HashOf::Name };
        (of, self.found_by(of, &[subscription.as_bytes(), login.folded().as_bytes()]))
    }

    fn account_row(&self, account: &Account) -> AccountRow {
        let (_, name_hash) = self.login_hash(&account.subscription, &account.name);
        let email_hash = account.email.as_ref().map(|email| self.login_hash(&account.subscription, email).1);
        let content = encode(account);
        let number = account.number.to_le_bytes();
        let binding = binding(&number, &account.subscription, &name_hash, email_hash.as_ref());
        let sealed = self.seal(Table::Account, &binding, account.ver, &content);
        AccountRow { id: account.number, subscription: account.subscription.clone(), name_hash, email_hash, sealed }
    }

    fn open_account(&self, row: AccountRow) -> Result<Account, VaultError> {
        let number = row.id.to_le_bytes();
        let binding = binding(&number, &row.subscription, &row.name_hash, row.email_hash.as_ref());
        let content = self.sealer.open(Table::Account, &binding, &row.sealed)?;
        decode(Decoder::new(Table::Account, &content), row.id, row.subscription, row.sealed.ver)
    }
}

/// What stands beside the content in clear.
fn binding<'a>(
    number: &'a [u8; 8],
    subscription: &'a str,
    name: &'a [u8; 32],
    email: Option<&'a [u8; 32]>,
) -> [&'a [u8]; 4] {
    [number, subscription.as_bytes(), name, email.map_or(&[], <[u8; 32]>::as_slice)]
}

/// Something that happened to an account.
pub(super) fn about(kind: EventKind, account: &Account, by: Actor, clock: ClockReading) -> Event {
    let about = About::Subscription(account.subscription.clone());
    Event::new(kind, about, by, clock.now()).with("account", account.number).with("name", account.name.as_str())
}

fn encode(account: &Account) -> Encoder {
    let settings = Value::Object(account.settings.clone()).to_string();
    let AccountRights { admin, restricted, groups, words } = &account.rights;
    let mut content = Encoder::with_room(1_024 + settings.len() + groups.len() * 5 + words.len() * 66);
    content.text(account.name.as_str()).text(account.email.as_ref().map_or("", Login::as_str));
    match &account.password {
        Some(PasswordHash { cost, salt, hash }) => {
            content.flag(true).u32(cost.memory).u32(cost.passes).put(salt).put(hash.expose());
        }
        None => {
            content.flag(false);
        }
    }
    content.time(account.password_at).u32(account.failures);
    content.flag(*admin).flag(*restricted);
    content.u8(match account.kind {
        AccountKind::Employee => 0,
        AccountKind::Guest => 1,
    });
    content.u8(match account.state {
        AccountState::Active => 0,
        AccountState::Suspended => 1,
        AccountState::Left => 2,
    });
    content.flag(account.contact.is_some()).u32(account.contact.unwrap_or_default());
    content.time(account.created_at).u32(account.epoch);
    content.u32(u32::try_from(groups.len()).unwrap_or(u32::MAX));
    for (group, is_in) in groups {
        content.u32(*group).flag(*is_in);
    }
    content.u32(u32::try_from(words.len()).unwrap_or(u32::MAX));
    for (word, is_allowed) in words {
        content.text(word).flag(*is_allowed);
    }
    content.put(settings.as_bytes());
    content
}

fn decode(mut decoder: Decoder<'_>, number: u64, subscription: String, ver: u64) -> Result<Account, VaultError> {
    let damaged = decoder.damaged();
    let name = Login::name(&decoder.text()?).map_err(|_| damaged.clone())?;
    let email = Some(decoder.text()?).filter(|email| !email.is_empty());
    let email = email.map(|email| Login::email(&email)).transpose().map_err(|_| damaged.clone())?;
    let password = if decoder.flag()? {
        let cost = Cost::new(decoder.u32()?, decoder.u32()?).ok_or(damaged.clone())?;
        Some(PasswordHash { cost, salt: decoder.array()?, hash: decoder.secret()? })
    } else {
        None
    };
    let (password_at, failures) = (decoder.time()?, decoder.u32()?);
    let (admin, restricted) = (decoder.flag()?, decoder.flag()?);
    let kind = *AccountKind::ALL.get(usize::from(decoder.u8()?)).ok_or(damaged.clone())?;
    let state = *AccountState::ALL.get(usize::from(decoder.u8()?)).ok_or(damaged.clone())?;
    let contact = decoder.flag()?.then_some(decoder.u32()?);
    let (created_at, epoch) = (decoder.time()?, decoder.u32()?);
    let (mut groups, mut words) = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..decoder.u32()? {
        groups.insert(decoder.u32()?, decoder.flag()?);
    }
    for _ in 0..decoder.u32()? {
        words.insert(decoder.text()?, decoder.flag()?);
    }
    let settings = serde_json::from_slice(decoder.rest()).map_err(|_| damaged)?;
    Ok(Account {
        number,
        subscription,
        name,
        email,
        password,
        password_at,
        failures,
        rights: AccountRights { admin, restricted, groups, words },
        kind,
        state,
        contact,
        settings,
        created_at,
        epoch,
        ver,
    })
}
