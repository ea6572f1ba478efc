//! Rules: which fault happens to which device, when and how often.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::catalogue::{Entry, entry, names, names_schema};
use super::frame::FrameKind;
use super::point::Hook;
use crate::suggest::{nearest, or_meant};

/// Longest id of a rule.
const ID_MAX: usize = 48;

/// Which way a frame goes, as the device sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = FrameDirection)]
pub enum Direction {
    /// From the server.
    In,
    /// To the server.
    Out,
}

/// What a device can be told to do.
const OPERATIONS: [&str; 15] = [
    "enroll",
    "open",
    "close",
    "status",
    "confirmations",
    "approve",
    "deny",
    "change-pins",
    "revoke-device",
    "unenroll",
    "info",
    "devices",
    "history",
    "label",
    "forget",
];

/// What a rule is about: everything, without any of these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = FaultMatch)]
pub struct Match {
    /// The name of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The server's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What the device is told to do: `enroll`, `open`, `close`, `status`, `confirmations`, `approve`, `deny`, `change-pins`,
    /// `revoke-device`, `unenroll`, `info`, `devices`, `history`, `label`, `forget`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// Which way frames go; for faults of frames only. Without it, the first way that the catalogue names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<Direction>,
    /// The kind of the frame; for faults of frames only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<FrameKind>,
    /// The number of the frame on its connection, from 1, each way counted apart; for faults of frames only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<u32>,
}

/// A rule: which fault happens, to what, and how often. In JSON an object with these names, `match` for `matches`, and no others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = FaultRule)]
pub struct Rule {
    /// Its name in the session; made up where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is about.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// The name of the fault, one of the catalogue's.
    #[schema(schema_with = names_schema)]
    pub fault: String,
    /// How often it happens at most; always without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// So many occasions are let pass first.
    #[serde(default)]
    pub skip: u32,
    /// How likely it is that it happens at an occasion, from 0 to 1.
    #[serde(default = "always")]
    #[schema(minimum = 0.0, maximum = 1.0)]
    pub prob: f64,
    /// What its chance follows from, in place of the session's seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The fault's own parameters.
    #[serde(default)]
    pub params: BTreeMap<String, i64>,
}

const fn always() -> f64 {
    1.0
}

impl Rule {
    /// This fault, always, to every device.
    #[must_use]
    pub fn new(fault: &str) -> Self {
        Self {
            id: None,
            matches: Match::default(),
            fault: fault.to_owned(),
            times: None,
            skip: 0,
            prob: always(),
            seed: None,
            params: BTreeMap::new(),
        }
    }

    /// Names it.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    /// Happens so often at most.
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets so many occasions pass first.
    #[must_use]
    pub const fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Happens with this likelihood, from 0 to 1.
    #[must_use]
    pub const fn prob(mut self, prob: f64) -> Self {
        self.prob = prob;
        self
    }

    /// To this device only.
    #[must_use]
    pub fn device(mut self, name: &str) -> Self {
        self.matches.device = Some(name.to_owned());
        self
    }

    /// While the device does this only.
    #[must_use]
    pub fn op(mut self, op: &str) -> Self {
        self.matches.op = Some(op.to_owned());
        self
    }

    /// To frames that go this way.
    #[must_use]
    pub const fn dir(mut self, dir: Direction) -> Self {
        self.matches.dir = Some(dir);
        self
    }

    /// To frames of this kind only.
    #[must_use]
    pub const fn frame(mut self, kind: FrameKind) -> Self {
        self.matches.frame = Some(kind);
        self
    }

    /// With this parameter.
    #[must_use]
    pub fn param(mut self, name: &str, value: i64) -> Self {
        self.params.insert(name.to_owned(), value);
        self
    }

    /// Whether it can be, whatever session it is for.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn check(&self) -> Result<(), RuleError> {
        self.resolve().map(|_| ())
    }

    /// What it means, with every parameter that the fault has.
    ///
    /// # Errors
    /// [`RuleError`].
    pub(super) fn resolve(&self) -> Result<Resolved, RuleError> {
        let entry = entry(&self.fault).ok_or_else(|| RuleError::unknown_fault(&self.fault))?;
        if let Some(id) = &self.id {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
            if !(1..=ID_MAX).contains(&id.len()) || !id.bytes().all(is_plain) {
                return Err(RuleError::Id(clipped(id)));
            }
        }
        if let Some(op) = &self.matches.op
            && !OPERATIONS.contains(&op.as_str())
        {
            return Err(RuleError::unknown_op(op));
        }
        if !(0.0..=1.0).contains(&self.prob) {
            return Err(RuleError::Probability);
        }
        if self.times == Some(0) || self.matches.message == Some(0) {
            return Err(RuleError::Zero);
        }
        let hook = self.hook(entry)?;
        let Match { frame, message, .. } = self.matches;
        if (frame.is_some() || message.is_some()) && !matches!(hook, Hook::Out | Hook::In) {
            return Err(RuleError::NoFrames(entry.name));
        }
        Ok(Resolved { entry, hook, params: params(entry, &self.params)? })
    }

    /// Where the fault happens.
    fn hook(&self, entry: &'static Entry) -> Result<Hook, RuleError> {
        let goes = self.matches.frame.and_then(FrameKind::direction);
        if let (Some(dir), Some(goes)) = (self.matches.dir, goes)
            && dir != goes
        {
            return Err(RuleError::FrameDirection(entry.name));
        }
        // Where frames of the kind go one way only, that one is meant.
        let Some(dir) = self.matches.dir.or(goes) else { return Ok(entry.hooks[0]) };
        let is_of_frames = entry.hooks.iter().any(|hook| matches!(hook, Hook::Out | Hook::In));
        if self.matches.dir.is_none() && !is_of_frames {
            return Ok(entry.hooks[0]);
        }
        let fits = |hook: &&Hook| hook.direction() == Some(dir);
        let never = if goes.is_some() { RuleError::FrameDirection } else { RuleError::Direction };
        entry.hooks.iter().find(fits).copied().ok_or(never(entry.name))
    }
}

