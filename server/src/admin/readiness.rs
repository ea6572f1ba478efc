//! Whether the server can do its work now, and what of it cannot.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::Mutex;

use super::{Admin, AdminError};
use crate::storage::StorageError;
use crate::vault::VaultError;

/// How long the database may take to answer. Longer than it waits for others that write, unless that was configured.
const PATIENCE: Duration = Duration::from_secs(8);

/// A part of the server that its work needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The database cannot be read, or is not where it was.
    Database,
    /// Nothing can be written.
    Writer,
    /// Another process, or another node, does not let go of the database.
    Lock,
    /// No connection can be taken: the process stops, or has no descriptor left.
    Listener,
    /// The disk is full or read-only.
    Disk,
}

impl Part {
    /// Its name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Writer => "writer",
            Self::Lock => "lock",
            Self::Listener => "listener",
            Self::Disk => "disk",
        }
    }
}

/// Looks that were taken. One at a time, and whoever came before one began is served by it: anybody may ask, and each
/// look is a transaction.
#[derive(Debug, Default)]
pub(super) struct Looks {
    begun: std::sync::atomic::AtomicU64,
    last: Mutex<(u64, BTreeSet<Part>)>,
}

impl Admin {
    /// What does not work, none of it if all is well. Reads from the database and writes to it; takes at most
    /// eight seconds.
    ///
    /// Cancel safe.
    pub async fn not_ready(&self) -> BTreeSet<Part> {
        use std::sync::atomic::Ordering::SeqCst;
        let came = self.looks.begun.load(SeqCst);
        let mut last = self.looks.last.lock().await;
        if last.0 <= came {
            // The number of this look; those who come from now on wait for another one.
            let number = self.looks.begun.fetch_add(1, SeqCst) + 1;
            *last = (number, self.look().await);
        }
        last.1.clone()
    }

    async fn look(&self) -> BTreeSet<Part> {
        // What time it is has to be written from time to time anyway, and once a second at most it is.
        let (read, written) = tokio::join!(in_time(self.ready()), in_time(self.record_time()));
        let mut parts = BTreeSet::new();
        match read {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "not ready: the database cannot be read");
                parts.insert(Part::Database);
            }
            None => {
                tracing::warn!("not ready: the database does not answer");
                parts.insert(Part::Database);
            }
        }
        match written {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "not ready: nothing can be written");
                parts.extend(parts_of(&error));
            }
            None => {
                tracing::warn!("not ready: the writer does not answer");
                parts.insert(Part::Writer);
            }
        }
        parts
    }
}

async fn in_time(work: impl Future<Output = Result<(), AdminError>>) -> Option<Result<(), AdminError>> {
    tokio::time::timeout(PATIENCE, work).await.ok()
}

/// What has to be looked at after a write has failed like this.
fn parts_of(error: &AdminError) -> &'static [Part] {
    match error {
        AdminError::Failed(VaultError::Storage(error)) => match error {
            StorageError::Busy => &[Part::Lock],
            StorageError::Full | StorageError::ReadOnly => &[Part::Disk],
            StorageError::Missing(_) | StorageError::Unreachable(_) | StorageError::Refused(_) => {
                &[Part::Database, Part::Writer]
            }
            // Another node was faster, so that both can write.
            StorageError::Conflict => &[],
            _ => &[Part::Writer],
        },
        _ => &[Part::Writer],
    }
}

#[cfg(test)]
mod tests;
