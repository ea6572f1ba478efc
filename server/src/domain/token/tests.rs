use super::*;
use crate::domain::openness::Standing;

const DEVICE: DeviceId = DeviceId::new([1; 4]);
const OTHER: DeviceId = DeviceId::new([2; 4]);
const USABLE: &[Standing] = &[Standing::Usable];
const FACTS: DeviceFacts = DeviceFacts { enrolled: true, blocked: false };

fn s(seconds: u64) -> UnixSeconds {
    UnixSeconds::new(seconds)
}

fn clock(now: u64) -> ClockReading {
    ClockReading::new(s(now), s(now))
}

fn rules(window: u32, silent_alarm: bool) -> ServiceRules {
    ServiceRules { window: Window::new(window, 60), silent_alarm, ..ServiceRules::default() }
}

fn number(state: &TokenState, devices: &[Standing], rules: &ServiceRules, now: u64) -> u8 {
    state.openness().status(devices, rules, clock(now)).number()
}

fn told(state: &TokenState, rules: &ServiceRules, now: u64) -> u8 {
    state.device_status(FACTS, rules, clock(now)).0.number()
}

#[test]
fn a_token_is_closed_until_opened_and_closes_by_itself() {
    let rules = rules(30, false);
    let mut state = TokenState::default();
    assert_eq!(number(&state, &[], &rules, 100), 0);
    assert_eq!(number(&state, USABLE, &rules, 100), 2);
    state.open(s(100), rules.window, None);
    assert_eq!((number(&state, USABLE, &rules, 129), told(&state, &rules, 129)), (1, 1));
    assert_eq!((number(&state, USABLE, &rules, 130), told(&state, &rules, 130)), (2, 2));
}

#[test]
fn the_order_is_4_3_1_2_0() {
    let rules = rules(30, false);
    let mut state = TokenState::default();
    state.open(s(100), rules.window, None);
    assert_eq!(number(&state, &[Standing::Blocked, Standing::Usable], &rules, 100), 1, "one device can still be used");
    assert_eq!(number(&state, &[Standing::Blocked, Standing::Blocked], &rules, 100), 4);
    assert_eq!(number(&state, &[], &rules, 100), 0, "without a device nothing is open");
    state.enter_duress(s(100));
    assert_eq!(number(&state, USABLE, &rules, 100), 3, "3 before 1");
    assert_eq!(number(&state, &[Standing::Blocked], &rules, 100), 4, "4 before 3");
    assert_eq!(number(&state, &[], &rules, 100), 0);
    state.block(s(100));
    for devices in [&[][..], USABLE, &[Standing::Blocked]] {
        assert_eq!(number(&state, devices, &rules, 100), 4, "an administrator's block is before everything");
    }
}

#[test]
fn no_block_of_any_kind_ever_reports_open_and_lifting_it_leaves_the_token_closed() {
    let rules = rules(1_000, false);
    for block in [TokenState::block, TokenState::block_for_clone] {
        let mut state = TokenState::default();
        state.open(s(100), rules.window, None);
        block(&mut state, s(101));
        assert_eq!((number(&state, USABLE, &rules, 102), told(&state, &rules, 102)), (4, 4));
        state.unblock();
        state.replace_devices(s(101));
        assert_eq!((number(&state, USABLE, &rules, 104), told(&state, &rules, 104)), (2, 2));
    }
}

#[test]
fn an_administrator_does_not_lift_a_proved_clone() {
    let rules = rules(30, false);
    let mut state = TokenState::default();
    state.block_for_clone(s(100));
    state.unblock();
    assert_eq!(number(&state, USABLE, &rules, 101), 4);
    state.replace_devices(s(101));
    assert_eq!(number(&state, USABLE, &rules, 102), 2);
}

#[test]
fn duress_is_sticky_and_the_device_sees_an_ordinary_life() {
    let rules = rules(30, false);
    let (mut state, mut plain) = (TokenState::default(), TokenState::default());
    state.enter_duress(s(100));
    for (now, opens) in [(100, true), (105, false), (110, true), (150, true)] {
        for token in [&mut state, &mut plain] {
            if opens {
                token.open(s(now), rules.window, None);
            } else {
                token.close(Closer::Device(DEVICE), s(now));
            }
        }
        for later in [now, now + 29, now + 30] {
            assert_eq!(number(&state, USABLE, &rules, later), 3, "also after a close, also after the window");
            let seen = state.device_status(FACTS, &rules, clock(later));
            assert_eq!(seen, plain.device_status(FACTS, &rules, clock(later)));
        }
    }
}

