//! The default [`Provider`]: x25519-dalek, ed25519-dalek and the RustCrypto crates.
//!
//! Copies of secrets made here live in types that wipe themselves: [`Secret`], the key types of dalek, and the hash and
//! cipher states of RustCrypto (their `zeroize` features are on). Argon2's memory is wiped before it goes back to the
//! caller.

mod hkdf;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hmac::Hmac;
use hmac::digest::{FixedOutput, Update};
use sha2::{Digest, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroize;

use super::{Argon2Cost, CryptoError, Provider, TAG_LEN};
use crate::Secret;

/// The primitives of dalek and RustCrypto.
///
/// `seal` and `open` cost what the primitive costs only with the portable back ends of `poly1305` and `chacha20` on
/// x86-64; see `docs/adr/0005-crypto-provider.md` for how to choose them.
#[derive(Debug, Clone, Copy)]
pub struct Dalek;

impl Dalek {
    /// [`Provider::seal`] with the whole 12-byte nonce: the one place where this provider encrypts. Public so that
    /// published vectors, whose nonces do not all start with four zero bytes, reach the code that the protocol runs.
    #[doc(hidden)]
    #[must_use]
    pub fn seal_with_nonce(key: &Secret<32>, nonce: &[u8; 12], associated: &[u8], buffer: &mut [u8]) -> [u8; TAG_LEN] {
        let cipher = ChaCha20Poly1305::new(key.expose().into());
        if let Ok(tag) = cipher.encrypt_inout_detached(nonce.into(), associated, (&mut *buffer).into()) {
            tag.into()
        } else {
            // Only a buffer of 256 GiB and more gets here. Nothing readable leaves, and the peer refuses what does.
            buffer.zeroize();
            [0; TAG_LEN]
        }
    }

    /// [`Provider::open`] with the whole 12-byte nonce, for the same reason as [`Dalek::seal_with_nonce`].
    ///
    /// # Errors
    /// As [`Provider::open`].
    #[doc(hidden)]
    pub fn open_with_nonce(
        key: &Secret<32>,
        nonce: &[u8; 12],
        associated: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        // The tag is checked before a byte is decrypted: on failure the buffer still holds the ciphertext.
        ChaCha20Poly1305::new(key.expose().into())
            .decrypt_inout_detached(nonce.into(), associated, buffer.into(), tag.into())
            .map_err(|_| CryptoError)
    }
}

/// Noise's nonce: 32 zero bits, then the counter, little-endian (Noise specification, section 12.3).
fn nonce_bytes(nonce: u64) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&nonce.to_le_bytes());
    bytes
}

/// HMAC-SHA256 of the concatenation of `parts` and `suffix`.
fn mac(key: &[u8], parts: &[&[u8]], suffix: &[u8]) -> Secret<32> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length");
    for part in parts {
        mac.update(part);
    }
    mac.update(suffix);
    let mut output = Secret::zero();
    mac.finalize_into(output.expose_mut().into());
    output
}

/// Noise's HKDF by its definition, for inputs longer than any that a handshake has.
fn hkdf_of_long_input(chaining_key: &Secret<32>, input: &[u8]) -> (Secret<32>, Secret<32>, Secret<32>) {
    let prk = mac(chaining_key.expose(), &[input], &[]);
    let first = mac(prk.expose(), &[], &[1]);
    let second = mac(prk.expose(), &[first.expose()], &[2]);
    let third = mac(prk.expose(), &[second.expose()], &[3]);
    (first, second, third)
}

/// Whether an Ed25519 public key encodes its y coordinate below the field prime 2^255 - 19. ed25519-dalek takes the
/// value modulo the prime, which gives a few keys a second spelling.
fn is_canonical(public: &[u8; 32]) -> bool {
    public[31] & 0x7f != 0x7f || public[1..31].iter().any(|byte| *byte != 0xff) || public[0] < 0xed
}

impl Provider for Dalek {
    type PinBlock = argon2::Block;

    fn x25519_public(secret: &Secret<32>) -> [u8; 32] {
        PublicKey::from(&StaticSecret::from(*secret.expose())).to_bytes()
    }

