//! A trace as a file: lines of JSON, the first of which says what follows.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::Since;
use super::frame::{Direction, Field, Frame, Hidden, Label, Name, Value, Verdict, hex, unhex};
use super::{keylog, packets};
use crate::json;

/// What the first line begins with.
pub const SCHEMA: &str = "cardea-trace";
/// The version that is written, and the only one that is read.
const VERSION: u64 = 1;
/// Longest line that is read: many times the longest that is written.
const LINE_MAX: usize = 64 * 1024;
/// Longest frame.
const FRAME_MAX: usize = cardea_sdk::observe::limits::FRAME_MAX;

/// Whether secrets are in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Secrets {
    /// Keys, signatures, proofs, and texts that are for the holder alone have names in their place, the same name for the same
    /// thing throughout a file.
    Hidden,
    /// Everything is in it, with the keys of each frame. Whoever reads it can read all that went over these connections, and
    /// with the salt in a device's storage find its PIN.
    Shown,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`SCHEMA`].
    pub schema: String,
    /// Version of what follows.
    pub version: u64,
    /// What wrote it.
    pub program: String,
    /// When the trace began, in Unix seconds of the session.
    pub began: u64,
    /// Whether secrets are in it.
    pub secrets: Secrets,
    /// How many frames are missing at the beginning, because so many were not kept.
    pub lost: u64,
}

/// The key of a part of a frame.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What it opens.
    pub label: Label,
    /// The device's ephemeral public key, in hexadecimal: what names the conversation in clear.
    pub ephemeral: String,
    /// The key, in hexadecimal.
    pub key: String,
    /// The number of the message under this key.
    pub nonce: u64,
    /// What is authenticated beside it, in hexadecimal.
    pub associated: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("label", &self.label).finish_non_exhaustive()
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number in the trace.
    pub number: u64,
    /// Unix seconds of the session.
    pub time: u64,
    /// Microseconds since the trace began.
    pub after_us: u64,
    /// The device's name.
    pub device: String,
    /// The number of the connection in the trace.
    pub connection: u64,
    /// Which way it went.
    pub direction: Direction,
    /// Host and port of the server's token channel.
    pub peer: String,
    /// `tcp`, `udp`, `websocket`, or something else.
    pub transport: String,
    /// What it is.
    pub frame: Name,
    /// The operation or push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op: Option<String>,
    /// What it says.
    pub fields: Map<String, Json>,
    /// The bytes on the wire in hexadecimal, without the length in front of them.
    pub wire: String,
    /// What became of it.
    pub verdict: Verdict,
    /// What is wrong with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Only where secrets are shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
}

impl Line {
    /// The bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        // Checked where lines are made and read.
        unhex(&self.wire).unwrap_or_default()
    }
}

/// A trace. `to_string` writes it, `parse` reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What follows.
    pub header: Header,
    /// Frames, in the order of their numbers.
    pub lines: Vec<Line>,
}

/// Why a text is no trace.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing at all.
    #[error("the file is empty: a trace begins with a line that says what it is")]
    Empty,
    /// Something else.
    #[error("this is no trace: its first line does not begin as {{\"schema\":\"{SCHEMA}\",...}}: {0}")]
    Header(String),
    /// From another time.
    #[error(
        "this trace has version {0}; this program reads version {VERSION}: use the one that wrote it, or a newer one"
    )]
    Version(u64),
    /// A line that is none.
    #[error("line {line} is no frame of a trace: {problem}")]
    Line {
        /// Which, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl File {
    pub(super) fn of(began: u64, since: &Since, secrets: Secrets) -> Self {
        let mut names = Names::default();
        let header = Header {
            schema: SCHEMA.to_owned(),
            version: VERSION,
            program: concat!("cardea-emulator ", env!("CARGO_PKG_VERSION")).to_owned(),
            began,
            secrets,
            lost: since.lost,
        };
        Self { header, lines: since.frames.iter().map(|frame| line(frame, secrets, &mut names)).collect() }
    }

    /// The same without secrets. One that has none stays as it is.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        if self.header.secrets == Secrets::Shown {
            self.header.secrets = Secrets::Hidden;
            let mut names = Names::default();
            for line in &mut self.lines {
                line.keys.clear();
                line.fields = line.fields.iter().map(|(name, value)| (name.clone(), names.hide(name, value))).collect();
            }
        }
        self
    }

    /// A capture in the format pcapng, for Wireshark: every frame in an exchange over TCP or UDP with the protocol's port.
    /// Addresses, ports and what belongs to TCP are made up; the frames are those that travelled, and nothing in it is
    /// secret.
    #[must_use]
    pub fn packets(&self) -> Vec<u8> {
        packets::capture(self)
    }

    /// The keys of the frames, for Wireshark with the dissector of the specification: a line for each. Empty but for a
    /// comment where secrets are hidden.
    #[must_use]
    pub fn key_log(&self) -> Zeroizing<String> {
        keylog::write(&self.lines)
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, json: serde_json::Result<String>| {
            writeln!(f, "{}", Zeroizing::new(json.map_err(|_| fmt::Error)?).as_str())
        };
        line(f, serde_json::to_string(&self.header))?;
        self.lines.iter().try_for_each(|frame| line(f, serde_json::to_string(frame)))
    }
}

