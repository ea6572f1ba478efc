//! The small values that everything else is made of: identifiers, status, policy, device information.

use core::fmt;

use crate::crypto::Argon2Cost;
use crate::limits;
use crate::wire::{DecodeError, Reader, Writer};

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Wraps raw bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            #[must_use]
            pub const fn bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    };
}

identifier!(
    /// A token: one user id enrolled in one service. Random, chosen by the server.
    TokenId,
    16
);
identifier!(
    /// A device of a token. Random, chosen by the server, unique within the token.
    DeviceId,
    4
);
identifier!(
    /// The rolling hint: eight bytes derived from a ratchet key, the only thing that names a device in clear.
    Hint,
    8
);

/// What a device may be told about its token. There is no duress here, and there must never be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeviceStatus {
    /// Not enrolled, or not any more.
    NotEnrolled,
    /// Open.
    Open,
    /// Closed.
    Closed,
    /// Blocked.
    Blocked,
}

impl DeviceStatus {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::NotEnrolled => 0,
            Self::Open => 1,
            Self::Closed => 2,
            Self::Blocked => 4,
        }
    }

    /// The status with this number. 3 is none: a device is never told of duress.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::NotEnrolled),
            1 => Some(Self::Open),
            2 => Some(Self::Closed),
            4 => Some(Self::Blocked),
            _ => None,
        }
    }
}

/// Argon2id cost class (specification, chapter 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Argon2Class {
    /// 64 MiB, 3 passes: phones and computers.
    Standard,
    /// 64 KiB, 3 passes in memory of the caller: microcontrollers.
    Embedded,
    /// The smallest that Argon2id allows. For tests only: servers allow it only in `dev`, the SDK only on request.
    Test,
}

impl Argon2Class {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Standard => 1,
            Self::Embedded => 2,
            Self::Test => 0x7f,
        }
    }

    /// The class with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Standard),
            2 => Some(Self::Embedded),
            0x7f => Some(Self::Test),
            _ => None,
        }
    }

    /// What it costs.
    #[must_use]
    pub const fn cost(self) -> Argon2Cost {
        match self {
            Self::Standard => Argon2Cost { memory_kib: 64 * 1024, passes: 3 },
            Self::Embedded => Argon2Cost { memory_kib: 64, passes: 3 },
            Self::Test => Argon2Cost { memory_kib: 8, passes: 1 },
        }
    }
}

/// Whether both screens show the short authentication string at enrollment, and whether it must be confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ShortString {
    /// Not shown.
    Off,
    /// Shown for comparison.
    Shown,
    /// Shown, and the token stays in status 0 until the server is told that it matched.
    Required,
}

/// What a service asks of its devices; sent at enrollment and fixed until re-enrollment. Twelve bytes:
/// `argon2 class, pin min, pin max, flags, version min, version max, keepalive class, zero 5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Cost of the PIN hash.
    pub argon2: Argon2Class,
    /// Shortest PIN in digits (6 to 12).
    pub pin_min: u8,
    /// Longest PIN in digits (6 to 12, not below `pin_min`).
    pub pin_max: u8,
    /// Duress PINs may be set.
    pub duress: bool,
    /// A biometric slot may be used.
    pub biometric: bool,
    /// The short authentication string.
    pub short_string: ShortString,
    /// Lowest protocol version that the server speaks.
    pub version_min: u8,
    /// Highest protocol version that the server speaks.
    pub version_max: u8,
    /// Keepalive class: 0 none, 1 every 4 to 9 minutes.
    pub keepalive: u8,
}

impl Policy {
    /// Encoded length in bytes.
    pub const LEN: usize = 12;
    const DURESS: u8 = 1;
    const BIOMETRIC: u8 = 2;
    const SHORT_SHOWN: u8 = 4;
    const SHORT_REQUIRED: u8 = 8;

