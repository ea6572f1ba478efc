//! Bytes that must not stay in memory.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes that are wiped on this side when they are no longer needed, on every path: also when a call that was given
/// them is dropped before it ever ran.
///
/// In the other languages this is their own type of bytes. The buffer that carries them between the languages is
/// UniFFI's and is freed without being wiped, and whoever called wipes his own copy.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

uniffi::custom_type!(SecretBytes, Vec<u8>, {
    try_lift: |bytes| Ok(SecretBytes::new(bytes)),
    lower: |secret| secret.0.to_vec(),
});

impl SecretBytes {
    /// Takes bytes over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    #[cfg(feature = "keyring")]
    pub(crate) const fn from_inner(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    pub(crate) fn into_inner(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    /// The bytes. Whoever copies them wipes the copy.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes.to_vec())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_bytes_are_not_printed() {
        assert_eq!(format!("{:?}", SecretBytes::from(&b"274951"[..])), "SecretBytes([redacted])");
    }
}
