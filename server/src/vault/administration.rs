//! What administrators and operators do to tokens.

use std::sync::atomic::Ordering;

use cardea_protocol::token::DeviceId;

use super::{About, Device, Event, EventKind, Marks, Service, Token, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::name::UserId;
use crate::domain::token::Closer;
use crate::domain::world::ClockReading;
use crate::storage::Transaction;
use crate::storage::rows::{DeviceRows, EnrollmentRows, TokenRows};

/// What a device was before it was revoked for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Revoked for good already.
    Tombstone,
    /// It had given itself up, or another device had revoked it; its slots were still there.
    GivenUp,
    /// In use in truth, whatever its holder may have been told under duress.
    InUse,
}

impl Vault {
    pub(super) fn commit_token(
        &self,
        tx: &mut dyn Transaction,
        token: &mut Token,
        service: &Service,
        (kind, by): (EventKind, Actor),
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        self.put_token(tx, token)?;
        self.record(tx, &Event::on_token(kind, token, service, by, clock.now())?)?;
        self.mark_time(tx, clock)
    }

    /// Blocks a token; blocking it again changes nothing that anybody sees.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; a row is damaged; storage failed.
    pub fn block(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Token, VaultError> {
        let mut token = self.existing_token(tx, service, user)?;
        token.state.block(clock.now());
        self.commit_token(tx, &mut token, service, (EventKind::Blocked, by), clock)?;
        Ok(token)
    }

    /// Lifts an administrator's block and gives all devices their tries back. Neither a proved clone nor duress ends.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; a row is damaged; storage failed.
    pub fn unblock(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Token, VaultError> {
        let mut token = self.existing_token(tx, service, user)?;
        for device in self.devices_of(tx, token.id.bytes())? {
            if tx.attempt(&device.key)?.is_some() {
                let mut attempts = self.throttle(tx, &device.key)?;
                attempts.state.clear();
                self.put_throttle(tx, &device.key, &attempts)?;
            }
        }
        token.state.unblock();
        self.commit_token(tx, &mut token, service, (EventKind::Unblocked, by), clock)?;
        Ok(token)
    }

    /// Closes a token. Duress stays.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; a row is damaged; storage failed.
    pub fn force_close(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Token, VaultError> {
        let mut token = self.existing_token(tx, service, user)?;
        token.state.close(Closer::Administrator, clock.now());
        self.commit_token(tx, &mut token, service, (EventKind::ForcedClose, by), clock)?;
        Ok(token)
    }

    /// Ends duress: the token is closed, PINs that were set under duress are void, and a device that was given up
    /// under duress is enrolled again.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; a row is damaged; storage failed.
    pub fn clear_duress(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Token, VaultError> {
        let mut token = self.existing_token(tx, service, user)?;
        for mut device in self.devices_of(tx, token.id.bytes())? {
            if tx.slots(&device.key)?.is_some() {
                let mut sets = self.slot_sets(tx, &device.key)?;
                sets.clear_duress();
                self.put_slot_sets(tx, &device.key, &sets)?;
            }
            if device.given_up_under_duress {
                device.given_up_under_duress = false;
                device.row.revoked = false;
                self.put_device(tx, &mut device)?;
            }
        }
        token.state.clear_duress(clock.now());
        self.commit_token(tx, &mut token, service, (EventKind::DuressCleared, by), clock)?;
        Ok(token)
    }

    /// Deletes a token. Its devices are revoked and stay as tombstones, so that they can be told.
    ///
    /// # Errors
    /// [`VaultError::Unknown`]; a row is damaged; storage failed.
    pub fn delete(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        user: &UserId,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Token, VaultError> {
        let token = self.existing_token(tx, service, user)?;
        self.delete_token(tx, service, &token, by, clock)?;
        Ok(token)
    }

    pub(super) fn delete_token(
        &self,
        tx: &mut dyn Transaction,
        service: &Service,
        token: &Token,
        by: Actor,
        clock: ClockReading,
    ) -> Result<(), VaultError> {
        for mut device in self.devices_of(tx, token.id.bytes())? {
            // The row about the token says it of all of them.
            self.revoke(tx, &mut device)?;
        }
        tx.delete_token(token.id.bytes())?;
        self.record(tx, &Event::on_token(EventKind::Deleted, token, service, by, clock.now())?)?;
        self.mark_time(tx, clock)
    }

    /// Turns a device into a tombstone; returns what it was before.
    fn revoke(&self, tx: &mut dyn Transaction, device: &mut Device) -> Result<Before, VaultError> {
        if device.row.revoked && !device.given_up_under_duress && tx.slots(&device.key)?.is_none() {
            return Ok(Before::Tombstone);
        }
        let is_in_use = !device.row.revoked || device.given_up_under_duress;
        device.row.revoked = true;
        device.given_up_under_duress = false;
        self.put_device(tx, device)?;
        tx.erase_slots(&device.key)?;
        Ok(if is_in_use { Before::InUse } else { Before::GivenUp })
    }

    /// Turns a device of a token that stays into a tombstone, and records that; returns what it was before.
    ///
    /// One that gave itself up is recorded like any other: were it not, the number of rows would tell whether it did so
    /// under duress, in which case it is in use in truth.
    pub(super) fn retire(
        &self,
        tx: &mut dyn Transaction,
        (service, token): (&Service, &Token),
        device: &mut Device,
        by: Actor,
        clock: ClockReading,
    ) -> Result<Before, VaultError> {
        let before = self.revoke(tx, device)?;
        if before != Before::Tombstone {
            let event = Event::on_token(EventKind::DeviceRevoked, token, service, by, clock.now())?;
            self.record(tx, &Event { device: Some(DeviceId::new(device.key.number)), ..event })?;
        }
        Ok(before)
    }

    /// The database was restored from a backup: marks every device for a resync, closes everything, ends all offers to
    /// enroll (they may have been used since), and makes every operation that was signed before stale. For the operator's offline command, before anything listens.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn mark_restored(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<u64, VaultError> {
        let mut marked = 0;
        for key in tx.device_keys()? {
            let mut device = self.device(tx, &key)?;
            if device.row.revoked && !device.given_up_under_duress {
                continue;
            }
            device.row.marker = 1;
            self.put_device(tx, &mut device)?;
            marked += 1;
        }
        for id in tx.token_ids()? {
            let mut token = self.token_by_id(tx, &id)?.ok_or(VaultError::Unknown("token"))?;
            token.state.consume();
            token.state.waiting.take_back(clock.now());
            self.put_token(tx, &mut token)?;
            tx.delete_enrollment_of(&id)?;
        }
        self.skip_lost_keys(tx, clock)?;
        let marks = self.marks(tx)?;
        let high_water = marks.high_water.max(clock.now());
        self.put_marks(tx, marks.ver, Marks { high_water, restored_at: clock.now(), ..marks })?;
        self.record(tx, &Event::new(EventKind::InstanceRestored, About::Instance, Actor::Operator, clock.now()))?;
        Ok(marked)
    }

    /// The clock was wrong, far in the future, and has been set right: closes everything, ends all offers to enroll
    /// (some may expire far in the future) and forgets the wrong time. For the operator's offline command. Without it
    /// nothing opens before that time has come.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn forget_future(&self, tx: &mut dyn Transaction, clock: ClockReading) -> Result<(), VaultError> {
        for id in tx.token_ids()? {
            let mut token = self.token_by_id(tx, &id)?.ok_or(VaultError::Unknown("token"))?;
            token.state.consume();
            token.state.forget_closes_after(clock.now());
            token.state.waiting.clear();
            self.put_token(tx, &mut token)?;
            tx.delete_enrollment_of(&id)?;
        }
        for key in tx.device_keys()? {
            if tx.attempt(&key)?.is_some() {
                let mut attempts = self.throttle(tx, &key)?;
                attempts.state.forget_failures_after(clock.now());
                self.put_throttle(tx, &key, &attempts)?;
            }
        }
        self.forget_future_keys(tx, clock)?;
        self.forget_future_authkeys(tx, clock)?;
        for service in self.services(tx)? {
            self.forget_future_delivery(tx, service.id, clock)?;
        }
        self.forget_future_answers(tx, clock)?;
        let marks = self.marks(tx)?;
        let now = clock.now();
        let restored_at = marks.restored_at.min(now);
        // Nothing is open any more that could be void.
        let void_until = UnixSeconds::EPOCH;
        self.put_marks(tx, marks.ver, Marks { high_water: now, restored_at, void_until, forgotten_at: now, ..marks })?;
        self.record(tx, &Event::new(EventKind::ClockCorrected, About::Instance, Actor::Operator, now))?;
        self.seen.store(now.get(), Ordering::SeqCst);
        for mark in [&self.marked, &self.void, &self.void_marked] {
            mark.store(0, Ordering::SeqCst);
        }
        Ok(())
    }
}
