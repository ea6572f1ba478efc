//! The server's end of a warm session.

use core::fmt;

use crate::crypto::{Provider, TAG_LEN};
use crate::error::{ApiMisuse, Code, ProtocolError};
use crate::limits::SESSION_MESSAGES;
use crate::noise::{CipherState, Split};
use crate::ratchet::{self, Row};
use crate::secret::Secret;
use crate::statement::{Context, Extension, Statement};
use crate::token::{DeviceId, TokenId};
use crate::wire::{
    DecodeError, Frame, LARGE_FRAME_LEN, LARGE_LEN, LargeReply, LargeRequest, Op, Push, REPLY_LEN, REQUEST_LEN, Reply,
    Request, WARM_REPLY_LEN, WARM_REQUEST_LEN,
};

/// A warm session: two keys, two counters, the handshake hash, and the ratchet key that fences it.
pub struct Session<P> {
    receive: CipherState<P>,
    send: CipherState<P>,
    hash: [u8; 32],
    fence: Fence,
    generation: u64,
}

/// What a session leaves with whoever commits its operations: the row that it may change, and no other.
pub struct Fence {
    current: Secret<32>,
    token: TokenId,
    device: DeviceId,
}

impl Fence {
    /// Whether `row` still stands where the session left it, and the device is neither blocked nor gone.
    #[must_use]
    pub fn owns(&self, row: &Row) -> bool {
        let barred = row.revoked || row.clone_blocked || row.suspended || row.marker == 1;
        row.current == self.current && row.token == self.token && row.device == self.device && !barred
    }
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fence").field("token", &self.token).field("device", &self.device).finish_non_exhaustive()
    }
}

/// A warm frame that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// A small request.
    Small(Request),
    /// A large request.
    Large(LargeRequest),
}

impl Opened {
    /// Its operation.
    #[must_use]
    pub const fn op(&self) -> Op {
        match self {
            Self::Small(request) => request.op,
            Self::Large(request) => request.op(),
        }
    }

    /// The device's clock in Unix seconds, as it stands in the request; 0 for EVAL, which has none.
    #[must_use]
    pub const fn time(&self) -> u32 {
        match self {
            Self::Small(request) => request.time,
            Self::Large(LargeRequest::SetPins(request)) => request.time,
            Self::Large(LargeRequest::Rotate(request)) => request.time,
            Self::Large(LargeRequest::RevokeDevice(request)) => request.time,
            Self::Large(LargeRequest::Eval(_)) => 0,
        }
    }

    /// `win`; 0 in large requests.
    #[must_use]
    pub const fn win(&self) -> u8 {
        match self {
            Self::Small(request) => request.win,
            Self::Large(_) => 0,
        }
    }

    /// The signature; zero where nobody signs.
    #[must_use]
    pub const fn signature(&self) -> &[u8; 64] {
        match self {
            Self::Small(request) => &request.signature,
            Self::Large(LargeRequest::SetPins(request)) => &request.signature,
            Self::Large(LargeRequest::Rotate(request)) => &request.signature,
            Self::Large(LargeRequest::RevokeDevice(request)) => &request.signature,
            Self::Large(LargeRequest::Eval(_)) => &[0; 64],
        }
    }
}

/// An authenticated warm operation.
#[derive(Debug, Clone, Copy)]
pub struct WarmOperation {
    /// What it asks.
    pub request: Opened,
    /// How it is named if its reply is lost.
    pub id: [u8; 32],
    context: Context,
}

impl WarmOperation {
    /// What the device signed. CONFIRM and DENY need the text that they answer as `confirmation`; other operations
    /// bring their own extension.
    #[must_use]
    pub fn statement<P: Provider>(&self, confirmation: Extension<'_>) -> Statement {
        let extension = match &self.request {
            Opened::Small(_) => confirmation,
            Opened::Large(LargeRequest::SetPins(request)) => Extension::Pins(&request.entries),
            Opened::Large(LargeRequest::Rotate(request)) => Extension::Key(&request.key),
            Opened::Large(LargeRequest::RevokeDevice(request)) => Extension::Device(&request.device),
            Opened::Large(LargeRequest::Eval(_)) => Extension::None,
        };
        Statement::new::<P>(self.request.op(), self.request.win(), self.request.time(), &self.context, extension)
    }

    /// The row after this operation, or nothing if the session does not own the row any more: another handshake was
    /// accepted since. `code` is its result.
    #[must_use]
    pub fn commit(&self, row: &Row, fence: &Fence, code: Code) -> Option<Row> {
        if !fence.owns(row) {
            return None;
        }
        let mut next = row.duplicate();
        next.last = Some((self.id, code));
        if code == Code::Ok
            && let Opened::Large(LargeRequest::Rotate(request)) = &self.request
        {
            next.device_static_old = Some(next.device_static);
            next.device_static = request.key;
        }
        Some(next)
    }
}

