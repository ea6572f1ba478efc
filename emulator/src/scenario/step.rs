//! What a step does.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cardea_sdk::relying_party::RelyingParty;
use cardea_sdk::{Approval, Status, WalletError};
use futures_util::future::join_all;

use super::run::Failure;
use super::{Act, Hidden, Offered, Scenario, Step, Verb};
use crate::document::Place;
use crate::engine::{Device, EngineError, Journal, Kind, Outcome, Persona, Session, Time};
use crate::stub::script::Script;
use crate::stub::{Stub, StubError};

/// How long, in the session's time, a holder is waited for who does not look.
const PATIENCE: u64 = 60;

/// How many seconds a text waits unless something else is said.
const TEXT_LASTS: u32 = 120;

/// What a scenario happens in.
#[derive(Debug)]
pub(super) struct World<'a> {
    pub(super) scenario: &'a Scenario,
    /// Of everything in it.
    pub(super) time: Time,
    pub(super) session: Session,
    /// None where the server has an address.
    pub(super) stub: Option<Stub>,
    /// None where nobody asks.
    pub(super) relying: Option<RelyingParty>,
    pub(super) holders: Holders,
    pub(super) under_way: UnderWay,
}

/// The steps that are being done, the one that was begun first before the others.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<Vec<(Place, &'static str)>>);

impl UnderWay {
    fn begin(&self, step: &Step) {
        self.steps().push((step.place, step.word));
    }

    fn end(&self, step: &Step) {
        let mut steps = self.steps();
        if let Some(at) = steps.iter().position(|(place, _)| *place == step.place) {
            steps.remove(at);
        }
    }

    /// The one that was begun first; with those of the files that it includes, the innermost last.
    pub(super) fn longest(&self) -> Vec<(Place, &'static str)> {
        let steps = self.steps();
        let files = steps.iter().take_while(|(_, word)| *word == "include").count();
        steps.iter().take(files + 1).copied().collect()
    }

    fn steps(&self) -> MutexGuard<'_, Vec<(Place, &'static str)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came of a step.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What went wrong, with its number.
    pub(super) error: Option<(u32, String)>,
    /// What the device was told.
    pub(super) status: Option<Status>,
    /// What the relying party was told.
    pub(super) answer: Option<u8>,
}

impl Done {
    fn of<T>(result: Result<T, EngineError>, status: impl FnOnce(T) -> Option<Status>) -> Self {
        match result {
            Ok(value) => Self { status: status(value), ..Self::default() },
            Err(error) => Self { error: Some((error.code(), error.to_string())), ..Self::default() },
        }
    }
}

/// What cannot be done at all.
type Undone = String;