/// The fault's parameters, those that were given and the usual ones.
fn params(entry: &'static Entry, given: &BTreeMap<String, i64>) -> Result<Vec<(&'static str, i64)>, RuleError> {
    for name in given.keys() {
        if !entry.params.iter().any(|param| param.name == name) {
            let known = entry.params.iter().map(|param| param.name).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none at all".to_owned() } else { known };
            return Err(RuleError::UnknownParam { fault: entry.name, param: clipped(name), known });
        }
    }
    let value = |param: &super::catalogue::Param| {
        let value = given.get(param.name).copied().unwrap_or(param.usual);
        if (param.least..=param.most).contains(&value) {
            return Ok((param.name, value));
        }
        Err(RuleError::Param { fault: entry.name, param: param.name, least: param.least, most: param.most })
    };
    entry.params.iter().map(value).collect()
}

fn clipped(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A rule that can be.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) entry: &'static Entry,
    pub(super) hook: Hook,
    pub(super) params: Vec<(&'static str, i64)>,
}

/// Why a rule cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The session was not started for faults.
    #[error("faults are not allowed in this session: start it with faults allowed")]
    NotAllowed,
    /// A server that is not to see faults.
    #[error(
        "{0} is neither this machine nor a host that may see faults: name it with --faults-at, or to the gate, when it starts"
    )]
    Host(String),
    /// No such fault.
    #[error("no fault is called {name:?}{}", .like.map(|like| format!(": did you mean {like}?")).unwrap_or_default())]
    UnknownFault {
        /// What was said.
        name: String,
        /// What may have been meant.
        like: Option<&'static str>,
    },
    /// No such parameter.
    #[error("the fault {fault} has no parameter {param:?}: it has {known}")]
    UnknownParam {
        /// The fault.
        fault: &'static str,
        /// What was said.
        param: String,
        /// Those that it has.
        known: String,
    },
    /// A parameter that is too small or too large.
    #[error("the parameter {param} of {fault} is from {least} to {most}")]
    Param {
        /// The fault.
        fault: &'static str,
        /// The parameter.
        param: &'static str,
        /// The least.
        least: i64,
        /// The most.
        most: i64,
    },
    /// A probability.
    #[error("prob is a number from 0 to 1")]
    Probability,
    /// A count that is never reached.
    #[error("times and message count from 1: leave them out for always, and for every frame")]
    Zero,
    /// A name.
    #[error("{0:?} is no id for a rule: it has 1 to 48 of a-z, A-Z, 0-9, '.', '_' and '-'")]
    Id(String),
    /// A name that is taken.
    #[error("there is a rule called {0:?} already")]
    Exists(String),
    /// No such rule.
    #[error("no rule is called {id:?}{}", or_meant(.meant.as_deref()))]
    NoSuchRule {
        /// Which was asked for.
        id: String,
        /// One with a similar id.
        meant: Option<String>,
    },
    /// A fault that does not happen to frames.
    #[error("the fault {0} is not about single frames: match neither frame nor message")]
    NoFrames(&'static str),
    /// Nothing that a device does.
    #[error("no device is told to {name:?}: op is one of {}{}", OPERATIONS.join(", "), or_meant(.meant.as_deref()))]
    UnknownOp {
        /// What was said.
        name: String,
        /// What may have been meant.
        meant: Option<String>,
    },
    /// A fault that never happens to frames of a kind, because those go the other way.
    #[error("the fault {0} never happens to frames of this kind, which go the other way: see the catalogue")]
    FrameDirection(&'static str),
    /// A fault that does not happen this way.
    #[error("the fault {0} does not happen this way: leave dir out, or see the catalogue")]
    Direction(&'static str),
    /// A fault of bytes on a transport that has none.
    #[error("the fault {0} is one of TCP: this session reaches servers by WebSocket only")]
    NoStream(&'static str),
    /// Too many.
    #[error("a session has at most {0} rules: remove some")]
    Many(usize),
}

impl RuleError {
    /// No rule is called so, but these are.
    pub(super) fn no_rule<'a>(id: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::NoSuchRule { id: id.to_owned(), meant: nearest(id, known).map(str::to_owned) }
    }

    fn unknown_op(name: &str) -> Self {
        let name = clipped(name);
        Self::UnknownOp { meant: nearest(&name, OPERATIONS).map(str::to_owned), name }
    }

    fn unknown_fault(name: &str) -> Self {
        let name = clipped(name);
        Self::UnknownFault { like: nearest(&name, names()), name }
    }
}
