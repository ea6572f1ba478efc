//! Sessions.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{EntryView, Habit};
use crate::engine::{Seed, Session};

/// How a session is to be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(in super::super) struct NewSession {
    /// Its name: 1 to 48 of a-z, A-Z, 0-9, '.', '_' and '-'. The next number without one.
    pub(in super::super) name: Option<String>,
    /// What its devices draw at random follows from it; another one each time if there is none.
    pub(in super::super) seed: Option<u64>,
    /// Without a call for so many milliseconds it ends. From 100 to 86400000; for ever without one.
    pub(in super::super) lease_ms: Option<u64>,
    /// What holders do where nothing else is said.
    pub(in super::super) presence: Habit,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct SessionView {
    session: String,
    /// What its devices draw at random follows from this number; a session in a state folder has none.
    seed: Option<u64>,
    clock: ClockView,
    /// Their names.
    devices: Vec<String>,
}

impl SessionView {
    pub(in super::super) fn of(name: &str, session: &Session) -> Self {
        Self {
            session: name.to_owned(),
            seed: session.seed().map(Seed::number),
            clock: ClockView::of(session),
            devices: session.list().iter().map(|device| device.name().to_owned()).collect(),
        }
    }
}

/// The sessions that there are.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct SessionList {
    /// Their names.
    pub(in super::super) sessions: Vec<String>,
}

/// The time of a session.
#[derive(Debug, Serialize, ToSchema)]
pub(in super::super) struct ClockView {
    /// In Unix seconds.
    now: u64,
    /// Whether it stands still.
    frozen: bool,
}

impl ClockView {
    pub(in super::super) fn of(session: &Session) -> Self {
        Self { now: session.time().now(), frozen: session.time().is_frozen() }
    }
}

/// What to change about the time of a session; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(in super::super) struct SetClock {
    /// Makes it so late, in Unix seconds.
    pub(in super::super) now: Option<u64>,
    /// Stops it, or lets it go on from where it stands.
    pub(in super::super) frozen: Option<bool>,
}

/// How much time is to pass at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct Advance {
    pub(in super::super) seconds: u64,
}

/// What to wait for, and for how long.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in super::super) struct Until {
    /// A predicate over what the device's or the session's description says.
    #[schema(example = "state == 'open' && remaining > 30s")]
    pub(in super::super) until: String,
    /// From 1 to 600000; 10000 if it is left out.
    #[serde(default = "ten_seconds")]
    pub(in super::super) timeout_ms: u64,
}

const fn ten_seconds() -> u64 {
    10_000
}

/// What there is to know about a wait that was in vain.
#[derive(Debug)]
pub(in super::super) struct InVain {
    /// What was looked at last.
    pub(in super::super) last_state: Value,
    /// What happened meanwhile.
    pub(in super::super) events: Vec<EntryView>,
    pub(in super::super) near_misses: Vec<NearMiss>,
}

/// A comparison of a predicate, and what came of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct NearMiss {
    /// As it was written.
    pub(in super::super) comparison: String,
    /// What stood in the place of the name when it was looked at last.
    pub(in super::super) found: Value,
    /// Whether it was true then.
    pub(in super::super) is_true: bool,
    /// Whether it was true at any time.
    pub(in super::super) was_true: bool,
}
