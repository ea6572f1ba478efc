//! The two-sample Kolmogorov-Smirnov test.

/// What the test says of two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The largest distance between the two empirical distribution functions.
    pub distance: f64,
    /// How probable a distance at least as large is when both samples come from one distribution.
    pub p: f64,
}

/// Compares two samples. The probability is asymptotic: good from some dozens of values on.
///
/// # Panics
/// One of the samples is empty.
#[must_use]
pub fn compare(first: &[u64], second: &[u64]) -> Comparison {
    assert!(!first.is_empty() && !second.is_empty(), "both samples need values");
    let (mut first, mut second) = (first.to_vec(), second.to_vec());
    first.sort_unstable();
    second.sort_unstable();
    let (n, m) = (count(first.len()), count(second.len()));
    let (mut i, mut j, mut distance) = (0, 0, 0.0_f64);
    while i < first.len() && j < second.len() {
        // Equal values count on both sides before the two functions are compared.
        let value = first[i].min(second[j]);
        i += first[i..].iter().take_while(|other| **other == value).count();
        j += second[j..].iter().take_while(|other| **other == value).count();
        distance = distance.max((count(i) / n - count(j) / m).abs());
    }
    let effective = (n * m / (n + m)).sqrt();
    let p = tail((effective + 0.12 + 0.11 / effective) * distance);
    Comparison { distance, p }
}

/// The probability that the supremum of a Brownian bridge's absolute value is above `x`: twice the alternating sum of
/// e^(-2 k² x²).
fn tail(x: f64) -> f64 {
    // Below this all terms are near 1 and the sum does not settle; the probability is 1 to nine digits.
    if x < 0.3 {
        return 1.0;
    }
    let term = |k: u32| (-2.0 * f64::from(k * k) * x * x).exp() * if k % 2 == 1 { 2.0 } else { -2.0 };
    (1..=40).map(term).sum::<f64>().clamp(0.0, 1.0)
}

fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).expect("samples are far smaller"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, from a linear congruence.
    fn noise(seed: u64, n: usize) -> Vec<u64> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 40
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn the_tail_has_its_textbook_values() {
        // The critical values of the table: 10 %, 5 %, 1 %, 0.1 %.
        for (x, p) in [(1.224, 0.1), (1.358, 0.05), (1.628, 0.01), (1.949, 0.001)] {
            assert!((tail(x) - p).abs() < p * 0.01, "{x}: {}", tail(x));
        }
        assert_eq!(tail(0.0), 1.0);
        assert!(tail(5.0) < 1e-20);
    }

    #[test]
    fn equal_samples_have_no_distance_and_disjoint_ones_the_whole() {
        let sample = noise(1, 500);
        assert_eq!(compare(&sample, &sample), Comparison { distance: 0.0, p: 1.0 });
        let above: Vec<u64> = sample.iter().map(|value| value + (1 << 30)).collect();
        let apart = compare(&sample, &above);
        assert_eq!(apart.distance, 1.0);
        assert!(apart.p < 1e-12);
    }

    #[test]
    fn ties_count_on_both_sides_at_once() {
        assert_eq!(compare(&[5, 5, 5], &[5, 5]).distance, 0.0);
        assert!((compare(&[1, 2, 3, 4], &[2, 4, 6, 8]).distance - 0.5).abs() < 1e-12);
    }

    #[test]
    fn one_distribution_passes_and_a_shift_of_some_percent_does_not() {
        let (first, second) = (noise(2, 10_000), noise(3, 10_000));
        assert!(compare(&first, &second).p > 0.01);
        let shifted: Vec<u64> = second.iter().map(|value| value + (1 << 24) / 25).collect();
        assert!(compare(&first, &shifted).p < 0.001);
    }
}
