//! Scenarios as people write them.

mod expect;

use std::collections::BTreeSet;
use std::time::Duration;

use super::words::{OUTCOMES, REASONS, TRANSPORTS};
use super::{Act, Expect, Matrix, Scenario, Setup, SkipIf, Step, Vars, Verb};
use crate::document::{self, DocumentError, Fields, Node, did_you_mean, nearest};
use crate::engine::{Named, Outcome, Persona};
use crate::faults;
use crate::stub::ServiceSettings;
use crate::stub::script::{self, TokenChange};

/// The version of the form that is read.
const VERSION: u64 = 1;
/// How long a scenario may take in real time unless it says so itself.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Most steps, repeated ones counted each time.
const STEPS_MAX: u64 = 100_000;

/// The fields of a scenario.
pub(super) const SCENARIO: &[&str] = &[
    "cardea-scenario",
    "name",
    "about",
    "tags",
    "vars",
    "skip-if",
    "seed",
    "timeout",
    "service",
    "stub",
    "devices",
    "matrix",
    "steps",
];
/// Where a scenario does not run.
pub(super) const SKIP_IF: &[&str] = &["os", "env", "no-env"];
/// The fields of a service.
pub(super) const SERVICE: &[&str] = &["window", "attempts", "duress-pins", "silent-alarm"];
/// The fields of a device.
pub(super) const DEVICE: &[&str] = &["net", "skew", "usual"];
/// The fields of a matrix.
pub(super) const MATRIX: &[&str] = &["net", "transport", "window"];
/// What can happen.
pub(super) const VERBS: &[&str] = &[
    "enroll",
    "open",
    "close",
    "status",
    "approve",
    "deny",
    "change-pin",
    "unenroll",
    "forget",
    "watch",
    "rest",
    "ask",
    "check",
    "presence",
    "clock",
    "net",
    "server",
    "stub",
    "fault",
    "repeat",
    "parallel",
];
/// What can be expected.
pub(super) const EXPECT: &[&str] =
    &["error", "answer", "tries-left", "remaining", "server", "device", "journal", "hits", "within"];

pub(super) fn scenario(text: &str, vars: &Vars) -> Result<Scenario, DocumentError> {
    let mut document = document::read(text)?;
    super::vars::fill(&mut document, vars)?;
    let fields = document.fields(SCENARIO)?;
    let version = fields.need("cardea-scenario")?;
    if version.number()? != VERSION {
        return Err(version.error(format!("this program reads version {VERSION} of scenarios")));
    }
    let devices = devices(fields.need("devices")?)?;
    let stub = fields.read("stub", script::rules)?.unwrap_or_default();
    let known = Known { devices: devices.iter().map(|device| device.name.as_str()).collect() };
    let steps = fields.need("steps")?;
    let scenario = Scenario {
        name: fields.need("name")?.text()?.to_owned(),
        about: fields.read("about", Node::text)?.map(|text| text.trim().to_owned()),
        tags: fields.read("tags", texts)?.unwrap_or_default(),
        skip_if: fields.read("skip-if", skip_if)?,
        seed: fields.read("seed", Node::number)?,
        timeout: fields.read("timeout", Node::duration)?.unwrap_or(TIMEOUT),
        service: fields.read("service", service)?.unwrap_or_default(),
        matrix: fields.read("matrix", matrix)?.unwrap_or_default(),
        steps: known.steps(steps)?,
        stub,
        devices,
    };
    if count(&scenario.steps) > STEPS_MAX {
        return Err(steps.error(format!("there are more than {STEPS_MAX} steps")));
    }
    Ok(scenario)
}

fn count(steps: &[Step]) -> u64 {
    let each = |step: &Step| match &step.verb {
        Verb::Repeat { times, steps } => u64::from(*times).saturating_mul(count(steps)),
        Verb::Parallel(steps) => count(steps),
        _ => 1,
    };
    steps.iter().map(each).fold(0, u64::saturating_add)
}

fn texts(node: &Node) -> Result<Vec<String>, DocumentError> {
    node.list().iter().map(|text| text.text().map(str::to_owned)).collect()
}

