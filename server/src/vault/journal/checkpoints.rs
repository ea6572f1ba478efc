//! Signed heads of the tree, and how far retention has come.

use cardea_protocol::crypto::{Dalek, Provider};

use super::{ERASED, Event, EventKind, Vault, VaultError};
use crate::audit::checkpoint::Log;
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{CheckpointRow, JournalRows};
use crate::vault::About;
use crate::vault::retention::is_over;

impl Vault {
    /// The log, as those know it who have its public key.
    ///
    /// # Errors
    /// There is no identity yet, or its row is damaged; storage failed.
    pub fn audit_log(&self, tx: &mut dyn Transaction) -> Result<Log, VaultError> {
        let identity = self.identity(tx)?.ok_or(VaultError::Misuse("the server has no identity yet"))?;
        Ok(Log::of(&Dalek::ed25519_public(&identity)))
    }

    /// Signs the head of the tree as it is now. What is signed is stored, once for each size.
    ///
    /// # Errors
    /// There is no identity yet, or a row is damaged; storage failed.
    pub fn sign_checkpoint(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<CheckpointRow, VaultError> {
        let tree = self.journal_tree(tx)?;
        let identity = self.identity(tx)?.ok_or(VaultError::Misuse("the server has no identity yet"))?;
        let log = Log::of(&Dalek::ed25519_public(&identity));
        if let Some(newest) = tx.newest_checkpoint()?.filter(|newest| newest.size == tree.size()) {
            // Somebody else's note in the place of ours would be found by who verifies, and is not handed out.
            if log.open(&newest.note).is_ok_and(|checkpoint| checkpoint.root == tree.root()) {
                return Ok(newest);
            }
        }
        let row = CheckpointRow { size: tree.size(), at: clock.now(), note: log.sign(&identity, &tree) };
        match tx.insert_checkpoint(&row) {
            // Larger ones are there: the log was cut, and what verifies it says so.
            Ok(()) | Err(crate::storage::StorageError::Exists) => Ok(row),
            Err(error) => Err(error.into()),
        }
    }

    /// The row up to which retention has erased contents.
    ///
    /// # Errors
    /// The mark is damaged; storage failed.
    pub fn journal_erased(&self, tx: &mut dyn Transaction) -> Result<u64, VaultError> {
        self.cursor(tx, ERASED)
    }

    /// Erases the contents of rows that were committed before `days` days before `now` and that every reader has passed, at
    /// most `limit` of them. Hashes stay. Returns how many rows that were; an event says up to which.
    ///
    /// # Errors
    /// A mark is damaged; storage failed.
    pub fn erase_journal(
        &self,
        tx: &mut dyn Transaction,
        days: u32,
        passed: u64,
        limit: u32,
        now: UnixSeconds,
    ) -> Result<usize, VaultError> {
        let Some(before) = is_over(days, now) else { return Ok(0) };
        let erased = self.journal_erased(tx)?;
        let leaves = tx.journal_leaves(erased, limit)?;
        let is_over = |leaf: &&crate::storage::rows::LeafRow| leaf.at < before && leaf.seq <= passed;
        let Some(last) = leaves.iter().take_while(is_over).last() else { return Ok(0) };
        let count = tx.erase_journal(erased, last.seq)?;
        self.advance_cursor(tx, ERASED, last.seq)?;
        let event = Event::new(EventKind::AuditErased, About::Instance, Actor::System, self.reading().now());
        self.record(tx, &event.with("through", last.seq.to_string()))?;
        Ok(count)
    }
}
