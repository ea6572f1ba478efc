//! What time it is: the only place of the server that reads the system clock.
//!
//! Everything below takes the time as a parameter or a [`Clock`]. All times are whole Unix seconds, as on the wire and
//! in the API. Socket timeouts are not wall-clock time and use `tokio::time` instead.

mod database;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

pub use database::{Asked, DatabaseClock};

/// Seconds since 1970-01-01 00:00:00 UTC.
///
/// The wire carries 32 bits of it (until 2106), see [`UnixSeconds::wire`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixSeconds(u64);

impl UnixSeconds {
    /// The beginning of time. Also what a system clock before 1970 reads as, which is behind every persisted
    /// high-water mark and so leaves everything closed.
    pub const EPOCH: Self = Self(0);

    /// `seconds` since the epoch.
    #[must_use]
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The seconds since the epoch.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// This time `seconds` later; stops at the end of the range, so a huge window never wraps into the past.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this time, or `None` when `earlier` is in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }

    /// The 32 bits that travel on the wire; the largest value when the time does not fit.
    #[must_use]
    pub fn wire(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }
}

impl From<u32> for UnixSeconds {
    fn from(wire: u32) -> Self {
        Self(u64::from(wire))
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A source of wall-clock time. Nothing promises that it never goes backwards: callers compare with the persisted
/// high-water mark.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> UnixSeconds;

    /// Whether it is moved by command, so that no other clock may take its place.
    fn is_test_clock(&self) -> bool {
        false
    }
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]
    fn now(&self) -> UnixSeconds {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(UnixSeconds::EPOCH, |passed| UnixSeconds(passed.as_secs()))
    }
}

/// A clock that stands still until it is advanced, and only ever goes forward.
///
/// For tests and for `cardea-server dev --test-clock`; nothing else constructs one.
#[derive(Debug)]
pub struct TestClock(AtomicU64);

impl TestClock {
    /// A clock that reads `start`.
    #[must_use]
    pub const fn new(start: UnixSeconds) -> Self {
        Self(AtomicU64::new(start.get()))
    }

    /// Moves the clock `seconds` forward and returns the new time; stops at the end of the range.
    pub fn advance(&self, seconds: u64) -> UnixSeconds {
        let step = |now: u64| Some(now.saturating_add(seconds));
        let before = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step);
        UnixSeconds(before.unwrap_or_else(|now| now)).plus(seconds)
    }

    /// Moves the clock to `time` unless it is already past it.
    pub fn advance_to(&self, time: UnixSeconds) {
        self.0.fetch_max(time.get(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixSeconds {
        UnixSeconds(self.0.load(Ordering::SeqCst))
    }

    fn is_test_clock(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_clock_goes_forward_only_and_stops_at_the_end_of_the_range() {
        let clock = TestClock::new(UnixSeconds::new(100));
        assert_eq!(clock.now().get(), 100);
        assert_eq!(clock.advance(20).get(), 120);
        clock.advance_to(UnixSeconds::new(50));
        assert_eq!(clock.now().get(), 120);
        clock.advance_to(UnixSeconds::new(130));
        assert_eq!(clock.now().get(), 130);
        assert_eq!(clock.advance(u64::MAX).get(), u64::MAX);
        assert_eq!(clock.now().get(), u64::MAX);
    }

    #[test]
    fn a_time_in_the_future_has_no_age() {
        assert_eq!(UnixSeconds::new(5).since(UnixSeconds::new(6)), None);
        assert_eq!(UnixSeconds::new(6).since(UnixSeconds::new(5)), Some(1));
    }

    #[test]
    fn times_past_the_wire_range_saturate() {
        assert_eq!(UnixSeconds::new(u64::MAX).wire(), u32::MAX);
        assert_eq!(UnixSeconds::from(7_u32).wire(), 7);
    }

    #[test]
    fn the_system_clock_is_past_the_year_this_was_written() {
        assert!(SystemClock.now() > UnixSeconds::new(1_700_000_000));
    }
}
