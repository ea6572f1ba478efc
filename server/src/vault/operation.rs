//! What devices ask for, and what they are told.

use std::sync::Arc;

use cardea_protocol::Code;
use cardea_protocol::limits::{SLOTS, VERSION};
use cardea_protocol::token::{DeviceId, DeviceStatus};
use cardea_protocol::wire::{Op, PinEntry, Reply};

use super::devices::DeviceSigned;
use super::slots::Judgement;
use crate::clock::UnixSeconds;
use crate::storage::rows::DeviceKey;

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
    /// Whether the service tells its devices that somebody has checked the closed token.
    pub tells_checks: bool,
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
    /// What [`Vault::settle_lost`](super::Vault::settle_lost) needs in case that this is not what happens next.
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
