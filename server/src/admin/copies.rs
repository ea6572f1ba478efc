//! Statuses from copies of rows, for calls that cannot wait for a database.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cardea_protocol::Secret;
use cardea_protocol::crypto::Random as _;

use super::status_cache::{Before, Known, Refiller, StatusCache};
use super::{Admin, AdminError, Service};
use crate::domain::name::UserId;
use crate::storage::rows::TokenRows as _;
use crate::storage::{Store, Transaction};
use crate::vault::{Authkey, Facts, Peeked, Vault, VaultError};

/// Tokens that are copied together when there is nothing else to do, and the rest after them: whoever asks meanwhile comes
/// first.
const PAGE: u32 = 256;
const REST: Duration = Duration::from_millis(5);

/// The copies of an [`Admin`]. They are used while this is switched on.
#[derive(Debug, Clone)]
pub struct Copies {
    cache: Arc<StatusCache>,
    store: Store,
    vault: Arc<Vault>,
}

impl Copies {
    /// Starts or stops answering from copies. All that there were are gone when this returns.
    pub fn switch(&self, on: bool) {
        self.cache.switch(on);
    }

    /// How many tokens there are copies of.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.cache.len()
    }

    /// Makes copies of all tokens, as far as there is room, so that not even the first call has to wait.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub async fn fill(&self) -> Result<(), AdminError> {
        let vault = Arc::clone(&self.vault);
        let services = self.store.read(move |tx| vault.services(tx)).await?;
        for service in services {
            let mut last = Some(Vec::new());
            while let Some(after) = last {
                if self.cache.is_full() {
                    return Ok(());
                }
                let (copies, of, before) = (self.clone(), service.id, self.cache.before());
                last = self.store.read(move |tx| copies.copy_page(tx, of, &after, before)).await?;
                tokio::time::sleep(REST).await;
            }
        }
        Ok(())
    }

    /// Copies the tokens of a service whose user ids follow `after`; returns the last one's, if there may be more.
    fn copy_page(
        &self,
        tx: &mut dyn Transaction,
        service: u64,
        after: &[u8],
        before: Before,
    ) -> Result<Option<Vec<u8>>, VaultError> {
        let rows = tx.tokens_after(service, after, PAGE)?;
        let last = rows.last().filter(|_| rows.len() == PAGE as usize).map(|row| row.user.clone());
        for row in rows {
            let token = self.vault.open_token(row)?;
            let facts = self.vault.facts(tx, &token)?;
            // No other user ids can be asked for.
            if let Ok(user) = std::str::from_utf8(&token.user) {
                self.cache.keep_token(before, *token.id.bytes(), service, user, facts);
            }
        }
        Ok(last)
    }
}

impl Admin {
    /// Keeps copies of what the statuses of at most `most` tokens depend on, once the answer is switched on. `None`
    /// where others may commit without telling us, or when copies are kept already.
    ///
    /// Whoever switches them on has to make sure that no other process changes the database: see
    /// [`CacheLock`](crate::storage::CacheLock).
    ///
    /// # Errors
    /// Storage failed.
    pub async fn keep_copies(&self, most: usize) -> Result<Option<Copies>, AdminError> {
        let key: Secret<16> = self.vault.random().secret();
        let cache = Arc::new(StatusCache::new(most, key.expose()));
        let refiller = Arc::new(Refiller::new(Arc::clone(&cache), Arc::clone(&self.vault)));
        if !self.store.watch(refiller).await? || self.copies.set(Arc::clone(&cache)).is_err() {
            return Ok(None);
        }
        Ok(Some(Copies { cache, store: self.store.clone(), vault: Arc::clone(&self.vault) }))
    }

    /// What is known about a call for a status without asking the database; `None` whenever anything is not known, or
    /// is not plainly in order.
    pub(crate) fn find(&self, service: &str, user: &str, authkey: &str, from: Option<IpAddr>) -> Option<Known> {
        let cache = self.copies.get()?;
        cache.find(authkey, service, user, from, || self.vault.reading())
    }

    /// What [`Admin::status`] would find; `None` when it would have to write. Whoever answers with it says so with
    /// [`Admin::told`].
    pub(crate) fn tell(&self, known: &Known) -> Option<Peeked> {
        let peeked = known.token.facts.peek(&known.service.service.rules, known.clock);
        let is_end_unmarked = || peeked.ended_at.is_some_and(|end| self.vault.is_end_unmarked(end));
        if peeked.consumes || is_end_unmarked() || self.vault.is_void_unmarked() {
            return None;
        }
        let now = known.now();
        if known.key.noted.load(Ordering::Relaxed) != now.get() {
            known.key.noted.store(now.get(), Ordering::Relaxed);
            self.uses.note(known.key.authkey.number, now);
        }
        Some(peeked)
    }

    /// A call was answered with what [`Admin::tell`] said.
    pub(crate) fn told(&self, known: &Known, peeked: &Peeked) {
        if peeked.is_told {
            self.checks.note(&known.token.id, known.now());
        }
    }

    /// For a reading that may make copies: to be called before it. `None` while none are kept.
    pub(super) fn copying(&self) -> Option<Copying> {
        let cache = self.copies.get().filter(|cache| cache.is_on())?;
        Some(Copying { cache: Arc::clone(cache), before: cache.before() })
    }
}

/// A reading that may make copies.
pub(super) struct Copying {
    cache: Arc<StatusCache>,
    before: Before,
}

impl Copying {
    /// Makes the copies that the next call for the same status needs, unless what was read may be old by now.
    pub(super) fn keep(
        &self,
        value: &str,
        key: Authkey,
        service: &Service,
        token: [u8; 16],
        user: &UserId,
        facts: Facts,
    ) {
        self.cache.keep_token(self.before, token, service.id, user.as_str(), facts);
        self.cache.keep_access(self.before, value, key, service.clone());
    }
}
