//! Lists to choose from: what a network is like, what time it is, what goes wrong. What is in them comes from the facts.

use super::form::Form;
use crate::face::{Command, Facts, Fault, HABITS, NETWORKS, On};

/// A list that is open.
#[derive(Debug)]
pub(super) struct Menu {
    pub(super) kind: Kind,
    /// The line that is selected.
    pub(super) at: usize,
    /// What is looked for, where there is much.
    pub(super) search: String,
}

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What the network of a device is like.
    Network,
    /// The time.
    Clock,
    /// What goes wrong.
    Faults,
    /// What the holder does.
    Habit,
    /// PINs.
    Pins,
    /// What is seldom done with the token and the device: names, ends.
    More,
    /// What was kept of the session.
    Copies,
}

/// A line of a list.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) text: String,
    /// That is how it is now.
    pub(super) is_so: bool,
    /// More, for a person.
    pub(super) detail: String,
    does: Does,
}

/// What choosing it does.
#[derive(Debug)]
pub(super) enum Does {
    /// Says this.
    Tell(Command),
    /// Asks for more first.
    Ask(Form),
    /// Lets this go wrong: once, or always.
    Arm(String),
}

impl Menu {
    pub(super) const fn new(kind: Kind) -> Self {
        Self { kind, at: 0, search: String::new() }
    }

    pub(super) const fn title(&self) -> &'static str {
        match self.kind {
            Kind::Network => "Network",
            Kind::Clock => "Time",
            Kind::Faults => "Faults",
            Kind::Habit => "When the holder is asked",
            Kind::Pins => "PINs",
            Kind::More => "The token and the device",
            Kind::Copies => "Going back, and copies",
        }
    }

    /// What can be done here, for a person.
    pub(super) const fn keys(&self) -> &'static str {
        match self.kind {
            Kind::Faults => "type to search  Enter once  * always  Esc back",
            _ => "↑↓ choose  Enter takes it  Esc back",
        }
    }

    /// The lines.
    pub(super) fn items(&self, facts: &Facts, on: &On) -> Vec<Item> {
        match self.kind {
            Kind::Network => networks(facts, &on.device),
            Kind::Clock => times(facts, &on.device),
            Kind::Faults => faults(facts, &self.search),
            Kind::Habit => habits(facts, &on.device),
            Kind::Pins => pins(facts, on),
            Kind::More => more(facts, on),
            Kind::Copies => copies(facts, &on.device),
        }
    }

    /// What the line that is selected does.
    pub(super) fn chosen(&self, facts: &Facts, on: &On) -> Option<Does> {
        self.items(facts, on).into_iter().nth(self.at).map(|item| item.does)
    }

    pub(super) fn moved(&mut self, by: isize, facts: &Facts, on: &On) {
        let last = self.items(facts, on).len().saturating_sub(1);
        self.at = self.at.saturating_add_signed(by).min(last);
    }

    pub(super) fn searched(&mut self, change: impl FnOnce(&mut String)) {
        if self.kind == Kind::Faults {
            change(&mut self.search);
            self.at = 0;
        }
    }
}

impl Item {
    fn new(text: impl Into<String>, detail: impl Into<String>, does: Does) -> Self {
        Self { text: text.into(), is_so: false, detail: detail.into(), does }
    }

    fn so(self, is_so: bool) -> Self {
        Self { is_so, ..self }
    }
}

fn networks(facts: &Facts, device: &str) -> Vec<Item> {
    let now = facts.device(device).map(|device| device.network.as_str()).unwrap_or_default();
    let item = |(name, profile, what): (&str, &str, &str)| {
        let command = Command::Network { device: device.to_owned(), profile: profile.to_owned() };
        Item::new(name, what, Does::Tell(command)).so(profile == now)
    };
    NETWORKS.into_iter().map(item).collect()
}

fn habits(facts: &Facts, device: &str) -> Vec<Item> {
    let now = facts.habits.get(device).map(|habit| habit.outcome.as_str()).unwrap_or_default();
    let item = |(name, does, what): (&str, &str, &str)| {
        let command = Command::Habit { device: device.to_owned(), does: does.to_owned() };
        Item::new(name, what, Does::Tell(command)).so(does == now)
    };
    HABITS.into_iter().map(item).collect()
}

fn times(facts: &Facts, device: &str) -> Vec<Item> {
    let skew = facts.device(device).map(|device| device.clock.skew_seconds).unwrap_or_default();
    let tell = |text: &str, command| Item::new(text, "", Does::Tell(command));
    let right = Command::Skew { device: device.to_owned(), seconds: 0 };
    vec![
        tell("Stand still", Command::Freeze(true)).so(facts.clock.frozen),
        tell("Go on", Command::Freeze(false)).so(!facts.clock.frozen),
        tell("A minute passes", Command::Advance(60)),
        tell("Ten minutes pass", Command::Advance(600)),
        tell("An hour passes", Command::Advance(3_600)),
        tell("A day passes", Command::Advance(86_400)),
        Item::new("Let so much pass…", "", Does::Ask(Form::advance())),
        tell(&format!("The clock of {device} is right"), right).so(skew == 0),
        Item::new(format!("The clock of {device} is wrong…"), "", Does::Ask(Form::skew(device.to_owned())))
            .so(skew != 0),
    ]
}

