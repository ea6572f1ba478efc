//! What a device may read of its token: names, devices, history.

use cardea_sdk::DeviceId;

use crate::CardeaError;

/// What a server answers to a device that it does not know.
const NO_DEVICE: u32 = 13;

/// What the holder is to see of a service.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ServiceInfo {
    /// Name of the service.
    pub service: String,
    /// What the service calls the holder.
    pub user: String,
    /// Color of text, as `0xRRGGBB`.
    pub foreground: u32,
    /// Color behind it, as `0xRRGGBB`.
    pub background: u32,
}

fn color([red, green, blue]: [u8; 3]) -> u32 {
    u32::from_be_bytes([0, red, green, blue])
}

impl From<cardea_sdk::ServiceInfo> for ServiceInfo {
    fn from(info: cardea_sdk::ServiceInfo) -> Self {
        let (foreground, background) = (color(info.foreground), color(info.background));
        Self { service: info.service, user: info.user, foreground, background }
    }
}

/// What a device runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Platform {
    /// Not known.
    Unknown,
    /// Android.
    Android,
    /// iOS.
    Ios,
    /// Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
    /// No operating system.
    BareMetal,
}

impl Platform {
    const fn of(number: u8) -> Self {
        match number {
            1 => Self::Android,
            2 => Self::Ios,
            3 => Self::Linux,
            4 => Self::Macos,
            5 => Self::Windows,
            6 => Self::BareMetal,
            _ => Self::Unknown,
        }
    }
}

/// A device of a token.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct DeviceInfo {
    /// Its id: eight hexadecimal digits.
    pub id: String,
    /// What it runs on.
    pub platform: Platform,
    /// It is emulated.
    pub emulated: bool,
    /// It is this device.
    pub is_this: bool,
    /// When it was enrolled, in Unix seconds by the server's clock.
    pub enrolled_at: u32,
    /// When the server last executed anything for it, in Unix seconds.
    pub last_seen: u32,
}

impl From<cardea_sdk::DeviceInfo> for DeviceInfo {
    fn from(info: cardea_sdk::DeviceInfo) -> Self {
        Self {
            id: info.device.to_string(),
            platform: Platform::of(info.platform),
            emulated: info.emulated,
            is_this: info.is_this,
            enrolled_at: info.enrolled_at,
            last_seen: info.last_seen,
        }
    }
}

/// Reads [`DeviceInfo::id`].
pub(crate) fn device(id: &str) -> Result<DeviceId, CardeaError> {
    let digits = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = if digits { u32::from_str_radix(id, 16).ok() } else { None };
    let none = || CardeaError::Refused { code: NO_DEVICE, reason: "the token has no such device".to_owned() };
    number.map(|number| DeviceId::new(number.to_be_bytes())).ok_or_else(none)
}

/// What was done with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Deed {
    /// It was opened.
    Opened,
    /// It was closed.
    Closed,
    /// Its PINs were changed.
    PinsChanged,
    /// A device got a new key.
    KeyRotated,
    /// A device gave itself up.
    Unenrolled,
    /// A text was approved.
    Approved,
    /// A text was denied.
    Denied,
    /// A device was revoked.
    DeviceRevoked,
    /// A device was taken in again after the server was restored.
    Resynced,
    /// Something that this version does not know.
    Other,
}

impl From<cardea_sdk::Deed> for Deed {
    fn from(deed: cardea_sdk::Deed) -> Self {
        match deed {
            cardea_sdk::Deed::Opened => Self::Opened,
            cardea_sdk::Deed::Closed => Self::Closed,
            cardea_sdk::Deed::PinsChanged => Self::PinsChanged,
            cardea_sdk::Deed::KeyRotated => Self::KeyRotated,
            cardea_sdk::Deed::Unenrolled => Self::Unenrolled,
            cardea_sdk::Deed::Approved => Self::Approved,
            cardea_sdk::Deed::Denied => Self::Denied,
            cardea_sdk::Deed::DeviceRevoked => Self::DeviceRevoked,
            cardea_sdk::Deed::Resynced => Self::Resynced,
            _ => Self::Other,
        }
    }
}

/// A line of a token's history.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct HistoryItem {
    /// When, in Unix seconds by the server's clock.
    pub time: u32,
    /// What.
    pub deed: Deed,
    /// By which device; none for an administrator.
    pub device: Option<String>,
}

impl From<cardea_sdk::HistoryItem> for HistoryItem {
    fn from(item: cardea_sdk::HistoryItem) -> Self {
        Self { time: item.time, deed: item.deed.into(), device: item.device.map(|device| device.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_is_three_bytes_red_first() {
        assert_eq!(color([0x12, 0x34, 0x56]), 0x0012_3456);
    }

    #[test]
    fn a_device_is_named_by_eight_digits() {
        assert_eq!(device("0a0b0c0d").unwrap().to_string(), "0a0b0c0d");
        for text in ["", "0a0b0c0", "0a0b0c0d0e", "+a0b0c0d", "0a0b0c0g", "\u{e4}\u{e4}\u{e4}\u{e4}"] {
            assert_eq!(device(text).unwrap_err().number(), 13, "{text}");
        }
    }
}
