//! How far the deliveries to each service's webhook have come: durable, so that no event is left out and none is
//! delivered by two nodes at once.

use cardea_protocol::Secret;

use super::seal::Table;
use super::{Decoder, Encoder, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{DeliveryRows, JournalRows};

/// Most tokens whose events may wait; then those of all tokens do.
pub const STUCK_MAX: usize = 32;
/// Seconds for which the secret before the present one signs deliveries, too.
const OVERLAP: u64 = 86_400;

/// A token whose events wait because one of them could not be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stuck {
    /// The token.
    pub token: [u8; 16],
    /// The first of its events that was not delivered.
    pub seq: u64,
    /// How often that was tried.
    pub tries: u32,
    /// When it is tried again.
    pub next_at: UnixSeconds,
}

/// The state of the deliveries of one service.
#[derive(Debug)]
pub struct Delivery {
    /// Every event up to this row was delivered, or waits in `stuck`.
    pub cursor: u64,
    /// Tokens whose events wait.
    pub stuck: Vec<Stuck>,
    /// Failures in a row.
    pub failures: u32,
    /// Nothing is tried before.
    pub next_at: UnixSeconds,
    /// Deliveries ended, because they failed for too long.
    pub disabled: bool,
    /// What went wrong last; empty when nothing has.
    pub last_error: String,
    /// The node that delivers, and until when no other does.
    pub lease: ([u8; 8], UnixSeconds),
    /// The secret before the present one, and until when it signs as well.
    pub old_secret: Option<(Secret<32>, UnixSeconds)>,
    ver: u64,
}

impl Delivery {
    /// The same again: a secret is copied on purpose only.
    #[must_use]
    pub(crate) fn copy(&self) -> Self {
        let old_secret = self.old_secret.as_ref().map(|(secret, until)| (secret.duplicate(), *until));
        let (stuck, last_error) = (self.stuck.clone(), self.last_error.clone());
        Self { stuck, last_error, old_secret, ..*self }
    }

    /// The row up to which nothing is needed any more.
    #[must_use]
    pub fn passed(&self) -> u64 {
        let stuck = self.stuck.iter().map(|stuck| stuck.seq.saturating_sub(1)).min();
        self.cursor.min(stuck.unwrap_or(u64::MAX))
    }
}

impl Vault {
    /// The state of a service's deliveries, if it has a webhook.
    ///
    /// # Errors
    /// The row is damaged; storage failed.
    pub fn delivery(&self, tx: &mut dyn Transaction, service: u64) -> Result<Option<Delivery>, VaultError> {
        let Some(sealed) = tx.delivery(service)? else { return Ok(None) };
        let content = self.sealer.open(Table::Delivery, &[&service.to_le_bytes()], &sealed)?;
        let mut decoder = Decoder::new(Table::Delivery, &content);
        let (cursor, failures, next_at, disabled) = (decoder.u64()?, decoder.u32()?, decoder.time()?, decoder.flag()?);
        let lease = (decoder.array()?, decoder.time()?);
        let (has_old, old, until) = (decoder.flag()?, decoder.secret()?, decoder.time()?);
        let last_error = decoder.text()?;
        let count = usize::from(decoder.u8()?);
        let mut stuck = Vec::with_capacity(count.min(STUCK_MAX));
        for _ in 0..count {
            stuck.push(Stuck {
                token: decoder.array()?,
                seq: decoder.u64()?,
                tries: decoder.u32()?,
                next_at: decoder.time()?,
            });
        }
        decoder.end()?;
        let old_secret = has_old.then_some((old, until));
        let ver = sealed.ver;
        Ok(Some(Delivery { cursor, stuck, failures, next_at, disabled, last_error, lease, old_secret, ver }))
    }

    /// Stores a state as the next version of the one that was read.
    ///
    /// # Errors
    /// [`StorageError::Conflict`](crate::storage::StorageError::Conflict) when somebody was faster; storage failed.
    pub fn put_delivery(&self, tx: &mut dyn Transaction, service: u64, state: &mut Delivery) -> Result<(), VaultError> {
        let none = (Secret::new([0; 32]), UnixSeconds::EPOCH);
        let (old, until) = state.old_secret.as_ref().unwrap_or(&none);
        let mut content = Encoder::new();
        content.u64(state.cursor).u32(state.failures).time(state.next_at).flag(state.disabled);
        content.put(&state.lease.0).time(state.lease.1);
        content.flag(state.old_secret.is_some()).put(old.expose()).time(*until);
        let mut end = state.last_error.len().min(200);
        while !state.last_error.is_char_boundary(end) {
            end -= 1;
        }
        content.text(&state.last_error[..end]);
        content.u8(u8::try_from(state.stuck.len()).unwrap_or(u8::MAX));
        for stuck in &state.stuck {
            content.put(&stuck.token).u64(stuck.seq).u32(stuck.tries).time(stuck.next_at);
        }
        let sealed = self.seal(Table::Delivery, &[&service.to_le_bytes()], state.ver + 1, &content);
        tx.put_delivery(service, &sealed)?;
        state.ver += 1;
        Ok(())
    }

    /// After the clock was wrong, far in the future: what was to wait until then is tried now, nobody has the deliveries to
    /// itself, and an old secret ends in time.
    pub(super) fn forget_future_delivery(
        &self,
        tx: &mut dyn Transaction,
        service: u64,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        let (now, Some(mut state)) = (clock.now(), self.delivery(tx, service)?) else { return Ok(()) };
        state.next_at = state.next_at.min(now);
        for stuck in &mut state.stuck {
            stuck.next_at = stuck.next_at.min(now);
        }
        state.lease.1 = state.lease.1.min(now);
        if let Some((_, until)) = &mut state.old_secret {
            *until = (*until).min(now.plus(OVERLAP));
        }
        self.put_delivery(tx, service, &mut state)
    }

    /// A service has a webhook from now on: what happens later is delivered.
    pub(super) fn begin_delivery(&self, tx: &mut dyn Transaction, service: u64) -> Result<(), VaultError> {
        tx.delete_delivery(service)?;
        let mut state = Delivery {
            cursor: JournalRows::newest_journal(tx)?,
            stuck: Vec::new(),
            failures: 0,
            next_at: UnixSeconds::EPOCH,
            disabled: false,
            last_error: String::new(),
            lease: ([0; 8], UnixSeconds::EPOCH),
            old_secret: None,
            ver: 0,
        };
        self.put_delivery(tx, service, &mut state)
    }

    /// Keeps the secret before the present one for a while.
    pub(super) fn keep_old_secret(
        &self,
        tx: &mut dyn Transaction,
        service: u64,
        old: Secret<32>,
        now: UnixSeconds,
    ) -> Result<(), VaultError> {
        let Some(mut state) = self.delivery(tx, service)? else { return Ok(()) };
        state.old_secret = Some((old, now.plus(OVERLAP)));
        self.put_delivery(tx, service, &mut state)
    }
}
