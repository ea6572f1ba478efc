//! Makes a scenario from what happened in a session: from what somebody did by hand, a file that does it again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cardea_sdk::EventKind;

use super::words::{self, OUTCOMES, word_of};
use crate::engine::{Entry, Kind, Named, Outcome, Session};

/// Seconds of the session that pass by themselves while somebody works by hand, and are not written down.
const HASTE: u64 = 2;

/// The scenario of everything that is still in the journal of `session`, as a file. PINs are in no journal, and in no file: what is
/// enrolled has the ones that everybody knows. Waiting is written as time that passes, and what came of each operation is expected again.
#[must_use]
pub fn scenario(session: &Session, name: &str) -> String {
    of(&session.journal().since(0).entries, name, session.seed().map(|seed| seed.number()))
}

fn of(entries: &[Entry], name: &str, seed: Option<u64>) -> String {
    // Who was made and did nothing is not needed.
    let does = |entry: &&Entry| {
        let is_done = matches!(entry.kind, Kind::Done { .. } | Kind::Network { .. });
        is_done || matches!(entry.kind, Kind::Token { event: EventKind::ConfirmationAsked, .. })
    };
    let devices: BTreeSet<&str> = entries.iter().filter(does).map(|entry| &*entry.device).collect();
    let mut text = format!("cardea-scenario: 1\nname: {}\n", quoted(name));
    if let Some(seed) = seed {
        let _ = writeln!(text, "seed: {seed}");
    }
    let names: Vec<String> = devices.iter().map(|name| quoted(name)).collect();
    let _ = writeln!(text, "devices: [{}]\nsteps:", names.join(", "));
    let mut steps = Steps { text, last: entries.first().map_or(0, |entry| entry.time), ..Steps::default() };
    for entry in entries {
        steps.entry(entry);
    }
    if steps.count == 0 {
        steps.text.truncate(steps.text.len() - "steps:\n".len());
        steps.text += "steps: []\n";
    }
    steps.text
}

#[derive(Default)]
struct Steps<'a> {
    text: String,
    count: usize,
    /// When the last step was.
    last: u64,
    /// What holders have answered since.
    answered: BTreeMap<&'a str, Vec<Outcome>>,
    /// Who has a token by now.
    enrolled: BTreeSet<&'a str>,
    /// Whose texts were asked and have not been answered.
    asked: BTreeMap<&'a str, usize>,
}

impl<'a> Steps<'a> {
    fn entry(&mut self, entry: &'a Entry) {
        let device = &*entry.device;
        match &entry.kind {
            Kind::Answered { outcome, .. } => self.answered.entry(device).or_default().push(*outcome),
            Kind::Network { profile } => match profile.parse::<Named>() {
                Ok(net) => self.step(&format!("net: {{device: {}, set: {}}}", quoted(device), net.name()), None),
                Err(_) => self.note(&format!("{device} had a network of its own making")),
            },
            Kind::Token { event: EventKind::ConfirmationAsked, .. } => self.ask(entry.time, device),
            Kind::Done { what, failure } => {
                self.pass(entry.time);
                self.done(device, what, failure.as_ref().map(|(code, _)| *code));
            }
            Kind::GivenUp { what } => self.note(&format!("{device} was told to {what}, and it was given up")),
            _ => {}
        }
    }

    fn done(&mut self, device: &'a str, what: &str, failure: Option<u32>) {
        let (name, answers) = (quoted(device), self.answered.remove(device).unwrap_or_default());
        let after = match (what, failure) {
            ("open", None) => Some("open"),
            ("close", None) => Some("closed"),
            _ => None,
        };
        match what {
            "enroll" if failure.is_none() => {
                self.enrolled.insert(device);
            }
            // It had its token before the journal begins.
            "open" | "close" | "status" | "approve" | "deny" | "unenroll" | "forget" | "change-pins"
                if failure != Some(0) && self.enrolled.insert(device) =>
            {
                self.step(&format!("enroll: {name}"), None);
            }
            _ => {}
        }
        if matches!(what, "unenroll" | "forget") && failure.is_none() {
            self.enrolled.remove(device);
        }
        let step = match what {
            "enroll" | "open" | "close" | "status" | "deny" | "unenroll" | "forget" | "approve" => {
                format!("{what}: {name}")
            }
            "change-pins" => {
                format!("change-pin: {{device: {name}, pin: \"605172\", duress: \"940386\"}} # PINs are not recorded")
            }
            _ => return self.note(&format!("{device} was told to do: {what}")),
        };
        if matches!(what, "approve" | "deny")
            && self.asked.get(device).copied().unwrap_or_default() == 0
            && failure.is_none()
        {
            self.ask(self.last, device);
        }
        for outcome in answers.into_iter().filter(|outcome| *outcome != Outcome::Approve) {
            if OUTCOMES.iter().any(|(_, known)| *known == outcome) {
                self.step(&format!("presence: {{device: {name}, next: {}}}", word_of(OUTCOMES, outcome)), None);
            }
        }
        if matches!(what, "approve" | "deny")
            && failure.is_none()
            && let Some(asked) = self.asked.get_mut(device)
        {
            *asked = asked.saturating_sub(1);
        }
        let expect = match (failure, after) {
            (Some(code), _) => Some(format!("{{error: {}}}", words::error(code))),
            (None, Some(state)) => Some(format!("{{device: {{{name}: {state}}}}}")),
            (None, None) => None,
        };
        self.step(&step, expect.as_deref());
    }

    /// A text was asked. What it said is in no journal.
    fn ask(&mut self, time: u64, device: &'a str) {
        self.pass(time);
        self.step(&format!("ask: {{user: {}, text: \"What was asked is not recorded\"}}", quoted(device)), None);
        *self.asked.entry(device).or_default() += 1;
    }

    fn pass(&mut self, now: u64) {
        let passed = now.saturating_sub(self.last);
        self.last = self.last.max(now);
        if passed > HASTE {
            self.step(&format!("clock: {{advance: {passed}s}}"), None);
        }
    }

    fn step(&mut self, step: &str, expect: Option<&str>) {
        self.count += 1;
        let _ = writeln!(self.text, "  - {step}");
        if let Some(expect) = expect {
            let _ = writeln!(self.text, "    expect: {expect}");
        }
    }

    fn note(&mut self, text: &str) {
        let _ = writeln!(self.text, "  # {}", text.replace(['\n', '\r'], " "));
    }
}

/// Text that is text, whatever it looks like. What JSON writes, YAML reads.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
