//! One seed, one schedule: a list of steps drawn beforehand, then carried out. A step that makes no sense where it comes
//! does nothing, so that any part of a schedule is a schedule: that is how a failing one is made small.

use cardea_protocol::crypto::{Dalek, Provider};

use super::config::{Config, Kind, Mutation, Want};
use super::device::{Asked, Cut};
use super::ghost::{Seen, Violation};
use super::network::index;
use super::node::Stop;
use super::provider::Toy;
use super::random::Stream;
use super::world::World;

/// One step: its kind, and what decides the rest of it.
#[derive(Debug, Clone, Copy)]
struct Step {
    kind: Kind,
    draws: [u32; 4],
}

/// What every schedule has.
const EVERYDAY: &[(Kind, u32)] = &[
    (Kind::Ask, 12),
    (Kind::Recover, 2),
    (Kind::Resend, 1),
    (Kind::GiveUp, 2),
    (Kind::Deliver, 18),
    (Kind::Replay, 1),
    (Kind::Reply, 18),
    (Kind::Misdirect, 1),
    (Kind::FlipRequest, 1),
    (Kind::FlipReply, 1),
    (Kind::Check, 2),
];

/// What came of a schedule.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The first rule that did not hold, if any.
    pub violation: Option<Violation>,
    /// What happened, in words, if it was asked for.
    pub trace: String,
    /// A digest of every byte that was sent, and of the end.
    pub digest: [u8; 32],
    /// What was seen.
    pub seen: Seen,
}

/// A schedule that broke a rule, made as short as it gets.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The configuration.
    pub config: &'static str,
    /// The seed.
    pub seed: u64,
    /// The rule.
    pub violation: Violation,
    /// What happens in the shortest schedule that breaks the same rule.
    pub trace: String,
}

fn draw(config: &Config, seed: u64) -> Vec<Step> {
    let mut random = Stream::new(seed, 1);
    let (fewest, most) = config.steps;
    let steps = fewest + random.draw() % (most - fewest + 1);
    let total: u32 = EVERYDAY.iter().chain(config.weights).map(|(_, weight)| weight).sum();
    let one = |random: &mut Stream| {
        let mut at = random.draw() % total;
        let mut kinds = EVERYDAY.iter().chain(config.weights);
        let kind = kinds.find(|(_, weight)| {
            let found = at < *weight;
            at = at.wrapping_sub(*weight);
            found
        });
        let draws = [random.draw(), random.draw(), random.draw(), random.draw()];
        Step { kind: kind.map_or(Kind::Ask, |(kind, _)| *kind), draws }
    };
    (0..steps).map(|_| one(&mut random)).collect()
}

/// Whether the schedules of `seed` run on real primitives: about one in a hundred.
#[must_use]
pub fn is_real(seed: u64) -> bool {
    Stream::new(seed, 9).next().is_multiple_of(100)
}

/// Runs the schedule of `seed`.
#[must_use]
pub fn run(config: &'static Config, broken: Option<Mutation>, seed: u64, traced: bool) -> Outcome {
    carry_out(config, broken, seed, &draw(config, seed), traced)
}

/// Runs the schedule of `seed`.
///
/// # Errors
/// It breaks a rule; the failure has the shortest part of it that breaks the same rule.
pub fn examine(config: &'static Config, broken: Option<Mutation>, seed: u64) -> Result<Outcome, Box<Failure>> {
    let mut steps = draw(config, seed);
    let outcome = carry_out(config, broken, seed, &steps, false);
    let Some(mut violation) = outcome.violation.clone() else { return Ok(outcome) };
    let mut size = steps.len();
    while size > 0 {
        let mut from = 0;
        while from < steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(from..steps.len().min(from + size));
            match carry_out(config, broken, seed, &fewer, false).violation {
                Some(same) if same.rule == violation.rule => {
                    (steps, violation) = (fewer, same);
                }
                _ => from += size,
            }
        }
        size /= 2;
    }
    let trace = carry_out(config, broken, seed, &steps, true).trace;
    Err(Box::new(Failure { config: config.name, seed, violation, trace }))
}

fn carry_out(config: &'static Config, broken: Option<Mutation>, seed: u64, steps: &[Step], traced: bool) -> Outcome {
    if is_real(seed) {
        World::<Dalek>::new(config, broken, seed, traced).run(steps)
    } else {
        World::<Toy>::new(config, broken, seed, traced).run(steps)
    }
}

impl<P: Provider> World<P> {
    fn run(mut self, steps: &[Step]) -> Outcome {
        for step in steps {
            self.step(step);
            if self.ghost.violation.is_some() {
                break;
            }
        }
        if self.ghost.violation.is_none() {
            self.settle();
        }
        let bytes = self.network.requests.iter().map(|request| &request.bytes[..]);
        let parts: Vec<&[u8]> = bytes.chain(self.network.replies.iter().map(|reply| &reply.bytes[..])).collect();
        let digest = Toy::sha256(&parts);
        let trace = self.trace.take().unwrap_or_default();
        Outcome { violation: self.ghost.violation, trace, digest, seen: self.ghost.seen }
    }

