//! Frames (specification, chapter 2): what travels between the two-byte length prefixes.
//!
//! Sizes are fixed per frame. The prefix is big-endian and counts what follows it; over UDP there is none.

use super::codec::{DecodeError, Reader};
use crate::crypto::Provider;
use crate::error::Code;
use crate::limits::VERSION;
use crate::token::Hint;

/// Bytes of the length prefix on a stream transport.
pub const LENGTH_PREFIX: usize = 2;
/// C1, a cold request.
pub const COLD_REQUEST_LEN: usize = 128;
/// S1, a cold reply.
pub const COLD_REPLY_LEN: usize = 63;
/// A small warm request.
pub const WARM_REQUEST_LEN: usize = 86;
/// A small warm reply or push.
pub const WARM_REPLY_LEN: usize = 30;
/// A large warm frame, either way.
pub const LARGE_FRAME_LEN: usize = 254;
/// A plain error.
pub const PLAIN_LEN: usize = 63;
/// R1, a resync request.
pub const RESYNC1_LEN: usize = 176;
/// R2, a resync reply.
pub const RESYNC2_LEN: usize = 71;
/// E1, the first enrollment frame, device to server.
pub const ENROLL1_LEN: usize = 58;
/// E2, server to device.
pub const ENROLL2_LEN: usize = 218;
/// E3, device to server.
pub const ENROLL3_LEN: usize = 560;
/// E4, server to device.
pub const ENROLL4_LEN: usize = 80;

/// First byte of an authenticated reply.
pub(crate) const REPLY_TYPE: u8 = 0;
/// Added to a code to make the first byte of a plain error.
const PLAIN_TYPE: u8 = 0x80;

/// What a connection is for: the low half of its first byte. The high half is the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An operation of an enrolled device.
    Operate,
    /// A device whose hint is unknown.
    Resync,
    /// A new device.
    Enroll,
}

impl Kind {
    /// The first byte of a connection of this kind.
    #[must_use]
    pub const fn byte(self) -> u8 {
        (VERSION << 4)
            | match self {
                Self::Operate => 1,
                Self::Resync => 2,
                Self::Enroll => 3,
            }
    }
}

/// The first bytes of every Noise prologue.
pub(crate) const PROLOGUE_LABEL: &[u8] = b"cardea1";

/// The prologue parts of a handshake of `kind` (specification, chapter 1): label, first byte, and what else the first
/// frame says in clear.
#[must_use]
pub const fn prologue<'a>(first: &'a [u8; 1], clear: &'a [u8]) -> [&'a [u8]; 3] {
    [PROLOGUE_LABEL, first, clear]
}

/// A frame of exactly `N` bytes, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> Frame<N> {
    /// The frame without its length prefix.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> AsRef<[u8]> for Frame<N> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// C1: `version|kind 1, epoch 1, hint 8, e 32, cell 70, tag 16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColdRequest<'a>(&'a [u8; COLD_REQUEST_LEN]);

impl<'a> ColdRequest<'a> {
    /// Bytes before the Noise message.
    pub(crate) const CLEAR: usize = 10;

    /// Epoch of the server's static key that this frame was made for.
    #[must_use]
    pub const fn epoch(&self) -> u8 {
        self.0[1]
    }

    /// The rolling hint of the ratchet key that this frame was made with.
    #[must_use]
    pub fn hint(&self) -> Hint {
        let mut hint = [0; 8];
        hint.copy_from_slice(&self.0[2..Self::CLEAR]);
        Hint::new(hint)
    }

    /// The device's ephemeral public key.
    #[must_use]
    pub fn ephemeral(&self) -> [u8; 32] {
        let mut ephemeral = [0; 32];
        ephemeral.copy_from_slice(&self.0[Self::CLEAR..Self::CLEAR + 32]);
        ephemeral
    }

    /// The Noise message.
    #[must_use]
    pub fn noise(&self) -> &'a [u8] {
        &self.0[Self::CLEAR..]
    }

    /// What stands in clear after the first byte, for the prologue.
    pub(crate) fn clear(&self) -> &'a [u8] {
        &self.0[1..Self::CLEAR]
    }

    /// SHA-256 of the whole frame: how a server recognizes the identical bytes.
    #[must_use]
    pub fn hash<P: Provider>(&self) -> [u8; 32] {
        P::sha256(&[self.0])
    }

    /// The whole frame.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8; COLD_REQUEST_LEN] {
        self.0
    }
}

/// R1: `version|kind 1, epoch 1, Noise_IK message with hint 8 and cell 70`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResyncRequest<'a>(&'a [u8; RESYNC1_LEN]);

