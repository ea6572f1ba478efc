//! Why the program ends without having done what it was told.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use cardea_sdk::relying_party::RelyingPartyError;
use serde_json::Value;

use super::config::ConfigError;
use crate::daemon::DaemonError;
#[cfg(feature = "embedded-server")]
use crate::document::DocumentError;
use crate::engine::EngineError;
use crate::exit;
#[cfg(feature = "embedded-server")]
use crate::stub::StubError;

/// Why the program ends without having done what it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The control API says so.
    #[error("{message}")]
    Refused {
        /// A word for programs, which stays the same.
        code: String,
        /// The SDK's number of the error, or 0.
        number: u64,
        /// The exit code.
        exit: u8,
        /// For a person.
        message: String,
        /// All that was said.
        details: Box<Value>,
    },
    /// The engine says so.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// No emulator runs where one was looked for.
    #[error("no emulator runs at {0}: start one with `cardea-emulator up`")]
    NotRunning(String),
    /// A running emulator was gone in the middle of a call, or does not speak this language.
    #[error("the emulator at {at} did not answer: {why}")]
    NoAnswer {
        /// Where.
        at: String,
        /// Why.
        why: String,
    },
    /// A file, a descriptor or the terminal cannot be read.
    #[error("cannot read {0}: {source}", path.display())]
    Input {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file of PINs has too few lines.
    #[error("a PIN is missing: the file has one a line, in the order in which they would be asked for")]
    TooFewPins,
    /// A new PIN was not typed the same twice.
    #[error("the two PINs differ")]
    PinsDiffer,
    /// Nobody can be asked.
    #[error("nobody can be asked: use --pin-file or --pin-fd, for a passphrase --passphrase-file")]
    NoTerminal,
    /// Nobody can be asked whether something is to be done that cannot be undone.
    #[error("nobody can be asked whether to {0}: say --yes to do it")]
    NotSure(String),
    /// Somebody was asked, and did not say yes.
    #[error("nothing was done")]
    Declined,
    /// There was no answer in the time of `--timeout`.
    #[error("no answer in {0:?}: ask with `status` whether it was done, or give a longer --timeout")]
    TimedOut(Duration),
    /// A configuration file cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Something is wrong with configuration files.
    #[error("{0} to mend, see above")]
    ConfigFindings(usize),
    /// Something keeps the emulator from working well. It was printed what.
    #[error("{wrong} to mend, see above")]
    Unwell {
        /// How much.
        wrong: usize,
        /// The exit code of the first of it.
        exit: u8,
    },
    /// There is no screen to open a window on.
    #[cfg(feature = "window")]
    #[error(
        "there is no display for a window ({0}): use `cardea-emulator terminal`, or the commands: `cardea-emulator --help`"
    )]
    NoDisplay(String),
    /// There is nothing to draw on.
    #[cfg(feature = "terminal")]
    #[error(
        "there is no terminal to draw on: `terminal --once` prints one picture, and `status`, `open` and `close` need none"
    )]
    NoScreen,
    /// There is no place for a state folder.
    #[error("there is no home folder: give --state")]
    NoStateFolder,
    /// A relying party was not told what it asked.
    #[error(transparent)]
    Relying(#[from] RelyingPartyError),
    /// A token is not open, and the exit code was to say so.
    #[error("the token is {0}")]
    NotOpen(&'static str),
    /// What was compared is not the same; what differs was printed.
    #[error("it is not the same, see above")]
    Differs,
    /// A file that was named cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that was named cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Written {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that was named is not what it should be.
    #[cfg(feature = "embedded-server")]
    #[error("{}: {source}", path.display())]
    Document {
        /// Which.
        path: PathBuf,
        /// Where, and what is wrong.
        source: DocumentError,
    },
    /// Standard output is closed.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// The stub says so.
    #[cfg(feature = "embedded-server")]
    #[error(transparent)]
    Stub(#[from] StubError),
    /// No scenario was named, or none has the tag.
    #[cfg(feature = "embedded-server")]
    #[error("there is no scenario to run: name files, folders that have some, or another tag")]
    NoScenario,
    /// Scenarios failed.
    #[cfg(feature = "embedded-server")]
    #[error("{failed} of {of} runs of scenarios failed")]
    Scenario {
        /// How many runs.
        failed: usize,
        /// Of how many.
        of: usize,
    },
    /// Something is wrong with scenarios.
    #[cfg(feature = "embedded-server")]
    #[error("{0} to mend, see above")]
    Findings(usize),
    /// There is no server in this program.
    #[cfg(not(feature = "embedded-server"))]
    #[error(
        "this program was built without a server: `cargo install --locked --path emulator --features embedded-server` installs one that has it"
    )]
    NoServer,
    /// The emulator did not run.
    #[error(transparent)]
    Daemon(#[from] DaemonError),
    /// The asynchronous runtime did not start, or a process did not.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
}

impl CliError {
    /// A word for programs. It stays the same; texts may change.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            Self::Usage(_) | Self::NoStateFolder => "usage",
            Self::NotRunning(_) => "not-running",
            Self::NoAnswer { .. } => "no-answer",
            #[cfg(feature = "terminal")]
            Self::NoScreen => "no-terminal",
            Self::Input { .. } | Self::TooFewPins | Self::PinsDiffer | Self::NoTerminal => "pins",
            Self::NotSure(_) => "not-sure",
            Self::Declined => "declined",
            Self::TimedOut(_) => "timeout",
            Self::Config(_) | Self::ConfigFindings(_) => "configuration",
            Self::Unwell { .. } => "unwell",
            Self::Relying(error) => exit::word_of_relying(error),
            Self::NotOpen(_) => "not-open",
            Self::Differs => "differs",
            #[cfg(feature = "window")]
            Self::NoDisplay(_) => "no-display",
            Self::File { .. } | Self::Written { .. } => "file",
            #[cfg(feature = "embedded-server")]
            Self::Document { .. } => "document",
            #[cfg(feature = "embedded-server")]
            Self::Stub(_) => "stub",
            #[cfg(feature = "embedded-server")]
            Self::NoScenario | Self::Scenario { .. } | Self::Findings(_) => "scenario",
            #[cfg(not(feature = "embedded-server"))]
            Self::NoServer => "no-server",
            Self::Engine(error) => exit::word_of_engine(error),
            Self::Daemon(DaemonError::Runs(_)) => "runs",
            Self::Daemon(DaemonError::RunsWithout { .. }) => "runs-without",
            Self::Output(_) | Self::Daemon(_) | Self::Runtime(_) => "emulator",
        }
    }

    /// The SDK's number, or 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        match self {
            Self::Refused { number, .. } => *number,
            Self::Engine(error) => error.code() as u64,
            Self::Relying(error) => error.code() as u64,
            _ => 0,
        }
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self {
            Self::Refused { exit, .. } | Self::Unwell { exit, .. } => *exit,
            Self::Engine(error) => exit::of_engine(error),
            Self::Daemon(error) => error.exit(),
            Self::NotRunning(_) => exit::NOT_RUNNING,
            Self::Differs => exit::NOT_YET,
            Self::TimedOut(_) => exit::NOT_YET,
            Self::Declined => exit::REFUSED,
            #[cfg(feature = "window")]
            Self::NoDisplay(_) => exit::BUSY,
            #[cfg(feature = "terminal")]
            Self::NoScreen => exit::USAGE,
            Self::NotOpen("open") => exit::DONE,
            Self::NotOpen("closed" | "blocked" | "duress" | "not enrolled") => exit::CLOSED,
            Self::Relying(error) => exit::of_relying(error),
            // Whatever is not known is no reason to open a door.
            Self::NotOpen(_) => exit::UNSURE,
            Self::Usage(_)
            | Self::NotSure(_)
            | Self::Config(_)
            | Self::ConfigFindings(_)
            | Self::NoStateFolder
            | Self::Input { .. }
            | Self::TooFewPins
            | Self::PinsDiffer
            | Self::NoTerminal
            | Self::File { .. }
            | Self::Written { .. } => exit::USAGE,
            #[cfg(feature = "embedded-server")]
            Self::Document { .. } | Self::NoScenario => exit::USAGE,
            #[cfg(feature = "embedded-server")]
            Self::Scenario { .. } | Self::Findings(_) => exit::SCENARIO,
            #[cfg(feature = "embedded-server")]
            Self::Stub(error) => match error {
                StubError::Listen { .. } => exit::BUSY,
                StubError::User(_) | StubError::Refused(_) => exit::USAGE,
                StubError::Server(_) => exit::INTERNAL,
            },
            #[cfg(not(feature = "embedded-server"))]
            Self::NoServer => exit::USAGE,
            Self::NoAnswer { .. } | Self::Output(_) | Self::Runtime(_) => exit::INTERNAL,
        }
    }

    /// Whether what was printed says it already.
    pub(super) const fn is_told(&self) -> bool {
        matches!(self, Self::NotOpen(_) | Self::Differs | Self::Unwell { .. } | Self::ConfigFindings(_))
    }

    /// What is said besides.
    pub(super) fn details(&self) -> Option<&Value> {
        match self {
            Self::Refused { details, .. } => Some(details),
            _ => None,
        }
    }
}
