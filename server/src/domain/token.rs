//! A token: its real and its shadow world, duress, blocks.
//!
//! Without duress both worlds are equal. Duress is sticky: from its first operation on, whatever the device does and
//! is told happens in the shadow alone, with whichever PIN, until an administrator clears it. Relying parties read
//! "under duress", or the shadow when the service asked for a silent alarm.

use cardea_protocol::token::{DeviceId, DeviceStatus};

use super::confirmation::WaitingList;
use super::openness::Openness;
use super::rules::ServiceRules;
use super::world::{ClockReading, Opening, Window, World};
use crate::clock::UnixSeconds;

/// Who closed a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closer {
    /// A call of the token API, a service or an operator.
    Administrator,
    /// One of the token's devices.
    Device(DeviceId),
}

/// A close and its second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// Who closed.
    pub by: Closer,
    /// When it was committed.
    pub at: UnixSeconds,
}

/// What one device may be answered from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Enrolled, confirmed and not unenrolled, as far as the device knows.
    pub enrolled: bool,
    /// Out of tries, or suspended.
    pub blocked: bool,
}

/// The state of a token that is not its devices'.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenState {
    pub(crate) openness: Openness,
    /// The last close, and the last before it by somebody else.
    pub(crate) closes: [Option<Close>; 2],
    /// The confirmations that wait; the same in both worlds.
    pub(crate) waiting: WaitingList,
}

impl TokenState {
    /// What its status depends on.
    #[must_use]
    pub const fn openness(&self) -> &Openness {
        &self.openness
    }

    /// Opens: in the shadow alone while duress is on.
    pub fn open(&mut self, now: UnixSeconds, window: Window, cap: Option<u32>) {
        let world = World::opened(now, window, cap);
        self.openness.shadow = world;
        self.openness.real = if self.openness.is_under_duress() { World::Closed } else { world };
    }

    /// Closes both worlds.
    pub fn close(&mut self, by: Closer, now: UnixSeconds) {
        self.openness.shadow = World::Closed;
        self.openness.real = World::Closed;
        let close = Close { by, at: now };
        let [last, other] = self.closes;
        self.closes = match last {
            Some(last) if last.by != by => [Some(close), Some(last)],
            _ => [Some(close), other],
        };
    }

    /// A single-use opening was told to a relying party, or would have been but for duress: it is over.
    pub fn consume(&mut self) {
        self.openness.shadow = World::Closed;
        self.openness.real = World::Closed;
    }

    /// Puts the token under duress. The shadow stays as the devices know it; nothing is open in truth.
    pub fn enter_duress(&mut self, now: UnixSeconds) {
        self.openness.duress.get_or_insert(now);
        self.openness.real = World::Closed;
    }

    /// An administrator clears duress: both worlds are closed and equal again.
    pub fn clear_duress(&mut self, now: UnixSeconds) {
        self.openness.duress = None;
        self.close(Closer::Administrator, now);
    }

    /// An administrator blocks the token; nothing is open when the block is lifted.
    pub fn block(&mut self, now: UnixSeconds) {
        self.openness.blocks.administrator = true;
        self.close(Closer::Administrator, now);
    }

    /// Lifts an administrator's block. The token is closed; that is no close that an opening could be older than.
    pub fn unblock(&mut self) {
        self.openness.blocks.administrator = false;
        self.consume();
    }

    /// Two holders of one device's state were proved.
    pub fn block_for_clone(&mut self, now: UnixSeconds) {
        self.openness.blocks.clone = true;
        self.close(Closer::Administrator, now);
    }

    /// A new device took the place of all others; a cloned state is worth nothing any more. The token is closed, and
    /// the new device may open it in this very second: nothing that it signed can be older than a close.
    pub fn replace_devices(&mut self, now: UnixSeconds) {
        self.openness.blocks.clone = false;
        self.closes = [None; 2];
        self.waiting.take_back(now);
        self.consume();
    }

    /// Moves closes that a wrong clock has put after `now` to `now`.
    pub fn forget_closes_after(&mut self, now: UnixSeconds) {
        for close in self.closes.iter_mut().flatten() {
            close.at = close.at.min(now);
        }
    }

    /// The second of the last close by anyone but `device`; the epoch when there was none.
    #[must_use]
    pub fn closed_by_other_than(&self, device: DeviceId) -> UnixSeconds {
        let other = self.closes.iter().flatten().filter(|close| close.by != Closer::Device(device));
        other.map(|close| close.at).max().unwrap_or(UnixSeconds::EPOCH)
    }

    /// What one of the token's devices is told, and until when it is open.
    #[must_use]
    pub fn device_status(
        &self,
        device: DeviceFacts,
        rules: &ServiceRules,
        clock: ClockReading,
    ) -> (DeviceStatus, UnixSeconds) {
        if !device.enrolled {
            return (DeviceStatus::NotEnrolled, UnixSeconds::EPOCH);
        }
        if self.openness.is_blocked() || device.blocked {
            return (DeviceStatus::Blocked, UnixSeconds::EPOCH);
        }
        let opening: Option<Opening> = self.openness.facing().opening(rules.window, clock);
        opening.map_or((DeviceStatus::Closed, UnixSeconds::EPOCH), |opening| (DeviceStatus::Open, opening.until()))
    }
}

#[cfg(test)]
mod tests;
