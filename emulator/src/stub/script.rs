//! What the stub answers in the server's place, or does to it: ordered rules, of which the first that matches wins.

mod parse;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cardea_sdk::Entropy as _;
use serde::Serialize;

use crate::document::DocumentError;
use crate::engine::{Seed, Stream};

pub(crate) use parse::rules;

/// Most rules of a script.
pub const RULES_MAX: usize = 1_000;

/// Rules, in their order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Script {
    /// What chance follows from.
    pub seed: u64,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// When something happens, and what.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What people call it.
    pub name: Option<String>,
    /// Which calls and connections it is about.
    pub on: Match,
    /// So many of them go by first.
    pub skip: u64,
    /// How often it happens at most; always if nothing is said.
    pub times: Option<u64>,
    /// With what probability it happens: 1 is always.
    pub prob: f64,
    /// What happens.
    pub deed: Deed,
}

/// Which calls and connections a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Match {
    /// Calls over HTTP.
    Call {
        /// With this method, in capitals.
        method: Option<String>,
        /// With this path; with a `*` at its end, with one that begins so.
        path: Option<String>,
        /// About this user.
        user: Option<String>,
    },
    /// Connections of devices over TCP.
    Connection {
        /// That begin so.
        kind: Option<Opening>,
        /// About the token of this user. Nobody can tell whose device begins a resync.
        user: Option<String>,
    },
}

/// How a connection of a device begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// With an operation.
    Operate,
    /// With a resync.
    Resync,
    /// With an enrollment.
    Enroll,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// What is changed at the server before anything is answered.
    pub changes: Vec<Change>,
    /// How long everything waits, in real time.
    pub delay: Duration,
    /// What is answered.
    pub answer: Answer,
}

/// What is changed at the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// Something about the token that the call or connection is about.
    Token(TokenChange),
    /// The server's static key is replaced: devices learn of it at their next contact.
    RotateKeys,
    /// The server's clock is so many seconds ahead of the right time from now on; behind if negative.
    Skew(i64),
}

/// What is changed about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenChange {
    /// It is deleted; its devices are not enrolled any more.
    Unenroll,
    /// It is blocked.
    Block,
    /// It is blocked no more.
    Unblock,
    /// It is closed.
    Close,
    /// Its duress ends.
    ClearDuress,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// What the server answers.
    Real,
    /// The same, with its body a little at a time, over so long.
    SlowBody(Duration),
    /// An HTTP error.
    Error {
        /// From 400 to 599.
        code: u16,
        /// `Retry-After`, in seconds.
        retry_after: Option<u64>,
    },
    /// A status, whatever the token is in.
    Status(Told),
    /// Nothing: the connection is cut.
    Cut(Cut),
    /// The plain error of the token channel with this code.
    Refusal(Refusal),
}

/// A status that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// 0.
    NotEnrolled,
    /// 1. Nothing else makes a closed token look open, and nobody writes this by accident.
    Open,
    /// 2.
    Closed,
    /// 3.
    Duress,
    /// 4.
    Blocked,
    /// 7, which no version of the API knows.
    Unknown,
    /// What was told before the last change, unless that was "open".
    Stale,
}

/// When a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the server knows anything.
    Before,
    /// When the server has done everything, before its answer.
    Answer,
    /// In the middle of the answer.
    Body,
}

/// A plain error of the token channel (specification, chapter 10).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 6: this device is not known.
    UnknownHint,
    /// 7: the server speaks no version as old as the device's.
    Version,
    /// 9: overloaded.
    Overloaded,
}

impl Refusal {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::UnknownHint => 6,
            Self::Version => 7,
            Self::Overloaded => 9,
        }
    }
}

impl Script {
    /// Reads a script: YAML or JSON, in the form of `docs/emulator/stub.md`.
    ///
    /// # Errors
    /// [`DocumentError`]: where it is no script, and what was probably meant.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        parse::script(text)
    }
}

/// How often a rule was looked at, and how often it has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hits {
    /// Its number in the script, from 1.
    pub rule: usize,
    /// What people call it.
    pub name: Option<String>,
    /// So many calls and connections were what it is about, and none of the rules before it happened.
    pub seen: u64,
    /// So often it has happened.
    pub hits: u64,
}