#[test]
fn a_silent_alarm_answers_from_the_shadow() {
    let rules = rules(30, true);
    let mut state = TokenState::default();
    state.enter_duress(s(100));
    assert_eq!(number(&state, USABLE, &rules, 100), 2);
    state.open(s(100), rules.window, None);
    assert_eq!(number(&state, USABLE, &rules, 129), 1);
    assert_eq!(number(&state, USABLE, &rules, 130), 2);
    assert_eq!(state.openness().real, World::Closed, "nothing is open in truth");
}

#[test]
fn a_forced_close_does_not_clear_duress_and_clearing_it_closes() {
    let rules = rules(30, false);
    let mut state = TokenState::default();
    state.enter_duress(s(100));
    state.open(s(100), rules.window, None);
    state.close(Closer::Administrator, s(101));
    assert_eq!((number(&state, USABLE, &rules, 101), told(&state, &rules, 101)), (3, 2));
    state.open(s(102), rules.window, None);
    state.clear_duress(s(103));
    assert_eq!((number(&state, USABLE, &rules, 103), told(&state, &rules, 103)), (2, 2));
    state.open(s(104), rules.window, None);
    assert_eq!((number(&state, USABLE, &rules, 104), told(&state, &rules, 104)), (1, 1));
}

#[test]
fn an_opening_from_before_duress_does_not_stay_open_in_truth() {
    let rules = rules(30, false);
    let mut state = TokenState::default();
    state.open(s(100), rules.window, None);
    state.enter_duress(s(101));
    assert_eq!((number(&state, USABLE, &rules, 101), told(&state, &rules, 101)), (3, 1));
    assert_eq!(state.openness().real, World::Closed);
}

#[test]
fn a_check_ends_a_single_use_opening_in_every_world() {
    for (duress, silent, first) in [(false, false, 1), (false, true, 1), (true, true, 1), (true, false, 3)] {
        let rules = rules(0, silent);
        let mut state = TokenState::default();
        if duress {
            state.enter_duress(s(99));
        }
        state.open(s(100), rules.window, None);
        assert_eq!(number(&state, USABLE, &rules, 100), first);
        assert!(state.openness().is_consumed_by_check(&rules, clock(100)));
        state.consume();
        assert!(!state.openness().is_consumed_by_check(&rules, clock(100)));
        assert_eq!(told(&state, &rules, 100), 2, "the device sees no difference");
        assert_ne!(number(&state, USABLE, &rules, 100), 1);
    }
}

#[test]
fn the_last_close_by_somebody_else_is_remembered_past_closes_of_ones_own() {
    let mut state = TokenState::default();
    assert_eq!(state.closed_by_other_than(DEVICE), UnixSeconds::EPOCH);
    state.close(Closer::Device(OTHER), s(100));
    state.close(Closer::Device(DEVICE), s(110));
    state.close(Closer::Device(DEVICE), s(120));
    assert_eq!(state.closed_by_other_than(DEVICE), s(100));
    assert_eq!(state.closed_by_other_than(OTHER), s(120));
    state.close(Closer::Administrator, s(130));
    assert_eq!(state.closed_by_other_than(DEVICE), s(130));
    assert_eq!(state.closed_by_other_than(OTHER), s(130));
}

#[test]
fn a_device_that_is_gone_or_blocked_is_told_so() {
    let rules = rules(30, false);
    let mut state = TokenState::default();
    state.open(s(100), rules.window, None);
    let gone = DeviceFacts { enrolled: false, blocked: false };
    let blocked = DeviceFacts { enrolled: true, blocked: true };
    assert_eq!(state.device_status(gone, &rules, clock(100)).0, DeviceStatus::NotEnrolled);
    assert_eq!(state.device_status(blocked, &rules, clock(100)).0, DeviceStatus::Blocked);
}

#[test]
fn a_device_may_open_in_the_second_in_which_it_was_enrolled_or_unblocked() {
    let mut state = TokenState::default();
    state.block_for_clone(s(100));
    state.replace_devices(s(101));
    state.unblock();
    assert_eq!(state.closed_by_other_than(DEVICE), UnixSeconds::EPOCH);
}
