//! Checks that are counted, and told.

use super::*;

const JOE: Id = [1; 16];
const JILL: Id = [2; 16];

fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds)
}

#[expect(clippy::disallowed_methods, reason = "any moment will do")]
fn start() -> (Arc<Checks>, Instant) {
    (Arc::default(), Instant::now())
}

#[test]
fn nothing_is_counted_where_nobody_listens() {
    let (checks, now) = start();
    checks.note(&JOE, at(5));
    let mut joe = checks.listen(JOE);
    checks.note(&JILL, at(5));
    assert!(checks.announce(now).is_empty());
    assert_eq!(joe.news(), None);
    assert_eq!(checks.read().len(), 1);
}

#[test]
fn the_first_check_is_told_at_once_and_the_next_ones_together_ten_seconds_later() {
    let (checks, now) = start();
    let mut joe = checks.listen(JOE);
    checks.note(&JOE, at(100));
    assert_eq!(checks.announce(now), [JOE]);
    assert_eq!((joe.news(), joe.news()), (Some((1, 100)), None));
    for second in 101..108 {
        checks.note(&JOE, at(second));
        assert!(checks.announce(now + Duration::from_secs(second - 100)).is_empty());
        assert_eq!(joe.news(), None);
    }
    assert_eq!(checks.announce(now + PACE), [JOE]);
    assert_eq!(joe.news(), Some((7, 107)));
    // And nothing when nothing more came.
    assert!(checks.announce(now + 3 * PACE).is_empty());
}

#[test]
fn every_session_is_told_what_came_since_it_listens() {
    let (checks, now) = start();
    let mut phone = checks.listen(JOE);
    checks.note(&JOE, at(1));
    let mut tablet = checks.listen(JOE);
    checks.note(&JOE, at(2));
    assert_eq!(checks.announce(now), [JOE]);
    assert_eq!((phone.news(), tablet.news()), (Some((2, 2)), Some((1, 2))));
    drop(phone);
    checks.note(&JOE, at(3));
    assert_eq!(checks.announce(now + PACE), [JOE]);
    assert_eq!(tablet.news(), Some((1, 3)));
}

#[test]
fn counts_end_with_the_last_session_and_begin_with_nothing() {
    let (checks, now) = start();
    let joe = checks.listen(JOE);
    checks.note(&JOE, at(1));
    drop(joe);
    assert!(checks.read().is_empty());
    assert_eq!(checks.listeners.load(Ordering::Relaxed), 0);
    let mut again = checks.listen(JOE);
    // It was fresh when its tally went.
    assert!(checks.announce(now).len() <= 1);
    assert_eq!(again.news(), None);
    checks.note(&JOE, at(2));
    checks.announce(now + PACE);
    assert_eq!(again.news(), Some((1, 2)));
}

#[test]
fn a_count_that_does_not_fit_is_as_high_as_it_can_be() {
    let (checks, now) = start();
    let mut joe = checks.listen(JOE);
    for _ in 0..=u16::MAX {
        checks.note(&JOE, at(9));
    }
    checks.note(&JOE, at(9));
    assert_eq!(checks.announce(now), [JOE]);
    assert_eq!(joe.news(), Some((u16::MAX, 9)));
}

#[test]
fn checks_on_many_threads_are_all_counted() {
    let (checks, now) = start();
    let mut joe = checks.listen(JOE);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1_000).for_each(|_| checks.note(&JOE, at(1))));
        }
    });
    assert_eq!(checks.announce(now), [JOE]);
    assert_eq!(joe.news(), Some((4_000, 1)));
}
