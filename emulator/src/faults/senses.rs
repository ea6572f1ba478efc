//! A clock that is wrong, chance that is none, and holders who do something else.

use std::fmt;
use std::sync::Arc;

use cardea_sdk::{Approval, Clock, Entropy, Env, Presence, PresenceError, PresenceRequest};

use super::catalogue::Fault;
use super::device::DeviceFaults;
use super::point::{Hook, Point};
use crate::engine::{Delay, Human, Outcome, Reaction, Seed};

/// The last second of 9999.
const FAR_FUTURE: u64 = 253_402_300_799;

/// Clock and chance of a device.
pub(super) fn env(inner: &Env, device: &DeviceFaults) -> Env {
    Env {
        clock: Arc::new(Watch { inner: Arc::clone(&inner.clock), device: device.clone() }),
        entropy: Arc::new(Dice { inner: Arc::clone(&inner.entropy), device: device.clone() }),
    }
}

/// Who is asked on a device.
pub(super) fn presence(human: &Arc<Human>, device: &DeviceFaults) -> Arc<dyn Presence> {
    Arc::new(Holder { human: Arc::clone(human), device: device.clone() })
}

struct Watch {
    inner: Arc<dyn Clock>,
    device: DeviceFaults,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

impl Clock for Watch {
    fn now(&self) -> u64 {
        let now = self.inner.now();
        let Some(hit) = self.device.hit(Point::new(Hook::Clock)) else { return now };
        match hit.fault {
            Fault::ClockSkew | Fault::ClockJump => now.saturating_add_signed(hit.param("seconds")),
            Fault::ClockFreeze => self.device.faults().held(&hit, self.device.name(), now),
            Fault::ClockEpochZero => 0,
            Fault::ClockFarFuture => FAR_FUTURE,
            _ => now,
        }
    }

    fn awake_or_not(&self) -> u64 {
        let now = self.inner.awake_or_not();
        let hit = self.device.hit(Point::new(Hook::Awake));
        hit.map_or(now, |hit| now.saturating_add_signed(hit.param("seconds")))
    }
}

struct Dice {
    inner: Arc<dyn Entropy>,
    device: DeviceFaults,
}

impl fmt::Debug for Dice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dice")
    }
}

impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        match self.device.hit(Point::new(Hook::Random)) {
            // From the beginning, each time.
            Some(_) => Seed::new(0).stream("stuck").fill(bytes),
            None => self.inner.fill(bytes),
        }
    }
}

struct Holder {
    human: Arc<Human>,
    device: DeviceFaults,
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holder")
    }
}

impl Presence for Holder {
    fn approve(&self, request: &PresenceRequest) -> Result<Approval, PresenceError> {
        let reaction = self.device.hit(Point::new(Hook::Ask)).map(|hit| match hit.fault {
            Fault::Cancel => Outcome::Cancel.into(),
            Fault::Ignore => Outcome::Ignore.into(),
            Fault::WrongPin => Outcome::WrongPin.into(),
            Fault::CannotAsk => Outcome::Fail.into(),
            Fault::SlowHolder => Reaction { delay: Delay::Fixed(hit.time()), ..Reaction::default() },
            _ => Reaction::default(),
        });
        self.human.approve_as(request, reaction)
    }

    fn given_up(&self, number: u64) {
        self.human.given_up(number);
    }
}
