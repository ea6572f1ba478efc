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
//! let runs = run::all(&[scenario], &run::Plan::default(), |_| ()).await;
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
mod verb;
mod words;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::document::{DocumentError, Place};
use crate::engine::{Named, Outcome, Transport};
use crate::hidden::Hidden;
use crate::stub::ServiceSettings;
use crate::stub::script::Rule;

use parse::include::Files;

pub use vars::Vars;
pub use verb::{Act, Offered, Step, Verb};

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
