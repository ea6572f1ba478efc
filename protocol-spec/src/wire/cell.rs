//! Cells (specification, chapter 3): the fixed-size content of operate and warm frames.

use core::fmt;

use super::codec::{DecodeError, Reader, Writer};
use crate::error::Code;
use crate::limits::{CONFIRMATIONS_PENDING, SUBSCRIPTION_MASK, WINDOW_MAX};
use crate::token::DeviceStatus;

/// Encoded length of a request cell in bytes.
pub const REQUEST_LEN: usize = 70;
/// Encoded length of a reply cell in bytes.
pub const REPLY_LEN: usize = 14;

/// Bits of the high byte of `aux` that say which confirmations wait.
const WAITING_MASK: u8 = (1 << CONFIRMATIONS_PENDING) - 1;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// Operations and pushes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Op {
            $($(#[$doc])* $name,)*
        }

        impl Op {
            /// Every operation, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            /// The operation with this number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

operations! {
    /// Pre-warm and keepalive. Unsigned.
    Ping = 0x00,
    /// Open the token. Signed with the PIN key.
    Open = 0x01,
    /// Close the token. Signed with the device key.
    Close = 0x02,
    /// Status and remaining time. Unsigned.
    Status = 0x03,
    /// Ask for pushes; `win` is the mask. Unsigned.
    Subscribe = 0x04,
    /// Approve a confirmation; `win` is its index. Signed with the PIN key.
    Confirm = 0x05,
    /// Deny a confirmation; `win` is its index and the reason. Signed with the device key.
    Deny = 0x06,
    /// Ask what became of an attempt whose reply was lost. Unsigned; carries the declared attempt.
    Recover = 0x08,
    /// Replace all PIN keys. Large, signed with the PIN key.
    SetPins = 0x10,
    /// Replace the device's static key. Large, signed with the PIN key.
    Rotate = 0x11,
    /// Give the token up. Signed with the PIN key.
    Unenroll = 0x12,
    /// Ask for the server's key records. Unsigned, large reply.
    KeyRecords = 0x13,
    /// PIN suite 2, reserved. Large.
    Eval = 0x14,
    /// Service name, user label, colors. Unsigned, large reply.
    Info = 0x15,
    /// The token's devices. Unsigned, large reply.
    Devices = 0x16,
    /// What happened to the token; `win` is the page. Unsigned, large reply.
    History = 0x17,
    /// A receipt; `win` is its index, newest first. Unsigned, large reply.
    Receipts = 0x18,
    /// Revoke another device of the token. Large, signed with the PIN key.
    RevokeDevice = 0x19,
    /// Prove the device's keys after its hint was unknown. Signed with the device key.
    Resync = 0x1f,
    /// Push: the state changed.
    PushState = 0x40,
    /// Push: a confirmation is asked. Large.
    PushConfirmation = 0x41,
    /// Push: a new server key record. Large.
    PushKeyRecord = 0x42,
    /// Push: this device was revoked, or another session took over.
    PushRevoked = 0x43,
    /// Push: someone checked the closed token.
    PushAttempt = 0x44,
}

/// Who signs an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// Nobody; the signature field is zero (and encrypted like any other).
    Nobody,
    /// The key derived from the PIN.
    Pin,
    /// The device key, which no PIN protects.
    Device,
}

impl Op {
    /// Who signs it.
    #[must_use]
    pub const fn signer(self) -> Signer {
        match self {
            Self::Open | Self::Confirm | Self::SetPins | Self::Rotate | Self::Unenroll | Self::RevokeDevice => {
                Signer::Pin
            }
            Self::Close | Self::Deny | Self::Resync => Signer::Device,
            _ => Signer::Nobody,
        }
    }

    /// Whether it travels as a request cell (the others are large, or pushes).
    #[must_use]
    pub const fn is_small_request(self) -> bool {
        !matches!(
            self,
            Self::SetPins
                | Self::Rotate
                | Self::Eval
                | Self::RevokeDevice
                | Self::PushState
                | Self::PushConfirmation
                | Self::PushKeyRecord
                | Self::PushRevoked
                | Self::PushAttempt
        )
    }

    /// Whether its reply is large, so that it travels only in a warm session.
    #[must_use]
    pub const fn has_large_reply(self) -> bool {
        matches!(
            self,
            Self::SetPins
                | Self::Rotate
                | Self::KeyRecords
                | Self::Eval
                | Self::Info
                | Self::Devices
                | Self::History
                | Self::Receipts
                | Self::RevokeDevice
        )
    }

    /// Whether its reply is a reply cell in a warm session.
    pub(crate) const fn has_small_reply(self) -> bool {
        self.is_small_request() && !self.has_large_reply() && !matches!(self, Self::Recover | Self::Resync)
    }
}

/// A request cell: `op 1, win 1, time 4, signature 64`.
///
/// RECOVER has no signature: the first half of that field names the declared attempt, `win` and `time` are zero.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The operation.
    pub op: Op,
    /// OPEN: 0 for the service's window, else a cap of 2^win seconds, win at most 31. SUBSCRIBE: the mask. CONFIRM: the
    /// index. DENY: the index in the low half, the reason in the high half. HISTORY: the page. RECEIPTS: the index.
    /// Zero everywhere else.
    pub win: u8,
    /// The device's clock in Unix seconds.
    pub time: u32,
    /// Ed25519 signature over the statement; zero where nobody signs.
    pub signature: [u8; 64],
}

