//! How it ended, for programs: exit codes, and a word for each error. They are part of the interface, and the same on the
//! command line and in the answers of the control API.

use cardea_sdk::WalletError;
use cardea_sdk::relying_party::RelyingPartyError;

use crate::engine::EngineError;

mod words;

pub use words::WORDS;

/// Done; or, where a command asks whether a token is open, it is.
pub const DONE: u8 = 0;
/// The program, or the machine that it runs on.
pub const INTERNAL: u8 = 1;
/// Something in what was asked for is not as it must be.
pub const USAGE: u8 = 2;
/// What was waited for, or expected, did not become true.
pub const NOT_YET: u8 = 3;
/// The server refused, or the holder did.
pub const REFUSED: u8 = 4;
/// The server could not be reached.
pub const OFFLINE: u8 = 5;
/// The server is not the one that it should be, or does not keep to the protocol.
pub const UNTRUSTED: u8 = 6;
/// There is no such device, token, text or session, or the server does not know the token any more.
pub const UNKNOWN: u8 = 7;
/// Somebody else uses it, or it cannot be used as it is: the state folder, for example.
pub const BUSY: u8 = 8;
/// No emulator runs that could be told.
pub const NOT_RUNNING: u8 = 9;
/// The token is closed, or blocked.
pub const CLOSED: u8 = 10;
/// Nobody knows whether it was done: ask again.
pub const UNSURE: u8 = 11;
/// A scenario failed.
pub const SCENARIO: u8 = 20;
/// Ctrl-C.
pub const INTERRUPTED: u8 = 130;
/// A signal to terminate.
pub const TERMINATED: u8 = 143;

/// The words of what passes by itself. What may have been done (`not-confirmed`, `timeout`) is asked for with `status` first, and
/// what waits for a person (`wait`, `blocked`) is none of it.
pub const RETRYABLE: [&str; 6] = ["busy", "no-answer", "no-room", "offline", "throttled", "unavailable"];

/// All of them, for people.
pub const CODES: [(u8, &str); 15] = [
    (DONE, "done; where a command asks whether a token is open: it is"),
    (INTERNAL, "the program itself, or the machine"),
    (USAGE, "usage: arguments, PIN files, links that are none"),
    (NOT_YET, "not in time; or `replay`, `trace diff`: not the same"),
    (REFUSED, "refused, by the server or the holder"),
    (OFFLINE, "the server cannot be reached"),
    (UNTRUSTED, "the server is not the right one"),
    (UNKNOWN, "no such token, device, text or session; not enrolled any more"),
    (BUSY, "in use; or the state folder, a port or the display cannot be used"),
    (NOT_RUNNING, "no emulator runs"),
    (CLOSED, "`status --exit-state`, `rp check`: not open"),
    (UNSURE, "nobody knows: ask again with `status`"),
    (SCENARIO, "a scenario failed, or `scenario check` found something"),
    (INTERRUPTED, "ended by Ctrl-C"),
    (TERMINATED, "ended by SIGTERM"),
];

/// The exit code of what a device says.
#[must_use]
pub const fn of_engine(error: &EngineError) -> u8 {
    match error {
        EngineError::Wallet(error) => of_wallet(error),
        EngineError::NoSuchDevice { .. }
        | EngineError::NoSuchToken { .. }
        | EngineError::NoToken
        | EngineError::NoSuchConfirmation
        | EngineError::NoSuchSnapshot { .. }
        | EngineError::Removed(_) => UNKNOWN,
        EngineError::DeviceExists(_)
        | EngineError::SnapshotExists(_)
        | EngineError::TooManySnapshots
        | EngineError::TooManyDevices => BUSY,
        EngineError::Killed { .. } => UNSURE,
        EngineError::Forgotten { .. } => REFUSED,
        EngineError::Broken(_) => INTERNAL,
        _ => USAGE,
    }
}

const fn of_wallet(error: &WalletError) -> u8 {
    match error {
        WalletError::PinRejected { .. }
        | WalletError::Wait { .. }
        | WalletError::Blocked { .. }
        | WalletError::CodeUsed
        | WalletError::AlreadyEnrolled
        | WalletError::Pin(_)
        | WalletError::Cancelled
        | WalletError::Presence(_)
        | WalletError::Refused(_)
        | WalletError::TestArgon2 => REFUSED,
        WalletError::Offline(_) | WalletError::Discovery(_) => OFFLINE,
        WalletError::Server(_) | WalletError::IdentityMismatch => UNTRUSTED,
        WalletError::NotEnrolled
        | WalletError::UnknownToken
        | WalletError::ConfirmationGone
        | WalletError::ConfirmationExpired => UNKNOWN,
        WalletError::Busy | WalletError::Store(_) => BUSY,
        WalletError::NotConfirmed => UNSURE,
        WalletError::Link(_) | WalletError::Code(_) | WalletError::Image(_) | WalletError::Window => USAGE,
        _ => INTERNAL,
    }
}

