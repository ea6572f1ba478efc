//! What a holder approves an operation with.

use std::fmt;

use cardea_protocol::Secret;
use cardea_protocol::pin::Pin;

use crate::env::Env;

/// What signs an operation. Wherever one is wanted, a [`Pin`] or a [`BiometricKey`] will do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Approval {
    /// A PIN that the holder typed.
    Pin(Pin),
    /// The key of the biometric slot, which the operating system gave out after it had recognized the holder.
    Biometric(BiometricKey),
    /// Whatever the wallet's [`Presence`](crate::Presence) answers, once it is known that an answer is of use.
    Ask,
}

impl From<Pin> for Approval {
    fn from(pin: Pin) -> Self {
        Self::Pin(pin)
    }
}

impl From<BiometricKey> for Approval {
    fn from(key: BiometricKey) -> Self {
        Self::Biometric(key)
    }
}

/// 32 random bytes that stand in for a PIN, for hosts that keep them where only a finger or a face gets them out: in a
/// keystore that asks for one, for example. The SDK stores them nowhere.
///
/// One key may serve all tokens of a wallet: the signing keys that are made from it have nothing in common.
#[derive(PartialEq, Eq)]
pub struct BiometricKey(Secret<32>);

impl BiometricKey {
    /// The key that was kept. The caller wipes its own copy.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// A new key.
    #[must_use]
    pub fn generate(env: &Env) -> Self {
        let mut bytes = Secret::zero();
        env.entropy.fill(bytes.expose_mut());
        Self(bytes)
    }

    /// The bytes, to be kept. The name is long on purpose: whoever has them approves in the holder's name.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// A second copy, wiped on its own: one to keep and one to enroll with.
    #[must_use]
    pub const fn duplicate(&self) -> Self {
        Self(self.0.duplicate())
    }

    pub(crate) const fn secret(&self) -> &Secret<32> {
        &self.0
    }
}

impl fmt::Debug for BiometricKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BiometricKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_prints_nothing_that_approves() {
        let key = BiometricKey::new([0xb1; 32]);
        assert_eq!(format!("{key:?}"), "BiometricKey([redacted])");
        let (pin, key) = (Approval::from(Pin::new(b"274951").unwrap()), Approval::from(key));
        assert_eq!(format!("{pin:?} {key:?}"), "Pin(Pin([redacted])) Biometric(BiometricKey([redacted]))");
    }

    #[test]
    fn new_keys_differ_and_a_copy_does_not() {
        let (env, key) = (Env::os(), BiometricKey::generate(&Env::os()));
        assert!(key != BiometricKey::generate(&env));
        assert!(key == key.duplicate() && *key.expose() != [0; 32]);
    }
}
