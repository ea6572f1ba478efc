//! Where a wallet keeps its tokens.
//!
//! A store holds one fixed-size [`Entry`] per token and device. It promises three things, and [`conformance`] checks
//! them for every store: a change that was reported is durable and whole; changes happen only under a [`Lease`], of
//! which there is one at a time over all processes; and a change names the entry that it replaces, so that nobody
//! overwrites what he has not seen.

pub mod conformance;
mod entry;
pub mod file;
#[cfg(feature = "keyring")]
pub mod keyring;
pub mod memory;
pub mod secrets;

use std::fmt;
use std::io;
use std::path::PathBuf;

use cardea_protocol::token::{DeviceId, TokenId};

use crate::hex;

pub use entry::{Details, Entry};

/// Names an entry: a token, and which of its devices this wallet is.
///
/// A wallet normally holds one device of a token. It holds two for a moment while a token is enrolled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenKey {
    /// The token.
    pub token: TokenId,
    /// The device.
    pub device: DeviceId,
}

impl fmt::Display for TokenKey {
    /// 32 and 8 hexadecimal digits with a hyphen between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.token, self.device)
    }
}

impl std::str::FromStr for TokenKey {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        text.split_once('-')
            .and_then(|(token, device)| {
                Some(Self { token: TokenId::new(hex::decode(token)?), device: DeviceId::new(hex::decode(device)?) })
            })
            .ok_or(StoreError::Name)
    }
}

/// A place for tokens. Calls block (they wait for a disk): the SDK makes them on threads where that is fine.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Whether calls wait for nothing, and may be made on any thread. Most stores wait.
    fn is_immediate(&self) -> bool {
        false
    }

    /// The names of all entries, in a stable order.
    ///
    /// # Errors
    /// [`StoreError`].
    fn list(&self) -> Result<Vec<TokenKey>, StoreError>;

    /// One entry, or `None` if there is none of that name.
    ///
    /// # Errors
    /// [`StoreError`]. A damaged entry is an error, never `None`.
    fn load(&self, key: &TokenKey) -> Result<Option<Entry>, StoreError>;

    /// Takes the one lease of an entry, whether the entry exists or not. `None`: somebody else has it, in this process
    /// or another one. Does not wait.
    ///
    /// # Errors
    /// [`StoreError`].
    fn try_lease(&self, key: &TokenKey) -> Result<Option<Box<dyn Lease>>, StoreError>;
}

/// The right to change one entry. Dropping it gives it back.
pub trait Lease: fmt::Debug + Send {
    /// The entry as it is.
    ///
    /// # Errors
    /// [`StoreError`].
    fn load(&mut self) -> Result<Option<Entry>, StoreError>;

    /// Replaces `old` (`None`: no entry) by `new`. When this returns, `new` is durable.
    ///
    /// # Errors
    /// [`StoreError::Changed`] if the entry is not `old`. After any error the entry is either `old` or `new`, whole.
    fn compare_and_swap(&mut self, old: Option<&Entry>, new: &Entry) -> Result<(), StoreError>;

    /// Removes the entry. It is no error if there is none.
    ///
    /// # Errors
    /// [`StoreError`].
    fn remove(&mut self) -> Result<(), StoreError>;
}

/// What can go wrong with a store. The texts name the file where there is one, and never anything that is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The entry is not the one that was expected: another process does not keep to the leases.
    #[error("the stored token changed meanwhile: another program uses the same folder without locking it")]
    Changed,
    /// Not what this program wrote, or altered since.
    #[error("{0} is damaged and cannot be repaired: enroll the token again", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// Shorter or longer than it must be.
    #[error("{0} has {found} bytes instead of {expected}: it was cut short or altered", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that it has.
        found: u64,
        /// Bytes that it must have.
        expected: u64,
    },
    /// Written by a later version of this program.
    #[error("{0} has format {found}, this program knows up to {known}: update the program", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u8,
        /// The newest that this program knows.
        known: u8,
    },
    /// Encrypted with another key.
    #[error("{0} is encrypted with another key: use the key that belongs to this folder", path.display())]
    WrongKey {
        /// The file.
        path: PathBuf,
    },
    /// There are tokens but no key.
    #[error("{0} is missing, and the tokens beside it cannot be read without it: put it back", path.display())]
    KeyMissing {
        /// The file.
        path: PathBuf,
    },
    /// There are tokens, and the secret store has lost their key.
    #[error("the secret store has no {name}, and the tokens in {0} cannot be read without it: restore it, or enroll again in a new folder", folder.display())]
    SecretMissing {
        /// The folder.
        folder: PathBuf,
        /// The name of the secret.
        name: String,
    },
    /// Others may read the key, or write the folder.
    #[error("{0} is open to others: run chmod go-rwx on it", path.display())]
    KeyExposed {
        /// The file, or the folder.
        path: PathBuf,
    },
    /// The folder cannot be written.
    #[error("{0} cannot be written: check its permissions and whether the disk is read-only", path.display())]
    ReadOnly {
        /// File or folder.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("no space left for {0}: make room and try again", path.display())]
    NoSpace {
        /// The file.
        path: PathBuf,
    },
    /// Anything else that the system says.
    #[error("cannot use {0}: {source}", path.display())]
    Io {
        /// File or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A name of an entry could not be read.
    #[error("this is no name of a token: it has 32 and 8 hexadecimal digits with a hyphen between")]
    Name,
    /// A field of the details is too long.
    #[error("the {field} is longer than {limit} bytes")]
    TooLong {
        /// Which.
        field: &'static str,
        /// Most bytes.
        limit: usize,
    },
}

impl StoreError {
    /// Sorts what the system says about `path`.
    pub(crate) fn from_io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoSpace { path }
            }
            _ => Self::Io { path, source },
        }
    }

    /// The stable number of this error.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Changed => 130,
            Self::Corrupt { .. } => 131,
            Self::Truncated { .. } => 132,
            Self::NewerFormat { .. } => 133,
            Self::WrongKey { .. } => 134,
            Self::KeyMissing { .. } | Self::SecretMissing { .. } => 135,
            Self::KeyExposed { .. } => 136,
            Self::ReadOnly { .. } => 137,
            Self::NoSpace { .. } => 138,
            Self::Io { .. } => 139,
            Self::Name => 140,
            Self::TooLong { .. } => 141,
        }
    }
}
