//! Changing PINs.

use cardea_protocol::wire::Op;
use cardea_sdk::{DeviceStatus, EventKind, NewPins, PinError, WalletError, Window};

use crate::line::{Line, so_far};
use crate::server::{Fault, NOW};
use crate::world::{DURESS, PIN, WRONG, World, pin};

const NEW: &[u8] = b"605172";

#[tokio::test(start_paused = true)]
async fn a_changed_pin_opens_and_the_old_one_does_not() {
    let world = World::enrolled(300).await;
    let token = world.token().await;
    token.change_pin(pin(PIN), NewPins::normal(pin(NEW))).await.unwrap();
    assert!(matches!(token.open(pin(PIN), Window::Service).await, Err(WalletError::PinRejected { .. })));
    assert!(matches!(token.open(pin(DURESS), Window::Service).await, Err(WalletError::PinRejected { .. })));
    assert_eq!(token.open(pin(NEW), Window::Service).await.unwrap().state, DeviceStatus::Open);
}

#[tokio::test(start_paused = true)]
async fn duress_pins_are_set_beside_the_one_that_opens() {
    let world = World::enrolled(301).await;
    let token = world.token().await;
    token.set_duress(pin(PIN), vec![pin(NEW)]).await.unwrap();
    for digits in [PIN, NEW] {
        assert_eq!(token.open(pin(digits), Window::Service).await.unwrap().state, DeviceStatus::Open);
    }
    assert!(matches!(token.open(pin(DURESS), Window::Service).await, Err(WalletError::PinRejected { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_current_pin_changes_nothing_and_counts() {
    let world = World::enrolled(302).await;
    let token = world.token().await;
    let refused = token.change_pin(pin(WRONG), NewPins::normal(pin(NEW))).await;
    assert!(matches!(refused, Err(WalletError::PinRejected { tries_left: 4 })));
    assert_eq!(token.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
}

#[tokio::test(start_paused = true)]
async fn a_bad_new_pin_is_refused_before_anything_is_sent() {
    let world = World::enrolled(303).await;
    let token = world.token().await;
    let sent = world.server.state().requests.len();
    let refused = token.change_pin(pin(PIN), NewPins::normal(pin(b"111111"))).await;
    assert!(matches!(refused, Err(WalletError::Pin(PinError::TooCommon))));
    assert_eq!(world.server.state().requests.len(), sent);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_a_change_is_asked_for_and_the_change_made_once() {
    for (seed, fault) in [(304, Fault::LoseReply), (305, Fault::LoseRequest), (306, Fault::DamageReply)] {
        let world = World::enrolled(seed).await;
        let token = world.token().await;
        world.server.fault([Fault::None, fault.clone()]);
        token.change_pin(pin(PIN), NewPins::normal(pin(NEW))).await.unwrap();
        let changes = world.server.state().executed.iter().filter(|(op, _)| *op == Op::SetPins).count();
        assert_eq!(changes, 1, "{fault:?}");
        assert_eq!(token.open(pin(NEW), Window::Service).await.unwrap().state, DeviceStatus::Open, "{fault:?}");
    }
}

/// The network goes right after a change has left: nobody knows what became of it.
#[tokio::test(start_paused = true)]
async fn a_change_that_was_sent_is_not_told_as_never_sent() {
    for (seed, fault) in [(310, Fault::LoseReply), (311, Fault::LoseRequest)] {
        let world = World::enrolled(seed).await;
        let (wallet, line) = Line::wallet(&world).await;
        let token = wallet.tokens().await.unwrap().remove(0);
        let mut events = wallet.events();
        world.server.fault([Fault::None, fault.clone()]);
        let sent = world.server.state().requests.len();
        let change = token.change_pin(pin(PIN), NewPins::normal(pin(NEW)));
        let both_left = async {
            while world.server.state().requests.len() < sent + 2 {
                tokio::task::yield_now().await;
            }
        };
        let result = line.cut_after(both_left, change).await;
        assert!(matches!(result, Err(WalletError::NotConfirmed)), "{fault:?} {result:?}");
        assert_eq!(so_far(&mut events).await, [EventKind::NotConfirmed], "{fault:?}");
        // The next operation finds out; where the line is still cut, it has sent nothing itself.
        assert!(matches!(token.close().await, Err(WalletError::Offline(_))), "{fault:?}");
        line.set_up(true);
        let pin_now = if fault == Fault::LoseReply { NEW } else { PIN };
        assert_eq!(token.open(pin(pin_now), Window::Service).await.unwrap().state, DeviceStatus::Open, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_was_sent_twice_is_followed_by_another() {
    let world = World::enrolled(307).await;
    world.server.fault([Fault::LoseReply]);
    world.token().await.change_pin(pin(PIN), NewPins::normal(pin(NEW))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_made_up_for_in_a_session_too() {
    let world = World::enrolled(308).await;
    world.clock.set(u64::from(NOW) + 86_400);
    world.token().await.change_pin(pin(PIN), NewPins::normal(pin(NEW))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn wrong_pins_block_in_the_end_across_restarts() {
    let mut world = World::enrolled(309).await;
    for left in (0..5).rev() {
        let refused = world.token().await.open(pin(WRONG), Window::Service).await;
        assert!(matches!(refused, Err(WalletError::PinRejected { tries_left }) if tries_left == left));
        world.restart().await;
    }
    assert!(matches!(world.token().await.open(pin(PIN), Window::Service).await, Err(WalletError::Blocked { .. })));
}
