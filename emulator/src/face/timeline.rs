//! What happened and what was said on the wire, in one order. Adding to a long one costs no more than adding to a short one, and
//! neither does keeping one that was shown.

use std::sync::Arc;

use serde_json::Value;

use crate::trace::{Direction, Line, Verdict};

/// So many rows are copied at most when one is added.
const CHUNK: usize = 512;
/// So many are kept: the newest, give or take a chunk.
const KEPT: usize = 100_000;

/// Rows, the oldest first. Clones are cheap.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    full: Vec<Arc<Vec<Arc<Row>>>>,
    last: Arc<Vec<Arc<Row>>>,
    /// How many were there before those that are kept.
    gone: u64,
}

/// Something that happened, or a frame.
#[derive(Debug, Clone)]
pub struct Row {
    /// In Unix seconds of the session.
    pub time: u64,
    /// On which device.
    pub device: String,
    /// What it is.
    pub kind: RowKind,
    /// For a person, in a line.
    pub text: String,
    /// What a search looks at: everything in small letters.
    pub search: String,
}

/// What a row is.
#[derive(Debug, Clone)]
pub enum RowKind {
    /// An entry of the journal, as the control API writes it.
    Event(Value),
    /// A frame that was recorded, and what it says.
    Frame(Box<Line>),
}

impl Timeline {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.full.len() * CHUNK + self.last.len()
    }

    /// Whether nothing has happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many were there once and are not kept.
    #[must_use]
    pub const fn gone(&self) -> u64 {
        self.gone
    }

    /// A row by its place; the oldest that is kept is 0.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&Arc<Row>> {
        self.full.get(place / CHUNK).unwrap_or(&self.last).get(place % CHUNK)
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Row>> {
        self.full.iter().chain([&self.last]).flat_map(|chunk| chunk.iter())
    }

    /// Adds some.
    pub fn extend(&mut self, rows: impl IntoIterator<Item = Row>) {
        for row in rows {
            Arc::make_mut(&mut self.last).push(Arc::new(row));
            if self.last.len() == CHUNK {
                self.full.push(std::mem::take(&mut self.last));
            }
        }
        let too_many = self.len().saturating_sub(KEPT) / CHUNK;
        self.full.drain(..too_many);
        self.gone += (too_many * CHUNK) as u64;
    }
}

impl Row {
    /// Of an entry of the journal.
    #[must_use]
    pub fn event(entry: Value) -> Self {
        let text = event_text(&entry);
        let device = entry["device"].as_str().unwrap_or_default().to_owned();
        let kind = entry["kind"].as_str().unwrap_or_default();
        let search = format!("{device} {kind} {text}").to_lowercase();
        Self { time: entry["time"].as_u64().unwrap_or_default(), device, text, search, kind: RowKind::Event(entry) }
    }

    /// Of a frame.
    #[must_use]
    pub fn frame(line: Line) -> Self {
        let what = line.op.clone().unwrap_or_else(|| line.frame.to_string());
        let verdict = match line.verdict {
            Verdict::Sent => "sent",
            Verdict::NotSent => "not sent",
            Verdict::Authentic => "authentic",
            Verdict::Refused => "refused",
            Verdict::Invalid => "invalid",
            Verdict::Plain => "in clear",
            Verdict::Unread => "not read",
        };
        let arrow = if line.direction == Direction::Out { "to" } else { "from" };
        let size = line.wire.len() / 2;
        let text = format!("{what} {arrow} {}: {}, {verdict}, {size} bytes", line.peer, line.frame);
        let search = format!("{} frame {} {text}", line.device, line.transport).to_lowercase();
        Self { time: line.time, device: line.device.clone(), text, search, kind: RowKind::Frame(Box::new(line)) }
    }

    /// Whether it tells of something that went wrong.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        match &self.kind {
            RowKind::Event(entry) => {
                let kind = entry["kind"].as_str().unwrap_or_default();
                matches!(kind, "failed" | "blocked" | "revoked" | "offline" | "fault" | "given-up" | "not-confirmed")
            }
            RowKind::Frame(line) => matches!(line.verdict, Verdict::NotSent | Verdict::Refused | Verdict::Invalid),
        }
    }

    /// The word for what it is: the kind of the entry, or `frame`.
    #[must_use]
    pub fn word(&self) -> &str {
        match &self.kind {
            RowKind::Event(entry) => entry["kind"].as_str().unwrap_or("other"),
            RowKind::Frame(_) => "frame",
        }
    }

    /// All that is known of it, as JSON for a person.
    #[must_use]
    pub fn detail(&self) -> String {
        let text = match &self.kind {
            RowKind::Event(entry) => serde_json::to_string_pretty(entry),
            RowKind::Frame(line) => serde_json::to_string_pretty(line),
        };
        text.unwrap_or_default()
    }
}

