//! What can go wrong, as the other languages see it.

use std::time::Duration;

use cardea_sdk::{PinError, WalletError};

/// An error on its way out: one word, wherever it is passed on.
pub(crate) type Failure = Box<CardeaError>;

/// A host callback failed.
const HOST: u32 = 151;
/// There was no memory.
const MEMORY: u32 = 152;
/// Secrets and no folder whose key they could be.
const NO_FOLDER: u32 = 117;

/// Why something did not succeed.
///
/// `code` is the SDK's stable number, the same in every language: up to 100 a code of the protocol, above it the SDK's
/// own. `reason` is a text for a person, without secrets. The table of all codes is in `docs/sdk/errors.md`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum CardeaError {
    /// The PIN is wrong (code 1).
    #[error("{reason} (code {code})")]
    PinRejected {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
        /// Wrong PINs left before the token is blocked.
        tries_left: u8,
    },
    /// Too many wrong PINs: the server does not look at another one yet (2).
    #[error("{reason} (code {code})")]
    Wait {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
        /// Wrong PINs left before the token is blocked.
        tries_left: u8,
        /// Seconds until the server looks at a PIN again.
        wait_seconds: u64,
    },
    /// Blocked until an administrator unblocks it, or for some time (3).
    #[error("{reason} (code {code})")]
    Blocked {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
        /// Seconds that it lasts, if it ends by itself.
        wait_seconds: Option<u64>,
    },
    /// The server does not know this device any more (4).
    #[error("{reason} (code {code})")]
    NotEnrolled {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// The link, image or code is none, was used, or leads to something that must not be trusted (10, 111, 112, 115, 121,
    /// 122).
    #[error("{reason} (code {code})")]
    InvitationRejected {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// The text does not wait for an answer any more (11, 12).
    #[error("{reason} (code {code})")]
    ConfirmationOver {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// Sent, but no answer came: whether it was done is found out by the next operation (101).
    #[error("{reason} (code {code})")]
    NotConfirmed {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// The server cannot be reached, and nothing was sent (102).
    #[error("{reason} (code {code})")]
    Offline {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// The token is in use by another operation (103).
    #[error("{reason} (code {code})")]
    Busy {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// The holder, or the program for him, gave up (106).
    #[error("{reason} (code {code})")]
    Cancelled {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// What was asked for cannot be: an unknown token, a PIN that is none or not allowed, a window that is too short
    /// (104, 105, 110, 113, 114, 116, 117).
    #[error("{reason} (code {code})")]
    Misuse {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// The server refused, or does not keep to the protocol (other codes of the protocol, 120).
    #[error("{reason} (code {code})")]
    Refused {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// The store, or the host's store of secrets (130 to 142).
    #[error("{reason} (code {code})")]
    Storage {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// Something that the host program brings failed, did not answer, or called back into the wallet (151); or the
    /// system gives no memory to hash a PIN in (152).
    #[error("{reason} (code {code})")]
    Host {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// The program is shutting down (150).
    #[error("{reason} (code {code})")]
    ShuttingDown {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
    },
    /// A relying party's call was not answered. It is never an open token (160 to 169).
    #[error("{reason} (code {code})")]
    RelyingParty {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
        /// Seconds after which the same call may succeed, where the server says so.
        wait_seconds: Option<u64>,
    },
}

#[uniffi::export]
impl CardeaError {
    /// The stable number, whatever kind of error it is.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.parts().0
    }

    /// The text for a person, whatever kind of error it is.
    #[must_use]
    pub fn explanation(&self) -> String {
        self.parts().1.to_owned()
    }
}

impl CardeaError {
    fn parts(&self) -> (u32, &str) {
        match self {
            Self::PinRejected { code, reason, .. }
            | Self::Wait { code, reason, .. }
            | Self::Blocked { code, reason, .. }
            | Self::RelyingParty { code, reason, .. }
            | Self::NotEnrolled { code, reason }
            | Self::InvitationRejected { code, reason }
            | Self::ConfirmationOver { code, reason }
            | Self::NotConfirmed { code, reason }
            | Self::Offline { code, reason }
            | Self::Busy { code, reason }
            | Self::Cancelled { code, reason }
            | Self::Misuse { code, reason }
            | Self::Refused { code, reason }
            | Self::Storage { code, reason }
            | Self::Host { code, reason }
            | Self::ShuttingDown { code, reason } => (*code, reason),
        }
    }

    pub(crate) fn host(reason: String) -> Self {
        Self::Host { code: HOST, reason }
    }

    pub(crate) fn no_folder() -> Self {
        let reason = "a store of secrets was given and no folder: in memory nothing would be kept".to_owned();
        Self::Misuse { code: NO_FOLDER, reason }
    }

    pub(crate) fn cancelled() -> Self {
        WalletError::Cancelled.into()
    }

    pub(crate) fn shutting_down() -> Self {
        WalletError::ShuttingDown.into()
    }
}

impl From<WalletError> for CardeaError {
    fn from(error: WalletError) -> Self {
        let (code, reason) = (error.code(), error.to_string());
        let seconds = |time: Duration| time.as_secs();
        match error {
            WalletError::PinRejected { tries_left } => Self::PinRejected { code, reason, tries_left },
            WalletError::Wait { remaining, tries_left } => {
                Self::Wait { code, reason, tries_left, wait_seconds: seconds(remaining) }
            }
            WalletError::Blocked { remaining } => Self::Blocked { code, reason, wait_seconds: remaining.map(seconds) },
            _ => Self::of_number(code, reason),
        }
    }
}

impl CardeaError {
    /// Sorts by number: the numbers are stable, and every language sorts alike.
    fn of_number(code: u32, reason: String) -> Self {
        match code {
            4 => Self::NotEnrolled { code, reason },
            10 | 111 | 112 | 115 | 121 | 122 => Self::InvitationRejected { code, reason },
            11 | 12 => Self::ConfirmationOver { code, reason },
            101 => Self::NotConfirmed { code, reason },
            102 => Self::Offline { code, reason },
            103 => Self::Busy { code, reason },
            106 => Self::Cancelled { code, reason },
            104 | 105 | 110 | 113 | 114 | 116 | NO_FOLDER => Self::Misuse { code, reason },
            130..=149 => Self::Storage { code, reason },
            150 => Self::ShuttingDown { code, reason },
            HOST | MEMORY => Self::Host { code, reason },
            160..=169 => Self::RelyingParty { code, reason, wait_seconds: None },
            _ => Self::Refused { code, reason },
        }
    }
}

impl From<WalletError> for Failure {
    #[inline(never)]
    fn from(error: WalletError) -> Self {
        Self::new(error.into())
    }
}

impl From<PinError> for Failure {
    fn from(error: PinError) -> Self {
        WalletError::Pin(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_sdk_and_details_are_kept() {
        let wait = WalletError::Wait { remaining: Duration::from_secs(30), tries_left: 5 };
        let CardeaError::Wait { code, reason, tries_left, wait_seconds } = wait.into() else { panic!("no wait") };
        assert_eq!((code, tries_left, wait_seconds), (2, 5, 30));
        assert!(reason.contains("30 seconds"), "{reason}");
        let error = CardeaError::from(WalletError::PinRejected { tries_left: 3 });
        assert!(matches!(error, CardeaError::PinRejected { code: 1, tries_left: 3, .. }));
        let error = CardeaError::from(WalletError::Blocked { remaining: None });
        assert!(matches!(error, CardeaError::Blocked { code: 3, wait_seconds: None, .. }));
    }

    /// The table of the documentation, whose second column is the kind.
    const TABLE: &str = include_str!("../../docs/sdk/errors.md");

    #[test]
    fn kinds_are_those_of_the_documentation() {
        let mut rows = 0;
        for line in TABLE.lines() {
            let mut columns = line.split('|').map(str::trim).skip(1);
            let Some(code) = columns.next().and_then(|code| code.parse::<u32>().ok()) else { continue };
            let kind = columns.next().expect("a row has a second column");
            let error = match code {
                1 => WalletError::PinRejected { tries_left: 1 }.into(),
                2 => WalletError::Wait { tries_left: 1, remaining: Duration::ZERO }.into(),
                3 => WalletError::Blocked { remaining: None }.into(),
                _ => CardeaError::of_number(code, String::new()),
            };
            let shown = format!("{error:?}");
            assert_eq!(shown.split(' ').next(), Some(kind), "code {code}");
            rows += 1;
        }
        assert!(rows > 40, "{rows} rows");
    }

    #[test]
    fn every_number_has_its_kind() {
        let of = |code| CardeaError::of_number(code, String::new());
        for code in 0..200 {
            assert_eq!(of(code).number(), code);
        }
        assert!(matches!(CardeaError::from(WalletError::UnknownToken), CardeaError::Misuse { code: 104, .. }));
        assert!(matches!(CardeaError::from(WalletError::CodeUsed), CardeaError::InvitationRejected { code: 10, .. }));
        assert!(matches!(CardeaError::cancelled(), CardeaError::Cancelled { code: 106, .. }));
        assert!(matches!(of(13), CardeaError::Refused { .. }));
        assert!(matches!(of(120), CardeaError::Refused { .. }));
        assert!(matches!(of(138), CardeaError::Storage { .. }));
    }
}