impl FromStr for File {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Self, ReadError> {
        /// What every version has.
        #[derive(Deserialize)]
        #[serde(expecting = "the object that says what a trace is")]
        struct Any {
            schema: String,
            version: u64,
        }
        let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        let (first, _) = lines.next().ok_or(ReadError::Empty)?;
        let any: Any = json::from_slice(first.as_bytes()).map_err(ReadError::Header)?;
        if any.schema != SCHEMA {
            return Err(ReadError::Header("it names another schema".to_owned()));
        }
        if any.version != VERSION {
            return Err(ReadError::Version(any.version));
        }
        let header: Header = json::from_slice(first.as_bytes()).map_err(ReadError::Header)?;
        let mut last = 0;
        let lines = lines.map(|(text, line)| {
            let frame = read(text, header.secrets, last).map_err(|problem| ReadError::Line { line, problem })?;
            last = frame.number;
            Ok(frame)
        });
        let lines = lines.collect::<Result<_, ReadError>>()?;
        Ok(Self { header, lines })
    }
}

/// Reads a line that comes after the frame of this number.
fn read(text: &str, secrets: Secrets, last: u64) -> Result<Line, String> {
    if text.len() > LINE_MAX {
        return Err(format!("it has more than {LINE_MAX} bytes"));
    }
    let frame: Line = json::from_slice(text.as_bytes())?;
    if frame.number <= last {
        return Err(format!("its number, {}, is not above the one before", frame.number));
    }
    match unhex(&frame.wire) {
        None => return Err("`wire` is not hexadecimal".to_owned()),
        Some(wire) if wire.len() > FRAME_MAX => return Err(format!("`wire` is longer than {FRAME_MAX} bytes")),
        Some(_) => {}
    }
    if secrets == Secrets::Hidden && !frame.keys.is_empty() {
        return Err("it has keys, and the first line says that there are no secrets".to_owned());
    }
    for key in &frame.keys {
        let length = |text: &str| unhex(text).map(|bytes| bytes.len());
        let is_key = length(&key.key) == Some(32) && length(&key.ephemeral) == Some(32);
        if !is_key || !matches!(length(&key.associated), Some(0 | 32)) {
            return Err("one of its keys has a field of another length than keys have".to_owned());
        }
    }
    Ok(frame)
}

fn line(frame: &Frame, secrets: Secrets, names: &mut Names) -> Line {
    let keys = frame.seals.iter().filter(|_| secrets == Secrets::Shown).map(|seal| Key {
        label: seal.label,
        ephemeral: hex(&seal.ephemeral),
        key: hex(seal.key.expose()),
        nonce: seal.nonce,
        associated: hex(&seal.associated),
    });
    Line {
        number: frame.number,
        time: frame.time,
        after_us: u64::try_from(frame.after.as_micros()).unwrap_or(u64::MAX),
        device: frame.device.as_ref().to_owned(),
        connection: frame.connection,
        direction: frame.direction,
        peer: frame.peer.as_ref().to_owned(),
        transport: frame.transport.to_owned(),
        frame: frame.name,
        op: frame.op.map(str::to_owned),
        fields: object(&frame.fields, secrets, names),
        wire: hex(&frame.wire),
        verdict: frame.verdict,
        problem: frame.problem.clone(),
        keys: keys.collect(),
    }
}

fn object(fields: &[Field], secrets: Secrets, names: &mut Names) -> Map<String, Json> {
    fields.iter().map(|field| (field.name.to_owned(), json(&field.value, secrets, names))).collect()
}

fn json(value: &Value, secrets: Secrets, names: &mut Names) -> Json {
    match value {
        Value::Number(number) | Value::Named(number, _) => (*number).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::Bytes(bytes) => hex(bytes).into(),
        Value::Secret(hidden) if secrets == Secrets::Shown => hidden.reveal().into(),
        Value::Secret(hidden) => names.of(hidden.what, &hidden.reveal()).into(),
        Value::List(entries) => {
            entries.iter().map(|entry| Json::Object(object(entry, secrets, names))).collect::<Vec<_>>().into()
        }
    }
}

/// Names in the place of secrets: `signature-1` for the first signature of a file, and wherever it is there again.
#[derive(Default)]
struct Names {
    /// By a hash of what they stand for.
    known: HashMap<[u8; 32], usize>,
    counts: HashMap<String, usize>,
}

impl Names {
    fn of(&mut self, what: &str, secret: &str) -> String {
        let Self { known, counts } = self;
        let hash = Sha256::new().chain_update(what).chain_update([0]).chain_update(secret).finalize();
        let number = known.entry(hash.into()).or_insert_with(|| {
            let count = counts.entry(what.to_owned()).or_default();
            *count += 1;
            *count
        });
        format!("{what}-{number}")
    }

    /// The value of a field as a file without secrets has it.
    fn hide(&mut self, name: &str, value: &Json) -> Json {
        match value {
            Json::String(text) => match Hidden::named(name) {
                Some(what) => self.of(what, text).into(),
                None => value.clone(),
            },
            Json::Array(entries) => entries.iter().map(|entry| self.hide_entry(name, entry)).collect::<Vec<_>>().into(),
            _ => value.clone(),
        }
    }

    fn hide_entry(&mut self, list: &str, entry: &Json) -> Json {
        let Json::Object(fields) = entry else { return entry.clone() };
        let hidden = fields.iter().map(|(name, value)| {
            // A list of PIN keys has keys in it that are secret, and one of key records keys that are not.
            let name_there = if list == "pin_keys" && name == "key" { "pin_key" } else { name };
            (name.clone(), self.hide(name_there, value))
        });
        Json::Object(hidden.collect())
    }
}
