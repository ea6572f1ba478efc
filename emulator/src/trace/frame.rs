//! A frame as it was recorded, and what it says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cardea_sdk::observe::Secret;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Which way a frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the device to the server.
    Out,
    /// From the server to the device.
    In,
}

/// What a frame is: the names of the specification's chapter 2. They follow from what can be seen without keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Name {
    /// Cold request.
    C1,
    /// Cold reply.
    S1,
    /// Resync request.
    R1,
    /// Resync reply.
    R2,
    /// First frame of an enrollment.
    E1,
    /// What the server offers.
    E2,
    /// The device's keys.
    E3,
    /// The server's receipt.
    E4,
    /// In the place of a receipt.
    Refusal,
    /// Plain error, which anybody can forge.
    Plain,
    /// Key record after a plain error.
    KeyRecord,
    /// Small request in a session.
    Request,
    /// Small reply or push in a session.
    Reply,
    /// Large frame in a session, either way.
    Large,
    /// None that may come here.
    Unknown,
}

impl Name {
    /// As it is written in traces, and by the dissector.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::C1 => "C1",
            Self::S1 => "S1",
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::E1 => "E1",
            Self::E2 => "E2",
            Self::E3 => "E3",
            Self::E4 => "E4",
            Self::Refusal => "REFUSAL",
            Self::Plain => "PLAIN",
            Self::KeyRecord => "KEY_RECORD",
            Self::Request => "REQUEST",
            Self::Reply => "REPLY",
            Self::Large => "LARGE",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a frame at the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Out: it has left.
    Sent,
    /// Out: it has not left, or nobody knows; see the problem.
    NotSent,
    /// In: the device has opened it, and it is the server's.
    Authentic,
    /// In: the device has refused it, because it does not authenticate.
    Refused,
    /// In: it authenticates and has no valid encoding; see the problem.
    Invalid,
    /// In: in clear, as anybody can write it.
    Plain,
    /// In: the device did not try to open it.
    Unread,
}

/// What a value of a frame is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// A number of the specification, and its name.
    Named(u64, &'static str),
    /// Yes or no.
    Flag(bool),
    /// Bytes that are no secret: shown in hexadecimal.
    Bytes(Vec<u8>),
    /// Something that is left out unless it was asked for.
    Secret(Hidden),
    /// Entries of a list.
    List(Vec<Vec<Field>>),
}

/// What secrets are called. The field of one has the same name, but in a list of PIN keys.
const SECRETS: [&str; 11] = [
    "device_key",
    "device_proof",
    "device_static",
    "element",
    "label",
    "pin_key",
    "proof",
    "receipt",
    "service",
    "signature",
    "text",
];

/// A secret, or something from which one can be guessed.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden {
    /// What it is, in a word: names in its place begin with it.
    pub what: &'static str,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) is_text: bool,
}

impl Hidden {
    pub(super) fn bytes(what: &'static str, bytes: &[u8]) -> Value {
        Value::Secret(Self { what, bytes: Zeroizing::new(bytes.to_vec()), is_text: false })
    }

    pub(super) fn text(what: &'static str, text: &str) -> Value {
        Value::Secret(Self { what, bytes: Zeroizing::new(text.as_bytes().to_vec()), is_text: true })
    }

    /// The word for what stands in a field of this name, if that is a secret.
    pub(super) fn named(field: &str) -> Option<&'static str> {
        SECRETS.into_iter().find(|what| *what == field)
    }

    /// It itself, in hexadecimal or as text.
    #[must_use]
    pub fn reveal(&self) -> String {
        if self.is_text { String::from_utf8_lossy(&self.bytes).into_owned() } else { hex(&self.bytes) }
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.what)
    }
}

/// A field of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name: that of the specification, in small letters with underscores.
    pub name: &'static str,
    /// What it says.
    pub value: Value,
}

pub(super) const fn field(name: &'static str, value: Value) -> Field {
    Field { name, value }
}

/// What a key is for: which part of which frame it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Label {
    /// The cell of a C1.
    C1,
    /// The cell of an S1.
    S1,
    /// The static key in an R1.
    R1Static,
    /// The rest of an R1.
    R1,
    /// An R2.
    R2,
    /// An E1.
    E1,
    /// An E2.
    E2,
    /// The static key in an E3.
    E3Static,
    /// The rest of an E3.
    E3,
    /// All that a device sends in a session: `k1` of the specification.
    Device,
    /// All that a server sends in a session, E4 and a refusal included: `k2`.
    Server,
}

impl Label {
    /// As it is written in key logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::C1 => "C1",
            Self::S1 => "S1",
            Self::R1Static => "R1_STATIC",
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::E1 => "E1",
            Self::E2 => "E2",
            Self::E3Static => "E3_STATIC",
            Self::E3 => "E3",
            Self::Device => "DEVICE",
            Self::Server => "SERVER",
        }
    }
}

/// With what a part of a frame was sealed.
pub(super) struct Seal {
    pub(super) label: Label,
    /// The device's ephemeral public key of the handshake: what names a conversation in clear.
    pub(super) ephemeral: [u8; 32],
    pub(super) key: Secret<32>,
    pub(super) nonce: u64,
    pub(super) associated: Vec<u8>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("label", &self.label).field("nonce", &self.nonce).finish_non_exhaustive()
    }
}

/// A frame that was recorded.
#[derive(Debug)]
pub struct Frame {
    /// Its number in the trace: the first one is 1, and none is left out.
    pub number: u64,
    /// When it left or came, in Unix seconds of the session.
    pub time: u64,
    /// How long after the trace began, in the world's time.
    pub after: Duration,
    /// The name of the device.
    pub device: Arc<str>,
    /// The number of the connection in the trace, or of the exchange by datagram.
    pub connection: u64,
    /// Which way it went.
    pub direction: Direction,
    /// The server, as the device knows it: host and port of the token channel.
    pub peer: Arc<str>,
    /// How it travelled: `tcp`, `udp`, `websocket`, or something else of whoever has tests.
    pub transport: &'static str,
    /// What it is.
    pub name: Name,
    /// The operation or push that it carries, if that could be read: the names of the specification.
    pub op: Option<&'static str>,
    /// What it says, as far as that could be read.
    pub fields: Vec<Field>,
    /// The bytes on the wire, without the length in front of them.
    pub wire: Bytes,
    /// What became of it.
    pub verdict: Verdict,
    /// What is wrong, where the verdict is that something is.
    pub problem: Option<String>,
    pub(super) seals: Vec<Seal>,
}

/// Two digits for each byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The bytes of such a text.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
