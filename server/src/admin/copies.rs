//! Statuses from copies of rows, for calls that cannot wait for a database.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use zeroize::Zeroizing;

use super::status_cache::{Known, Refiller, StatusCache};
use super::{Admin, AdminError, Service};
use crate::domain::name::UserId;
use crate::domain::status::TokenStatus;

/// The copies of an [`Admin`]. They are used while this is switched on.
#[derive(Debug, Clone)]
pub struct Copies(Arc<StatusCache>);

impl Copies {
    /// Starts or stops answering from copies. All that there were are gone when this returns.
    pub fn switch(&self, on: bool) {
        self.0.switch(on);
    }

    /// How many tokens there are copies of.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.0.len()
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
        let cache = Arc::new(StatusCache::new(most));
        let refiller = Arc::new(Refiller::new(Arc::clone(&cache), Arc::clone(&self.vault)));
        if !self.store.watch(refiller).await? || self.copies.set(Arc::clone(&cache)).is_err() {
            return Ok(None);
        }
        Ok(Some(Copies(cache)))
    }

    /// What is known about a call for a status without asking the database; `None` whenever anything is not known, or
    /// is not plainly in order.
    pub(crate) fn find(&self, service: &str, user: &str, authkey: &str, from: Option<IpAddr>) -> Option<Known> {
        let cache = self.copies.get()?;
        cache.find(&self.vault.authkey_hash(authkey), service, user, from, || self.vault.reading())
    }

    /// The status that [`Admin::status`] would find; `None` when it would have to write.
    pub(crate) fn tell(&self, known: &Known) -> Option<TokenStatus> {
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
        Some(peeked.status)
    }

    /// Makes the copies that the next call for the same status needs. Failing to is no failure.
    pub(crate) async fn copy(&self, service: &Service, user: &UserId, authkey: &str) {
        let Some(cache) = self.copies.get().map(Arc::clone).filter(|cache| cache.is_on()) else { return };
        let before = cache.before();
        let (name, whom, value) = (service.name.clone(), user.clone(), Zeroizing::new(authkey.to_owned()));
        let copied = self.read(move |vault, tx| {
            let (Some(key), Some(service)) = (vault.authkey(tx, &value)?, vault.service(tx, &name)?) else {
                return Ok(());
            };
            let Some(token) = vault.token_of(tx, &service, &whom)? else { return Ok(()) };
            let facts = vault.facts(tx, &token)?;
            cache.keep_token(before, *token.id.bytes(), service.id, whom.as_str(), facts);
            cache.keep_access(before, vault.authkey_hash(&value), key, service);
            Ok(())
        });
        if let Err(error) = copied.await {
            tracing::debug!(%error, "no copy was made");
        }
    }
}
