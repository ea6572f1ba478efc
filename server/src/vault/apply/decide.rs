//! What an operation comes to: it is judged and executed on what was loaded, and writes the same rows whatever the PIN was.

use cardea_protocol::Code;

use super::{Outcome, Scene};
use crate::clock::UnixSeconds;
use crate::domain::confirmation::ConfirmationState;
use crate::domain::freshness::Freshness;
use crate::domain::world::cap_of_win;
use crate::storage::rows::{DeviceKey, DeviceRows};
use crate::storage::{StorageError, Transaction};
use crate::vault::confirmations::StoredConfirmation;
use crate::vault::devices::{Device, DeviceSigned};
use crate::vault::operation::PinAction;
use crate::vault::slots::{Judgement, SlotSets};
use crate::vault::{EventKind, Signed, Vault, VaultError};

/// What an operation touches beside device and token.
#[derive(Default)]
struct Beside {
    confirmation: Option<StoredConfirmation>,
    other: Option<Device>,
}

impl Vault {
    /// Decides an operation that a PIN signs; writes slots and journal, which are the same rows whatever the PIN was.
    pub(super) fn decide(
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
        if sets.ver != judgement.slots_ver || scene.token.state.openness().is_under_duress() != judgement.under_duress {
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
                raised = !scene.token.state.openness().is_under_duress();
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
        sets: &mut SlotSets,
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
                sets.replace(entries, state.openness().is_under_duress(), &*self.entropy);
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
                let approved = match state.openness().is_under_duress() {
                    true => ConfirmationState::Duress,
                    false => ConfirmationState::Approved,
                };
                scene.answer_confirmation(beside.confirmation.as_mut(), approved)
            }
            PinAction::RevokeDevice(_) => match beside.other.as_mut().filter(|other| !other.row.revoked) {
                None => (Code::Policy, EventKind::NotExecuted),
                Some(other) => {
                    other.row.revoked = true;
                    other.given_up_under_duress = state.openness().is_under_duress();
                    // Whatever the other one has opened is not to stay open.
                    scene.close();
                    (Code::Ok, EventKind::DeviceRevoked)
                }
            },
        }
    }

    /// A device denies a confirmation. Under duress, too: that harms nobody.
    pub(super) fn deny(
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
}

impl Scene {
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
}
