//! What goes in and comes out.

use std::fmt;

use cardea_sdk::{DeviceStatus, NewPins, Pin, Summary};
use zeroize::Zeroizing;

use crate::CardeaError;

/// The PINs that the holder chose, as ASCII digits. Wiped here after use; the caller wipes its own copy.
#[derive(uniffi::Record)]
pub struct Pins {
    /// The one that opens.
    pub normal: Vec<u8>,
    /// Up to three that seem to.
    #[uniffi(default = [])]
    pub duress: Vec<Vec<u8>>,
}

impl fmt::Debug for Pins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pins([redacted])")
    }
}

impl Pins {
    /// Takes the PINs and wipes what they came in, whether they are good or not.
    pub(crate) fn take(self) -> Result<NewPins, CardeaError> {
        // A record of the bindings cannot have a destructor of its own.
        let (normal, duress) = (Zeroizing::new(self.normal), Zeroizing::new(self.duress));
        let duress = duress.iter().map(|digits| Pin::new(digits)).collect::<Result<_, _>>()?;
        Ok(NewPins { normal: Pin::new(&normal)?, duress })
    }
}

/// Takes a PIN and wipes what it came in.
pub(crate) fn pin(digits: Vec<u8>) -> Result<Pin, CardeaError> {
    Ok(Pin::new(&Zeroizing::new(digits))?)
}

/// How a wallet is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct WalletOptions {
    /// Accept services that hash PINs as cheaply as tests do. Never for tokens that protect something.
    #[uniffi(default = false)]
    pub allow_test_argon2: bool,
    /// Say to servers that this device is emulated.
    #[uniffi(default = false)]
    pub emulated: bool,
    /// Look after unanswered operations without waiting for the holder.
    #[uniffi(default = true)]
    pub recover_in_background: bool,
}

impl Default for WalletOptions {
    fn default() -> Self {
        Self { allow_test_argon2: false, emulated: false, recover_in_background: true }
    }
}

/// A token's status, as far as a device may know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum State {
    /// Not enrolled (any more).
    NotEnrolled,
    /// Open.
    Open,
    /// Closed.
    Closed,
    /// Blocked.
    Blocked,
}

/// How a token stands, as its server says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct Status {
    /// The status.
    pub state: State,
    /// Seconds that it lasts from when the server answered, if it ends by itself.
    pub remaining_seconds: Option<u64>,
    /// Wrong PINs left before the token is blocked.
    pub tries_left: u8,
    /// The server's clock when it answered, in Unix seconds.
    pub server_time: u32,
}

impl From<cardea_sdk::Status> for Status {
    fn from(status: cardea_sdk::Status) -> Self {
        Self {
            state: match status.state {
                DeviceStatus::NotEnrolled => State::NotEnrolled,
                DeviceStatus::Open => State::Open,
                DeviceStatus::Closed => State::Closed,
                DeviceStatus::Blocked => State::Blocked,
            },
            remaining_seconds: status.remaining.map(|time| time.as_secs()),
            tries_left: status.tries_left,
            server_time: status.server_time,
        }
    }
}

/// What a wallet holds of a token. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TokenInfo {
    /// Its name in this wallet.
    pub token: String,
    /// Server's host.
    pub host: String,
    /// Server's port.
    pub port: u16,
    /// Name of the service, or empty.
    pub service: String,
    /// What the holder calls it, or empty.
    pub label: String,
    /// When it was enrolled, in Unix seconds.
    pub added_at: u64,
    /// Whether the server has confirmed the enrollment.
    pub confirmed: bool,
    /// Whether something was sent that was never answered.
    pub pending: bool,
    /// Fewest digits of a PIN.
    pub pin_min: u8,
    /// Most digits of a PIN.
    pub pin_max: u8,
    /// Whether the service allows duress PINs.
    pub duress_allowed: bool,
}

impl From<Summary> for TokenInfo {
    fn from(summary: Summary) -> Self {
        Self {
            token: summary.key.to_string(),
            host: summary.details.host,
            port: summary.details.port,
            service: summary.details.service,
            label: summary.details.label,
            added_at: summary.details.added_at,
            confirmed: summary.confirmed,
            pending: summary.pending,
            pin_min: summary.policy.pin_min,
            pin_max: summary.policy.pin_max,
            duress_allowed: summary.policy.duress,
        }
    }
}

/// Where an enrollment link leads.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Preview {
    /// Server's host.
    pub host: String,
    /// Server's port.
    pub port: u16,
}

/// A token that was just enrolled.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Enrollment {
    /// Its name in this wallet.
    pub token: String,
    /// Six digits to compare with those on the enrolling page, if the service wants that.
    pub short_string: Option<String>,
    /// Whether the service insists on the comparison.
    pub short_string_required: bool,
}

impl From<cardea_sdk::Enrollment> for Enrollment {
    fn from(enrolled: cardea_sdk::Enrollment) -> Self {
        let token = enrolled.token.key().to_string();
        let (short_string, required) = enrolled.short_string.unzip();
        Self { token, short_string, short_string_required: required.unwrap_or(false) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_not_printed() {
        let pins = Pins { normal: b"274951".to_vec(), duress: vec![b"836402".to_vec()] };
        assert_eq!(format!("{pins:?}"), "Pins([redacted])");
        assert_eq!(pins.take().unwrap().duress.len(), 1);
    }

    #[test]
    fn what_is_no_pin_has_its_number() {
        let CardeaError::Failed { code, reason, .. } = pin(b"27495x".to_vec()).unwrap_err();
        assert_eq!(code, 110);
        assert!(!reason.contains("27495"), "{reason}");
    }
}
