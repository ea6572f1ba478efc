//! Who approves: PINs on their way into the SDK.

use cardea_sdk::Pin;

use crate::CardeaError;
use crate::secret::SecretBytes;

/// How the holder approves an operation that is signed.
#[derive(Debug, uniffi::Enum)]
pub enum Approval {
    /// With a PIN.
    Pin {
        /// ASCII digits.
        digits: SecretBytes,
    },
}

impl Approval {
    /// Approval by a PIN, given as ASCII digits.
    #[must_use]
    pub fn pin(digits: &[u8]) -> Self {
        Self::Pin { digits: digits.into() }
    }

    pub(crate) fn take(self) -> Result<Pin, CardeaError> {
        match self {
            Self::Pin { digits } => pin(&digits),
        }
    }
}

/// The PINs that the holder chose, as ASCII digits.
#[derive(Debug, uniffi::Record)]
pub struct NewPins {
    /// The one that opens.
    pub normal: SecretBytes,
    /// Up to three that seem to, and tell the relying party that the holder is under duress.
    #[uniffi(default = [])]
    pub duress: Vec<SecretBytes>,
}

impl NewPins {
    /// A set without duress PINs.
    #[must_use]
    pub fn normal(digits: &[u8]) -> Self {
        Self { normal: digits.into(), duress: Vec::new() }
    }

    pub(crate) fn take(self) -> Result<cardea_sdk::NewPins, CardeaError> {
        let duress = pins(&self.duress)?;
        Ok(cardea_sdk::NewPins { normal: pin(&self.normal)?, duress, biometric: None })
    }
}

pub(crate) fn pin(digits: &SecretBytes) -> Result<Pin, CardeaError> {
    Ok(Pin::new(digits.expose())?)
}

pub(crate) fn pins(all: &[SecretBytes]) -> Result<Vec<Pin>, CardeaError> {
    all.iter().map(pin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_approvals_nor_pins_are_printed() {
        let pins = NewPins { normal: (&b"274951"[..]).into(), duress: vec![(&b"836402"[..]).into()] };
        for text in [format!("{pins:?}"), format!("{:?}", Approval::pin(b"274951"))] {
            assert!(!text.contains("274951") && !text.contains("836402") && !text.contains("50, 55"), "{text}");
        }
        assert_eq!(pins.take().unwrap().duress.len(), 1);
    }

    #[test]
    fn what_is_no_pin_has_its_number() {
        let error = Approval::pin(b"27495x").take().unwrap_err();
        assert_eq!(error.number(), 110);
        assert!(!error.explanation().contains("27495"), "{error}");
    }
}
