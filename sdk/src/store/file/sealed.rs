//! The bytes of a token's file.

use std::path::Path;

use cardea_protocol::Secret;
use cardea_protocol::crypto::{Dalek, Provider as _};
use chacha20poly1305::{AeadInOut as _, KeyInit as _, XChaCha20Poly1305};

use crate::store::entry::ENTRY_LEN;
use crate::store::{Entry, StoreError, TokenKey};

const MAGIC: [u8; 8] = *b"cardeatk";
const FORMAT: u8 = 1;
const HEAD_LEN: usize = 8 + 1 + 8;
const NONCE_LEN: usize = 24;
const TAG_LEN: usize = 16;
/// Length of every token's file in bytes.
pub(super) const FILE_LEN: usize = HEAD_LEN + NONCE_LEN + ENTRY_LEN + TAG_LEN;

/// Tells whether a file was made with a key, without telling anything about the key.
fn key_id(key: &Secret<32>) -> [u8; 8] {
    let derived = Dalek::derive(&[], &[key.expose()], &[b"cardea1 store key id"]);
    let [a, b, c, d, e, f, g, h, ..] = *derived.expose();
    [a, b, c, d, e, f, g, h]
}

/// Whether a token's file was made with `key`; `None` if it cannot be told.
pub(super) fn is_of_key(file: &[u8], key: &Secret<32>) -> Option<bool> {
    let (head, _) = file.split_at_checked(HEAD_LEN)?;
    // What was cut short or grew is damaged, whosever it was.
    (head[..8] == MAGIC && head[8] == FORMAT && file.len() == FILE_LEN).then(|| head[9..] == key_id(key))
}

/// What is authenticated beside the content: the head of the file and its name.
fn associated(head: &[u8], name: &TokenKey) -> Vec<u8> {
    [head, name.token.bytes(), name.device.bytes()].concat()
}

/// Encrypts `entry` as the file `name`. `nonce` must be fresh and random.
pub(super) fn seal(entry: &Entry, key: &Secret<32>, name: &TokenKey, nonce: [u8; NONCE_LEN]) -> Vec<u8> {
    let mut file = Vec::with_capacity(FILE_LEN);
    file.extend_from_slice(&MAGIC);
    file.push(FORMAT);
    file.extend_from_slice(&key_id(key));
    let associated = associated(&file, name);
    file.extend_from_slice(&nonce);
    let mut content = entry.encode();
    let tag = XChaCha20Poly1305::new(key.expose().into())
        .encrypt_inout_detached(&nonce.into(), &associated, content.expose_mut().as_mut_slice().into())
        .expect("an entry is far shorter than the cipher's limit");
    file.extend_from_slice(content.expose());
    file.extend_from_slice(&tag);
    file
}

/// Decrypts the file `name`, which is at `path`.
pub(super) fn open(path: &Path, file: &[u8], key: &Secret<32>, name: &TokenKey) -> Result<Entry, StoreError> {
    let corrupt = || StoreError::Corrupt { path: path.to_owned() };
    let truncated = || StoreError::Truncated {
        path: path.to_owned(),
        found: u64::try_from(file.len()).unwrap_or(u64::MAX),
        expected: u64::try_from(FILE_LEN).unwrap_or(u64::MAX),
    };
    let (head, rest) = file.split_at_checked(HEAD_LEN).ok_or_else(truncated)?;
    if head[..8] != MAGIC {
        return Err(corrupt());
    }
    match head[8] {
        FORMAT => {}
        found if found > FORMAT => {
            return Err(StoreError::NewerFormat { path: path.to_owned(), found, known: FORMAT });
        }
        _ => return Err(corrupt()),
    }
    if file.len() != FILE_LEN {
        return Err(truncated());
    }
    if head[9..] != key_id(key) {
        return Err(StoreError::WrongKey { path: path.to_owned() });
    }
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(truncated)?;
    let (content, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or_else(truncated)?;
    let mut clear = Box::new(Secret::<ENTRY_LEN>::from_slice(content).ok_or_else(truncated)?);
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt_inout_detached(
            nonce.into(),
            &associated(head, name),
            clear.expose_mut().as_mut_slice().into(),
            tag.into(),
        )
        .map_err(|_| corrupt())?;
    Entry::decode(&clear).filter(|entry| entry.key() == *name).ok_or_else(corrupt)
}
