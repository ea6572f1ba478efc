//! Scenarios: files that say what happens and what is expected of it, over the engine's devices and a [stub](crate::stub), in a
//! time that passes only when the file says so.
//!
//! | what | where |
//! |---|---|
//! | a [`Scenario`] and its steps, as they are written | this module, `parse`, `vars`, `words` |
//! | what is probably wrong with one that can be read | [`lint`] |
//! | running them, each variant by itself, several at once | [`run`] |
//! | what came of it, for people and for programs | [`report`] |
//! | one made from what happened in a session | [`record`] |
//!
//! ```
//! use cardea_emulator::scenario::{Scenario, run};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let text = "
//! cardea-scenario: 1
//! name: an opening ends by itself
//! devices: [alice]
//! steps:
//!   - enroll: alice
//!   - open: alice
//!     expect: {server: {alice: open}}
//!   - clock: {advance: 60s}
//!     expect: {server: {alice: closed}}
//! ";
//! let scenario = Scenario::parse(text)?;
//! let runs = run::all(&[scenario], &run::Plan::default()).await;
//! assert!(runs.iter().all(|run| run.failure.is_none()));
//! # Ok::<(), cardea_emulator::document::DocumentError>(())
//! # }).unwrap();
//! ```

mod expect;
pub mod lint;
mod parse;
pub mod record;
pub mod report;
pub mod run;
mod step;
mod vars;
mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use cardea_sdk::DenyReason;

use crate::document::{DocumentError, Place};
use crate::engine::{Named, Outcome, Transport};
use crate::hidden::Hidden;
use crate::stub::ServiceSettings;
use crate::stub::script::{Rule, TokenChange};

use parse::include::Files;

pub use vars::Vars;

/// The JSON Schema of scenarios, for editors.
pub const SCHEMA: &str = include_str!("scenario/schema.json");

/// A scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// What it shows, in a line.
    pub name: String,
    /// Why, or for whom.
    pub about: Option<String>,
    /// To choose by.
    pub tags: Vec<String>,
    /// Where it does not run.
    pub skip_if: Option<SkipIf>,
    /// What chance follows from; another one each time if there is none.
    pub seed: Option<u64>,
    /// How long it may take, in real time, before it counts as stuck.
    pub timeout: Duration,
    /// The server, if it is there already; a stub of the scenario's own otherwise.
    pub server: Option<Server>,
    /// The service that there is.
    pub service: ServiceSettings,
    /// What the stub does beside what a server does.
    pub stub: Vec<Rule>,
    /// The devices that there are.
    pub devices: Vec<Setup>,
    /// In which variants it runs.
    pub matrix: Matrix,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A server that is there already, and has a time and users of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Where its token API is.
    pub url: String,
    /// As whom it is asked, if it is asked.
    pub party: Option<Party>,
    /// Whether PINs may be hashed as cheaply as tests do.
    pub test_argon2: bool,
}

/// Who asks a server how tokens stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The service.
    pub service: String,
    /// The file with an authkey that may ask.
    pub authkey_file: PathBuf,
}

/// Where a scenario does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipIf {
    /// On this operating system, as Rust calls it.
    System(String),
    /// Where the environment has this variable.
    Set(String),
    /// Where it has not.
    Unset(String),
}

impl SkipIf {
    /// Why it does not run here, if that is so.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let is_set = |name: &String| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::System(name) => (name == std::env::consts::OS).then(|| format!("this is {name}")),
            Self::Set(name) => is_set(name).then(|| format!("{name} is in the environment")),
            Self::Unset(name) => (!is_set(name)).then(|| format!("{name} is not in the environment")),
        }
    }
}

/// A device that there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// Its name, which is also its user's.
    pub name: String,
    /// The PIN of its holder; one that everybody knows if there is none.
    pub pin: Option<Hidden>,
    /// What its network is like.
    pub net: Option<Named>,
    /// By how many seconds its clock is ahead.
    pub skew: i64,
    /// What its holder does where nothing else is said.
    pub usual: Outcome,
    /// Where it is in the file.
    pub place: Place,
}

/// In which variants a scenario runs: each of one with each of the others. What is empty is as usual.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    /// Networks of all devices that have none of their own.
    pub net: Vec<Named>,
    /// Ways to the server.
    pub transport: Vec<Transport>,
    /// Seconds that an opening lasts.
    pub window: Vec<u32>,
}