/// `{os: windows}`, `{env: CI}` or `{no-env: DISPLAY}`.
fn skip_if(node: &Node) -> Result<SkipIf, DocumentError> {
    let fields = node.fields(SKIP_IF)?;
    let [(name, value)] = node.map()? else { return Err(fields.place.error("say one of os, env and no-env")) };
    match name.text.as_str() {
        "os" => {
            value.one_of(&["linux", "macos", "windows"].map(|name| (name, name))).map(|it| SkipIf::System(it.into()))
        }
        "env" => value.text().map(|it| SkipIf::Set(it.into())),
        _ => value.text().map(|it| SkipIf::Unset(it.into())),
    }
}

fn truth(node: &Node) -> Result<bool, DocumentError> {
    node.one_of(&[("true", true), ("false", false)])
}

fn service(node: &Node) -> Result<ServiceSettings, DocumentError> {
    let fields = node.fields(SERVICE)?;
    let mut service = ServiceSettings::default();
    if let Some(window) = fields.read("window", seconds)? {
        service.window = window;
    }
    if let Some(node) = fields.get("attempts") {
        let attempts = node.small("the number of attempts")?;
        if !(1..=10).contains(&attempts) {
            return Err(node.error("there are 1 to 10 attempts"));
        }
        service.attempts = Some(attempts);
    }
    service.duress = fields.read("duress-pins", truth)?.unwrap_or(service.duress);
    service.silent_alarm = fields.read("silent-alarm", truth)?.unwrap_or(service.silent_alarm);
    Ok(service)
}

/// Seconds, as a service has them.
fn seconds(node: &Node) -> Result<u32, DocumentError> {
    u32::try_from(node.seconds()?).map_err(|_| node.error("nothing takes so long"))
}

fn net(node: &Node) -> Result<Named, DocumentError> {
    node.one_of(&Named::ALL.map(|named| (named.name(), named)))
}

/// `{ahead: 1d}` or `{behind: 90s}`.
fn skew(fields: Fields<'_>) -> Result<Option<i64>, DocumentError> {
    let seconds = |node: &Node| node.seconds().map(u64::cast_signed);
    match (fields.read("ahead", seconds)?, fields.read("behind", seconds)?) {
        (Some(_), Some(_)) => Err(fields.place.error("a clock is either `ahead` or `behind`")),
        (ahead, behind) => Ok(ahead.or(behind.map(|behind| -behind))),
    }
}

fn devices(node: &Node) -> Result<Vec<Setup>, DocumentError> {
    let plain = |place, name: &str| Setup { name: name.to_owned(), net: None, skew: 0, usual: Outcome::Approve, place };
    let devices: Vec<Setup> = match &node.value {
        document::Value::Map(devices) => devices
            .iter()
            .map(|(name, node)| {
                let fields = node.fields(DEVICE)?;
                let clock = |node: &Node| skew(node.fields(&["ahead", "behind"])?);
                Ok(Setup {
                    net: fields.read("net", net)?,
                    skew: fields.read("skew", clock)?.flatten().unwrap_or_default(),
                    usual: fields.read("usual", |node| node.one_of(OUTCOMES))?.unwrap_or_default(),
                    ..plain(name.place, &name.text)
                })
            })
            .collect::<Result<_, DocumentError>>()?,
        _ => {
            node.list().iter().map(|node| Ok(plain(node.place, node.text()?))).collect::<Result<_, DocumentError>>()?
        }
    };
    let mut names = BTreeSet::new();
    for device in &devices {
        if !names.insert(&device.name) {
            return Err(device.place.error(format!("`{}` is there twice", device.name)));
        }
    }
    Ok(devices)
}

fn matrix(node: &Node) -> Result<Matrix, DocumentError> {
    let fields = node.fields(MATRIX)?;
    let net = fields.read("net", |node| node.list().iter().map(net).collect())?;
    let transport =
        fields.read("transport", |node| node.list().iter().map(|node| node.one_of(TRANSPORTS)).collect())?;
    let window = fields.read("window", |node| node.list().iter().map(seconds).collect())?;
    Ok(Matrix {
        net: net.unwrap_or_default(),
        transport: transport.unwrap_or_default(),
        window: window.unwrap_or_default(),
    })
}

