//! The primitives, behind one trait.
//!
//! The rest of the crate is generic over [`Provider`]. `Dalek` (feature `dalek`, on by default) is the real one; the
//! simulation brings a fast stand-in of its own. A provider has no state: it is a type, never a value.

#[cfg(feature = "dalek")]
mod dalek;
#[cfg(feature = "dalek")]
pub use dalek::Dalek;

use core::fmt;

use crate::Secret;

/// Length in bytes of an AEAD tag.
pub const TAG_LEN: usize = 16;

/// A primitive refused its input. Deliberately says nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CryptoError;

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cryptographic operation failed")
    }
}

impl core::error::Error for CryptoError {}

/// Where the core gets random bytes: the operating system in production, a seed in tests and in the simulation.
pub trait Random {
    /// Fills `bytes` from a cryptographically secure source. A source that can fail must not return.
    fn fill(&mut self, bytes: &mut [u8]);

    /// `N` fresh secret bytes.
    fn secret<const N: usize>(&mut self) -> Secret<N>
    where
        Self: Sized,
    {
        let mut secret = Secret::zero();
        self.fill(secret.expose_mut());
        secret
    }
}

impl<R: Random> Random for &mut R {
    fn fill(&mut self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}

/// Argon2id cost: memory in KiB, passes, lanes. See chapter 5 of the specification for the classes that fix it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory in KiB (also the number of 1024-byte blocks that the caller provides).
    pub memory_kib: u32,
    /// Number of passes.
    pub passes: u32,
}

/// X25519, ChaCha20-Poly1305, SHA-256, HMAC, Ed25519 and Argon2id.
///
/// Every function takes secrets as [`Secret`] and returns them as [`Secret`]. None allocates, none panics.
pub trait Provider: 'static {
    /// One 1024-byte block of Argon2id memory.
    type PinBlock: Default + Clone;

    /// X25519 public key of `secret` (RFC 7748; the secret is clamped when used).
    fn x25519_public(secret: &Secret<32>) -> [u8; 32];

    /// X25519 (RFC 7748).
    ///
    /// # Errors
    /// The result is all zero: `public` is a point of small order.
    fn x25519(secret: &Secret<32>, public: &[u8; 32]) -> Result<Secret<32>, CryptoError>;

    /// ChaCha20-Poly1305 (RFC 8439) with Noise's nonce encoding: 4 zero bytes, then `nonce` little-endian.
    /// Encrypts `buffer` in place and returns the tag.
    fn seal(key: &Secret<32>, nonce: u64, associated: &[u8], buffer: &mut [u8]) -> [u8; TAG_LEN];

    /// The inverse of [`Provider::seal`].
    ///
    /// # Errors
    /// The tag does not verify. `buffer` then holds nothing of the plaintext.
    fn open(
        key: &Secret<32>,
        nonce: u64,
        associated: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError>;

    /// SHA-256 of the concatenation of `parts`.
    fn sha256(parts: &[&[u8]]) -> [u8; 32];

    /// HMAC-SHA256 of the concatenation of `parts`.
    fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret<32>;

    /// Noise's `HKDF(chaining_key, input, 2)`: two 32-byte outputs (Noise specification, section 4.3).
    fn hkdf2(chaining_key: &Secret<32>, input: &[u8]) -> (Secret<32>, Secret<32>) {
        let (first, second, _) = Self::hkdf3(chaining_key, input);
        (first, second)
    }

    /// Noise's `HKDF(chaining_key, input, 3)`: three 32-byte outputs.
    fn hkdf3(chaining_key: &Secret<32>, input: &[u8]) -> (Secret<32>, Secret<32>, Secret<32>) {
        let prk = Self::hmac(chaining_key.expose(), &[input]);
        let first = Self::hmac(prk.expose(), &[&[1]]);
        let second = Self::hmac(prk.expose(), &[first.expose(), &[2]]);
        let third = Self::hmac(prk.expose(), &[second.expose(), &[3]]);
        (first, second, third)
    }

    /// HKDF-SHA256 (RFC 5869) with one 32-byte output block; `input` and `info` are concatenations.
    fn derive(salt: &[u8], input: &[&[u8]], info: &[&[u8]]) -> Secret<32>;

    /// Ed25519 public key of `seed` (RFC 8032).
    fn ed25519_public(seed: &Secret<32>) -> [u8; 32];

    /// Ed25519 signature over `message` (RFC 8032).
    fn ed25519_sign(seed: &Secret<32>, message: &[u8]) -> [u8; 64];

    /// Strict Ed25519 verification: canonical encodings only, no small-order keys.
    fn ed25519_verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool;

    /// Argon2id (RFC 9106) version 0x13 with one lane and a 32-byte output, in caller-supplied memory of at least
    /// `cost.memory_kib` blocks.
    ///
    /// # Errors
    /// `memory` is too short, or `cost` is outside what Argon2id allows.
    fn argon2id(
        pin: &[u8],
        salt: &Secret<32>,
        cost: Argon2Cost,
        memory: &mut [Self::PinBlock],
    ) -> Result<Secret<32>, CryptoError>;
}
