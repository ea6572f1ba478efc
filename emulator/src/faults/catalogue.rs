//! All faults: what they do, and what device and server are to make of them. The documentation is made from this, and a test holds
//! the real device and the real server to each line.

mod crypto;
mod device;
mod frame;
mod net;
mod storage;

use std::fmt::Write as _;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::point::Hook;

/// What a fault is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FaultLayer)]
pub enum Layer {
    /// The way to the server.
    Net,
    /// What travels on it.
    Frame,
    /// Keys, identities and chance.
    Crypto,
    /// The device's clock.
    Clock,
    /// Where the device keeps its tokens.
    Storage,
    /// The app and its holder.
    Device,
}

impl Layer {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Net, Self::Frame, Self::Crypto, Self::Clock, Self::Storage, Self::Device];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Frame => "frame",
            Self::Crypto => "crypto",
            Self::Clock => "clock",
            Self::Storage => "storage",
            Self::Device => "device",
        }
    }
}

/// A parameter of a fault: a whole number.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = FaultParam)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it is, with its unit.
    pub what: &'static str,
    /// What it is if nobody says.
    pub usual: i64,
    /// The least that it can be.
    pub least: i64,
    /// The most that it can be.
    pub most: i64,
}

impl Param {
    const fn new(name: &'static str, what: &'static str, usual: i64, least: i64, most: i64) -> Self {
        Self { name, what, usual, least, most }
    }
}

/// A fault.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = FaultEntry)]
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it is part of.
    pub layer: Layer,
    /// What it does.
    pub what: &'static str,
    /// Its parameters.
    #[schema(value_type = Vec<Param>)]
    pub params: &'static [Param],
    /// What the device is to make of it, where it happens once while a token is opened.
    pub device: &'static str,
    /// What the server is to make of it.
    pub server: &'static str,
    #[serde(skip)]
    pub(super) fault: Fault,
    /// Where it happens; the first one, unless a rule says which way.
    #[serde(skip)]
    pub(super) hooks: &'static [Hook],
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    AckDuplicated,
    AckForOtherToken,
    AckLost,
    BadLength,
    BitFlip,
    CannotAsk,
    Cancel,
    CaptivePortal,
    CloneAfter,
    CloneFirst,
    ClockEpochZero,
    ClockFarFuture,
    ClockFreeze,
    ClockJump,
    ClockSkew,
    CodeReuse,
    ConnectSlow,
    ConnectTimeout,
    Corrupt,
    CrashAfterWrite,
    CrashBeforeWrite,
    Deny,
    DnsFailure,
    DoubleTap,
    Downgrade,
    Duplicate,
    DuplicateConnection,
    EarlyClose,
    Flood,
    ForgetToClose,
    Full,
    Garbage,
    HalfClose,
    HalfOpen,
    Ignore,
    Impostor,
    IoError,
    KeyMissing,
    KillAfterSend,
    KillBeforeSend,
    KillBeforeStore,
    Late,
    LimitData,
    Locked,
    Lost,
    LostWrite,
    LowOrder,
    Missing,
    Mtu,
    NewerFormat,
    Oversize,
    PlainError,
    Proxy,
    ReadOnly,
    Refuse,
    Reinstalled,
    Reorder,
    Replay,
    ReplayCrossServer,
    ReplayCrossToken,
    Reset,
    RevokedButTalking,
    Rollback,
    SlowClose,
    SlowHolder,
    SlowLoris,
    SlowWrite,
    Slicer,
    StaleKey,
    StuckRandom,
    Suspend,
    Torn,
    Truncate,
    TruncatedEntry,
    UnknownKind,
    UnknownVersion,
    WrongEpoch,
    WrongHint,
    WrongKey,
    WrongPin,
    WrongState,
    ZeroLength,
}

const TABLES: [&[Entry]; 6] = [net::NET, frame::FRAME, crypto::CRYPTO, device::CLOCK, storage::STORAGE, device::DEVICE];

/// All faults, by layer.
pub fn catalogue() -> impl Iterator<Item = &'static Entry> {
    TABLES.into_iter().flatten()
}

/// The names of all faults.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    catalogue().map(|entry| entry.name)
}

/// The same as JSON Schema says it.
pub(super) fn names_schema() -> Object {
    let said = "The name of the fault, one of the catalogue's.";
    ObjectBuilder::new().schema_type(Type::String).description(Some(said)).enum_values(Some(names())).build()
}

/// The fault of this name.
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    catalogue().find(|entry| entry.name == name)
}

/// The catalogue as the documentation has it: one table for each layer.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::new();
    for layer in Layer::ALL {
        // Writing to a text does not fail.
        let _ = write!(text, "### {}\n\n", layer.name());
        text += "| fault | what happens | parameters | the device | the server |\n|---|---|---|---|---|\n";
        for entry in catalogue().filter(|entry| entry.layer == layer) {
            let params: Vec<String> =
                entry.params.iter().map(|it| format!("`{}`: {} ({})", it.name, it.what, it.usual)).collect();
            let Entry { name, what, device, server, .. } = entry;
            let _ = writeln!(text, "| `{name}` | {what} | {} | {device} | {server} |", params.join("<br>"));
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_fault_is_there_once_and_says_what_is_to_be_expected() {
        let mut seen = BTreeSet::new();
        for entry in catalogue() {
            let name = entry.name;
            assert!(seen.insert(name), "{name} is there twice");
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}"
            );
            for text in [entry.what, entry.device, entry.server] {
                assert!(!text.is_empty() && !text.ends_with('.') && !text.contains('|'), "{name}: {text}");
            }
            assert!(!entry.hooks.is_empty(), "{name}");
            for param in entry.params {
                assert!((param.least..=param.most).contains(&param.usual), "{name}: {}", param.name);
            }
        }
        let faults: Vec<_> = catalogue().map(|entry| entry.fault).collect();
        assert!((1..faults.len()).all(|at| !faults[..at].contains(&faults[at]) || is_twice(faults[at])));
    }

    /// Two names for one thing that is done, with other parameters.
    fn is_twice(fault: Fault) -> bool {
        fault == Fault::Replay
    }
}
