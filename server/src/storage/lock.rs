//! One server per database.
//!
//! Tools of the command line may work on the database of a running server: their transactions are ordinary ones. Two
//! servers may not, because each would believe to know every live session. The lock is the operating system's, so a
//! killed server leaves none behind.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

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
        let file = open(folder, "server.lock")?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(StorageError::Io(error.to_string())),
        }
    }
}

/// Who may change the database beside whom. A server holds it alone while it answers from copies of rows; tools hold it
/// together while they change rows. So copies are never older than what a tool has changed.
#[derive(Debug)]
pub struct CacheLock {
    _file: File,
    _doorbell: Option<Doorbell>,
}

impl CacheLock {
    /// Takes the lock of the data folder `folder` alone, if nobody has it. For the server.
    ///
    /// # Errors
    /// The lock cannot be used.
    pub fn alone(folder: &Path) -> Result<Option<Self>, StorageError> {
        let file = open(folder, LOCK)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file, _doorbell: None })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(StorageError::Io(error.to_string())),
        }
    }

    /// Takes the lock together with others; asks a server that holds it alone to let go, and waits until it has.
    /// Blocks.
    ///
    /// # Errors
    /// [`StorageError::InUse`] when the server does not let go.
    #[expect(clippy::disallowed_methods, reason = "how long it has taken, not what time it is")]
    pub fn shared(folder: &Path) -> Result<Self, StorageError> {
        let file = open(folder, LOCK)?;
        let (began, mut doorbell) = (Instant::now(), None);
        // Who has the lock alone has a doorbell: where there is none, waiting is of no use.
        let patience = |doorbell: &Option<Doorbell>| if doorbell.is_some() { PATIENCE } else { PATIENCE / 10 };
        loop {
            match file.try_lock_shared() {
                Ok(()) => return Ok(Self { _file: file, _doorbell: doorbell }),
                Err(TryLockError::WouldBlock) if began.elapsed() < patience(&doorbell) => {}
                Err(TryLockError::WouldBlock) => return Err(StorageError::InUse(folder.to_owned())),
                Err(TryLockError::Error(error)) => return Err(StorageError::Io(error.to_string())),
            }
            // Held until this lock is dropped: the server waits for its end before it takes the lock again.
            if doorbell.is_none() {
                doorbell = ring(folder);
            }
            std::thread::park_timeout(PAUSE);
        }
    }
}

/// The name of the lock of a server's copies.
const LOCK: &str = "cache.lock";
/// The name of the socket on which a server hears that somebody wants that lock.
pub(crate) const DOORBELL: &str = "cache.sock";
/// How long a tool waits for a server to let go.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(2);

#[cfg(unix)]
type Doorbell = std::os::unix::net::UnixStream;
#[cfg(not(unix))]
type Doorbell = ();

/// Without a server that listens nobody holds the lock for long.
#[cfg(unix)]
fn ring(folder: &Path) -> Option<Doorbell> {
    Doorbell::connect(folder.join(DOORBELL)).ok()
}

#[cfg(not(unix))]
fn ring(_: &Path) -> Option<Doorbell> {
    None
}

/// Opens a lock file, for this user alone: who can open it can hold it.
fn open(folder: &Path, name: &str) -> Result<File, StorageError> {
    let path = folder.join(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => StorageError::Missing(folder.to_owned()),
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => StorageError::ReadOnly,
        std::io::ErrorKind::StorageFull => StorageError::Full,
        _ => StorageError::Io(error.to_string()),
    })
}
