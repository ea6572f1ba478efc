//! Runs scenarios: each variant in a session and with a stub of its own, several at once.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cardea_sdk::relying_party::RelyingParty;
use cardea_sdk::{Clock, Env};
use hyper::Uri;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::step::{Holders, UnderWay, World};
use super::{Party, Scenario, Server, SkipIf, Step, Variant, Verb};
use crate::document::Place;
use crate::engine::{Options, Outcome, Persona, Seed, Session, Settings, Time};
use crate::faults::Gate;
use crate::relying;
use crate::stub::script::Script;
use crate::stub::{self, Stub};

/// When every scenario begins: 15 January 2027, 8 o'clock, UTC.
pub const BEGINNING: u64 = 1_800_000_000;
/// How many entries of the journal are told of a scenario that failed.
const LAST: u64 = 20;

/// How to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many run at once.
    pub jobs: NonZeroUsize,
    /// How often each variant runs.
    pub repeat: u32,
    /// What chance follows from in the first run of each, in place of what the files say; one more for each repetition.
    pub seed: Option<u64>,
    /// Hosts of servers that may see faults, besides those on this machine.
    pub faults_at: Vec<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { jobs: NonZeroUsize::MIN, repeat: 1, seed: None, faults_at: Vec::new() }
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The name of the scenario.
    pub name: String,
    /// Its place in the list of scenarios.
    pub scenario: usize,
    /// Which of its variants it was.
    pub variant: Variant,
    /// What chance followed from: gives the same again.
    pub seed: u64,
    /// How many steps were done.
    pub steps: usize,
    /// How long it took, in real time.
    pub time: Duration,
    /// Why it did not run, if it did not.
    pub skipped: Option<String>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}, `{step}`: {message}")]
pub struct Failure {
    /// Where in the file.
    pub place: Place,
    /// The verb of the step.
    pub step: &'static str,
    /// What was found, and what was expected.
    pub message: String,
    /// What was in the journal last.
    pub last: Vec<String>,
}

impl Failure {
    fn at_start(message: impl Into<String>) -> Self {
        Self { place: Place { line: 1, column: 1 }, step: "start", message: message.into(), last: Vec::new() }
    }
}

/// Runs all variants of all scenarios, and tells of each in their order: `told` as soon as those before it are over, too.
pub async fn all(scenarios: &[Scenario], plan: &Plan, mut told: impl FnMut(&Run)) -> Vec<Run> {
    let gate = Gate::and_hosts(&plan.faults_at);
    let (places, mut tasks) = (Arc::new(Semaphore::new(plan.jobs.get())), JoinSet::new());
    let mut number = 0_usize;
    for (index, scenario) in scenarios.iter().enumerate() {
        if let Some(why) = scenario.skip_if.as_ref().and_then(SkipIf::reason) {
            let (at, run) = (number, skipped(scenario, index, why));
            tasks.spawn(std::future::ready((at, run)));
            number += 1;
            continue;
        }
        let scenario = Arc::new(scenario.clone());
        for variant in scenario.variants() {
            for repetition in 0..plan.repeat {
                let seed = plan.seed.or(scenario.seed).map_or_else(random, |seed| seed.wrapping_add(repetition.into()));
                let (scenario, places, gate) = (Arc::clone(&scenario), Arc::clone(&places), gate.clone());
                tasks.spawn(async move {
                    // Nobody closes it.
                    let _place = places.acquire_owned().await;
                    (number, guarded(&scenario, (index, variant), seed, gate).await)
                });
                number += 1;
            }
        }
    }
    let (mut runs, mut early) = (Vec::with_capacity(number), BTreeMap::new());
    while let Some(run) = tasks.join_next().await {
        early.extend(run);
        while let Some(run) = early.remove(&runs.len()) {
            told(&run);
            runs.push(run);
        }
    }
    runs
}

fn random() -> u64 {
    Seed::random(&*Env::os().entropy).number()
}

#[expect(clippy::disallowed_methods, reason = "how long a run takes is told to people and decides nothing")]
fn now() -> Instant {
    Instant::now()
}

