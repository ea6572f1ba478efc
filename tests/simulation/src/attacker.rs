//! Those who do not follow the protocol: forgers, and thieves with a copy of a record.

use cardea_protocol::Code;
use cardea_protocol::crypto::{Provider, Random as _};
use cardea_protocol::device::Pending;
use cardea_protocol::wire::{COLD_REQUEST_LEN, FirstFrame, PlainFrame};

use super::config::{Thief, Want};
use super::device::{Asked, Cut, Device};
use super::network::index;
use super::node::Stop;
use super::random::Stream;
use super::world::World;

impl<P: Provider> World<P> {
    /// A forged plain frame, with any genuine key record that suits the forger.
    pub(crate) fn forge(&mut self, device: usize, pick: u32) {
        let code = match pick % 8 {
            0..=3 => Code::UnknownHint,
            4 | 5 => Code::StaleKey,
            6 => Code::Overloaded,
            _ => Code::VersionUnsupported,
        };
        let mut random = [0; 62];
        self.random.fill(&mut random);
        let frame = PlainFrame { code, random }.encode();
        let key = index(pick / 8, self.keys.len()).map(|index| self.keys[index].record);
        self.say(|| format!("somebody forges {code:?} for device {device}"));
        self.receive_bytes(device, frame.bytes(), None, key.as_ref(), Cut::None);
    }

    /// One bit of a frame flips on its way to a server: nothing may come of it.
    pub(crate) fn flip_request(&mut self, request: usize, pick: u32) {
        let genuine = &self.network.requests[request];
        // On a connection a damaged frame ends the connection, which is what dead nodes are for.
        if genuine.link.is_some() {
            return;
        }
        let mut damaged = genuine.clone();
        let Some(bit) = index(pick, damaged.bytes.len() * 8) else { return };
        damaged.bytes[bit / 8] ^= 1 << (bit % 8);
        let (writes, replies) = (self.database.writes, self.network.replies.len());
        let tries = self.tries();
        self.network.requests.push(damaged);
        let last = self.network.requests.len() - 1;
        self.deliver(1, last, Stop::Never);
        self.network.requests.pop();
        let answered =
            self.network.replies.drain(replies..).any(|reply| reply.bytes[0] == 0 && reply.bytes.len() == 63);
        let silent = writes == self.database.writes && tries == self.tries() && !answered;
        self.ghost.require(silent, "a damaged frame changes nothing", || format!("frame {request}, bit {bit}"));
    }

    fn tries(&self) -> u32 {
        let left =
            |device: &super::database::Entry| u32::from(device.throttle.tries_left(self.seconds(), self.rules.limits));
        self.database.devices.iter().map(left).sum()
    }

    /// One bit of a reply flips on its way to a device: it must not be believed.
    pub(crate) fn flip_reply(&mut self, device: usize, reply: usize, pick: u32) {
        let mut bytes = self.network.replies[reply].bytes.clone();
        let Some(bit) = index(pick, bytes.len() * 8) else { return };
        bytes[bit / 8] ^= 1 << (bit % 8);
        // While enrolling, damage ends the try; and a plain frame has no tag to damage.
        let enrolling =
            matches!(self.devices[device].memory, super::device::Memory::Enroll(_) | super::device::Memory::Keys(_));
        if enrolling || PlainFrame::decode(&bytes).is_ok() {
            return;
        }
        let before = self.devices[device].stored.as_ref().map(|record| record.duplicate());
        let idle = self.devices[device].is_idle();
        self.receive_bytes(device, &bytes, None, None, Cut::None);
        let this = &self.devices[device];
        let same = this.stored == before && this.is_idle() == idle;
        self.ghost.require(same, "a damaged reply changes nothing", || format!("reply {reply}, bit {bit}"));
    }

