//! Who approves: PINs and biometric keys on their way into the SDK.

use cardea_sdk::{BiometricKey, Pin};
use zeroize::Zeroizing;

use crate::CardeaError;
use crate::error::Failure;
use crate::secret::SecretBytes;

/// Stable number of what cannot approve.
const NO_APPROVAL: u32 = 110;

/// How the holder approves an operation that is signed.
#[derive(Debug, uniffi::Enum)]
pub enum Approval {
    /// With a PIN.
    Pin {
        /// ASCII digits.
        digits: SecretBytes,
    },
    /// With the key of the biometric slot, which the operating system gave out after it had recognized the holder.
    Biometric {
        /// The 32 bytes that were enrolled.
        key: SecretBytes,
    },
    /// With whatever the host's [`Presence`](crate::Presence) answers.
    Ask,
}

impl Approval {
    /// Approval by a PIN, given as ASCII digits.
    #[must_use]
    pub fn pin(digits: &[u8]) -> Self {
        Self::Pin { digits: digits.into() }
    }

    pub(crate) fn take(self) -> Result<cardea_sdk::Approval, Failure> {
        Ok(match self {
            Self::Pin { digits } => pin(&digits)?.into(),
            Self::Biometric { key } => biometric(&key)?.into(),
            Self::Ask => cardea_sdk::Approval::Ask,
        })
    }
}

/// The PINs that the holder chose, as ASCII digits.
#[derive(Debug, uniffi::Record)]
pub struct NewPins {
    /// The one that opens.
    pub normal: SecretBytes,
    /// Up to three (two beside a biometric key) that seem to, and tell the relying party that the holder is under duress.
    #[uniffi(default = [])]
    pub duress: Vec<SecretBytes>,
    /// 32 random bytes that open in the place of a PIN, if the service allows it. The host keeps them where only a finger
    /// or a face gets them out.
    #[uniffi(default = None)]
    pub biometric: Option<SecretBytes>,
}

impl NewPins {
    /// A set without duress PINs and biometric key.
    #[must_use]
    pub fn normal(digits: &[u8]) -> Self {
        Self { normal: digits.into(), duress: Vec::new(), biometric: None }
    }

    pub(crate) fn take(self) -> Result<cardea_sdk::NewPins, Failure> {
        let biometric = self.biometric.as_ref().map(biometric).transpose()?;
        Ok(cardea_sdk::NewPins { normal: pin(&self.normal)?, duress: pins(&self.duress)?, biometric })
    }
}

pub(crate) fn pin(digits: &SecretBytes) -> Result<Pin, Failure> {
    Ok(Pin::new(digits.expose())?)
}

pub(crate) fn pins(all: &[SecretBytes]) -> Result<Vec<Pin>, Failure> {
    all.iter().map(pin).collect()
}

pub(crate) fn biometric(key: &SecretBytes) -> Result<BiometricKey, Failure> {
    let bytes: Result<[u8; 32], _> = key.expose().try_into();
    let bytes =
        Zeroizing::new(bytes.map_err(|_| CardeaError::Misuse {
            code: NO_APPROVAL,
            reason: "a biometric key has 32 bytes".to_owned(),
        })?);
    Ok(BiometricKey::new(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_approvals_nor_pins_are_printed() {
        let pins = NewPins {
            normal: (&b"274951"[..]).into(),
            duress: vec![(&b"836402"[..]).into()],
            biometric: Some((&[7; 32][..]).into()),
        };
        for text in [format!("{pins:?}"), format!("{:?}", Approval::pin(b"274951"))] {
            assert!(!text.contains("274951") && !text.contains("836402") && !text.contains("50, 55"), "{text}");
            assert!(!text.contains("7, 7"), "{text}");
        }
        assert_eq!(pins.take().unwrap().duress.len(), 1);
    }

    #[test]
    fn what_is_no_pin_or_key_has_its_number() {
        let error = Approval::pin(b"27495x").take().unwrap_err();
        assert_eq!(error.number(), 110);
        assert!(!error.explanation().contains("27495"), "{error}");
        for length in [0, 31, 33] {
            let key = SecretBytes::new(vec![1; length]);
            assert_eq!(Approval::Biometric { key }.take().unwrap_err().number(), 110);
        }
    }
}
