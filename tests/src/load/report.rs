//! What was measured, and whether it is good enough.

use std::fmt;

/// One line of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    what: String,
    figure: String,
    passed: Option<bool>,
}

impl Line {
    /// A figure that nothing is required of.
    #[must_use]
    pub fn said(what: &str, figure: impl Into<String>) -> Self {
        Self { what: what.to_owned(), figure: figure.into(), passed: None }
    }

    /// A ratio that has to be at most `limit`.
    #[must_use]
    pub fn at_most(what: &str, ratio: f64, limit: f64) -> Self {
        let figure = format!("{ratio:.2} (required: at most {limit})");
        Self { what: what.to_owned(), figure, passed: Some(ratio <= limit) }
    }

    /// A ratio that has to be at least `limit`.
    #[must_use]
    pub fn at_least(what: &str, ratio: f64, limit: f64) -> Self {
        let figure = format!("{ratio:.2} (required: at least {limit})");
        Self { what: what.to_owned(), figure, passed: Some(ratio >= limit) }
    }

    /// Whether a requirement was missed.
    #[must_use]
    pub fn is_missed(&self) -> bool {
        self.passed == Some(false)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.passed {
            None => "",
            Some(true) => "  ok",
            Some(false) => "  MISSED",
        };
        write!(f, "{:<58} {}{mark}", self.what, self.figure)
    }
}

/// A sorted sample of times in nanoseconds.
#[derive(Debug, Clone)]
pub(super) struct Sample(Vec<u64>);

impl Sample {
    pub(super) fn new(mut times: Vec<u64>) -> Self {
        assert!(!times.is_empty(), "something must have been measured");
        times.sort_unstable();
        Self(times)
    }

    /// The time that `percent` percent of the sample stay below, in microseconds.
    pub(super) fn percentile(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent / 100).min(self.0.len() - 1);
        number(self.0[at]) / 1_000.0
    }

    /// All of these together.
    pub(super) fn merged(samples: impl IntoIterator<Item = Self>) -> Self {
        Self::new(samples.into_iter().flat_map(|sample| sample.0).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The middle one of an odd number of values.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A count or a time as a number to divide with.
pub(super) fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_requirement_is_one_in_both_directions() {
        assert!(Line::at_most("x", 2.1, 2.0).is_missed());
        assert!(!Line::at_most("x", 2.0, 2.0).is_missed());
        assert!(Line::at_least("x", 0.7, 0.8).is_missed());
        assert!(!Line::said("x", "1").is_missed());
    }

    #[test]
    fn percentiles_are_values_of_the_sample() {
        let sample = Sample::new((1..=1_000).rev().map(|value| value * 1_000).collect());
        assert_eq!((sample.percentile(50), sample.percentile(99), sample.percentile(100)), (501.0, 991.0, 1_000.0));
    }
}
