//! The time of a database that several nodes share.
//!
//! Nodes whose clocks differ must not judge one opening by different times, so with such a database the time is the
//! database's. Every exchange that begins a transaction brings its time along; in between the node counts on from there,
//! on the clock of the machine that nobody sets.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::{Clock, UnixSeconds};

/// Seconds that the clock stands still instead of going back: two machines never count at quite the same pace. What is
/// more is a clock that was set back, and must be seen as one.
const STAND_STILL: u64 = 1;
/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// The time of a database, as this node knows it from what the database has said.
#[derive(Debug)]
pub struct DatabaseClock {
    began: Instant,
    /// Microseconds from `began` on this machine to the Unix epoch on the database's; `i64::MIN`: not known yet.
    offset: AtomicI64,
    /// What was told last.
    told: AtomicU64,
}

/// When an exchange with the database began, for [`DatabaseClock::observe`].
#[derive(Debug, Clone, Copy)]
pub struct Asked(i64);

impl Default for DatabaseClock {
    #[expect(clippy::disallowed_methods, reason = "how long ago the database told its time, not what time it is")]
    fn default() -> Self {
        Self { began: Instant::now(), offset: AtomicI64::new(i64::MIN), told: AtomicU64::new(0) }
    }
}

impl DatabaseClock {
    #[expect(clippy::disallowed_methods, reason = "how long ago the database told its time, not what time it is")]
    fn elapsed(&self) -> i64 {
        micros(Instant::now().saturating_duration_since(self.began))
    }

    /// To be called before the database is asked.
    #[must_use]
    pub fn asked(&self) -> Asked {
        Asked(self.elapsed())
    }

    /// The database said that it was `time`, in microseconds since the Unix epoch, at some moment since it was asked.
    pub fn observe(&self, asked: Asked, time: i64) {
        self.observe_at(asked, self.elapsed(), time);
    }

    /// Its time now is between what it said and that plus the time since it was asked. What is known from before is
    /// kept while it is in between, since then it is the better knowledge; otherwise the nearest that can be takes its
    /// place. A slow answer must not set the clock back by as much as it took: that would end what is open.
    fn observe_at(&self, asked: Asked, now: i64, time: i64) {
        let (least, most) = (time.saturating_sub(now), time.saturating_sub(asked.0));
        let better = |known: i64| Some(known.max(least).min(most.max(least)));
        let _ = self.offset.fetch_update(Ordering::SeqCst, Ordering::SeqCst, better);
    }

    fn at(&self, now: i64) -> UnixSeconds {
        let offset = self.offset.load(Ordering::SeqCst);
        if offset == i64::MIN {
            return UnixSeconds::EPOCH;
        }
        let time = u64::try_from(offset.saturating_add(now) / MICROS).unwrap_or(0);
        let told = self.told.fetch_max(time, Ordering::SeqCst);
        if told > time && told - time <= STAND_STILL {
            return UnixSeconds(told);
        }
        if told > time {
            // Set back: from here on that is the time, behind every mark.
            self.told.fetch_min(time, Ordering::SeqCst);
        }
        UnixSeconds(time)
    }
}

impl Clock for DatabaseClock {
    /// Before the database has said anything this is the beginning of time, which leaves everything closed.
    fn now(&self) -> UnixSeconds {
        self.at(self.elapsed())
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000 * MICROS;

    fn clock() -> DatabaseClock {
        let clock = DatabaseClock::default();
        clock.observe_at(Asked(0), 1_000, START);
        clock
    }

    fn seconds(clock: &DatabaseClock, at: i64) -> i64 {
        i64::try_from(clock.at(at).get()).expect("small") - START / MICROS
    }

    #[test]
    fn it_counts_on_from_what_the_database_said_and_never_runs_ahead_of_it() {
        let clock = clock();
        assert_eq!(seconds(&clock, 1_000), 0);
        assert_eq!(seconds(&clock, MICROS), 0, "the answer took a millisecond: it may have been said at its end");
        assert_eq!(seconds(&clock, MICROS + 1_000), 1);
        // A slow answer says nothing new, a quick one corrects.
        clock.observe_at(Asked(2 * MICROS), 9 * MICROS, START + 3 * MICROS);
        assert_eq!(seconds(&clock, 9 * MICROS + 1_000), 9);
        clock.observe_at(Asked(10 * MICROS), 10 * MICROS + 10, START + 15 * MICROS);
        assert_eq!(seconds(&clock, 10 * MICROS + 10), 15);
    }

    #[test]
    fn a_slow_answer_sets_it_back_by_no_more_than_it_must() {
        let clock = clock();
        // The database's clock has lost a fifth of a millisecond meanwhile, and its answer takes five seconds.
        clock.observe_at(Asked(10 * MICROS), 15 * MICROS, START + 10 * MICROS - 1_200);
        assert_eq!(seconds(&clock, 15 * MICROS + 1_200), 15);
        assert_eq!(seconds(&clock, 16 * MICROS + 1_199), 15);
    }

    #[test]
    fn a_small_step_back_stands_still_and_a_large_one_shows() {
        let clock = clock();
        assert_eq!(seconds(&clock, 100 * MICROS + 1_000), 100);
        clock.observe_at(Asked(100 * MICROS + 2_000), 100 * MICROS + 2_100, START + 99 * MICROS + 900_000);
        assert_eq!(seconds(&clock, 100 * MICROS + 2_100), 100);
        clock.observe_at(Asked(100 * MICROS + 3_000), 100 * MICROS + 3_100, START + 40 * MICROS);
        assert_eq!(seconds(&clock, 100 * MICROS + 3_100), 40);
        assert_eq!(seconds(&clock, 101 * MICROS + 3_100), 41);
    }

    #[test]
    fn a_database_that_has_not_spoken_leaves_everything_closed() {
        assert_eq!(DatabaseClock::default().now(), UnixSeconds::EPOCH);
    }
}