/// One that does not run here.
fn skipped(scenario: &Scenario, index: usize, why: String) -> Run {
    Run {
        name: scenario.name.clone(),
        scenario: index,
        variant: Variant::default(),
        seed: scenario.seed.unwrap_or_default(),
        steps: 0,
        time: Duration::ZERO,
        skipped: Some(why),
        failure: None,
    }
}

/// One run, which has an end whatever happens.
async fn guarded(scenario: &Arc<Scenario>, (index, variant): (usize, Variant), seed: u64, gate: Gate) -> Run {
    let (begun, inner) = (now(), Arc::clone(scenario));
    // In a task of its own, so that a panic in it is its failure and nobody else's.
    let task = tokio::spawn(async move { one(&inner, variant, seed, gate).await });
    let (steps, failure) = match task.await {
        Ok(Ok(steps)) => (steps, None),
        Ok(Err(failure)) => (0, Some(failure)),
        Err(_) => (0, Some(Failure::at_start("the program has a defect: it panicked"))),
    };
    Run {
        name: scenario.name.clone(),
        scenario: index,
        variant,
        seed,
        steps,
        time: begun.elapsed(),
        skipped: None,
        failure,
    }
}

/// The time of a scenario, as the world's time for its session.
#[derive(Debug)]
struct Shared(Time);

impl Clock for Shared {
    fn now(&self) -> u64 {
        self.0.now()
    }
}

async fn one(scenario: &Scenario, variant: Variant, seed: u64, gate: Gate) -> Result<usize, Failure> {
    let start = |message: String| Failure::at_start(message);
    let world = match &scenario.server {
        Some(server) => World::at(scenario, server, variant, seed, gate).map_err(start)?,
        None => World::of_its_own(scenario, variant, seed).await.map_err(start)?,
    };
    let running = async {
        world.begin(variant).await.map_err(start)?;
        let steps = world.steps(&scenario.steps).await?;
        world.all_happened()?;
        Ok(steps)
    };
    let in_time = tokio::time::timeout(scenario.timeout, running).await;
    let result = in_time.unwrap_or_else(|_| Err(world.is_stuck(scenario.timeout)));
    let result = result.map_err(|failure| world.with_journal(failure));
    let World { session, stub, .. } = world;
    session.end();
    if let Some(stub) = stub {
        stub.stop().await;
    }
    result
}

impl Step {
    /// Whether it makes anything go wrong, or a step in it does.
    fn has_fault(&self) -> bool {
        match &self.verb {
            Verb::Fault(_) => true,
            Verb::Repeat { steps, .. } | Verb::Parallel(steps) | Verb::Include { steps, .. } => {
                steps.iter().any(Self::has_fault)
            }
            _ => false,
        }
    }
}

impl<'a> World<'a> {
    /// With a server that is there already, and has a time of its own.
    fn at(scenario: &'a Scenario, server: &Server, variant: Variant, seed: u64, faults: Gate) -> Result<Self, String> {
        let options = Options {
            allow_test_argon2: server.test_argon2,
            transport: variant.transport.unwrap_or_default(),
            ..Options::default()
        };
        let address: Uri = server.url.parse().map_err(|error| format!("{} is no address: {error}", server.url))?;
        let host = address.host().unwrap_or_default();
        if scenario.steps.iter().any(Step::has_fault) && !faults.permits(host) {
            return Err(format!("{host} is not this machine: say --faults-at {host} if its server may see faults"));
        }
        let settings = Settings { seed: Some(Seed::new(seed)), options, faults, ..Settings::default() };
        let session = Session::in_memory(settings, &Env::os()).map_err(|error| error.to_string())?;
        let party = |party: &Party| {
            let key = relying::authkey(&party.authkey_file).map_err(|error| error.to_string())?;
            RelyingParty::new(&server.url, &party.service, key).map_err(|error| error.to_string())
        };
        let relying = server.party.as_ref().map(party).transpose()?;
        Ok(Self {
            scenario,
            time: session.time().clone(),
            session,
            stub: None,
            relying,
            holders: Holders::default(),
            under_way: UnderWay::default(),
        })
    }

