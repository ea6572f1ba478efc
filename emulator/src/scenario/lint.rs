//! What is probably wrong with a scenario that can be read: what it never tests, and what it waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Act, Scenario, Step, Verb};
use crate::document::Place;
use crate::engine::Named;
use crate::stub::script::{Answer, Rule};

/// Who waits longer, waits too long for a test.
const PATIENCE: Duration = Duration::from_secs(2);

/// Something that is probably wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where in the file.
    pub place: Place,
    /// What, and what to write instead.
    pub message: String,
}

/// What has been seen of the steps.
#[derive(Default)]
struct Seen<'a> {
    findings: Vec<Finding>,
    expectations: usize,
    devices: BTreeSet<&'a str>,
    users: BTreeSet<&'a str>,
    /// Rules that somebody expects to happen.
    hits: BTreeSet<&'a str>,
    /// What holders were told to do, and have not done yet.
    told: BTreeMap<&'a str, Place>,
    replaces_script: bool,
    /// Devices whose network swallows everything.
    mute: BTreeSet<&'a str>,
    /// Snapshots, where they are saved, and whether a step loads them.
    kept: BTreeMap<&'a str, (Place, bool)>,
    /// Faults by their ids.
    faults: BTreeMap<&'a str, Place>,
}

/// Looks a scenario through.
#[must_use]
pub fn look(scenario: &Scenario) -> Vec<Finding> {
    let mut seen = Seen::default();
    seen.steps(&scenario.steps);
    let start = Place { line: 1, column: 1 };
    if seen.expectations == 0 {
        seen.find(start, "nothing is expected anywhere, so it can hardly fail: add `expect` to a step");
    }
    for device in scenario.devices.iter().filter(|device| !seen.devices.contains(device.name.as_str())) {
        seen.findings.push(Finding {
            place: device.place,
            message: format!("no step uses `{}`: leave it out, or let it do something", device.name),
        });
    }
    let told: Vec<Place> = seen.told.values().copied().collect();
    for place in told {
        seen.find(place, "the holder is never asked after this: what is said here never happens");
    }
    let unused: Vec<Place> = seen.kept.values().filter(|(_, is_loaded)| !is_loaded).map(|(place, _)| *place).collect();
    for place in unused {
        seen.find(place, "no step loads this snapshot: leave it out, or load it");
    }
    rules(scenario, &mut seen);
    for net in &scenario.matrix.net {
        seen.slow(start, *net);
    }
    for device in &scenario.devices {
        if let Some(net) = device.net {
            seen.slow(device.place, net);
        }
    }
    seen.findings.sort();
    seen.findings
}

fn rules(scenario: &Scenario, seen: &mut Seen<'_>) {
    let start = Place { line: 1, column: 1 };
    for (at, rule) in scenario.stub.iter().enumerate() {
        let number = (at + 1).to_string();
        let name = rule.name.as_deref().unwrap_or(&number);
        if !seen.replaces_script && !seen.hits.contains(name) && !seen.hits.contains(number.as_str()) {
            let message =
                format!("nothing says that rule {name} of the stub happens: add `expect: {{hits: {{{name}: 1}}}}`");
            seen.findings.push(Finding { place: start, message });
        }
        if waits(rule) > PATIENCE {
            seen.find(start, "a rule of the stub waits for more than 2 s of real time");
        }
        if rule.on.user().is_some_and(|user| !seen.users.contains(user)) {
            let message = format!("rule {name} of the stub is about a user whom no step enrolls, asks or checks");
            seen.findings.push(Finding { place: start, message });
        }
    }
    let known: BTreeSet<String> = scenario
        .stub
        .iter()
        .enumerate()
        .flat_map(|(at, rule)| [Some((at + 1).to_string()), rule.name.clone()])
        .flatten()
        .collect();
    let is_known = |hit: &str| known.contains(hit) || seen.faults.contains_key(hit);
    let unknown: Vec<&str> = seen.hits.iter().copied().filter(|hit| !is_known(hit)).collect();
    let unexpected: Vec<(&str, Place)> =
        seen.faults.iter().map(|(id, place)| (*id, *place)).filter(|(id, _)| !seen.hits.contains(id)).collect();
    for (id, place) in unexpected {
        let message = format!("nothing says that this fault happens: add `expect: {{hits: {{{id}: 1}}}}`");
        seen.findings.push(Finding { place, message });
    }
    if !seen.replaces_script {
        for hit in unknown {
            let message =
                format!("an expectation is about the rule `{hit}` of the stub, or the fault, which there is not");
            seen.findings.push(Finding { place: start, message });
        }
    }
}

