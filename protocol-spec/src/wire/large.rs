//! Large cells (specification, chapter 3): 238 bytes, warm sessions only. The top bit of the first byte would say
//! "more cells follow"; version 1 has no message that needs it, and refuses it.

use super::cell::{Op, Reply};
use super::codec::{DecodeError, Reader, Writer};
use super::key_record::{KEY_RECORD_LEN, KeyRecord};
use crate::limits::{CONFIRMATION_TEXT, DEVICES_PER_TOKEN, SLOTS};
use crate::statement::STATEMENT_LEN;
use crate::token::{DeviceId, DeviceStatus};

/// Encoded length of a large cell in bytes.
pub const LARGE_LEN: usize = 238;

/// Short text in a large cell: at most `N` bytes of UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

impl<const N: usize> Text<N> {
    /// Copies `text`.
    ///
    /// # Errors
    /// It is longer than `N` bytes.
    pub fn new(text: &str) -> Result<Self, DecodeError> {
        let mut bytes = [0; N];
        bytes.get_mut(..text.len()).ok_or(DecodeError::Field("text"))?.copy_from_slice(text.as_bytes());
        Ok(Self { bytes, length: u8::try_from(text.len()).map_err(|_| DecodeError::Field("text"))? })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.length)).and_then(|bytes| core::str::from_utf8(bytes).ok()).unwrap_or("")
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.u8(self.length).put(&self.bytes);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let length = reader.u8()?;
        let bytes: &[u8; N] = reader.array()?;
        let (text, rest) = bytes.split_at_checked(usize::from(length)).ok_or(DecodeError::Field("text"))?;
        Reader::new(rest).padding()?;
        Self::new(core::str::from_utf8(text).map_err(|_| DecodeError::Field("text"))?)
    }
}

/// One entry of SET_PINS: `kind 1, key 32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinEntry {
    /// A biometric slot with the normal role (kind 1) and not a PIN slot (kind 0).
    pub biometric: bool,
    /// Ed25519 verification key.
    pub key: [u8; 32],
}

/// SET_PINS: `op, win, time 4, 4 x entry 33, signature 64`. Entry 0 is the new key of the role that signs; the others
/// are duress, biometric or random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotate {
    /// The device's clock in Unix seconds.
    pub time: u32,
    /// The device's next X25519 static key.
    pub key: [u8; 32],
    /// Signature of the PIN key.
    pub signature: [u8; 64],
}

/// REVOKE_DEVICE: `op, win, time 4, device 4, signature 64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The server's key records: the current one, and the next if it is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyRecords {
    /// The record to use now.
    pub current: KeyRecord,
    /// The record to use after it.
    pub next: Option<KeyRecord>,
}

/// What the holder sees of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// Name of the service.
    pub service: Text<64>,
    /// Label of the user in it.
    pub label: Text<64>,
    /// Foreground and background, 8-bit RGB each.
    pub colors: [[u8; 3]; 2],
}

/// One device of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceEntry {
    /// Its id.
    pub device: DeviceId,
    /// Platform, as in device information.
    pub platform: u8,
    /// Bit 0: emulated. Bit 1: the asking device.
    pub flags: u8,
    /// Unix seconds.
    pub enrolled_at: u32,
    /// Unix seconds.
    pub last_seen: u32,
}

/// The devices of a token, at most eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Devices(pub [Option<DeviceEntry>; DEVICES_PER_TOKEN]);

/// One line of history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Unix seconds.
    pub time: u32,
    /// Number of the operation that happened.
    pub op: u8,
    /// By which device; zero if none.
    pub device: DeviceId,
}

/// A page of history, newest first, at most sixteen lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History(pub [Option<HistoryEntry>; 16]);

/// One receipt: a statement and its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptEntry {
    /// The statement without its extension.
    pub statement: [u8; STATEMENT_LEN],
    /// The signature over the statement with its extension.
    pub signature: [u8; 64],
}

/// A large reply: a reply cell, then what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LargeReply {
    /// Only the reply cell: SET_PINS, ROTATE, REVOKE_DEVICE, and every refusal.
    Plain(Reply),
    /// KEY RECORDS.
    KeyRecords(Reply, KeyRecords),
    /// INFO.
    Info(Reply, Info),
    /// DEVICES.
    Devices(Reply, Devices),
    /// HISTORY.
    History(Reply, History),
    /// RECEIPTS.
    Receipt(Reply, ReceiptEntry),
    /// EVAL, reserved.
    Eval(Reply, Eval),
}

