//! Receipts, and the outbox of events that somebody outside has to be told of.
//!
//! Both are of one size whatever they say: a row that tells of duress looks like any other.

use cardea_protocol::token::{DeviceId, TokenId};

use super::seal::Table;
use super::{Decoder, Encoder, Token, Vault, VaultError};
use crate::clock::UnixSeconds;
use crate::storage::rows::{DeviceKey, JournalRows, MetaRows, ReceiptRow};
use crate::storage::{Sealed, Transaction};

/// Room for the longest statement.
const STATEMENT_ROOM: u8 = 122;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal,)*) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            const fn number(self) -> u8 {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its name in logs and messages.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    /// A PIN opened the token.
    Opened = 1 "opened",
    /// A device closed the token.
    Closed = 2 "closed",
    /// A PIN was wrong.
    PinRejected = 3 "pin.rejected",
    /// An operation was right but not executed.
    NotExecuted = 4 "operation.not_executed",
    /// The PINs were replaced.
    PinsChanged = 5 "pins.changed",
    /// The device's static key was replaced.
    KeyRotated = 6 "key.rotated",
    /// The device gave itself up.
    Unenrolled = 7 "unenrolled",
    /// A relying party's check ended a single-use opening.
    Consumed = 8 "consumed",
    /// A device enrolled.
    Enrolled = 9 "enrolled",
    /// Two holders of one device's state were proved.
    CloneProved = 10 "clone.proved",
    /// A live device with a foreign state appeared.
    Suspended = 11 "device.suspended",
    /// A device resynced after a restore.
    Resynced = 12 "device.resynced",
    /// An administrator blocked the token.
    Blocked = 13 "blocked",
    /// An administrator lifted the block.
    Unblocked = 14 "unblocked",
    /// An administrator closed the token.
    ForcedClose = 15 "closed.forced",
    /// An administrator cleared duress.
    DuressCleared = 16 "duress.cleared",
    /// An administrator deleted the token.
    Deleted = 17 "deleted",
    /// Somebody confirmed the short authentication string.
    Confirmed = 18 "enrollment.confirmed",
}

/// Something that happened to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// To which token.
    pub token: TokenId,
    /// By which device; `None` when an administrator or a relying party did it.
    pub device: Option<DeviceId>,
    /// When it was committed.
    pub at: UnixSeconds,
    /// The token is under duress.
    pub duress: bool,
    /// And it was not before.
    pub duress_raised: bool,
    /// The device has no tries left.
    pub tries_used_up: bool,
}

impl Event {
    /// An event that a device caused.
    pub(super) const fn by_device(kind: EventKind, token: &Token, key: &DeviceKey, at: UnixSeconds) -> Self {
        Self { device: Some(DeviceId::new(key.number)), ..Self::by_administrator(kind, token, at) }
    }

    /// An event that an administrator caused.
    pub(super) const fn by_administrator(kind: EventKind, token: &Token, at: UnixSeconds) -> Self {
        let duress = token.state.is_under_duress();
        Self { kind, token: token.id, device: None, at, duress, duress_raised: false, tries_used_up: false }
    }

    /// A relying party's check ended a single-use opening.
    pub(super) const fn consumed(token: &Token, at: UnixSeconds) -> Self {
        Self::by_administrator(EventKind::Consumed, token, at)
    }

    /// Whether an operator should look at it.
    #[must_use]
    pub const fn is_alert(&self) -> bool {
        self.duress_raised || self.tries_used_up || matches!(self.kind, EventKind::CloneProved | EventKind::Suspended)
    }
}

/// A signed statement and what it came to: anyone with the token's public keys can check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its number in the instance.
    pub seq: u64,
    /// When it was committed.
    pub at: UnixSeconds,
    /// The statement.
    pub statement: Vec<u8>,
    /// The signature over it.
    pub signature: [u8; 64],
    /// The code that the device was told.
    pub code: u8,
    /// Whether it acted in the shadow.
    pub duress: bool,
}

