//! A device in a file: to be kept, given to somebody, or unpacked twice. Sealed with a passphrase, unless it is said that nobody
//! minds: whoever can read it has the device's tokens, and its holder's PINs.
//!
//! The file is JSON. Sealed is its content, with ChaCha20-Poly1305 under a key that Argon2id (RFC 9106, its second recommended
//! choice) makes of the passphrase and a salt that no other file has; so every key seals one file, and the nonce is zero.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64ct::{Base64, Encoding as _};
use cardea_sdk::Entropy;
use cardea_sdk::store::Entry;
use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::device::Kept;
use super::{Persona, Profile};
use crate::hidden::Hidden;
use crate::json;

/// The form of the file.
const FORMAT: u32 = 1;
/// Longest file.
const LONGEST: usize = 4 << 20;
/// Shortest passphrase, in bytes: for a file that somebody else may find.
const SHORTEST: usize = 8;
/// Memory of Argon2id in KiB, passes, lanes.
const COST: (u32, u32, u32) = (65_536, 3, 4);
const SALT: usize = 16;

/// A copy of a device.
#[derive(Debug)]
pub struct Parcel {
    name: String,
    kept: Kept,
}

/// Why a file with a device cannot be made or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParcelError {
    /// Something else.
    #[error("this is no device that was exported, or it was altered: {0}")]
    Malformed(String),
    /// Made by a later version of this program.
    #[error("the file has form {0}, and this program knows form {FORMAT}: update the program")]
    Newer(u32),
    /// Sealed, and the passphrase is missing.
    #[error("the file is sealed: give its passphrase")]
    Sealed,
    /// Not sealed, although a passphrase was given.
    #[error("the file is not sealed, anybody could have written it: import it without a passphrase")]
    NotSealed,
    /// Another passphrase, or somebody has altered the file.
    #[error("the passphrase is another one, or the file was altered")]
    Passphrase,
    /// Too short a passphrase.
    #[error("the passphrase is too short: it has {SHORTEST} bytes or more")]
    Short,
    /// Nothing that was exported is so long.
    #[error("the file is too long: nothing that was exported has more than {LONGEST} bytes")]
    TooLong,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    cardea_emulator_device: u32,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    plain: Option<Content>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    salt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sealed: Option<String>,
}

/// Only the form: what else there is may be unknown.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", expecting = "the object that an exported device is")]
struct Form {
    cardea_emulator_device: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Content {
    /// In Base64.
    tokens: Vec<Hidden>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pin: Option<Hidden>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    duress_pins: Vec<Hidden>,
    /// Whether there are PINs that are not in it, because nobody had told them.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    untold: bool,
    network: Profile,
    skew_seconds: i64,
    watched: bool,
}

impl Parcel {
    pub(super) fn new(name: &str, kept: Kept) -> Self {
        Self { name: name.to_owned(), kept }
    }

    /// What the device was called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) const fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The file, for everybody who can read it.
    ///
    /// # Errors
    /// [`ParcelError::TooLong`].
    pub fn plain(&self) -> Result<Zeroizing<String>, ParcelError> {
        written(&File {
            cardea_emulator_device: FORMAT,
            name: self.name.clone(),
            plain: Some(Content::of(&self.kept)),
            salt: None,
            sealed: None,
        })
    }

    /// The file, for who has the passphrase. Takes some tenths of a second, and 64 MiB of memory.
    ///
    /// # Errors
    /// [`ParcelError::Short`], [`ParcelError::TooLong`].
    pub fn sealed(&self, passphrase: &str, entropy: &dyn Entropy) -> Result<Zeroizing<String>, ParcelError> {
        if passphrase.len() < SHORTEST {
            return Err(ParcelError::Short);
        }
        let mut salt = [0; SALT];
        entropy.fill(&mut salt);
        let content = serde_json::to_vec(&Content::of(&self.kept)).map_err(|error| malformed(&error))?;
        let mut content = Zeroizing::new(content);
        let cipher = cipher(passphrase, &salt)?;
        let sealed = cipher.encrypt_in_place(&Default::default(), &associated(&self.name), &mut *content);
        sealed.map_err(|_| ParcelError::TooLong)?;
        written(&File {
            cardea_emulator_device: FORMAT,
            name: self.name.clone(),
            plain: None,
            salt: Some(Base64::encode_string(&salt)),
            sealed: Some(Base64::encode_string(&content)),
        })
    }