/// A step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where it is in the file.
    pub place: Place,
    /// Its verb, as it is written.
    pub word: &'static str,
    /// What happens.
    pub verb: Verb,
    /// What is expected then. Without it, that it is done.
    pub expect: Option<Expect>,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Verb {
    /// The stub, or somebody else, offers a user to enroll, and the device takes it.
    Enroll {
        /// The device.
        device: String,
        /// The user; called as the device is unless said otherwise.
        user: String,
        /// With what, where no stub offers it.
        offered: Option<Offered>,
    },
    /// What a device does.
    Device {
        /// The device.
        device: String,
        /// What.
        act: Act,
    },
    /// A relying party asks a user to approve a text.
    Ask {
        /// The user.
        user: String,
        /// The text.
        text: String,
        /// Within how many seconds.
        within: Option<u32>,
    },
    /// A relying party asks for the status of a user.
    Check {
        /// The user.
        user: String,
    },
    /// The holder of a device will do something.
    Presence {
        /// The device.
        device: String,
        /// What.
        outcome: Outcome,
        /// From now on, and not only once.
        is_usual: bool,
    },
    /// So many seconds pass, for devices and server alike.
    Advance(u64),
    /// The clock of a device is so many seconds ahead from now on.
    Skew {
        /// The device.
        device: String,
        /// How many; behind if negative.
        seconds: i64,
    },
    /// The network of a device is like this from now on.
    Net {
        /// The device.
        device: String,
        /// Like what.
        net: Named,
    },
    /// An administrator does something about a user's token.
    Token {
        /// The user.
        user: String,
        /// What.
        change: TokenChange,
    },
    /// The server's static key is replaced.
    RotateKeys,
    /// The server's clock is so many seconds ahead from now on; behind if negative.
    ServerSkew(i64),
    /// The stub does this from now on beside what a server does.
    Stub(Vec<Rule>),
    /// From now on something goes wrong with a device on purpose, see [`faults`](crate::faults).
    Fault(Box<crate::faults::Rule>),
    /// What the session is, is kept under a name, or it is made what it was then. The server is not told.
    Snap {
        /// The name.
        name: String,
        /// Whether it is made so again.
        is_loaded: bool,
    },
    /// There is a second device from now on that is the same.
    Clone {
        /// The first one.
        device: String,
        /// What the second one is called.
        new: String,
    },
    /// A device is made what it was when it was new. The server is not told.
    Reset {
        /// Which.
        device: String,
    },
    /// Nothing: only what is expected.
    Nothing,
    /// All of it, so many times.
    Repeat {
        /// How many.
        times: u32,
        /// What.
        steps: Vec<Step>,
    },
    /// All of it at once.
    Parallel(Vec<Step>),
    /// The steps of another file.
    Include {
        /// Which, as it is named.
        file: String,
        /// Its steps.
        steps: Vec<Step>,
    },
}

/// What somebody else has offered to enroll with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// A link, or a code that is typed.
    pub with: Hidden,
    /// The server of a code.
    pub host: Option<String>,
}

/// What a device does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Opens, for so many seconds at most.
    Open(Option<Duration>),
    /// Closes.
    Close,
    /// Asks how the token stands.
    Status,
    /// Approves the text that waits.
    Approve,
    /// Denies the text that waits.
    Deny(DenyReason),
    /// Has other PINs from now on.
    ChangePin {
        /// The PIN.
        pin: Hidden,
        /// The duress PIN.
        duress: Option<Hidden>,
    },
    /// Gives the token up.
    Unenroll,
    /// Removes the token without telling the server.
    Forget,
    /// Hears what the server says unasked, from now on.
    Watch,
    /// Does not any more.
    Rest,
}

/// What is expected after a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// Where it is in the file.
    pub place: Place,
    /// The step fails, with this number.
    pub error: Option<u32>,
    /// The relying party is told this status.
    pub answer: Option<u8>,
    /// So many wrong PINs are left.
    pub tries_left: Option<u8>,
    /// The opening lasts so many seconds more.
    pub remaining: Option<u64>,
    /// How users' tokens stand at the server. Asking uses nothing up.
    pub server: Vec<(String, u8)>,
    /// What devices know of their tokens: a status, if anything.
    pub device: Vec<(String, Option<u8>)>,
    /// What is in the journal since the scenario began.
    pub journal: Vec<Happened>,
    /// How often rules of the stub, by number or by name, or faults, by their id, have happened.
    pub hits: Vec<(String, u64)>,
    /// All of it becomes true within so long, in real time. At once if nothing is said.
    pub within: Option<Duration>,
}

/// Something in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// The word for it, of [`Kind::WORDS`](crate::engine::Kind::WORDS).
    pub has: &'static str,
    /// Of this device.
    pub device: Option<String>,
    /// So often; at least once if nothing is said.
    pub count: Option<usize>,
}

impl Scenario {
    /// Reads a scenario: YAML or JSON, in the form of `docs/emulator/scenarios.md`.
    ///
    /// # Errors
    /// [`DocumentError`]: where it is none, and what was probably meant.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        Self::parse_with(text, &Vars::new())
    }

    /// Reads one in which some names of its `vars` stand for something else.
    ///
    /// # Errors
    /// As [`Self::parse`]; or the file has no such name.
    pub fn parse_with(text: &str, vars: &Vars) -> Result<Self, DocumentError> {
        parse::scenario(text, vars, &Files::default())
    }

    /// Reads the text of a file, which can include files beside it and below.
    ///
    /// # Errors
    /// As [`Self::parse_with`]; or a file that is included cannot be read.
    pub fn parse_file(text: &str, vars: &Vars, file: &Path) -> Result<Self, DocumentError> {
        parse::scenario(text, vars, &Files::beside(file))
    }

    /// Its variants.
    #[must_use]
    pub fn variants(&self) -> Vec<Variant> {
        fn all<T: Copy>(values: &[T]) -> Vec<Option<T>> {
            if values.is_empty() { vec![None] } else { values.iter().copied().map(Some).collect() }
        }
        let mut variants = Vec::new();
        for net in all(&self.matrix.net) {
            for transport in all(&self.matrix.transport) {
                for window in all(&self.matrix.window) {
                    variants.push(Variant { net, transport, window });
                }
            }
        }
        variants
    }
}

/// One of the variants of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variant {
    /// What networks are like.
    pub net: Option<Named>,
    /// How the server is reached.
    pub transport: Option<Transport>,
    /// How long an opening lasts, in seconds.
    pub window: Option<u32>,
}

impl std::fmt::Display for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let net = self.net.map(|net| format!("net={}", net.name()));
        let transport = self.transport.map(|way| format!("transport={}", words::word_of(words::TRANSPORTS, way)));
        let window = self.window.map(|window| format!("window={window}"));
        let all: Vec<String> = [net, transport, window].into_iter().flatten().collect();
        f.write_str(&all.join(" "))
    }
}

#[cfg(test)]
mod tests;
