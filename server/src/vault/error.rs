//! What the vault can fail with.

use std::path::PathBuf;

use crate::storage::StorageError;

/// A failure of the vault, sorted by who must act. None of them ever becomes a status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),

    // the operator
    /// The database has sealed rows and the key to them is not there.
    #[error("the master key {} is missing: put it there, the database cannot be read without it", .0.display())]
    KeyMissing(PathBuf),
    /// The key is not the one that sealed the database.
    #[error("the master key {} belongs to another database: use the one that this database was made with", .0.display())]
    KeyWrong(PathBuf),
    /// The file is no key.
    #[error(
        "{} is no master key, which is `cardea1-vault-key:` and 64 hexadecimal digits: put the right file there",
        .0.display()
    )]
    KeyDamaged(PathBuf),
    /// Others than the owner may read the key.
    #[error("others may read the master key {}: run `chmod 600` on it and consider it known", .0.display())]
    KeyExposed(PathBuf),
    /// There is a key and the database is new: the database was lost, or the path is another one.
    #[error(
        "there is a master key {} but the database is new: restore the database, or move the key away to start anew",
        .0.display()
    )]
    DatabaseLost(PathBuf),
    /// The key could not be read or written.
    #[error("the master key {} cannot be read or written ({detail}): check its owner and its file system", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        detail: String,
    },
    /// A row does not open: it was edited, moved, damaged, or sealed with another key.
    #[error("a row of `{0}` is damaged or was changed by other hands: restore a backup")]
    Damaged(&'static str),

    // the caller
    /// There is no such device or token.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// Whoever asks may not do that there.
    #[error("this is not allowed")]
    Forbidden,
    /// What is asked for cannot be done; says why.
    #[error("{0}")]
    Refused(&'static str),
    /// The enrollment code is unknown, used or expired.
    #[error(transparent)]
    OfferDead(#[from] crate::domain::enrollment::OfferDead),
    /// The offer to enroll cannot be made.
    #[error(transparent)]
    Offer(#[from] crate::domain::enrollment::OfferError),
    /// The confirmation cannot be asked.
    #[error(transparent)]
    Ask(#[from] crate::domain::confirmation::AskError),
    /// The service does not take emulated devices.
    #[error("the service does not take emulated devices")]
    Emulated,
    /// The device uses a biometric slot, which the service does not allow.
    #[error("the service does not allow biometric slots")]
    Biometric,
    /// The same idempotency key came with another call.
    #[error("this `idempotencyKey` was used for another call: choose a new one")]
    OtherCall,
    /// The cursor was not made for this list, or not here.
    #[error("`cursor` is not what an answer to this very call gave as `next`: begin again without it")]
    ForeignCursor,
    /// The call does not fit what the vault was asked before.
    #[error("vault misused: {0}")]
    Misuse(&'static str),
}

impl VaultError {
    /// Whether somebody else was faster: read again and decide again.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Storage(StorageError::Conflict))
    }
}
