//! How a token stands, and what a wallet holds of it.

use cardea_sdk::{DeviceStatus, Summary};

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
    /// How many texts wait to be approved or denied.
    pub confirmations: u8,
    /// The server's clock when it answered, in Unix seconds.
    pub server_time: u32,
    /// How far this device's clock is from the server's, in seconds, when that is more than five minutes: tell the
    /// holder to set it.
    pub clock_difference: Option<u64>,
}

impl Status {
    /// `now` is this device's clock in Unix seconds.
    pub(crate) fn of(status: &cardea_sdk::Status, now: u64) -> Self {
        Self {
            state: match status.state {
                DeviceStatus::NotEnrolled => State::NotEnrolled,
                DeviceStatus::Open => State::Open,
                DeviceStatus::Closed => State::Closed,
                DeviceStatus::Blocked => State::Blocked,
            },
            remaining_seconds: status.remaining.map(|time| time.as_secs()),
            tries_left: status.tries_left,
            confirmations: status.confirmations,
            server_time: status.server_time,
            clock_difference: status.clock_difference(now),
        }
    }
}

/// What a wallet holds of a token. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct TokenInfo {
    /// Its name in this wallet.
    pub id: String,
    /// Server's host.
    pub host: String,
    /// Server's port.
    pub port: u16,
    /// Name of the service, or empty.
    pub service: String,
    /// What the holder calls it, or empty.
    pub label: String,
    /// When it was enrolled, in Unix seconds by this device's clock.
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
    /// Whether the service allows approval by biometrics.
    pub biometric_allowed: bool,
}

impl From<Summary> for TokenInfo {
    fn from(summary: Summary) -> Self {
        Self {
            id: summary.key.to_string(),
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
            biometric_allowed: summary.policy.biometric,
        }
    }
}
