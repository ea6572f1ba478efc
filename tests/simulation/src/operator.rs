//! Those who do not speak the protocol: time, relying parties, administrators, the operator.

use cardea_protocol::crypto::Provider;
use cardea_server::clock::UnixSeconds;
use cardea_server::domain::openness::Standing;
use cardea_server::domain::status::TokenStatus;
use cardea_server::domain::token::Closer;

use super::config::Mutation;
use super::network::index;
use super::node::Link;
use super::world::World;

impl<P: Provider> World<P> {
    pub(crate) fn tick(&mut self, seconds: u64) {
        self.now += seconds;
        let now = self.now;
        self.say(|| format!("{seconds} s pass: it is {now}"));
    }

    /// A relying party checks the token, in one write transaction. What it is told must be what is true.
    pub(crate) fn check(&mut self) -> u8 {
        let (now, limits, clock) = (self.seconds(), self.rules.limits, self.clock());
        let database = &mut self.database;
        let standings: Vec<Standing> =
            database.devices.iter().filter_map(|device| device.standing(now, limits)).collect();
        let status = database.token.openness().status(&standings, &self.rules, clock);
        let consumes = database.token.openness().is_consumed_by_check(&self.rules, clock);
        if consumes
            && matches!(status, TokenStatus::Open(_) | TokenStatus::Duress)
            && self.broken != Some(Mutation::NoConsume)
        {
            database.token.consume();
        }
        database.high_water = database.high_water.max(self.now);
        let told = status.number();
        let is_blocked = database.token.openness().is_blocked();
        let expected = if is_blocked || standings.iter().all(|one| *one == Standing::Blocked) {
            if standings.is_empty() && !is_blocked { 0 } else { 4 }
        } else {
            self.ghost.token.check(self.now)
        };
        self.say(|| format!("a relying party is told {told}"));
        self.ghost.require(told == expected, "a relying party is told what is true", || {
            format!("it was told {told} instead of {expected}")
        });
        let duress = self.ghost.token.is_under_duress() && !self.config.silent;
        self.ghost.require(told != 1 || !duress, "duress is never open", String::new);
        self.ghost.seen.open += u64::from(told == 1);
        told
    }

    /// An administrator acts.
    pub(crate) fn administer(&mut self, pick: u32) {
        let now = self.seconds();
        let database = &mut self.database;
        let what = match pick % 5 {
            0 | 1 => {
                database.token.close(Closer::Administrator, now);
                "closes"
            }
            2 => {
                database.token.block(now);
                "blocks"
            }
            3 => {
                database.token.unblock();
                for device in &mut database.devices {
                    device.throttle.clear();
                }
                "unblocks"
            }
            _ => {
                database.token.clear_duress(now);
                for device in &mut database.devices {
                    device.shadow_slots = None;
                }
                self.ghost.token.clear_duress(self.now);
                "clears duress"
            }
        };
        database.high_water = database.high_water.max(self.now);
        self.ghost.token.administer(self.now, pick % 5 != 3);
        self.say(|| format!("an administrator {what}"));
    }

    /// An administrator revokes a device for good, unless it is the last one: the token is closed by that.
    pub(crate) fn revoke_device(&mut self, pick: u32) {
        let enrolled: Vec<usize> =
            (0..self.database.devices.len()).filter(|entry| !self.database.devices[*entry].row.revoked).collect();
        let Some(at) = index(pick, enrolled.len()).filter(|_| enrolled.len() > 1) else { return };
        let (entry, now) = (enrolled[at], self.seconds());
        let mut row = self.database.devices[entry].row.duplicate();
        row.revoked = true;
        self.database.write::<P>(entry, &row);
        self.database.devices[entry].gone = true;
        self.database.token.close(Closer::Administrator, now);
        self.database.high_water = self.database.high_water.max(self.now);
        self.ghost.token.close(None, self.now);
        self.ghost.token.end(entry);
        self.say(|| format!("an administrator revokes device {entry}"));
    }

    /// The next static key. At most three are alive at a time.
    pub(crate) fn new_key(&mut self) {
        let Some(newest) = self.keys.last().map(|key| key.record.epoch) else { return };
        if self.keys.len() < 3 {
            self.publish_key(newest.wrapping_add(1));
            self.say(|| format!("the server publishes key {}", newest.wrapping_add(1)));
        }
    }

    pub(crate) fn erase_key(&mut self) {
        if self.keys.len() > 1 {
            let gone = self.keys.remove(0).record.epoch;
            self.say(|| format!("the server erases key {gone}"));
        }
    }

    pub(crate) fn take_backup(&mut self) {
        self.backup = Some((self.database.duplicate(), self.ghost.token.clone()));
        self.say(|| "the operator takes a backup".to_owned());
    }

    /// The operator restores the backup: offline, with the marker, everything closed, and it takes a while.
    pub(crate) fn restore(&mut self) {
        let Some((saved, token)) = &self.backup else { return };
        let (mut restored, token) = (saved.duplicate(), token.clone());
        self.now += 1;
        restored.writes = self.database.writes + 1;
        if self.broken != Some(Mutation::RestoreKeepsOpen) {
            restored.restored_at = self.now;
            restored.token.consume();
        }
        if self.broken != Some(Mutation::RestoreKeepsWaiting) {
            restored.waiting.take_back(UnixSeconds::new(self.now));
        }
        restored.high_water = restored.high_water.max(self.now);
        self.database = restored;
        for index in 0..self.database.devices.len() {
            let mut row = self.database.devices[index].row.duplicate();
            row.marker = 1;
            self.database.write::<P>(index, &row);
        }
        self.jobs = [None, None];
        for link in &mut self.links {
            *link = Link::Closed;
        }
        self.ghost.restore(token, self.now);
        let now = self.now;
        self.say(|| format!("the operator restores the backup at {now}"));
    }
}
