//! Calls that may be repeated: what was answered is kept for a day, sealed, so that a caller who has lost an answer gets
//! the same one again and nothing happens twice.
//!
//! The answer is stored in the transaction that does what was asked: there is no moment in which one exists without the
//! other, on whichever node and however the server ends. Writers take turns, so that of two equal calls at once the
//! second finds the answer of the first.

use std::fmt;

use sha2::{Digest, Sha256};

use super::seal::Table;
use super::{Decoder, Encoder, Vault, VaultError};
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{AnswerRow, AnswerRows};

/// Seconds for which an answer is kept.
const KEPT: u64 = 86_400;

/// A call that its caller may repeat.
#[derive(Clone, PartialEq, Eq)]
pub struct Repeatable {
    /// Whose it is: nobody gets another one's answers.
    pub caller: Repeater,
    /// Which call.
    pub call: &'static str,
    /// What the caller names it by.
    pub key: String,
    /// All that was asked, in one writing.
    pub asked: String,
}

/// Who may repeat a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeater {
    /// Whoever has the authkey of this number.
    Authkey(u64),
    /// Whoever signed in to the account of this number.
    Account(u64),
}

impl fmt::Debug for Repeatable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeatable").field("caller", &self.caller).field("call", &self.call).finish_non_exhaustive()
    }
}

impl Vault {
    /// What was answered when this was asked before.
    ///
    /// # Errors
    /// [`VaultError::OtherCall`]: something else was asked under the same key. A row is damaged; storage failed.
    pub fn recall(
        &self,
        tx: &mut dyn Transaction,
        repeatable: &Repeatable,
        clock: ClockReading,
    ) -> Result<Option<String>, VaultError> {
        let hash = self.hash_of(repeatable);
        let Some(row) = tx.answer(&hash)?.filter(|row| clock.now() < row.expires_at) else { return Ok(None) };
        let binding: [&[u8]; 2] = [&hash, &row.expires_at.get().to_le_bytes()];
        let content = self.sealer.open(Table::Answer, &binding, &row.sealed)?;
        let mut decoder = Decoder::new(Table::Answer, &content);
        let (asked, length): ([u8; 32], _) = (decoder.array()?, decoder.u32()?);
        let length = usize::try_from(length).map_err(|_| decoder.damaged())?;
        let answer = String::from_utf8(decoder.take(length)?.to_vec()).map_err(|_| decoder.damaged())?;
        decoder.end()?;
        if asked != digest(&repeatable.asked) {
            return Err(VaultError::OtherCall);
        }
        Ok(Some(answer))
    }

    /// Keeps what is answered; in the transaction that does what was asked.
    ///
    /// # Errors
    /// Storage failed.
    pub fn remember(
        &self,
        tx: &mut dyn Transaction,
        repeatable: &Repeatable,
        answer: &str,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        tx.sweep_answers(clock.now())?;
        let length = u32::try_from(answer.len()).map_err(|_| VaultError::Misuse("an answer is too long"))?;
        let (hash, expires_at) = (self.hash_of(repeatable), clock.now().plus(KEPT));
        let mut content = Encoder::new();
        content.put(&digest(&repeatable.asked)).u32(length).put(answer.as_bytes());
        let binding: [&[u8]; 2] = [&hash, &expires_at.get().to_le_bytes()];
        let sealed = self.seal(Table::Answer, &binding, 1, &content);
        Ok(tx.insert_answer(&AnswerRow { hash, expires_at, sealed })?)
    }

    /// Removes the answers that are kept no longer; what they hold is as secret as what they answered. Returns how many.
    ///
    /// # Errors
    /// Storage failed.
    pub fn sweep_answers(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<usize, VaultError> {
        Ok(tx.sweep_answers(clock.now())?)
    }

    /// After the clock was wrong, far in the future: removes the answers that would be kept from then on.
    pub(super) fn forget_future_answers(
        &self,
        tx: &mut dyn Transaction,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        tx.delete_answers_after(clock.now().plus(KEPT))?;
        Ok(())
    }

    fn hash_of(&self, repeatable: &Repeatable) -> [u8; 32] {
        self.sealer.answer_hash(repeatable.caller, repeatable.call, &repeatable.key)
    }
}

fn digest(asked: &str) -> [u8; 32] {
    Sha256::digest(asked.as_bytes()).into()
}
