//! One direction of a session (Noise specification, section 5.1).

use core::fmt;
use core::marker::PhantomData;

use super::{MAX_MESSAGE_LEN, NoiseError};
use crate::Secret;
use crate::crypto::{Provider, TAG_LEN};

/// A key and the nonce of its next message. 40 bytes, wiped when dropped.
///
/// Nonces count up from 0 and are never sent: a lost, repeated or reordered message fails to decrypt.
pub struct CipherState<P> {
    key: Secret<32>,
    nonce: u64,
    provider: PhantomData<fn() -> P>,
}

impl<P: Provider> CipherState<P> {
    /// A fresh key from a [`Split`](super::Split), at nonce 0.
    #[must_use]
    pub const fn new(key: Secret<32>) -> Self {
        Self { key, nonce: 0, provider: PhantomData }
    }

    /// Encrypts `buffer` in place and returns the tag.
    ///
    /// # Errors
    /// [`NoiseError::MessageLength`] if buffer and tag exceed [`MAX_MESSAGE_LEN`]; [`NoiseError::Exhausted`] after
    /// 2^64 - 1 messages. Nothing was encrypted then.
    pub fn encrypt(&mut self, associated: &[u8], buffer: &mut [u8]) -> Result<[u8; TAG_LEN], NoiseError> {
        let next = self.next(buffer)?;
        let tag = P::seal(&self.key, self.nonce, associated, buffer);
        self.nonce = next;
        Ok(tag)
    }

    /// Checks `tag` and decrypts `buffer` in place.
    ///
    /// # Errors
    /// [`NoiseError::Decrypt`] if the message does not authenticate, otherwise as [`CipherState::encrypt`]. The nonce
    /// stays, and `buffer` holds nothing of the plaintext.
    pub fn decrypt(&mut self, associated: &[u8], buffer: &mut [u8], tag: &[u8; TAG_LEN]) -> Result<(), NoiseError> {
        let next = self.next(buffer)?;
        P::open(&self.key, self.nonce, associated, buffer, tag).map_err(|_| NoiseError::Decrypt)?;
        self.nonce = next;
        Ok(())
    }

    /// The nonce of the next message: how many messages this key has passed.
    #[must_use]
    pub const fn nonce(&self) -> u64 {
        self.nonce
    }

    /// The nonce after this one, if this message may be sent at all. The greatest nonce is never used: Noise reserves
    /// it.
    fn next(&self, buffer: &[u8]) -> Result<u64, NoiseError> {
        if buffer.len() > MAX_MESSAGE_LEN - TAG_LEN {
            return Err(NoiseError::MessageLength);
        }
        self.nonce.checked_add(1).ok_or(NoiseError::Exhausted)
    }
}

impl<P> fmt::Debug for CipherState<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CipherState").field("nonce", &self.nonce).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "dalek"))]
mod tests {
    use super::*;
    use crate::crypto::Dalek;

    #[test]
    fn the_last_nonce_is_never_used() {
        let mut state = CipherState::<Dalek> { key: Secret::new([1; 32]), nonce: u64::MAX - 1, provider: PhantomData };
        let mut receiver =
            CipherState::<Dalek> { key: Secret::new([1; 32]), nonce: u64::MAX - 1, provider: PhantomData };
        let mut buffer = *b"text";
        let tag = state.encrypt(&[], &mut buffer).expect("the last message");
        assert_eq!(receiver.decrypt(&[], &mut buffer, &tag), Ok(()));
        assert_eq!(state.encrypt(&[], &mut buffer), Err(NoiseError::Exhausted));
        assert_eq!(receiver.decrypt(&[], &mut buffer, &tag), Err(NoiseError::Exhausted));
        assert_eq!((buffer, state.nonce(), receiver.nonce()), (*b"text", u64::MAX, u64::MAX));
    }
}
