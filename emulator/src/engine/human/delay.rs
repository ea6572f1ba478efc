//! How long people take.

use std::f64::consts::TAU;
use std::time::Duration;

use cardea_sdk::Entropy;

/// Nobody takes longer: it would look as if nothing happened at all.
const LONGEST: Duration = Duration::from_secs(3_600);

/// How long something takes: always the same, or as chance has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    /// So long.
    Fixed(Duration),
    /// Anything from the first to the second, each as likely.
    Between(Duration, Duration),
    /// As people do: half of them are faster than the median, and a few take far longer.
    LogNormal {
        /// The middle.
        median: Duration,
        /// The standard deviation of the logarithm: 0.3 for somebody who pays attention, 1 for everybody.
        sigma: f64,
    },
}

impl Default for Delay {
    fn default() -> Self {
        Self::Fixed(Duration::ZERO)
    }
}

impl Delay {
    /// Whether somebody can be so: no time is longer than an hour, none ends before it begins, and the deviation is from 0 to 10.
    #[must_use]
    pub fn is_possible(self) -> bool {
        match self {
            Self::Fixed(time) => time <= LONGEST,
            Self::Between(least, most) => least <= most && most <= LONGEST,
            Self::LogNormal { median, sigma } => median <= LONGEST && (0.0..=10.0).contains(&sigma),
        }
    }

    /// One of them, an hour at most.
    pub(super) fn draw(self, random: &dyn Entropy) -> Duration {
        let drawn = match self {
            Self::Fixed(time) => time,
            Self::Between(least, most) => least + most.saturating_sub(least).mul_f64(uniform(random)),
            Self::LogNormal { median, sigma } => {
                // Box and Muller.
                let normal =
                    (-2.0 * uniform(random).max(f64::MIN_POSITIVE).ln()).sqrt() * (TAU * uniform(random)).cos();
                let seconds = median.as_secs_f64() * (sigma * normal).exp();
                Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST)
            }
        };
        drawn.min(LONGEST)
    }
}

/// From 0 to just below 1.
fn uniform(random: &dyn Entropy) -> f64 {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Seed;

    fn drawn(delay: Delay) -> Vec<Duration> {
        let random = Seed::new(1).stream("delays");
        let mut all: Vec<_> = (0..1_001).map(|_| delay.draw(&random)).collect();
        all.sort();
        all
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn delays_are_as_they_were_asked_for() {
        assert_eq!(drawn(Delay::default()), [Duration::ZERO; 1_001]);
        let between = drawn(Delay::Between(SECOND, 3 * SECOND));
        assert!(between[0] >= SECOND && between[1_000] < 3 * SECOND);
        assert!((1_900..2_100).contains(&between[500].as_millis()), "{:?}", between[500]);
        let people = drawn(Delay::LogNormal { median: SECOND, sigma: 0.5 });
        assert!((900..1_100).contains(&people[500].as_millis()), "{:?}", people[500]);
        // A sixth is more than one standard deviation above.
        assert!((1_500..1_800).contains(&people[841].as_millis()), "{:?}", people[841]);
        assert!(people[1_000] > 3 * SECOND);
    }

    #[test]
    fn nonsense_ends_within_an_hour() {
        for delay in [
            Delay::Fixed(Duration::MAX),
            Delay::Between(3 * SECOND, SECOND),
            Delay::LogNormal { median: SECOND, sigma: f64::NAN },
            Delay::LogNormal { median: Duration::MAX, sigma: 1e9 },
            Delay::LogNormal { median: SECOND, sigma: -1.0 },
        ] {
            assert!(drawn(delay)[1_000] <= LONGEST, "{delay:?}");
        }
    }
}