    /// Encodes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut flags = 0;
        if self.duress {
            flags |= Self::DURESS;
        }
        if self.biometric {
            flags |= Self::BIOMETRIC;
        }
        match self.short_string {
            ShortString::Off => {}
            ShortString::Shown => flags |= Self::SHORT_SHOWN,
            ShortString::Required => flags |= Self::SHORT_SHOWN | Self::SHORT_REQUIRED,
        }
        [
            self.argon2.number(),
            self.pin_min,
            self.pin_max,
            flags,
            self.version_min,
            self.version_max,
            self.keepalive,
            0,
            0,
            0,
            0,
            0,
        ]
    }

    /// Decodes.
    ///
    /// # Errors
    /// A field is out of range or a reserved byte or bit is set.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, DecodeError> {
        let [argon2, pin_min, pin_max, flags, version_min, version_max, keepalive, rest @ ..] = *bytes;
        if rest != [0; 5] || flags & !0x0f != 0 {
            return Err(DecodeError::Padding);
        }
        let range = limits::PIN_MIN..=limits::PIN_MAX;
        if !range.contains(&usize::from(pin_min)) || !range.contains(&usize::from(pin_max)) || pin_min > pin_max {
            return Err(DecodeError::Field("pin length"));
        }
        if version_min == 0 || version_min > version_max || version_max > 15 {
            return Err(DecodeError::Field("version"));
        }
        if keepalive > 1 {
            return Err(DecodeError::Field("keepalive"));
        }
        Ok(Self {
            argon2: Argon2Class::from_number(argon2).ok_or(DecodeError::Field("argon2 class"))?,
            pin_min,
            pin_max,
            duress: flags & Self::DURESS != 0,
            biometric: flags & Self::BIOMETRIC != 0,
            short_string: match flags & (Self::SHORT_SHOWN | Self::SHORT_REQUIRED) {
                0 => ShortString::Off,
                Self::SHORT_SHOWN => ShortString::Shown,
                Self::SHORT_REQUIRED => return Err(DecodeError::Field("short string")),
                _ => ShortString::Required,
            },
            version_min,
            version_max,
            keepalive,
        })
    }
}

/// The greatest number of a platform.
pub(crate) const PLATFORM_MAX: u8 = 6;

/// What a device says of itself at enrollment. Sixteen bytes: `platform, sdk version 3, flags, zero 11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceInfo {
    /// 0 unknown, 1 Android, 2 iOS, 3 Linux, 4 macOS, 5 Windows, 6 bare metal.
    pub platform: u8,
    /// Major, minor and patch version of the SDK.
    pub sdk_version: [u8; 3],
    /// The device is emulated; services may refuse it.
    pub emulated: bool,
    /// Slot 1 is a biometric slot with the normal role.
    pub biometric: bool,
}

impl DeviceInfo {
    /// Encoded length in bytes.
    pub const LEN: usize = 16;
    const EMULATED: u8 = 1;
    const BIOMETRIC: u8 = 2;

    /// Encodes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let flags =
            (if self.emulated { Self::EMULATED } else { 0 }) | (if self.biometric { Self::BIOMETRIC } else { 0 });
        Writer::new(&mut bytes).u8(self.platform).put(&self.sdk_version).u8(flags);
        bytes
    }

    /// Decodes.
    ///
    /// # Errors
    /// A field is out of range or a reserved byte or bit is set.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let platform = reader.u8()?;
        let sdk_version = *reader.array()?;
        let flags = reader.u8()?;
        reader.padding()?;
        if platform > PLATFORM_MAX {
            return Err(DecodeError::Field("platform"));
        }
        if flags & !(Self::EMULATED | Self::BIOMETRIC) != 0 {
            return Err(DecodeError::Padding);
        }
        Ok(Self {
            platform,
            sdk_version,
            emulated: flags & Self::EMULATED != 0,
            biometric: flags & Self::BIOMETRIC != 0,
        })
    }
}
