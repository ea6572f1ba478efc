//! The master key: where it is, how it is made, and whether it is the right one.
//!
//! The database holds a value sealed with it, so that a wrong key is noticed at once. The file is written under a
//! preliminary name, the database learns of it, then it gets its name: a crash in between is repaired by the next
//! start, and a key without its database is noticed too.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardea_protocol::Secret;
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use super::seal::{Sealer, Table};
use super::{VaultError, random_secret};
use crate::entropy::Entropy;
use crate::private_file::Maker;
use crate::storage::rows::MetaRows;
use crate::storage::{Store, Transaction, sync_folder};

const CHECK: &str = "vault";
const CHECKED: &[u8] = b"cardea1 vault";
const PREFIX: &str = "cardea1-vault-key:";
const FILE: &str = "vault.key";
const PENDING: &str = "vault.key.new";
/// Longest file that is looked at.
const FILE_MAX: u64 = 256;

/// Where the master key is.
pub enum KeyLocation {
    /// `vault.key` in this folder, made on the first start.
    Folder(PathBuf),
    /// A file that somebody else provides and that is never made here, a systemd credential for example.
    Provided(PathBuf),
    /// Given by the caller: for databases that do not outlive the process.
    Given(Secret<32>),
}

impl KeyLocation {
    /// A key that nobody has seen before, for a database that does not outlive the process either.
    #[must_use]
    pub fn made_up(entropy: &dyn Entropy) -> Self {
        Self::Given(Secret::new(crate::entropy::bytes(entropy)))
    }
}

/// Finds or makes the master key and proves that it is the one of this database.
///
/// Runs in one writing transaction: of several processes that start at once one makes the key, the others find it.
pub(super) async fn unlock(
    store: &Store,
    location: KeyLocation,
    entropy: &Arc<dyn Entropy>,
) -> Result<Sealer, VaultError> {
    let entropy = Arc::clone(entropy);
    match location {
        KeyLocation::Given(key) => store.write(move |tx| settle(tx, &key, Path::new("(given)"), &*entropy)).await,
        KeyLocation::Provided(path) => {
            let key = load(&path, Maker::Provider)?.ok_or_else(|| VaultError::KeyMissing(path.clone()))?;
            store.write(move |tx| settle(tx, &key, &path, &*entropy)).await
        }
        KeyLocation::Folder(folder) => {
            let (path, pending) = (folder.join(FILE), folder.join(PENDING));
            let names = (path.clone(), pending.clone());
            let (sealer, is_new) = store.write(move |tx| find(tx, &names.0, &names.1, &*entropy)).await?;
            if is_new {
                match fs::rename(&pending, &path) {
                    // Another process has found it, too, and was faster.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound && path.exists() => {}
                    renamed => renamed.map_err(|error| failed(&path, &error))?,
                }
                sync_folder(&folder).map_err(|error| failed(&path, &error))?;
            }
            Ok(sealer)
        }
    }
}

/// The key in its place, or the one that is to get there after the commit.
fn find(
    tx: &mut dyn Transaction,
    path: &Path,
    pending: &Path,
    entropy: &dyn Entropy,
) -> Result<(Sealer, bool), VaultError> {
    let is_known = tx.meta(CHECK)?.is_some();
    if let Some(key) = load(path, Maker::Own)? {
        if !is_known {
            return Err(VaultError::DatabaseLost(path.to_owned()));
        }
        return Ok((settle(tx, &key, path, entropy)?, false));
    }
    let found = match load(pending, Maker::Own) {
        // A first start that ended in the middle of the file. Nothing has been sealed with it.
        Err(VaultError::KeyDamaged(_)) if !is_known => {
            fs::remove_file(pending).map_err(|error| failed(pending, &error))?;
            None
        }
        found => found?,
    };
    let key = match found {
        Some(key) => key,
        // Between the two looks another first start may have given the key its name.
        None if is_known => {
            let key = load(path, Maker::Own)?.ok_or_else(|| VaultError::KeyMissing(path.to_owned()))?;
            return Ok((settle(tx, &key, path, entropy)?, false));
        }
        None => {
            let key = random_secret(entropy);
            save(pending, &key)?;
            key
        }
    };
    Ok((settle(tx, &key, pending, entropy)?, true))
}

