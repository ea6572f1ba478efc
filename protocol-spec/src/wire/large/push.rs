//! What a server sends unasked.

use super::{LARGE_LEN, Text};
use crate::error::Code;
use crate::limits::{CONFIRMATION_TEXT, CONFIRMATIONS_PENDING};
use crate::token::DeviceStatus;
use crate::wire::cell::{Op, Reply};
use crate::wire::codec::{DecodeError, Reader, Writer};
use crate::wire::key_record::{KEY_RECORD_LEN, KeyRecord};

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
                code: Code::Ok,
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
                    index if index < CONFIRMATIONS_PENDING => index,
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
