//! The counter of wrong PINs of each device.

use super::seal::Table;
use super::slots::Judgement;
use super::{Decoder, Encoder, Vault, VaultError};
use crate::domain::rules::ServiceRules;
use crate::domain::throttle::{AttemptKey, Gate, TRIES_MAX, Throttle};
use crate::domain::world::ClockReading;
use crate::storage::rows::{DeviceKey, DeviceRows};
use crate::storage::{Sealed, Transaction};

/// The counter with the version of its row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Attempts {
    pub(super) ver: u64,
    pub(super) state: Throttle,
}

impl Vault {
    /// Counts the signature `attempt` (statement and signature, hashed) as a failure, unless it is counted already.
    ///
    /// Commit this before anything is verified: the count must survive whatever happens next.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: the device or its token is gone. A row is damaged; storage failed.
    pub fn count_attempt(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        attempt: AttemptKey,
        clock: ClockReading,
    ) -> Result<Gate, VaultError> {
        let rules = self.rules_of(tx, key)?;
        if tx.attempt(key)?.is_none() {
            return Err(VaultError::Unknown("device")); // revoked since it was looked at
        }
        let mut attempts = self.throttle(tx, key)?;
        let gate = attempts.state.count(attempt, clock.now(), rules.limits);
        if gate == Gate::Counted {
            self.put_throttle(tx, key, &attempts)?;
            self.mark_time(tx, clock)?;
        }
        Ok(gate)
    }

    /// Settles an attempt whose operation did not happen because another one of the device came first: a good
    /// signature gets its count back, a bad one keeps it.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn settle_lost(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        judgement: &Judgement,
    ) -> Result<(), VaultError> {
        if tx.attempt(key)?.is_none() {
            return Ok(()); // the device was revoked meanwhile, and its counter with it
        }
        let mut attempts = self.throttle(tx, key)?;
        if judgement.is_good() {
            attempts.state.refund(&judgement.key);
        } else {
            attempts.state.reject(&judgement.key);
        }
        self.put_throttle(tx, key, &attempts)
    }

    pub(super) fn rules_of(&self, tx: &mut dyn Transaction, key: &DeviceKey) -> Result<ServiceRules, VaultError> {
        let token = self.token_by_id(tx, &key.token)?.ok_or(VaultError::Unknown("token"))?;
        Ok(self.service_by_id(tx, token.service)?.rules)
    }

    pub(super) fn throttle(&self, tx: &mut dyn Transaction, key: &DeviceKey) -> Result<Attempts, VaultError> {
        let sealed = tx.attempt(key)?;
        self.open_throttle(key, sealed)
    }

    pub(super) fn open_throttle(&self, key: &DeviceKey, sealed: Option<Sealed>) -> Result<Attempts, VaultError> {
        let sealed = sealed.ok_or(VaultError::Damaged(Table::Attempt.name()))?;
        let content = self.sealer.open(Table::Attempt, &[&key.token, &key.number], &sealed)?;
        let mut decoder = Decoder::new(Table::Attempt, &content);
        let (fails, last_at, used) = (decoder.u8()?, decoder.time()?, decoder.u8()?);
        let mut pending = Vec::with_capacity(usize::from(TRIES_MAX));
        for index in 0..TRIES_MAX {
            let attempt = decoder.array()?;
            if index < used {
                pending.push(attempt);
            }
        }
        decoder.end()?;
        Ok(Attempts { ver: sealed.ver, state: Throttle { fails, last_at, pending } })
    }

    /// Stores the counter as the next version, changed or not, in always the same number of bytes.
    pub(super) fn put_throttle(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        attempts: &Attempts,
    ) -> Result<(), VaultError> {
        let Throttle { fails, last_at, pending } = &attempts.state;
        let mut content = Encoder::new();
        let used = u8::try_from(pending.len()).ok().filter(|used| *used <= TRIES_MAX);
        content.u8(*fails).time(*last_at).u8(used.ok_or(VaultError::Misuse("more attempts than tries"))?);
        for index in 0..usize::from(TRIES_MAX) {
            content.put(pending.get(index).unwrap_or(&[0; 32]));
        }
        let sealed = self.seal(Table::Attempt, &[&key.token, &key.number], attempts.ver + 1, &content);
        Ok(tx.put_attempt(key, &sealed)?)
    }
}
