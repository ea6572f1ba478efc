//! A confirmation's row.

use cardea_protocol::limits::CONFIRMATION_TEXT;
use cardea_protocol::token::DeviceId;

use crate::clock::UnixSeconds;
use crate::domain::confirmation::{ConfirmationState, RELYING_PARTY_MAX};
use crate::storage::rows::{ConfirmationRow, ConfirmationRows};
use crate::storage::{Sealed, Transaction};
use crate::vault::seal::Table;
use crate::vault::{Decoder, Encoder, EventKind, Token, Vault, VaultError};

/// A confirmation's row, opened.
#[derive(Debug, Clone)]
pub(in crate::vault) struct StoredConfirmation {
    pub(in crate::vault) id: [u8; 8],
    pub(super) seq: u64,
    pub(in crate::vault) token: [u8; 16],
    pub(super) service: u64,
    pub(super) expires_at: UnixSeconds,
    pub(super) ver: u64,
    pub(super) asked_at: UnixSeconds,
    /// The number of the authkey that asked; 0 for the operator.
    pub(super) asked_by: u32,
    /// As it was written last; what it is now depends on token and time, too.
    pub(in crate::vault) state: ConfirmationState,
    pub(super) ended_at: UnixSeconds,
    pub(super) device: Option<DeviceId>,
    /// The number of the journal's row that has the signed answer; 0 without one.
    pub(super) receipt: u64,
    pub(super) relying_party: String,
    pub(super) text: String,
}

impl StoredConfirmation {
    /// The state as it is now.
    pub(in crate::vault) fn state(&self, token: &Token, now: UnixSeconds) -> ConfirmationState {
        match self.state {
            ConfirmationState::Pending if !token.state.waiting.has(&self.id) => ConfirmationState::Cancelled,
            ConfirmationState::Pending if now >= self.expires_at => ConfirmationState::Expired,
            state => state,
        }
    }

    /// Writes down how it ended. The caller has looked at [`StoredConfirmation::state`].
    pub(in crate::vault) fn end(
        &mut self,
        token: &mut Token,
        state: ConfirmationState,
        by: Option<DeviceId>,
        now: UnixSeconds,
    ) {
        (self.state, self.ended_at, self.device) = (state, now, by);
        token.state.waiting.remove(&self.id);
    }

    /// Notes the row of the journal that has what a device signed, if that is what was taken as the answer.
    pub(in crate::vault) fn answered_in(&mut self, kind: EventKind, seq: u64) {
        if kind == EventKind::ConfirmationAnswered {
            self.receipt = seq;
        }
    }
}

impl Vault {
    pub(in crate::vault) fn stored_confirmation(
        &self,
        tx: &mut dyn Transaction,
        id: &[u8; 8],
    ) -> Result<Option<StoredConfirmation>, VaultError> {
        tx.confirmation(id)?.map(|row| self.open_confirmation(row)).transpose()
    }

    /// Stores a confirmation as the next version, changed or not.
    pub(in crate::vault) fn put_confirmation(
        &self,
        tx: &mut dyn Transaction,
        stored: &mut StoredConfirmation,
    ) -> Result<(), VaultError> {
        stored.ver += 1;
        Ok(tx.update_confirmation(&stored.id, &self.seal_confirmation(stored)?.sealed)?)
    }

    pub(super) fn seal_confirmation(&self, stored: &StoredConfirmation) -> Result<ConfirmationRow, VaultError> {
        let (state, reason) = match stored.state {
            ConfirmationState::Pending => (0, 0),
            ConfirmationState::Approved => (1, 0),
            ConfirmationState::Denied { reason } => (2, reason),
            ConfirmationState::Duress => (3, 0),
            ConfirmationState::Expired => (4, 0),
            ConfirmationState::Cancelled => (5, 0),
        };
        let mut content = Encoder::new();
        content
            .u8(state)
            .u8(reason)
            .time(stored.asked_at)
            .u32(stored.asked_by)
            .time(stored.ended_at)
            .optional(stored.device.as_ref().map(DeviceId::bytes))
            .u64(stored.receipt)
            .padded(stored.relying_party.as_bytes(), RELYING_PARTY_MAX as u8)?
            .padded(stored.text.as_bytes(), CONFIRMATION_TEXT as u8)?;
        let mut row = ConfirmationRow {
            id: stored.id,
            seq: stored.seq,
            token: stored.token,
            service: stored.service,
            expires_at: stored.expires_at,
            sealed: Sealed { ver: stored.ver, bytes: Vec::new() },
        };
        let numbers = numbers(&row);
        row.sealed = self.seal(Table::Confirmation, &[&row.id, &row.token, &numbers], stored.ver, &content);
        Ok(row)
    }

    pub(super) fn open_confirmation(&self, row: ConfirmationRow) -> Result<StoredConfirmation, VaultError> {
        let numbers = numbers(&row);
        let content = self.sealer.open(Table::Confirmation, &[&row.id, &row.token, &numbers], &row.sealed)?;
        let mut decoder = Decoder::new(Table::Confirmation, &content);
        let (state, reason) = (decoder.u8()?, decoder.u8()?);
        let state = match state {
            0 => ConfirmationState::Pending,
            1 => ConfirmationState::Approved,
            2 => ConfirmationState::Denied { reason },
            3 => ConfirmationState::Duress,
            4 => ConfirmationState::Expired,
            5 => ConfirmationState::Cancelled,
            _ => return Err(decoder.damaged()),
        };
        let text = |bytes: &[u8], damaged| String::from_utf8(bytes.to_vec()).map_err(|_| damaged);
        let stored = StoredConfirmation {
            id: row.id,
            seq: row.seq,
            token: row.token,
            service: row.service,
            expires_at: row.expires_at,
            ver: row.sealed.ver,
            state,
            asked_at: decoder.time()?,
            asked_by: decoder.u32()?,
            ended_at: decoder.time()?,
            device: decoder.optional()?.map(DeviceId::new),
            receipt: decoder.u64()?,
            relying_party: text(decoder.padded(RELYING_PARTY_MAX as u8)?, decoder.damaged())?,
            text: text(decoder.padded(CONFIRMATION_TEXT as u8)?, decoder.damaged())?,
        };
        decoder.end()?;
        Ok(stored)
    }
}

/// The numbers that stand beside the content in clear.
fn numbers(row: &ConfirmationRow) -> [u8; 24] {
    let mut bytes = [0; 24];
    for (place, number) in bytes.chunks_exact_mut(8).zip([row.seq, row.service, row.expires_at.get()]) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}
