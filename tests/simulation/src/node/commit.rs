//! Lines 9 to 15: one transaction for everything, by compare-and-swap.

use cardea_protocol::Code;
use cardea_protocol::crypto::Provider;
use cardea_protocol::responder::{Committed, Session};
use cardea_protocol::wire::{FirstFrame, Op};

use super::decide::Lost;
use super::{Job, Link, Step};
use crate::config::Mutation;
use crate::ghost::Role;
use crate::world::World;

impl<P: Provider> World<P> {
    /// Commits and, unless the node `dies` in between, replies.
    pub(super) fn commit(&mut self, node: usize, job: Job<P>, dies: bool) -> Result<(), Lost> {
        let Job { request, entry, version, row, step } = job;
        let unchanged = self.database.devices[entry].version == version;
        // A warm frame cannot be opened twice: its commit reads the row afresh and compares the ratchet key instead.
        let warm = matches!(step, Step::Warm { .. });
        if !unchanged && !warm && !self.is_broken(Mutation::NoCompareAndSwap) {
            if let Step::Operation { decided, .. } = &step {
                self.settle_lost(entry, decided);
            }
            return Err(Lost);
        }
        // A reply that leaves before a commit that never comes.
        let phantom = dies && self.is_broken(Mutation::ReplyBeforeCommit);
        match step {
            Step::Clone => {
                let mut next = row.duplicate();
                next.clone_blocked = true;
                let now = self.seconds();
                self.database.high_water = self.database.high_water.max(self.now);
                self.database.token.block_for_clone(now);
                self.ghost.token.close(None, self.now);
                self.database.write::<P>(entry, &next);
                self.say(|| format!("frame {request} proves a clone of device {entry}"));
                self.ghost.detect(entry, "proved");
            }
            Step::Recover(recovery) => {
                let outcome = recovery.outcome();
                if let Some(declared) = self.network.requests[request].declared.filter(|_| !phantom) {
                    self.ghost.recover(&declared, outcome);
                }
                let reply = self.reply(entry, Op::Recover, Code::Ok);
                let Some(committed) = recovery.commit(&row, &reply, &mut self.random) else { return Ok(()) };
                self.say(|| format!("frame {request} recovers device {entry}: {outcome:?}"));
                if !phantom {
                    self.ghost.serve(entry);
                    self.accept(request, entry, true);
                }
                self.write_and_answer(node, (request, entry), committed, dies, phantom);
            }
            Step::Operation { operation, decided } => {
                let cell = *operation.request();
                let intent = self.network.requests[request].intent;
                let code = if phantom {
                    match decided.role {
                        Some(Role::Wrong) => Code::PinRejected,
                        _ => decided.code.unwrap_or(Code::Ok),
                    }
                } else {
                    match self.apply(entry, (cell.op, cell.win), None, &decided, intent) {
                        Ok(code) => code,
                        Err(lost) => {
                            self.settle_lost(entry, &decided);
                            return Err(lost);
                        }
                    }
                };
                if !phantom {
                    self.accept(request, entry, false);
                }
                let reply = self.reply(entry, cell.op, code);
                let Some(mut committed) = operation.commit(&row, &reply, &mut self.random) else { return Ok(()) };
                committed.row.revoked |= cell.op == Op::Unenroll && code == Code::Ok;
                self.write_and_answer(node, (request, entry), committed, dies, phantom);
            }
            Step::Warm { operation, link, decided } => {
                self.commit_warm(request, (entry, link), &operation, decided, dies);
            }
            Step::Confirm { next, link } => self.commit_confirm(request, (entry, link), &row, *next, dies),
        }
        Ok(())
    }

    /// What holds of everything that is accepted cold.
    fn accept(&mut self, request: usize, entry: usize, recovery: bool) {
        let frame = &mut self.network.requests[request];
        frame.accepted += 1;
        let (accepted, stolen) = (frame.accepted, frame.stolen);
        self.ghost.require(accepted == 1, "no frame is accepted twice", || format!("frame {request}"));
        if !recovery && let Ok(FirstFrame::Cold(cold)) = FirstFrame::parse(&frame.bytes) {
            let current = self.database.is_current(entry, cold.hint());
            self.ghost
                .require(current, "an operation is accepted on the current key only", || format!("frame {request}"));
        }
        self.ghost.accept(entry, stolen);
    }

    fn write_and_answer(
        &mut self,
        node: usize,
        (request, entry): (usize, usize),
        committed: Committed<P>,
        dies: bool,
        phantom: bool,
    ) {
        let Committed { mut row, reply, session } = committed;
        if self.is_broken(Mutation::MarkerNeverSpent) {
            row.marker = self.database.devices[entry].row.marker;
        }
        if !phantom {
            self.database.write::<P>(entry, &row);
        }
        if dies && !phantom {
            return;
        }
        let link = session.map(|session| self.open_link(session, entry, node));
        self.answer(request, reply.bytes(), link);
    }

    fn open_link(&mut self, session: Session<P>, entry: usize, node: usize) -> usize {
        self.links.push(Link::Session { session: Box::new(session), entry, node });
        self.links.len() - 1
    }
}