/// Compares with the database, or makes the key the database's own.
fn settle(
    tx: &mut dyn Transaction,
    key: &Secret<32>,
    path: &Path,
    entropy: &dyn Entropy,
) -> Result<Sealer, VaultError> {
    let sealer = Sealer::new(key);
    let Some(check) = tx.meta(CHECK)? else {
        tx.put_meta(CHECK, &sealer.seal(Table::Meta, &[CHECK.as_bytes()], 1, CHECKED, entropy))?;
        return Ok(sealer);
    };
    match sealer.open(Table::Meta, &[CHECK.as_bytes()], &check) {
        Ok(content) if *content == CHECKED => Ok(sealer),
        _ => Err(VaultError::KeyWrong(path.to_owned())),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> VaultError {
    VaultError::KeyFile { path: path.to_owned(), detail: error.to_string() }
}

/// The key in a file that is nobody else's to read; `None` when there is no file.
fn load(path: &Path, maker: Maker) -> Result<Option<Secret<32>>, VaultError> {
    let file = match OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(path, &error)),
    };
    #[cfg(not(unix))]
    let _ = maker;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(|error| failed(path, &error))?.permissions().mode();
        if !maker.is_private(mode) {
            return Err(VaultError::KeyExposed(path.to_owned()));
        }
    }
    let mut text = Zeroizing::new(Vec::with_capacity(512));
    let read = file.take(FILE_MAX).read_to_end(&mut text);
    read.map_err(|error| failed(path, &error))?;
    parse(&text).map(Some).ok_or_else(|| VaultError::KeyDamaged(path.to_owned()))
}

fn parse(text: &[u8]) -> Option<Secret<32>> {
    let hex = text.strip_suffix(b"\n").unwrap_or(text).strip_prefix(PREFIX.as_bytes())?;
    let key = Zeroizing::new(HEXLOWER.decode(hex).ok()?);
    Secret::from_slice(&key)
}

fn save(path: &Path, key: &Secret<32>) -> Result<(), VaultError> {
    let mut text = Zeroizing::new(String::with_capacity(128));
    text.push_str(PREFIX);
    HEXLOWER.encode_append(key.expose(), &mut text);
    text.push('\n');
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || {
        let mut file = options.open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        path.parent().map_or(Ok(()), sync_folder)
    };
    write().map_err(|error| failed(path, &error))
}

impl KeyLocation {
    /// The file that the key is in, if it is in one.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder.join(FILE)),
            Self::Provided(path) => Some(path.clone()),
            Self::Given(_) => None,
        }
    }

    /// Whether the file is there, is a key, and is nobody else's to read. Says nothing about whether it is the right one,
    /// and makes nothing. Blocks.
    ///
    /// # Errors
    /// [`VaultError::KeyMissing`], [`VaultError::KeyDamaged`], [`VaultError::KeyExposed`], [`VaultError::KeyFile`].
    pub fn check(&self) -> Result<(), VaultError> {
        let Some(path) = self.file() else { return Ok(()) };
        let maker = if matches!(self, Self::Provided(_)) { Maker::Provider } else { Maker::Own };
        load(&path, maker)?.map(drop).ok_or(VaultError::KeyMissing(path))
    }
}

impl std::fmt::Debug for KeyLocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(path) => f.debug_tuple("Folder").field(path).finish(),
            Self::Provided(path) => f.debug_tuple("Provided").field(path).finish(),
            Self::Given(_) => f.write_str("Given([redacted])"),
        }
    }
}

#[cfg(test)]
mod tests;
