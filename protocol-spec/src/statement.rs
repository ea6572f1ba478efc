//! Statements (specification, chapter 6): what a device signs. They are never sent: both sides build them from what
//! they know. Stored with their signature they are the receipts.

use crate::crypto::Provider;
use crate::limits::SLOTS;
use crate::token::{DeviceId, TokenId};
use crate::wire::{Op, PinEntry, SetPins, Writer};

mod receipt;

pub use receipt::{About, Beside, ReceiptView, SignedError};

const LABEL: &[u8; 12] = b"cardea1 stmt";

/// Length in bytes of a statement without extension.
pub const STATEMENT_LEN: usize = 82;
/// Longest extension in bytes: a confirmation's id and the SHA-256 of its text.
const EXTENSION_MAX: usize = 40;

/// What some operations add to the statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension<'a> {
    /// Nothing.
    None,
    /// CONFIRM and DENY: which text.
    Confirmation {
        /// Id of the confirmation.
        id: &'a [u8; 8],
        /// Its text as shown.
        text: &'a str,
    },
    /// SET_PINS: the new set.
    Pins(&'a [PinEntry; SLOTS]),
    /// ROTATE: the new static key.
    Key(&'a [u8; 32]),
    /// REVOKE_DEVICE: which device.
    Device(&'a DeviceId),
}

/// Where a statement belongs: no statement can be moved to another token, device, session or moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Generation of the ratchet record in use.
    pub generation: u64,
    /// 0 in a cold request, the Noise nonce in a warm one.
    pub sequence: u32,
    /// The token.
    pub token: TokenId,
    /// The device.
    pub device: DeviceId,
    /// Cold: SHA-256 of prologue, server key, device key and ephemeral. Warm: the handshake hash.
    pub bind: [u8; 32],
}

impl Context {
    /// `bind` of a cold request: everything in clear that makes it this request.
    pub(crate) fn cold_bind<P: Provider>(
        prologue: &[&[u8]; 3],
        server: &[u8; 32],
        device: &[u8; 32],
        e: &[u8; 32],
    ) -> [u8; 32] {
        let [label, first, clear] = prologue;
        P::sha256(&[label, first, clear, server, device, e])
    }
}

/// The signed bytes: `label 12, op 1, win 1, time 4, generation 8, sequence 4, token 16, device 4, bind 32`, extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement {
    bytes: [u8; STATEMENT_LEN + EXTENSION_MAX],
    length: u8,
}

impl Statement {
    /// Builds the statement of an operation.
    #[must_use]
    pub fn new<P: Provider>(op: Op, win: u8, time: u32, context: &Context, extension: Extension<'_>) -> Self {
        let mut bytes = [0; STATEMENT_LEN + EXTENSION_MAX];
        let mut writer = Writer::new(&mut bytes);
        writer.put(LABEL).u8(op.number()).u8(win).u32(time).u64(context.generation).u32(context.sequence);
        writer.put(context.token.bytes()).put(context.device.bytes()).put(&context.bind);
        let length = match extension {
            Extension::None => 82,
            Extension::Confirmation { id, text } => {
                writer.put(id).put(&P::sha256(&[text.as_bytes()]));
                122
            }
            Extension::Pins(entries) => {
                writer.put(&P::sha256(&[&SetPins::entries_bytes(entries)]));
                114
            }
            Extension::Key(key) => {
                writer.put(key);
                114
            }
            Extension::Device(device) => {
                writer.put(device.bytes());
                86
            }
        };
        Self { bytes, length }
    }

    /// The bytes to sign or to verify.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&self.bytes)
    }

    /// The key under which an attempt at a PIN is counted once: SHA-256 of statement and signature. The signature is in
    /// it because a guess is a new signature over the same statement.
    #[must_use]
    pub fn attempt_key<P: Provider>(&self, signature: &[u8; 64]) -> [u8; 32] {
        P::sha256(&[self.bytes(), signature])
    }
}
