//! The keys that go into a handshake.

use super::KEY_LEN;
use crate::Secret;
use crate::crypto::Provider;

/// An X25519 secret with its public key. The public key is computed once, never again.
#[derive(Debug)]
pub struct KeyPair {
    secret: Secret<KEY_LEN>,
    public: [u8; KEY_LEN],
}

impl KeyPair {
    /// Computes the public key of `secret`: one fixed-base multiplication.
    #[must_use]
    pub fn from_secret<P: Provider>(secret: Secret<KEY_LEN>) -> Self {
        let public = P::x25519_public(&secret);
        Self { secret, public }
    }

    /// Puts together what was stored together. A `public` that is not the public key of `secret` makes every handshake
    /// with this pair fail; it harms nothing else.
    #[must_use]
    pub const fn from_parts(secret: Secret<KEY_LEN>, public: [u8; KEY_LEN]) -> Self {
        Self { secret, public }
    }

    /// The secret key.
    #[must_use]
    pub const fn secret(&self) -> &Secret<KEY_LEN> {
        &self.secret
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &[u8; KEY_LEN] {
        &self.public
    }

    /// A second copy, wiped on its own.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self { secret: self.secret.duplicate(), public: self.public }
    }
}

/// What a side brings to a handshake. [`Keys::default`] is empty.
#[derive(Debug, Default)]
pub struct Keys {
    /// The own static key, if the pattern uses one.
    pub s: Option<KeyPair>,
    /// A fresh ephemeral key, used in this handshake and in no other. A responder may bring it later, with
    /// [`Handshake::set_ephemeral`](super::Handshake::set_ephemeral).
    pub e: Option<KeyPair>,
    /// The peer's static key, exactly if the pattern says that it is known beforehand.
    pub rs: Option<[u8; KEY_LEN]>,
    /// The pre-shared key, if the pattern uses one: 32 bytes that cannot be guessed. May come later, with
    /// [`Handshake::set_psk`](super::Handshake::set_psk).
    pub psk: Option<Secret<KEY_LEN>>,
}