/// What an entry says, in a line.
fn event_text(entry: &Value) -> String {
    let of = |name: &str| entry[name].as_str().unwrap_or_default();
    let count = || entry["count"].as_u64().unwrap_or_default();
    match of("kind") {
        "made" => "The device is there".to_owned(),
        "removed" => "The device is gone".to_owned(),
        "missed" => format!("{} things that happened were not kept", count()),
        "done" => format!("Done: {}", of("what")),
        "failed" => format!("Failed: {}: {}", of("what"), of("detail")),
        "given-up" => format!("Given up: {}", of("what")),
        "asked" => "The holder is asked for the PIN".to_owned(),
        "answered" => format!("The holder has answered: {}", of("outcome")),
        "opened" => "The token is open".to_owned(),
        "closing-soon" => format!("The token closes in {} s", count()),
        "closed" => "The token is closed".to_owned(),
        "blocked" => "The token is blocked".to_owned(),
        "confirmation-asked" => "A text waits to be approved or denied".to_owned(),
        "confirmation-answered" => "The text was answered".to_owned(),
        "closed-token-checked" => format!("Somebody asked {} times for the closed token", count()),
        "enrolled" => "The token is enrolled".to_owned(),
        "unenrolled" => "The token was given up".to_owned(),
        "revoked" => "The token was revoked on this device".to_owned(),
        "not-confirmed" => "The enrollment is not confirmed".to_owned(),
        "offline" => "The server cannot be reached".to_owned(),
        "online" => "The server is reached".to_owned(),
        "network" => format!("The network is now {}", of("profile")),
        "state" => state(of("what"), of("detail")),
        "fault" => format!("Went wrong on purpose: {}", of("what")),
        "fault-outcome" => format!("What came of it: {}", of("detail")),
        _ => "Something else".to_owned(),
    }
}

/// What became of a device.
fn state(what: &str, with: &str) -> String {
    match what {
        "restored" => format!("It is what it was at {with}"),
        "copied" => format!("Made as a copy of {with}"),
        "renamed" => format!("Was called {with}"),
        "imported" => "Made of a file".to_owned(),
        "exported" => "Written to a file".to_owned(),
        "reset" => "It is as it was when it was new".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(number: usize) -> Row {
        Row::event(json!({ "number": number, "time": number, "device": "phone", "kind": "opened" }))
    }

    #[test]
    fn the_newest_rows_are_kept_in_order() {
        let mut timeline = Timeline::default();
        let early = timeline.clone();
        timeline.extend((1..=KEPT + 3 * CHUNK).map(event));
        assert!(early.is_empty() && timeline.len() <= KEPT + CHUNK && timeline.len() > KEPT - CHUNK);
        let gone = usize::try_from(timeline.gone()).unwrap();
        assert_eq!(gone + timeline.len(), KEPT + 3 * CHUNK);
        for (place, row) in timeline.iter().enumerate() {
            assert_eq!(row.time, (gone + place + 1) as u64);
        }
        assert_eq!(timeline.get(0).unwrap().time, gone as u64 + 1);
        assert!(timeline.get(timeline.len()).is_none());
    }

    #[test]
    fn who_has_a_timeline_does_not_see_what_comes_later() {
        let mut timeline = Timeline::default();
        timeline.extend([event(1)]);
        let shown = timeline.clone();
        timeline.extend([event(2)]);
        assert_eq!((shown.len(), timeline.len()), (1, 2));
    }

    #[test]
    fn every_kind_of_entry_has_words() {
        for (kind, _) in crate::control::kinds() {
            let row = Row::event(json!({ "kind": kind, "device": "phone", "time": 9 }));
            assert_eq!(row.text == "Something else", *kind == "other", "{kind}");
            assert!(row.search.contains(kind));
        }
    }
}
