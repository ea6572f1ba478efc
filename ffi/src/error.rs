//! The one error of the bindings.

use cardea_sdk::{PinError, WalletError};

/// Why something did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum CardeaError {
    /// `code` is the SDK's stable number, the same in every language: up to 100 a code of the protocol, above it the
    /// SDK's own. `reason` is a text for a person, without secrets.
    #[error("{reason} (code {code})")]
    Failed {
        /// Stable number.
        code: u32,
        /// Text for a person.
        reason: String,
        /// Wrong PINs left before the token is blocked, if that is what it is about.
        tries_left: Option<u8>,
        /// Seconds to wait, if that helps.
        wait_seconds: Option<u64>,
    },
}

impl From<WalletError> for CardeaError {
    fn from(error: WalletError) -> Self {
        let (tries_left, wait) = match &error {
            WalletError::PinRejected { tries_left } => (Some(*tries_left), None),
            WalletError::Wait { tries_left, remaining } => (Some(*tries_left), Some(*remaining)),
            WalletError::Blocked { remaining } => (None, *remaining),
            _ => (None, None),
        };
        let wait_seconds = wait.map(|time| time.as_secs());
        Self::Failed { code: error.code(), reason: error.to_string(), tries_left, wait_seconds }
    }
}

impl From<PinError> for CardeaError {
    fn from(error: PinError) -> Self {
        WalletError::Pin(error).into()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_are_those_of_the_sdk() {
        let wait = WalletError::Wait { remaining: Duration::from_secs(30), tries_left: 5 };
        let CardeaError::Failed { code, reason, tries_left, wait_seconds } = wait.into();
        assert_eq!((code, tries_left, wait_seconds), (2, Some(5), Some(30)));
        assert!(reason.contains("30 seconds"), "{reason}");
        let CardeaError::Failed { code, .. } = WalletError::UnknownToken.into();
        assert_eq!(code, 104);
    }
}
