//! An instance's data, opened: the database and the vault over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::AdminError;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::storage::{CacheLock, Location, Options, Store};
use crate::vault::{KeyLocation, Vault};

/// Name of the database in the data folder.
const DATABASE: &str = "cardea.db";

/// An open database and its vault. Clones share both.
#[derive(Debug, Clone)]
pub struct Instance {
    store: Store,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    lock: Option<Arc<CacheLock>>,
}

impl Instance {
    /// Opens the data folder `folder`: database, master key, and the server's own keys, all made on the first start.
    ///
    /// Does not take the [`ServerLock`](crate::storage::ServerLock): tools may work beside a running server, which answers
    /// from no copies until this instance and every [`Admin`](super::Admin) of it are dropped ([`CacheLock`]).
    ///
    /// # Errors
    /// The database or the master key cannot be used; the error says which and what to do.
    pub async fn open(folder: &Path, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Result<Self, AdminError> {
        Self::open_with(folder, KeyLocation::Folder(folder.to_owned()), clock, entropy).await
    }

    /// As [`Instance::open`], with the master key at `key`.
    ///
    /// # Errors
    /// The database or the master key cannot be used; the error says which and what to do.
    pub async fn open_with(
        folder: &Path,
        key: KeyLocation,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, AdminError> {
        let at = folder.to_owned();
        let lock = tokio::task::spawn_blocking(move || CacheLock::shared(&at)).await;
        let lock = lock.map_err(|_| crate::storage::StorageError::Panicked)??;
        let instance = Self::assemble(Location::File(Self::database(folder)), key, clock, entropy).await?;
        Ok(Self { lock: Some(Arc::new(lock)), ..instance })
    }

    /// The database in the data folder `folder`.
    #[must_use]
    pub fn database(folder: &Path) -> PathBuf {
        folder.join(DATABASE)
    }

    /// Opens the database at `location` with the master key at `key`.
    ///
    /// Where several nodes may share the database, the time is the database's, and `clock` is not asked unless it is one
    /// for tests: nodes whose clocks differ must not judge one opening by different times.
    ///
    /// # Errors
    /// The database or the master key cannot be used; the error says which and what to do.
    pub async fn assemble(
        location: Location,
        key: KeyLocation,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, AdminError> {
        Self::assemble_with(location, Options::default(), key, clock, entropy).await
    }

    /// The same with other options.
    ///
    /// # Errors
    /// The database or the master key cannot be used; the error says which and what to do.
    pub async fn assemble_with(
        location: Location,
        options: Options,
        key: KeyLocation,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, AdminError> {
        // Opening blocks on the file system, or on the network.
        let opened = tokio::task::spawn_blocking(move || Store::open(location, options)).await;
        let store = opened.map_err(|_| crate::storage::StorageError::Panicked)??;
        let clock: Arc<dyn Clock> = match store.clock() {
            Some(shared) if !clock.is_test_clock() => shared,
            _ => clock,
        };
        let vault = Vault::open(&store, key, entropy, Arc::clone(&clock)).await?;
        let this = Arc::clone(&vault);
        store.write(move |tx| this.maintain_keys(tx, this.reading())).await?;
        Ok(Self { store, vault, clock, lock: None })
    }

    /// The database.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// What keeps a running server from answering from copies, where that is needed.
    pub(super) fn lock(&self) -> Option<Arc<CacheLock>> {
        self.lock.clone()
    }

    /// What time it is for this instance.
    #[must_use]
    pub const fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The vault.
    #[must_use]
    pub const fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }
}
