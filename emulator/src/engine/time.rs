//! The time of a session, which people who test move, stop and set; and that of each of its devices, whose clock may be wrong.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cardea_sdk::Clock;

use super::changes::Changes;

/// The end of the year 9999 in Unix seconds: no time that is told goes on after it.
pub const LATEST: u64 = 253_402_300_799;

/// The time of a session, in Unix seconds. Clones are one and the same.
#[derive(Debug, Clone)]
pub struct Time(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    outside: Arc<dyn Clock>,
    going: Mutex<Going>,
    changes: Changes,
}

/// How it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Going {
    /// With the world's time, so many seconds ahead of it, or behind.
    On(i64),
    /// It stands still at this second.
    Frozen(u64),
}

impl Time {
    /// The time of `outside`, until somebody changes it.
    #[must_use]
    pub fn with(outside: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Shared { outside, going: Mutex::new(Going::On(0)), changes: Changes::default() }))
    }

    /// Unix seconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.at(*self.going())
    }

    /// Told when it is made another one, and when anything else in its session is; not when it only passes.
    pub(crate) fn changes(&self) -> &Changes {
        &self.0.changes
    }

    /// Whether it stands still.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        matches!(*self.going(), Going::Frozen(_))
    }

    /// Stops it.
    pub fn freeze(&self) {
        self.change(|going| Going::Frozen(self.at(going)));
    }

    /// Lets it go on, from where it stands.
    pub fn resume(&self) {
        self.change(|going| Going::On(self.ahead(self.at(going))));
    }

    /// Makes it so late, in Unix seconds; it stands still or goes on as before.
    pub fn set(&self, now: u64) {
        self.change(|going| match going {
            Going::On(_) => Going::On(self.ahead(now)),
            Going::Frozen(_) => Going::Frozen(now),
        });
    }

    /// Lets so many seconds pass at once.
    pub fn advance(&self, seconds: u64) {
        self.change(|going| match going {
            Going::On(ahead) => Going::On(ahead.saturating_add_unsigned(seconds)),
            Going::Frozen(now) => Going::Frozen(now.saturating_add(seconds)),
        });
    }

    fn change(&self, to: impl FnOnce(Going) -> Going) {
        let mut going = self.going();
        *going = to(*going);
        drop(going);
        self.0.changes.note();
    }

    /// How it goes on.
    pub(super) fn going_on(&self) -> Going {
        *self.going()
    }

    /// Lets it go on so.
    pub(super) fn go(&self, on: Going) {
        *self.going() = on;
    }

    fn going(&self) -> MutexGuard<'_, Going> {
        self.0.going.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, going: Going) -> u64 {
        match going {
            Going::On(ahead) => self.0.outside.now().saturating_add_signed(ahead),
            Going::Frozen(now) => now,
        }
    }

    fn ahead(&self, now: u64) -> i64 {
        let outside = self.0.outside.now();
        let difference = i64::try_from(now.abs_diff(outside)).unwrap_or(i64::MAX);
        if now >= outside { difference } else { -difference }
    }
}

impl fmt::Display for Going {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(0) => f.write_str("as the world's"),
            Self::On(ahead) => write!(f, "{ahead} s ahead of the world's"),
            Self::Frozen(now) => write!(f, "frozen at {now}"),
        }
    }
}

/// The clock of a device: the time of its session, and some seconds more or less.
#[derive(Debug)]
pub struct DeviceClock {
    time: Time,
    skew: AtomicI64,
}

impl DeviceClock {
    pub(super) const fn new(time: Time) -> Self {
        Self { time, skew: AtomicI64::new(0) }
    }

    /// By how many seconds it is ahead of its session's time; behind if negative.
    #[must_use]
    pub fn skew(&self) -> i64 {
        self.skew.load(Ordering::Relaxed)
    }

    /// Makes it wrong by so many seconds.
    pub fn set_skew(&self, seconds: i64) {
        self.skew.store(seconds, Ordering::Relaxed);
        self.time.changes().note();
    }
}

impl Clock for DeviceClock {
    fn now(&self) -> u64 {
        self.time.now().saturating_add_signed(self.skew())
    }

    /// How much time passes is the session's business; a clock that is set only shows something else.
    fn awake_or_not(&self) -> u64 {
        self.time.now()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[derive(Debug)]
    struct Outside(AtomicU64);

    impl Clock for Outside {
        fn now(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn time() -> (Arc<Outside>, Time) {
        let outside = Arc::new(Outside(1_000.into()));
        (Arc::clone(&outside), Time::with(outside))
    }

    #[test]
    fn it_goes_on_with_the_world_and_may_be_ahead_of_it_or_behind() {
        let (outside, time) = time();
        assert_eq!(time.now(), 1_000);
        time.advance(60);
        outside.0.store(1_010, Ordering::Relaxed);
        assert_eq!(time.now(), 1_070);
        time.set(5);
        outside.0.store(1_020, Ordering::Relaxed);
        assert_eq!(time.now(), 15);
        time.set(0);
        outside.0.store(0, Ordering::Relaxed);
        assert_eq!(time.now(), 0, "there is nothing before 1970");
    }

    #[test]
    fn it_stands_still_and_goes_on_from_there() {
        let (outside, time) = time();
        time.freeze();
        outside.0.store(5_000, Ordering::Relaxed);
        assert!(time.is_frozen());
        assert_eq!(time.now(), 1_000);
        time.advance(60);
        assert_eq!(time.now(), 1_060);
        time.set(2_000);
        assert_eq!(time.now(), 2_000);
        time.resume();
        outside.0.store(5_001, Ordering::Relaxed);
        assert_eq!(time.now(), 2_001);
        assert!(!time.is_frozen());
        time.resume();
        assert_eq!(time.now(), 2_001);
    }

    #[test]
    fn a_wrong_clock_shows_another_time_and_lets_as_much_of_it_pass() {
        let (_, time) = time();
        let (right, wrong) = (DeviceClock::new(time.clone()), DeviceClock::new(time.clone()));
        wrong.set_skew(-90);
        assert_eq!((right.now(), wrong.now(), wrong.skew()), (1_000, 910, -90));
        let before = wrong.awake_or_not();
        wrong.set_skew(86_400);
        time.advance(10);
        assert_eq!(wrong.awake_or_not() - before, 10);
        wrong.set_skew(i64::MIN);
        assert_eq!(wrong.now(), 0);
    }
}
