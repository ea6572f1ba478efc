//! The one transaction of an operation (rule 14 of the ratchet's table): ratchet row, counter, both worlds, slots and
//! the journal, or nothing of it.

use std::sync::Arc;

use cardea_protocol::Code;
use cardea_protocol::limits::{SLOTS, VERSION};
use cardea_protocol::ratchet::Row;
use cardea_protocol::token::{DeviceId, DeviceStatus};
use cardea_protocol::wire::{Op, PinEntry, Reply};

use super::attempts::Attempts;
use super::confirmations::StoredConfirmation;
use super::devices::{Device, DeviceSigned, answer};
use super::slots::Judgement;
use super::{Event, EventKind, Service, Signed, Token, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::confirmation::ConfirmationState;
use crate::domain::freshness::Freshness;
use crate::domain::token::Closer;
use crate::domain::world::{ClockReading, cap_of_win};
use crate::storage::rows::{DeviceKey, DeviceRows};
use crate::storage::{StorageError, Transaction};

/// What a device is told of an operation. Says nothing of roles or duress, and has no way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceAnswer {
    /// How it went.
    pub code: Code,
    /// The token's status as the device may see it.
    pub status: DeviceStatus,
    /// Tries left before the device is blocked.
    pub tries: u8,
    /// When the status or the wait ends; the epoch if it does not end by itself.
    pub until: UnixSeconds,
    /// The server's time.
    pub now: UnixSeconds,
    /// One bit for each confirmation that waits.
    pub waiting: u8,
}

impl DeviceAnswer {
    /// The answer as a cell.
    #[must_use]
    pub fn reply(&self, op: Op) -> Reply {
        Reply {
            op,
            status: self.status,
            code: self.code,
            tries: self.tries,
            server_time: self.now.wire(),
            until: self.until.wire(),
            aux: Reply::with_waiting(Reply::versions(VERSION, VERSION), self.waiting),
        }
    }
}

/// An operation that a PIN signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinAction {
    /// Open, with the `win` field of the operation.
    Open {
        /// 0, or the exponent of the holder's own cap.
        win: u8,
    },
    /// Replace all PINs.
    SetPins([PinEntry; SLOTS]),
    /// Replace the device's static key; the new row has it.
    Rotate,
    /// Give the device up.
    Unenroll,
    /// Approve a confirmation; the statement covers its text.
    Confirm {
        /// Its id.
        id: [u8; 8],
    },
    /// Revoke another device of the token.
    RevokeDevice(DeviceId),
}

/// What an operation asks.
#[derive(Debug)]
pub enum Action {
    /// Nothing: PING, STATUS, RECOVER and whatever else only reads.
    Observe,
    /// Close.
    Close(DeviceSigned),
    /// Deny a confirmation; the statement covers its text.
    Deny {
        /// What the device key signed.
        signed: DeviceSigned,
        /// The confirmation.
        id: [u8; 8],
        /// As it stands on the wire.
        reason: u8,
    },
    /// Something that a PIN signs.
    Pin {
        /// What.
        action: PinAction,
        /// The device's clock as it was signed.
        time: u32,
        /// What the signature was worth.
        judgement: Arc<Judgement>,
    },
    /// Not to be executed, whatever it was: the ratchet goes on with this code.
    Skip {
        /// [`Code::Stale`], [`Code::Wait`] or another reason.
        code: Code,
        /// When to come back, for [`Code::Wait`].
        until: UnixSeconds,
    },
}

/// An operation of a device.
#[derive(Debug)]
pub struct Operation {
    /// The device.
    pub device: DeviceKey,
    /// The version of its row that everything so far was decided on.
    pub version: u64,
    /// What it asks.
    pub action: Action,
}

impl Operation {
    /// What [`Vault::settle_lost`] needs in case that this is not what happens next.
    #[must_use]
    pub fn lost(&self) -> Option<Arc<Judgement>> {
        match &self.action {
            Action::Pin { judgement, .. } => Some(Arc::clone(judgement)),
            _ => None,
        }
    }
}

/// An operation that has happened, once its transaction is committed.
#[derive(Debug)]
pub struct Applied<R> {
    /// What the device is told.
    pub answer: DeviceAnswer,
    /// What the caller made of it.
    pub output: R,
    /// The new version of the device's row.
    pub version: u64,
}

