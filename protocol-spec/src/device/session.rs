//! Warm operations: the session that a cold operation leaves behind.

use core::fmt;

use crate::crypto::{Provider, Random, TAG_LEN};
use crate::error::{ApiMisuse, Code, ProtocolError};
use crate::limits::{SESSION_MESSAGES, SLOTS};
use crate::noise::{CipherState, Split};
use crate::pin::PinKey;
use crate::ratchet;
use crate::secret::Secret;
use crate::statement::{Context, Extension, Statement};
use crate::token::DeviceId;
use crate::wire::{
    DecodeError, Frame, LARGE_FRAME_LEN, LARGE_LEN, LargeReply, LargeRequest, Op, PinEntry, Push, REPLY_LEN,
    REQUEST_LEN, Reply, RevokeDevice, Rotate, SetPins, WARM_REPLY_LEN, WARM_REQUEST_LEN,
};

use super::{Intent, Pending, Record, StoreFirst};

/// A warm session. One request is in flight at a time; pushes may come between.
///
/// Small: two keys, two counters, the handshake hash.
pub struct Session<P> {
    send: CipherState<P>,
    receive: CipherState<P>,
    hash: [u8; 32],
    generation: u64,
}

/// A warm request, ready to be sent once.
#[derive(Debug)]
pub struct WarmRequest<const N: usize> {
    frame: Frame<N>,
    id: [u8; 32],
}

impl<const N: usize> WarmRequest<N> {
    /// The bytes to send.
    #[must_use]
    pub const fn frame(&self) -> &Frame<N> {
        &self.frame
    }

    /// What to declare with [`Record::recover_warm`] if the reply never comes.
    #[must_use]
    pub const fn id(&self) -> &[u8; 32] {
        &self.id
    }
}

/// A ROTATE in flight. The record with the new key was stored before it left.
#[derive(Debug)]
pub struct Rotation {
    request: WarmRequest<LARGE_FRAME_LEN>,
}

impl Rotation {
    /// The bytes to send.
    #[must_use]
    pub const fn frame(&self) -> &Frame<LARGE_FRAME_LEN> {
        self.request.frame()
    }
}

/// What came from the server in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// The answer to a small request.
    Reply(Reply),
    /// The answer to a large request.
    Large(LargeReply),
    /// Something unasked.
    Push(Push),
}

impl<P: Provider> Session<P> {
    pub(crate) fn new(split: Split, generation: u64) -> Self {
        Self {
            send: CipherState::new(split.initiator_to_responder),
            receive: CipherState::new(split.responder_to_initiator),
            hash: split.hash,
            generation,
        }
    }

    fn context(&self, record: &Record) -> Result<Context, ProtocolError> {
        let exhausted = ProtocolError::ApiMisuse(ApiMisuse::SessionExhausted);
        let nonce = self.send.nonce();
        if nonce >= SESSION_MESSAGES {
            return Err(exhausted);
        }
        Ok(Context {
            // The session's and not the record's: a signature over another generation counts as a wrong PIN.
            generation: self.generation,
            sequence: u32::try_from(nonce).map_err(|_| exhausted)?,
            token: record.token,
            device: record.device,
            bind: self.hash,
        })
    }

    fn seal<const C: usize, const N: usize>(&mut self, cell: [u8; C]) -> Result<WarmRequest<N>, ProtocolError> {
        // The cell may hold a signature by a PIN key: whoever has the salt can tell from it which PIN it was.
        let cell = Secret::new(cell);
        let id = ratchet::operation_id::<P>(&self.hash, self.send.nonce());
        let mut frame = [0; N];
        let (text, tag) = frame.split_at_mut(C);
        text.copy_from_slice(cell.expose());
        tag.copy_from_slice(&self.send.encrypt(&[], text)?);
        Ok(WarmRequest { frame: Frame(frame), id })
    }

    /// Makes a small warm request. `time` is the device's clock in Unix seconds.
    ///
    /// # Errors
    /// [`ApiMisuse::SessionExhausted`]: reconnect. [`ApiMisuse::OutOfRange`]: an argument of `intent` is.
    pub fn request(
        &mut self,
        record: &Record,
        intent: &Intent<'_>,
        time: u32,
    ) -> Result<WarmRequest<WARM_REQUEST_LEN>, ProtocolError> {
        intent.check()?;
        let context = self.context(record)?;
        let cell: [u8; REQUEST_LEN] = intent.request::<P>(record, time, &context).encode();
        self.seal(cell)
    }

    /// Replaces all PIN keys: `keys[0]` is the new key of the PIN that signs now, the others are duress keys or random.
    /// `biometric` says that `keys[1]` is a biometric slot.
    ///
    /// # Errors
    /// [`ApiMisuse::SessionExhausted`]: reconnect. [`ApiMisuse::OutOfRange`]: the policy allows no biometric slot.
    pub fn set_pins(
        &mut self,
        record: &Record,
        signer: &PinKey,
        keys: &[PinKey; SLOTS],
        biometric: bool,
        time: u32,
    ) -> Result<WarmRequest<LARGE_FRAME_LEN>, ProtocolError> {
        if biometric && !record.policy.biometric {
            return Err(ProtocolError::ApiMisuse(ApiMisuse::OutOfRange));
        }
        let context = self.context(record)?;
        let mut entries = [PinEntry { biometric: false, key: [0; 32] }; SLOTS];
        for (index, (entry, key)) in entries.iter_mut().zip(keys).enumerate() {
            *entry = PinEntry { biometric: biometric && index == 1, key: key.public::<P>() };
        }
        let statement = Statement::new::<P>(Op::SetPins, 0, time, &context, Extension::Pins(&entries));
        let signature = signer.sign::<P>(statement.bytes());
        self.seal(LargeRequest::SetPins(SetPins { time, entries, signature }).encode())
    }

