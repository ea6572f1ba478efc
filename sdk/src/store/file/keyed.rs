//! The key of a folder, kept in a secret store of the host.
//!
//! The folder has a random name of its own, in the file `store.id`; the key is in the secret store under
//! `cardea-<that name>`. So a folder may move, and two folders never share a key. The file is written last: before it is
//! there, nothing depends on the secret store. No lock is held while the host is called.

use cardea_protocol::Secret;
use cardea_protocol::crypto::Random as _;

use super::disk::Folder;
use crate::env::Env;
use crate::error::WalletError;
use crate::hex;
use crate::store::StoreError;
use crate::store::secrets::{Guarded, SecretStore};

/// How often to begin again because somebody else opened the same new folder at the same time.
const ROUNDS: usize = 8;

/// Finds the key of `folder`, or makes one for a folder without tokens. A folder whose key is in a file beside the tokens
/// has it moved into the secret store.
pub(super) fn key(folder: &Folder, secrets: &dyn SecretStore, env: &Env) -> Result<Secret<32>, WalletError> {
    let secrets = Guarded(secrets);
    for _ in 0..ROUNDS {
        let found = match folder.id()? {
            Some(id) => known(folder, &secrets, &id)?,
            None => fresh(folder, &secrets, env)?,
        };
        if let Some(key) = found {
            return Ok(key);
        }
    }
    Err(StoreError::Changed.into())
}

fn name(id: &str) -> String {
    format!("cardea-{id}")
}

fn wrong(folder: &Folder) -> WalletError {
    StoreError::WrongKey { path: folder.path().to_owned() }.into()
}

/// The key of a folder with a name. `None`: the secret is gone and nothing depended on it, so begin again.
fn known(folder: &Folder, secrets: &Guarded<'_>, id: &str) -> Result<Option<Secret<32>>, WalletError> {
    if let Some(secret) = secrets.load(&name(id))? {
        let key = Secret::from_slice(&secret).ok_or_else(|| wrong(folder))?;
        // Left by a move that was cut short.
        folder.remove_key(&key)?;
        return Ok(Some(key));
    }
    if folder.give_up_id(id)? { Ok(None) } else { Err(missing(folder, id)) }
}

fn missing(folder: &Folder, id: &str) -> WalletError {
    StoreError::SecretMissing { folder: folder.path().to_owned(), name: name(id) }.into()
}

/// A key for a folder without a name. `None`: somebody else was faster.
fn fresh(folder: &Folder, secrets: &Guarded<'_>, env: &Env) -> Result<Option<Secret<32>>, WalletError> {
    let old = folder.key_in_file()?;
    if old.is_none() && !folder.tokens()?.is_empty() {
        // They may have come since with their key, from who opened the same new folder.
        if folder.id()?.is_some() || folder.key_in_file()?.is_some() {
            return Ok(None);
        }
        return Err(StoreError::KeyMissing { path: folder.id_path() }.into());
    }
    let mut bytes = [0; 16];
    env.random().fill(&mut bytes);
    let id = hex::encode(&bytes);
    let key = old.as_ref().map_or_else(|| env.random().secret(), Secret::duplicate);
    let kept = keep(folder, secrets, &id, &key).and_then(|()| Ok(folder.claim(&id, old.as_ref())?));
    match kept {
        Ok(true) => {
            folder.remove_key(&key)?;
            Ok(Some(key))
        }
        not_kept => {
            // What nobody refers to may stay if it cannot be removed.
            let _ = secrets.remove(&name(&id));
            not_kept.map(|_| None)
        }
    }
}

/// Saves the key and looks whether it is there: what does not come back now would not come back when tokens depend on it.
fn keep(folder: &Folder, secrets: &Guarded<'_>, id: &str, key: &Secret<32>) -> Result<(), WalletError> {
    secrets.save(&name(id), key.expose())?;
    let kept = secrets.load(&name(id))?.ok_or_else(|| missing(folder, id))?;
    if Secret::from_slice(&kept).as_ref() == Some(key) { Ok(()) } else { Err(wrong(folder)) }
}

#[cfg(test)]
mod tests;