/// What is loaded, decided on, and stored.
struct Scene {
    token: Token,
    device: Device,
    attempts: Attempts,
    service: Service,
    restored_at: UnixSeconds,
    clock: ClockReading,
}

/// What an operation touches beside device and token.
#[derive(Default)]
struct Beside {
    confirmation: Option<StoredConfirmation>,
    other: Option<Device>,
}

impl Vault {
    /// Decides an operation and writes everything that follows from it.
    ///
    /// `next` gets the device's row and the answer, and returns the row that follows, together with whatever the
    /// caller needs after the commit: the reply frame, the session. It runs inside the transaction and must be quick.
    /// It returns `None` when the row is not the one that the message belongs to any more.
    ///
    /// # Errors
    /// [`StorageError::Conflict`]: something else came first, so nothing of this happened. Settle the judgement's
    /// count with [`Vault::settle_lost`] and begin again. A row is damaged; storage failed.
    pub fn apply<R>(
        &self,
        tx: &mut dyn Transaction,
        operation: Operation,
        clock: ClockReading,
        next: impl FnOnce(&Row, &DeviceAnswer) -> Option<(Row, R)>,
    ) -> Result<Applied<R>, VaultError> {
        let Operation { device: key, version, action } = operation;
        let conflict = || VaultError::Storage(StorageError::Conflict);
        let device = self.device(tx, &key)?;
        if device.ver != version {
            return Err(conflict());
        }
        let token = self.token_by_id(tx, &key.token)?.ok_or_else(conflict)?;
        // A block that came in between is for the beginning of the table, not for its end.
        if token.state.is_blocked() {
            return Err(conflict());
        }
        let service = self.service_by_id(tx, token.service)?;
        let attempts = self.throttle(tx, &key)?;
        let restored_at = self.marks(tx)?.restored_at;
        let mut scene = Scene { token, device, attempts, service, restored_at, clock };

        let (code, wait_until) = match &action {
            Action::Observe => (Code::Ok, None),
            Action::Skip { code, until } => (*code, Some(*until)),
            Action::Close(signed) => {
                scene.close();
                self.write_signed(tx, &scene, &Outcome::of(EventKind::Closed, Code::Ok), scene.signed(signed))?;
                (Code::Ok, None)
            }
            Action::Deny { signed, id, reason } => (self.deny(tx, &mut scene, signed, id, *reason)?, None),
            Action::Pin { action, time, judgement } => (self.decide(tx, &mut scene, action, *time, judgement)?, None),
        };

        let gives_up = matches!((&action, code), (Action::Pin { action: PinAction::Unenroll, .. }, Code::Ok));
        let mut given_up = scene.device.row.duplicate();
        given_up.revoked |= gives_up;
        let before = std::mem::replace(&mut scene.device.row, given_up);
        let mut told = answer(code, &scene.token, &scene.device, &scene.attempts, &scene.service.rules, clock);
        if let Some(until) = wait_until.filter(|_| code == Code::Wait) {
            told.until = until;
        }
        let (mut row, output) = next(&before, &told).ok_or_else(conflict)?;
        row.revoked |= gives_up;
        scene.device.given_up_under_duress |= gives_up && scene.token.state.is_under_duress();
        scene.device.row = row;
        scene.device.seen_at = clock.now();
        self.put_device(tx, &mut scene.device)?;
        self.put_throttle(tx, &key, &scene.attempts)?;
        self.put_token(tx, &mut scene.token)?;
        self.mark_time(tx, clock)?;
        Ok(Applied { answer: told, output, version: scene.device.ver })
    }

