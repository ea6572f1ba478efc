//! Openings that end with the first answer 1.

use std::thread;

use cardea_tests::harness::Site;

const PIN: &str = Site::PIN;

#[test]
fn of_many_who_ask_at_once_exactly_one_is_told_that_it_is_open() {
    let mut site = Site::dev_with(&["--window", "0"]);
    let device = site.enrolled("joe");
    for round in 0..8 {
        device.open(PIN).ended(0);
        let answers: Vec<u8> = thread::scope(|scope| {
            let askers: Vec<_> = (0..24).map(|_| scope.spawn(|| site.status("joe"))).collect();
            askers.into_iter().map(|asker| asker.join().unwrap()).collect()
        });
        assert_eq!(answers.iter().filter(|status| **status == 1).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|status| [1, 2].contains(status)), "{answers:?}");
        if round % 3 == 0 {
            site.power_failure();
        }
        assert_eq!(site.status("joe"), 2);
    }
}

#[test]
fn an_answer_that_went_out_is_used_up_even_when_the_power_fails_with_it() {
    let mut site = Site::dev_with(&["--window", "0"]);
    let device = site.enrolled("joe");
    for _ in 0..10 {
        device.open(PIN).ended(0);
        site.power_failure();
        assert_eq!(site.status("joe"), 1, "an acknowledged opening is on the disk");
        site.power_failure();
        assert_eq!(site.status("joe"), 2, "and so is its end");
    }
}

#[test]
fn a_call_that_may_not_ask_uses_nothing_up() {
    let mut site = Site::dev_with(&["--window", "0"]);
    site.enrolled("joe").open(PIN).ended(0);
    let key = std::mem::replace(&mut site.status_key, "00000000000000000000".to_owned());
    assert_eq!(site.ask("joe").code, 403);
    site.status_key = key;
    assert_eq!(site.ask("joe&id=joe").code, 400);
    assert_eq!(site.status("joe"), 1);
    assert_eq!(site.status("joe"), 2);
}

#[test]
fn an_opening_that_nobody_uses_ends_by_itself() {
    let mut site = Site::dev_with(&["--window", "0"]);
    let device = site.enrolled("joe");
    device.open(PIN).ended(0);
    site.advance(60);
    assert_eq!(site.status("joe"), 2);
    device.open(PIN).ended(0);
    device.close().ended(0);
    assert_eq!(site.status("joe"), 2);
}
