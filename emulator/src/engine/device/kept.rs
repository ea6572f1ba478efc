//! What a device is at a moment, to be the same again later, or on another device: its tokens, who holds it, what it knows.
//!
//! What it draws at random goes on: a device that drew the same bytes again would use a key twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cardea_sdk::store::{Entry, Lease, Store, StoreError, TokenKey};
use cardea_sdk::{Env, WalletError};
use tokio::sync::OwnedRwLockWriteGuard;

use super::Device;
use crate::engine::human::Habits;
use crate::engine::standing::Standing;
use crate::engine::{EngineError, Profile};

/// How often a device that listens is tried again.
const TRIES: u32 = 40;
/// And how long after.
const BREATH: Duration = Duration::from_millis(25);

/// What a device is at a moment.
#[derive(Debug, Default)]
pub(in crate::engine) struct Kept {
    pub(in crate::engine) tokens: Tokens,
    pub(in crate::engine) habits: Habits,
    pub(in crate::engine) network: Profile,
    pub(in crate::engine) skew: i64,
    pub(in crate::engine) standings: Vec<(TokenKey, Standing)>,
    pub(in crate::engine) is_watched: bool,
}

/// Tokens, as stores have them.
pub(in crate::engine) type Tokens = BTreeMap<TokenKey, Arc<Entry>>;

/// The right to change tokens, by their names.
type Leases = Vec<(TokenKey, Box<dyn Lease>)>;

/// A device that nobody else changes meanwhile.
pub(in crate::engine) struct Held {
    device: Device,
    _alone: OwnedRwLockWriteGuard<()>,
    leases: Leases,
    /// What it was, for when it cannot become something else after all.
    before: Kept,
}

impl Device {
    /// What it is now.
    ///
    /// # Errors
    /// [`EngineError::Removed`], [`EngineError::Wallet`] with what is wrong with its store.
    pub(in crate::engine) async fn keep(&self) -> Result<Kept, EngineError> {
        let is_watched = self.in_use()?.is_some();
        let tokens = self.stored(tokens_in).await?;
        let standings = tokens.keys().map(|key| (*key, self.standing(*key))).collect();
        Ok(Kept {
            tokens,
            habits: self.human().habits(),
            network: self.network().show(),
            skew: self.clock().skew(),
            standings,
            is_watched,
        })
    }

    /// Takes hold of it, to make it `kept`: it begins nothing more meanwhile.
    ///
    /// # Errors
    /// [`EngineError::Wallet`] with [`WalletError::Busy`] while it is doing something, for a second if it listens, or with what is
    /// wrong with its store; [`EngineError::Removed`].
    pub(in crate::engine) async fn hold(&self, kept: &Kept) -> Result<Held, EngineError> {
        // What has asked its holder has connected with what the tokens were.
        let alone = Arc::clone(&self.0.in_use).try_write_owned().map_err(|_| WalletError::Busy)?;
        let is_watched = self.in_use()?.is_some();
        let wanted: Vec<TokenKey> = kept.tokens.keys().copied().collect();
        // Writing down what a server says unasked is soon over.
        let mut tries = if is_watched { TRIES } else { 0 };
        loop {
            let wanted = wanted.clone();
            match self.stored(move |store| leases(store, wanted)).await {
                Err(EngineError::Wallet(WalletError::Busy)) if tries > 0 => tries -= 1,
                leases => {
                    let leases = leases?;
                    return Ok(Held { device: self.clone(), _alone: alone, leases, before: self.keep().await? });
                }
            }
            tokio::time::sleep(BREATH).await;
        }
    }

    /// The right to change a token, as who writes down what a server has said has it.
    #[cfg(test)]
    pub(in crate::engine) async fn lease(&self, key: TokenKey) -> Box<dyn Lease> {
        self.stored(move |store| store.try_lease(&key)?.ok_or(WalletError::Busy)).await.unwrap()
    }

    /// Does something with its store, where that may take its time.
    pub(super) async fn stored<T: Send + 'static>(
        &self,
        act: impl FnOnce(&dyn Store) -> Result<T, WalletError> + Send + 'static,
    ) -> Result<T, EngineError> {
        let env = Env { clock: Arc::clone(&self.0.clock) as _, entropy: Arc::clone(&self.0.entropy) };
        let store = self.0.place.store(&env).await?;
        let done = tokio::task::spawn_blocking(move || act(&*store)).await;
        Ok(done.map_err(|_| WalletError::ShuttingDown)??)
    }
}

impl Held {
    /// Its name.
    pub(in crate::engine) fn name(&self) -> &Arc<str> {
        &self.device.0.name
    }

    /// What it was when it was taken hold of.
    pub(in crate::engine) const fn before(&self) -> &Kept {
        &self.before
    }

    /// Lets it go, and says what it was.
    pub(in crate::engine) fn leave(self) -> Kept {
        self.before
    }

    /// Makes the device what was kept.
    ///
    /// # Errors
    /// [`EngineError::Wallet`] with what is wrong with its store. It is what it was, as far as its store still takes that.
    pub(in crate::engine) async fn become_again(&mut self, kept: &Kept) -> Result<(), EngineError> {
        let result = self.become_it(kept).await;
        if result.is_err() {
            self.stay().await;
        }
        result
    }

    /// Makes the device again what it was when it was taken hold of, as far as its store takes that.
    pub(in crate::engine) async fn stay(&mut self) {
        let before = std::mem::take(&mut self.before);
        // The first error is told; this one is of the same disk.
        let _ = self.become_it(&before).await;
        self.before = before;
    }

    async fn become_it(&mut self, kept: &Kept) -> Result<(), EngineError> {
        let device = &self.device;
        device.rest();
        device.pins_are_chosen()?;
        let (tokens, mut leases) = (kept.tokens.clone(), std::mem::take(&mut self.leases));
        let put = tokio::task::spawn_blocking(move || (put_back(&mut leases, &tokens), leases)).await;
        let (put, leases) = put.map_err(|_| WalletError::ShuttingDown)?;
        self.leases = leases;
        put.map_err(WalletError::from)?;
        device.human().set_habits(&kept.habits);
        if kept.habits.persona.is_well_known() && !kept.tokens.is_empty() {
            device.pins_are_well_known();
        }
        // What was so once can be.
        let _ = device.network().set(kept.network);
        device.clock().set_skew(kept.skew);
        device.0.standings.replace(&kept.standings);
        if kept.is_watched {
            device.watch().await?;
        }
        Ok(())
    }
}

fn tokens_in(store: &dyn Store) -> Result<Tokens, WalletError> {
    let mut tokens = Tokens::new();
    for key in store.list()? {
        if let Some(entry) = store.load(&key)? {
            tokens.insert(key, Arc::new(entry));
        }
    }
    Ok(tokens)
}

/// The right to change all that is in the store, and all that is wanted there.
fn leases(store: &dyn Store, wanted: Vec<TokenKey>) -> Result<Leases, WalletError> {
    let all: BTreeSet<TokenKey> = store.list()?.into_iter().chain(wanted).collect();
    all.into_iter().map(|key| Ok((key, store.try_lease(&key)?.ok_or(WalletError::Busy)?))).collect()
}

fn put_back(leases: &mut Leases, tokens: &Tokens) -> Result<(), StoreError> {
    for (key, lease) in leases {
        let Some(entry) = tokens.get(key) else {
            // Whatever it is, and whether it can be read or not.
            lease.remove()?;
            continue;
        };
        let now = lease.load()?;
        if now.as_ref() != Some(&**entry) {
            lease.compare_and_swap(now.as_ref(), entry)?;
        }
    }
    Ok(())
}
