//! The symmetric half of a handshake: chaining key, hash, and the current key (Noise specification, section 5.2).

use core::marker::PhantomData;

use super::{MAX_PROLOGUE_PARTS, NoiseError};
use crate::Secret;
use crate::crypto::{Provider, TAG_LEN};

/// Chaining key, handshake hash, and the key of the handshake's own encryption with its nonce.
pub(super) struct Symmetric<P> {
    chaining_key: Secret<32>,
    hash: [u8; 32],
    key: Secret<32>,
    /// `None` until a key is mixed in; then the next nonce.
    nonce: Option<u64>,
    provider: PhantomData<fn() -> P>,
}

impl<P: Provider> Symmetric<P> {
    /// `InitializeSymmetric(name)`, then `MixHash` of the concatenation of `prologue`.
    pub(super) fn new(name: &str, prologue: &[&[u8]]) -> Result<Self, NoiseError> {
        let mut hash = [0; 32];
        match hash.get_mut(..name.len()) {
            Some(prefix) => prefix.copy_from_slice(name.as_bytes()),
            None => hash = P::sha256(&[name.as_bytes()]),
        }
        let mut parts: [&[u8]; MAX_PROLOGUE_PARTS + 1] = [&[]; MAX_PROLOGUE_PARTS + 1];
        let (first, rest) = parts.split_at_mut(1);
        let rest = rest.get_mut(..prologue.len()).ok_or(NoiseError::ApiMisuse("the prologue has too many parts"))?;
        first.copy_from_slice(&[&hash]);
        rest.copy_from_slice(prologue);
        Ok(Self {
            chaining_key: Secret::new(hash),
            hash: P::sha256(&parts),
            key: Secret::zero(),
            nonce: None,
            provider: PhantomData,
        })
    }

    /// A second copy, to be kept or dropped as a whole.
    pub(super) const fn duplicate(&self) -> Self {
        Self {
            chaining_key: self.chaining_key.duplicate(),
            hash: self.hash,
            key: self.key.duplicate(),
            nonce: self.nonce,
            provider: PhantomData,
        }
    }

    pub(super) const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    pub(super) const fn has_key(&self) -> bool {
        self.nonce.is_some()
    }

    pub(super) fn mix_hash(&mut self, data: &[u8]) {
        self.hash = P::sha256(&[&self.hash, data]);
    }

    pub(super) fn mix_key(&mut self, input: &[u8]) {
        let (chaining_key, key) = P::hkdf2(&self.chaining_key, input);
        self.chaining_key = chaining_key;
        self.key = key;
        self.nonce = Some(0);
    }

    pub(super) fn mix_key_and_hash(&mut self, input: &[u8]) {
        let (chaining_key, hash, key) = P::hkdf3(&self.chaining_key, input);
        self.chaining_key = chaining_key;
        self.mix_hash(hash.expose());
        self.key = key;
        self.nonce = Some(0);
    }

    /// Encrypts in place and hashes what goes out. If there is a key, `text` ends in room for the tag.
    pub(super) fn encrypt_and_hash(&mut self, text: &mut [u8]) -> Result<(), NoiseError> {
        if let Some(nonce) = self.nonce {
            let (body, tag) = text.split_last_chunk_mut::<TAG_LEN>().ok_or(NoiseError::MessageLength)?;
            *tag = P::seal(&self.key, nonce, &self.hash, body);
            self.nonce = Some(nonce.saturating_add(1));
        }
        self.mix_hash(text);
        Ok(())
    }

    /// Decrypts `message` into `text`, which has the length of the plaintext, and hashes what came in.
    pub(super) fn decrypt_and_hash(&mut self, message: &[u8], text: &mut [u8]) -> Result<(), NoiseError> {
        let (body, tag) = match self.nonce {
            Some(_) => message.split_last_chunk::<TAG_LEN>().ok_or(NoiseError::MessageLength)?,
            None => (message, &[0; TAG_LEN]),
        };
        if body.len() != text.len() {
            return Err(NoiseError::MessageLength);
        }
        text.copy_from_slice(body);
        if let Some(nonce) = self.nonce {
            P::open(&self.key, nonce, &self.hash, text, tag).map_err(|_| NoiseError::Decrypt)?;
            self.nonce = Some(nonce.saturating_add(1));
        }
        self.mix_hash(message);
        Ok(())
    }

    /// `Split()`: the session keys, the initiator's sending key first.
    pub(super) fn split(&self) -> (Secret<32>, Secret<32>) {
        P::hkdf2(&self.chaining_key, &[])
    }
}
