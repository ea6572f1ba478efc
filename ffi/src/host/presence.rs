//! Who asks the holder.

use std::fmt;

use cardea_sdk::PresenceError;

use super::foreign::Foreign;
use super::{HostError, inside};
use crate::approval::Approval;
use crate::policy::Policy;
use crate::secret::SecretBytes;

/// What is told of a presence that throws, whatever that says.
const FAILED: &str = "the host program's presence failed";

/// What is to be approved.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Purpose {
    /// The token is to be opened.
    Open,
    /// A text is to be approved. It is what is signed: show it as it is, all of it.
    Approve {
        /// The text.
        text: String,
    },
    /// The PINs are to be changed.
    ChangePins,
    /// The token is to be given up.
    Unenroll,
    /// Another device of the token is to be revoked.
    RevokeDevice,
    /// Something that this version has no name for.
    Other,
}

/// What a [`Presence`] is asked.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct PresenceRequest {
    /// The token's name in the wallet.
    pub token: String,
    /// What the holder knows it by: its label, or the name of its service, or the host of its server.
    pub service: String,
    /// What for.
    pub purpose: Purpose,
    /// Wrong PINs left before the token is blocked, as the server has just said.
    pub tries_left: Option<u8>,
    /// How long PINs are, and whether a biometric key may be used.
    pub policy: Policy,
}

/// What the holder answered.
#[derive(Debug, uniffi::Enum)]
pub enum ApprovalAnswer {
    /// A PIN.
    Pin {
        /// ASCII digits.
        digits: SecretBytes,
    },
    /// The key of the biometric slot.
    Biometric {
        /// The 32 bytes that were enrolled.
        key: SecretBytes,
    },
    /// The holder does not want to: the operation fails with code 106.
    Cancelled,
}

/// Who asks the holder for a PIN, or the operating system for the biometric key, where an operation was given
/// [`Approval::Ask`].
///
/// Called on a thread of its own, and may take as long as a person needs: nothing is held or connected meanwhile. What it
/// calls on that thread is refused. If the operation is cancelled, what it answers afterwards is wiped.
#[uniffi::export(foreign)]
pub trait Presence: Send + Sync {
    /// Asks.
    ///
    /// # Errors
    /// [`HostError`]: the holder could not be asked (the operation fails with code 151). Its text is dropped, as it could
    /// hold what the holder has entered.
    fn approve(&self, request: PresenceRequest) -> Result<ApprovalAnswer, HostError>;
}

impl From<&cardea_sdk::PresenceRequest> for PresenceRequest {
    fn from(request: &cardea_sdk::PresenceRequest) -> Self {
        Self {
            token: request.token.to_string(),
            service: request.service.clone(),
            purpose: match &request.purpose {
                cardea_sdk::Purpose::Open => Purpose::Open,
                cardea_sdk::Purpose::Approve { text } => Purpose::Approve { text: text.clone() },
                cardea_sdk::Purpose::ChangePins => Purpose::ChangePins,
                cardea_sdk::Purpose::Unenroll => Purpose::Unenroll,
                cardea_sdk::Purpose::RevokeDevice => Purpose::RevokeDevice,
                _ => Purpose::Other,
            },
            tries_left: request.tries_left,
            policy: (&request.policy).into(),
        }
    }
}

/// A presence as the SDK takes it.
pub(crate) struct HostPresence(pub(crate) Foreign<dyn Presence>);

impl cardea_sdk::Presence for HostPresence {
    fn approve(&self, request: &cardea_sdk::PresenceRequest) -> Result<cardea_sdk::Approval, PresenceError> {
        taken(inside(|| self.0.get().approve(request.into())))
    }
}

/// What the host has answered. What it says when it fails may be what the holder has entered: no word of it is passed on.
pub(super) fn taken(answer: Result<ApprovalAnswer, HostError>) -> Result<cardea_sdk::Approval, PresenceError> {
    let approval = match answer.map_err(|_| PresenceError::Failed(FAILED.to_owned()))? {
        ApprovalAnswer::Pin { digits } => Approval::Pin { digits },
        ApprovalAnswer::Biometric { key } => Approval::Biometric { key },
        ApprovalAnswer::Cancelled => return Err(PresenceError::Cancelled),
    };
    approval.take().map_err(|error| PresenceError::Failed(error.explanation()))
}

impl fmt::Debug for HostPresence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostPresence")
    }
}