impl<'a> ResyncRequest<'a> {
    /// Epoch of the server's static key that this frame was made for.
    #[must_use]
    pub const fn epoch(&self) -> u8 {
        self.0[1]
    }

    /// The device's ephemeral public key.
    #[must_use]
    pub fn ephemeral(&self) -> [u8; 32] {
        let mut ephemeral = [0; 32];
        ephemeral.copy_from_slice(&self.0[2..34]);
        ephemeral
    }

    /// The Noise message.
    #[must_use]
    pub fn noise(&self) -> &'a [u8] {
        &self.0[2..]
    }

    pub(crate) fn clear(&self) -> &'a [u8] {
        &self.0[1..2]
    }

    /// The whole frame.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8; RESYNC1_LEN] {
        self.0
    }
}

/// E1: `version|kind 1, enrollment id 8, e 32, suite 1, tag 16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnrollRequest<'a>(&'a [u8; ENROLL1_LEN]);

impl<'a> EnrollRequest<'a> {
    /// Which enrollment this is: the id of a link, or the lookup part of a typed code.
    #[must_use]
    pub fn id(&self) -> [u8; 8] {
        let mut id = [0; 8];
        id.copy_from_slice(&self.0[1..9]);
        id
    }

    /// The device's ephemeral public key.
    #[must_use]
    pub fn ephemeral(&self) -> [u8; 32] {
        let mut ephemeral = [0; 32];
        ephemeral.copy_from_slice(&self.0[9..41]);
        ephemeral
    }

    /// The Noise message.
    #[must_use]
    pub fn noise(&self) -> &'a [u8] {
        &self.0[9..]
    }

    pub(crate) fn clear(&self) -> &'a [u8] {
        &self.0[1..9]
    }

    /// The whole frame.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8; ENROLL1_LEN] {
        self.0
    }
}

/// The first frame of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstFrame<'a> {
    /// C1.
    Cold(ColdRequest<'a>),
    /// R1.
    Resync(ResyncRequest<'a>),
    /// E1.
    Enroll(EnrollRequest<'a>),
}

impl<'a> FirstFrame<'a> {
    /// Recognizes the first frame of a connection by its first byte and its length.
    ///
    /// # Errors
    /// [`DecodeError::Version`] for another version (answer with code 7), anything else is to be closed unanswered.
    pub fn parse(frame: &'a [u8]) -> Result<Self, DecodeError> {
        let first = *frame.first().ok_or(DecodeError::Length)?;
        if first >> 4 != VERSION {
            return Err(DecodeError::Version(first >> 4));
        }
        let length = |_| DecodeError::Length;
        match first {
            byte if byte == Kind::Operate.byte() => Ok(Self::Cold(ColdRequest(frame.try_into().map_err(length)?))),
            byte if byte == Kind::Resync.byte() => Ok(Self::Resync(ResyncRequest(frame.try_into().map_err(length)?))),
            byte if byte == Kind::Enroll.byte() => Ok(Self::Enroll(EnrollRequest(frame.try_into().map_err(length)?))),
            byte => Err(DecodeError::Kind(byte)),
        }
    }

    /// The bytes that it was parsed from.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Cold(frame) => frame.0,
            Self::Resync(frame) => frame.0,
            Self::Enroll(frame) => frame.0,
        }
    }
}

/// A plain error: `0x80 + code 1, random 62`. Anybody can forge one, so it is a hint and never changes what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainFrame {
    /// One of the codes for which [`Code::is_plain`] holds.
    pub code: Code,
    /// Filler, so that the frame has the size of a cold reply.
    pub random: [u8; 62],
}

impl PlainFrame {
    /// The bytes to send. A code that may not travel in clear becomes [`Code::Overloaded`].
    #[must_use]
    pub fn encode(&self) -> Frame<PLAIN_LEN> {
        let code = if self.code.is_plain() { self.code } else { Code::Overloaded };
        let mut frame = [0; PLAIN_LEN];
        frame[0] = PLAIN_TYPE | code.number();
        frame[1..].copy_from_slice(&self.random);
        Frame(frame)
    }

    /// Recognizes a plain error.
    ///
    /// # Errors
    /// The length, the first byte or the code is not that of a plain error.
    pub fn decode(frame: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(frame);
        let first = reader.u8()?;
        let random = *reader.array()?;
        reader.end()?;
        if first & PLAIN_TYPE == 0 {
            return Err(DecodeError::Kind(first));
        }
        let code = Code::from_number(first & !PLAIN_TYPE).filter(|code| code.is_plain());
        Ok(Self { code: code.ok_or(DecodeError::Field("code"))?, random })
    }
}
