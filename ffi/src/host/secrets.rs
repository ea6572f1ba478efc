//! The host's store of secrets.

use std::fmt;

use cardea_sdk::store::secrets::{SecretError, Zeroizing};

use super::foreign::Foreign;
use super::{HostError, inside};
use crate::secret::SecretBytes;

/// A place for small secrets under names: a keystore, a keyring. The key of the wallet's folder lives there.
///
/// Called on threads that may block, while nothing is held.
#[uniffi::export(rust, foreign)]
pub trait SecretStore: Send + Sync {
    /// The secret of this name; none if there certainly is none.
    ///
    /// # Errors
    /// [`HostError`]. A store that is locked or cannot be asked is an error, never none.
    fn load(&self, name: String) -> Result<Option<SecretBytes>, HostError>;

    /// Keeps a secret under a name, in place of what was there. When this returns, it is durable.
    ///
    /// # Errors
    /// [`HostError`].
    fn save(&self, name: String, secret: SecretBytes) -> Result<(), HostError>;

    /// Removes a secret. It is no error if there is none.
    ///
    /// # Errors
    /// [`HostError`].
    fn remove(&self, name: String) -> Result<(), HostError>;
}

/// A store of secrets as the SDK takes it.
pub(crate) struct HostSecrets(pub(crate) Foreign<dyn SecretStore>);

impl From<HostError> for SecretError {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Failed { reason } => Self::Unavailable(reason),
            HostError::Full => Self::Full,
            HostError::Denied => Self::Denied,
        }
    }
}

impl cardea_sdk::store::secrets::SecretStore for HostSecrets {
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let secret = inside(|| self.0.get().load(name.to_owned()))?;
        Ok(secret.map(SecretBytes::into_inner))
    }

    fn save(&self, name: &str, secret: &[u8]) -> Result<(), SecretError> {
        Ok(inside(|| self.0.get().save(name.to_owned(), secret.into()))?)
    }

    fn remove(&self, name: &str) -> Result<(), SecretError> {
        Ok(inside(|| self.0.get().remove(name.to_owned()))?)
    }
}

impl fmt::Debug for HostSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostSecrets")
    }
}
