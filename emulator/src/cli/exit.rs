//! Exit codes. They are part of the interface: see `--help` and README.md.

use cardea_sdk::WalletError;

use super::CliError;
use crate::engine::EngineError;
#[cfg(feature = "embedded-server")]
use crate::stub::StubError;

/// The exit code of an error.
#[must_use]
pub const fn exit_code(error: &CliError) -> u8 {
    match error {
        CliError::Engine(EngineError::Wallet(error)) => of_wallet(error),
        CliError::Engine(
            EngineError::HostMissing
            | EngineError::DeviceId
            | EngineError::Authorities { .. }
            | EngineError::Seed(_)
            | EngineError::SeedInFolder
            | EngineError::Name(_)
            | EngineError::DeviceExists(_)
            | EngineError::NoSuchDevice(_),
        )
        | CliError::NoStateFolder => 2,
        #[cfg(not(feature = "embedded-server"))]
        CliError::NoServer => 2,
        #[cfg(feature = "embedded-server")]
        CliError::File { .. } | CliError::Document { .. } => 2,
        #[cfg(feature = "embedded-server")]
        CliError::Stub(StubError::Listen { .. } | StubError::User(_) | StubError::Refused(_)) => 2,
        #[cfg(feature = "embedded-server")]
        CliError::Stub(StubError::Server(_)) | CliError::Output(_) => 70,
        CliError::Engine(EngineError::NoSuchConfirmation | EngineError::ManyConfirmations(_)) => 23,
        CliError::Engine(EngineError::NoSuchToken(_) | EngineError::NoToken | EngineError::Ambiguous(_)) => 18,
        CliError::Input { .. } | CliError::TooFewPins | CliError::PinsDiffer | CliError::NoTerminal => 31,
        CliError::Engine(EngineError::Killed { .. }) => of_wallet(&WalletError::NotConfirmed),
        CliError::Engine(EngineError::Forgotten { .. }) => of_wallet(&WalletError::Cancelled),
        CliError::Daemon(error) => error.exit(),
        CliError::Engine(EngineError::Removed(_)) | CliError::Runtime(_) => 70,
    }
}

const fn of_wallet(error: &WalletError) -> u8 {
    match error {
        WalletError::PinRejected { .. } => 10,
        WalletError::Wait { .. } => 11,
        WalletError::Blocked { .. } => 12,
        WalletError::NotEnrolled => 13,
        WalletError::NotConfirmed => 14,
        WalletError::CodeUsed | WalletError::AlreadyEnrolled => 15,
        WalletError::Pin(_) => 16,
        WalletError::Link(_) | WalletError::Code(_) => 17,
        WalletError::UnknownToken => 18,
        WalletError::Cancelled => 19,
        WalletError::Offline(_) | WalletError::Discovery(_) => 20,
        WalletError::Refused(_) | WalletError::Server(_) | WalletError::IdentityMismatch => 21,
        WalletError::Busy => 22,
        WalletError::ConfirmationGone | WalletError::ConfirmationExpired => 23,
        WalletError::Store(_) => 30,
        WalletError::TestArgon2 => 40,
        WalletError::Window => 2,
        _ => 70,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_ending_has_its_own_code() {
        let wait = WalletError::Wait { remaining: Duration::ZERO, tries_left: 1 };
        let endings = [
            WalletError::PinRejected { tries_left: 1 },
            wait,
            WalletError::Blocked { remaining: None },
            WalletError::NotEnrolled,
            WalletError::NotConfirmed,
            WalletError::CodeUsed,
            WalletError::Busy,
            WalletError::TestArgon2,
        ];
        let codes: Vec<u8> = endings.map(|error| exit_code(&EngineError::from(error).into())).to_vec();
        assert_eq!(codes, [10, 11, 12, 13, 14, 15, 22, 40]);
    }
}
