//! What can go wrong, sorted by who must act.

use std::time::Duration;

use crate::receipt::ReceiptError;

/// Why a call of a relying party was not answered. None of them is an open token.
///
/// [`RelyingPartyError::code`] is stable and the same in every language. No text holds the authkey, or anything else
/// that was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelyingPartyError {
    // The program, or who configures it.
    /// Address, service, authkey, time limit or certificate cannot be used (160).
    #[error("the connection to the server is not set up rightly: {0}")]
    Setup(&'static str),
    /// The call cannot be made like this (161).
    #[error("the call is not right: {0}")]
    Call(String),
    /// The authkey is wrong, has ended, or does not allow the call for this service or from this place (162).
    #[error("the authkey does not allow this: use one with this permission, for this service, from this network")]
    Forbidden,
    /// There is no such token, service or confirmation (163).
    #[error("{0}")]
    Unknown(Unknown),

    // Nobody: it passes.
    /// There were too many calls (164).
    #[error("too many calls: ask again in {} seconds", retry_after.as_secs())]
    Throttled {
        /// How long to wait.
        retry_after: Duration,
    },
    /// The server cannot answer now (165).
    #[error("the server cannot answer now: ask again in {} seconds", retry_after.as_secs())]
    Unavailable {
        /// How long to wait.
        retry_after: Duration,
    },

    // The network.
    /// No connection to the server, or none that is secure (166).
    #[error("the server cannot be reached: {reason}")]
    Unreachable {
        /// What the system says.
        reason: String,
    },
    /// No complete answer in time (167).
    #[error("the server did not answer in time")]
    Timeout,
    /// What answered is no Cardea server, or something in between has changed the answer (168).
    #[error("the answer is not one of a Cardea server: {0}")]
    Answer(&'static str),

    // Whoever gave the receipt.
    /// What an approval was to be proved with proves nothing (169).
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
}

/// What there is none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Unknown {
    /// The service.
    #[error("there is no such service: correct its name, or create it")]
    Service,
    /// A token of this user.
    #[error("this user has no token in this service: enroll them first")]
    Token,
    /// The confirmation.
    #[error("there is no such confirmation: it may have ended too long ago")]
    Confirmation,
}

impl RelyingPartyError {
    /// The stable number of this error.
    #[must_use]
    pub const fn code(&self) -> u32 {
        match self {
            Self::Setup(_) => 160,
            Self::Call(_) => 161,
            Self::Forbidden => 162,
            Self::Unknown(_) => 163,
            Self::Throttled { .. } => 164,
            Self::Unavailable { .. } => 165,
            Self::Unreachable { .. } => 166,
            Self::Timeout => 167,
            Self::Answer(_) => 168,
            Self::Receipt(_) => 169,
        }
    }

    /// Whether the same call may succeed later without anybody doing anything.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::Timeout
            | Self::Answer(_) => true,
            Self::Setup(_) | Self::Call(_) | Self::Forbidden | Self::Unknown(_) | Self::Receipt(_) => false,
        }
    }

    /// How long the server asks to be left alone.
    pub(super) fn wait(&self) -> Duration {
        match self {
            Self::Throttled { retry_after } | Self::Unavailable { retry_after } => *retry_after,
            _ => Duration::ZERO,
        }
    }
}
