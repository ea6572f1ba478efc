//! The server's own keys, and what an operator does to the whole instance.

use cardea_protocol::wire::KEY_RECORD_LEN;

use super::{Admin, AdminError};
use crate::domain::actor::Actor;
use crate::domain::world::ClockReading;
use crate::vault::{About, Event, EventKind, VaultError};

/// What devices need to know of this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerIdentity {
    /// The Ed25519 key that devices pin.
    pub public_key: [u8; 32],
    /// The signed record of the current X25519 key.
    pub key_record: [u8; KEY_RECORD_LEN],
}

impl Admin {
    /// The server's identity and its current key record.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn server_identity(&self) -> Result<ServerIdentity, AdminError> {
        self.read(|vault, tx| {
            let keys = vault.server_keys(tx)?;
            let current = keys.current(vault.reading().now()).ok_or(VaultError::Misuse("the server has no key yet"))?;
            Ok(ServerIdentity { public_key: *keys.identity_public(), key_record: current.record.encode() })
        })
        .await
    }

    /// Makes the next static key current now, for example after the present one has become known. Devices learn of it
    /// at their next contact; the present one is still accepted until its own time is over.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn rotate_keys(&self, by: Actor) -> Result<(), AdminError> {
        self.write(move |vault, tx| {
            let clock = vault.reading();
            let epoch = vault.rotate_keys(tx, clock)?;
            let event = Event::new(EventKind::KeysReplaced, About::Instance, by, clock.now());
            vault.record(tx, &event.with("epoch", epoch)).map(drop)
        })
        .await
    }

    /// The time, and whether it can be trusted.
    #[must_use]
    pub fn time(&self) -> ClockReading {
        self.vault.reading()
    }

    /// Whether the database and the vault answer.
    ///
    /// # Errors
    /// They do not.
    pub async fn ready(&self) -> Result<(), AdminError> {
        self.read(|vault, tx| vault.server_keys(tx).map(drop)).await
    }

    /// The database was restored from a backup: every device has to resync, everything is closed, and what was signed
    /// before is stale. Returns how many devices were marked. Only while no server runs.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn mark_restored(&self) -> Result<u64, AdminError> {
        self.write(|vault, tx| vault.mark_restored(tx, vault.reading())).await
    }

    /// The clock was wrong, far in the future, and has been set right: everything is closed and may be opened again.
    /// Only while no server runs.
    ///
    /// # Errors
    /// Storage failed, or a row is damaged.
    pub async fn forget_future(&self) -> Result<(), AdminError> {
        self.write(|vault, tx| vault.forget_future(tx, vault.reading())).await
    }
}
