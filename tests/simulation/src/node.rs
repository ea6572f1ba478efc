//! A server node: reads, decides, commits, replies, and may die between any two of these.

mod commit;
mod decide;
mod resync;
mod warm;

use cardea_protocol::Code;
use cardea_protocol::crypto::{Provider, Random as _};
use cardea_protocol::ratchet::{self, AttemptKind, Row};
use cardea_protocol::responder::{
    self, AwaitConfirm, AwaitKeys, Operation, Recovery, Refusal, Session, Verdict, WarmOperation,
};
use cardea_protocol::wire::{ColdRequest, FirstFrame, Op, PlainFrame};

use super::config::Mutation;
use super::network::Reply;
use super::world::World;
use decide::{Asked, Decided, Decision};

/// A server's end of a connection.
pub(crate) enum Link<P: Provider> {
    /// After an operation.
    Session { session: Box<Session<P>>, entry: usize, node: usize },
    /// After R2.
    Confirm { awaiting: Box<AwaitConfirm<P>>, entry: usize, node: usize },
    /// After E2.
    Keys { awaiting: Box<AwaitKeys<P>>, device: usize, node: usize },
    /// Gone.
    Closed,
}

impl<P: Provider> Link<P> {
    fn node(&self) -> Option<usize> {
        match self {
            Self::Session { node, .. } | Self::Confirm { node, .. } | Self::Keys { node, .. } => Some(*node),
            Self::Closed => None,
        }
    }
}

/// Something read and decided, to be committed.
pub(crate) struct Job<P: Provider> {
    request: usize,
    entry: usize,
    version: u64,
    row: Row,
    step: Step<P>,
}

enum Step<P: Provider> {
    Operation { operation: Box<Operation<P>>, decided: Decided },
    Recover(Box<Recovery<P>>),
    Clone,
    Warm { operation: Box<WarmOperation>, link: usize, decided: Decided },
    Confirm { next: Box<Row>, link: usize },
}

/// Where a node stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Not at all: it replies.
    Never,
    /// It has read and decided, and goes on later.
    Read,
    /// It dies once the attempt is counted.
    DiesCounted,
    /// It dies before the commit.
    DiesDecided,
    /// It dies after the commit.
    DiesCommitted,
}

impl<P: Provider> World<P> {
    /// Frame `request` reaches `node`.
    pub(crate) fn deliver(&mut self, node: usize, request: usize, stop: Stop) {
        self.say(|| format!("node {node} gets frame {request} and stops: {stop:?}"));
        let job = self.begin(node, request, stop);
        if let Some(job) = job {
            self.go_on(node, job, stop);
        }
        if matches!(stop, Stop::DiesCounted | Stop::DiesDecided | Stop::DiesCommitted) {
            self.kill(node);
        }
    }

    fn go_on(&mut self, node: usize, job: Job<P>, stop: Stop) {
        if stop == Stop::DiesDecided {
            return;
        }
        if stop == Stop::Read && self.jobs[node].is_none() {
            self.jobs[node] = Some(job);
            return;
        }
        let dies = stop == Stop::DiesCommitted;
        let request = job.request;
        // Line 15: whoever loses the race starts again at line 1. Nobody can lose twice in one step.
        if self.commit(node, job, dies).is_err() {
            self.ghost.seen.lost += 1;
            let Some(job) = self.begin(node, request, Stop::Never) else { return };
            let lost = self.commit(node, job, dies).is_err();
            self.ghost.require(!lost, "a lone transaction commits", || format!("frame {request}"));
        }
    }

    /// The node goes on with what it has in hand.
    pub(crate) fn finish(&mut self, node: usize, dies: bool) {
        let Some(job) = self.jobs[node].take() else { return };
        self.say(|| format!("node {node} goes on with frame {}", job.request));
        self.go_on(node, job, if dies { Stop::DiesCommitted } else { Stop::Never });
        if dies {
            self.kill(node);
        }
    }

    /// The node dies and starts again: what it had in hand and its connections are gone.
    pub(crate) fn kill(&mut self, node: usize) {
        self.say(|| format!("node {node} dies"));
        self.jobs[node] = None;
        for link in &mut self.links {
            if link.node() == Some(node) {
                *link = Link::Closed;
            }
        }
    }

    fn begin(&mut self, node: usize, request: usize, stop: Stop) -> Option<Job<P>> {
        let frame = &self.network.requests[request];
        if self.devices[frame.from].is_thief {
            self.ghost.thief_active = true;
        }
        let bytes = frame.bytes.clone();
        if let Some(link) = frame.link {
            return match self.links.get(link)? {
                Link::Session { .. } => self.begin_warm(request, link, &bytes, stop),
                Link::Confirm { .. } => self.begin_confirm(request, link, &bytes),
                Link::Keys { .. } => {
                    self.take_keys(request, link, &bytes, stop);
                    None
                }
                Link::Closed => None,
            };
        }
        match FirstFrame::parse(&bytes).ok()? {
            FirstFrame::Cold(cold) => self.begin_cold(node, request, &cold, stop),
            FirstFrame::Resync(frame) => {
                self.answer_resync(node, request, &frame);
                None
            }
            FirstFrame::Enroll(frame) => {
                self.answer_enroll(node, request, &frame);
                None
            }
        }
    }

