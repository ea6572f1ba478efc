//! A count per minute, the share of which may be used at once.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::UnixSeconds;

const MINUTE: u32 = 60;

/// The second in which a minute began, and how many were counted in it.
#[derive(Debug, Default)]
pub struct Minute(AtomicU64);

impl Minute {
    const fn unpack(packed: u64) -> (u32, u32) {
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of what `pack` put together")]
        ((packed >> 32) as u32, packed as u32)
    }

    fn pack(since: u32, count: u32) -> u64 {
        u64::from(since) << 32 | u64::from(count)
    }

    /// Seconds of the minute that are left at `now`; `None` when it is over. A clock that went back ends it as well.
    const fn left(since: u32, now: u32) -> Option<u32> {
        match now.checked_sub(since) {
            Some(age) if age < MINUTE => Some(MINUTE - age),
            _ => None,
        }
    }

    /// Counts one, unless `most` were counted already; 0 is no limit.
    ///
    /// # Errors
    /// The seconds until there is room.
    pub fn take(&self, now: UnixSeconds, most: u32) -> Result<(), u32> {
        if most == 0 {
            return Ok(());
        }
        let now = now.wire();
        let mut seen = self.0.load(Ordering::Relaxed);
        loop {
            let (since, count) = Self::unpack(seen);
            let next = match Self::left(since, now) {
                Some(left) if count >= most => return Err(left),
                Some(_) => Self::pack(since, count + 1),
                None => Self::pack(now, 1),
            };
            match self.0.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(newer) => seen = newer,
            }
        }
    }

    /// How many were counted of the minute at `now`, and its seconds that are left.
    #[must_use]
    pub fn so_far(&self, now: UnixSeconds) -> (u32, u32) {
        let (since, count) = Self::unpack(self.0.load(Ordering::Relaxed));
        Self::left(since, now.wire()).map_or((0, MINUTE), |left| (count, left))
    }

    /// Takes back one that was counted at `then`, as far as it counts still.
    pub fn give_back(&self, then: UnixSeconds) {
        let then = then.wire();
        let less = |packed| {
            let (since, count) = Self::unpack(packed);
            Self::left(since, then)?;
            Some(Self::pack(since, count.checked_sub(1)?))
        };
        // Nothing is left to be taken back once another minute has begun.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// The seconds until there is room again, if `most` were counted.
    #[must_use]
    pub fn is_full(&self, now: UnixSeconds, most: u32) -> Option<u32> {
        let (since, count) = Self::unpack(self.0.load(Ordering::Relaxed));
        Self::left(since, now.wire()).filter(|_| most > 0 && count >= most)
    }

    /// Whether what was counted counts no longer.
    #[must_use]
    pub fn is_over(&self, now: UnixSeconds) -> bool {
        Self::left(Self::unpack(self.0.load(Ordering::Relaxed)).0, now.wire()).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_leaves_room_in_its_own_minute_only() {
        let (minute, at) = (Minute::default(), UnixSeconds::new);
        assert_eq!(
            (minute.take(at(100), 2), minute.take(at(110), 2), minute.take(at(120), 2)),
            (Ok(()), Ok(()), Err(40))
        );
        minute.give_back(at(110));
        assert_eq!((minute.take(at(120), 2), minute.take(at(120), 2)), (Ok(()), Err(40)));
        assert_eq!(minute.take(at(160), 1), Ok(()));
        minute.give_back(at(120));
        assert_eq!(minute.take(at(161), 1), Err(59));
        minute.give_back(at(160));
        minute.give_back(at(160));
        assert_eq!((minute.take(at(161), 1), minute.take(at(161), 1)), (Ok(()), Err(59)));
    }

    #[test]
    fn threads_that_count_together_lose_no_count() {
        let (minute, now) = (Minute::default(), UnixSeconds::new(1_000_000));
        let taken: usize = std::thread::scope(|scope| {
            let count = || (0..1_000).filter(|_| minute.take(now, 1_500).is_ok()).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(taken, 1_500);
    }
}
