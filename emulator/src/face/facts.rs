//! What is known of an emulator at one moment, as its control API says it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use super::Timeline;

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
    /// What is under way.
    pub working: Vec<Working>,
    /// What came of what was said, the newest last.
    pub notices: Vec<Notice>,
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

/// How a token stands, as its server said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Relying parties are told that it is open.
    Open,
    /// They are told that it is not.
    Closed,
    /// It cannot be opened now.
    Blocked,
    /// The server does not know it, or not any more.
    NotEnrolled,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its name.
    #[serde(rename = "device")]
    pub name: String,
    /// What is wrong with where its tokens are kept, if they cannot be read.
    #[serde(default)]
    pub damaged: Option<String>,
    /// Its tokens.
    pub tokens: Vec<Token>,
    /// What its holder is asked, the oldest first.
    pub prompts: Vec<Prompt>,
    /// Whether it hears what servers say unasked.
    pub watched: bool,
    /// What its network is like: a name, or `custom`.
    pub network: String,
    /// Its clock.
    pub clock: DeviceClock,
}

impl Device {
    /// The token whose id this is, or the first.
    #[must_use]
    pub fn token(&self, id: Option<&str>) -> Option<&Token> {
        let named = id.and_then(|id| self.tokens.iter().find(|token| token.id == id));
        named.or_else(|| self.tokens.first())
    }
}

/// The clock of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceClock {
    /// What it shows, in Unix seconds.
    pub now: u64,
    /// By how many seconds it is ahead of its session; behind if negative.
    pub skew_seconds: i64,
}

/// A token of a device, and how it stands as far as its server has said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Token {
    /// Its id.
    #[serde(rename = "token")]
    pub id: String,
    /// The server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What the service calls itself, or empty.
    pub service: String,
    /// What the holder calls it, or empty.
    pub label: String,
    /// When it was enrolled, in Unix seconds.
    pub added_at: u64,
    /// Whether the server has confirmed the enrollment.
    pub confirmed: bool,
    /// Whether something was sent that was never answered.
    pub pending: bool,
    /// What the server said last.
    pub state: Option<State>,
    /// Seconds until that ends by itself, counted when this was asked.
    pub remaining: Option<u64>,
    /// When the server said so, in Unix seconds of the session.
    pub said_at: Option<u64>,
    /// How many seconds ago that was, counted when this was asked.
    pub age: Option<u64>,
    /// Wrong PINs left before it is blocked.
    pub tries_left: Option<u8>,
    /// How many texts wait to be approved or denied.
    pub confirmations: Option<u8>,
    /// Whether the server was reached when it was last tried.
    pub online: Option<bool>,
}

impl Token {
    /// What a person calls it: its label, its service, or its server.
    #[must_use]
    pub fn title(&self) -> &str {
        [&self.label, &self.service, &self.host].into_iter().find(|name| !name.is_empty()).map_or("", |name| name)
    }

    /// When the state ends by itself, in Unix seconds of the session.
    #[must_use]
    pub fn ends(&self) -> Option<u64> {
        Some(self.said_at?.saturating_add(self.age?).saturating_add(self.remaining?))
    }
}

/// A question that waits for the holder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prompt {
    /// Its number on the device.
    #[serde(rename = "prompt")]
    pub number: u64,
    /// The token.
    pub token: String,
    /// What the service calls itself.
    pub service: String,
    /// What for: open, approve, change-pins, unenroll, revoke-device.
    pub purpose: String,
    /// What is to be approved, exactly as it is signed.
    pub text: Option<String>,
    /// Wrong PINs left.
    pub tries_left: Option<u8>,
    /// When it was asked, in Unix seconds of the session.
    pub asked_at: u64,
}

/// What a holder does who is asked, and how long that takes.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Habit {
    /// approve, duress, wrong-pin, cancel, ignore, wait or fail.
    pub outcome: String,
    /// As the control API writes it.
    #[serde(default)]
    pub delay: Value,
}

/// What a server was asked about a token and has answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers {
    /// What the service calls itself and the holder.
    pub about: Option<About>,
    /// The devices of the token.
    pub siblings: Option<Vec<Sibling>>,
    /// What was done with it, newest first.
    pub history: Option<Vec<Deed>>,
    /// What waits to be approved or denied.
    pub confirmations: Option<Vec<Confirmation>>,
}

/// What a service calls itself and the holder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct About {
    /// Itself.
    pub service: String,
    /// The holder.
    pub user: String,
}

/// A device of a token, as its server knows it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sibling {
    /// Its id.
    pub device: String,
    /// 0 unknown, 1 Android, 2 iOS, 3 Linux, 4 macOS, 5 Windows, 6 bare metal.
    pub platform: u8,
    /// Whether it is an emulator.
    pub emulated: bool,
    /// Whether it is this device.
    pub this: bool,
    /// In Unix seconds, by the server's clock.
    pub enrolled_at: u64,
    /// In Unix seconds, by the server's clock.
    pub last_seen: u64,
}

/// What was done with a token.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Deed {
    /// In Unix seconds, by the server's clock.
    pub time: u64,
    /// What.
    pub what: String,
    /// By which device; by an administrator without one.
    pub device: Option<String>,
}

/// A text that waits to be approved or denied.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Confirmation {
    /// Its id.
    pub id: String,
    /// Exactly what is signed.
    pub text: String,
    /// In Unix seconds, by the server's clock.
    pub expires_at: u64,
}

/// Something that can be made to go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// net, frame, crypto, clock, storage or device.
    pub layer: String,
    /// What it does.
    pub what: String,
    /// Its parameters.
    #[serde(default)]
    pub params: Vec<Param>,
    /// What the device is to make of it.
    pub device: String,
    /// What the server is to make of it.
    pub server: String,
}

/// A parameter of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it is, with its unit.
    pub what: String,
    /// What it is if nobody says.
    pub usual: i64,
    /// The least that it can be.
    pub least: i64,
    /// The most that it can be.
    pub most: i64,
}

/// Something that is made to go wrong, and how often it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FaultRule {
    /// The id of the rule.
    pub id: String,
    /// The name of the fault.
    pub fault: String,
    /// How often it happens at most.
    pub times: Option<u64>,
    /// How many occasions there were.
    pub seen: u64,
    /// At how many it happened.
    pub hits: u64,
    /// It has happened as often as it may.
    pub spent: bool,
}

impl FaultRule {
    /// As the control API says it.
    #[must_use]
    pub fn of(armed: &Value) -> Self {
        let text = |name: &str| armed["rule"][name].as_str().unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            fault: text("fault"),
            times: armed["rule"]["times"].as_u64(),
            seen: armed["seen"].as_u64().unwrap_or_default(),
            hits: armed["hits"].as_u64().unwrap_or_default(),
            spent: armed["spent"] == true,
        }
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