    /// Reads a file, with the passphrase if it is sealed.
    ///
    /// # Errors
    /// [`ParcelError`].
    pub fn read(file: &[u8], passphrase: Option<&str>) -> Result<Self, ParcelError> {
        if file.len() > LONGEST {
            return Err(ParcelError::TooLong);
        }
        let form: Form = json::from_slice(file).map_err(ParcelError::Malformed)?;
        if form.cardea_emulator_device > FORMAT {
            return Err(ParcelError::Newer(form.cardea_emulator_device));
        }
        let file: File = json::from_slice(file).map_err(ParcelError::Malformed)?;
        let content = match (file.plain, file.salt, file.sealed, passphrase) {
            (Some(content), None, None, None) => content,
            (Some(_), None, None, Some(_)) => return Err(ParcelError::NotSealed),
            (None, Some(_), Some(_), None) => return Err(ParcelError::Sealed),
            (None, Some(salt), Some(sealed), Some(passphrase)) => {
                let bytes = |text: &str| Base64::decode_vec(text).map_err(|error| malformed(&error));
                let salt: [u8; SALT] =
                    bytes(&salt)?.try_into().map_err(|_| ParcelError::Malformed("the salt is too short".into()))?;
                let mut content = Zeroizing::new(bytes(&sealed)?);
                let opened = cipher(passphrase, &salt)?.decrypt_in_place(
                    &Default::default(),
                    &associated(&file.name),
                    &mut *content,
                );
                opened.map_err(|_| ParcelError::Passphrase)?;
                json::from_slice(&content).map_err(ParcelError::Malformed)?
            }
            _ => return Err(ParcelError::Malformed("it has neither content nor what is sealed".into())),
        };
        Ok(Self { name: file.name, kept: content.kept()? })
    }
}

impl Content {
    fn of(kept: &Kept) -> Self {
        let own = kept.habits.persona.own();
        let (pin, duress_pins) = match own {
            Some((pin, duress)) => (Some(Hidden::new(pin)), duress.map(Hidden::new).collect()),
            None => (None, Vec::new()),
        };
        let token = |entry: &Arc<Entry>| Hidden::new(Base64::encode_string(&entry.to_bytes()));
        Self {
            tokens: kept.tokens.values().map(token).collect(),
            pin,
            duress_pins,
            untold: kept.habits.persona.is_untold(),
            network: kept.network,
            skew_seconds: kept.skew,
            watched: kept.is_watched,
        }
    }

    fn kept(self) -> Result<Kept, ParcelError> {
        let mut kept =
            Kept { network: self.network, skew: self.skew_seconds, is_watched: self.watched, ..Kept::default() };
        self.network.checked().map_err(|error| malformed(&error))?;
        for token in &self.tokens {
            let bytes = Zeroizing::new(Base64::decode_vec(token).map_err(|error| malformed(&error))?);
            let entry = Entry::from_bytes(&bytes).ok_or_else(|| ParcelError::Malformed("a token is damaged".into()))?;
            if kept.tokens.insert(entry.key(), Arc::new(entry)).is_some() {
                return Err(ParcelError::Malformed("a token is in it twice".into()));
            }
        }
        if let Some(pin) = &self.pin {
            let duress: Vec<&str> = self.duress_pins.iter().map(|pin| &**pin).collect();
            kept.habits.persona = Persona::new(pin, &duress).map_err(|error| malformed(&error))?;
        } else if self.untold {
            kept.habits.persona = Persona::untold();
        }
        Ok(kept)
    }
}

fn malformed(error: &dyn std::fmt::Display) -> ParcelError {
    ParcelError::Malformed(error.to_string())
}

fn written(file: &File) -> Result<Zeroizing<String>, ParcelError> {
    let text = Zeroizing::new(serde_json::to_string(file).map_err(|error| malformed(&error))?);
    if text.len() > LONGEST { Err(ParcelError::TooLong) } else { Ok(text) }
}

/// The name is not secret, and cannot be altered either.
fn associated(name: &str) -> Vec<u8> {
    [b"cardea-emulator device 1 ", name.as_bytes()].concat()
}

fn cipher(passphrase: &str, salt: &[u8; SALT]) -> Result<ChaCha20Poly1305, ParcelError> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|error| malformed(&error))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut key = Zeroizing::new([0; 32]);
    let mut blocks = vec![Block::default(); argon2.params().block_count()];
    let made = argon2.hash_password_into_with_memory(passphrase.as_bytes(), salt, &mut *key, &mut blocks);
    blocks.iter_mut().for_each(Zeroize::zeroize);
    made.map_err(|error| malformed(&error))?;
    Ok(ChaCha20Poly1305::new((&*key).into()))
}

#[cfg(test)]
mod tests;