/// Says in byte 14 of a large reply that something follows the reply cell.
const HAS_CONTENT: u8 = 1;

impl LargeReply {
    /// The reply cell in it.
    #[must_use]
    pub const fn reply(&self) -> &Reply {
        match self {
            Self::Plain(reply)
            | Self::KeyRecords(reply, _)
            | Self::Info(reply, _)
            | Self::Devices(reply, _)
            | Self::History(reply, _)
            | Self::Receipt(reply, _)
            | Self::Eval(reply, _) => reply,
        }
    }

    /// Encodes: `reply cell 14, 0 or 1, content`.
    #[must_use]
    pub fn encode(&self) -> [u8; LARGE_LEN] {
        let mut bytes = [0; LARGE_LEN];
        let mut writer = Writer::new(&mut bytes);
        writer.put(&self.reply().encode());
        writer.u8(if matches!(self, Self::Plain(_)) { 0 } else { HAS_CONTENT });
        match self {
            Self::Plain(_) => {}
            Self::KeyRecords(_, records) => {
                writer.put(&records.current.encode());
                writer.put(&records.next.map_or([0; KEY_RECORD_LEN], |record| record.encode()));
            }
            Self::Info(_, info) => {
                info.service.write(&mut writer);
                info.label.write(&mut writer);
                writer.put(&info.colors[0]).put(&info.colors[1]);
            }
            Self::Devices(_, Devices(entries)) => {
                for entry in entries.iter().flatten() {
                    writer.u8(1).put(entry.device.bytes()).u8(entry.platform).u8(entry.flags);
                    writer.u32(entry.enrolled_at).u32(entry.last_seen);
                }
            }
            Self::History(_, History(entries)) => {
                for entry in entries.iter().flatten() {
                    writer.u8(1).u32(entry.time).u8(entry.op).put(entry.device.bytes());
                }
            }
            Self::Receipt(_, entry) => {
                writer.put(&entry.statement).put(&entry.signature);
            }
            Self::Eval(_, eval) => {
                writer.put(&eval.element);
            }
        }
        bytes
    }

    /// Decodes.
    ///
    /// # Errors
    /// Not a large reply of version 1, or not its one valid encoding.
    pub fn decode(bytes: &[u8; LARGE_LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let reply = Reply::decode(reader.slice(super::cell::REPLY_LEN)?)?;
        let message = match (reader.u8()?, reply.op) {
            (0, op) if op.has_large_reply() => Self::Plain(reply),
            (HAS_CONTENT, Op::KeyRecords) => {
                let current = KeyRecord::decode(reader.slice(KEY_RECORD_LEN)?)?;
                let next = reader.slice(KEY_RECORD_LEN)?;
                let next = if next.iter().all(|byte| *byte == 0) { None } else { Some(KeyRecord::decode(next)?) };
                Self::KeyRecords(reply, KeyRecords { current, next })
            }
            (HAS_CONTENT, Op::Info) => {
                let service = Text::read(&mut reader)?;
                let label = Text::read(&mut reader)?;
                Self::Info(reply, Info { service, label, colors: [*reader.array()?, *reader.array()?] })
            }
            (HAS_CONTENT, Op::Devices) => Self::Devices(
                reply,
                Devices(entries(&mut reader, |reader| {
                    Ok(DeviceEntry {
                        device: DeviceId::new(*reader.array()?),
                        platform: reader.u8()?,
                        flags: reader.u8()?,
                        enrolled_at: reader.u32()?,
                        last_seen: reader.u32()?,
                    })
                })?),
            ),
            (HAS_CONTENT, Op::History) => Self::History(
                reply,
                History(entries(&mut reader, |reader| {
                    Ok(HistoryEntry { time: reader.u32()?, op: reader.u8()?, device: DeviceId::new(*reader.array()?) })
                })?),
            ),
            (HAS_CONTENT, Op::Receipts) => {
                Self::Receipt(reply, ReceiptEntry { statement: *reader.array()?, signature: *reader.array()? })
            }
            (HAS_CONTENT, Op::Eval) => Self::Eval(reply, Eval { element: *reader.array()? }),
            (_, op) => return Err(DecodeError::Kind(op.number())),
        };
        reader.padding()?;
        Ok(message)
    }
}

/// Up to `N` entries, each behind a byte 1; a byte 0 ends them.
fn entries<T: Copy, const N: usize>(
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<[Option<T>; N], DecodeError> {
    let mut entries = [None; N];
    for entry in &mut entries {
        match reader.u8()? {
            0 => break,
            1 => *entry = Some(read(reader)?),
            _ => return Err(DecodeError::Field("entry")),
        }
    }
    Ok(entries)
}

/// A confirmation that is asked: what the holder sees is what the device signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushedConfirmation {
    /// Its id.
    pub id: [u8; 8],
    /// Until when it can be answered, in Unix seconds.
    pub expires_at: u32,
    /// Which relying party asks.
    pub relying_party: u32,
    /// Index for CONFIRM and DENY.
    pub index: u8,
    /// The text.
    pub text: Text<CONFIRMATION_TEXT>,
}

/// "Someone checked your closed token."
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// When, in Unix seconds.
    pub time: u32,
    /// How many checks since the last such push.
    pub count: u16,
}

