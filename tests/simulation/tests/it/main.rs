//! The simulation: nothing is violated, everything is exercised, every broken rule is noticed.

use cardea_simulation::{CONFIGURATIONS, Mutation, configuration, examine, find, is_real, run, simulate};

/// Schedules in a test run, spread over all configurations.
const SCHEDULES: u64 = 10_000;
/// Schedules within which a broken rule must show.
const PATIENCE: u64 = 3_000;

#[test]
fn ten_thousand_schedules_violate_nothing_and_exercise_everything() {
    let totals = simulate(SCHEDULES, 1, None);
    println!("{totals}");
    assert_eq!(totals.failed, 0, "{totals}");
    assert_eq!(totals.schedules, SCHEDULES);
    assert!(totals.real >= SCHEDULES / 200, "too few on real primitives: {}", totals.real);
    let seen = totals.seen;
    for (what, times) in [
        ("operations", seen.executed),
        ("stale operations", seen.stale),
        ("wrong pins", seen.wrong),
        ("recovered outcomes", seen.recovered),
        ("buried attempts", seen.buried),
        ("repeated replies", seen.repeated),
        ("lost races", seen.lost),
        ("resyncs", seen.resynced),
        ("clones found", seen.detected),
        ("messages of thieves", seen.stolen),
        ("checks of an open token", seen.open),
        ("restores", seen.restored),
        ("approvals", seen.approved),
        ("denials", seen.denied),
        ("approvals under duress", seen.forced),
    ] {
        assert!(times >= 100, "too few {what}: {times}");
    }
}

#[test]
fn a_seed_is_a_schedule_byte_for_byte() {
    for (seed, config) in (1_000..).zip(CONFIGURATIONS) {
        let (first, second) = (run(config, None, seed, true), run(config, None, seed, true));
        assert_eq!(first.digest, second.digest, "{}", config.name);
        assert_eq!(first.trace, second.trace, "{}", config.name);
        // Looking at it changes nothing.
        assert_eq!(first.digest, run(config, None, seed, false).digest, "{}", config.name);
        assert_ne!(first.digest, run(config, None, seed + 1, false).digest, "{}", config.name);
    }
}

#[test]
fn the_stand_in_and_the_real_primitives_both_run() {
    assert!((1..500).any(is_real));
    assert!((1..500).any(|seed| !is_real(seed)));
}

#[test]
fn every_broken_rule_is_noticed() {
    let mut missed = Vec::new();
    for (mutation, name) in Mutation::ALL {
        let config = configuration(name).expect("a configuration of this name");
        match find(config, *mutation, PATIENCE) {
            Some(failure) => {
                println!("{mutation:?} shows in {name} with seed {}: {}", failure.seed, failure.violation.rule);
            }
            None => missed.push((mutation, name)),
        }
    }
    assert!(missed.is_empty(), "these broken rules were not noticed: {missed:?}");
}

#[test]
fn a_failure_names_the_seed_that_replays_it_and_the_shortest_trace() {
    let config = configuration("delay").expect("a configuration of this name");
    let failure = find(config, Mutation::NoFreshness, PATIENCE).expect("found");
    let text = failure.to_string();
    assert!(text.contains(&format!("cargo xtask simulate --seed {} --config delay", failure.seed)), "{text}");
    let again = examine(config, Some(Mutation::NoFreshness), failure.seed).expect_err("fails again");
    assert_eq!(again.to_string(), text);
    let whole = run(config, Some(Mutation::NoFreshness), failure.seed, true);
    assert_eq!(whole.violation.as_ref().map(|violation| violation.rule), Some(failure.violation.rule));
    assert!(failure.trace.lines().count() <= whole.trace.lines().count());
}

/// Schedules that once broke a rule.
mod regressions {
    use super::*;

    fn holds(seed: u64, name: &str) {
        let config = configuration(name).expect("a configuration of this name");
        if let Err(failure) = examine(config, None, seed) {
            panic!("{failure}");
        }
    }

    /// A thief who copied the record while a RECOVER was outstanding declared that RECOVER as an attempt: the original's
    /// own was dropped unopened from then on, and the device was never served again, nor the thief found.
    #[test]
    fn a_recover_cannot_be_buried_by_a_thief() {
        for (seed, name) in [(389, "clone"), (895, "cloneOC"), (185, "nodesW"), (1_454, "mix")] {
            holds(seed, name);
        }
    }
}