    /// An original or, failing that, nobody.
    fn holder(&self, pick: u32) -> Option<usize> {
        let holders: Vec<usize> = (0..self.devices.len()).filter(|index| !self.devices[*index].is_thief).collect();
        // The first device is the one that schedules are about.
        if pick.is_multiple_of(2) {
            holders.first().copied()
        } else {
            index(pick / 2, holders.len()).map(|at| holders[at])
        }
    }

    fn thief(&self, pick: u32) -> Option<usize> {
        let thieves: Vec<usize> = (0..self.devices.len()).filter(|index| self.devices[*index].is_thief).collect();
        index(pick, thieves.len()).map(|at| thieves[at])
    }

    fn want(&self, pick: u32) -> Want {
        let total: u32 = self.config.wants.iter().map(|(_, weight)| weight).sum();
        let mut at = pick % total;
        for (want, weight) in self.config.wants {
            if at < *weight {
                return *want;
            }
            at -= weight;
        }
        Want::Status
    }

    fn crashes(&self, pick: u32) -> Cut {
        let crashes = self.config.weights.iter().any(|(kind, _)| *kind == Kind::Crash);
        match pick % 12 {
            0 if crashes => Cut::BeforeStore,
            1 if crashes => Cut::AfterStore,
            _ => Cut::None,
        }
    }

    fn stops(&self, pick: u32) -> Stop {
        let kills = self.config.weights.iter().any(|(kind, _)| *kind == Kind::Kill);
        match pick % 32 {
            0..=11 if self.config.split => Stop::Read,
            12 if kills => Stop::DiesCounted,
            13 if kills => Stop::DiesDecided,
            14 if kills => Stop::DiesCommitted,
            _ => Stop::Never,
        }
    }

    fn step(&mut self, step: &Step) {
        let [a, b, c, d] = step.draws;
        let node = usize::from(a.is_multiple_of(3));
        let anybody = index(a, self.devices.len());
        match step.kind {
            Kind::Ask => {
                if let Some(device) = self.holder(a) {
                    let asked = Asked { want: self.want(b), warm: c.is_multiple_of(2), cut: self.crashes(d) };
                    self.ask(device, asked);
                }
            }
            Kind::Recover => {
                if let Some(device) = self.holder(a).filter(|device| self.devices[*device].is_idle()) {
                    self.recover(device, self.crashes(d));
                }
            }
            Kind::Resend => {
                if let Some(device) = anybody {
                    self.resend(device);
                }
            }
            Kind::GiveUp | Kind::Crash => {
                if let Some(device) = self.holder(a) {
                    self.say(|| format!("device {device} forgets what it was doing"));
                    self.devices[device].crash();
                }
            }
            Kind::Break => {
                if let Some(device) = self.holder(a) {
                    self.break_connection(device, self.crashes(d));
                }
            }
            Kind::Deliver => {
                if let Some(request) = self.network.recent(b) {
                    self.deliver(node, request, self.stops(c));
                }
            }
            Kind::Replay => {
                if let Some(request) = self.network.any(b) {
                    self.deliver(node, request, self.stops(c));
                }
            }
            Kind::Finish => self.finish(node, b.is_multiple_of(16) && self.stops(12) == Stop::DiesCounted),
            Kind::Kill => self.kill(node),
            Kind::Reply => {
                // Of somebody who waits, the newest answer to what it sent last.
                let Some(device) = anybody else { return };
                let Some(sent) = self.devices[device].sent else { return };
                let answer = self.network.replies.iter().rposition(|reply| reply.to == sent);
                if let Some(answer) = answer {
                    self.receive(device, answer, self.crashes(d));
                }
            }
            Kind::Misdirect => {
                if let (Some(device), Some(reply)) = (anybody, index(b, self.network.replies.len())) {
                    self.receive(device, reply, Cut::None);
                }
            }
            Kind::Forge => {
                if let Some(device) = self.holder(a) {
                    self.forge(device, b);
                }
            }
            Kind::FlipRequest => {
                if let Some(request) = self.network.any(b) {
                    self.flip_request(request, c);
                }
            }
            Kind::FlipReply => {
                if let (Some(device), Some(reply)) = (anybody, index(b, self.network.replies.len())) {
                    self.flip_reply(device, reply, c);
                }
            }
            Kind::Tick => self.tick(u64::from(b % (self.config.tick + 1))),
            Kind::Check => {
                self.check();
            }
            Kind::Administer => self.administer(b),
            Kind::NewKey => self.new_key(),
            Kind::EraseKey => self.erase_key(),
            Kind::Backup => self.take_backup(),
            Kind::Restore => self.restore(),
            Kind::Copy => self.copy(),
            Kind::Thief => {
                if let Some(thief) = self.thief(a) {
                    self.steal(thief, [b, c, d]);
                }
            }
            Kind::Enroll => {
                self.enroll();
            }
            Kind::AskConfirmation => self.ask_question(b),
            Kind::CancelConfirmation => self.cancel_question(b),
            Kind::PollConfirmation => self.poll_question(b),
            Kind::FetchConfirmations => {
                if let Some(device) = self.holder(a) {
                    self.fetch_questions(device);
                }
            }
            Kind::RevokeDevice => self.revoke_device(b),
        }
    }
}