    fn x25519(secret: &Secret<32>, public: &[u8; 32]) -> Result<Secret<32>, CryptoError> {
        let shared = StaticSecret::from(*secret.expose()).diffie_hellman(&PublicKey::from(*public));
        let shared = Secret::new(shared.to_bytes());
        if shared.is_zero() { Err(CryptoError) } else { Ok(shared) }
    }

    fn seal(key: &Secret<32>, nonce: u64, associated: &[u8], buffer: &mut [u8]) -> [u8; TAG_LEN] {
        Self::seal_with_nonce(key, &nonce_bytes(nonce), associated, buffer)
    }

    fn open(
        key: &Secret<32>,
        nonce: u64,
        associated: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), CryptoError> {
        Self::open_with_nonce(key, &nonce_bytes(nonce), associated, buffer, tag)
    }

    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in parts {
            Update::update(&mut hash, part);
        }
        hash.finalize().into()
    }

    fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret<32> {
        mac(key, parts, &[])
    }

    fn hkdf2(chaining_key: &Secret<32>, input: &[u8]) -> (Secret<32>, Secret<32>) {
        hkdf::hkdf2(chaining_key, input).unwrap_or_else(|| {
            let (first, second, _) = hkdf_of_long_input(chaining_key, input);
            (first, second)
        })
    }

    fn hkdf3(chaining_key: &Secret<32>, input: &[u8]) -> (Secret<32>, Secret<32>, Secret<32>) {
        hkdf::hkdf3(chaining_key, input).unwrap_or_else(|| hkdf_of_long_input(chaining_key, input))
    }

    fn derive(salt: &[u8], input: &[&[u8]], info: &[&[u8]]) -> Secret<32> {
        mac(mac(salt, input, &[]).expose(), info, &[1])
    }

    fn ed25519_public(seed: &Secret<32>) -> [u8; 32] {
        SigningKey::from_bytes(seed.expose()).verifying_key().to_bytes()
    }

    fn ed25519_sign(seed: &Secret<32>, message: &[u8]) -> [u8; 64] {
        SigningKey::from_bytes(seed.expose()).sign(message).to_bytes()
    }

    fn ed25519_verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        is_canonical(public)
            && VerifyingKey::from_bytes(public)
                .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
    }

    fn argon2id(
        pin: &[u8],
        salt: &Secret<32>,
        cost: Argon2Cost,
        memory: &mut [argon2::Block],
    ) -> Result<Secret<32>, CryptoError> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, Some(32)).map_err(|_| CryptoError)?;
        let blocks = usize::try_from(cost.memory_kib).map_err(|_| CryptoError)?;
        let memory = memory.get_mut(..blocks).ok_or(CryptoError)?;
        let mut output = Secret::zero();
        let result = Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
            pin,
            salt.expose(),
            output.expose_mut(),
            &mut *memory,
        );
        // The first blocks are a function of the PIN and the salt alone, and the last one of them all is the result.
        memory.iter_mut().for_each(Zeroize::zeroize);
        result.map(|()| output).map_err(|_| CryptoError)
    }
}

#[cfg(test)]
mod tests {
    use super::is_canonical;

    #[test]
    fn a_y_coordinate_has_one_encoding() {
        let below = |last: u8, top: u8| {
            let mut bytes = [0xff; 32];
            bytes[0] = last;
            bytes[31] = top;
            bytes
        };
        for sign in [0, 0x80] {
            assert!(is_canonical(&below(0xec, 0x7f | sign)), "2^255 - 20, the greatest");
            assert!(!is_canonical(&below(0xed, 0x7f | sign)), "2^255 - 19 is 0");
            assert!(!is_canonical(&below(0xff, 0x7f | sign)), "2^255 - 1 is 18");
            assert!(is_canonical(&below(0xff, 0x7e | sign)));
            let mut hole = below(0xff, 0x7f | sign);
            hole[15] = 0xfe;
            assert!(is_canonical(&hole));
        }
        assert!(is_canonical(&[0; 32]));
    }
}
