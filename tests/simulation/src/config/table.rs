//! The configurations. The first eighteen are those of the model checker (`protocol-spec/models/ratchet/check.py`) with
//! wider bounds; the others go where its section "not checked" points.

use super::confirmations::{CONFIRM, CONFIRM_DURESS, CONFIRM_NODES, CONFIRM_RESTORE};
use super::{Config, Kind, Thief, Want};

const OPEN_CLOSE: &[(Want, u32)] = &[(Want::Open, 4), (Want::Close, 3), (Want::Status, 1)];
const ALL_WANTS: &[(Want, u32)] = &[
    (Want::Open, 6),
    (Want::OpenWrong, 2),
    (Want::Close, 4),
    (Want::Status, 2),
    (Want::Ping, 1),
    (Want::SetPins, 1),
    (Want::Rotate, 1),
];

pub(super) const BASE: Config = Config {
    name: "",
    steps: (15, 60),
    weights: &[],
    wants: OPEN_CLOSE,
    thief: Thief::None,
    split: false,
    devices: 1,
    single_use: false,
    silent: false,
    tries: 10,
    skew: 0,
    tick: 0,
};

/// Every configuration.
pub const CONFIGURATIONS: &[Config] = &[
    Config { name: "honest", weights: &[(Kind::Crash, 8), (Kind::Check, 3)], single_use: true, ..BASE },
    Config { name: "expiry", weights: &[(Kind::Crash, 6), (Kind::Replay, 8), (Kind::Tick, 4)], tick: 4_000, ..BASE },
    Config { name: "delay", weights: &[(Kind::Crash, 6), (Kind::Replay, 6), (Kind::Tick, 6)], tick: 130, ..BASE },
    Config {
        name: "cloneQ",
        weights: &[(Kind::Crash, 4), (Kind::Copy, 3), (Kind::Thief, 10)],
        thief: Thief::Truthful,
        ..BASE
    },
    Config {
        name: "clone",
        weights: &[(Kind::Crash, 4), (Kind::Copy, 3), (Kind::Thief, 10)],
        thief: Thief::Lying,
        ..BASE
    },
    Config {
        name: "cloneOC",
        weights: &[(Kind::Crash, 4), (Kind::Copy, 3), (Kind::Thief, 8), (Kind::Tick, 3), (Kind::Replay, 4)],
        thief: Thief::Lying,
        tick: 130,
        ..BASE
    },
    Config {
        name: "nodes",
        weights: &[(Kind::Crash, 4), (Kind::Finish, 14), (Kind::Kill, 2), (Kind::Replay, 4)],
        split: true,
        ..BASE
    },
    Config {
        name: "nodes+",
        weights: &[(Kind::Crash, 6), (Kind::Finish, 12), (Kind::Kill, 3), (Kind::Tick, 3), (Kind::Replay, 8)],
        split: true,
        tick: 130,
        ..BASE
    },
    Config {
        name: "nodesW",
        weights: &[(Kind::Crash, 3), (Kind::Finish, 14), (Kind::Kill, 3), (Kind::Copy, 3), (Kind::Thief, 12)],
        wants: &[(Want::Open, 3), (Want::OpenWrong, 3)],
        thief: Thief::Lying,
        split: true,
        tries: 5,
        ..BASE
    },
    Config {
        name: "warm",
        weights: &[(Kind::Crash, 2), (Kind::Break, 6), (Kind::Replay, 6), (Kind::Tick, 1)],
        tick: 20,
        ..BASE
    },
    Config {
        name: "keys",
        weights: &[(Kind::Crash, 5), (Kind::NewKey, 2), (Kind::EraseKey, 1), (Kind::Forge, 3), (Kind::Replay, 4)],
        ..BASE
    },
    Config { name: "unknown", weights: &[(Kind::Crash, 5), (Kind::Forge, 10), (Kind::Replay, 4)], ..BASE },
    Config {
        name: "restore",
        weights: &[(Kind::Crash, 4), (Kind::Backup, 3), (Kind::Restore, 3), (Kind::Tick, 2), (Kind::Replay, 6)],
        tick: 60,
        ..BASE
    },
    Config {
        name: "restoreC",
        steps: (25, 90),
        weights: &[
            (Kind::Crash, 3),
            (Kind::Backup, 3),
            (Kind::Restore, 3),
            (Kind::Copy, 3),
            (Kind::Thief, 10),
            (Kind::Replay, 3),
        ],
        thief: Thief::Lying,
        ..BASE
    },
    Config {
        name: "restore3",
        weights: &[(Kind::Crash, 6), (Kind::Backup, 4), (Kind::Restore, 6), (Kind::Replay, 10), (Kind::Kill, 1)],
        ..BASE
    },
    Config {
        name: "multi",
        weights: &[(Kind::Crash, 4), (Kind::Tick, 5), (Kind::Administer, 3), (Kind::Replay, 6)],
        devices: 2,
        tick: 40,
        ..BASE
    },
    Config {
        name: "mix",
        weights: &[
            (Kind::Crash, 4),
            (Kind::Copy, 2),
            (Kind::Thief, 6),
            (Kind::NewKey, 1),
            (Kind::EraseKey, 1),
            (Kind::Forge, 4),
            (Kind::Tick, 2),
            (Kind::Replay, 4),
        ],
        thief: Thief::Lying,
        tick: 130,
        ..BASE
    },
    Config {
        name: "mixS",
        steps: (10, 30),
        weights: &[
            (Kind::Crash, 3),
            (Kind::Copy, 3),
            (Kind::Thief, 8),
            (Kind::NewKey, 2),
            (Kind::EraseKey, 1),
            (Kind::Forge, 3),
            (Kind::Tick, 1),
            (Kind::Replay, 2),
        ],
        thief: Thief::Lying,
        tick: 130,
        ..BASE
    },
    Config {
        name: "pins",
        weights: &[(Kind::Crash, 4), (Kind::Administer, 3), (Kind::Replay, 4), (Kind::Tick, 4), (Kind::Check, 3)],
        wants: &[(Want::Open, 2), (Want::OpenWrong, 6), (Want::Close, 1), (Want::Status, 1)],
        tries: 6,
        tick: 100,
        ..BASE
    },
    Config {
        name: "duress",
        weights: &[(Kind::Crash, 4), (Kind::Administer, 2), (Kind::Check, 6), (Kind::Replay, 3), (Kind::Tick, 3)],
        wants: &[(Want::Open, 4), (Want::OpenDuress, 3), (Want::Close, 2), (Want::Status, 1), (Want::SetPins, 1)],
        tick: 40,
        ..BASE
    },
    Config {
        name: "silent",
        weights: &[(Kind::Crash, 4), (Kind::Administer, 1), (Kind::Check, 6), (Kind::Replay, 3), (Kind::Tick, 3)],
        wants: &[(Want::Open, 4), (Want::OpenDuress, 3), (Want::Close, 2), (Want::Unenroll, 1)],
        silent: true,
        tick: 40,
        ..BASE
    },
    Config {
        name: "single",
        weights: &[(Kind::Crash, 4), (Kind::Check, 14), (Kind::Replay, 6), (Kind::Tick, 2), (Kind::Finish, 6)],
        split: true,
        single_use: true,
        tick: 40,
        ..BASE
    },
    Config {
        name: "rotate",
        weights: &[(Kind::Crash, 5), (Kind::Break, 6), (Kind::Replay, 4), (Kind::Kill, 1)],
        wants: &[(Want::Open, 3), (Want::Close, 1), (Want::SetPins, 5), (Want::Rotate, 6)],
        ..BASE
    },
    Config {
        name: "unenroll",
        weights: &[(Kind::Crash, 5), (Kind::Break, 2), (Kind::Replay, 6), (Kind::Check, 4)],
        wants: &[(Want::Open, 4), (Want::Close, 2), (Want::Unenroll, 1)],
        devices: 2,
        ..BASE
    },
    Config {
        name: "enroll",
        weights: &[(Kind::Crash, 5), (Kind::Enroll, 20), (Kind::Replay, 6), (Kind::Check, 3), (Kind::Kill, 1)],
        wants: ALL_WANTS,
        devices: 0,
        ..BASE
    },
    Config {
        name: "skew",
        weights: &[(Kind::Crash, 5), (Kind::Tick, 8), (Kind::Administer, 2), (Kind::Replay, 4)],
        wants: ALL_WANTS,
        devices: 2,
        skew: 90,
        tick: 40,
        ..BASE
    },
    Config {
        name: "skewed",
        weights: &[(Kind::Crash, 5), (Kind::Tick, 4), (Kind::Break, 3), (Kind::Replay, 4)],
        skew: -500,
        tick: 40,
        ..BASE
    },
    Config {
        name: "storm",
        steps: (40, 120),
        weights: &[
            (Kind::Crash, 6),
            (Kind::Break, 2),
            (Kind::Finish, 10),
            (Kind::Kill, 2),
            (Kind::Replay, 10),
            (Kind::Forge, 4),
            (Kind::Tick, 4),
            (Kind::Check, 4),
            (Kind::Administer, 1),
            (Kind::NewKey, 1),
            (Kind::EraseKey, 1),
        ],
        wants: ALL_WANTS,
        split: true,
        devices: 3,
        tick: 130,
        ..BASE
    },
    Config {
        name: "stormC",
        steps: (40, 120),
        weights: &[
            (Kind::Crash, 6),
            (Kind::Break, 2),
            (Kind::Finish, 10),
            (Kind::Kill, 2),
            (Kind::Replay, 8),
            (Kind::Forge, 3),
            (Kind::Tick, 3),
            (Kind::Check, 4),
            (Kind::Administer, 1),
            (Kind::NewKey, 1),
            (Kind::EraseKey, 1),
            (Kind::Backup, 1),
            (Kind::Restore, 1),
            (Kind::Copy, 2),
            (Kind::Thief, 10),
        ],
        wants: ALL_WANTS,
        thief: Thief::Lying,
        split: true,
        devices: 2,
        tick: 130,
        ..BASE
    },
    Config {
        name: "restoreR",
        weights: &[
            (Kind::Crash, 4),
            (Kind::Break, 3),
            (Kind::Backup, 3),
            (Kind::Restore, 2),
            (Kind::Tick, 2),
            (Kind::Replay, 6),
        ],
        wants: ALL_WANTS,
        devices: 2,
        tick: 60,
        ..BASE
    },
    Config {
        name: "restoreP",
        steps: (30, 120),
        weights: &[
            (Kind::Crash, 4),
            (Kind::Break, 3),
            (Kind::Finish, 8),
            (Kind::Kill, 1),
            (Kind::Backup, 3),
            (Kind::Restore, 2),
            (Kind::Tick, 2),
            (Kind::Replay, 6),
            (Kind::Forge, 3),
            (Kind::Check, 3),
            (Kind::Administer, 1),
            (Kind::NewKey, 1),
            (Kind::EraseKey, 1),
        ],
        wants: &[
            (Want::Open, 6),
            (Want::OpenWrong, 2),
            (Want::OpenDuress, 1),
            (Want::Close, 4),
            (Want::SetPins, 2),
            (Want::Unenroll, 1),
        ],
        split: true,
        devices: 2,
        tick: 60,
        ..BASE
    },
    CONFIRM,
    CONFIRM_NODES,
    CONFIRM_DURESS,
    CONFIRM_RESTORE,
    Config {
        name: "enrollS",
        weights: &[
            (Kind::Crash, 5),
            (Kind::Break, 1),
            (Kind::Enroll, 10),
            (Kind::Finish, 8),
            (Kind::Kill, 2),
            (Kind::Replay, 8),
            (Kind::Forge, 3),
            (Kind::Tick, 2),
            (Kind::Check, 3),
            (Kind::NewKey, 1),
            (Kind::EraseKey, 1),
        ],
        wants: ALL_WANTS,
        split: true,
        devices: 0,
        tick: 130,
        ..BASE
    },
];