impl Request {
    /// A request that asks what became of `declared`.
    #[must_use]
    pub fn recover(declared: &[u8; 32]) -> Self {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(declared);
        Self { op: Op::Recover, win: 0, time: 0, signature }
    }

    /// The attempt that a RECOVER declares.
    #[must_use]
    pub fn declared(&self) -> Option<[u8; 32]> {
        let half = self.signature.first_chunk().copied();
        if self.op == Op::Recover { half } else { None }
    }

    /// Encodes.
    #[must_use]
    pub fn encode(&self) -> [u8; REQUEST_LEN] {
        let mut bytes = [0; REQUEST_LEN];
        Writer::new(&mut bytes).u8(self.op.number()).u8(self.win).u32(self.time).put(&self.signature);
        bytes
    }

    /// Decodes.
    ///
    /// # Errors
    /// Not a small request, a field is out of its range, or one that this operation does not use is not zero.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let number = reader.u8()?;
        let request = Self {
            op: Op::from_number(number).filter(|op| op.is_small_request()).ok_or(DecodeError::Kind(number))?,
            win: reader.u8()?,
            time: reader.u32()?,
            signature: *reader.array()?,
        };
        reader.end()?;
        let win = request.win;
        let in_range = match request.op {
            Op::Open => win <= WINDOW_MAX,
            Op::Subscribe => win & !SUBSCRIPTION_MASK == 0,
            Op::Confirm => win < CONFIRMATIONS_PENDING,
            Op::Deny => win & 0x0f < CONFIRMATIONS_PENDING,
            Op::History | Op::Receipts => true,
            _ => win == 0,
        };
        if !in_range {
            return Err(DecodeError::Field("win"));
        }
        let unsigned = match request.op {
            Op::Recover => {
                if request.time != 0 {
                    return Err(DecodeError::Field("time"));
                }
                &request.signature[32..]
            }
            op if op.signer() == Signer::Nobody => &request.signature[..],
            _ => &[],
        };
        if unsigned.iter().any(|byte| *byte != 0) {
            return Err(DecodeError::Padding);
        }
        Ok(request)
    }
}

impl fmt::Debug for Request {
    /// Without the signature: with a device's salt it tells which PIN was typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("op", &self.op)
            .field("win", &self.win)
            .field("time", &self.time)
            .finish_non_exhaustive()
    }
}

/// A reply or push cell: `op 1, status 1, code 1, tries 1, server time 4, until 4, aux 2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// The operation that it answers, or the push.
    pub op: Op,
    /// The token's status as this device may see it.
    pub status: DeviceStatus,
    /// How it went.
    pub code: Code,
    /// Wrong PINs left before the device is blocked.
    pub tries: u8,
    /// The server's clock in Unix seconds.
    pub server_time: u32,
    /// When the status ends (open, waiting or blocked), in Unix seconds; 0 if it does not end by itself.
    pub until: u32,
    /// RECOVER: 0, or 0x100 plus the code of the declared attempt. RESYNC: the verdict. Push ATTEMPT: how many. Else the
    /// high byte says which confirmations wait, and the low byte is the granted mask of a SUBSCRIBE, or the server's
    /// protocol versions: highest in its high half, lowest in its low half; 0 in a push STATE.
    pub aux: u16,
}

impl Reply {
    /// `aux` of a server that speaks the protocol versions `min` to `max`.
    #[must_use]
    pub fn versions(min: u8, max: u8) -> u16 {
        u16::from(max << 4 | min & 0x0f)
    }

    /// `aux` with one bit for each confirmation that waits, bit 0 of `mask` for the one with index 0.
    #[must_use]
    pub fn with_waiting(aux: u16, mask: u8) -> u16 {
        aux & 0xff | u16::from(mask & WAITING_MASK) << 8
    }

    /// One bit for each confirmation that waits; 0 in replies and pushes that do not say.
    #[must_use]
    pub const fn waiting(&self) -> u8 {
        let [_, high] = self.aux.to_le_bytes();
        match self.op {
            Op::Recover | Op::Resync | Op::PushConfirmation | Op::PushKeyRecord | Op::PushRevoked | Op::PushAttempt => {
                0
            }
            _ => high & WAITING_MASK,
        }
    }

    /// Encodes.
    #[must_use]
    pub fn encode(&self) -> [u8; REPLY_LEN] {
        let mut bytes = [0; REPLY_LEN];
        Writer::new(&mut bytes)
            .u8(self.op.number())
            .u8(self.status.number())
            .u8(self.code.number())
            .u8(self.tries)
            .u32(self.server_time)
            .u32(self.until)
            .u16(self.aux);
        bytes
    }

    /// Decodes.
    ///
    /// # Errors
    /// An unknown operation, status or code, or another length than [`REPLY_LEN`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let number = reader.u8()?;
        let reply = Self {
            op: Op::from_number(number).ok_or(DecodeError::Kind(number))?,
            status: DeviceStatus::from_number(reader.u8()?).ok_or(DecodeError::Field("status"))?,
            code: Code::from_number(reader.u8()?).ok_or(DecodeError::Field("code"))?,
            tries: reader.u8()?,
            server_time: reader.u32()?,
            until: reader.u32()?,
            aux: reader.u16()?,
        };
        reader.end()?;
        Ok(reply)
    }
}