impl Vault {
    /// Adds an event to the outbox.
    pub(super) fn record(&self, tx: &mut dyn Transaction, event: &Event) -> Result<(), VaultError> {
        let seq = tx.next_number("outbox")?;
        let mut content = Encoder::new();
        content
            .u8(event.kind.number())
            .put(event.token.bytes())
            .optional(event.device.as_ref().map(DeviceId::bytes))
            .time(event.at)
            .flag(event.duress)
            .flag(event.duress_raised)
            .flag(event.tries_used_up);
        let sealed = self.seal(Table::Outbox, &[&seq.to_le_bytes()], 1, &content);
        Ok(tx.insert_event(seq, &sealed.bytes)?)
    }

    /// At most `limit` events that were not delivered yet, oldest first, each with its number.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn events(&self, tx: &mut dyn Transaction, limit: u32) -> Result<Vec<(u64, Event)>, VaultError> {
        let stored = self.stored_events(tx, limit)?;
        stored.into_iter().map(|(seq, event)| event.map(|event| (seq, event))).collect()
    }

    /// As [`Vault::events`], with the damaged rows among them: one of those must not hold up the alerts behind it.
    ///
    /// # Errors
    /// Storage failed.
    #[expect(clippy::type_complexity, reason = "a number and what is behind it")]
    pub fn stored_events(
        &self,
        tx: &mut dyn Transaction,
        limit: u32,
    ) -> Result<Vec<(u64, Result<Event, VaultError>)>, VaultError> {
        let open = |seq: u64, bytes: Vec<u8>| {
            let sealed = Sealed { ver: 1, bytes };
            let content = self.sealer.open(Table::Outbox, &[&seq.to_le_bytes()], &sealed)?;
            let mut decoder = Decoder::new(Table::Outbox, &content);
            let event = Event {
                kind: EventKind::from_number(decoder.u8()?).ok_or(decoder.damaged())?,
                token: TokenId::new(decoder.array()?),
                device: decoder.optional()?.map(DeviceId::new),
                at: decoder.time()?,
                duress: decoder.flag()?,
                duress_raised: decoder.flag()?,
                tries_used_up: decoder.flag()?,
            };
            decoder.end()?;
            Ok(event)
        };
        Ok(tx.events(0, limit)?.into_iter().map(|(seq, bytes)| (seq, open(seq, bytes))).collect())
    }

    /// Removes the events up to and with number `seq`: they have been delivered.
    ///
    /// # Errors
    /// Storage failed.
    pub fn delivered(&self, tx: &mut dyn Transaction, seq: u64) -> Result<(), VaultError> {
        tx.delete_events(seq)?;
        Ok(())
    }

    pub(super) fn add_receipt(
        &self,
        tx: &mut dyn Transaction,
        key: &DeviceKey,
        receipt: &Receipt,
    ) -> Result<(), VaultError> {
        let seq = tx.next_number("receipt")?;
        let mut content = Encoder::new();
        content
            .put(&key.number)
            .padded(&receipt.statement, STATEMENT_ROOM)?
            .put(&receipt.signature)
            .u8(receipt.code)
            .flag(receipt.duress);
        let binding: [&[u8]; 3] = [&seq.to_le_bytes(), &key.token, &receipt.at.get().to_le_bytes()];
        let sealed = self.seal(Table::Receipt, &binding, 1, &content).bytes;
        Ok(tx.insert_receipt(&ReceiptRow { seq, token: key.token, at: receipt.at, sealed })?)
    }

    /// At most `limit` receipts of a token with numbers above `after`, oldest first.
    ///
    /// # Errors
    /// A row is damaged; storage failed.
    pub fn receipts(
        &self,
        tx: &mut dyn Transaction,
        token: TokenId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Receipt>, VaultError> {
        let open = |row: ReceiptRow| {
            let binding: [&[u8]; 3] = [&row.seq.to_le_bytes(), &row.token, &row.at.get().to_le_bytes()];
            let content = self.sealer.open(Table::Receipt, &binding, &Sealed { ver: 1, bytes: row.sealed })?;
            let mut decoder = Decoder::new(Table::Receipt, &content);
            decoder.take(4)?;
            let receipt = Receipt {
                seq: row.seq,
                at: row.at,
                statement: decoder.padded(STATEMENT_ROOM)?.to_vec(),
                signature: decoder.array()?,
                code: decoder.u8()?,
                duress: decoder.flag()?,
            };
            decoder.end()?;
            Ok(receipt)
        };
        tx.receipts_of(token.bytes(), after, limit)?.into_iter().map(open).collect()
    }
}
