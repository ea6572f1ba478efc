//! What a service asks of PINs.

use cardea_sdk::ShortString as Shown;

/// What a service asks of its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct Policy {
    /// Fewest digits of a PIN.
    pub pin_min: u8,
    /// Most digits of a PIN.
    pub pin_max: u8,
    /// Whether duress PINs may be set.
    pub duress_allowed: bool,
    /// Whether a biometric key may be used.
    pub biometric_allowed: bool,
    /// Whether six digits are compared at enrollment.
    pub short_string: ShortString,
}

/// Whether six digits are compared at enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ShortString {
    /// No.
    Off,
    /// They are shown.
    Shown,
    /// The token does not count before they were compared.
    Required,
}

impl From<&cardea_sdk::Policy> for Policy {
    fn from(policy: &cardea_sdk::Policy) -> Self {
        Self {
            pin_min: policy.pin_min,
            pin_max: policy.pin_max,
            duress_allowed: policy.duress,
            biometric_allowed: policy.biometric,
            short_string: match policy.short_string {
                Shown::Off => ShortString::Off,
                Shown::Shown => ShortString::Shown,
                Shown::Required => ShortString::Required,
            },
        }
    }
}
