//! What a server answers in large cells.

use core::fmt;

use super::{Eval, LARGE_LEN, Text};
use crate::limits::DEVICES_PER_TOKEN;
use crate::statement::STATEMENT_LEN;
use crate::token::{DeviceId, PLATFORM_MAX};
use crate::wire::cell::{Op, REPLY_LEN, Reply};
use crate::wire::codec::{DecodeError, Reader, Writer};
use crate::wire::key_record::{KEY_RECORD_LEN, KeyRecord};

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
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReceiptEntry {
    /// The statement without its extension.
    pub statement: [u8; STATEMENT_LEN],
    /// The signature over the statement with its extension.
    pub signature: [u8; 64],
}

impl fmt::Debug for ReceiptEntry {
    /// Without the signature: with a device's salt it tells which PIN was typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiptEntry").finish_non_exhaustive()
    }
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
        let reply = Reply::decode(reader.slice(REPLY_LEN)?)?;
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
                        platform: reader.u8().and_then(|platform| at_most(platform, PLATFORM_MAX, "platform"))?,
                        flags: reader.u8().and_then(|flags| at_most(flags, 3, "flags"))?,
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

fn at_most(value: u8, max: u8, field: &'static str) -> Result<u8, DecodeError> {
    if value <= max { Ok(value) } else { Err(DecodeError::Field(field)) }
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