fn waits(rule: &Rule) -> Duration {
    let body = if let Answer::SlowBody(time) = rule.deed.answer { time } else { Duration::ZERO };
    rule.deed.delay.saturating_add(body)
}

impl<'a> Seen<'a> {
    fn find(&mut self, place: Place, message: &str) {
        self.findings.push(Finding { place, message: message.to_owned() });
    }

    fn slow(&mut self, place: Place, net: Named) {
        if matches!(net, Named::G2 | Named::Flap) {
            let message = format!("the network `{}` takes its time in real time", net.name());
            self.findings.push(Finding { place, message });
        }
    }

    fn steps(&mut self, steps: &'a [Step]) {
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &'a Step) {
        match &step.verb {
            Verb::Enroll { device, user, .. } => {
                self.devices.insert(device);
                self.users.insert(user);
            }
            Verb::Device { device, act } => {
                self.devices.insert(device);
                if matches!(act, Act::Open(_) | Act::Approve | Act::ChangePin { .. } | Act::Unenroll) {
                    self.told.remove(device.as_str());
                }
                if self.mute.contains(device.as_str()) && !matches!(act, Act::Forget | Act::Watch | Act::Rest) {
                    self.find(
                        step.place,
                        "with such a network the device tries for a minute of real time: let it come back beside this, in `parallel`",
                    );
                }
            }
            Verb::Presence { device, is_usual, .. } => {
                self.devices.insert(device);
                if !is_usual {
                    self.told.insert(device, step.place);
                }
            }
            Verb::Skew { device, .. } => {
                self.devices.insert(device);
            }
            Verb::Net { device, net } => {
                self.devices.insert(device);
                if matches!(net, Named::Captive | Named::HalfOpen) {
                    self.mute.insert(device);
                } else {
                    self.mute.remove(device.as_str());
                }
            }
            Verb::Ask { user, .. } | Verb::Check { user } | Verb::Token { user, .. } => {
                self.users.insert(user);
            }
            Verb::Stub(rules) => {
                self.replaces_script = true;
                if rules.iter().any(|rule| waits(rule) > PATIENCE) {
                    self.find(step.place, "a rule of the stub waits for more than 2 s of real time");
                }
            }
            Verb::Repeat { times, steps } => {
                if *times == 0 {
                    self.find(step.place, "this is never done, and nothing in it is ever expected");
                }
                self.steps(steps);
            }
            Verb::Parallel(steps) => {
                if steps.len() < 2 {
                    self.find(step.place, "one step alone is not done at the same time as anything");
                }
                for step in steps {
                    if let Verb::Net { device, net } = &step.verb
                        && !matches!(net, Named::Captive | Named::HalfOpen)
                    {
                        self.mute.remove(device.as_str());
                    }
                }
                self.steps(steps);
            }
            Verb::Fault(rule) => {
                // Without an id it has one that nobody can expect anything of.
                match &rule.id {
                    Some(id) => drop(self.faults.insert(id, step.place)),
                    None => self.find(
                        step.place,
                        "nobody can say whether this fault happens: give it an `id`, and expect `hits: {ID: 1}`",
                    ),
                }
                if let Some(device) = &rule.matches.device {
                    self.devices.insert(device);
                }
            }
            Verb::Snap { name, is_loaded: false } => {
                self.kept.entry(name).or_insert((step.place, false));
            }
            Verb::Snap { name, is_loaded: true } => match self.kept.get_mut(name.as_str()) {
                Some((_, is_loaded)) => *is_loaded = true,
                None => self.find(step.place, "no step before this saves such a snapshot"),
            },
            Verb::Clone { device, .. } | Verb::Reset { device } => {
                self.devices.insert(device);
            }
            Verb::Include { file, steps } => {
                let before = self.findings.len();
                self.steps(steps);
                for finding in &mut self.findings[before..] {
                    finding.message = format!("in {file}, {}: {}", finding.place, finding.message);
                    finding.place = step.place;
                }
            }
            Verb::Advance(0) => self.find(step.place, "no time passes here"),
            Verb::Advance(_) | Verb::RotateKeys | Verb::ServerSkew(_) | Verb::Nothing => {}
        }
        if let Verb::Net { net, .. } = &step.verb {
            self.slow(step.place, *net);
        }
        let Some(expect) = &step.expect else { return };
        self.expectations += 1;
        self.hits.extend(expect.hits.iter().map(|(rule, _)| rule.as_str()));
        let hears = expect
            .journal
            .iter()
            .any(|it| matches!(it.has, "confirmation-asked" | "closed-token-checked" | "closing-soon"));
        if hears && expect.within.is_none() {
            self.find(expect.place, "what a device hears by itself comes in its own time: add `within: 5s`");
        }
    }
}
