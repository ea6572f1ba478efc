//! Rows of what is long gone.

use super::{Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{AccessRows, ConfirmationRows, DeviceRows, JournalFilter, JournalRows};

impl Vault {
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
        clock: ClockReading,
    ) -> Result<(usize, Option<[u8; 16]>), VaultError> {
        let Some(before) = is_over(days, clock) else { return Ok((0, None)) };
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

    /// Forgets authkeys that were revoked, or have expired, more than `days` days ago. Returns how many.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn erase_authkeys(
        &self,
        tx: &mut dyn Transaction,
        days: u32,
        clock: ClockReading,
    ) -> Result<usize, VaultError> {
        let Some(before) = is_over(days, clock) else { return Ok(0) };
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
        clock: ClockReading,
    ) -> Result<usize, VaultError> {
        let Some(before) = is_over(days, clock) else { return Ok(0) };
        Ok(tx.delete_confirmations(before, limit)?)
    }
}

/// What ended before this is over; nothing is, while the clock cannot be trusted.
fn is_over(days: u32, clock: ClockReading) -> Option<UnixSeconds> {
    clock.trusted()?.get().checked_sub(u64::from(days) * 86_400).map(UnixSeconds::new)
}
