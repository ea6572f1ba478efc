//! The clock of the server in the stub: the time of a session, right or wrong.

use std::sync::atomic::{AtomicI64, Ordering};

use cardea_server::clock::{Clock, UnixSeconds};

use crate::engine::Time;

/// The clock.
#[derive(Debug)]
pub(super) struct StubClock {
    time: Time,
    skew: AtomicI64,
}

impl StubClock {
    pub(super) const fn new(time: Time) -> Self {
        Self { time, skew: AtomicI64::new(0) }
    }

    /// Makes it wrong by so many seconds.
    pub(super) fn set_skew(&self, seconds: i64) {
        self.skew.store(seconds, Ordering::Relaxed);
    }

    pub(super) const fn time(&self) -> &Time {
        &self.time
    }
}

impl Clock for StubClock {
    fn now(&self) -> UnixSeconds {
        UnixSeconds::new(self.time.now().saturating_add_signed(self.skew.load(Ordering::Relaxed)))
    }

    /// Who tests moves it.
    fn is_test_clock(&self) -> bool {
        true
    }
}
