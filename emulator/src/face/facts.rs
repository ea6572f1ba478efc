//! What is known of an emulator at one moment, as its control API says it.

mod answers;
mod device;
mod faults;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::Timeline;
pub use answers::{About, Answers, Confirmation, Deed, Sibling};
pub use device::{Device, DeviceClock, Habit, Prompt, State, Token};
pub use faults::{Fault, FaultRule, Param};

/// Everything that a face shows. Whoever holds one sees one moment; the next is another one.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Whether the emulator is there.
    pub link: Link,
    /// What each command line begins with: the program, and how it finds this emulator.
    pub program: String,
    /// The session that is shown.
    pub session: String,
    /// Its time.
    pub clock: Clock,
    /// Its devices, by name.
    pub devices: Arc<BTreeMap<String, Arc<Device>>>,
    /// What holders do where nothing else is said, of the devices that were asked about.
    pub habits: BTreeMap<String, Habit>,
    /// What servers were asked and have answered, by device and token.
    pub answers: BTreeMap<(String, String), Arc<Answers>>,
    /// What happened, and what was said on the wire.
    pub timeline: Timeline,
    /// What can be made to go wrong.
    pub catalogue: Arc<Vec<Fault>>,
    /// What is made to go wrong, in order.
    pub faults: Arc<Vec<FaultRule>>,
    /// Whether the session is recorded.
    pub trace: TraceState,
    /// What was kept of the session, by name.
    pub snapshots: Arc<Vec<Snapshot>>,
    /// What is under way.
    pub working: Vec<Working>,
    /// What came of what was said, the newest last.
    pub notices: Vec<Notice>,
    /// What relying parties were told who asked here, the newest last.
    pub asked: Vec<Asked>,
}

/// What the session was at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// What it is called.
    #[serde(rename = "snapshot")]
    pub name: String,
    /// In Unix seconds of the session.
    #[serde(rename = "takenAt")]
    pub taken_at: u64,
    /// The names of its devices.
    pub devices: Vec<String>,
}

/// What a relying party was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// In Unix seconds of the session.
    pub at: u64,
    /// What the service calls the holder.
    pub user: String,
    /// The service.
    pub service: String,
    /// How long the answer took, in milliseconds.
    pub took_ms: u64,
    /// open, closed, duress, blocked or not enrolled.
    pub word: &'static str,
    /// Whether doors open.
    pub is_open: bool,
}

/// Whether the emulator is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Link {
    /// It is being looked for.
    #[default]
    Looking,
    /// It is in this process, and others reach it at this socket or address.
    Hosting(String),
    /// It is another process, reached here.
    Attached(String),
    /// It was there and is gone: why, for a person.
    Lost(String),
    /// It was in this process and was told to end: the face ends with it.
    Ended,
}

/// The time of a session.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct Clock {
    /// In Unix seconds, when it was read.
    pub now: u64,
    /// Whether it stands still.
    pub frozen: bool,
    /// When it was read; nothing in tests that have no time.
    #[serde(skip)]
    pub read: Option<Instant>,
}

impl Clock {
    /// What it shows by now, in Unix seconds.
    #[must_use]
    pub fn at(&self, moment: Option<Instant>) -> u64 {
        match (self.read, moment) {
            (Some(read), Some(moment)) if !self.frozen => {
                self.now.saturating_add(moment.saturating_duration_since(read).as_secs())
            }
            _ => self.now,
        }
    }

    /// How long until it shows the next second; nothing while it stands still.
    #[must_use]
    pub fn ticks_in(&self, moment: Instant) -> Option<Duration> {
        let passed = moment.saturating_duration_since(self.read.filter(|_| !self.frozen)?);
        Some(Duration::from_millis(1_005).saturating_sub(Duration::from_millis(u64::from(passed.subsec_millis()))))
    }
}

impl Facts {
    /// Whether what was done can be saved as a scenario. One that is elsewhere says itself what it can do.
    #[must_use]
    pub const fn has_scenarios(&self) -> bool {
        cfg!(feature = "embedded-server") || matches!(self.link, Link::Attached(_))
    }

    /// The device of this name.
    #[must_use]
    pub fn device(&self, name: &str) -> Option<&Device> {
        self.devices.get(name).map(|device| &**device)
    }

    /// Whether anything is made to go wrong.
    #[must_use]
    pub fn misbehaves(&self) -> bool {
        self.faults.iter().any(|rule| !rule.spent)
    }

    /// What is under way on a device.
    pub fn working_on<'a>(&'a self, device: &'a str) -> impl Iterator<Item = &'a Working> {
        self.working.iter().filter(move |work| work.device.as_deref() == Some(device))
    }

    /// What a server has answered about a token.
    #[must_use]
    pub fn answers(&self, device: &str, token: &str) -> Option<&Answers> {
        self.answers.get(&(device.to_owned(), token.to_owned())).map(|answers| &**answers)
    }
}

/// Whether a session is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct TraceState {
    /// Whether it is.
    pub on: bool,
    /// How many frames are kept.
    pub frames: u64,
    /// How many were not kept long enough.
    pub lost: u64,
}

/// Something that was said and is not done yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Working {
    /// Which one: notices have the same number.
    pub number: u64,
    /// On which device.
    pub device: Option<String>,
    /// What, in a word: `open`, `close`, `enroll` and so on.
    pub verb: &'static str,
}

/// What came of something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which one: the first is 1.
    pub number: u64,
    /// On which device.
    pub device: Option<String>,
    /// What was said, in a word.
    pub verb: &'static str,
    /// For a person.
    pub text: String,
    /// Where it failed: the word of the error, as in the control API.
    pub failed: Option<String>,
    /// The same on the command line, if there is such a command.
    pub command_line: String,
    /// The file that was written.
    pub file: Option<PathBuf>,
}
