//! What is drawn and what keys say, for facts that are written down here.

mod forms;
mod keys;
mod page;
mod screens;

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;

use super::app::{App, Dialog};
use super::keys::Step;
use super::once::{Size, picture};
use crate::face::{
    Answers, Clock, Command, Confirmation, Device, Facts, Fault, FaultRule, Habit, Link, Prompt, Row, State, Timeline,
    Token,
};

/// 2026-03-01, 12:00:00 UTC.
const NOW: u64 = 1_772_366_400;
const PIN: &str = "274951";
const DURESS: &str = "836402";

/// A token that is open for another 42 of 60 seconds.
fn token() -> Token {
    Token {
        id: "4f1c22aa90be77d10c".into(),
        host: "id.example".into(),
        port: 8421,
        service: "Front door".into(),
        confirmed: true,
        state: Some(State::Open),
        remaining: Some(42),
        said_at: Some(NOW - 18),
        age: Some(18),
        online: Some(true),
        ..Token::default()
    }
}

fn device(name: &str, tokens: Vec<Token>) -> Arc<Device> {
    Arc::new(Device { name: name.into(), tokens, network: "ideal".into(), ..Device::default() })
}

fn event(at: u64, kind: &str) -> Row {
    Row::event(json!({ "number": at, "time": NOW - 100 + at, "device": "main", "kind": kind, "what": "status" }))
}

fn facts() -> Facts {
    let mut timeline = Timeline::default();
    timeline.extend([
        event(1, "made"),
        event(40, "enrolled"),
        event(50, "offline"),
        event(60, "online"),
        event(70, "asked"),
        event(82, "opened"),
    ]);
    let fault = |name: &str, layer: &str, what: &str| Fault {
        name: name.into(),
        layer: layer.into(),
        what: what.into(),
        device: "asks again".into(),
        server: "notices nothing".into(),
        ..Fault::default()
    };
    let catalogue = vec![
        fault("bit-flip", "frame", "Turns bits of a frame around"),
        fault("replay", "frame", "Sends a frame a second time"),
        fault("slow", "net", "Lets an answer come late"),
    ];
    Facts {
        link: Link::Hosting("unix:/run/control.sock".into()),
        program: "cardea-emulator".into(),
        session: "default".into(),
        clock: Clock { now: NOW, ..Clock::default() },
        devices: Arc::new(BTreeMap::from([("main".to_owned(), device("main", vec![token()]))])),
        habits: BTreeMap::from([("main".to_owned(), Habit { outcome: "approve".into(), ..Habit::default() })]),
        timeline,
        catalogue: Arc::new(catalogue),
        ..Facts::default()
    }
}

/// The same with this device, too.
fn with(mut facts: Facts, device: Arc<Device>) -> Facts {
    Arc::make_mut(&mut facts.devices).insert(device.name.clone(), device);
    facts
}

/// With a token in this state, and nothing said about time.
fn with_token(change: impl FnOnce(&mut Token)) -> Facts {
    let mut token = token();
    change(&mut token);
    with(facts(), device("main", vec![token]))
}

fn with_prompt() -> Facts {
    let prompt = Prompt { number: 7, service: "Front door".into(), purpose: "open".into(), ..Prompt::default() };
    let mut asked = Device::clone(facts().device("main").unwrap());
    asked.prompts = vec![prompt];
    with(facts(), Arc::new(asked))
}

fn with_text() -> Facts {
    let waiting = Confirmation { id: "c0ffee".into(), text: "Pay 12 EUR".into(), expires_at: NOW + 60 };
    let answers = Answers { confirmations: Some(vec![waiting]), ..Answers::default() };
    let answers = BTreeMap::from([(("main".to_owned(), token().id), Arc::new(answers))]);
    Facts { answers, ..facts() }
}

fn with_fault(spent: bool) -> Facts {
    let rule = FaultRule { id: "r1".into(), fault: "replay".into(), times: Some(2), seen: 3, hits: 1, spent };
    Facts { faults: Arc::new(vec![rule]), ..facts() }
}

/// Somebody in front of facts.
struct Person {
    app: App,
    facts: Facts,
}

impl Person {
    fn before(facts: Facts) -> Self {
        let mut app = App::for_device("main");
        app.settle(&facts);
        Self { app, facts }
    }

    fn does(&mut self, event: &Event) -> Step {
        let step = self.app.typed(event, &self.facts, NOW);
        if let Step::Tell(commands) = &step {
            commands.iter().for_each(|command| self.app.says(command, &self.facts));
        }
        step
    }

    fn presses(&mut self, key: KeyCode) -> Step {
        self.does(&Event::Key(KeyEvent::new(key, KeyModifiers::NONE)))
    }

    /// Presses a key and says only what can be said.
    fn says(&mut self, key: KeyCode) -> Vec<Command> {
        match self.presses(key) {
            Step::Tell(commands) => commands,
            Step::Leave(ended) => panic!("{ended:?}"),
        }
    }

    /// Types something; nothing is said by it.
    fn types(&mut self, text: &str) {
        for it in text.chars() {
            assert_eq!(self.presses(KeyCode::Char(it)), Step::Tell(vec![]), "{it}");
        }
    }

    /// Opens a list with a key, goes down to a line and takes it; what is said by it.
    fn chosen(&mut self, key: char, line: &str) -> Vec<Command> {
        self.types(&key.to_string());
        self.finds(line);
        let Some(Dialog::Menu(menu)) = &self.app.dialog else { panic!("{key} opens no list") };
        let items = menu.items(&self.facts, &self.app.on(&self.facts));
        let at = items.iter().position(|item| item.text == line).expect("a line of its own");
        for _ in 0..at {
            self.presses(KeyCode::Down);
        }
        self.says(KeyCode::Enter)
    }

    /// The same for a line that asks for more first.
    fn chooses(&mut self, key: char, line: &str) {
        assert_eq!(self.chosen(key, line), []);
    }

    fn sees(&self) -> String {
        self.sees_at(130, 30)
    }

    fn sees_at(&self, width: u16, height: u16) -> String {
        picture(&self.app, &self.facts, NOW, Size { width, height })
    }

    /// Sees this.
    fn finds(&self, text: &str) {
        let all = self.sees();
        assert!(all.contains(text), "{text:?} is not in\n{all}");
    }

    /// Does not see this.
    fn misses(&self, text: &str) {
        let all = self.sees();
        assert!(!all.contains(text), "{text:?} is in\n{all}");
    }
}
