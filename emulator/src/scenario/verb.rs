//! Steps, and what can happen in one.

use std::time::Duration;

use cardea_sdk::DenyReason;

use super::Expect;
use crate::document::Place;
use crate::engine::{Named, Outcome};
use crate::hidden::Hidden;
use crate::stub::script::{Rule, TokenChange};

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
