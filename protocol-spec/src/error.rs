//! Codes on the wire, and the errors of this crate sorted by who must act.

use core::fmt;

use crate::crypto::CryptoError;
use crate::noise::NoiseError;
use crate::wire::DecodeError;

/// Result code of an operation (specification, chapter 10). The number is the same everywhere: on the wire, in Rust,
/// in HTTP bodies that may carry it, and in every binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Code {
    /// Done.
    Ok,
    /// The PIN did not match; the reply says how many tries are left.
    PinRejected,
    /// Too many wrong PINs: not looked at before `until`.
    Wait,
    /// The device or the token is blocked.
    Blocked,
    /// The token is not enrolled (any more).
    NotEnrolled,
    /// The frame was made for a server key that is gone; a key record follows. Plain frame only.
    StaleKey,
    /// The server does not know this hint. Plain frame only.
    UnknownHint,
    /// The protocol version is not supported. Plain frame only.
    VersionUnsupported,
    /// The message could not be understood. Never sent: the connection is closed.
    Malformed,
    /// The server is overloaded.
    Overloaded,
    /// The enrollment code is unknown, used or expired. Plain frame, enrollment only.
    CodeUsed,
    /// No such confirmation.
    ConfirmationUnknown,
    /// The confirmation expired.
    ConfirmationExpired,
    /// The service's policy forbids this.
    Policy,
    /// The server failed; nothing was changed.
    Internal,
    /// The device must resync.
    ResyncRequired,
    /// The operation is too old or too far ahead: sign it again with the server's time.
    Stale,
}

impl Code {
    /// All codes, in the order of their numbers.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::PinRejected,
        Self::Wait,
        Self::Blocked,
        Self::NotEnrolled,
        Self::StaleKey,
        Self::UnknownHint,
        Self::VersionUnsupported,
        Self::Malformed,
        Self::Overloaded,
        Self::CodeUsed,
        Self::ConfirmationUnknown,
        Self::ConfirmationExpired,
        Self::Policy,
        Self::Internal,
        Self::ResyncRequired,
        Self::Stale,
    ];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::PinRejected => 1,
            Self::Wait => 2,
            Self::Blocked => 3,
            Self::NotEnrolled => 4,
            Self::StaleKey => 5,
            Self::UnknownHint => 6,
            Self::VersionUnsupported => 7,
            Self::Malformed => 8,
            Self::Overloaded => 9,
            Self::CodeUsed => 10,
            Self::ConfirmationUnknown => 11,
            Self::ConfirmationExpired => 12,
            Self::Policy => 13,
            Self::Internal => 14,
            Self::ResyncRequired => 15,
            Self::Stale => 16,
        }
    }

    /// The code with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether this code may stand in a plain, unauthenticated frame.
    #[must_use]
    pub const fn is_plain(self) -> bool {
        matches!(
            self,
            Self::StaleKey | Self::UnknownHint | Self::VersionUnsupported | Self::Overloaded | Self::CodeUsed
        )
    }
}

/// What can go wrong in the core, by who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The peer sent bytes that are no message of this protocol.
    InvalidMessage(DecodeError),
    /// The peer's message does not authenticate: wrong keys, damaged or forged.
    PeerMisbehaved(PeerMisbehaved),
    /// The peer speaks another version or asks for what this side cannot do.
    PeerIncompatible(PeerIncompatible),
    /// The caller used the API in the wrong order or with the wrong arguments.
    ApiMisuse(ApiMisuse),
}

/// How a peer misbehaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerMisbehaved {
    /// The message does not authenticate.
    NotAuthentic,
    /// A signature in it is wrong.
    BadSignature,
    /// It names another key, token or epoch than it must.
    Mismatch,
}

/// How a peer is incompatible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerIncompatible {
    /// Protocol version.
    Version,
    /// The policy asks for something that this crate does not know.
    Policy,
}

/// What the caller did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiMisuse {
    /// An attempt is pending: recover it first.
    AttemptPending,
    /// Nothing is pending that could be recovered.
    NothingPending,
    /// This operation needs a PIN key and none was given, or the reverse.
    WrongSigner,
    /// The session has carried as many messages as it may: reconnect.
    SessionExhausted,
    /// This operation travels only in a warm session.
    WarmOnly,
    /// The memory given for the PIN hash is too short, or the cost is out of range.
    PinMemory,
    /// An argument of the operation is outside its range, or the policy does not allow it.
    OutOfRange,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidMessage(error) => return fmt::Display::fmt(error, f),
            Self::PeerMisbehaved(PeerMisbehaved::NotAuthentic) => "the peer's message does not authenticate",
            Self::PeerMisbehaved(PeerMisbehaved::BadSignature) => "a signature of the peer is wrong",
            Self::PeerMisbehaved(PeerMisbehaved::Mismatch) => "the peer named another key or token than it must",
            Self::PeerIncompatible(PeerIncompatible::Version) => "the peer speaks another protocol version",
            Self::PeerIncompatible(PeerIncompatible::Policy) => "the peer's policy is unknown to this version",
            Self::ApiMisuse(ApiMisuse::AttemptPending) => "an attempt is pending: recover it first",
            Self::ApiMisuse(ApiMisuse::NothingPending) => "nothing is pending that could be recovered",
            Self::ApiMisuse(ApiMisuse::WrongSigner) => "this operation needs another signing key",
            Self::ApiMisuse(ApiMisuse::SessionExhausted) => "the session is used up: reconnect",
            Self::ApiMisuse(ApiMisuse::WarmOnly) => "this operation travels only in a warm session",
            Self::ApiMisuse(ApiMisuse::PinMemory) => "the memory for the PIN hash does not fit its cost",
            Self::ApiMisuse(ApiMisuse::OutOfRange) => "an argument of the operation is out of range",
        })
    }
}

impl core::error::Error for ProtocolError {}

impl From<DecodeError> for ProtocolError {
    fn from(error: DecodeError) -> Self {
        Self::InvalidMessage(error)
    }
}

impl From<NoiseError> for ProtocolError {
    fn from(_: NoiseError) -> Self {
        // Which check failed is nobody's business but a debugger's.
        Self::PeerMisbehaved(PeerMisbehaved::NotAuthentic)
    }
}

impl From<CryptoError> for ProtocolError {
    fn from(_: CryptoError) -> Self {
        Self::PeerMisbehaved(PeerMisbehaved::NotAuthentic)
    }
}