/// What a rule is compared with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event<'a> {
    Call { method: &'a str, path: &'a str, user: Option<&'a str> },
    Connection { kind: Opening, user: Option<&'a str> },
}

impl Match {
    fn fits(&self, event: Event<'_>) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| wanted.as_deref().is_none_or(|it| found == Some(it));
        match (self, event) {
            (Self::Call { method, path, user }, Event::Call { method: by, path: to, user: of }) => {
                let path_fits = path.as_deref().is_none_or(|path| match path.strip_suffix('*') {
                    Some(beginning) => to.starts_with(beginning),
                    None => to == path,
                });
                path_fits && is(method, Some(by)) && is(user, of)
            }
            (Self::Connection { kind, user }, Event::Connection { kind: begun, user: of }) => {
                kind.is_none_or(|kind| kind == begun) && is(user, of)
            }
            _ => false,
        }
    }

    /// The user whose token it is about.
    pub(crate) fn user(&self) -> Option<&str> {
        match self {
            Self::Call { user, .. } | Self::Connection { user, .. } => user.as_deref(),
        }
    }

    pub(super) const fn is_connection(&self) -> bool {
        matches!(self, Self::Connection { .. })
    }
}

/// A script at work.
#[derive(Debug)]
pub(super) struct Desk(Mutex<Vec<Armed>>);

#[derive(Debug)]
struct Armed {
    rule: Rule,
    /// Each rule has its own, so that one more rule changes nothing for the others.
    chance: Stream,
    seen: u64,
    hits: u64,
}

impl Desk {
    pub(super) fn new(script: Script) -> Self {
        Self(Mutex::new(arm(script)))
    }

    /// Puts another script in the place of this one; everything is counted anew.
    pub(super) fn replace(&self, script: Script) {
        *self.rules() = arm(script);
    }

    /// The rule that happens, with its number.
    pub(super) fn decide(&self, event: Event<'_>) -> Option<(usize, Deed)> {
        self.rules().iter_mut().enumerate().find_map(|(at, armed)| armed.happens(event).map(|deed| (at + 1, deed)))
    }

    /// The users whom rules about connections name: whose token it is must be found out for no others.
    pub(super) fn named_on_connections(&self) -> Vec<String> {
        let rules = self.rules();
        let on = rules.iter().map(|armed| &armed.rule.on).filter(|on| on.is_connection());
        on.filter_map(Match::user).map(str::to_owned).collect()
    }

    /// Whether there is a rule about connections that changes a token, whoever's it is.
    pub(super) fn changes_tokens_on_connections(&self) -> bool {
        let changes = |rule: &Rule| rule.deed.changes.iter().any(|change| matches!(change, Change::Token(_)));
        self.rules().iter().any(|armed| armed.rule.on.is_connection() && changes(&armed.rule))
    }

    pub(super) fn hits(&self) -> Vec<Hits> {
        let rules = self.rules();
        let hits = |(at, armed): (usize, &Armed)| Hits {
            rule: at + 1,
            name: armed.rule.name.clone(),
            seen: armed.seen,
            hits: armed.hits,
        };
        rules.iter().enumerate().map(hits).collect()
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Armed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn arm(script: Script) -> Vec<Armed> {
    let seed = Seed::new(script.seed);
    let armed = |(at, rule): (usize, Rule)| {
        let chance = seed.stream(&format!("rule {} of a stub's script", at + 1));
        Armed { rule, chance, seen: 0, hits: 0 }
    };
    script.rules.into_iter().enumerate().map(armed).collect()
}

impl Armed {
    fn happens(&mut self, event: Event<'_>) -> Option<Deed> {
        if !self.rule.on.fits(event) {
            return None;
        }
        self.seen += 1;
        let is_over = self.rule.times.is_some_and(|times| self.hits >= times);
        if self.seen <= self.rule.skip || is_over || !self.is_lucky() {
            return None;
        }
        self.hits += 1;
        Some(self.rule.deed.clone())
    }

    fn is_lucky(&self) -> bool {
        if self.rule.prob >= 1.0 {
            return true;
        }
        let mut bytes = [0; 4];
        self.chance.fill(&mut bytes);
        f64::from(u32::from_be_bytes(bytes)) < self.rule.prob * 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests;
