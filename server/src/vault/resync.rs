//! Devices whose state is in doubt: a proved clone, and what a resync comes to.

use cardea_protocol::ratchet::Row;

use super::{Event, EventKind, Vault, VaultError};
use crate::domain::token::Closer;
use crate::domain::world::ClockReading;
use crate::storage::rows::DeviceKey;
use crate::storage::{StorageError, Transaction};

impl Vault {
    /// Two holders of one device's state were proved: blocks the token until it is enrolled anew.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]: the row changed since; look at the message again. A row is damaged; storage failed.
    pub fn clone_proved(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        version: u64,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        let mut device = self.device(tx, key)?;
        if device.ver != version {
            return Err(StorageError::Conflict.into());
        }
        device.row.clone_blocked = true;
        self.put_device(tx, &mut device)?;
        if let Some(mut token) = self.token_by_id(tx, &key.token)? {
            token.state.block_for_clone(clock.now());
            self.put_token(tx, &mut token)?;
            let service = self.service_by_id(tx, token.service)?;
            self.record(tx, &Event::by_device(EventKind::CloneProved, &token, &service, key, clock.now())?)?;
        }
        self.mark_time(tx, clock)
    }

    /// Stores the row that a resync's confirm led to, and raises the alert if that suspends the device.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]: the row changed since; read it again. A row is damaged; storage failed.
    pub fn commit_resync(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        version: u64,
        row: Row,
        clock: ClockReading,
    ) -> Result<u64, VaultError> {
        let mut device = self.device(tx, key)?;
        if device.ver != version {
            return Err(StorageError::Conflict.into());
        }
        let suspends = row.suspended && !device.row.suspended;
        let resynced = row.marker == 2;
        device.row = row;
        self.put_device(tx, &mut device)?;
        if let Some(mut token) = self.token_by_id(tx, &key.token)?
            && (suspends || resynced)
        {
            if suspends {
                // Whatever was open was opened by a state that is in doubt.
                token.state.close(Closer::Administrator, clock.now());
            }
            self.put_token(tx, &mut token)?;
            let kind = if suspends { EventKind::Suspended } else { EventKind::Resynced };
            let service = self.service_by_id(tx, token.service)?;
            self.record(tx, &Event::by_device(kind, &token, &service, key, clock.now())?)?;
        }
        self.mark_time(tx, clock)?;
        Ok(device.ver)
    }
}
