//! A store in a folder: one encrypted file per token.
//!
//! ```text
//! store.key                 32 random bytes, 0600, unless the host brings the key
//! store.id                  names the key in the secret store of the host, if it is there
//! <token>-<device>.token    magic 8, format 1, key id 8, nonce 24, encrypted entry, tag 16
//! <token>-<device>.lock     empty; whoever has it locked holds the lease
//! ```
//!
//! A change is written to a temporary file and flushed, which then replaces the old file; then the folder is flushed.
//! XChaCha20-Poly1305 with a fresh random nonce per write; format and file name are authenticated with the content, so
//! that a file cannot be put in another one's place.

mod disk;
mod keyed;
mod sealed;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardea_protocol::Secret;

use self::disk::{Folder, KEY_NAME, Locked};
use super::secrets::SecretStore;
use super::{Entry, Lease, Store, StoreError, TokenKey};
use crate::env::{CoreRandom, Env};
use crate::error::WalletError;
use cardea_protocol::crypto::Random as _;

/// The key that a folder's files are encrypted with.
#[derive(Debug)]
pub struct StoreKey(Secret<32>);

impl StoreKey {
    /// A key that the host keeps, for example in the keyring of the operating system.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }
}

/// A store in a folder.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileStore")
    }
}

#[derive(Debug)]
struct Inner {
    folder: Folder,
    key: StoreKey,
    env: Env,
}

impl FileStore {
    /// Opens `folder`, making it (0700) and its key file (0600) if they are not there.
    ///
    /// # Errors
    /// [`StoreError`]. A folder that others can write ([`StoreError::KeyExposed`]) is an error, and so is one with tokens
    /// but without its key, or with another one: no new key is made for it.
    pub fn open(folder: impl Into<PathBuf>, env: &Env) -> Result<Self, StoreError> {
        let folder = Folder::open(folder.into())?;
        let key = folder.key(|| env.random().secret())?;
        Self::with(folder, key, env)
    }

    /// Opens `folder` with a key that the host keeps. No key file is read or made.
    ///
    /// # Errors
    /// [`StoreError`]. [`StoreError::WrongKey`]: there are tokens, and none is of this key.
    pub fn open_with_key(folder: impl Into<PathBuf>, key: StoreKey, env: &Env) -> Result<Self, StoreError> {
        Self::with(Folder::open(folder.into())?, key.0, env)
    }

    /// Opens `folder` with a key that is in `secrets`, where a new one is put if the folder has no tokens. The key of a
    /// folder that was opened with [`FileStore::open`] until now is moved there.
    ///
    /// # Errors
    /// [`WalletError::Secrets`], [`WalletError::Store`]. A folder with tokens whose key is gone
    /// ([`StoreError::SecretMissing`]) or is another one ([`StoreError::WrongKey`]) is an error: no new key is made for it.
    pub fn open_with_secrets(
        folder: impl Into<PathBuf>,
        secrets: &dyn SecretStore,
        env: &Env,
    ) -> Result<Self, WalletError> {
        let folder = Folder::open(folder.into())?;
        let key = keyed::key(&folder, secrets, env)?;
        Ok(Self::with(folder, key, env)?)
    }

    fn with(folder: Folder, key: Secret<32>, env: &Env) -> Result<Self, StoreError> {
        if !opens(&folder, &key)? {
            return Err(StoreError::WrongKey { path: folder.path().to_owned() });
        }
        Ok(Self(Arc::new(Inner { folder, key: StoreKey(key), env: env.clone() })))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.folder.path()
    }

    /// The name of the key file in the folder.
    #[must_use]
    pub const fn key_name() -> &'static str {
        KEY_NAME
    }
}

/// Whether `key` belongs to any of the folder's tokens, if there are some. Damaged ones say so when they are used.
fn opens(folder: &Folder, key: &Secret<32>) -> Result<bool, StoreError> {
    let mut others = false;
    for token in folder.tokens()? {
        let Ok(Some(bytes)) = disk::read(&folder.token_path(&token), sealed::FILE_LEN) else { continue };
        match sealed::is_of_key(&bytes, key) {
            Some(true) => return Ok(true),
            Some(false) => others = true,
            None => {}
        }
    }
    Ok(!others)
}

impl Inner {
    fn read(&self, key: &TokenKey) -> Result<Option<Entry>, StoreError> {
        let path = self.folder.token_path(key);
        let Some(bytes) = disk::read(&path, sealed::FILE_LEN)? else { return Ok(None) };
        sealed::open(&path, &bytes, &self.key.0, key).map(Some)
    }

    fn write(&self, key: &TokenKey, entry: &Entry) -> Result<(), StoreError> {
        let mut random: CoreRandom = self.env.random();
        let mut nonce = [0; 24];
        random.fill(&mut nonce);
        let bytes = sealed::seal(entry, &self.key.0, key, nonce);
        self.folder.replace(&self.folder.token_path(key), &bytes)
    }
}

impl Store for FileStore {
    fn list(&self) -> Result<Vec<TokenKey>, StoreError> {
        self.0.folder.tokens()
    }

    fn load(&self, key: &TokenKey) -> Result<Option<Entry>, StoreError> {
        self.0.read(key)
    }

    fn try_lease(&self, key: &TokenKey) -> Result<Option<Box<dyn Lease>>, StoreError> {
        let Some(lock) = self.0.folder.try_lock(key)? else { return Ok(None) };
        Ok(Some(Box::new(FileLease { inner: Arc::clone(&self.0), key: *key, _lock: lock })))
    }
}

struct FileLease {
    inner: Arc<Inner>,
    key: TokenKey,
    /// Dropping it gives the lease back.
    _lock: Locked,
}

impl fmt::Debug for FileLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileLease")
    }
}

impl Lease for FileLease {
    fn load(&mut self) -> Result<Option<Entry>, StoreError> {
        self.inner.read(&self.key)
    }

    fn compare_and_swap(&mut self, old: Option<&Entry>, new: &Entry) -> Result<(), StoreError> {
        if self.inner.read(&self.key)?.as_ref() != old {
            return Err(StoreError::Changed);
        }
        self.inner.write(&self.key, new)
    }

    fn remove(&mut self) -> Result<(), StoreError> {
        self.inner.folder.remove(&self.key)
    }
}

#[cfg(test)]
mod tests;
