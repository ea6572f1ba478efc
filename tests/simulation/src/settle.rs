//! The end of a schedule: everything restarts, the network loses nothing any more, and whoever is honest is served.

use cardea_protocol::Code;
use cardea_protocol::crypto::Provider;

use super::config::Want;
use super::device::{Asked, Cut};
use super::node::Stop;
use super::world::World;

/// Exchanges within which an honest device is served.
const EXCHANGES: usize = 8;

impl<P: Provider> World<P> {
    pub(super) fn settle(&mut self) {
        self.say(|| "everything restarts, and nothing is lost any more".to_owned());
        self.check();
        for node in 0..2 {
            self.kill(node);
        }
        for device in &mut self.devices {
            device.crash();
        }
        // An administrator lets everybody in again.
        self.administer(3);
        let holders: Vec<usize> = (0..self.devices.len()).filter(|index| !self.devices[*index].is_thief).collect();
        for device in holders {
            self.settle_one(device);
        }
        self.check();
        self.poll_questions();
    }

    fn settle_one(&mut self, device: usize) {
        let this = &self.devices[device];
        let (Some(entry), true) = (this.entry, this.stored.is_some()) else { return };
        // Two tries with one code may leave the device with the keys of the one that lost: it needs a new code.
        let row = &self.database.devices[entry].row;
        let lost_enrollment =
            self.offer.is_some() && this.stored.as_ref().is_some_and(|record| record.is_provisional());
        let used = self.ghost.clone_used.get(entry).copied().unwrap_or(false);
        let (blocked, revoked) = (row.clone_blocked || row.suspended, row.revoked);
        let stranded = self.ghost.stranded.contains(&entry);
        let served = self.serve(device);
        if self.ghost.violation.is_some() || revoked || stranded {
            return;
        }
        let row = &self.database.devices[entry].row;
        if used {
            let found = row.clone_blocked || row.suspended;
            self.ghost.require(found, "a used clone is found", || format!("device {device} was left alone"));
        } else if !blocked && !self.ghost.thief_active && !lost_enrollment {
            self.ghost
                .require(served, "an honest device is served within eight exchanges", || format!("device {device}"));
        }
    }

    /// Whether `device` gets a close through.
    fn serve(&mut self, device: usize) -> bool {
        let asked = Asked { want: Want::Close, warm: false, cut: Cut::None };
        self.ghost.shown = None;
        for _ in 0..EXCHANGES {
            if self.devices[device].is_idle() && !self.ask(device, asked) {
                return false;
            }
            if !self.exchange(device) {
                self.devices[device].crash();
            }
            let closed = |(intent, code): (usize, Code)| {
                let intent = &self.ghost.intents[intent];
                intent.holder == device && intent.want == Want::Close && code == Code::Ok
            };
            if self.ghost.shown.is_some_and(closed) {
                return true;
            }
            if self.ghost.violation.is_some() {
                return false;
            }
        }
        false
    }

    /// What `device` sent last reaches a node, and the answer reaches the device. False if there is none.
    pub(super) fn exchange(&mut self, device: usize) -> bool {
        let Some(sent) = self.devices[device].sent else { return false };
        let answers = self.network.replies.len();
        self.deliver(0, sent, Stop::Never);
        let answer = (answers..self.network.replies.len()).rfind(|at| self.network.replies[*at].to == sent);
        if let Some(answer) = answer {
            self.receive(device, answer, Cut::None);
        }
        answer.is_some()
    }
}
