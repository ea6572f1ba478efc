//! Authkeys: made, listed, replaced, revoked.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cardea_protocol::Secret;
use cardea_protocol::crypto::Random;
use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::{Admin, AdminError, taken};
use crate::clock::UnixSeconds;
use crate::domain::account::AccountState;
use crate::domain::actor::Actor;
use crate::domain::authkey::{Networks, OVERLAP_MAX, Rights, Scope};
use crate::domain::name::{ServiceName, is_authkey, parse_key_name, parse_subscription};
use crate::domain::permission::{Permission, Permissions};
use crate::storage::Transaction;
use crate::storage::rows::AccessRows;
use crate::vault::{Authkey, NewAuthkey, Repeatable, Vault, VaultError};

/// Where an authkey is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyScope {
    /// In the service with this API name.
    Service(String),
    /// In all services of the subscription with this name.
    Subscription(String),
    /// In the whole instance.
    Instance,
}

/// An authkey to be created.
#[derive(Clone)]
pub struct NewKey {
    /// Where it is good.
    pub scope: KeyScope,
    /// What people call it: one to 100 bytes of text.
    pub name: String,
    /// What it allows there.
    pub permissions: Permissions,
    /// The first second in which it is no longer good.
    pub expires_at: Option<UnixSeconds>,
    /// Where calls with it must come from.
    pub networks: Networks,
    /// Its value; `None` makes one up.
    pub value: Option<Zeroizing<String>>,
}

impl NewKey {
    /// An authkey that is good from anywhere and for ever, with a value that is made up.
    #[must_use]
    pub fn new(scope: KeyScope, name: &str, permissions: Permissions) -> Self {
        Self { scope, name: name.to_owned(), permissions, expires_at: None, networks: Networks::default(), value: None }
    }
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("scope", &self.scope).field("name", &self.name).finish_non_exhaustive()
    }
}

/// An authkey that was just made. Its value is shown now and never again.
pub struct CreatedAuthkey {
    /// Its number.
    pub id: u64,
    /// The key.
    pub value: String,
}

impl std::fmt::Debug for CreatedAuthkey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedAuthkey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Admin {
    /// Creates an authkey, with a given value or a random one. One authkey cannot make another that is good for more
    /// than itself, or longer, or from elsewhere.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: a name or the value is not valid, or the value is in use. [`AdminError::Forbidden`]:
    /// `by` may not give that much. [`AdminError::NoService`], [`AdminError::NoSubscription`].
    pub async fn create_authkey(&self, new: NewKey, by: Actor) -> Result<CreatedAuthkey, AdminError> {
        let job = self.authkey_job(new, by)?;
        taken(self.write(job).await, TAKEN)
    }

    /// As [`Admin::create_authkey`], for a caller who may ask again: answers what `said` makes of it, every time.
    ///
    /// # Errors
    /// As [`Admin::create_authkey`]; [`AdminError::BadCall`]: something else was asked under the same key.
    pub async fn create_authkey_once(
        &self,
        new: NewKey,
        by: Actor,
        once: Option<Repeatable>,
        said: fn(&CreatedAuthkey) -> String,
    ) -> Result<String, AdminError> {
        let job = self.authkey_job(new, by)?;
        taken(self.write_once(once, move |vault, tx| job(vault, tx).map(|created| said(&created))).await, TAKEN)
    }

    fn authkey_job(
        &self,
        new: NewKey,
        by: Actor,
    ) -> Result<
        impl FnOnce(&Vault, &mut dyn Transaction) -> Result<CreatedAuthkey, VaultError> + Send + use<>,
        AdminError,
    > {
        let NewKey { scope, name, permissions, expires_at, networks, value } = new;
        let name = parse_key_name(&name)?.to_owned();
        let scope = match scope {
            KeyScope::Service(name) => Scope::Service(ServiceName::parse(&name)?),
            KeyScope::Subscription(name) => Scope::Subscription(parse_subscription(&name)?.to_owned()),
            KeyScope::Instance => Scope::Instance,
        };
        let value = self.key_value(value)?;
        let new = NewAuthkey { name, rights: Rights { scope, permissions, expires_at, networks } };
        Ok(move |vault: &Vault, tx: &mut dyn Transaction| {
            let clock = vault.reading();
            let own = rights_of(vault, tx, by)?;
            if !own.is_some_and(|own| {
                own.is_none_or(|own| own.contain(&new.rights) && own.permissions.allows(Permission::Services))
            }) {
                return Err(VaultError::Forbidden);
            }
            if new.rights.is_expired(clock) {
                return Err(VaultError::Refused("`expiresAt` is in the past"));
            }
            match &new.rights.scope {
                Scope::Service(name) if vault.service(tx, name)?.is_none() => {
                    return Err(VaultError::Unknown("service"));
                }
                Scope::Subscription(name) if !tx.has_subscription(name)? => {
                    return Err(VaultError::Unknown("subscription"));
                }
                Scope::Service(_) | Scope::Subscription(_) | Scope::Instance => {}
            }
            let created = vault.create_authkey(tx, new, &value, by, clock)?;
            Ok(CreatedAuthkey { id: created.number, value: value.as_str().to_owned() })
        })
    }