impl<P> Session<P> {
    /// What fences this session's operations.
    #[must_use]
    pub const fn fence(&self) -> Fence {
        Fence { current: self.fence.current.duplicate(), token: self.fence.token, device: self.fence.device }
    }

    /// As [`Fence::owns`].
    #[must_use]
    pub fn owns(&self, row: &Row) -> bool {
        self.fence.owns(row)
    }

    /// The token.
    #[must_use]
    pub const fn token(&self) -> &TokenId {
        &self.fence.token
    }

    /// The device.
    #[must_use]
    pub const fn device(&self) -> &DeviceId {
        &self.fence.device
    }
}

impl<P: Provider> Session<P> {
    pub(crate) fn new(row: &Row, split: Split) -> Self {
        Self {
            receive: CipherState::new(split.initiator_to_responder),
            send: CipherState::new(split.responder_to_initiator),
            hash: split.hash,
            fence: Fence { current: row.current.duplicate(), token: row.token, device: row.device },
            generation: row.generation,
        }
    }

    /// Opens a frame from the device.
    ///
    /// # Errors
    /// Not authentic, no request of version 1, or the session is used up: close the connection.
    pub fn open(&mut self, frame: &[u8]) -> Result<WarmOperation, ProtocolError> {
        let nonce = self.receive.nonce();
        let sequence = u32::try_from(nonce).ok().filter(|_| nonce < SESSION_MESSAGES);
        let sequence = sequence.ok_or(ProtocolError::ApiMisuse(ApiMisuse::SessionExhausted))?;
        let request = match frame.len() {
            WARM_REQUEST_LEN => {
                let cell: [u8; REQUEST_LEN] = self.decrypt(frame)?;
                let request = Request::decode(&cell)?;
                if matches!(request.op, Op::Recover | Op::Resync) {
                    return Err(DecodeError::Kind(request.op.number()).into());
                }
                Opened::Small(request)
            }
            LARGE_FRAME_LEN => {
                let cell: [u8; LARGE_LEN] = self.decrypt(frame)?;
                Opened::Large(LargeRequest::decode(&cell)?)
            }
            _ => return Err(DecodeError::Length.into()),
        };
        let context = Context {
            generation: self.generation,
            sequence,
            token: self.fence.token,
            device: self.fence.device,
            bind: self.hash,
        };
        Ok(WarmOperation { request, id: ratchet::operation_id::<P>(&self.hash, nonce), context })
    }

    /// Makes a small reply.
    ///
    /// # Errors
    /// The session is used up: close the connection.
    pub fn reply(&mut self, reply: &Reply) -> Result<Frame<WARM_REPLY_LEN>, ProtocolError> {
        let cell: [u8; REPLY_LEN] = reply.encode();
        self.encrypt(&cell)
    }

    /// Makes a large reply.
    ///
    /// # Errors
    /// The session is used up: close the connection.
    pub fn reply_large(&mut self, reply: &LargeReply) -> Result<Frame<LARGE_FRAME_LEN>, ProtocolError> {
        self.encrypt(&reply.encode())
    }

    /// Makes a small push; `None` if `push` is a large one. `now` is the server's clock in Unix seconds.
    ///
    /// # Errors
    /// The session is used up: close the connection.
    pub fn push(&mut self, push: &Push, now: u32) -> Result<Option<Frame<WARM_REPLY_LEN>>, ProtocolError> {
        push.to_reply(now).map(|reply| self.reply(&reply)).transpose()
    }

    /// Makes a large push; `None` if `push` is a small one.
    ///
    /// # Errors
    /// The session is used up: close the connection.
    pub fn push_large(&mut self, push: &Push) -> Result<Option<Frame<LARGE_FRAME_LEN>>, ProtocolError> {
        push.encode_large().map(|cell| self.encrypt(&cell)).transpose()
    }

    fn decrypt<const N: usize>(&mut self, frame: &[u8]) -> Result<[u8; N], ProtocolError> {
        let (text, tag) = frame.split_last_chunk::<TAG_LEN>().ok_or(DecodeError::Length)?;
        let mut cell: [u8; N] = text.try_into().map_err(|_| DecodeError::Length)?;
        self.receive.decrypt(&[], &mut cell, tag)?;
        Ok(cell)
    }

    fn encrypt<const N: usize>(&mut self, cell: &[u8]) -> Result<Frame<N>, ProtocolError> {
        if self.send.nonce() >= SESSION_MESSAGES {
            return Err(ProtocolError::ApiMisuse(ApiMisuse::SessionExhausted));
        }
        let mut frame = [0; N];
        let (text, tag) = frame.split_at_mut_checked(cell.len()).ok_or(DecodeError::Length)?;
        text.copy_from_slice(cell);
        let made = self.send.encrypt(&[], text)?;
        if tag.len() != made.len() {
            return Err(DecodeError::Length.into());
        }
        tag.copy_from_slice(&made);
        Ok(Frame(frame))
    }
}

impl<P> fmt::Debug for Session<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("fence", &self.fence).finish_non_exhaustive()
    }
}