    /// With a stub that is only there for it, and has its time.
    async fn of_its_own(scenario: &'a Scenario, variant: Variant, seed: u64) -> Result<Self, String> {
        let mut service = scenario.service.clone();
        service.window = variant.window.unwrap_or(service.window);
        let script = Script { seed, rules: scenario.stub.clone() };
        // Of stub and session alike, and it passes when a step says so.
        let time = Time::with(Env::os().clock);
        time.freeze();
        time.set(BEGINNING);
        let settings = stub::Settings {
            time: Some(time.clone()),
            seed: Some(Seed::new(seed)),
            service,
            script,
            ..stub::Settings::default()
        };
        let stub = Stub::start(settings).await.map_err(|error| error.to_string())?;
        let options = Options {
            allow_test_argon2: true,
            transport: variant.transport.unwrap_or_default(),
            web_port: Some(stub.http().port()),
            ..Options::default()
        };
        // The server is on this machine, and nobody else's.
        let faults = Gate::loopback();
        let settings = Settings { seed: Some(Seed::new(seed)), options, faults, ..Settings::default() };
        let world = Env { clock: Arc::new(Shared(time.clone())), ..Env::os() };
        let session = Session::in_memory(settings, &world).map_err(|error| error.to_string())?;
        let relying = RelyingParty::new(&stub.url(), stub.service(), stub.status_key().to_owned());
        let relying = Some(relying.map_err(|error| error.to_string())?);
        Ok(Self {
            scenario,
            time,
            session,
            stub: Some(stub),
            relying,
            holders: Holders::default(),
            under_way: UnderWay::default(),
        })
    }
}

impl World<'_> {
    /// Makes the devices.
    async fn begin(&self, variant: Variant) -> Result<(), String> {
        for setup in &self.scenario.devices {
            let device = self.session.add(&setup.name).await.map_err(|error| error.to_string())?;
            if let Some(net) = setup.net.or(variant.net) {
                device.network().set(net).map_err(|error| error.to_string())?;
            }
            if let Some(pin) = &setup.pin {
                device.human().set_persona(Persona::new(pin, &[]).map_err(|error| error.to_string())?);
            }
            device.clock().set_skew(setup.skew);
            self.holders.told(&setup.name, setup.usual, true);
            device.human().set_usual(if setup.usual == Outcome::Ignore { Outcome::Wait } else { setup.usual });
        }
        Ok(())
    }

    /// Whether everything that was to go wrong has.
    fn all_happened(&self) -> Result<(), Failure> {
        let rules = &self.scenario.stub;
        let Some(stub) = &self.stub else { return Ok(()) };
        let hits = stub.hits();
        let is_due = |at: usize| rules.get(at).is_some_and(|rule| rule.prob >= 1.0 && rule.times != Some(0));
        let replaced = hits.len() != rules.len();
        match hits.iter().find(|hits| !replaced && hits.hits == 0 && is_due(hits.rule - 1)) {
            Some(hits) => Err(Failure::at_start(format!("rule {} of the stub has never happened", hits.rule))),
            None => Ok(()),
        }
    }

    /// Why a scenario has not come to its end in the time that it has.
    fn is_stuck(&self, limit: Duration) -> Failure {
        let mut message = format!("it is stuck: not done after {} s", limit.as_secs_f32());
        let steps = self.under_way.longest();
        for (place, step) in steps.iter().skip(1) {
            message = format!("{message}; in the included file: {place}, `{step}`");
        }
        match steps.first() {
            Some((place, step)) => Failure { place: *place, step, ..Failure::at_start(message) },
            None => Failure::at_start(message),
        }
    }

    fn with_journal(&self, mut failure: Failure) -> Failure {
        let journal = self.session.journal();
        let entries = journal.since(journal.newest().saturating_sub(LAST)).entries;
        failure.last = entries.iter().map(ToString::to_string).collect();
        failure
    }
}
