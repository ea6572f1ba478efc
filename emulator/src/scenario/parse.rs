//! Scenarios as people write them.

mod expect;
pub(super) mod include;
pub(super) mod server;
mod step;

use std::collections::BTreeSet;
use std::time::Duration;

use super::words::{OUTCOMES, TRANSPORTS};
use super::{Hidden, Matrix, Scenario, Setup, SkipIf, Step, Vars, Verb};
use crate::document::{self, DocumentError, Fields, Node};
use crate::engine::{Named, Outcome, Persona};
use crate::stub::ServiceSettings;
use crate::stub::script;
use include::Files;
use step::Known;

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
    "server",
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
pub(super) const DEVICE: &[&str] = &["pin", "net", "skew", "usual"];
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
    "snap",
    "clone",
    "reset",
    "repeat",
    "parallel",
    "include",
];
/// What can be expected.
pub(super) const EXPECT: &[&str] =
    &["error", "answer", "tries-left", "remaining", "server", "device", "journal", "hits", "within"];

pub(super) fn scenario(text: &str, vars: &Vars, files: &Files) -> Result<Scenario, DocumentError> {
    let mut document = document::read(text)?;
    if let Some((name, _)) = document.map()?.iter().find(|(name, _)| name.text == "cardea-steps") {
        let what = "these are steps for scenarios that include them: keep the file in a folder below those";
        return Err(name.place.error(what));
    }
    let given = document.fields(SCENARIO)?;
    let skip_if = given.read("skip-if", skip_if)?;
    let name = given.need("name")?.text()?.to_owned();
    if let Err(missing) = super::vars::fill(&mut document, vars) {
        // What the environment does not say is not needed where nothing runs.
        let skipped = skip_if.filter(|it| it.reason().is_some()).map(|it| Scenario::skipped(name, it));
        return skipped.ok_or(missing);
    }
    let fields = document.fields(SCENARIO)?;
    let version = fields.need("cardea-scenario")?;
    if version.number()? != VERSION {
        return Err(version.error(format!("this program reads version {VERSION} of scenarios")));
    }
    let devices = devices(fields.need("devices")?)?;
    let stub = fields.read("stub", script::rules)?.unwrap_or_default();
    let known = Known::new(devices.iter().map(|device| device.name.as_str()), files);
    let steps = fields.need("steps")?;
    let server = fields.read("server", server::server)?;
    let scenario = Scenario {
        name: fields.need("name")?.text()?.to_owned(),
        about: fields.read("about", Node::text)?.map(|text| text.trim().to_owned()),
        tags: fields.read("tags", texts)?.unwrap_or_default(),
        skip_if,
        seed: fields.read("seed", Node::number)?,
        timeout: fields.read("timeout", Node::duration)?.unwrap_or(TIMEOUT),
        service: fields.read("service", service)?.unwrap_or_default(),
        matrix: fields.read("matrix", matrix)?.unwrap_or_default(),
        steps: known.steps(steps)?,
        server,
        stub,
        devices,
    };
    server::fits(&scenario, fields)?;
    if count(&scenario.steps) > STEPS_MAX {
        return Err(steps.error(format!("there are more than {STEPS_MAX} steps")));
    }
    Ok(scenario)
}

impl Scenario {
    /// One that does not run here, so that nothing of it is read.
    fn skipped(name: String, skip_if: SkipIf) -> Self {
        Self {
            name,
            about: None,
            tags: Vec::new(),
            skip_if: Some(skip_if),
            seed: None,
            timeout: TIMEOUT,
            server: None,
            service: ServiceSettings::default(),
            stub: Vec::new(),
            devices: Vec::new(),
            matrix: Matrix::default(),
            steps: Vec::new(),
        }
    }
}

fn count(steps: &[Step]) -> u64 {
    let each = |step: &Step| match &step.verb {
        Verb::Repeat { times, steps } => u64::from(*times).saturating_mul(count(steps)),
        Verb::Parallel(steps) | Verb::Include { steps, .. } => count(steps),
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

/// A PIN that can be one.
fn pin(node: &Node) -> Result<Hidden, DocumentError> {
    let text = node.text()?;
    let pin = Persona::new(text, &[]).map(|_| Hidden::new(text));
    pin.map_err(|_| node.error("a PIN has 6 to 12 digits"))
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
    let plain = |place, name: &str| Setup {
        name: name.to_owned(),
        pin: None,
        net: None,
        skew: 0,
        usual: Outcome::Approve,
        place,
    };
    let devices: Vec<Setup> = match &node.value {
        document::Value::Map(devices) => devices
            .iter()
            .map(|(name, node)| {
                let fields = node.fields(DEVICE)?;
                let clock = |node: &Node| skew(node.fields(&["ahead", "behind"])?);
                Ok(Setup {
                    pin: fields.read("pin", pin)?,
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
