//! RESYNC: R1 changes nothing, the live confirm does.

use cardea_protocol::Code;
use cardea_protocol::crypto::Provider;
use cardea_protocol::ratchet::Row;
use cardea_protocol::responder::{self, OpenedResync, ResyncVerdict};
use cardea_protocol::wire::{FirstFrame, Op, ResyncRequest};
use cardea_server::domain::token::Closer;

use super::{Job, Link, Step};
use crate::config::Mutation;
use crate::world::World;

impl<P: Provider> World<P> {
    pub(super) fn answer_resync(&mut self, node: usize, request: usize, frame: &ResyncRequest<'_>) {
        let Some(key) = self.key_of(frame.epoch()) else {
            self.plain(request, Code::StaleKey);
            return;
        };
        let Ok(opened) = responder::open_resync::<P>(frame, &self.keys[key].pair) else { return };
        let theirs = *opened.device_static();
        let found = self
            .database
            .devices
            .iter()
            .position(|entry| entry.row.device_static == theirs || entry.row.device_static_old == Some(theirs));
        let Some(entry) = found else { return };
        let mut row = self.database.devices[entry].row.duplicate();
        if self.is_broken(Mutation::KnownBeforeMarker) {
            row.marker = 0;
        }
        let reply = self.reply(entry, Op::Resync, Code::Ok);
        let Ok((mut frame, mut awaiting)) = opened.answer(&row, &reply, &mut self.random) else { return };
        if self.is_broken(Mutation::KnownBeforeMarker) && awaiting.verdict() != ResyncVerdict::Known {
            // The hint is not known: the marker counts after all, on a second look.
            let real = self.database.devices[entry].row.duplicate();
            let Some(again) = self.look_again(request, key) else { return };
            let Ok(second) = again.answer(&real, &reply, &mut self.random) else { return };
            (frame, awaiting) = second;
        }
        let verdict = awaiting.verdict();
        self.say(|| format!("frame {request}, a resync of device {entry}, is answered: {verdict:?}"));
        if verdict == ResyncVerdict::NotAllowed && self.is_broken(Mutation::SuspendOnFirst) {
            row.suspended = true;
            self.database.write::<P>(entry, &row);
            self.ghost.detect(entry, "suspended");
        }
        self.links.push(Link::Confirm { awaiting: Box::new(awaiting), entry, node });
        let link = self.links.len() - 1;
        self.answer(request, frame.bytes(), Some(link));
    }

    /// Opens the same R1 once more.
    fn look_again(&self, request: usize, key: usize) -> Option<OpenedResync<P>> {
        let Ok(FirstFrame::Resync(frame)) = FirstFrame::parse(&self.network.requests[request].bytes) else {
            return None;
        };
        responder::open_resync::<P>(&frame, &self.keys[key].pair).ok()
    }

    pub(super) fn begin_confirm(&mut self, request: usize, link: usize, bytes: &[u8]) -> Option<Job<P>> {
        let Link::Confirm { awaiting, entry, .. } = &mut self.links[link] else { return None };
        let entry = *entry;
        let device = &self.database.devices[entry];
        let (row, version) = (device.row.duplicate(), device.version);
        let Ok(next) = awaiting.confirm(&row, bytes) else {
            self.links[link] = Link::Closed;
            return None;
        };
        Some(Job { request, entry, version, row, step: Step::Confirm { next: Box::new(next), link } })
    }

    pub(super) fn commit_confirm(
        &mut self,
        request: usize,
        (entry, link): (usize, usize),
        row: &Row,
        mut next: Row,
        dies: bool,
    ) {
        if next.suspended && !row.suspended {
            self.say(|| format!("frame {request} suspends device {entry}"));
            let now = self.seconds();
            self.database.token.close(Closer::Administrator, now);
            self.ghost.token.close(None, self.now);
            self.ghost.detect(entry, "suspended");
        }
        if self.is_broken(Mutation::MarkerSpentEarly) {
            next.marker = 0;
        }
        if !self.is_broken(Mutation::ConfirmNotCommitted) {
            self.database.write::<P>(entry, &next);
        }
        if !next.suspended && !next.clone_blocked && !next.revoked {
            self.ghost.token.resume(entry);
        }
        self.ghost.seen.resynced += u64::from(!next.suspended);
        self.say(|| format!("frame {request} confirms a resync of device {entry}"));
        if dies {
            return;
        }
        let reply = self.reply(entry, Op::Ping, Code::Ok);
        let Link::Confirm { awaiting, .. } = &mut self.links[link] else { return };
        if let Ok(frame) = awaiting.reply(&reply) {
            self.answer(request, frame.bytes(), None);
        }
    }
}
