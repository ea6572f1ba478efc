//! The biometric slot: beside PINs, where the service allows it.

use cardea_sdk::{BiometricKey, DeviceStatus, Invitation, NewPins, PinError, WalletError, Window};

use crate::world::{DURESS, PIN, WRONG, World, pin};

const KEY: [u8; 32] = [0xb1; 32];

fn key() -> BiometricKey {
    BiometricKey::new(KEY)
}

/// A wallet with one token, enrolled with a biometric key and `duress` PINs.
async fn enrolled(seed: u64, duress: &[&[u8]]) -> World {
    let world = World::new(seed).await;
    world.server.state().policy.biometric = true;
    let invitation = Invitation::from_text(&world.server.link()).unwrap();
    let pins = NewPins {
        duress: duress.iter().map(|digits| pin(digits)).collect(),
        biometric: Some(key()),
        ..NewPins::normal(pin(PIN))
    };
    world.wallet.enroll(&invitation, async |_| Ok(pins)).await.unwrap();
    world
}

fn is_rejected<T>(result: &Result<T, WalletError>) -> bool {
    matches!(result, Err(WalletError::PinRejected { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_biometric_key_approves_whatever_a_pin_does() {
    let world = enrolled(500, &[DURESS]).await;
    assert!(world.server.state().devices[0].info.biometric);
    let token = world.token().await;
    for _ in 0..2 {
        assert_eq!(token.open(key(), Window::Service).await.unwrap().state, DeviceStatus::Open);
    }
    assert_eq!(token.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
    assert_eq!(token.open(pin(DURESS), Window::Service).await.unwrap().state, DeviceStatus::Open);
    token.unenroll(key()).await.unwrap();
    assert!(world.wallet.tokens().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn another_biometric_key_counts_as_a_wrong_pin() {
    let world = enrolled(501, &[]).await;
    let token = world.token().await;
    let refused = token.open(BiometricKey::new([0xb2; 32]), Window::Service).await;
    assert!(matches!(refused, Err(WalletError::PinRejected { tries_left: 4 })));
    let refused = token.open(pin(WRONG), Window::Service).await;
    assert!(matches!(refused, Err(WalletError::PinRejected { tries_left: 3 })));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_want_it_is_not_bothered_with_it() {
    let world = World::new(502).await;
    let invitation = Invitation::from_text(&world.server.link()).unwrap();
    let pins = NewPins { biometric: Some(key()), ..NewPins::normal(pin(PIN)) };
    let refused = world.wallet.enroll(&invitation, async |_| Ok(pins)).await;
    assert!(matches!(refused, Err(WalletError::Pin(PinError::BiometricNotAllowed))));
    assert!(world.wallet.tokens().await.unwrap().is_empty());
    world.try_enroll().await.unwrap();
    let (token, sent) = (world.token().await, world.server.state().requests.len());
    let refused = token.open(key(), Window::Service).await;
    assert!(matches!(refused, Err(WalletError::Pin(PinError::BiometricNotAllowed))));
    let new = NewPins { biometric: Some(key()), ..NewPins::normal(pin(PIN)) };
    let refused = token.change_pin(pin(PIN), new).await;
    assert!(matches!(refused, Err(WalletError::Pin(PinError::BiometricNotAllowed))));
    assert_eq!(world.server.state().requests.len(), sent, "no try was used up");
}

#[tokio::test(start_paused = true)]
async fn three_duress_pins_leave_no_room_for_it() {
    let policy = cardea_sdk::Policy { biometric: true, ..World::new(503).await.server.state().policy };
    let pins = |duress: &[&[u8]]| NewPins {
        duress: duress.iter().map(|digits| pin(digits)).collect(),
        biometric: Some(key()),
        ..NewPins::normal(pin(PIN))
    };
    pins(&[DURESS, WRONG]).check(&policy).unwrap();
    let refused = pins(&[DURESS, WRONG, b"605172"]).check(&policy);
    assert!(matches!(refused, Err(WalletError::Pin(PinError::TooMany))));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_pins_brings_it_keeps_it_or_drops_it() {
    let world = enrolled(504, &[]).await;
    let token = world.token().await;
    let fresh = || BiometricKey::new([0xb3; 32]);
    // Another one, approved by the old one.
    let new = NewPins { biometric: Some(fresh()), ..NewPins::normal(pin(PIN)) };
    token.change_pin(key(), new).await.unwrap();
    assert!(is_rejected(&token.open(key(), Window::Service).await));
    token.open(fresh(), Window::Service).await.unwrap();
    // The same one beside another PIN.
    let new = NewPins { biometric: Some(fresh()), ..NewPins::normal(pin(WRONG)) };
    token.change_pin(pin(PIN), new).await.unwrap();
    token.open(fresh(), Window::Service).await.unwrap();
    token.open(pin(WRONG), Window::Service).await.unwrap();
    // None.
    token.change_pin(pin(WRONG), NewPins::normal(pin(PIN))).await.unwrap();
    assert!(is_rejected(&token.open(fresh(), Window::Service).await));
    token.open(pin(PIN), Window::Service).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn duress_pins_that_are_set_alone_replace_it() {
    let world = enrolled(505, &[]).await;
    let token = world.token().await;
    token.set_duress(pin(PIN), vec![pin(DURESS)]).await.unwrap();
    token.open(pin(DURESS), Window::Service).await.unwrap();
    assert!(is_rejected(&token.open(key(), Window::Service).await));
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_sent_has_the_key_in_it() {
    let world = enrolled(506, &[]).await;
    world.token().await.open(key(), Window::Service).await.unwrap();
    let state = world.server.state();
    assert!(state.requests.iter().all(|frame| !frame.windows(32).any(|bytes| bytes == KEY)));
    assert!(state.devices[0].keys.iter().all(|public| *public != KEY));
}
