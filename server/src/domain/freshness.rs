//! Whether the time in a signed operation is still good (`ratchet` rules F6 and F7 of the specification).

use cardea_protocol::limits::FRESHNESS_SECONDS;

use crate::clock::UnixSeconds;

/// What an operation's time is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The server's time.
    pub now: UnixSeconds,
    /// When the database was last restored from a backup: older operations may already have run once.
    pub restored_at: UnixSeconds,
    /// For an opening, the second of the last close by anyone but the device that asks; the epoch when there was none
    /// and for every other operation.
    pub closed_at: UnixSeconds,
}

impl Freshness {
    /// Whether an operation signed for the second `time` is too old or too far ahead to be executed.
    ///
    /// A close by somebody else in the same second wins over the opening.
    #[must_use]
    pub fn is_stale(&self, time: UnixSeconds) -> bool {
        let (time, now) = (time.get(), self.now.get());
        now.abs_diff(time) > u64::from(FRESHNESS_SECONDS)
            || time < self.restored_at.get()
            || (self.closed_at > UnixSeconds::EPOCH && time <= self.closed_at.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds::new(10_000);

    fn stale(time: u64, restored_at: u64, closed_at: u64) -> bool {
        let [restored_at, closed_at] = [restored_at, closed_at].map(UnixSeconds::new);
        Freshness { now: NOW, restored_at, closed_at }.is_stale(UnixSeconds::new(time))
    }

    #[test]
    fn two_minutes_either_way_are_fresh_and_no_more() {
        assert!(!stale(10_000, 0, 0));
        assert!(!stale(9_880, 0, 0));
        assert!(stale(9_879, 0, 0));
        assert!(!stale(10_120, 0, 0));
        assert!(stale(10_121, 0, 0));
        assert!(stale(0, 0, 0));
    }

    #[test]
    fn what_was_signed_before_a_restore_is_stale() {
        assert!(stale(9_950, 9_951, 0));
        assert!(!stale(9_951, 9_951, 0));
    }

    #[test]
    fn a_close_by_somebody_else_wins_ties() {
        assert!(stale(9_990, 0, 9_990));
        assert!(stale(9_989, 0, 9_990));
        assert!(!stale(9_991, 0, 9_990));
    }
}
