//! One world of a token: closed, or opened at some second for some time.
//!
//! A token has two, the real one and the shadow that its holder's attacker sees under duress. Expiry is computed when
//! somebody looks, never an event that could be lost.

use crate::clock::UnixSeconds;

/// Seconds that a clock may go back without ending what is open: clocks are corrected, and two of them never agree.
const TOLERANCE: u64 = 2;

/// The clock together with the highest time that this instance has durably acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    now: UnixSeconds,
    high_water: UnixSeconds,
    void_until: UnixSeconds,
}

impl ClockReading {
    /// A reading of `now` by a server that has seen `high_water`.
    #[must_use]
    pub const fn new(now: UnixSeconds, high_water: UnixSeconds) -> Self {
        Self { now, high_water, void_until: UnixSeconds::EPOCH }
    }

    /// The same reading by a server whose clock was set back: what was opened before `until` is over for good, even when
    /// the clock catches up with it.
    #[must_use]
    pub const fn voided(self, until: UnixSeconds) -> Self {
        Self { void_until: until, ..self }
    }

    /// The first second whose openings count; the epoch for a clock that has never been set back.
    #[must_use]
    pub const fn void_until(self) -> UnixSeconds {
        self.void_until
    }

    /// The end of what is void by this reading alone: `None` unless the clock is further behind the highest time that
    /// was seen than clocks are when they are corrected.
    #[must_use]
    pub fn voids_until(self) -> Option<UnixSeconds> {
        let is_set_back = self.high_water.since(self.now).is_some_and(|behind| behind > TOLERANCE);
        is_set_back.then(|| self.high_water.plus(1))
    }

    /// What the clock shows, believable or not.
    #[must_use]
    pub const fn now(self) -> UnixSeconds {
        self.now
    }

    /// The time, unless the clock has gone backwards: then nothing counts as open.
    #[must_use]
    pub fn trusted(self) -> Option<UnixSeconds> {
        (self.now >= self.high_water && self.now >= self.void_until).then_some(self.now)
    }

    /// Whether `time` has come, by the clock or by the highest time that was seen: what has ended stays ended when the
    /// clock goes back.
    #[must_use]
    pub fn has_reached(self, time: UnixSeconds) -> bool {
        self.now >= time || self.high_water >= time
    }
}

/// How long an opening lasts: a service's setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    seconds: u32,
    lifetime: u32,
}

impl Window {
    /// A window of `seconds`. 0 means single use: the first check that answers 1 ends the opening, and unused it ends
    /// after `lifetime` seconds.
    #[must_use]
    pub const fn new(seconds: u32, lifetime: u32) -> Self {
        Self { seconds, lifetime }
    }

    /// The configured seconds; 0 is single use.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.seconds
    }

    /// Seconds after which an unused single-use opening ends.
    #[must_use]
    pub const fn lifetime(self) -> u32 {
        self.lifetime
    }

    /// Whether one check ends the opening.
    #[must_use]
    pub const fn is_single_use(self) -> bool {
        self.seconds == 0
    }

    /// Seconds that an opening lasts at most.
    #[must_use]
    pub const fn length(self) -> u32 {
        if self.is_single_use() { self.lifetime } else { self.seconds }
    }
}

/// The holder's own limit on an opening: the `win` field of the operation. 0 leaves it to the service, `n` caps the
/// opening at 2^n seconds.
#[must_use]
pub fn cap_of_win(win: u8) -> Option<u32> {
    (win != 0).then(|| 1_u32.checked_shl(u32::from(win)).unwrap_or(u32::MAX))
}

/// The witness that a world is open now. It can be made in one place only, [`World::opening`].
#[derive(Debug, PartialEq, Eq)]
pub struct Opening {
    until: UnixSeconds,
    single_use: bool,
}

impl Opening {
    /// The first second that is closed again.
    #[must_use]
    pub const fn until(&self) -> UnixSeconds {
        self.until
    }

    /// Whether telling a relying party about it ends it.
    #[must_use]
    pub const fn is_single_use(&self) -> bool {
        self.single_use
    }
}

/// Closed, or opened once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum World {
    /// Closed.
    #[default]
    Closed,
    /// Opened; whether that still holds is for [`World::opening`] to say.
    Opened {
        /// The second in which the opening was committed.
        at: UnixSeconds,
        /// Seconds that it lasts at most, fixed when it was opened.
        limit: u32,
        /// Whether one check ends it, fixed when it was opened.
        single_use: bool,
    },
}

impl World {
    /// A world opened `at` this second under the service's `window` and the holder's own `cap` in seconds.
    #[must_use]
    pub fn opened(at: UnixSeconds, window: Window, cap: Option<u32>) -> Self {
        let limit = cap.map_or(window.length(), |cap| cap.min(window.length()));
        Self::Opened { at, limit, single_use: window.is_single_use() }
    }

    /// The witness that this world is open: **the** constructor of status 1.
    ///
    /// The window in force is the smaller of what held at the opening and what the service says now, so that a service
    /// that shortens its window shortens what is open. A clock behind its high-water mark, or before the opening, and
    /// the second in which the window ends are closed. So is what was opened before the clock was set back: otherwise
    /// the rest of its window would come when the clock has caught up, hours later.
    #[must_use]
    pub fn opening(&self, window: Window, clock: ClockReading) -> Option<Opening> {
        let Self::Opened { at, limit, single_use } = *self else { return None };
        let age = clock.trusted()?.since(at)?;
        if at < clock.void_until {
            return None;
        }
        let limit = u64::from(limit.min(window.length()));
        (age < limit).then(|| Opening { until: at.plus(limit), single_use: single_use || window.is_single_use() })
    }