/// What a server sends unasked in a warm session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// The state changed. Small.
    State(Reply),
    /// The device was revoked or another session took over. Small.
    Revoked(Reply),
    /// Someone checked the closed token. Small.
    Attempt(Attempt),
    /// A confirmation is asked. Large.
    Confirmation(PushedConfirmation),
    /// A new key record. Large.
    KeyRecord(KeyRecord),
}

impl Push {
    /// Reads a small push out of a reply cell.
    #[must_use]
    pub const fn from_reply(reply: &Reply) -> Option<Self> {
        match reply.op {
            Op::PushState => Some(Self::State(*reply)),
            Op::PushRevoked => Some(Self::Revoked(*reply)),
            Op::PushAttempt => Some(Self::Attempt(Attempt { time: reply.until, count: reply.aux })),
            _ => None,
        }
    }

    /// The reply cell of a small push; `now` is the server's clock.
    #[must_use]
    pub const fn to_reply(&self, now: u32) -> Option<Reply> {
        match self {
            Self::State(reply) | Self::Revoked(reply) => Some(*reply),
            Self::Attempt(attempt) => Some(Reply {
                op: Op::PushAttempt,
                status: DeviceStatus::Closed,
                code: crate::error::Code::Ok,
                tries: 0,
                server_time: now,
                until: attempt.time,
                aux: attempt.count,
            }),
            Self::Confirmation(_) | Self::KeyRecord(_) => None,
        }
    }

    /// Encodes a large push.
    #[must_use]
    pub fn encode_large(&self) -> Option<[u8; LARGE_LEN]> {
        let mut bytes = [0; LARGE_LEN];
        let mut writer = Writer::new(&mut bytes);
        match self {
            Self::Confirmation(push) => {
                writer.u8(Op::PushConfirmation.number()).put(&push.id).u32(push.expires_at).u32(push.relying_party);
                writer.u8(push.index);
                push.text.write(&mut writer);
            }
            Self::KeyRecord(record) => {
                writer.u8(Op::PushKeyRecord.number()).put(&record.encode());
            }
            Self::State(_) | Self::Revoked(_) | Self::Attempt(_) => return None,
        }
        Some(bytes)
    }

    /// Decodes a large push.
    ///
    /// # Errors
    /// Not a large push of version 1, or not its one valid encoding.
    pub fn decode_large(bytes: &[u8; LARGE_LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let number = reader.u8()?;
        let push = match Op::from_number(number) {
            Some(Op::PushConfirmation) => Self::Confirmation(PushedConfirmation {
                id: *reader.array()?,
                expires_at: reader.u32()?,
                relying_party: reader.u32()?,
                index: match reader.u8()? {
                    index if index < crate::limits::CONFIRMATIONS_PENDING => index,
                    _ => return Err(DecodeError::Field("index")),
                },
                text: Text::read(&mut reader)?,
            }),
            Some(Op::PushKeyRecord) => Self::KeyRecord(KeyRecord::decode(reader.slice(KEY_RECORD_LEN)?)?),
            _ => return Err(DecodeError::Kind(number)),
        };
        reader.padding()?;
        Ok(push)
    }
}
