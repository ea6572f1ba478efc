//! The keyring of the operating system: Keychain on macOS, Credential Manager on Windows, Secret Service (GNOME Keyring,
//! KWallet) on other systems with D-Bus. Not the kernel's keyring, which forgets when the machine is restarted.
//!
//! On Android and iOS the host brings its own [`SecretStore`], over Keystore and Keychain.

use std::sync::Arc;

use data_encoding::BASE64;
use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};

use super::secrets::{SecretError, SecretStore, Zeroizing};

/// Secrets in the keyring of whoever is logged in, under the name of a program.
///
/// Where it is locked, the operating system asks the holder to unlock it, for as long as that takes.
#[derive(Debug, Clone)]
pub struct OsKeyring {
    service: String,
}

impl OsKeyring {
    /// Keeps secrets as those of the program `service`: a name that stays the same, for example `dev.example.wallet`.
    #[must_use]
    pub fn new(service: impl Into<String>) -> Self {
        Self { service: service.into() }
    }

    fn entry(&self, name: &str) -> Result<Entry, SecretError> {
        // Each time anew: a session bus may come and go.
        let store = store().map_err(|error| failed(&error))?;
        store.build(&self.service, name, None).map_err(|error| failed(&error))
    }
}

impl SecretStore for OsKeyring {
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let text = match self.entry(name)?.get_secret() {
            Ok(text) => Zeroizing::new(text),
            Err(Error::NoEntry) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let altered = || SecretError::Unavailable(format!("the keyring's entry {name} was altered"));
        BASE64.decode(&text).map(|secret| Some(Zeroizing::new(secret))).map_err(|_| altered())
    }

    fn save(&self, name: &str, secret: &[u8]) -> Result<(), SecretError> {
        // As text: KWallet keeps nothing else.
        let text = Zeroizing::new(BASE64.encode(secret));
        self.entry(name)?.set_secret(text.as_bytes()).map_err(|error| failed(&error))
    }

    fn remove(&self, name: &str) -> Result<(), SecretError> {
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }
}

/// Sorts what the keyring says. Some errors hold what was stored: only their texts are told, which do not.
fn failed(error: &Error) -> SecretError {
    match error {
        Error::NoStorageAccess(_) => SecretError::Denied,
        Error::TooLong(..) => SecretError::Full,
        error => SecretError::Unavailable(error.to_string()),
    }
}

#[cfg(target_os = "macos")]
fn store() -> Result<Arc<dyn CredentialStoreApi>, Error> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(target_os = "windows")]
fn store() -> Result<Arc<dyn CredentialStoreApi>, Error> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(all(unix, not(any(target_vendor = "apple", target_os = "android"))))]
fn store() -> Result<Arc<dyn CredentialStoreApi>, Error> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(not(any(
    target_os = "macos",
    target_os = "windows",
    all(unix, not(any(target_vendor = "apple", target_os = "android")))
)))]
fn store() -> Result<Arc<dyn CredentialStoreApi>, Error> {
    Err(Error::NoDefaultStore)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_keyring_says_is_sorted_and_tells_no_secret() {
        let denied = Error::NoStorageAccess("locked".into());
        assert_eq!(failed(&denied), SecretError::Denied);
        assert_eq!(failed(&Error::TooLong("secret".into(), 2560)), SecretError::Full);
        let text = failed(&Error::BadEncoding(b"2749512749512749".to_vec())).to_string();
        assert!(!text.contains("2749") && !text.contains("50, 55"), "{text}");
    }
}
