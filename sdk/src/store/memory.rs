//! A store in memory: for tests, and for hosts that persist nothing.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Entry, Lease, Store, StoreError, TokenKey};
use crate::table::Table;

/// A store in memory. Clones share the tokens, as two programs share a folder.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Inner>>);

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore")
    }
}

#[derive(Debug, Default)]
struct Inner {
    entries: Table<Entry>,
    leased: Table<()>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Every change is one assignment, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn is_immediate(&self) -> bool {
        true
    }

    fn list(&self) -> Result<Vec<TokenKey>, StoreError> {
        Ok(self.inner().entries.keys().collect())
    }

    fn load(&self, key: &TokenKey) -> Result<Option<Entry>, StoreError> {
        Ok(self.inner().entries.get(key).map(Entry::duplicate))
    }

    fn try_lease(&self, key: &TokenKey) -> Result<Option<Box<dyn Lease>>, StoreError> {
        let taken = self.inner().leased.insert(*key, ());
        Ok(taken.then(|| Box::new(MemoryLease { store: self.clone(), key: *key }) as Box<dyn Lease>))
    }
}

struct MemoryLease {
    store: MemoryStore,
    key: TokenKey,
}

impl fmt::Debug for MemoryLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryLease")
    }
}

impl Lease for MemoryLease {
    fn load(&mut self) -> Result<Option<Entry>, StoreError> {
        self.store.load(&self.key)
    }

    fn compare_and_swap(&mut self, old: Option<&Entry>, new: &Entry) -> Result<(), StoreError> {
        let mut inner = self.store.inner();
        if inner.entries.get(&self.key) != old {
            return Err(StoreError::Changed);
        }
        inner.entries.insert(self.key, new.duplicate());
        Ok(())
    }

    fn remove(&mut self) -> Result<(), StoreError> {
        self.store.inner().entries.remove(&self.key);
        Ok(())
    }
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        self.store.inner().leased.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[test]
    fn keeps_every_promise_of_a_store() {
        let store = MemoryStore::new();
        conformance::check(|| Arc::new(store.clone()));
    }
}