/// What can be named.
struct Known<'a> {
    devices: Vec<&'a str>,
}

impl Known<'_> {
    fn device(&self, node: &Node) -> Result<String, DocumentError> {
        let name = node.text()?;
        if self.devices.contains(&name) {
            return Ok(name.to_owned());
        }
        Err(node.error(format!("there is no device `{name}`{}", did_you_mean(name, &self.devices))))
    }

    fn steps(&self, node: &Node) -> Result<Vec<Step>, DocumentError> {
        node.list().iter().map(|node| self.step(node)).collect()
    }

    fn step(&self, node: &Node) -> Result<Step, DocumentError> {
        let fields = node.map()?;
        let mut found = None;
        for (name, value) in fields.iter().filter(|(name, _)| name.text != "expect") {
            let Some(word) = VERBS.iter().find(|verb| **verb == name.text) else {
                return Err(name.place.error(unknown_verb(&name.text)));
            };
            if found.replace((*word, value)).is_some() {
                return Err(name.place.error("a step does one thing: make another step of this"));
            }
        }
        let expect = fields.iter().find(|(name, _)| name.text == "expect").map(|(name, node)| (name.place, node));
        let (word, verb) = match found {
            Some((word, value)) => (word, self.verb(word, value)?),
            None if expect.is_some() => ("expect", Verb::Nothing),
            None => return Err(node.error("a step does something, or expects something")),
        };
        let expect =
            expect.map(|(place, node)| self.expect(node, &verb).map(|it| Expect { place, ..it })).transpose()?;
        Ok(Step { place: node.place, word, verb, expect })
    }

    fn verb(&self, word: &str, node: &Node) -> Result<Verb, DocumentError> {
        Ok(match word {
            "enroll" => {
                let (device, fields) = self.on(node, &["user"])?;
                let user = fields.map(|fields| fields.read("user", Node::text)).transpose()?.flatten();
                Verb::Enroll { user: user.map_or_else(|| device.clone(), str::to_owned), device }
            }
            "ask" => {
                let fields = node.fields(&["user", "text", "within"])?;
                let (user, text) = (fields.need("user")?.text()?.to_owned(), fields.need("text")?.text()?.to_owned());
                Verb::Ask { user, text, within: fields.read("within", seconds)? }
            }
            "check" => Verb::Check { user: node.text()?.to_owned() },
            "presence" => {
                let fields = node.fields(&["device", "next", "usual"])?;
                let device = self.device(fields.need("device")?)?;
                match (fields.get("next"), fields.get("usual")) {
                    (Some(next), None) => Verb::Presence { device, outcome: next.one_of(OUTCOMES)?, is_usual: false },
                    (None, Some(usual)) => Verb::Presence { device, outcome: usual.one_of(OUTCOMES)?, is_usual: true },
                    _ => return Err(node.error("say what the holder does `next`, or what is `usual`")),
                }
            }
            "clock" => self.clock(node)?,
            "net" => {
                let fields = node.fields(&["device", "set"])?;
                Verb::Net { device: self.device(fields.need("device")?)?, net: net(fields.need("set")?)? }
            }
            "server" => server(node)?,
            "fault" => fault(node)?,
            "stub" => Verb::Stub(script::rules(node)?),
            "repeat" => {
                let fields = node.fields(&["times", "steps"])?;
                let times = fields.need("times")?.small("the number of times")?;
                Verb::Repeat { times, steps: self.steps(fields.need("steps")?)? }
            }
            "parallel" => Verb::Parallel(self.steps(node)?),
            _ => self.act(word, node)?,
        })
    }

    /// A device alone, or with more about it.
    fn on<'n>(&self, node: &'n Node, more: &[&str]) -> Result<(String, Option<Fields<'n>>), DocumentError> {
        if node.text().is_ok() {
            return Ok((self.device(node)?, None));
        }
        let known: Vec<&str> = ["device"].iter().chain(more).copied().collect();
        let fields = node.fields(&known)?;
        Ok((self.device(fields.need("device")?)?, Some(fields)))
    }

    fn act(&self, word: &str, node: &Node) -> Result<Verb, DocumentError> {
        let more: &[&str] = match word {
            "open" => &["for"],
            "deny" => &["reason"],
            "change-pin" => &["pin", "duress"],
            _ => &[],
        };
        let (device, fields) = self.on(node, more)?;
        let act = match word {
            "open" => Act::Open(fields.map(|fields| fields.read("for", Node::duration)).transpose()?.flatten()),
            "close" => Act::Close,
            "status" => Act::Status,
            "approve" => Act::Approve,
            "deny" => {
                let reason = fields.map(|fields| fields.read("reason", |node| node.one_of(REASONS))).transpose()?;
                Act::Deny(reason.flatten().unwrap_or_default())
            }
            "change-pin" => {
                let fields = fields.ok_or_else(|| node.error("say which `pin` the `device` has from now on"))?;
                let (pin, duress) = (fields.need("pin")?, fields.read("duress", Node::text)?);
                if Persona::new(pin.text()?, duress.as_slice()).is_err() {
                    return Err(pin.error("a PIN has 6 to 12 digits"));
                }
                Act::ChangePin { pin: pin.text()?.to_owned(), duress: duress.map(str::to_owned) }
            }
            "unenroll" => Act::Unenroll,
            "forget" => Act::Forget,
            "watch" => Act::Watch,
            _ => Act::Rest,
        };
        Ok(Verb::Device { device, act })
    }

    fn clock(&self, node: &Node) -> Result<Verb, DocumentError> {
        let fields = node.fields(&["advance", "device", "ahead", "behind"])?;
        match (fields.get("advance"), fields.get("device")) {
            (Some(advance), None) => Ok(Verb::Advance(advance.seconds()?)),
            (None, Some(device)) => {
                let seconds = skew(fields)?.ok_or_else(|| node.error("say how far it is `ahead` or `behind`"))?;
                Ok(Verb::Skew { device: self.device(device)?, seconds })
            }
            _ => Err(node.error("either time passes with `advance`, or the clock of one `device` is wrong")),
        }
    }
}