    /// Replaces the authkey with this number by one that is good for the same and has another value, given or random.
    /// The old one stays good for `overlap` more seconds, at most [`OVERLAP_MAX`].
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: it is not good any more or has been replaced before, the value is not valid or in use,
    /// or the overlap is too long. [`AdminError::NoAuthkey`]. [`AdminError::Forbidden`]: it is good for more than `by`,
    /// or `by` is an authkey itself and there is none with this number.
    pub async fn rotate_authkey(
        &self,
        number: u64,
        value: Option<Zeroizing<String>>,
        overlap: u32,
        by: Actor,
    ) -> Result<CreatedAuthkey, AdminError> {
        if overlap > OVERLAP_MAX {
            let days = OVERLAP_MAX / 86_400;
            return Err(AdminError::BadCall(format!("the old value can stay good for at most {days} days")));
        }
        let value = self.key_value(value)?;
        let rotated = self.write(move |vault, tx| {
            let mut key = administered(vault, tx, number, by, Rights::contain)?;
            let new = vault.rotate_authkey(tx, &mut key, (&value, overlap), by, vault.reading())?;
            Ok(CreatedAuthkey { id: new.number, value: value.as_str().to_owned() })
        });
        taken(rotated.await, TAKEN)
    }

    /// As [`Admin::rotate_authkey`], for a caller who may ask again: answers what `said` makes of the new authkey, every
    /// time.
    ///
    /// # Errors
    /// As [`Admin::rotate_authkey`]; [`AdminError::BadCall`]: something else was asked under the same key, or the authkey
    /// that asks replaces itself at once, so that it could not ask again.
    pub async fn rotate_authkey_once(
        &self,
        number: u64,
        value: Option<Zeroizing<String>>,
        overlap: u32,
        by: Actor,
        once: Option<Repeatable>,
        said: fn(&CreatedAuthkey) -> String,
    ) -> Result<String, AdminError> {
        if once.is_some() && overlap == 0 && by == Actor::Authkey(number) {
            return Err(AdminError::BadCall(ITSELF.to_owned()));
        }
        let value = self.key_value(value)?;
        let rotated = self.write_once(once, move |vault, tx| {
            let mut key = administered(vault, tx, number, by, Rights::contain)?;
            let new = vault.rotate_authkey(tx, &mut key, (&value, overlap.min(OVERLAP_MAX)), by, vault.reading())?;
            Ok(said(&CreatedAuthkey { id: new.number, value: value.as_str().to_owned() }))
        });
        taken(rotated.await, TAKEN)
    }

    fn key_value(&self, given: Option<Zeroizing<String>>) -> Result<Zeroizing<String>, AdminError> {
        let value = given.unwrap_or_else(|| {
            let bytes: Secret<32> = self.vault.random().secret();
            Zeroizing::new(BASE64URL_NOPAD.encode(bytes.expose()))
        });
        if is_authkey(&value) {
            return Ok(value);
        }
        let form = "an authkey is between 16 and 128 of A-Z, a-z, 0-9, `-` and `_`";
        Err(AdminError::BadCall(form.to_owned()))
    }

