//! What the SDK takes from its surroundings: the time and random bytes. The operating system's are here and nowhere
//! else; everything below takes an [`Env`].

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cardea_protocol::crypto::Random;
use tokio::time::Instant;

/// A source of wall-clock time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Unix seconds. It may jump: the SDK sends it as evidence and corrects itself by the server's clock.
    fn now(&self) -> u64;

    /// Seconds by a clock that goes on while the machine sleeps, to find out how much time has passed: [`Clock::now`], unless
    /// that stands still then, as one does that goes on monotonically between two readings.
    fn awake_or_not(&self) -> u64 {
        self.now()
    }
}

/// A source of cryptographically secure random bytes.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes`. A source that fails does not return.
    fn fill(&self, bytes: &mut [u8]);
}

/// The clock of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]
    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
    }
}

/// The generator of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    /// # Panics
    /// The operating system has no random bytes to give. Nothing can safely go on then.
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gives no random bytes: {error}");
        }
    }
}

/// Time and randomness of a wallet.
#[derive(Debug, Clone)]
pub struct Env {
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where random bytes come from.
    pub entropy: Arc<dyn Entropy>,
}

impl Env {
    /// Those of the operating system.
    #[must_use]
    pub fn os() -> Self {
        Self { clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy) }
    }

    /// The 32 bits of time that travel on the wire; the largest value after 2106.
    pub(crate) fn wire_time(&self) -> u32 {
        u32::try_from(self.clock.now()).unwrap_or(u32::MAX)
    }

    /// Begins to measure time.
    pub(crate) fn since(&self) -> Since {
        Since { watch: Stopwatch::start(), wall: self.clock.awake_or_not() }
    }

    /// Random bytes as the protocol core takes them.
    pub(crate) fn random(&self) -> CoreRandom {
        CoreRandom(Arc::clone(&self.entropy))
    }
}

impl Default for Env {
    fn default() -> Self {
        Self::os()
    }
}

/// [`Entropy`] for the protocol core.
#[derive(Debug)]
pub(crate) struct CoreRandom(Arc<dyn Entropy>);

impl Random for CoreRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

/// How long ago something was, by a clock that nobody can set. Stands still where tests pause time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "monotonic time for delays, as tokio's own timers take it")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Whole seconds since the start.
    pub(crate) fn seconds(self) -> u32 {
        u32::try_from(self.elapsed().as_secs()).unwrap_or(u32::MAX)
    }
}

/// How long ago something was, by two clocks: one that nobody can set, which stands still on most systems while the machine
/// sleeps, and one that goes on then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Since {
    watch: Stopwatch,
    wall: u64,
}

impl Since {
    /// By the clock that nobody can set.
    pub(crate) fn awake(self) -> Duration {
        self.watch.elapsed()
    }

    /// By the one that goes on. Nothing if it was set back.
    pub(crate) fn by_wall(self, env: &Env) -> Duration {
        Duration::from_secs(env.clock.awake_or_not().saturating_sub(self.wall))
    }
}

/// How long ago something was, by whichever of the two clocks went further. Steps back of the one that can be set do not
/// count, so that nothing is hidden behind one.
#[derive(Debug)]
pub(crate) struct Age {
    watch: Stopwatch,
    clock: Arc<dyn Clock>,
    last: AtomicU64,
    passed: AtomicU64,
}

impl Age {
    pub(crate) fn start(env: &Env) -> Self {
        let clock = Arc::clone(&env.clock);
        Self { watch: Stopwatch::start(), last: clock.awake_or_not().into(), passed: AtomicU64::new(0), clock }
    }

    /// Whole seconds.
    pub(crate) fn seconds(&self) -> u64 {
        let now = self.clock.awake_or_not();
        let step = now.saturating_sub(self.last.swap(now, Ordering::Relaxed));
        let by_wall = self.passed.fetch_add(step, Ordering::Relaxed).saturating_add(step);
        by_wall.max(self.watch.elapsed().as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Set(AtomicU64);

    impl Clock for Set {
        fn now(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    const NIGHT: u64 = 8 * 3_600;

    #[tokio::test(start_paused = true)]
    async fn the_age_is_that_of_the_clock_that_went_furthest_and_steps_back_hide_nothing() {
        let clock = Arc::new(Set(1_000.into()));
        let age = Age::start(&Env { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Env::os() });
        assert_eq!(age.seconds(), 0);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(age.seconds(), 5, "a clock that stands still");
        for (now, passed) in [(1_008, 8), (10, 8), (70, 68), (0, 68), (NIGHT, NIGHT + 68), (0, NIGHT + 68)] {
            clock.0.store(now, Ordering::Relaxed);
            assert_eq!(age.seconds(), passed, "{now}");
        }
    }
}