/// A word for programs for what a device says. It stays the same; texts may change.
#[must_use]
pub const fn word_of_engine(error: &EngineError) -> &'static str {
    match error {
        EngineError::NoSuchDevice { .. } => "no-device",
        EngineError::DeviceExists(_) => "device-exists",
        EngineError::Removed(_) => "device-removed",
        EngineError::Broken(_) => "device-broken",
        EngineError::NoSuchToken { .. } | EngineError::NoToken => "no-such-token",
        EngineError::NoSuchConfirmation => "no-such-text",
        EngineError::NoSuchSnapshot { .. } => "no-snapshot",
        EngineError::SnapshotExists(_) => "snapshot-exists",
        EngineError::TooManySnapshots | EngineError::TooManyDevices => "too-many",
        EngineError::Parcel(_) => "bad-parcel",
        EngineError::Ambiguous(_) | EngineError::ManyConfirmations(_) => "ambiguous",
        EngineError::Name { .. } => "bad-name",
        EngineError::Label => "bad-label",
        EngineError::NoInvitation => "no-invitation",
        EngineError::Wallet(error) => word_of_wallet(error),
        _ => "bad-call",
    }
}

/// The exit code of what a relying party is told. None of them is a reason to open a door.
#[must_use]
pub const fn of_relying(error: &RelyingPartyError) -> u8 {
    match error {
        RelyingPartyError::Setup(_) | RelyingPartyError::Call(_) => USAGE,
        RelyingPartyError::Forbidden => REFUSED,
        RelyingPartyError::Unknown(_) => UNKNOWN,
        RelyingPartyError::Unreachable { .. } => OFFLINE,
        RelyingPartyError::Answer(_) | RelyingPartyError::Receipt(_) => UNTRUSTED,
        _ => UNSURE,
    }
}

/// A word for programs for what a relying party is told. It stays the same; texts may change.
#[must_use]
pub const fn word_of_relying(error: &RelyingPartyError) -> &'static str {
    match error {
        RelyingPartyError::Setup(_) | RelyingPartyError::Call(_) => "bad-call",
        RelyingPartyError::Forbidden => "authkey",
        RelyingPartyError::Unknown(_) => "unknown",
        RelyingPartyError::Throttled { .. } => "throttled",
        RelyingPartyError::Unavailable { .. } => "unavailable",
        RelyingPartyError::Unreachable { .. } => "offline",
        RelyingPartyError::Timeout => "timeout",
        RelyingPartyError::Answer(_) => "server",
        _ => "refused",
    }
}

/// Whether the same may succeed a little later, though nobody changes anything: what a program may try again by itself.
#[must_use]
pub fn is_retryable(word: &str) -> bool {
    RETRYABLE.contains(&word)
}

const fn word_of_wallet(error: &WalletError) -> &'static str {
    match error {
        WalletError::PinRejected { .. } => "pin-rejected",
        WalletError::Wait { .. } => "wait",
        WalletError::Blocked { .. } => "blocked",
        WalletError::NotEnrolled => "not-enrolled",
        WalletError::NotConfirmed => "not-confirmed",
        WalletError::CodeUsed => "code-used",
        WalletError::AlreadyEnrolled => "already-enrolled",
        WalletError::Pin(_) => "pin-not-allowed",
        WalletError::Link(_) | WalletError::Code(_) => "no-invitation",
        WalletError::Cancelled => "cancelled",
        WalletError::Offline(_) | WalletError::Discovery(_) => "offline",
        WalletError::Busy => "busy",
        WalletError::ConfirmationGone | WalletError::ConfirmationExpired => "text-over",
        WalletError::Store(_) => "store",
        WalletError::TestArgon2 => "test-argon2",
        WalletError::UnknownToken => "no-such-token",
        WalletError::IdentityMismatch => "wrong-server",
        WalletError::Server(_) => "server",
        WalletError::Image(_) => "no-invitation",
        WalletError::Window => "bad-call",
        _ => "refused",
    }
}