    /// All authkeys, by number, without their values; revoked and expired ones too.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn list_authkeys(&self) -> Result<Vec<Authkey>, AdminError> {
        self.read(|vault, tx| vault.authkeys(tx)).await
    }

    /// The authkeys that are good in `scope` or a part of it, by number; revoked and expired ones too, but none of a
    /// subscription or service that had the same name before.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn authkeys_in(&self, scope: &Scope) -> Result<Vec<Authkey>, AdminError> {
        let scope = scope.clone();
        self.read(move |vault, tx| vault.authkeys_in(tx, &scope)).await
    }

    /// Revokes the authkey with this number: the next call with it is refused. It stays in the list.
    ///
    /// # Errors
    /// [`AdminError::BadCall`]: it is revoked. [`AdminError::NoAuthkey`]. [`AdminError::Forbidden`]: it is good for more
    /// than `by`, or `by` is an authkey itself and there is none with this number.
    pub async fn revoke_authkey(&self, number: u64, by: Actor) -> Result<(), AdminError> {
        self.write(move |vault, tx| {
            let mut key = administered(vault, tx, number, by, Rights::administer)?;
            vault.revoke_authkey(tx, &mut key, by, vault.reading())
        })
        .await
    }

    /// Stores when authkeys were used last. [`Admin::keep_house`] does so every minute.
    ///
    /// # Errors
    /// Storage failed; the uses are remembered for the next time.
    pub async fn record_uses(&self) -> Result<(), AdminError> {
        let uses = self.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        let again = uses.clone();
        let record = move |_: &Vault, tx: &mut dyn Transaction| {
            uses.iter().try_for_each(|(number, at)| Ok(tx.authkey_used(*number, *at)?))
        };
        let recorded = self.write(record).await;
        if recorded.is_err() {
            again.into_iter().for_each(|(number, at)| self.uses.note(number, at));
        }
        recorded
    }
}

const ITSELF: &str = "an authkey that replaces itself without an `overlap` is refused from then on, so it cannot repeat the \
                      call: send an `overlap` with the `idempotencyKey`, or leave the key out";
const TAKEN: &str = "this authkey is or was in use: choose another value";

/// The authkey with this number, for who may administer it by the measure of `reaches`. An authkey that may not know of
/// others cannot find out which there are.
fn administered(
    vault: &Vault,
    tx: &mut dyn Transaction,
    number: u64,
    by: Actor,
    reaches: fn(&Rights, &Rights) -> bool,
) -> Result<Authkey, VaultError> {
    let own = rights_of(vault, tx, by)?.ok_or(VaultError::Forbidden)?;
    let key = vault.authkey_numbered(tx, number)?;
    match (own, key) {
        (None, Some(key)) => Ok(key),
        (None, None) => Err(VaultError::Unknown("authkey")),
        (Some(own), Some(key)) if own.permissions.allows(Permission::Services) && reaches(&own, &key.rights) => Ok(key),
        (Some(_), _) => Err(VaultError::Forbidden),
    }
}

/// What `by` may pass on: `None` for nothing, `Some(None)` for everything.
fn rights_of(vault: &Vault, tx: &mut dyn Transaction, by: Actor) -> Result<Option<Option<Rights>>, VaultError> {
    match by {
        Actor::Operator | Actor::System => Ok(Some(None)),
        Actor::Device(_) => Ok(None),
        // Read again: it may have been revoked since the call was let in.
        Actor::Authkey(number) => {
            let key = vault.authkey_numbered(tx, number)?.filter(|key| key.is_good(vault.reading()));
            Ok(key.map(|key| Some(key.rights)))
        }
        // Likewise.
        Actor::Account(number) => {
            let account = vault.account(tx, number)?.filter(|account| account.state == AccountState::Active);
            Ok(account.map(|account| {
                let (scope, permissions) = (Scope::Subscription(account.subscription), account.rights.permissions());
                Some(Rights { scope, permissions, expires_at: None, networks: Networks::default() })
            }))
        }
    }
}

/// Whether `by` still may do what takes `permission` in `scope`. Calls are let in before; this holds in the transaction
/// that changes something.
pub(super) fn may(
    vault: &Vault,
    tx: &mut dyn Transaction,
    by: Actor,
    scope: &Scope,
    permission: Permission,
) -> Result<bool, VaultError> {
    let allows = |own: Rights| own.scope.covers(scope) && own.permissions.allows(permission);
    Ok(rights_of(vault, tx, by)?.is_some_and(|own| own.is_none_or(allows)))
}

/// Whether `by` has all of `permissions` in `scope`, and so may give them or speak for who has them.
pub(super) fn has_all(
    vault: &Vault,
    tx: &mut dyn Transaction,
    by: Actor,
    scope: &Scope,
    permissions: Permissions,
) -> Result<bool, VaultError> {
    let has = |own: Rights| own.scope.covers(scope) && own.permissions.contains(permissions);
    Ok(rights_of(vault, tx, by)?.is_some_and(|own| own.is_none_or(has)))
}

/// Which authkeys were used since that was last stored. Kept in memory, so that a status check writes nothing.
#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<HashMap<u64, UnixSeconds>>);

impl Uses {
    pub(super) fn note(&self, number: u64, at: UnixSeconds) {
        // A map of numbers and times is whole even after a panic.
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = uses.entry(number).or_insert(at);
        *last = at.max(*last);
    }

    fn take(&self) -> HashMap<u64, UnixSeconds> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
