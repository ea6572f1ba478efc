//! What a device has signed, checked with its public key alone.

use cardea_sdk::receipt::{Act, Expected, Receipt};
use cardea_sdk::relying_party::RelyingPartyError;
use cardea_sdk::{DeviceId, TokenId};

use crate::{CardeaError, Deed};

/// What a receipt is to prove. Whatever is not given is not looked at: say as much as is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, uniffi::Record)]
pub struct ReceiptExpectation {
    /// What was done.
    #[uniffi(default = None)]
    pub deed: Option<Deed>,
    /// The text that was approved or denied, to the byte, with whoever asked before it.
    #[uniffi(default = None)]
    pub text: Option<String>,
    /// The 32 bytes of the key that the device is known to sign with.
    #[uniffi(default = None)]
    pub public_key: Option<Vec<u8>>,
    /// The confirmation that was answered: sixteen hexadecimal digits.
    #[uniffi(default = None)]
    pub confirmation: Option<String>,
    /// The token: 32 hexadecimal digits.
    #[uniffi(default = None)]
    pub token: Option<String>,
    /// The device: eight hexadecimal digits.
    #[uniffi(default = None)]
    pub device: Option<String>,
    /// The first second, by the device's clock and in Unix seconds, in which it may have been signed.
    #[uniffi(default = None)]
    pub not_before: Option<u64>,
    /// The last one.
    #[uniffi(default = None)]
    pub not_after: Option<u64>,
}

/// What a receipt proves.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct VerifiedReceipt {
    /// What was done.
    pub deed: Deed,
    /// When, by the device's clock, Unix seconds.
    pub at: u64,
    /// The token: 32 hexadecimal digits.
    pub token: String,
    /// The device that signed: eight hexadecimal digits.
    pub device: String,
    /// The confirmation that was answered: sixteen hexadecimal digits.
    pub confirmation: Option<String>,
    /// The 32 bytes of the key that it verifies under: keep them, to expect them of the next receipt of this device.
    pub public_key: Vec<u8>,
}

/// Checks a receipt: alone, in an item of a token's history, or in the answer about a confirmation, as the API gives them.
/// Asks nobody.
///
/// It proves that whoever holds the key signed, not whose key it is, nor when by any other clock than the device's, nor
/// that it counted: what the server says about that stands beside the receipt and is heeded, but nobody signed it.
///
/// # Errors
/// [`CardeaError::RelyingParty`] with code 169: it does not prove what is expected. With code 161: what is expected can be
/// in no receipt.
#[uniffi::export]
pub fn verify_receipt(json: &str, expected: ReceiptExpectation) -> Result<VerifiedReceipt, CardeaError> {
    let wanted = wanted(&expected)?;
    let receipt = Receipt::from_json(json).map_err(RelyingPartyError::from)?;
    let proved = receipt.verify(&wanted).map_err(RelyingPartyError::from)?;
    Ok(VerifiedReceipt {
        deed: proved.act.into(),
        at: proved.at,
        token: proved.token.to_string(),
        device: proved.device.to_string(),
        confirmation: proved.confirmation.map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect()),
        public_key: proved.public_key.to_vec(),
    })
}

fn wanted(expected: &ReceiptExpectation) -> Result<Expected<'_>, CardeaError> {
    let mut wanted = Expected::any();
    if let Some(deed) = expected.deed {
        wanted = wanted.act(act(deed).ok_or_else(|| never("a deed without a name is in none"))?);
    }
    if let Some(text) = &expected.text {
        wanted = wanted.text(text);
    }
    if let Some(key) = &expected.public_key {
        wanted = wanted.public_key(key.as_slice().try_into().map_err(|_| never("a public key has 32 bytes"))?);
    }
    if let Some(id) = &expected.confirmation {
        wanted = wanted.confirmation(digits(id, "a confirmation has sixteen hexadecimal digits")?);
    }
    if let Some(id) = &expected.token {
        wanted = wanted.token(TokenId::new(digits(id, "a token has 32 hexadecimal digits")?));
    }
    if let Some(id) = &expected.device {
        wanted = wanted.device(DeviceId::new(digits(id, "a device has eight hexadecimal digits")?));
    }
    if expected.not_before.is_some() || expected.not_after.is_some() {
        wanted = wanted.within(expected.not_before.unwrap_or(0)..=expected.not_after.unwrap_or(u64::MAX));
    }
    Ok(wanted)
}

/// An expectation that no receipt can meet is a mistake of the program.
fn never(reason: &str) -> CardeaError {
    RelyingPartyError::Call(format!("this cannot be expected of a receipt: {reason}")).into()
}

fn digits<const N: usize>(text: &str, rule: &str) -> Result<[u8; N], CardeaError> {
    let mut bytes = [0; N];
    let is_one = text.len() == 2 * N && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
        let pair = std::str::from_utf8(pair).ok().filter(|_| is_one);
        *byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(|| never(rule))?;
    }
    if is_one { Ok(bytes) } else { Err(never(rule)) }
}

impl From<Act> for Deed {
    fn from(act: Act) -> Self {
        match act {
            Act::Opened => Self::Opened,
            Act::Closed => Self::Closed,
            Act::Approved => Self::Approved,
            Act::Denied => Self::Denied,
            Act::PinsChanged => Self::PinsChanged,
            Act::KeyRotated => Self::KeyRotated,
            Act::Unenrolled => Self::Unenrolled,
            Act::DeviceRevoked => Self::DeviceRevoked,
            Act::Resynced => Self::Resynced,
            _ => Self::Other,
        }
    }
}

const fn act(deed: Deed) -> Option<Act> {
    Some(match deed {
        Deed::Opened => Act::Opened,
        Deed::Closed => Act::Closed,
        Deed::Approved => Act::Approved,
        Deed::Denied => Act::Denied,
        Deed::PinsChanged => Act::PinsChanged,
        Deed::KeyRotated => Act::KeyRotated,
        Deed::Unenrolled => Act::Unenrolled,
        Deed::DeviceRevoked => Act::DeviceRevoked,
        Deed::Resynced => Act::Resynced,
        Deed::Other => return None,
    })
}

#[cfg(test)]
mod tests;
