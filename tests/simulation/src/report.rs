//! Many schedules, and what came of them.

use std::fmt;

use super::config::{CONFIGURATIONS, Config, Mutation};
use super::ghost::Seen;
use super::schedule::{Failure, examine, is_real, run};

/// What many schedules came to.
#[derive(Debug, Default)]
pub struct Totals {
    /// How many were run.
    pub schedules: u64,
    /// How many of them on real primitives.
    pub real: u64,
    /// What was seen in them.
    pub seen: Seen,
    /// The first failures, at most ten.
    pub failures: Vec<Failure>,
    /// All failures.
    pub failed: u64,
}

/// The configuration of this name.
#[must_use]
pub fn configuration(name: &str) -> Option<&'static Config> {
    CONFIGURATIONS.iter().find(|config| config.name == name)
}

/// Runs `schedules` schedules from `seed` on, each seed in the configuration `only` or in the one whose turn it is.
#[must_use]
pub fn simulate(schedules: u64, seed: u64, only: Option<&'static Config>) -> Totals {
    let mut totals = Totals::default();
    for seed in (seed..).take(usize::try_from(schedules).unwrap_or(usize::MAX)) {
        let turn = usize::try_from(seed % CONFIGURATIONS.len() as u64).unwrap_or(0);
        let config = only.unwrap_or(&CONFIGURATIONS[turn]);
        totals.schedules += 1;
        totals.real += u64::from(is_real(seed));
        let outcome = run(config, None, seed, false);
        totals.seen.add(&outcome.seen);
        if outcome.violation.is_some() {
            totals.failed += 1;
            if totals.failures.len() < 10 {
                totals.failures.extend(examine(config, None, seed).err().map(|failure| *failure));
            }
        }
    }
    totals
}

/// Looks for the first of `schedules` schedules in which it shows that `broken` is broken; `None` if it never does.
#[must_use]
pub fn find(config: &'static Config, broken: Mutation, schedules: u64) -> Option<Box<Failure>> {
    (1..=schedules).find_map(|seed| examine(config, Some(broken), seed).err())
}

impl Totals {
    /// Adds what another run came to.
    pub fn add(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.real += other.real;
        self.seen.add(&other.seen);
        self.failed += other.failed;
        self.failures.extend(other.failures);
        self.failures.truncate(10);
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.violation.rule, self.violation.detail)?;
        writeln!(f, "replay: cargo xtask simulate --seed {} --config {}", self.seed, self.config)?;
        f.write_str(&self.trace)
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        writeln!(
            f,
            "{} schedules in {} configurations, {} of them on real primitives: {} violations",
            self.schedules,
            CONFIGURATIONS.len(),
            self.real,
            self.failed
        )?;
        write!(f, "{:?}", self.seen)
    }
}
