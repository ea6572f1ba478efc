use super::*;

const LIMITS: Limits = Limits { tries: 10, unblock_after: 0 };

fn key(number: u8) -> AttemptKey {
    [number; 32]
}

fn s(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds)
}

/// Counts and rejects one attempt, at the first second that is allowed.
fn fail(throttle: &mut Throttle, number: u8, now: u64) -> u64 {
    let now = now.max(throttle.wait_until().get());
    assert_eq!(throttle.count(key(number), s(now), LIMITS), Gate::Counted);
    throttle.reject(&key(number));
    now
}

#[test]
fn the_table_of_waits_holds_from_the_first_failure_to_the_block() {
    let mut throttle = Throttle::default();
    let mut now = 1_000;
    for (number, wait) in [(1, 0), (2, 0), (3, 0), (4, 0), (5, 30), (6, 60), (7, 300), (8, 900), (9, 3_600)] {
        now = fail(&mut throttle, number, now);
        assert_eq!(throttle.tries_left(s(now), LIMITS), 10 - number);
        if wait == 0 {
            assert!(throttle.wait_until() <= s(now));
        } else {
            assert_eq!(throttle.wait_until(), s(now + wait), "after failure {number}");
            let early = throttle.clone().count(key(99), s(now + wait - 1), LIMITS);
            assert_eq!(early, Gate::Wait { until: s(now + wait) });
        }
        assert!(!throttle.is_blocked(s(now), LIMITS));
    }
    now = fail(&mut throttle, 10, now);
    assert!(throttle.is_blocked(s(now), LIMITS));
    assert_eq!(throttle.tries_left(s(now), LIMITS), 0);
    assert_eq!(throttle.count(key(11), s(now + 1_000_000), LIMITS), Gate::Blocked);
}

#[test]
fn a_wait_counts_nothing() {
    let mut throttle = Throttle::default();
    for number in 1..=5 {
        fail(&mut throttle, number, 1_000);
    }
    let before = throttle.clone();
    assert_eq!(throttle.count(key(6), s(1_029), LIMITS), Gate::Wait { until: s(1_030) });
    assert_eq!(throttle, before);
}

#[test]
fn a_clock_that_goes_back_only_lengthens_the_wait() {
    let mut throttle = Throttle::default();
    for number in 1..=5 {
        fail(&mut throttle, number, 1_000);
    }
    assert_eq!(throttle.count(key(6), s(10), LIMITS), Gate::Wait { until: s(1_030) });
}

#[test]
fn the_identical_attempt_counts_once_and_is_verified_again_even_when_it_was_the_last() {
    let limits = Limits { tries: 1, unblock_after: 0 };
    let mut throttle = Throttle::default();
    for _ in 0..3 {
        assert_eq!(throttle.count(key(1), s(1), limits), Gate::Counted);
        assert_eq!(throttle.fails, 1);
    }
    assert!(throttle.is_pending(&key(1)));
    assert_eq!(throttle.count(key(2), s(1), limits), Gate::Blocked, "another guess is no retry");
}

#[test]
fn guesses_that_are_all_in_flight_at_once_are_all_counted() {
    let limits = Limits { tries: 3, unblock_after: 0 };
    let mut throttle = Throttle::default();
    let gates: Vec<Gate> = (0..8).map(|number| throttle.count(key(number), s(1), limits)).collect();
    assert_eq!(gates.iter().filter(|gate| **gate == Gate::Counted).count(), 3);
    assert_eq!(gates.iter().filter(|gate| **gate == Gate::Blocked).count(), 5);
}

#[test]
fn a_good_signature_starts_from_the_beginning() {
    let mut throttle = Throttle::default();
    for number in 1..=4 {
        fail(&mut throttle, number, 1_000);
    }
    assert_eq!(throttle.count(key(5), s(1_000), LIMITS), Gate::Counted);
    throttle.accept();
    assert_eq!(throttle, Throttle::default());
}

#[test]
fn a_refund_gives_back_one_count_and_never_a_free_guess() {
    let mut throttle = Throttle::default();
    fail(&mut throttle, 1, 1_000);
    assert_eq!(throttle.count(key(2), s(1_000), LIMITS), Gate::Counted);
    throttle.refund(&key(2));
    assert_eq!(throttle.fails, 1);
    throttle.refund(&key(2));
    assert_eq!(throttle.fails, 1, "only once");
    throttle.refund(&key(1));
    assert_eq!(throttle.fails, 1, "a judged failure is final");

    // The counter was reset and counts somebody else's failure by the time the refund comes.
    assert_eq!(throttle.count(key(3), s(1_000), LIMITS), Gate::Counted);
    throttle.accept();
    fail(&mut throttle, 4, 1_000);
    throttle.refund(&key(3));
    assert_eq!(throttle.fails, 1);
}

#[test]
fn the_services_unblock_time_starts_from_the_beginning() {
    let limits = Limits { tries: 2, unblock_after: 600 };
    let mut throttle = Throttle::default();
    for number in 1..=2 {
        assert_eq!(throttle.count(key(number), s(1_000), limits), Gate::Counted);
        throttle.reject(&key(number));
    }
    assert!(throttle.is_blocked(s(1_599), limits));
    assert!(throttle.is_blocked(s(0), limits), "a clock gone back does not unblock");
    assert_eq!(throttle.blocked_until(s(1_000), limits), Some(s(1_600)));
    assert_eq!(throttle.blocked_until(s(1_600), limits), None);
    assert!(!throttle.is_blocked(s(1_600), limits));
    assert_eq!(throttle.tries_left(s(1_600), limits), 2);
    assert_eq!(throttle.count(key(3), s(1_600), limits), Gate::Counted);
    assert_eq!(throttle.tries_left(s(1_600), limits), 1);
}

#[test]
fn a_limit_lowered_later_blocks_at_once() {
    let mut throttle = Throttle::default();
    for number in 1..=4 {
        fail(&mut throttle, number, 1_000);
    }
    assert!(throttle.is_blocked(s(1_000), Limits { tries: 3, unblock_after: 0 }));
}