fn unknown_verb(word: &str) -> String {
    match word {
        "sleep" | "wait" | "pause" => format!(
            "there is no `{word}`: time passes with `clock: {{advance: ...}}`, and what happens by itself is waited for with `expect: {{within: ...}}`"
        ),
        _ => format!("there is no verb `{word}`{}", did_you_mean(word, VERBS)),
    }
}

/// A rule of `faults`, as it is everywhere.
fn fault(node: &Node) -> Result<Verb, DocumentError> {
    let known: Vec<&str> = faults::catalogue().map(|entry| entry.name).collect();
    if let Some((_, name)) = node.map()?.iter().find(|(name, _)| name.text == "fault")
        && !known.contains(&name.text()?)
    {
        let hint = nearest(name.text()?, &known).map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
        return Err(name.error(format!("the catalogue has no fault `{}`{hint}", name.text()?)));
    }
    let rule = serde_json::from_value(node.json());
    rule.map(|rule| Verb::Fault(Box::new(rule))).map_err(|error| node.error(error.to_string()))
}

/// What an administrator does.
fn server(node: &Node) -> Result<Verb, DocumentError> {
    let fields = node.fields(&["block", "unblock", "close", "unenroll", "clear-duress", "keys", "clock"])?;
    let [(name, value)] = node.map()? else { return Err(fields.place.error("a step does one thing to the server")) };
    let change = match name.text.as_str() {
        "block" => TokenChange::Block,
        "unblock" => TokenChange::Unblock,
        "close" => TokenChange::Close,
        "unenroll" => TokenChange::Unenroll,
        "clear-duress" => TokenChange::ClearDuress,
        "keys" => return value.one_of(&[("rotate", ())]).map(|()| Verb::RotateKeys),
        _ => {
            let seconds = skew(value.fields(&["ahead", "behind"])?)?;
            return seconds.map(Verb::ServerSkew).ok_or_else(|| value.error("say how far it is `ahead` or `behind`"));
        }
    };
    Ok(Verb::Token { user: value.text()?.to_owned(), change })
}
