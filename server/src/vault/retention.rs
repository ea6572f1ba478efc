//! Rows of what is long gone.

use super::{Marks, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{AccessRows, ConfirmationRows, DeviceRows, JournalFilter, JournalRows};

impl Vault {
    /// The time by which is to be decided what is kept no longer: now, but at most `step` seconds later than the last
    /// time. What is forgotten does not come back, so a clock that jumps ahead must not be believed at once. `None` while
    /// the clock is behind what was seen.
    ///
    /// # Errors
    /// A mark is damaged; storage failed.
    pub fn begin_forgetting(
        &self,
        tx: &mut dyn Transaction,
        step: u64,
        clock: ClockReading,
    ) -> Result<Option<UnixSeconds>, VaultError> {
        let Some(now) = clock.trusted() else { return Ok(None) };
        let marks = self.marks(tx)?;
        let is_first = marks.forgotten_at == UnixSeconds::EPOCH;
        let forgotten_at = if is_first { now } else { now.min(marks.forgotten_at.plus(step)) };
        self.put_marks(tx, marks.ver, Marks { forgotten_at, ..marks })?;
        Ok(Some(forgotten_at))
    }

    /// Forgets the devices of tokens that were deleted more than `days` days ago, of at most `limit` devices whose
    /// tokens come after `after`. Returns how many, and where to go on, if there may be more.
    ///
    /// # Errors
    /// Storage failed.
    pub fn erase_tombstones(
        &self,
        tx: &mut dyn Transaction,
        days: u32,
        after: [u8; 16],
        limit: u32,
        now: UnixSeconds,
    ) -> Result<(usize, Option<[u8; 16]>), VaultError> {
        let Some(before) = is_over(days, now) else { return Ok((0, None)) };
        let tombstones = tx.tombstones(&after, limit)?;
        let mut erased = 0;
        for key in &tombstones {
            // The last thing that happened to a token is that it was deleted. One without any row is left alone.
            let last = tx.journal_back(&JournalFilter::Token(key.token), i64::MAX as u64, 1)?;
            if last.first().is_some_and(|row| row.at < before) {
                tx.delete_device(key)?;
                erased += 1;
            }
        }
        let next = tombstones.last().filter(|_| tombstones.len() == limit as usize);
        Ok((erased, next.map(|key| key.token)))
    }

    /// Forgets authkeys that were revoked, or have expired, more than `days` days ago, but not that their values were
    /// used. Returns how many.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn erase_authkeys(&self, tx: &mut dyn Transaction, days: u32, now: UnixSeconds) -> Result<usize, VaultError> {
        let Some(before) = is_over(days, now) else { return Ok(0) };
        let mut erased = 0;
        for key in self.authkeys(tx)? {
            if [key.revoked_at, key.rights.expires_at].into_iter().flatten().any(|end| end < before) {
                tx.delete_authkey(key.number)?;
                erased += 1;
            }
        }
        Ok(erased)
    }

    /// Forgets at most `limit` confirmations whose time was over more than `days` days ago. Returns how many.
    ///
    /// # Errors
    /// Storage failed.
    pub fn erase_confirmations(
        &self,
        tx: &mut dyn Transaction,
        days: u32,
        limit: u32,
        now: UnixSeconds,
    ) -> Result<usize, VaultError> {
        let Some(before) = is_over(days, now) else { return Ok(0) };
        Ok(tx.delete_confirmations(before, limit)?)
    }
}

/// What ended before this is over.
pub(super) fn is_over(days: u32, now: UnixSeconds) -> Option<UnixSeconds> {
    now.get().checked_sub(u64::from(days) * 86_400).map(UnixSeconds::new)
}
