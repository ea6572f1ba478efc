//! The keyring of the operating system, for hosts that bring no store of secrets of their own.

use std::sync::Arc;

use cardea_sdk::store::keyring::OsKeyring;
use cardea_sdk::store::secrets::{SecretError, SecretStore as _};

use super::HostError;
use super::secrets::SecretStore;
use crate::secret::SecretBytes;

struct Keyring(OsKeyring);

/// The keyring of whoever is logged in: Keychain on macOS, Credential Manager on Windows, Secret Service on other systems
/// with D-Bus. Elsewhere every use of it fails. `service` is the name of the program in it: one that stays the same, for
/// example `dev.example.wallet`.
///
/// Asks nobody yet. Where the keyring is locked, opening a wallet waits until the holder has unlocked it.
#[uniffi::export]
#[must_use]
pub fn os_keyring(service: String) -> Arc<dyn SecretStore> {
    Arc::new(Keyring(OsKeyring::new(service)))
}

impl From<SecretError> for HostError {
    fn from(error: SecretError) -> Self {
        match error {
            SecretError::Full => Self::Full,
            SecretError::Denied => Self::Denied,
            SecretError::Unavailable(reason) => Self::Failed { reason },
            other => Self::Failed { reason: other.to_string() },
        }
    }
}

impl SecretStore for Keyring {
    fn load(&self, name: String) -> Result<Option<SecretBytes>, HostError> {
        Ok(self.0.load(&name)?.map(SecretBytes::from_inner))
    }

    fn save(&self, name: String, secret: SecretBytes) -> Result<(), HostError> {
        Ok(self.0.save(&name, secret.expose())?)
    }

    fn remove(&self, name: String) -> Result<(), HostError> {
        Ok(self.0.remove(&name)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_keeps_its_reasons() {
        let failed = SecretError::Unavailable("locked".to_owned());
        for (said, told) in [
            (SecretError::Full, HostError::Full),
            (SecretError::Denied, HostError::Denied),
            (failed, HostError::Failed { reason: "locked".to_owned() }),
        ] {
            assert_eq!(HostError::from(said), told);
        }
    }
}
