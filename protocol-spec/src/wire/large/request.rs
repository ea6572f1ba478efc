//! What a device asks in large cells.

use core::fmt;

use super::LARGE_LEN;
use crate::limits::SLOTS;
use crate::token::DeviceId;
use crate::wire::cell::Op;
use crate::wire::codec::{DecodeError, Reader, Writer};

/// One entry of SET_PINS: `kind 1, key 32`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PinEntry {
    /// A biometric slot with the normal role (kind 1) and not a PIN slot (kind 0).
    pub biometric: bool,
    /// Ed25519 verification key.
    pub key: [u8; 32],
}

/// SET_PINS: `op, win, time 4, 4 x entry 33, signature 64`. Entry 0 is the new key of the role that signs; the others
/// are duress, biometric or random.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SetPins {
    /// The device's clock in Unix seconds.
    pub time: u32,
    /// The whole new set.
    pub entries: [PinEntry; SLOTS],
    /// Signature of the old key of entry 0's role.
    pub signature: [u8; 64],
}

impl SetPins {
    /// What the statement's extension hashes: the entries as they stand in the cell.
    #[must_use]
    pub fn entries_bytes(entries: &[PinEntry; SLOTS]) -> [u8; SLOTS * 33] {
        let mut bytes = [0; SLOTS * 33];
        let mut writer = Writer::new(&mut bytes);
        for entry in entries {
            writer.u8(u8::from(entry.biometric)).put(&entry.key);
        }
        bytes
    }
}

/// ROTATE: `op, win, time 4, new static key 32, signature 64`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rotate {
    /// The device's clock in Unix seconds.
    pub time: u32,
    /// The device's next X25519 static key.
    pub key: [u8; 32],
    /// Signature of the PIN key.
    pub signature: [u8; 64],
}

/// REVOKE_DEVICE: `op, win, time 4, device 4, signature 64`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RevokeDevice {
    /// The device's clock in Unix seconds.
    pub time: u32,
    /// Which device goes.
    pub device: DeviceId,
    /// Signature of the PIN key.
    pub signature: [u8; 64],
}

/// EVAL, reserved for PIN suite 2: `op, element 32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eval {
    /// Blinded or evaluated element.
    pub element: [u8; 32],
}

/// A large cell from the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LargeRequest {
    /// Replace all PIN keys.
    SetPins(SetPins),
    /// Replace the static key.
    Rotate(Rotate),
    /// Revoke another device.
    RevokeDevice(RevokeDevice),
    /// Reserved.
    Eval(Eval),
}

impl LargeRequest {
    /// Its operation.
    #[must_use]
    pub const fn op(&self) -> Op {
        match self {
            Self::SetPins(_) => Op::SetPins,
            Self::Rotate(_) => Op::Rotate,
            Self::RevokeDevice(_) => Op::RevokeDevice,
            Self::Eval(_) => Op::Eval,
        }
    }

    /// Encodes.
    #[must_use]
    pub fn encode(&self) -> [u8; LARGE_LEN] {
        let mut bytes = [0; LARGE_LEN];
        let mut writer = Writer::new(&mut bytes);
        writer.u8(self.op().number());
        match self {
            Self::SetPins(message) => {
                writer.u8(0).u32(message.time).put(&SetPins::entries_bytes(&message.entries)).put(&message.signature);
            }
            Self::Rotate(message) => {
                writer.u8(0).u32(message.time).put(&message.key).put(&message.signature);
            }
            Self::RevokeDevice(message) => {
                writer.u8(0).u32(message.time).put(message.device.bytes()).put(&message.signature);
            }
            Self::Eval(message) => {
                writer.put(&message.element);
            }
        }
        bytes
    }

    /// Decodes.
    ///
    /// # Errors
    /// Not a large request of version 1, or not its one valid encoding.
    pub fn decode(bytes: &[u8; LARGE_LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let number = reader.u8()?;
        let header = |reader: &mut Reader<'_>| match reader.u8()? {
            0 => reader.u32(),
            _ => Err(DecodeError::Field("win")),
        };
        let message = match Op::from_number(number) {
            Some(Op::SetPins) => {
                let time = header(&mut reader)?;
                let mut entries = [PinEntry { biometric: false, key: [0; 32] }; SLOTS];
                for (index, entry) in entries.iter_mut().enumerate() {
                    entry.biometric = match (reader.u8()?, index) {
                        (0, _) => false,
                        (1, 1) => true,
                        _ => return Err(DecodeError::Field("slot kind")),
                    };
                    entry.key = *reader.array()?;
                }
                Self::SetPins(SetPins { time, entries, signature: *reader.array()? })
            }
            Some(Op::Rotate) => {
                Self::Rotate(Rotate { time: header(&mut reader)?, key: *reader.array()?, signature: *reader.array()? })
            }
            Some(Op::RevokeDevice) => Self::RevokeDevice(RevokeDevice {
                time: header(&mut reader)?,
                device: DeviceId::new(*reader.array()?),
                signature: *reader.array()?,
            }),
            Some(Op::Eval) => Self::Eval(Eval { element: *reader.array()? }),
            _ => return Err(DecodeError::Kind(number)),
        };
        reader.padding()?;
        Ok(message)
    }
}

// None of these prints a key or a signature: with a device's salt they tell which PIN was typed.

impl fmt::Debug for PinEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PinEntry").field("biometric", &self.biometric).finish_non_exhaustive()
    }
}

impl fmt::Debug for SetPins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetPins").field("time", &self.time).finish_non_exhaustive()
    }
}

impl fmt::Debug for Rotate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotate").field("time", &self.time).finish_non_exhaustive()
    }
}

impl fmt::Debug for RevokeDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevokeDevice").field("time", &self.time).field("device", &self.device).finish_non_exhaustive()
    }
}
