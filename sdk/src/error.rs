//! What can go wrong, sorted by who must act.

use std::time::Duration;

use cardea_protocol::pin::PinError;
use cardea_protocol::wire::{CodeError, LinkError};
use cardea_protocol::{Code, ProtocolError};

use crate::discovery::DiscoveryError;
use crate::invitation::ImageError;
use crate::store::StoreError;
use crate::store::secrets::SecretError;
use crate::transport::TransportError;

/// Why an operation did not succeed.
///
/// [`WalletError::code`] is stable and the same in every language: up to 100 it is a code of the protocol
/// (specification, chapter 10), above it is the SDK's own.
///
/// What has more to say than fits into three words is in a box: every operation passes errors on many times.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalletError {
    // The holder acts.
    /// The PIN did not match (code 1).
    #[error("the PIN is wrong (tries left: {tries_left})")]
    PinRejected {
        /// Wrong PINs left before the token is blocked.
        tries_left: u8,
    },
    /// Too many wrong PINs: the server does not look at another one yet (code 2).
    #[error("too many wrong PINs: wait {} seconds", remaining.as_secs())]
    Wait {
        /// How long, from when the server answered.
        remaining: Duration,
        /// Wrong PINs left before the token is blocked.
        tries_left: u8,
    },
    /// Blocked until an administrator unblocks it, or for some time (code 3).
    #[error("the token is blocked: ask the administrator of the service")]
    Blocked {
        /// How long, from when the server answered, if it ends by itself.
        remaining: Option<Duration>,
    },
    /// The server does not know this device any more (code 4).
    #[error("the token is not enrolled any more: ask for a new enrollment link")]
    NotEnrolled,
    /// The enrollment code is unknown, used or expired (code 10).
    #[error("the enrollment code is wrong, used or expired: ask for a new one")]
    CodeUsed,
    /// The text does not wait any more: it was answered on another device, or taken back (code 11).
    #[error("this text does not wait for an answer any more")]
    ConfirmationGone,
    /// The time to answer the text is over (code 12).
    #[error("the time to answer this text is over")]
    ConfirmationExpired,
    /// Sent, but no answer came. Whether it was done is found out as soon as the server can be reached (101).
    #[error("not confirmed: the server did not answer, and it is not known whether it was done")]
    NotConfirmed,
    /// This wallet holds this very device of this token already (105).
    #[error("this wallet holds this token already: remove it first")]
    AlreadyEnrolled,
    /// The holder, or the program for him, gave up (106).
    #[error("cancelled")]
    Cancelled,
    /// The PIN, or the set of PINs, may not be used (110).
    #[error(transparent)]
    Pin(#[from] PinError),
    /// No enrollment link (111).
    #[error(transparent)]
    Link(#[from] LinkError),
    /// No picture of an invitation (115).
    #[error(transparent)]
    Image(#[from] ImageError),
    /// No enrollment code (112).
    #[error(transparent)]
    Code(#[from] CodeError),

    // The network.
    /// The server cannot be reached. Nothing was sent (102).
    #[error(transparent)]
    Offline(Box<TransportError>),
    /// The token is in use by another operation, in this program or another one (103).
    #[error("the token is in use by another program: try again when that is done")]
    Busy,

    // The service or its server.
    /// The server refused with another code of the protocol (that code).
    #[error("the server refused with code {}{}", .0.number(), explain(*.0))]
    Refused(Code),
    /// The server sent what it must not (120).
    #[error("the server does not keep to the protocol: {0}")]
    Server(Box<ProtocolError>),
    /// The server's key could not be looked up (121).
    #[error(transparent)]
    Discovery(Box<DiscoveryError>),
    /// Another server answered than the one that was looked up (122).
    #[error("the server that answered is not the one that was looked up: do not enroll here")]
    IdentityMismatch,

    // The program that uses the SDK.
    /// There is no such token in this wallet (104).
    #[error("there is no such token in this wallet")]
    UnknownToken,
    /// The service protects PINs as tests do, and the wallet was not built for tests (113).
    #[error("the service hashes PINs as cheaply as only tests may: in a test, allow test Argon2")]
    TestArgon2,
    /// A window that cannot be asked for (114).
    #[error("a window must have at least 2 seconds")]
    Window,
    /// The wallet was to ask the holder and does not know how (116).
    #[error("nobody can be asked: build the wallet with a presence, or give a PIN")]
    NoPresence,
    /// The holder could not be asked (151).
    #[error("the holder could not be asked: {0}")]
    Presence(Box<str>),
    /// There was no memory to hash a PIN in (152). Nothing was sent.
    #[error("there is not enough memory to hash the PIN: close other programs and try again")]
    Memory,
    /// The store (130 to 141).
    #[error(transparent)]
    Store(Box<StoreError>),
    /// The host's store of secrets (142).
    #[error(transparent)]
    Secrets(Box<SecretError>),
    /// A task of the SDK ended unexpectedly, because the program is shutting down (150).
    #[error("the program is shutting down")]
    ShuttingDown,
}

fn explain(code: Code) -> &'static str {
    match code {
        Code::UnknownHint => " (it does not know this device: ask the administrator of the service)",
        Code::VersionUnsupported => " (it speaks another version of the protocol: update)",
        Code::Policy => " (the service does not allow this)",
        Code::Overloaded => " (it is overloaded: try again later)",
        Code::Internal => " (it failed and changed nothing: try again)",
        Code::Stale => " (the clocks do not agree: set the clock of this device)",
        _ => "",
    }
}

impl WalletError {
    /// The stable number of this error.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::PinRejected { .. } => Code::PinRejected.number() as u32,
            Self::Wait { .. } => Code::Wait.number() as u32,
            Self::Blocked { .. } => Code::Blocked.number() as u32,
            Self::NotEnrolled => Code::NotEnrolled.number() as u32,
            Self::CodeUsed => Code::CodeUsed.number() as u32,
            Self::ConfirmationGone => Code::ConfirmationUnknown.number() as u32,
            Self::ConfirmationExpired => Code::ConfirmationExpired.number() as u32,
            Self::Refused(code) => code.number() as u32,
            Self::NotConfirmed => 101,
            Self::Offline(_) => 102,
            Self::Busy => 103,
            Self::UnknownToken => 104,
            Self::AlreadyEnrolled => 105,
            Self::Cancelled => 106,
            Self::Pin(_) => 110,
            Self::Link(_) => 111,
            Self::Code(_) => 112,
            Self::TestArgon2 => 113,
            Self::Window => 114,
            Self::Image(_) => 115,
            Self::NoPresence => 116,
            Self::Server(_) => 120,
            Self::Discovery(_) => 121,
            Self::IdentityMismatch => 122,
            Self::Store(error) => error.code(),
            Self::Secrets(_) => 142,
            Self::ShuttingDown => 150,
            Self::Presence(_) => 151,
            Self::Memory => 152,
        }
    }
}

