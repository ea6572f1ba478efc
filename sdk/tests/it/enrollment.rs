//! Enrolling, and everything that can happen on the way.

use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::token::ShortString;
use cardea_sdk::{DeviceStatus, Event, EventKind, Invitation, NewPins, Pin, PinError, Wallet, WalletError, Window};

use crate::line::Line;
use crate::server::Fault;
use crate::world::{PIN, World, paused_now, pin, pins};

#[tokio::test(start_paused = true)]
async fn a_link_becomes_a_token_that_opens_and_closes() {
    let world = World::new(1).await;
    let mut events = world.wallet.events();
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    assert_eq!(invitation.to_string(), "id.example:8421");
    let enrolled = world.try_enroll().await.unwrap();
    let (digits, required) = enrolled.short_string.unwrap();
    assert!(digits.len() == 6 && !required);
    assert!(world.server.state().devices[0].info.emulated);

    let token = world.token().await;
    let summary = token.summary().await.unwrap();
    assert!(summary.confirmed && !summary.pending);
    assert_eq!((summary.details.host.as_str(), summary.details.port), ("id.example", 8421));
    assert_eq!(token.status().await.unwrap().state, DeviceStatus::Closed);
    let status = token.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!((status.state, status.remaining), (DeviceStatus::Open, Some(Duration::from_secs(60))));
    assert_eq!(token.close().await.unwrap().state, DeviceStatus::Closed);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let Some(Event::Token { kind, .. }) = events.next().await else { panic!("no event") };
        seen.push(kind);
    }
    assert_eq!(seen, [EventKind::Enrolled, EventKind::Closed, EventKind::Opened, EventKind::Closed]);
}

#[tokio::test(start_paused = true)]
async fn the_holder_may_take_as_long_as_he_needs_to_choose() {
    let world = World::new(2).await;
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    let choose = async |_| {
        let thinking = std::future::pending::<()>();
        let _ = tokio::time::timeout(Duration::from_secs(3600), thinking).await;
        Ok(pins())
    };
    world.wallet.enroll(&invitation, choose).await.unwrap();
    assert!(world.token().await.summary().await.unwrap().confirmed);
}

