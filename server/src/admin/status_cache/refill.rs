//! New copies in the place of those that a commit makes void, read in its own transaction.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{StatusCache, TokenCopy};
use crate::storage::{Ended, Touched, Transaction, Watcher};
use crate::vault::{Vault, VaultError};

/// Most tokens that one commit reads again: whatever it is that touches more, it is not people who wait at a door.
const MOST: usize = 256;

/// Tells the cache of commits.
pub(in crate::admin) struct Refiller {
    cache: Arc<StatusCache>,
    vault: Arc<Vault>,
}

impl Refiller {
    /// For a cache of what `vault` says.
    pub(in crate::admin) const fn new(cache: Arc<StatusCache>, vault: Arc<Vault>) -> Self {
        Self { cache, vault }
    }

    /// What the rows behind a copy that has become void say in this transaction; nothing when there is no such token any
    /// more.
    fn read(&self, tx: &mut dyn Transaction, void: &TokenCopy) -> Result<Option<TokenCopy>, VaultError> {
        let Some(token) = self.vault.token_by_id(tx, &void.id)? else { return Ok(None) };
        let facts = self.vault.facts(tx, &token)?;
        let is_same = token.service == void.service && token.user == void.user.as_bytes();
        Ok(is_same.then(|| TokenCopy {
            id: void.id,
            service: void.service,
            user: void.user.clone(),
            facts,
            valid: true.into(),
            checks: void.checks.clone(),
        }))
    }
}

impl Watcher for Refiller {
    fn begins(self: Arc<Self>, touched: Touched, tx: &mut dyn Transaction) -> Ended {
        let (begun, void) = self.cache.begins(&touched);
        let read = || -> Result<Vec<TokenCopy>, VaultError> {
            void.iter().take(MOST).filter_map(|copy| self.read(tx, copy).transpose()).collect()
        };
        // Whatever goes wrong here is no reason for the commit to fail: then there are no copies.
        let fresh = catch_unwind(AssertUnwindSafe(read)).unwrap_or(Ok(Vec::new())).unwrap_or_else(|error| {
            tracing::debug!(%error, "no copy was made");
            Vec::new()
        });
        Box::new(move |is_certain| {
            self.cache.ended(&touched, begun, if is_certain { fresh } else { Vec::new() });
        })
    }
}

impl fmt::Debug for Refiller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refiller").field("cache", &self.cache).finish_non_exhaustive()
    }
}
