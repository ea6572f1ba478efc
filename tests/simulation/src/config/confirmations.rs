//! The configurations about confirmations.

use super::table::BASE;
use super::{Config, Kind, Want};

/// Answers, late and twice, with texts that come and go.
pub(super) const CONFIRM: Config = Config {
    name: "confirm",
    steps: (30, 100),
    weights: &[
        (Kind::Crash, 4),
        (Kind::Replay, 4),
        (Kind::Tick, 4),
        (Kind::AskConfirmation, 8),
        (Kind::CancelConfirmation, 3),
        (Kind::PollConfirmation, 6),
        (Kind::FetchConfirmations, 10),
    ],
    wants: &[(Want::Approve, 6), (Want::Deny, 4), (Want::Open, 1), (Want::OpenWrong, 1)],
    devices: 2,
    tick: 30,
    ..BASE
};

/// Two nodes that decide at the same time.
pub(super) const CONFIRM_NODES: Config = Config {
    name: "confirmN",
    steps: (30, 100),
    weights: &[
        (Kind::Crash, 4),
        (Kind::Finish, 14),
        (Kind::Kill, 2),
        (Kind::Replay, 4),
        (Kind::Tick, 2),
        (Kind::AskConfirmation, 6),
        (Kind::CancelConfirmation, 2),
        (Kind::PollConfirmation, 5),
        (Kind::FetchConfirmations, 10),
    ],
    wants: &[(Want::Approve, 6), (Want::Deny, 4), (Want::Close, 1)],
    split: true,
    devices: 2,
    tick: 20,
    ..BASE
};

/// Duress, and devices that go.
pub(super) const CONFIRM_DURESS: Config = Config {
    name: "confirmD",
    steps: (40, 120),
    weights: &[
        (Kind::Crash, 3),
        (Kind::Replay, 4),
        (Kind::Tick, 3),
        (Kind::Administer, 1),
        (Kind::RevokeDevice, 1),
        (Kind::AskConfirmation, 8),
        (Kind::CancelConfirmation, 1),
        (Kind::PollConfirmation, 8),
        (Kind::FetchConfirmations, 10),
    ],
    wants: &[
        (Want::Approve, 5),
        (Want::ApproveDuress, 4),
        (Want::Deny, 3),
        (Want::Open, 1),
        (Want::OpenDuress, 1),
        (Want::Unenroll, 1),
    ],
    silent: true,
    devices: 3,
    tick: 30,
    ..BASE
};

/// Backups that are restored.
pub(super) const CONFIRM_RESTORE: Config = Config {
    name: "confirmR",
    steps: (30, 100),
    weights: &[
        (Kind::Crash, 3),
        (Kind::Replay, 4),
        (Kind::Tick, 2),
        (Kind::Backup, 4),
        (Kind::Restore, 3),
        (Kind::AskConfirmation, 8),
        (Kind::CancelConfirmation, 1),
        (Kind::PollConfirmation, 8),
        (Kind::FetchConfirmations, 8),
    ],
    wants: &[(Want::Approve, 6), (Want::Deny, 3), (Want::Close, 1)],
    devices: 2,
    tick: 20,
    ..BASE
};