    /// When the opening of this world ends or ended under `window`; `None` for a closed world.
    #[must_use]
    pub fn ends_at(&self, window: Window) -> Option<UnixSeconds> {
        let Self::Opened { at, limit, .. } = *self else { return None };
        Some(at.plus(u64::from(limit.min(window.length()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: UnixSeconds = UnixSeconds::new(1_000);

    fn at(seconds: u64) -> ClockReading {
        ClockReading::new(UnixSeconds::new(seconds), T)
    }

    #[test]
    fn an_opening_ends_in_the_second_its_window_ends() {
        let window = Window::new(30, 60);
        let world = World::opened(T, window, None);
        assert_eq!(world.opening(window, at(1_000)).expect("open").until().get(), 1_030);
        assert!(world.opening(window, at(1_029)).is_some());
        assert!(world.opening(window, at(1_030)).is_none());
        assert!(world.opening(window, at(u64::MAX)).is_none());
        assert_eq!(world.ends_at(window), Some(UnixSeconds::new(1_030)));
    }

    #[test]
    fn a_closed_world_is_never_open() {
        for now in [0, 999, 1_000, 1_001, u64::MAX] {
            assert!(World::Closed.opening(Window::new(u32::MAX, u32::MAX), at(now)).is_none());
        }
    }

    #[test]
    fn a_clock_behind_the_high_water_mark_or_the_opening_is_closed() {
        let window = Window::new(30, 60);
        let world = World::opened(T, window, None);
        assert!(world.opening(window, ClockReading::new(T, UnixSeconds::new(1_001))).is_none());
        assert!(world.opening(window, ClockReading::new(UnixSeconds::new(999), UnixSeconds::EPOCH)).is_none());
        assert!(world.opening(window, ClockReading::new(T, T)).is_some());
    }

    #[test]
    fn what_was_opened_before_the_clock_was_set_back_stays_closed_when_the_clock_has_caught_up() {
        let (window, late) = (Window::new(30, 60), UnixSeconds::new(1_005));
        let reading = |now: u64, seen: u64| ClockReading::new(UnixSeconds::new(now), UnixSeconds::new(seen));
        assert_eq!(reading(998, 1_000).voids_until(), None, "clocks are corrected");
        assert_eq!(reading(1_001, 1_000).voids_until(), None);
        let void = reading(997, 1_000).voids_until().expect("set back");
        assert_eq!(void.get(), 1_001);
        let world = World::opened(T, window, None);
        assert!(world.opening(window, reading(1_005, 1_000)).is_some());
        assert!(world.opening(window, reading(1_005, 1_000).voided(void)).is_none());
        assert!(World::opened(late, window, None).opening(window, reading(1_005, 1_000).voided(void)).is_some());
        // The one second that is void and not before the mark can open nothing either.
        assert_eq!(reading(1_000, 1_000).voided(void).trusted(), None);
        assert_eq!(reading(1_001, 1_000).voided(void).trusted(), Some(void));
    }

    #[test]
    fn a_window_shortened_later_shortens_the_opening_and_one_lengthened_later_does_not() {
        let world = World::opened(T, Window::new(30, 60), None);
        assert!(world.opening(Window::new(10, 60), at(1_010)).is_none());
        assert!(world.opening(Window::new(300, 60), at(1_030)).is_none());
    }

    #[test]
    fn single_use_lasts_its_lifetime_and_stays_single_use_when_the_service_changes() {
        let single = Window::new(0, 60);
        let world = World::opened(T, single, None);
        assert!(world.opening(single, at(1_059)).expect("open").is_single_use());
        assert!(world.opening(single, at(1_060)).is_none());
        assert!(world.opening(Window::new(300, 60), at(1_000)).expect("open").is_single_use());
        let timed = World::opened(T, Window::new(300, 60), None);
        assert!(timed.opening(single, at(1_000)).expect("open").is_single_use());
    }

    #[test]
    fn the_holder_can_only_shorten() {
        assert_eq!(cap_of_win(0), None);
        assert_eq!(cap_of_win(1), Some(2));
        assert_eq!(cap_of_win(5), Some(32));
        assert_eq!(cap_of_win(31), Some(1 << 31));
        assert_eq!(cap_of_win(255), Some(u32::MAX));
        let window = Window::new(30, 60);
        assert_eq!(World::opened(T, window, cap_of_win(2)).ends_at(window), Some(UnixSeconds::new(1_004)));
        assert_eq!(World::opened(T, window, cap_of_win(9)).ends_at(window), Some(UnixSeconds::new(1_030)));
    }

    #[test]
    fn the_end_of_time_does_not_wrap() {
        let window = Window::new(u32::MAX, 60);
        let late = UnixSeconds::new(u64::MAX - 5);
        let world = World::opened(late, window, None);
        let opening = world.opening(window, ClockReading::new(UnixSeconds::new(u64::MAX), late)).expect("open");
        assert_eq!(opening.until().get(), u64::MAX);
    }
}