    /// Decides an operation that a PIN signs; writes slots and journal, which are the same rows whatever the PIN was.
    fn decide(
        &self,
        tx: &mut dyn Transaction,
        scene: &mut Scene,
        action: &PinAction,
        time: u32,
        judgement: &Judgement,
    ) -> Result<Code, VaultError> {
        let key = scene.device.key;
        let mut sets = self.slot_sets(tx, &key)?;
        // The judgement is about slots that are not in force any more.
        if sets.ver != judgement.slots_ver || scene.token.state.is_under_duress() != judgement.under_duress {
            return Err(StorageError::Conflict.into());
        }
        // Rows that some operations touch beside the device's and the token's: written whatever the PIN was.
        let mut beside = self.beside(tx, scene, action)?;
        let now = scene.clock.now();
        let stale = scene.freshness(action).is_stale(UnixSeconds::from(time));
        let mut raised = false;
        let (code, kind) = if !judgement.is_good() {
            scene.attempts.state.reject(&judgement.key);
            if scene.attempts.state.is_blocked(now, scene.service.rules.limits) {
                // Nothing of this device stays open once it is blocked, so that nothing reopens when the block ends.
                scene.close();
            }
            (Code::PinRejected, EventKind::PinRejected)
        } else if stale {
            // Somebody closed between the look at the time and this transaction.
            scene.attempts.state.refund(&judgement.key);
            (Code::Stale, EventKind::NotExecuted)
        } else {
            scene.attempts.state.accept();
            if judgement.raises_duress() {
                raised = !scene.token.state.is_under_duress();
                scene.token.state.enter_duress(now);
            }
            self.execute(scene, &mut sets, &mut beside, action)
        };
        self.put_slot_sets(tx, &key, &sets)?;
        let signed = Signed {
            statement: judgement.statement.bytes().to_vec(),
            signature: judgement.signature,
            key: judgement.signer(),
        };
        let (confirmation, other) = match action {
            PinAction::Confirm { id } => (Some(*id), None),
            PinAction::RevokeDevice(other) => (None, Some(*other)),
            _ => (None, None),
        };
        let outcome = Outcome { raised, confirmation, other, ..Outcome::of(kind, code) };
        let seq = self.write_signed(tx, scene, &outcome, signed)?;
        if let Some(confirmation) = &mut beside.confirmation {
            confirmation.answered_in(kind, seq);
            self.put_confirmation(tx, confirmation)?;
        }
        if let Some(other) = &mut beside.other {
            self.put_device(tx, other)?;
        }
        Ok(code)
    }

    fn beside(&self, tx: &mut dyn Transaction, scene: &Scene, action: &PinAction) -> Result<Beside, VaultError> {
        let mut beside = Beside::default();
        match action {
            PinAction::Confirm { id } => beside.confirmation = self.stored_confirmation(tx, id)?,
            PinAction::RevokeDevice(other) if *other != scene.device.row.device => {
                let key = DeviceKey { token: scene.device.key.token, number: *other.bytes() };
                beside.other = tx.device(&key)?.map(|_| self.device(tx, &key)).transpose()?;
            }
            _ => {}
        }
        Ok(beside)
    }

    fn execute(
        &self,
        scene: &mut Scene,
        sets: &mut super::slots::SlotSets,
        beside: &mut Beside,
        action: &PinAction,
    ) -> (Code, EventKind) {
        let (state, now) = (&mut scene.token.state, scene.clock.now());
        match action {
            // With a clock that went back nothing can be opened, and nothing is.
            PinAction::Open { .. } if scene.clock.trusted().is_none() => (Code::Internal, EventKind::NotExecuted),
            // Waiting for the short authentication string to be confirmed.
            PinAction::Open { .. } | PinAction::Confirm { .. } | PinAction::RevokeDevice(_)
                if !scene.device.confirmed =>
            {
                (Code::Policy, EventKind::NotExecuted)
            }
            PinAction::Open { win } => {
                state.open(now, scene.service.rules.window, cap_of_win(*win));
                (Code::Ok, EventKind::Opened)
            }
            PinAction::SetPins(entries)
                if entries.iter().any(|entry| entry.biometric) && !scene.service.rules.biometric =>
            {
                (Code::Policy, EventKind::NotExecuted)
            }
            PinAction::SetPins(entries) => {
                sets.replace(entries, state.is_under_duress(), &*self.entropy);
                (Code::Ok, EventKind::PinsChanged)
            }
            PinAction::Rotate => (Code::Ok, EventKind::KeyRotated),
            PinAction::Unenroll => {
                scene.close();
                // Who answers next may be somebody else.
                scene.token.state.waiting.take_back(now);
                (Code::Ok, EventKind::Unenrolled)
            }
            PinAction::Confirm { .. } => {
                // Under duress, whichever PIN it was, the holder is not free to approve anything.
                let approved = match state.is_under_duress() {
                    true => ConfirmationState::Duress,
                    false => ConfirmationState::Approved,
                };
                scene.answer_confirmation(beside.confirmation.as_mut(), approved)
            }
            PinAction::RevokeDevice(_) => match beside.other.as_mut().filter(|other| !other.row.revoked) {
                None => (Code::Policy, EventKind::NotExecuted),
                Some(other) => {
                    other.row.revoked = true;
                    other.given_up_under_duress = state.is_under_duress();
                    // Whatever the other one has opened is not to stay open.
                    scene.close();
                    (Code::Ok, EventKind::DeviceRevoked)
                }
            },
        }
    }

