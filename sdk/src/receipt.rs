//! Receipts: what a device has signed, checked by anybody, without a server, with the public key alone.
//!
//! The history of a token and an answered confirmation carry them. A receipt proves that whoever holds the key signed
//! an operation, for this token, from this device, and for a confirmation its text to the byte. It does not prove:
//!
//! - **whose key it is**: keep the public key of an earlier receipt of the same device, or ask the server, and expect it;
//! - **when**: the time is that of the device's clock;
//! - **that it counted**: a server may have refused the operation, and an approval that was forced with a duress PIN is
//!   signed like any other. What stands beside the receipt says so, and [`Receipt::verify`] heeds it, but nobody signed that.
//!
//! A receipt is as secret as the PIN to whoever has the storage of the device: do not publish it.

use std::ops::RangeInclusive;

use cardea_protocol::crypto::Dalek;
use cardea_protocol::statement::{About, Beside as Said, ReceiptView, SignedError};
use cardea_protocol::token::{DeviceId, TokenId};
use cardea_protocol::wire::Op;

#[cfg(feature = "relying-party")]
mod json;

/// What a history calls an operation that was signed and refused.
const NOT_EXECUTED: &str = "token.not_executed";

/// Why a receipt does not prove what was expected (169). Whoever gave it must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It is not of the form of a receipt.
    #[error("this is no receipt: it needs `statement`, `signature` and `publicKey`")]
    Form,
    /// The key is not the expected one.
    #[error("the receipt names another key than the one expected")]
    Key,
    /// Statement, signature or text.
    #[error(transparent)]
    Signed(#[from] SignedError),
    /// What stands beside the receipt is not what was signed.
    #[error("what stands beside the receipt is not what was signed")]
    Beside,
    /// It is of something else than was expected.
    #[error("the receipt is of another operation, token, device or confirmation than the one expected")]
    Other,
    /// It was signed at another time than was expected, by the device's clock.
    #[error("the receipt is of another time than the one expected")]
    Time,
    /// What stands beside the receipt says that it did not count: it was refused, or an approval was forced.
    #[error("it was signed, but the server says that it did not count")]
    NotCounted,
}

impl ReceiptError {
    /// The stable number of this error.
    #[must_use]
    pub const fn code(&self) -> u32 {
        169
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Act {
    /// The token was opened. Signed with a PIN, as all but the two that say otherwise.
    Opened,
    /// It was closed. Signed by the device alone.
    Closed,
    /// A text was approved.
    Approved,
    /// A text was denied. Signed by the device alone.
    Denied,
    /// The PINs were changed.
    PinsChanged,
    /// The device got a new key.
    KeyRotated,
    /// The device gave the token up.
    Unenrolled,
    /// Another device was revoked.
    DeviceRevoked,
    /// The device proved its keys after a loss. Signed by the device alone.
    Resynced,
}

impl Act {
    const fn of(op: Op) -> Option<Self> {
        Some(match op {
            Op::Open => Self::Opened,
            Op::Close => Self::Closed,
            Op::Confirm => Self::Approved,
            Op::Deny => Self::Denied,
            Op::SetPins => Self::PinsChanged,
            Op::Rotate => Self::KeyRotated,
            Op::Unenroll => Self::Unenrolled,
            Op::RevokeDevice => Self::DeviceRevoked,
            Op::Resync => Self::Resynced,
            _ => return None,
        })
    }
}

/// A receipt, not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "it proves nothing before `verify`"]
pub struct Receipt {
    statement: Vec<u8>,
    signature: [u8; 64],
    public_key: [u8; 32],
    beside: Beside,
}

/// What the server says about a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Beside {
    token: Option<String>,
    device: Option<String>,
    confirmation: Option<String>,
    text: Option<String>,
    state: Option<String>,
}

/// What a receipt is to prove. Whatever is not given is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "it is for `Receipt::verify`"]
pub struct Expected<'a> {
    act: Option<Act>,
    key: Option<[u8; 32]>,
    token: Option<TokenId>,
    device: Option<DeviceId>,
    confirmation: Option<[u8; 8]>,
    text: Option<&'a str>,
    from: Option<u64>,
    to: Option<u64>,
}

