//! Warm operations.

use cardea_protocol::Code;
use cardea_protocol::crypto::Provider;
use cardea_protocol::responder::{Opened, WarmOperation};
use cardea_protocol::wire::{LargeReply, LargeRequest, Op, Signer};

use super::decide::{Asked, Decided, Decision};
use super::{Job, Link, Step, Stop};
use crate::config::Mutation;
use crate::world::World;

impl<P: Provider> World<P> {
    pub(super) fn begin_warm(&mut self, request: usize, link: usize, bytes: &[u8], stop: Stop) -> Option<Job<P>> {
        let Link::Session { session, entry, .. } = &mut self.links[link] else { return None };
        let entry = *entry;
        let Ok(operation) = session.open(bytes) else {
            self.links[link] = Link::Closed;
            return None;
        };
        let device = &self.database.devices[entry];
        let row = device.row.duplicate();
        let version = device.version;
        let owned = session.owns(&row) || self.broken == Some(Mutation::NoFence);
        let revoked = row.revoked && !self.is_broken(Mutation::ForgetRevocation);
        if !owned || row.clone_blocked || row.suspended || revoked {
            self.say(|| format!("frame {request} comes too late for its session"));
            self.links[link] = Link::Closed;
            return None;
        }
        let asked = operation.request;
        let decided = match self.decide_warm(entry, &operation, stop) {
            Decision::Go(decided) => decided,
            Decision::Refuse => {
                self.answer_warm(request, link, &operation, Code::Blocked);
                return None;
            }
            Decision::Drop => return None,
        };
        // What only reads, and is never asked after, needs no transaction.
        if asked.op().signer() == Signer::Nobody {
            self.answer_warm(request, link, &operation, Code::Ok);
            return None;
        }
        Some(Job { request, entry, version, row, step: Step::Warm { operation: Box::new(operation), link, decided } })
    }

    fn decide_warm(&mut self, entry: usize, operation: &WarmOperation, stop: Stop) -> Decision {
        let request = &operation.request;
        let named = self.named(request.op(), request.win());
        let signature = request.signature();
        let statement = self.covering(named, signature, entry, |extension| operation.statement::<P>(extension));
        let asked = Asked { op: request.op(), time: request.time(), named, signature };
        self.decide(entry, &asked, &statement, stop)
    }

    pub(super) fn commit_warm(
        &mut self,
        request: usize,
        (entry, link): (usize, usize),
        operation: &WarmOperation,
        decided: Decided,
        dies: bool,
    ) {
        let Link::Session { session, .. } = &self.links[link] else { return };
        let fence = session.fence();
        let row = self.database.devices[entry].row.duplicate();
        let owned = fence.owns(&row) || self.broken == Some(Mutation::NoFence);
        let revoked = row.revoked && !self.is_broken(Mutation::ForgetRevocation);
        if !owned || row.clone_blocked || row.suspended || revoked {
            self.settle_lost(entry, &decided);
            self.links[link] = Link::Closed;
            return;
        }
        let asked = operation.request;
        let pins = match &asked {
            Opened::Large(LargeRequest::SetPins(pins)) => Some(pins),
            _ => None,
        };
        let intent = self.network.requests[request].intent;
        let stolen = self.network.requests[request].stolen;
        let Ok(code) = self.apply(entry, (asked.op(), asked.win()), pins, &decided, intent) else {
            // Look at it once more.
            self.settle_lost(entry, &decided);
            match self.decide_warm(entry, operation, Stop::Never) {
                Decision::Go(again) => self.commit_warm(request, (entry, link), operation, again, dies),
                Decision::Refuse => self.answer_warm(request, link, operation, Code::Blocked),
                Decision::Drop => {}
            }
            return;
        };
        self.ghost.accept(entry, stolen);
        let next = operation.commit(&row, &fence, code);
        let mut next = next.unwrap_or_else(|| {
            let mut next = row.duplicate();
            next.last = Some((operation.id, code));
            next
        });
        next.revoked |= asked.op() == Op::Unenroll && code == Code::Ok;
        self.database.write::<P>(entry, &next);
        if !dies {
            self.answer_warm(request, link, operation, code);
        }
    }

    fn answer_warm(&mut self, request: usize, link: usize, operation: &WarmOperation, code: Code) {
        let Link::Session { entry, .. } = &self.links[link] else { return };
        let reply = self.reply(*entry, operation.request.op(), code);
        let Link::Session { session, .. } = &mut self.links[link] else { return };
        let bytes = match operation.request {
            Opened::Small(_) => session.reply(&reply).map(|frame| frame.bytes().to_vec()),
            Opened::Large(_) => session.reply_large(&LargeReply::Plain(reply)).map(|frame| frame.bytes().to_vec()),
        };
        if let Ok(bytes) = bytes {
            self.answer(request, &bytes, Some(link));
        }
    }
}