#[tokio::test(start_paused = true)]
async fn giving_up_while_choosing_leaves_nothing() {
    let world = World::new(3).await;
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    let refused = world.wallet.enroll(&invitation, async |_| Err(WalletError::Cancelled)).await;
    assert!(matches!(refused, Err(WalletError::Cancelled)));
    assert!(world.wallet.tokens().await.unwrap().is_empty());
    assert!(!world.server.state().code_used);
    world.try_enroll().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pins_are_held_to_the_policy_before_anything_is_sent() {
    let world = World::new(4).await;
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    let too_long = async |policy: cardea_sdk::Policy| {
        assert_eq!((policy.pin_min, policy.pin_max), (6, 8));
        Ok(NewPins::normal(Pin::new(b"274951836")?))
    };
    let refused = world.wallet.enroll(&invitation, too_long).await;
    assert!(matches!(refused, Err(WalletError::Pin(PinError::Length { min: 6, max: 8 }))));
    let close = async |_| Ok(NewPins { normal: pin(PIN), duress: vec![pin(b"274952")], biometric: None });
    assert!(matches!(world.wallet.enroll(&invitation, close).await, Err(WalletError::Pin(PinError::TooClose))));
    assert!(world.wallet.tokens().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn cheap_hashing_is_refused_unless_the_wallet_was_built_for_it() {
    let world = World::new(5).await;
    let builder = Wallet::builder().connector(std::sync::Arc::new(world.connector.clone())).env(world.env.clone());
    let strict = builder.open().await.unwrap();
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    let refused = strict.enroll(&invitation, async |_| Ok(pins())).await;
    assert!(matches!(refused, Err(WalletError::TestArgon2)));
    // Neither does it use a token that another program enrolled so.
    world.try_enroll().await.unwrap();
    let builder = Wallet::builder().store(std::sync::Arc::clone(&world.store)).recover_in_background(false);
    let strict = builder.connector(std::sync::Arc::new(world.connector.clone())).open().await.unwrap();
    let token = strict.tokens().await.unwrap().remove(0);
    assert!(matches!(token.open(pin(PIN), Window::Service).await, Err(WalletError::TestArgon2)));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_or_used_code_is_said_to_be_so() {
    let world = World::enrolled(6).await;
    assert!(matches!(world.try_enroll().await, Err(WalletError::CodeUsed)));
    assert_eq!(world.wallet.tokens().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_has_not_said_that_the_link_is_used() {
    for fault in [Fault::LoseRequest, Fault::Swallow] {
        let world = World::new(17).await;
        let invitation = Invitation::from_link(&world.server.link()).unwrap();
        world.server.fault([fault.clone(), fault]);
        assert!(matches!(world.wallet.policy(&invitation).await, Err(WalletError::Offline(_))));
        assert!(matches!(world.try_enroll().await, Err(WalletError::Offline(_))));
        assert!(world.wallet.tokens().await.unwrap().is_empty());
        world.wallet.policy(&invitation).await.unwrap();
        world.try_enroll().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_receipt_is_made_up_for_by_asking() {
    for (seed, fault) in [(7, Fault::LoseReply), (8, Fault::DamageReply)] {
        let world = World::new(seed).await;
        world.server.fault([Fault::None, Fault::None, fault]);
        let is_required = seed == 8;
        if is_required {
            world.server.state().policy.short_string = ShortString::Required;
        }
        let enrolled = world.try_enroll().await.unwrap();
        // The digits went with the receipt. What the service insists on did not.
        assert_eq!((enrolled.short_string, enrolled.short_string_required), (None, is_required));
        let summary = world.token().await.summary().await.unwrap();
        assert!(summary.confirmed);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_never_arrived_are_not_confirmed_and_the_link_still_works() {
    let world = World::new(9).await;
    world.server.fault([Fault::None, Fault::None, Fault::LoseRequest]);
    assert!(matches!(world.try_enroll().await, Err(WalletError::NotConfirmed)));
    let leftover = world.token().await;
    assert!(!leftover.summary().await.unwrap().confirmed);
    let before = paused_now();
    assert!(matches!(leftover.status().await, Err(WalletError::Refused(Code::UnknownHint))));
    assert!(before.elapsed() < Duration::from_secs(10));
    // The second try enrolls, and takes the place of what was left of the first.
    let enrolled = world.try_enroll().await.unwrap();
    assert_eq!(enrolled.token.key(), leftover.key());
    assert!(world.token().await.summary().await.unwrap().confirmed);
    world.token().await.open(pin(PIN), Window::Service).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_enrollment_that_was_dropped_after_it_was_sent_is_settled_in_the_background() {
    let mut world = World::new(10).await;
    world.server.fault([Fault::None, Fault::None, Fault::LoseReply]);
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    tokio::select! {
        biased;
        _ = world.wallet.enroll(&invitation, async |_| Ok(pins())) => panic!("the answer was lost"),
        () = async { while !world.server.state().code_used { tokio::task::yield_now().await } } => {}
    }
    assert!(!world.token().await.summary().await.unwrap().confirmed);
    world.restart_in_background().await;
    let mut events = world.wallet.events();
    assert!(matches!(events.next().await, Some(Event::Token { kind: EventKind::Closed, .. })));
    assert!(world.token().await.summary().await.unwrap().confirmed);
}

#[tokio::test(start_paused = true)]
async fn a_forged_refusal_removes_nothing() {
    let world = World::new(11).await;
    world.server.fault([Fault::None, Fault::None, Fault::Forge(Code::CodeUsed)]);
    assert!(matches!(world.try_enroll().await, Err(WalletError::CodeUsed)));
    assert_eq!(world.wallet.tokens().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_the_server_itself_says_so_and_leaves_nothing() {
    for (seed, code) in [(18, Code::Policy), (19, Code::CodeUsed)] {
        let world = World::new(seed).await;
        world.server.state().refuse = Some(code);
        let error = world.try_enroll().await.unwrap_err();
        assert_eq!(error.code(), u32::from(code.number()));
        assert!(world.wallet.tokens().await.unwrap().is_empty());
        assert!(world.server.state().devices.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn no_connection_is_open_while_pins_are_chosen_and_hashed() {
    let world = World::new(20).await;
    let (wallet, line) = Line::wallet(&world).await;
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    let choose = async |_| {
        assert_eq!((line.tries(), line.in_use()), (1, 0));
        Ok(pins())
    };
    wallet.enroll(&invitation, choose).await.unwrap();
    assert_eq!((line.tries(), line.in_use()), (2, 0));
    let lengths: Vec<usize> = world.server.state().requests.iter().map(Vec::len).collect();
    assert_eq!(lengths, [58, 58, 560]);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_asks_something_else_after_the_choice_gets_no_keys() {
    let world = World::new(21).await;
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    let choose = async |_| {
        world.server.state().policy.duress = false;
        Ok(pins())
    };
    let changed = world.wallet.enroll(&invitation, choose).await;
    assert!(matches!(changed, Err(WalletError::Refused(Code::Internal))));
    assert!(world.wallet.tokens().await.unwrap().is_empty());
    assert!(world.server.state().requests.iter().all(|request| request.len() < 560));
}

#[tokio::test(start_paused = true)]
async fn an_enrollment_ends_although_somebody_keeps_the_lease() {
    let world = World::new(22).await;
    world.server.fault([Fault::None, Fault::None, Fault::LoseRequest]);
    assert!(matches!(world.try_enroll().await, Err(WalletError::NotConfirmed)));
    let leftover = world.token().await.key();
    let lease = world.store.try_lease(&leftover).unwrap().unwrap();
    let before = paused_now();
    // Nothing was sent.
    assert!(matches!(world.try_enroll().await, Err(WalletError::Busy)));
    assert_eq!(before.elapsed(), Duration::from_secs(60));
    drop(lease);
    world.try_enroll().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn two_enrollments_beside_each_other_do_not_remove_each_other() {
    let world = World::new(23).await;
    // The answer to the first one's keys is lost, and so is its first question after it.
    world.server.fault([Fault::None, Fault::None, Fault::LoseReply, Fault::LoseRequest]);
    let second = async {
        while world.server.state().requests.len() < 4 {
            tokio::task::yield_now().await;
        }
        world.server.state().code_used = false;
        world.try_enroll().await
    };
    let added = async {
        while world.server.state().devices.len() < 2 {
            tokio::task::yield_now().await;
        }
        // The second one was to be another device of the token, and not to take the place of the first.
        world.server.state().devices.iter_mut().for_each(|device| device.row.revoked = false);
    };
    let (first, second, ()) = tokio::join!(world.try_enroll(), second, added);
    let mut both = [first.unwrap().token.key(), second.unwrap().token.key()];
    both.sort_unstable();
    let left: Vec<_> = world.wallet.tokens().await.unwrap().iter().map(cardea_sdk::Token::key).collect();
    assert_eq!(left, both);
}

#[tokio::test(start_paused = true)]
async fn enrolling_again_replaces_the_old_device_once_the_new_one_is_confirmed() {
    let world = World::enrolled(12).await;
    let old = world.token().await;
    {
        let mut state = world.server.state();
        state.code_used = false;
        state.policy.short_string = ShortString::Required;
    }
    let enrolled = world.try_enroll().await.unwrap();
    assert!(matches!(enrolled.short_string, Some((_, true))) && enrolled.short_string_required);
    assert_eq!(world.token().await.key(), enrolled.token.key());
    assert!(matches!(old.status().await, Err(WalletError::UnknownToken)));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_there_already_is_never_overwritten() {
    let world = World::enrolled(16).await;
    {
        // A server that offers ids which it gave away before.
        let mut state = world.server.state();
        state.code_used = false;
        state.devices.clear();
    }
    assert!(matches!(world.try_enroll().await, Err(WalletError::AlreadyEnrolled)));
    assert!(world.token().await.summary().await.unwrap().confirmed);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_offline_and_nothing_is_kept() {
    let world = World::new(13).await;
    let (connector, listener) = cardea_sdk::transport::memory::network();
    drop(listener);
    let wallet = Wallet::builder().connector(std::sync::Arc::new(connector)).open().await.unwrap();
    let invitation = Invitation::from_link(&world.server.link()).unwrap();
    let refused = wallet.enroll(&invitation, async |_| Ok(pins())).await;
    assert!(matches!(refused, Err(WalletError::Offline(_))));
    assert!(wallet.tokens().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn unenrolling_needs_the_pin_and_leaves_nothing() {
    let world = World::enrolled(14).await;
    let token = world.token().await;
    let refused = token.unenroll(pin(crate::world::WRONG)).await;
    assert!(matches!(refused, Err(WalletError::PinRejected { tries_left: 4 })));
    assert_eq!(world.wallet.tokens().await.unwrap().len(), 1);
    token.unenroll(pin(PIN)).await.unwrap();
    assert!(world.wallet.tokens().await.unwrap().is_empty());
    assert!(matches!(token.status().await, Err(WalletError::UnknownToken)));
}

#[tokio::test(start_paused = true)]
async fn unenrolling_whose_answer_was_lost_is_finished_by_the_next_try() {
    let world = World::enrolled(15).await;
    world.server.fault([Fault::LoseReply, Fault::LoseReply]);
    world.token().await.unenroll(pin(PIN)).await.unwrap();
    assert!(world.wallet.tokens().await.unwrap().is_empty());
}
