//! Where the host keeps small secrets: a keyring, a keystore. The key of a wallet's folder can live there.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use zeroize::Zeroizing;

/// A place for small secrets under names. Calls block, and may take as long as the operating system takes to ask the
/// holder: the SDK makes them on threads where that is fine, and holds nothing meanwhile.
pub trait SecretStore: fmt::Debug + Send + Sync + 'static {
    /// The secret of this name, or `None` if there certainly is none.
    ///
    /// # Errors
    /// [`SecretError`]. A store that is locked or cannot be asked is an error, never `None`.
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError>;

    /// Keeps a secret under a name, in place of what was there. When this returns, it is durable.
    ///
    /// # Errors
    /// [`SecretError`].
    fn save(&self, name: &str, secret: &[u8]) -> Result<(), SecretError>;

    /// Removes a secret. It is no error if there is none.
    ///
    /// # Errors
    /// [`SecretError`].
    fn remove(&self, name: &str) -> Result<(), SecretError>;
}

/// What can go wrong with a secret store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It is not there, locked, or failed; with a reason for a person.
    #[error("the secret store cannot be used: {0}")]
    Unavailable(String),
    /// It has no room.
    #[error("the secret store is full: make room and try again")]
    Full,
    /// The holder, or the operating system for him, says no.
    #[error("the secret store refuses access: allow it and try again")]
    Denied,
}

/// A store whose panics are errors.
#[derive(Debug)]
pub(crate) struct Guarded<'a>(pub(crate) &'a dyn SecretStore);

impl Guarded<'_> {
    pub(crate) fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        guarded(|| self.0.load(name))
    }

    pub(crate) fn save(&self, name: &str, secret: &[u8]) -> Result<(), SecretError> {
        guarded(|| self.0.save(name, secret))
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), SecretError> {
        guarded(|| self.0.remove(name))
    }
}

fn guarded<T>(call: impl FnOnce() -> Result<T, SecretError>) -> Result<T, SecretError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(SecretError::Unavailable("it panicked".to_owned())))
}
