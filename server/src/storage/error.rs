//! What storage can fail with.

use std::path::PathBuf;

/// A storage failure, sorted by who must act. Cloneable, because a commit that fails fails every job in it.
///
/// Texts name files and tables, never what is in a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    // the caller
    /// Somebody else changed the row first: read it again and decide again.
    #[error("the row was changed by somebody else")]
    Conflict,
    /// A row with this key exists already.
    #[error("there is a row with this key already")]
    Exists,
    /// A job did what its transaction does not allow.
    #[error("storage misused: {0}")]
    Misuse(&'static str),

    // nobody: try again
    /// Another process held the database for longer than the busy timeout.
    #[error("the database is locked by another process: try again")]
    Busy,
    /// The database cannot be reached, or has ended the connection. Nothing was changed.
    #[error("the database cannot be reached ({0}): try again")]
    Unreachable(String),
    /// The database went away while it committed: whether it did is not known. Never to be told as done.
    #[error("the database did not say whether it kept the change: look before trying again")]
    Uncertain,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,

    // the operator
    /// Another server runs on this database.
    #[error("another server is running on {}: stop it first", .0.display())]
    InUse(PathBuf),
    /// The database server does not let us in, or there is no such database.
    #[error("the database refuses the connection ({0}): check database.url and the password")]
    Refused(String),
    /// The database server is not the one that it has to be, or cannot protect what is sent to it. Nothing was sent.
    #[error("the way to the database is not safe ({0}): check host, sslmode and sslrootcert in database.url")]
    Unsafe(String),
    /// The database or its folder is not there.
    #[error("there is no database at {}: make one with `cardea-server init`, or restore it", .0.display())]
    Missing(PathBuf),
    /// The file or schema is a database of another program, or no database.
    #[error("{} is not a Cardea database: choose another one", .0.display())]
    Foreign(PathBuf),
    /// A newer server has written this database.
    #[error("the database has format {found}, this server knows formats up to {known}: use a newer server")]
    Newer {
        /// Format of the database.
        found: i64,
        /// Newest format that this server knows.
        known: i64,
    },
    /// The disk or the database is full.
    #[error("the disk or the database is full: make room")]
    Full,
    /// A new file cannot be made there.
    #[error("cannot write {} ({reason}): choose another file", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The database cannot be written.
    #[error("the database is read-only: check its owner and its file system")]
    ReadOnly,
    /// What is stored is damaged or was changed by other hands.
    #[error("the database is damaged ({0}): restore a backup")]
    Corrupt(String),
    /// The file system or the driver failed.
    #[error("the database failed ({0})")]
    Io(String),

    // us
    /// A job panicked; nothing of it was kept.
    #[error("a storage job panicked")]
    Panicked,
}

impl StorageError {
    /// Whether the same call may succeed soon without anybody doing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Conflict | Self::Closed | Self::Unreachable(_) | Self::Uncertain)
    }

    /// Whether the database has to be looked for anew.
    pub(super) const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}