impl World<'_> {
    /// Does the steps, one after the other.
    pub(super) fn steps<'a>(
        &'a self,
        steps: &'a [Step],
    ) -> Pin<Box<dyn Future<Output = Result<usize, Failure>> + Send + 'a>> {
        Box::pin(async move {
            let mut done = 0;
            for step in steps {
                done += self.step(step).await?;
            }
            Ok(done)
        })
    }

    async fn step(&self, step: &Step) -> Result<usize, Failure> {
        let failed = |message: String| Failure { place: step.place, step: step.word, message, last: Vec::new() };
        match &step.verb {
            Verb::Repeat { times, steps } => {
                let mut done = 0;
                for _ in 0..*times {
                    done += self.steps(steps).await?;
                }
                self.expect(step, &Done::default()).await?;
                return Ok(done);
            }
            Verb::Parallel(steps) => {
                let all = join_all(steps.iter().map(|step| self.steps(std::slice::from_ref(step)))).await;
                let done = all.into_iter().sum::<Result<usize, Failure>>()?;
                self.expect(step, &Done::default()).await?;
                return Ok(done);
            }
            Verb::Include { file, steps } => {
                let inside =
                    |failure: Failure| Failure { message: format!("in {file}, {failure}"), ..failed(String::new()) };
                self.under_way.begin(step);
                let done = self.steps(steps).await.map_err(inside)?;
                self.expect(step, &Done::default()).await?;
                self.under_way.end(step);
                return Ok(done);
            }
            _ => {}
        }
        self.under_way.begin(step);
        let done = self.verb(&step.verb).await.map_err(failed)?;
        self.expect(step, &done).await?;
        self.under_way.end(step);
        Ok(1)
    }

    async fn verb(&self, verb: &Verb) -> Result<Done, Undone> {
        let refused = |error: StubError| format!("the server refuses: {error}");
        match verb {
            Verb::Enroll { device, user, offered } => {
                let (with, host) = match offered {
                    Some(Offered { with, host }) => (with.clone(), host.as_deref()),
                    None => (Hidden::new(self.stub()?.enroll(user).await.map_err(refused)?.link), None),
                };
                let device = self.device(device)?;
                let enrolled = async { device.enroll(&device.invitation(&with, host).await?).await };
                return Ok(Done::of(enrolled.await, |_| None));
            }
            Verb::Device { device, act } => {
                let device = self.device(device)?;
                return Ok(tokio::select! {
                    biased;
                    done = perform(&device, act) => done,
                    never = self.ignore(&device) => never,
                });
            }
            Verb::Check { user } => {
                return Ok(match self.relying()?.status(user).await {
                    Ok(status) => Done { answer: Some(status.number()), ..Done::default() },
                    Err(error) => Done { error: Some((error.code(), error.to_string())), ..Done::default() },
                });
            }
            Verb::Ask { user, text, within } => match &self.stub {
                Some(stub) => drop(stub.ask(user, text, *within).await.map_err(refused)?),
                None => {
                    let within = Duration::from_secs(within.unwrap_or(TEXT_LASTS).into());
                    let asked = self.relying()?.confirm(user, text, within).await;
                    drop(asked.map_err(|error| format!("the server refuses: {error}"))?);
                }
            },
            Verb::Presence { device, outcome, is_usual } => {
                let device = self.device(device)?;
                self.holders.told(device.name(), *outcome, *is_usual);
                let outcome = if *outcome == Outcome::Ignore { Outcome::Wait } else { *outcome };
                if *is_usual {
                    device.human().set_usual(outcome);
                } else if !device.human().next(outcome) {
                    return Err("the holder has too much to do already".to_owned());
                }
            }
            Verb::Advance(seconds) => self.time.advance(*seconds),
            Verb::Skew { device, seconds } => self.device(device)?.clock().set_skew(*seconds),
            Verb::Net { device, net } => {
                self.device(device)?.network().set(*net).map_err(|error| error.to_string())?;
            }
            Verb::Token { user, change } => self.stub()?.change(user, *change).await.map_err(refused)?,
            Verb::RotateKeys => self.stub()?.rotate_keys().await.map_err(refused)?,
            Verb::ServerSkew(seconds) => self.stub()?.set_skew(*seconds),
            Verb::Stub(rules) => {
                let seed = self.session.seed().map_or(0, |seed| seed.number());
                self.stub()?.replace_script(Script { seed, rules: rules.clone() });
            }
            Verb::Fault(rule) => drop(self.session.faults().arm((**rule).clone()).map_err(|error| error.to_string())?),
            Verb::Snap { name, is_loaded: false } => {
                self.session.save(name, true).await.map_err(|error| error.to_string())?;
            }
            Verb::Snap { name, is_loaded: true } => self.session.load(name).await.map_err(|error| error.to_string())?,
            Verb::Clone { device, new } => {
                self.session.copy(device, new).await.map_err(|error| error.to_string())?;
                self.holders.copied(device, new);
            }
            Verb::Reset { device } => {
                self.session.reset(device).await.map_err(|error| error.to_string())?;
                self.holders.told(device, Outcome::Approve, true);
            }
            Verb::Nothing | Verb::Repeat { .. } | Verb::Parallel(_) | Verb::Include { .. } => {}
        }
        Ok(Done::default())
    }

    fn stub(&self) -> Result<&Stub, Undone> {
        self.stub.as_ref().ok_or_else(|| "a server with an address cannot be told to: use a stub".to_owned())
    }

    fn relying(&self) -> Result<&RelyingParty, Undone> {
        self.relying.as_ref().ok_or_else(|| "nobody may ask: `server` needs `service` and `authkey-file`".to_owned())
    }

    fn device(&self, name: &str) -> Result<Device, Undone> {
        self.session.device(name).map_err(|error| error.to_string())
    }

    /// Lets questions pass that nobody looks at: a minute is over then.
    async fn ignore(&self, device: &Device) -> Done {
        let journal = self.session.journal();
        loop {
            let seen = journal.newest();
            for prompt in self.holders.ignored(device.name(), journal) {
                self.time.advance(PATIENCE);
                // Whoever asked may have gone just now.
                let _ = device.human().answer(prompt, Outcome::Ignore);
            }
            journal.after(seen).await;
        }
    }
}