    fn begin_cold(&mut self, _node: usize, request: usize, cold: &ColdRequest<'_>, stop: Stop) -> Option<Job<P>> {
        // Line 1.
        let Some(key) = self.key_of(cold.epoch()) else {
            self.plain(request, Code::StaleKey);
            return None;
        };
        // Line 2.
        let Some(entry) = self.database.find(cold.hint()) else {
            self.plain(request, Code::UnknownHint);
            return None;
        };
        let row = self.row_for(entry, request, cold);
        let version = self.database.devices[entry].version;
        let verdict = match responder::receive::<P>(&row, cold, &self.keys[key].pair) {
            Ok(verdict) => verdict,
            Err(responder::Dropped::UnknownHint) => {
                self.plain(request, Code::UnknownHint);
                return None;
            }
            Err(dropped) => {
                self.say(|| format!("frame {request} is dropped: {dropped:?}"));
                return None;
            }
        };
        let step = match verdict {
            Verdict::Repeat(reply) => {
                self.ghost.seen.repeated += 1;
                self.say(|| format!("frame {request} is answered again"));
                self.answer(request, reply.bytes(), None);
                return None;
            }
            Verdict::Refuse(refusal) => {
                self.refuse(entry, request, refusal);
                return None;
            }
            Verdict::Operation(operation) => {
                let cell = *operation.request();
                let named = self.named(cell.op, cell.win);
                let pair = &self.keys[key].pair;
                let statement = self.covering(named, &cell.signature, entry, |extension| {
                    operation.statement_with(&row, cold, pair, extension)
                });
                let asked = Asked { op: cell.op, time: cell.time, named, signature: &cell.signature };
                match self.decide(entry, &asked, &statement, stop) {
                    Decision::Go(mut decided) => {
                        if self.is_broken(Mutation::TwoTransactions) {
                            let intent = self.network.requests[request].intent;
                            decided.done = self.apply(entry, (cell.op, cell.win), None, &decided, intent).ok();
                        }
                        Step::Operation { operation: Box::new(operation), decided }
                    }
                    Decision::Refuse => {
                        self.refuse(entry, request, operation.refuse());
                        return None;
                    }
                    Decision::Drop => return None,
                }
            }
            Verdict::CloneProved => Step::Clone,
            Verdict::Recover(recovery) if self.is_blocked(entry) => {
                self.refuse(entry, request, recovery.refuse());
                return None;
            }
            Verdict::Recover(recovery) => Step::Recover(Box::new(recovery)),
        };
        Some(Job { request, entry, version, row, step })
    }

    /// The row as the rules see it: as it is, unless a rule is broken.
    fn row_for(&self, entry: usize, request: usize, cold: &ColdRequest<'_>) -> Row {
        let mut row = self.database.devices[entry].row.duplicate();
        let Some(broken) = self.broken else { return row };
        let garbage = [0xee; 32];
        let is = |key: &Option<cardea_protocol::Secret<32>>| {
            key.as_ref().is_some_and(|key| ratchet::hint::<P>(key) == cold.hint())
        };
        let declared = self.network.requests[request].declared;
        let accepted = row.accepted.as_mut();
        match broken {
            Mutation::ForgetAccepted => {
                if let Some(accepted) = accepted {
                    accepted.hash = garbage;
                }
            }
            Mutation::ForgetDead => row.dead = None,
            Mutation::TrustAlternate if is(&row.alternate) => {
                if let Some(alternate) = row.alternate.take() {
                    row.current = alternate;
                }
            }
            Mutation::NoRemade => {
                if let Some(accepted) = accepted.filter(|accepted| accepted.kind == AttemptKind::Recovery) {
                    accepted.ephemeral = garbage;
                }
            }
            Mutation::NoFork => {
                if let Some(accepted) = accepted.filter(|accepted| accepted.kind == AttemptKind::Operation) {
                    accepted.ephemeral = garbage;
                }
            }
            Mutation::AnyFork => {
                if let (Some(accepted), Some(declared)) = (accepted, declared) {
                    accepted.kind = AttemptKind::Operation;
                    accepted.ephemeral = declared;
                }
            }
            Mutation::SecondOperation if is(&row.previous) && declared.is_none() => {
                let same = row.accepted.is_some_and(|accepted| accepted.hash == cold.hash::<P>());
                if let (Some(previous), false) = (row.previous.take(), same) {
                    row.current = previous;
                    row.generation = row.generation.wrapping_sub(1);
                }
            }
            Mutation::ForgetOutcome => row.last = None,
            Mutation::ForgetSuspension => row.suspended = false,
            Mutation::ForgetRevocation => row.revoked = false,
            Mutation::NoMarkerGate => row.marker = 0,
            _ => {}
        }
        row
    }

    pub(crate) fn key_of(&self, epoch: u8) -> Option<usize> {
        self.keys.iter().position(|key| key.record.epoch == epoch)
    }

    fn is_blocked(&self, entry: usize) -> bool {
        let throttled = self.database.devices[entry].throttle.is_blocked(self.seconds(), self.rules.limits);
        throttled || self.database.token.openness().is_blocked()
    }

    /// Line 7: an answer that neither stores nor ratchets.
    fn refuse(&mut self, entry: usize, request: usize, refusal: Refusal<P>) {
        self.say(|| format!("frame {request} is refused: {:?}", refusal.code()));
        let reply = self.reply(entry, Op::Ping, Code::Blocked);
        if let Some(frame) = refusal.answer(&reply, &mut self.random) {
            self.answer(request, frame.bytes(), None);
        }
    }

    fn answer(&mut self, request: usize, bytes: &[u8], link: Option<usize>) {
        self.network.replies.push(Reply { bytes: bytes.to_vec(), to: request, link, key: None });
    }

    /// A plain error, followed by the newest key record if the key was stale.
    fn plain(&mut self, request: usize, code: Code) {
        let mut random = [0; 62];
        self.random.fill(&mut random);
        let frame = PlainFrame { code, random }.encode();
        let key = self.keys.last().map(|key| key.record).filter(|_| code == Code::StaleKey);
        self.say(|| format!("frame {request} is answered in clear: {code:?}"));
        self.network.replies.push(Reply { bytes: frame.bytes().to_vec(), to: request, link: None, key });
    }
}