    /// A device denies a confirmation. Under duress, too: that harms nobody.
    fn deny(
        &self,
        tx: &mut dyn Transaction,
        scene: &mut Scene,
        signed: &DeviceSigned,
        id: &[u8; 8],
        reason: u8,
    ) -> Result<Code, VaultError> {
        let mut confirmation = self.stored_confirmation(tx, id)?;
        let (code, kind) = match scene.device.confirmed {
            true => scene.answer_confirmation(confirmation.as_mut(), ConfirmationState::Denied { reason }),
            false => (Code::Policy, EventKind::NotExecuted),
        };
        let outcome = Outcome { confirmation: Some(*id), ..Outcome::of(kind, code) };
        let seq = self.write_signed(tx, scene, &outcome, scene.signed(signed))?;
        if let Some(confirmation) = &mut confirmation {
            confirmation.answered_in(kind, seq);
            self.put_confirmation(tx, confirmation)?;
        }
        Ok(code)
    }

    /// Writes what came of a signed operation; returns the row's number.
    fn write_signed(
        &self,
        tx: &mut dyn Transaction,
        scene: &Scene,
        outcome: &Outcome,
        signed: Signed,
    ) -> Result<u64, VaultError> {
        let (key, at) = (scene.device.key, scene.clock.now());
        let Outcome { kind, code, raised, confirmation, other } = *outcome;
        let event = Event::by_device(kind, &scene.token, &scene.service, &key, at)?;
        let event = Event {
            device: other.filter(|_| kind == EventKind::DeviceRevoked).or(event.device),
            duress_raised: raised,
            tries_used_up: kind == EventKind::PinRejected
                && scene.attempts.state.is_blocked(at, scene.service.rules.limits),
            code: Some(code),
            signed: Some(signed),
            confirmation,
            ..event
        };
        self.record(tx, &event)
    }

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

/// What came of a signed operation.
struct Outcome {
    kind: EventKind,
    code: Code,
    /// Duress began with it.
    raised: bool,
    confirmation: Option<[u8; 8]>,
    /// The device that it is about, if that is another one.
    other: Option<DeviceId>,
}

impl Outcome {
    const fn of(kind: EventKind, code: Code) -> Self {
        Self { kind, code, raised: false, confirmation: None, other: None }
    }
}

impl Scene {
    /// What the device key signed.
    fn signed(&self, signed: &DeviceSigned) -> Signed {
        Signed {
            statement: signed.statement.bytes().to_vec(),
            signature: signed.signature,
            key: Some(self.device.row.device_key),
        }
    }

    fn freshness(&self, action: &PinAction) -> Freshness {
        let closed_at = match action {
            PinAction::Open { .. } => self.token.state.closed_by_other_than(self.device.row.device),
            _ => UnixSeconds::EPOCH,
        };
        Freshness { now: self.clock.now(), restored_at: self.restored_at, closed_at }
    }

    /// The first answer is final; what has ended another way cannot be answered.
    fn answer_confirmation(
        &mut self,
        stored: Option<&mut StoredConfirmation>,
        answer: ConfirmationState,
    ) -> (Code, EventKind) {
        // With a clock that went back nothing tells whether there is still time.
        let Some(now) = self.clock.trusted() else { return (Code::Internal, EventKind::NotExecuted) };
        let Some(stored) = stored.filter(|stored| stored.token == self.device.key.token) else {
            return (Code::ConfirmationUnknown, EventKind::NotExecuted);
        };
        match stored.state(&self.token, now) {
            ConfirmationState::Pending => {
                stored.end(&mut self.token, answer, Some(self.device.row.device), now);
                (Code::Ok, EventKind::ConfirmationAnswered)
            }
            ConfirmationState::Expired => (Code::ConfirmationExpired, EventKind::NotExecuted),
            _ => (Code::ConfirmationUnknown, EventKind::NotExecuted),
        }
    }

    fn close(&mut self) {
        self.token.state.close(Closer::Device(self.device.row.device), self.clock.now());
    }
}
