//! What waits for an answer, as devices see it.

use cardea_protocol::wire::{PushedConfirmation, Text};

use crate::domain::confirmation::ConfirmationState;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::DeviceKey;
use crate::vault::seal::Table;
use crate::vault::{Vault, VaultError};

/// What a device names by an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A confirmation that waits: its id and its text.
    Waiting([u8; 8], String),
    /// One that waited too long.
    Expired,
    /// None.
    Unknown,
}

impl Vault {
    /// What a device of the token names by `index`.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: the token is gone. A row is damaged; storage failed.
    pub fn named_confirmation(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        index: u8,
        clock: ClockReading,
    ) -> Result<Named, VaultError> {
        let token = self.token_by_id(tx, &key.token)?.ok_or(VaultError::Unknown("token"))?;
        let Some(place) = token.state.waiting.place(index) else { return Ok(Named::Unknown) };
        let Some(stored) = self.stored_confirmation(tx, &place.id)? else { return Ok(Named::Unknown) };
        Ok(match stored.state(&token, clock.now()) {
            ConfirmationState::Pending => Named::Waiting(stored.id, stored.text),
            ConfirmationState::Expired => Named::Expired,
            _ => Named::Unknown,
        })
    }

    /// All that waits for the token of a device, as it is pushed.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]: the token is gone. A row is damaged; storage failed.
    pub fn waiting_confirmations(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        clock: ClockReading,
    ) -> Result<Vec<PushedConfirmation>, VaultError> {
        let token = self.token_by_id(tx, &key.token)?.ok_or(VaultError::Unknown("token"))?;
        let mut found = Vec::new();
        for (index, place) in (0..).zip(token.state.waiting.places) {
            let Some(place) = place.filter(|place| clock.now() < place.expires_at) else { continue };
            let Some(stored) = self.stored_confirmation(tx, &place.id)? else { continue };
            let text = Text::new(&stored.text).map_err(|_| VaultError::Damaged(Table::Confirmation.name()))?;
            let (id, expires_at) = (stored.id, stored.expires_at.wire());
            found.push(PushedConfirmation { id, expires_at, relying_party: stored.asked_by, index, text });
        }
        Ok(found)
    }
}
