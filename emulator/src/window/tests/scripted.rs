//! Facts that a test makes up, and commands that it hears.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::face::{
    About, Answers, Asked, Clock, Command, Confirmation, Deed, Device, Facts, Fault, FaultRule, Habit, Link, Row,
    Sibling, Snapshot, Source, State, Token, TraceState,
};

/// 2026-11-23, 12:00:00.
pub(super) const NOW: u64 = 1_795_435_200;

/// Somebody who has facts and writes down what is said.
pub(super) struct Scripted {
    facts: Mutex<Arc<Facts>>,
    said: Mutex<Vec<Command>>,
}

impl Source for Scripted {
    fn facts(&self) -> Arc<Facts> {
        Arc::clone(&self.facts.lock().unwrap())
    }

    fn tell(&self, command: Command) {
        self.said.lock().unwrap().push(command);
    }
}

impl Scripted {
    pub(super) fn new(facts: Facts) -> Arc<Self> {
        Arc::new(Self { facts: Mutex::new(Arc::new(facts)), said: Mutex::default() })
    }

    /// What was said since the last time, but for looks.
    pub(super) fn said(&self) -> Vec<Command> {
        let said = std::mem::take(&mut *self.said.lock().unwrap());
        said.into_iter().filter(|command| !matches!(command, Command::Look(_) | Command::Refresh)).collect()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Facts)) {
        let mut facts = self.facts.lock().unwrap();
        change(Arc::make_mut(&mut facts));
    }

    pub(super) fn change_device(&self, name: &str, change: impl FnOnce(&mut Device)) {
        self.change(|facts| {
            let devices = Arc::make_mut(&mut facts.devices);
            change(Arc::make_mut(devices.get_mut(name).unwrap()));
        });
    }
}

/// A token that stands so, as the server said twelve seconds ago.
pub(super) fn token(service: &str, state: State, remaining: Option<u64>) -> Token {
    Token {
        id: format!("{:0>32}", service.len()),
        host: "id.example.com".into(),
        port: 7_433,
        service: service.into(),
        added_at: NOW - 86_400,
        confirmed: true,
        state: Some(state),
        remaining,
        said_at: Some(NOW - 12),
        age: Some(12),
        tries_left: Some(5),
        confirmations: Some(0),
        online: Some(true),
        ..Token::default()
    }
}

pub(super) fn device(name: &str, tokens: Vec<Token>) -> Device {
    Device { name: name.into(), tokens, network: "ideal".into(), watched: true, ..Device::default() }
}

pub(super) fn facts(devices: Vec<Device>) -> Facts {
    let devices: BTreeMap<_, _> = devices.into_iter().map(|device| (device.name.clone(), Arc::new(device))).collect();
    Facts {
        link: Link::Hosting("/run/user/1000/cardea-emulator/default/control.sock".into()),
        program: "cardea-emulator".into(),
        session: "default".into(),
        clock: Clock { now: NOW, ..Clock::default() },
        devices: Arc::new(devices),
        ..Facts::default()
    }
}

/// One device whose token stands so.
pub(super) fn one(state: State, remaining: Option<u64>) -> Facts {
    facts(vec![device("phone", vec![token("Front door", state, remaining)])])
}

/// The same, and somebody asked as relying parties do.
pub(super) fn asked() -> Facts {
    let mut facts = lively();
    let asked = |minute: u64, user: &str, word, is_open| Asked {
        at: NOW - 60 * minute,
        user: user.into(),
        service: "default_demo".into(),
        took_ms: 3 + minute,
        word,
        is_open,
    };
    facts.asked =
        vec![asked(9, "eve", "blocked", false), asked(4, "ann", "closed", false), asked(0, "joe", "open", true)];
    facts
}

/// The same, and the session was kept twice.
pub(super) fn kept() -> Facts {
    let mut facts = lively();
    let devices: Vec<String> = facts.devices.keys().cloned().collect();
    let snapshot = |name: &str, minute: u64, devices: &[String]| Snapshot {
        name: name.into(),
        taken_at: NOW - 60 * minute,
        devices: devices.to_vec(),
    };
    let all = vec![snapshot("baseline", 42, &devices), snapshot("one-phone", 9, &["phone".to_owned()])];
    facts.snapshots = Arc::new(all);
    facts
}

