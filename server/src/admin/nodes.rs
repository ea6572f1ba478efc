//! Several nodes over one database: what one does to a token, the sessions of the others have to learn.

use super::{Admin, AdminError};
use crate::storage::rows::JournalFilter;
use crate::vault::{Entry, EventKind};

/// Most rows of the journal that are looked at together.
const ROWS: u32 = 1_000;

impl Admin {
    /// Whether other nodes may use the same database.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.store.clock().is_some()
    }

    /// Checks that nobody else uses the database on PostgreSQL. What is in a file has a
    /// [`ServerLock`](crate::storage::ServerLock) instead.
    ///
    /// # Errors
    /// [`StorageError::InUse`](crate::storage::StorageError::InUse); storage failed.
    pub async fn check_alone(&self) -> Result<(), AdminError> {
        Ok(self.store.check_alone().await?)
    }

    /// Announces, as [`Admin::changes`] does, the tokens that any node has changed by a call since this was called last.
    /// `heard` is how far it has come in the journal; it starts with `None`, at the end.
    ///
    /// Whoever misses a change finds it in the database with its next operation; this only ends sessions sooner.
    ///
    /// # Errors
    /// Storage failed; the rest is announced next time.
    pub async fn hear_other_nodes(&self, heard: &mut Option<u64>) -> Result<(), AdminError> {
        let Some(mut after) = *heard else {
            *heard = Some(self.read(|vault, tx| vault.newest_journal(tx)).await?);
            return Ok(());
        };
        loop {
            let rows = self.read(move |vault, tx| vault.stored_journal(tx, &JournalFilter::All, after, ROWS)).await?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            after = *last;
            *heard = Some(after);
            let events = rows.iter().filter_map(|(_, entry)| entry.as_ref().ok().and_then(Entry::event));
            for event in events.filter(|event| ends_sessions(event.kind)) {
                if let Some(token) = event.token() {
                    self.changed(*token);
                }
            }
        }
    }
}

/// Whether a call did this, and devices are to be told.
const fn ends_sessions(kind: EventKind) -> bool {
    use EventKind as K;
    matches!(kind, K::Blocked | K::Unblocked | K::ForcedClose | K::DuressCleared | K::Deleted | K::DeviceRevoked)
}