    /// Revokes another device of the token.
    ///
    /// # Errors
    /// [`ApiMisuse::SessionExhausted`]: reconnect.
    pub fn revoke_device(
        &mut self,
        record: &Record,
        signer: &PinKey,
        device: DeviceId,
        time: u32,
    ) -> Result<WarmRequest<LARGE_FRAME_LEN>, ProtocolError> {
        let context = self.context(record)?;
        let statement = Statement::new::<P>(Op::RevokeDevice, 0, time, &context, Extension::Device(&device));
        let signature = signer.sign::<P>(statement.bytes());
        self.seal(LargeRequest::RevokeDevice(RevokeDevice { time, device, signature }).encode())
    }

    /// Replaces the device's static key. The new key is stored as pending before the request leaves, together with the
    /// RECOVER that will tell whether it arrived.
    ///
    /// # Errors
    /// [`ApiMisuse::SessionExhausted`]: reconnect. [`ApiMisuse::AttemptPending`]: recover first.
    pub fn rotate(
        &mut self,
        record: &Record,
        signer: &PinKey,
        time: u32,
        random: &mut impl Random,
    ) -> Result<StoreFirst<Rotation>, ProtocolError> {
        if record.pending != Pending::None {
            return Err(ProtocolError::ApiMisuse(ApiMisuse::AttemptPending));
        }
        let context = self.context(record)?;
        let secret = random.secret();
        let key = P::x25519_public(&secret);
        let statement = Statement::new::<P>(Op::Rotate, 0, time, &context, Extension::Key(&key));
        let signature = signer.sign::<P>(statement.bytes());
        let request: WarmRequest<LARGE_FRAME_LEN> =
            self.seal(LargeRequest::Rotate(Rotate { time, key, signature }).encode())?;
        let mut next = record.duplicate();
        next.next_static = Some(secret);
        next.pending = Pending::Recovery { declared: request.id, seed: random.secret() };
        Ok(StoreFirst::new(next, Rotation { request }))
    }

    /// Looks at what came from the server.
    ///
    /// # Errors
    /// Not authentic, damaged, or no message of version 1: close the connection. The session itself is unharmed by
    /// bytes that do not authenticate.
    pub fn receive(&mut self, frame: &[u8]) -> Result<Delivered, ProtocolError> {
        match frame.len() {
            WARM_REPLY_LEN => {
                let cell: [u8; REPLY_LEN] = self.open(frame)?;
                let reply = Reply::decode(&cell)?;
                match Push::from_reply(&reply) {
                    Some(push) => Ok(Delivered::Push(push)),
                    None if reply.op.has_small_reply() => Ok(Delivered::Reply(reply)),
                    None => Err(DecodeError::Kind(reply.op.number()).into()),
                }
            }
            LARGE_FRAME_LEN => {
                let cell: [u8; LARGE_LEN] = self.open(frame)?;
                let is_push =
                    Op::from_number(cell[0]).is_some_and(|op| matches!(op, Op::PushConfirmation | Op::PushKeyRecord));
                Ok(if is_push {
                    Delivered::Push(Push::decode_large(&cell)?)
                } else {
                    Delivered::Large(LargeReply::decode(&cell)?)
                })
            }
            _ => Err(ProtocolError::InvalidMessage(DecodeError::Length)),
        }
    }

    fn open<const N: usize>(&mut self, frame: &[u8]) -> Result<[u8; N], ProtocolError> {
        let length = ProtocolError::InvalidMessage(DecodeError::Length);
        let (text, tag) = frame.split_last_chunk::<TAG_LEN>().ok_or(length)?;
        let mut cell: [u8; N] = text.try_into().map_err(|_| length)?;
        if self.receive.nonce() >= SESSION_MESSAGES {
            return Err(ProtocolError::ApiMisuse(ApiMisuse::SessionExhausted));
        }
        self.receive.decrypt(&[], &mut cell, tag)?;
        Ok(cell)
    }
}

impl Rotation {
    /// The server's answer to the ROTATE: the record to store now, with the new key if it was accepted. `record` is the
    /// one that was stored before the request left. The answer to another operation settles nothing: the RECOVER
    /// stays pending.
    #[must_use = "the record must be stored"]
    pub fn answered<P: Provider>(self, record: &Record, reply: &Reply) -> StoreFirst<()> {
        let mut next = record.duplicate();
        if reply.op != Op::Rotate {
            return StoreFirst::new(next, ());
        }
        next.pending = Pending::None;
        if let Some(secret) = next.next_static.take().filter(|_| reply.code == Code::Ok) {
            next.static_public = P::x25519_public(&secret);
            next.static_secret = secret;
        }
        StoreFirst::new(next, ())
    }
}

impl<P> fmt::Debug for Session<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session")
    }
}
