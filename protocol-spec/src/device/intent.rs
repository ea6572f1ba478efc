//! What a holder may want, and how it is signed.

use crate::crypto::Provider;
use crate::error::{ApiMisuse, ProtocolError};
use crate::limits::{CONFIRMATIONS_PENDING, SUBSCRIPTION_MASK, WINDOW_MAX};
use crate::pin::PinKey;
use crate::statement::{Context, Extension, Statement};
use crate::wire::{Op, Request};

use super::Record;

/// An operation of the holder, with the key that it needs.
#[derive(Debug)]
pub enum Intent<'a> {
    /// Say hello and hear the status.
    Ping,
    /// Hear the status and when it ends.
    Status,
    /// Open.
    Open {
        /// 0 for the service's window, else at most `2^window` seconds; up to 31.
        window: u8,
        /// From the PIN just typed.
        key: &'a PinKey,
    },
    /// Close.
    Close,
    /// Ask for pushes.
    Subscribe {
        /// Which: bit 0 state, bit 1 confirmations, bit 2 attempts.
        mask: u8,
    },
    /// Approve a confirmation.
    Confirm {
        /// Its index (0 to 2).
        index: u8,
        /// Its id.
        id: &'a [u8; 8],
        /// The text as it was shown.
        text: &'a str,
        /// From the PIN just typed.
        key: &'a PinKey,
    },
    /// Deny a confirmation.
    Deny {
        /// Its index (0 to 2).
        index: u8,
        /// Why: 0 unsaid, 1 cancelled, 2 "this was not me" (0 to 15).
        reason: u8,
        /// Its id.
        id: &'a [u8; 8],
        /// The text as it was shown.
        text: &'a str,
    },
    /// Give the token up.
    Unenroll {
        /// From the PIN just typed.
        key: &'a PinKey,
    },
    /// Ask for the server's key records. Warm only.
    KeyRecords,
    /// Ask for names and colors. Warm only.
    Info,
    /// Ask for the token's devices. Warm only.
    Devices,
    /// Ask for a page of history. Warm only.
    History {
        /// 0 is the newest page.
        page: u8,
    },
    /// Ask for a receipt. Warm only.
    Receipt {
        /// 0 is the newest.
        index: u8,
    },
}

impl Intent<'_> {
    /// Its operation.
    #[must_use]
    pub const fn op(&self) -> Op {
        match self {
            Self::Ping => Op::Ping,
            Self::Status => Op::Status,
            Self::Open { .. } => Op::Open,
            Self::Close => Op::Close,
            Self::Subscribe { .. } => Op::Subscribe,
            Self::Confirm { .. } => Op::Confirm,
            Self::Deny { .. } => Op::Deny,
            Self::Unenroll { .. } => Op::Unenroll,
            Self::KeyRecords => Op::KeyRecords,
            Self::Info => Op::Info,
            Self::Devices => Op::Devices,
            Self::History { .. } => Op::History,
            Self::Receipt { .. } => Op::Receipts,
        }
    }

    /// Whether every argument is in its range.
    pub(crate) const fn check(&self) -> Result<(), ProtocolError> {
        let fits = match self {
            Self::Open { window, .. } => *window <= WINDOW_MAX,
            Self::Subscribe { mask } => *mask & !SUBSCRIPTION_MASK == 0,
            Self::Confirm { index, .. } => *index < CONFIRMATIONS_PENDING,
            Self::Deny { index, reason, .. } => *index < CONFIRMATIONS_PENDING && *reason < 16,
            _ => true,
        };
        if fits { Ok(()) } else { Err(ProtocolError::ApiMisuse(ApiMisuse::OutOfRange)) }
    }

    /// The request cell, signed where it must be.
    pub(crate) fn request<P: Provider>(&self, record: &Record, time: u32, context: &Context) -> Request {
        let op = self.op();
        let (win, extension) = match self {
            Self::Open { window, .. } => (*window, Extension::None),
            Self::Subscribe { mask } => (*mask, Extension::None),
            Self::Confirm { index, id, text, .. } => (*index, Extension::Confirmation { id, text }),
            Self::Deny { index, reason, id, text } => {
                (reason << 4 | index & 0x0f, Extension::Confirmation { id, text })
            }
            Self::History { page } => (*page, Extension::None),
            Self::Receipt { index } => (*index, Extension::None),
            _ => (0, Extension::None),
        };
        let statement = || Statement::new::<P>(op, win, time, context, extension);
        let signature = match self {
            Self::Open { key, .. } | Self::Confirm { key, .. } | Self::Unenroll { key } => {
                key.sign::<P>(statement().bytes())
            }
            Self::Close | Self::Deny { .. } => P::ed25519_sign(&record.device_key, statement().bytes()),
            _ => [0; 64],
        };
        Request { op, win, time, signature }
    }
}