/// What a receipt proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "compare it with what you expect"]
#[non_exhaustive]
pub struct Verified {
    /// What was done.
    pub act: Act,
    /// When, by the device's clock, Unix seconds.
    pub at: u64,
    /// The token.
    pub token: TokenId,
    /// The device that signed.
    pub device: DeviceId,
    /// The confirmation that was answered.
    pub confirmation: Option<[u8; 8]>,
    /// The key that it verifies under.
    pub public_key: [u8; 32],
}

impl<'a> Expected<'a> {
    /// Nothing in particular: any act of anybody.
    pub const fn any() -> Self {
        Self { act: None, key: None, token: None, device: None, confirmation: None, text: None, from: None, to: None }
    }

    /// That `text` was approved, to the byte, with whoever asked before it.
    pub const fn approval(text: &'a str) -> Self {
        Self { act: Some(Act::Approved), ..Self::any().text(text) }
    }

    /// That this was done.
    pub const fn act(mut self, act: Act) -> Self {
        self.act = Some(act);
        self
    }

    /// Under this key.
    pub const fn public_key(mut self, key: [u8; 32]) -> Self {
        self.key = Some(key);
        self
    }

    /// To this token.
    pub const fn token(mut self, token: TokenId) -> Self {
        self.token = Some(token);
        self
    }

    /// From this device.
    pub const fn device(mut self, device: DeviceId) -> Self {
        self.device = Some(device);
        self
    }

    /// In answer to this confirmation.
    pub const fn confirmation(mut self, id: [u8; 8]) -> Self {
        self.confirmation = Some(id);
        self
    }

    /// In answer to this text, to the byte, with whoever asked before it.
    pub const fn text(mut self, text: &'a str) -> Self {
        self.text = Some(text);
        self
    }

    /// In these seconds of Unix time, by the device's clock.
    pub const fn within(mut self, seconds: RangeInclusive<u64>) -> Self {
        (self.from, self.to) = (Some(*seconds.start()), Some(*seconds.end()));
        self
    }
}

impl Receipt {
    /// A receipt from its parts: the signed bytes, the Ed25519 signature, and the key it is said to be by.
    pub fn from_parts(statement: &[u8], signature: [u8; 64], public_key: [u8; 32]) -> Self {
        Self { statement: statement.to_vec(), signature, public_key, beside: Beside::default() }
    }

    /// The key it is said to be by.
    #[must_use]
    pub const fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// Checks the signature, what the server says beside it, and everything that is `expected`.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn verify(&self, expected: &Expected<'_>) -> Result<Verified, ReceiptError> {
        if expected.key.is_some_and(|key| key != self.public_key) {
            return Err(ReceiptError::Key);
        }
        let view = ReceiptView::verify::<Dalek>(&self.statement, &self.signature, &self.public_key)?;
        let act = Act::of(view.op).ok_or(SignedError::Statement)?;
        let confirmation = match view.about {
            About::Confirmation { id, .. } => Some(*id),
            _ => None,
        };
        let (token, device, at) = (view.context.token, view.context.device, u64::from(view.time));
        if !view.agrees_with::<Dalek>(&self.beside.said()) {
            return Err(ReceiptError::Beside);
        }
        if let Some(text) = expected.text {
            view.check_text::<Dalek>(text)?;
        }
        if expected.act.is_some_and(|wanted| wanted != act)
            || expected.token.is_some_and(|wanted| wanted != token)
            || expected.device.is_some_and(|wanted| wanted != device)
            || expected.confirmation.is_some_and(|wanted| Some(wanted) != confirmation)
        {
            return Err(ReceiptError::Other);
        }
        if expected.from.is_some_and(|from| at < from) || expected.to.is_some_and(|to| at > to) {
            return Err(ReceiptError::Time);
        }
        let counted = |state: &str| match expected.act {
            Some(Act::Approved) => state == "approved",
            // Whatever was expected: what was refused is no proof of anything that was done.
            _ => state != NOT_EXECUTED,
        };
        if !self.beside.state.as_deref().is_none_or(counted) {
            return Err(ReceiptError::NotCounted);
        }
        Ok(Verified { act, at, token, device, confirmation, public_key: self.public_key })
    }
}

impl Beside {
    /// What of it was signed, if it is true.
    fn said(&self) -> Said<'_> {
        let Self { token, device, confirmation, text, state: _ } = self;
        Said {
            token: token.as_deref(),
            device: device.as_deref(),
            confirmation: confirmation.as_deref(),
            text: text.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests;
