//! Forgetting what nobody needs any more.

use super::housekeeping::{LOG, RETENTION};
use super::{Admin, AdminError};
use crate::clock::UnixSeconds;
use crate::storage::Transaction;
use crate::vault::Vault;

/// Seconds that the time by which is forgotten goes on at most, from one look to the next: a clock that jumps ahead makes
/// the server forget less than it should for a while, and never all at once.
const STEP: u64 = 2 * RETENTION;
/// Most rows that one commit forgets.
const BATCH: u32 = 1_000;
/// Most commits of one round: what is left over waits for the next.
const ROUNDS: usize = 1_000;

/// How long what is over is kept, and how often the log's head is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Days until the content of an event is erased; its hash stays. `None` keeps it for ever.
    pub event_days: Option<u32>,
    /// Days until the devices of a deleted token are forgotten: a phone that comes back later is not told that its
    /// token is gone, it is just not known. `None` keeps them for ever.
    pub tombstone_days: Option<u32>,
    /// Days until a revoked or expired authkey is listed no more. `None` keeps it for ever.
    pub authkey_days: Option<u32>,
    /// Days for which a confirmation can be asked about once its time is over. `None` keeps it for ever.
    pub confirmation_days: Option<u32>,
    /// Seconds between two signed checkpoints.
    pub checkpoint_seconds: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            event_days: None,
            tombstone_days: None,
            authkey_days: None,
            confirmation_days: Some(30),
            checkpoint_seconds: 3_600,
        }
    }
}

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Events that have lost their content.
    pub events: usize,
    /// Devices of deleted tokens.
    pub tombstones: usize,
    /// Authkeys.
    pub authkeys: usize,
    /// Confirmations.
    pub confirmations: usize,
}

impl Admin {
    /// The same calls, with other rules about what is kept.
    #[must_use]
    pub fn with_retention(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// Forgets what the rules say. [`Admin::keep_house`] does so once a day. An event that a reader still needs, such
    /// as the log or a webhook, is not forgotten. A clock that is days ahead of the last look is not believed at once.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged; what was forgotten until then is, and so is everything of another kind.
    pub async fn forget(&self) -> Result<Forgotten, AdminError> {
        let mut forgotten = Forgotten::default();
        let begin = |vault: &Vault, tx: &mut dyn Transaction| vault.begin_forgetting(tx, STEP, vault.reading());
        let Some(now) = self.write(begin).await? else { return Ok(forgotten) };
        let ended = [
            self.forget_events(now, &mut forgotten).await,
            self.forget_tombstones(now, &mut forgotten).await,
            self.forget_authkeys(now, &mut forgotten).await,
            self.forget_confirmations(now, &mut forgotten).await,
        ];
        ended.into_iter().collect::<Result<(), _>>()?;
        Ok(forgotten)
    }

    async fn forget_events(&self, now: UnixSeconds, forgotten: &mut Forgotten) -> Result<(), AdminError> {
        let Some(days) = self.retention.event_days else { return Ok(()) };
        for _ in 0..ROUNDS {
            let erase = move |vault: &Vault, tx: &mut dyn Transaction| {
                let mut passed = vault.cursor(tx, LOG)?;
                for service in vault.services(tx)? {
                    let state = vault.delivery(tx, service.id)?.filter(|state| !state.disabled);
                    passed = passed.min(state.map_or(u64::MAX, |state| state.passed()));
                }
                vault.erase_journal(tx, days, passed, BATCH, now)
            };
            match self.write(erase).await? {
                0 => break,
                count => forgotten.events += count,
            }
        }
        Ok(())
    }

    async fn forget_tombstones(&self, now: UnixSeconds, forgotten: &mut Forgotten) -> Result<(), AdminError> {
        let Some(days) = self.retention.tombstone_days else { return Ok(()) };
        let mut after = [0; 16];
        for _ in 0..ROUNDS {
            let erase =
                move |vault: &Vault, tx: &mut dyn Transaction| vault.erase_tombstones(tx, days, after, BATCH, now);
            let (count, next) = self.write(erase).await?;
            forgotten.tombstones += count;
            let Some(next) = next else { break };
            after = next;
        }
        Ok(())
    }

    async fn forget_authkeys(&self, now: UnixSeconds, forgotten: &mut Forgotten) -> Result<(), AdminError> {
        let Some(days) = self.retention.authkey_days else { return Ok(()) };
        let erase = move |vault: &Vault, tx: &mut dyn Transaction| vault.erase_authkeys(tx, days, now);
        forgotten.authkeys += self.write(erase).await?;
        Ok(())
    }

    async fn forget_confirmations(&self, now: UnixSeconds, forgotten: &mut Forgotten) -> Result<(), AdminError> {
        let Some(days) = self.retention.confirmation_days else { return Ok(()) };
        for _ in 0..ROUNDS {
            let erase = move |vault: &Vault, tx: &mut dyn Transaction| vault.erase_confirmations(tx, days, BATCH, now);
            match self.write(erase).await? {
                0 => break,
                count => forgotten.confirmations += count,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
