//! Wrong PINs: counting, growing waits, blocking.
//!
//! A signature is counted as a failure *before* it is looked at and the count is taken back when it turns out good, so
//! that no crash and no second node gives anybody a free guess. Each counted signature is remembered by its key until
//! its outcome is known: the identical message counts once however often it arrives. Nothing here knows which PIN a
//! signature belongs to.

use crate::clock::UnixSeconds;

/// Most tries that a service may allow.
pub const TRIES_MAX: u8 = 10;

/// SHA-256 of statement and signature: what makes two attempts the same attempt.
pub type AttemptKey = [u8; 32];

/// A service's settings about wrong PINs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wrong PINs that block the device, 1 to [`TRIES_MAX`].
    pub tries: u8,
    /// Seconds after which a blocked device may try again from the beginning; 0 is never.
    pub unblock_after: u32,
}

/// The answer to "may this signature be verified?".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Gate {
    /// It is counted as a failure, now or by an earlier arrival: verify it.
    Counted,
    /// Not looked at before `until`.
    Wait {
        /// The first second in which a try is looked at again.
        until: UnixSeconds,
    },
    /// No tries are left.
    Blocked,
}

/// The counter of one device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Throttle {
    /// Failures, signatures whose outcome is not known included.
    pub(crate) fails: u8,
    /// When the last one was counted.
    pub(crate) last_at: UnixSeconds,
    /// The signatures that are counted and not yet judged; at most [`TRIES_MAX`].
    pub(crate) pending: Vec<AttemptKey>,
}

/// Seconds to wait after the `fails`-th failure in a row.
#[must_use]
pub const fn wait_after(fails: u8) -> u32 {
    match fails {
        0..=4 => 0,
        5 => 30,
        6 => 60,
        7 => 300,
        8 => 900,
        _ => 3600,
    }
}

impl Throttle {
    /// Counts the signature `key` unless it is counted already, a wait is running, or no tries are left.
    pub fn count(&mut self, key: AttemptKey, now: UnixSeconds, limits: Limits) -> Gate {
        if self.pending.contains(&key) {
            return Gate::Counted;
        }
        if self.is_blocked(now, limits) {
            return Gate::Blocked;
        }
        if self.fails >= limits.tries {
            self.clear(); // the service's unblock time has passed
        }
        let until = self.wait_until();
        if now < until {
            return Gate::Wait { until };
        }
        self.fails = self.fails.saturating_add(1);
        self.last_at = now;
        self.pending.push(key);
        Gate::Counted
    }

    /// The signature was good: everything starts from the beginning.
    pub fn accept(&mut self) {
        self.clear();
    }

    /// The signature was bad: its count stays for good.
    pub fn reject(&mut self, key: &AttemptKey) {
        self.pending.retain(|pending| pending != key);
    }

    /// The signature was good but its operation did not happen because another one of this device came first: takes
    /// its count back, once, and only while it is still part of the counter.
    pub fn refund(&mut self, key: &AttemptKey) {
        let before = self.pending.len();
        self.pending.retain(|pending| pending != key);
        if self.pending.len() < before {
            self.fails = self.fails.saturating_sub(1);
        }
    }

    /// An administrator lifts the block.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The clock was wrong and has been set right: a failure from after `now` counts as one of now, so that waits and
    /// blocks last no longer than they should.
    pub fn forget_failures_after(&mut self, now: UnixSeconds) {
        self.last_at = self.last_at.min(now);
    }

    /// Whether no tries are left. Such a device is told so whatever it sends, except the very message that is counted
    /// and whose outcome is not known yet ([`Throttle::is_pending`]).
    #[must_use]
    pub fn is_blocked(&self, now: UnixSeconds, limits: Limits) -> bool {
        let passed = || {
            limits.unblock_after != 0
                && now.since(self.last_at).is_some_and(|age| age >= u64::from(limits.unblock_after))
        };
        self.fails >= limits.tries && !passed()
    }

    /// When a block ends by itself; `None` when there is none or only an administrator ends it.
    #[must_use]
    pub fn blocked_until(&self, now: UnixSeconds, limits: Limits) -> Option<UnixSeconds> {
        let ends = limits.unblock_after != 0 && self.is_blocked(now, limits);
        ends.then(|| self.last_at.plus(u64::from(limits.unblock_after)))
    }

    /// Whether the signature `key` is counted and its outcome not known.
    #[must_use]
    pub fn is_pending(&self, key: &AttemptKey) -> bool {
        self.pending.contains(key)
    }

    /// Tries that are left before the device is blocked.
    #[must_use]
    pub fn tries_left(&self, now: UnixSeconds, limits: Limits) -> u8 {
        if self.fails >= limits.tries && !self.is_blocked(now, limits) {
            return limits.tries;
        }
        limits.tries.saturating_sub(self.fails)
    }

    /// The first second in which another try is looked at.
    #[must_use]
    pub fn wait_until(&self) -> UnixSeconds {
        match wait_after(self.fails) {
            0 => UnixSeconds::EPOCH,
            seconds => self.last_at.plus(u64::from(seconds)),
        }
    }
}

#[cfg(test)]
mod tests;
