//! How long to wait before the next try.

use std::time::Duration;

use cardea_protocol::crypto::Random as _;

use crate::env::Env;

/// The shortest and the longest pause.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
/// The pauses from which on they grow no more.
const DOUBLINGS: u32 = 9;

/// Pauses that double, each at random between half and all of its length, so that the devices that a server has lost at
/// one time do not come back at one time.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next pause.
    pub(super) fn next(&mut self, env: &Env) -> Duration {
        self.failures = self.failures.saturating_add(1).min(DOUBLINGS);
        let longest = (SHORTEST * (1 << self.failures)).min(LONGEST);
        between(env, longest / 2, longest)
    }

    /// Whether there was no pause since the last success.
    pub(super) const fn is_fresh(&self) -> bool {
        self.failures == 0
    }

    /// Success.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

/// A time between two, at random.
pub(super) fn between(env: &Env, least: Duration, most: Duration) -> Duration {
    let mut bytes = [0; 4];
    env.random().fill(&mut bytes);
    let part = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX);
    least + most.saturating_sub(least).mul_f64(part)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::env::{Entropy, SystemClock};

    /// The same byte for ever.
    #[derive(Debug)]
    struct Stuck(u8);

    impl Entropy for Stuck {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn env(byte: u8) -> Env {
        Env { clock: Arc::new(SystemClock), entropy: Arc::new(Stuck(byte)) }
    }

    #[test]
    fn pauses_double_from_a_second_to_five_minutes_and_chance_has_the_other_half() {
        let pauses = |byte| {
            let mut backoff = Backoff::default();
            (0..11).map(|_| backoff.next(&env(byte)).as_secs()).collect::<Vec<_>>()
        };
        assert_eq!(pauses(0), [1, 2, 4, 8, 16, 32, 64, 128, 150, 150, 150]);
        assert_eq!(pauses(0xff), [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert!((76..=79).contains(&between(&env(0x80), Duration::from_secs(56), Duration::from_secs(100)).as_secs()));
    }

    #[test]
    fn success_starts_again() {
        let (mut backoff, env) = (Backoff::default(), env(0));
        for _ in 0..5 {
            backoff.next(&env);
        }
        backoff.reset();
        assert_eq!(backoff.next(&env), SHORTEST);
    }
}