/// An afternoon of somebody who tests.
pub(super) fn lively() -> Facts {
    let offline = Token { online: Some(false), ..token("VPN", State::Open, Some(300)) };
    let mut facts = facts(vec![
        device("phone", vec![token("Front door", State::Open, Some(228))]),
        device("tablet", vec![token("Front door", State::Closed, None)]),
        device("spare-phone", vec![offline]),
        device("watch", vec![token("Payroll", State::Blocked, Some(540))]),
        device("new", vec![]),
    ]);
    facts.habits = BTreeMap::from([("phone".into(), Habit { outcome: "approve".into(), ..Habit::default() })]);
    facts.trace = TraceState { on: true, frames: 6, lost: 0 };
    let frame = |number: u64, op: &str, direction: &str, frame: &str, verdict: &str| {
        Row::frame(
            serde_json::from_value(json!({
                "number": number, "time": NOW - 30 + number, "after_us": number * 41_000, "device": "phone", "connection": 1,
                "direction": direction, "peer": "id.example.com:7433", "transport": "tcp", "frame": frame, "op": op,
                "fields": { "time": NOW, "win": 8, "signature": "[signature 1]" }, "wire": "5a".repeat(118), "verdict": verdict,
            }))
            .unwrap(),
        )
    };
    let event = |number: u64, kind: &str, rest: serde_json::Value| {
        let mut entry = json!({ "number": number, "time": NOW - 60 + number * 4, "device": "phone", "kind": kind });
        entry.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        Row::event(entry)
    };
    facts.timeline.extend([
        event(1, "made", json!({})),
        event(2, "enrolled", json!({})),
        event(3, "done", json!({ "what": "enroll" })),
        event(4, "network", json!({ "profile": "2g" })),
        event(5, "failed", json!({ "what": "open", "detail": "the PIN is wrong (tries left: 4)" })),
        event(6, "network", json!({ "profile": "ideal" })),
        event(7, "online", json!({})),
        frame(1, "OPEN", "out", "C1", "sent"),
        frame(2, "OPEN", "in", "S1", "authentic"),
        event(8, "opened", json!({})),
        event(9, "done", json!({ "what": "open" })),
        frame(3, "STATUS", "out", "REQUEST", "sent"),
        frame(4, "STATUS", "in", "REPLY", "authentic"),
    ]);
    facts.catalogue = catalogue();
    facts
}

pub(super) fn catalogue() -> Arc<Vec<Fault>> {
    Arc::new(serde_json::from_value(json!(crate::faults::catalogue().collect::<Vec<_>>())).unwrap())
}

/// Two faults, of which one has happened as often as it may.
pub(super) fn misbehaving() -> Facts {
    let mut facts = lively();
    let rule = |id: &str, fault: &str, hits, spent| FaultRule {
        id: id.into(),
        fault: fault.into(),
        times: Some(1),
        seen: 3,
        hits,
        spent,
    };
    facts.faults = Arc::new(vec![rule("rule-1", "ack-lost", 0, false), rule("rule-2", "bit-flip", 1, true)]);
    facts
}

/// A text waits.
pub(super) fn asking() -> Facts {
    let mut facts = lively();
    let text = Confirmation {
        id: "0a1b2c3d".into(),
        text: "Transfer 250.00 EUR to Ada Lovelace".into(),
        expires_at: NOW + 95,
    };
    let id = facts.device("phone").unwrap().tokens[0].id.clone();
    let answers = Answers { confirmations: Some(vec![text]), ..Answers::default() };
    facts.answers.insert(("phone".into(), id), Arc::new(answers));
    facts
}

/// A server that has answered everything.
pub(super) fn answered() -> Facts {
    let mut facts = lively();
    let id = facts.device("phone").unwrap().tokens[0].id.clone();
    let sibling = |device: &str, this| Sibling {
        device: device.into(),
        platform: if this { 3 } else { 1 },
        emulated: this,
        this,
        enrolled_at: NOW - 86_400,
        last_seen: NOW - 60,
    };
    let answers = Answers {
        about: Some(About { service: "Front door".into(), user: "ada".into() }),
        siblings: Some(vec![sibling("5f0c11a2", true), sibling("91be0d44", false)]),
        history: Some(vec![Deed { time: NOW - 12, what: "opened".into(), device: Some("5f0c11a2".into()) }]),
        confirmations: None,
    };
    facts.answers.insert(("phone".into(), id), Arc::new(answers));
    facts
}