    /// Somebody copies the stored record of the first device.
    pub(crate) fn copy(&mut self) {
        let thieves = self.devices.iter().filter(|device| device.is_thief).count();
        if self.config.thief == Thief::None || thieves >= 2 {
            return;
        }
        let Some(victim) = self.devices.first() else { return };
        let Some(record) = victim.stored.as_ref().filter(|_| !victim.is_thief) else { return };
        let mut copy = Device::new(victim.pins, 0);
        copy.pins.used = copy.pins.used.wrapping_add(90);
        copy.entry = victim.entry;
        copy.is_thief = true;
        copy.holds_recovery = matches!(record.pending(), Pending::Recovery { .. });
        copy.store(record);
        let number = self.devices.len();
        let pending = match record.pending() {
            Pending::None => "nothing",
            Pending::Attempt(_) => "an attempt",
            Pending::Recovery { .. } => "a recovery",
        };
        self.say(|| format!("thief {number} copies device 0 with {pending} pending"));
        self.devices.push(copy);
    }

    /// A thief acts.
    pub(crate) fn steal(&mut self, thief: usize, [kind, which, pick]: [u32; 3]) {
        let lying = self.config.thief == Thief::Lying;
        let cut = Cut::None;
        if which.is_multiple_of(7) {
            self.devices[thief].crash();
        }
        match kind % 8 {
            // The program as it is.
            0..=2 => {
                let want =
                    [Want::Open, Want::Close, Want::Status, Want::OpenWrong][usize::try_from(pick % 4).unwrap_or(0)];
                self.ask(thief, Asked { want, warm: which.is_multiple_of(2), cut });
            }
            3 if pick.is_multiple_of(2) => {
                self.resync(thief);
                self.exchange(thief);
            }
            3 => {
                self.recover(thief, cut);
            }
            // An operation although something is pending.
            4 if lying => {
                let this = &mut self.devices[thief];
                let Some(record) = &this.stored else { return };
                let record = super::device::without_pending(record);
                this.crash();
                this.store(&record);
                this.holds_recovery = false;
                let want = if pick.is_multiple_of(2) { Want::Status } else { Want::Open };
                self.start(thief, want, None, cut);
            }
            // A recovery that declares what was sniffed.
            5 | 6 if lying => {
                let Some(declared) = self.sniffed(thief, pick) else { return };
                let this = &mut self.devices[thief];
                let Some(record) = &this.stored else { return };
                let record = super::device::with_pending(record, &declared);
                this.crash();
                this.store(&record);
                this.holds_recovery = false;
                self.say(|| format!("thief {thief} declares what it sniffed"));
                self.recover(thief, cut);
            }
            // Two guesses over one statement.
            7 if lying => {
                let seed = self.random.next();
                for _ in 0..2 {
                    let pin = self.typed(thief, Want::OpenWrong);
                    let this = &mut self.devices[thief];
                    this.crash();
                    let Some(record) = &this.stored else { return };
                    let record = super::device::without_pending(record);
                    this.store(&record);
                    this.holds_recovery = false;
                    let mut same = Stream::new(seed, 3);
                    self.start_with(thief, (Want::OpenWrong, pin), None, cut, &mut same);
                }
            }
            _ => {}
        }
        // A thief has a network of his own, and often a good one.
        if which.is_multiple_of(3) && !self.devices[thief].is_idle() {
            self.exchange(thief);
        }
    }

    /// The ephemeral key of an attempt of somebody else at the thief's own key, if one was sent.
    fn sniffed(&self, thief: usize, pick: u32) -> Option<[u8; 32]> {
        let hint = self.devices[thief].stored.as_ref()?.hint::<P>();
        let cold = |bytes: &[u8]| match FirstFrame::parse(bytes) {
            Ok(FirstFrame::Cold(cold)) if bytes.len() == COLD_REQUEST_LEN && cold.hint() == hint => {
                Some(cold.ephemeral())
            }
            _ => None,
        };
        let seen: Vec<[u8; 32]> = self
            .network
            .requests
            .iter()
            .filter(|request| request.from != thief)
            .filter_map(|request| cold(&request.bytes))
            .collect();
        index(pick, seen.len()).map(|index| seen[index])
    }
}
