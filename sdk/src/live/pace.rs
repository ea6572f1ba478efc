//! How often everything looks again because somebody asks for it.

use std::time::Duration;

use tokio::time::Instant;

/// So many times in a row at once: when a phone is unlocked its network comes, changes and is reported more than once.
const AT_ONCE: u32 = 3;
/// And then once in so long.
const EVERY: Duration = Duration::from_secs(10);

/// Lets a few through at once, and later ones after a while.
#[derive(Debug)]
pub(super) struct Pace {
    /// When it will be as if nothing had been asked.
    full: Instant,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self { full: now }
    }

    /// When what is asked for now may be done: now, or some time later.
    pub(super) fn next(&mut self, now: Instant) -> Instant {
        let soonest = self.full.checked_sub(EVERY * (AT_ONCE - 1)).unwrap_or(now);
        let at = soonest.max(now);
        self.full = self.full.max(at) + EVERY;
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_few_are_done_at_once_and_later_ones_after_a_while() {
        let start = super::super::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::new(start);
        for (asked, done) in [
            (100, 100),
            (100, 100),
            (200, 200),
            (300, 10_100),
            (10_100, 20_100),
            (20_200, 30_100),
            // As much as was not used comes back, and no more.
            (50_100, 50_100),
            (50_100, 50_100),
            (50_100, 60_100),
            (900_000, 900_000),
            (900_000, 900_000),
            (900_000, 900_000),
            (900_000, 910_000),
        ] {
            assert_eq!(pace.next(after(asked)), after(done), "{asked}");
        }
    }
}
