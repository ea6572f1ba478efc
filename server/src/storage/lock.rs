//! One server per database.
//!
//! Tools of the command line may work on the database of a running server: their transactions are ordinary ones. Two
//! servers may not, because each would believe to know every live session. The lock is the operating system's, so a
//! killed server leaves none behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::StorageError;

/// Held by a running server, and by commands that need the server to be stopped. Released when dropped.
#[derive(Debug)]
pub struct ServerLock {
    _file: File,
}

impl ServerLock {
    /// Takes the lock of the data folder `folder`.
    ///
    /// # Errors
    /// [`StorageError::InUse`] when another process has it, [`StorageError::Missing`] when there is no such folder.
    pub fn acquire(folder: &Path) -> Result<Self, StorageError> {
        let path = folder.join("server.lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        // Who can open it can hold it, and keep the server from starting.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
                StorageError::Missing(folder.to_owned())
            }
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => StorageError::ReadOnly,
            std::io::ErrorKind::StorageFull => StorageError::Full,
            _ => StorageError::Io(error.to_string()),
        })?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(StorageError::Io(error.to_string())),
        }
    }
}
