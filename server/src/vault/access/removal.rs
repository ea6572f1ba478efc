//! Services go in two steps: at once nobody finds them any more, then their tokens are deleted, some at a time, so that
//! no other change waits for a million of them.

use cardea_protocol::token::TokenId;

use super::Service;
use crate::domain::actor::Actor;
use crate::domain::authkey::Scope;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{AccessRows, DeliveryRows, TokenRows};
use crate::vault::{Event, EventKind, Vault, VaultError};

/// What one step of a service's removal has come to.
#[derive(Debug, PartialEq, Eq)]
pub struct Purged {
    /// The tokens that were deleted.
    pub tokens: Vec<TokenId>,
    /// Whether nothing is left of the service.
    pub done: bool,
}

impl Vault {
    /// Takes a service out of sight and revokes its authkeys. [`Vault::purge_service`] deletes what is left.
    ///
    /// # Errors
    /// [`VaultError::Refused`]: it has tokens and `force` does not say that they go with it. A row is damaged; storage
    /// failed.
    pub fn retire_service(
        &self,
        tx: &mut dyn Transaction,
        service: &mut Service,
        force: bool,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        if !force && !tx.tokens_after(service.id, &[], 1)?.is_empty() {
            return Err(VaultError::Refused("the service has tokens: delete them first, or send `force`"));
        }
        service.retired = true;
        self.put_service(tx, service)?;
        tx.delete_webhook(service.id)?;
        tx.delete_delivery(service.id)?;
        self.revoke_authkeys_of(tx, &Scope::Service(service.name.clone()), by, clock)?;
        self.record(tx, &Event::new(EventKind::ServiceDeleted, service.about(), by, clock.now()))?;
        self.mark_time(tx, clock)
    }

    /// The numbers of services that are out of sight and not yet gone.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn retired_services(&self, tx: &mut dyn Transaction) -> Result<Vec<u64>, VaultError> {
        let mut retired = Vec::new();
        for row in tx.services()? {
            if self.open_service(&row)?.retired {
                retired.push(row.id);
            }
        }
        Ok(retired)
    }

    /// Deletes at most `limit` tokens of a service that is out of sight, and the service when none is left. Devices are
    /// revoked and stay as tombstones, as with [`Vault::delete`].
    ///
    /// # Errors
    /// [`VaultError::Misuse`]: the service is not out of sight. A row is damaged; storage failed.
    pub fn purge_service(
        &self,
        tx: &mut dyn Transaction,
        id: u64,
        limit: u32,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Purged, VaultError> {
        // Another node may have finished.
        if tx.service_by_id(id)?.is_none() {
            return Ok(Purged { tokens: Vec::new(), done: true });
        }
        let service = self.service_by_id(tx, id)?;
        if !service.retired {
            return Err(VaultError::Misuse("a service that is in use was to be purged"));
        }
        let mut tokens = Vec::new();
        for row in tx.tokens_after(id, &[], limit)? {
            let token = self.open_token(row)?;
            self.delete_token(tx, &service, &token, by, clock)?;
            tokens.push(token.id);
        }
        let done = tx.tokens_after(id, &[], 1)?.is_empty();
        if done {
            tx.delete_service(id)?;
        }
        Ok(Purged { tokens, done })
    }
}