/// What holders were told to do, as far as it is to look away: so that nobody waits until they have done it.
#[derive(Debug, Default)]
pub(super) struct Holders(Mutex<BTreeMap<String, Holder>>);

#[derive(Debug, Default)]
struct Holder {
    /// Whether to look away, where nothing else is said.
    usually: bool,
    /// The same for the next questions.
    next: VecDeque<bool>,
    /// The number of the newest entry of the journal that was looked at.
    seen: u64,
}

impl Holders {
    /// What a holder does from now on, or next.
    pub(super) fn told(&self, device: &str, outcome: Outcome, is_usual: bool) {
        let looks_away = outcome == Outcome::Ignore;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holder = all.entry(device.to_owned()).or_default();
        if is_usual {
            holder.usually = looks_away;
        } else {
            holder.next.push_back(looks_away);
        }
    }

    /// The holder of a new device does what that of the first one does out of habit.
    fn copied(&self, device: &str, new: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let usually = all.get(device).is_some_and(|holder| holder.usually);
        all.entry(new.to_owned()).or_default().usually = usually;
    }

    /// The new questions that nobody looks at.
    fn ignored(&self, device: &str, journal: &Journal) -> Vec<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let holder = all.entry(device.to_owned()).or_default();
        let mut ignored = Vec::new();
        for entry in journal.since(holder.seen).entries {
            holder.seen = entry.number;
            // Each question takes the next of what was said, in their order.
            if let Kind::Asked { prompt, .. } = entry.kind
                && *entry.device == *device
                && holder.next.pop_front().unwrap_or(holder.usually)
            {
                ignored.push(prompt);
            }
        }
        ignored
    }
}

async fn perform(device: &Device, act: &Act) -> Done {
    let told = |(_, status)| Some(status);
    match act {
        Act::Open(limit) => Done::of(device.open(None, *limit).await, Some),
        Act::Close => Done::of(device.close(None).await, Some),
        Act::Status => Done::of(device.status(None).await, Some),
        Act::Approve => Done::of(device.approve(None, None, Approval::Ask).await, told),
        Act::Deny(reason) => Done::of(device.deny(None, None, *reason).await, told),
        Act::ChangePin { pin, duress } => {
            match Persona::new(pin, &duress.iter().map(|pin| &**pin).collect::<Vec<_>>()) {
                Ok(persona) => Done::of(device.change_pins(None, persona, Approval::Ask).await, Some),
                Err(error) => Done::of(Err::<(), _>(WalletError::from(error).into()), |()| None),
            }
        }
        Act::Unenroll => Done::of(device.unenroll(None, Approval::Ask).await, |()| None),
        Act::Forget => Done::of(device.forget(None).await, |()| None),
        Act::Watch => Done::of(device.watch().await, |()| None),
        Act::Rest => {
            device.rest();
            Done::default()
        }
    }
}