impl From<ProtocolError> for WalletError {
    fn from(error: ProtocolError) -> Self {
        Self::Server(error.into())
    }
}

impl From<TransportError> for WalletError {
    fn from(error: TransportError) -> Self {
        Self::Offline(error.into())
    }
}

impl From<DiscoveryError> for WalletError {
    fn from(error: DiscoveryError) -> Self {
        Self::Discovery(error.into())
    }
}

impl From<StoreError> for WalletError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl From<SecretError> for WalletError {
    fn from(error: SecretError) -> Self {
        Self::Secrets(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_three_words() {
        assert!(size_of::<WalletError>() <= 3 * size_of::<u64>());
    }

    #[test]
    fn codes_of_the_wire_keep_their_numbers_and_ours_are_above_100() {
        assert_eq!(WalletError::PinRejected { tries_left: 3 }.code(), 1);
        assert_eq!(WalletError::Wait { remaining: Duration::ZERO, tries_left: 1 }.code(), 2);
        assert_eq!(WalletError::Blocked { remaining: None }.code(), 3);
        assert_eq!(WalletError::NotEnrolled.code(), 4);
        assert_eq!(WalletError::CodeUsed.code(), 10);
        assert_eq!(WalletError::ConfirmationGone.code(), 11);
        assert_eq!(WalletError::ConfirmationExpired.code(), 12);
        assert_eq!(WalletError::Refused(Code::Policy).code(), 13);
        assert_eq!(WalletError::NotConfirmed.code(), 101);
        assert_eq!(WalletError::from(StoreError::Changed).code(), 130);
        assert_eq!(WalletError::Pin(PinError::NotDigits).code(), 110);
        assert_eq!(WalletError::Image(ImageError::NoCode).code(), 115);
        assert_eq!(WalletError::NoPresence.code(), 116);
        assert_eq!(WalletError::from(SecretError::Full).code(), 142);
        assert_eq!(WalletError::Presence("".into()).code(), 151);
        assert_eq!(WalletError::Memory.code(), 152);
    }
}