fn pins(facts: &Facts, on: &On) -> Vec<Item> {
    let persona = Does::Ask(Form::persona(on.device.clone()));
    let holder = Item::new("PINs that the holder knows…", "What the holder types who is asked", persona);
    let token = facts.device(&on.device).and_then(|device| device.token(on.token.as_deref()));
    let change = token.map(|token| {
        let form = Form::change_pins(on.clone(), token.title());
        Item::new("New PINs for the token…", "The server knows them from then on", Does::Ask(form))
    });
    change.into_iter().chain([holder]).collect()
}

fn more(facts: &Facts, on: &On) -> Vec<Item> {
    let ask = |text: String, detail: &str, form| Item::new(text, detail, Does::Ask(form));
    let device = facts.device(&on.device);
    let mut items = Vec::new();
    if let Some(token) = device.and_then(|device| device.token(on.token.as_deref())) {
        let title = token.title();
        items.push(ask("Call the token…".into(), "What it is called here", Form::label(on.clone())));
        let here = On { device: on.device.clone(), token: Some(token.id.clone()) };
        match facts.answers(&on.device, &token.id).and_then(|answers| answers.siblings.as_ref()) {
            Some(siblings) => {
                items.extend(siblings.iter().filter(|sibling| !sibling.this).map(|sibling| {
                    let form = Form::revoke(on.clone(), sibling.device.clone());
                    ask(format!("Revoke the device {}…", sibling.device), "It can never open the token again", form)
                }));
            }
            None => items.push(Item::new(
                "Which devices the token has",
                "To revoke one",
                Does::Tell(Command::Siblings(here)),
            )),
        }
        items.push(ask(
            format!("Give {title} up…"),
            "Its server is told, and the token is gone",
            Form::unenroll(on.clone(), title),
        ));
        items.push(ask(
            format!("Remove {title} here only…"),
            "Nobody is told, and others go on",
            Form::forget(on.clone(), title),
        ));
    }
    if let Some(device) = device {
        let watch = Command::Watch { device: device.name.clone(), watch: !device.watched };
        let item = Item::new("Listens to its servers", "Hears what they say unasked", Does::Tell(watch));
        items.push(item.so(device.watched));
        items.push(ask(
            format!("Remove the device {}…", device.name),
            "With all its tokens; no server is told",
            Form::remove_device(device.name.clone()),
        ));
    }
    items
}

fn copies(facts: &Facts, device: &str) -> Vec<Item> {
    let ask = |text: String, detail: &str, form| Item::new(text, detail, Does::Ask(form));
    let mut items = vec![ask("Keep everything as it is…".into(), "Devices, tokens, holders, time", Form::snap_save())];
    for snapshot in &*facts.snapshots {
        let name = &snapshot.name;
        let when = format!("Kept at {} UTC", super::super::face::clock(snapshot.taken_at));
        items.push(ask(format!("Go back to {name}…"), &when, Form::snap_load(name.clone())));
        items.push(Item::new(format!("Forget {name}"), "", Does::Tell(Command::SnapRemove(name.clone()))));
    }
    if facts.device(device).is_some() {
        let same = "With the same tokens and keys: servers find out once both are used";
        items.push(ask(format!("Copy the device {device}…"), same, Form::copy(device.to_owned())));
        items.push(ask(format!("Call the device {device} otherwise…"), "", Form::rename(device.to_owned())));
        items.push(ask(format!("Make the device {device} new…"), "Without tokens", Form::reset(device.to_owned())));
    }
    items
}

fn faults(facts: &Facts, search: &str) -> Vec<Item> {
    let armed = facts.faults.iter().map(|rule| {
        let times = rule.times.map_or_else(|| "always".to_owned(), |times| format!("{times} times"));
        let spent = if rule.spent { ", done" } else { "" };
        let text = format!("{}: {times}, {} of {} so far{spent}. Enter disarms", rule.fault, rule.hits, rule.seen);
        Item::new(text, "", Does::Tell(Command::Disarm { id: rule.id.clone() })).so(true)
    });
    let clear = (!facts.faults.is_empty())
        .then(|| Item::new("Nothing goes wrong any more", "Disarms all", Does::Tell(Command::ClearFaults)));
    let words: Vec<String> = search.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let is_meant = |fault: &&Fault| {
        let all = format!("{} {} {}", fault.name, fault.layer, fault.what).to_lowercase();
        words.iter().all(|word| all.contains(word))
    };
    let known = facts.catalogue.iter().filter(is_meant).map(|fault| {
        let detail = format!("{}. Device: {}. Server: {}", fault.what, fault.device, fault.server);
        Item::new(format!("{} ({})", fault.name, fault.layer), detail, Does::Arm(fault.name.clone()))
    });
    armed.chain(clear).chain(known).collect()
}
