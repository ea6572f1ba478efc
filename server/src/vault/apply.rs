//! The one transaction of an operation (rule 14 of the ratchet's table): ratchet row, counter, both worlds, slots and
//! the journal, or nothing of it.

mod decide;

use cardea_protocol::Code;
use cardea_protocol::ratchet::Row;
use cardea_protocol::token::DeviceId;

use super::attempts::Attempts;
use super::devices::{Device, DeviceSigned, answer};
use super::operation::{Action, Applied, DeviceAnswer, Operation, PinAction};
use super::{Event, EventKind, Service, Signed, Token, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::domain::token::Closer;
use crate::domain::world::ClockReading;
use crate::storage::{StorageError, Transaction};

/// What is loaded, decided on, and stored.
struct Scene {
    token: Token,
    device: Device,
    attempts: Attempts,
    service: Service,
    restored_at: UnixSeconds,
    clock: ClockReading,
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
        if token.state.openness().is_blocked() {
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
        scene.device.given_up_under_duress |= gives_up && scene.token.state.openness().is_under_duress();
        scene.device.row = row;
        scene.device.seen_at = clock.now();
        self.put_device(tx, &mut scene.device)?;
        self.put_throttle(tx, &key, &scene.attempts)?;
        self.put_token(tx, &mut scene.token)?;
        self.mark_time(tx, clock)?;
        Ok(Applied { answer: told, output, version: scene.device.ver })
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

    fn close(&mut self) {
        self.token.state.close(Closer::Device(self.device.row.device), self.clock.now());
    }
}
