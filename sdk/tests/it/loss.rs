//! Requests and answers that are lost, damaged, doubled or forged: nothing runs twice, nothing is lost for good.

use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::wire::Op;
use cardea_sdk::{DeviceStatus, Event, EventKind, Token, WalletError, Window};

use crate::line::{Line, pass, so_far};
use crate::server::{Fault, NOW};
use crate::world::{PIN, WRONG, World, pin, pins};

/// How often each operation was executed.
fn executed(world: &World, op: Op) -> usize {
    world.server.state().executed.iter().filter(|(executed, _)| *executed == op).count()
}

#[tokio::test(start_paused = true)]
async fn one_fault_of_any_kind_is_not_noticed() {
    let faults = [Fault::LoseRequest, Fault::Swallow, Fault::LoseReply, Fault::DamageReply, Fault::Duplicate];
    let forged = [Code::UnknownHint, Code::StaleKey, Code::Overloaded, Code::VersionUnsupported, Code::CodeUsed];
    for (seed, fault) in (100..).zip(faults.into_iter().chain(forged.map(Fault::Forge))) {
        let world = World::enrolled(seed).await;
        let token = world.token().await;
        world.server.fault([fault.clone()]);
        let status = token.open(pin(PIN), Window::Service).await.unwrap();
        assert_eq!(status.state, DeviceStatus::Open, "{fault:?}");
        assert_eq!(executed(&world, Op::Open), 1, "{fault:?}");
        assert_eq!(token.close().await.unwrap().state, DeviceStatus::Closed, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_go_out_again_after_1_2_and_4_seconds() {
    let world = World::enrolled(120).await;
    let token = world.token().await;
    world.server.state().requests.clear();
    world.server.fault([Fault::LoseRequest, Fault::LoseReply, Fault::DamageReply]);
    let before = crate::world::paused_now();
    token.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 1 + 2 + 4);
    let requests = &world.server.state().requests;
    assert_eq!(requests.len(), 4);
    assert!(requests.iter().all(|request| *request == requests[0]));
}

#[tokio::test(start_paused = true)]
async fn a_minute_without_an_answer_is_not_confirmed_and_found_out_next_time() {
    // The operation arrived, and only its answers were lost.
    let mut world = World::enrolled(130).await;
    let mut events = world.wallet.events();
    world.server.fault(std::iter::repeat_n(Fault::LoseReply, 50));
    let before = crate::world::paused_now();
    let unknown = world.token().await.open(pin(PIN), Window::Service).await;
    assert!(matches!(unknown, Err(WalletError::NotConfirmed)));
    assert_eq!(before.elapsed(), Duration::from_secs(60));
    assert!(matches!(events.next().await, Some(Event::Token { kind: EventKind::NotConfirmed, .. })));
    assert!(world.token().await.summary().await.unwrap().pending);
    world.server.state().faults.clear();
    world.restart().await;
    assert_eq!(world.token().await.status().await.unwrap().state, DeviceStatus::Open);
    assert_eq!(executed(&world, Op::Open), 1);
    assert!(!world.token().await.summary().await.unwrap().pending);
}

async fn ask(token: &Token, what: &str) -> Result<(), WalletError> {
    match what {
        "open" => token.open(pin(PIN), Window::Service).await.map(drop),
        "close" => token.close().await.map(drop),
        "status" => token.status().await.map(drop),
        "change_pin" => token.change_pin(pin(PIN), pins()).await.map(drop),
        "set_duress" => token.set_duress(pin(PIN), Vec::new()).await.map(drop),
        "confirmations" => token.confirmations().await.map(drop),
        "unenroll" => token.unenroll(pin(PIN)).await,
        other => panic!("no operation: {other}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_away_ends_every_operation_after_a_minute_and_the_next_one_works() {
    let all = ["open", "close", "status", "change_pin", "set_duress", "confirmations", "unenroll"];
    for (seed, what) in (150..).zip(all) {
        let world = World::enrolled(seed).await;
        let token = world.token().await;
        world.server.fault(std::iter::repeat_n(Fault::LoseRequest, 50));
        let before = crate::world::paused_now();
        assert!(matches!(ask(&token, what).await, Err(WalletError::NotConfirmed)), "{what}");
        assert_eq!(before.elapsed(), Duration::from_secs(60), "{what}");
        assert!(token.summary().await.unwrap().pending, "{what}");
        world.server.state().faults.clear();
        ask(&token, what).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

/// Whoever answers "overloaded" need not be who got the opening.
#[tokio::test(start_paused = true)]
async fn an_opening_that_was_done_is_not_told_as_refused_because_somebody_says_so_afterwards() {
    for (seed, code) in [(160, Code::Overloaded), (161, Code::VersionUnsupported), (162, Code::UnknownHint)] {
        for lost in [Fault::LoseReply, Fault::DamageReply] {
            let world = World::enrolled(seed).await;
            world.server.fault(std::iter::once(lost).chain(std::iter::repeat_n(Fault::Forge(code), 50)));
            let mut events = world.wallet.events();
            let result = world.token().await.open(pin(PIN), Window::Service).await;
            assert_eq!(executed(&world, Op::Open), 1, "{code:?}");
            assert!(matches!(result, Err(WalletError::NotConfirmed)), "{code:?} {result:?}");
            assert_eq!(so_far(&mut events).await, [EventKind::NotConfirmed], "{code:?}");
            world.server.state().faults.clear();
            assert_eq!(world.token().await.status().await.unwrap().state, DeviceStatus::Open, "{code:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_else_from_the_first_copy_on_is_told_as_it_says() {
    for (seed, code) in [(163, Code::Overloaded), (164, Code::VersionUnsupported), (165, Code::UnknownHint)] {
        let world = World::enrolled(seed).await;
        let token = world.token().await;
        world.server.fault(std::iter::repeat_n(Fault::Forge(code), 50));
        let result = token.open(pin(PIN), Window::Service).await;
        assert!(matches!(result, Err(WalletError::Refused(told)) if told == code), "{result:?}");
        // What is asked next has not left when the server says so again about what is pending.
        world.server.state().faults.push_front(Fault::LoseRequest);
        let result = token.close().await;
        assert!(matches!(result, Err(WalletError::Refused(told)) if told == code), "{result:?}");
        assert_eq!(executed(&world, Op::Close), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_never_arrived_never_will() {
    let mut world = World::enrolled(131).await;
    world.server.state().requests.clear();
    world.server.fault(std::iter::repeat_n(Fault::LoseRequest, 50));
    assert!(matches!(world.token().await.open(pin(PIN), Window::Service).await, Err(WalletError::NotConfirmed)));
    let late = world.server.state().requests[0].clone();
    world.server.state().faults.clear();
    world.restart().await;
    assert_eq!(world.token().await.status().await.unwrap().state, DeviceStatus::Closed);
    // Now the network delivers it after all.
    world.server.deliver(&late);
    assert_eq!(executed(&world, Op::Open), 0);
    assert_eq!(world.token().await.status().await.unwrap().state, DeviceStatus::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_operation_is_looked_after_without_the_holder() {
    let mut world = World::enrolled(132).await;
    world.server.fault(std::iter::repeat_n(Fault::LoseReply, 50));
    assert!(world.token().await.open(pin(PIN), Window::Service).await.is_err());
    world.server.state().faults.clear();
    world.restart_in_background().await;
    let mut events = world.wallet.events();
    assert!(matches!(events.next().await, Some(Event::Token { kind: EventKind::Opened, .. })));
    assert!(!world.token().await.summary().await.unwrap().pending);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_operation_is_looked_after_without_the_holder() {
    let mut world = World::enrolled(141).await;
    world.restart_in_background().await;
    world.server.fault([Fault::LoseReply]);
    let token = world.token().await;
    tokio::select! {
        biased;
        _ = token.open(pin(PIN), Window::Service) => panic!("the answer was lost"),
        () = async { while executed(&world, Op::Open) == 0 { tokio::task::yield_now().await } } => {}
    }
    let mut events = world.wallet.events();
    assert!(matches!(events.next().await, Some(Event::Token { kind: EventKind::Opened, .. })));
    assert!(!token.summary().await.unwrap().pending);
}

#[tokio::test(start_paused = true)]
async fn only_the_status_after_a_recovery_is_shown() {
    let mut world = World::enrolled(133).await;
    world.server.fault(std::iter::repeat_n(Fault::LoseReply, 50));
    assert!(world.token().await.open(pin(PIN), Window::Service).await.is_err());
    world.restart().await;
    // The RECOVER is answered, the STATUS after it is not.
    world.server.state().faults =
        std::iter::once(Fault::None).chain(std::iter::repeat_n(Fault::LoseReply, 50)).collect();
    assert!(matches!(world.token().await.status().await, Err(WalletError::NotConfirmed)));
    world.server.state().faults.clear();
    assert_eq!(world.token().await.status().await.unwrap().state, DeviceStatus::Open);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_pin_whose_answer_was_lost_counts_once() {
    let world = World::enrolled(134).await;
    world.server.fault([Fault::LoseReply, Fault::LoseReply]);
    let rejected = world.token().await.open(pin(WRONG), Window::Service).await;
    assert!(matches!(rejected, Err(WalletError::PinRejected { tries_left: 4 })));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_made_up_for_once() {
    let world = World::enrolled(135).await;
    world.clock.set(u64::from(NOW) - 86_400);
    let status = world.token().await.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!(status.state, DeviceStatus::Open);
    assert_eq!(status.clock_difference(u64::from(NOW) - 86_400), Some(86_400));
    let executed = world.server.state().executed.clone();
    assert_eq!(executed, [(Op::Open, Code::Stale), (Op::Open, Code::Ok)]);
}

#[tokio::test(start_paused = true)]
async fn a_server_with_a_new_key_is_followed() {
    let world = World::enrolled(136).await;
    world.server.state().rotate(8);
    let status = world.token().await.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!(status.state, DeviceStatus::Open);
    assert_eq!(executed(&world, Op::Open), 1);
    // Again, with the answer under the old key lost on the way.
    world.server.fault([Fault::LoseReply]);
    assert_eq!(world.token().await.close().await.unwrap().state, DeviceStatus::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_key_change_in_the_middle_of_a_retry_runs_nothing_twice() {
    let world = World::enrolled(137).await;
    let token = world.token().await;
    world.server.fault([Fault::LoseReply]);
    let open = token.open(pin(PIN), Window::Service);
    let rotate = async {
        while executed(&world, Op::Open) == 0 {
            tokio::task::yield_now().await;
        }
        world.server.state().rotate(8);
        std::future::pending::<()>().await
    };
    tokio::select! {
        status = open => assert_eq!(status.unwrap().state, DeviceStatus::Open),
        () = rotate => {}
    }
    assert_eq!(executed(&world, Op::Open), 1);
}

/// The old key is gone between two copies, and with it the network.
#[tokio::test(start_paused = true)]
async fn an_opening_that_was_done_before_a_key_change_is_not_told_as_never_sent() {
    let world = World::enrolled(142).await;
    let (wallet, line) = Line::wallet(&world).await;
    let token = wallet.tokens().await.unwrap().remove(0);
    world.server.fault([Fault::LoseReply]);
    let sent = world.server.state().requests.len();
    let rotated = async {
        while executed(&world, Op::Open) == 0 {
            tokio::task::yield_now().await;
        }
        world.server.state().rotate(8);
        // The second copy leaves now.
        pass(1).await;
        while world.server.state().requests.len() < sent + 2 {
            tokio::task::yield_now().await;
        }
    };
    let result = line.cut_after(rotated, token.open(pin(PIN), Window::Service)).await;
    assert!(matches!(result, Err(WalletError::NotConfirmed)), "{result:?}");
    line.set_up(true);
    assert_eq!(token.status().await.unwrap().state, DeviceStatus::Open);
    assert_eq!(executed(&world, Op::Open), 1);
}

#[tokio::test(start_paused = true)]
async fn a_forged_stranger_twice_changes_nothing() {
    let world = World::enrolled(138).await;
    world.server.fault([Fault::Forge(Code::UnknownHint), Fault::Forge(Code::UnknownHint)]);
    // The resync is answered "known", and the same bytes go on.
    assert_eq!(world.token().await.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
    assert_eq!(executed(&world, Op::Open), 1);
    assert!(!world.server.state().devices[0].row.suspended);
}

#[tokio::test(start_paused = true)]
async fn operations_of_one_token_wait_for_each_other() {
    let world = World::enrolled(139).await;
    let (first, second) = (world.token().await, world.token().await);
    let (opened, closed) = tokio::join!(first.open(pin(PIN), Window::Service), second.close());
    assert!(opened.is_ok() && closed.is_ok());
    assert_eq!(world.server.state().executed.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_in_use_elsewhere_is_busy() {
    let world = World::enrolled(140).await;
    let token = world.token().await;
    let lease = world.store.try_lease(&token.key()).unwrap().unwrap();
    assert!(matches!(token.status().await, Err(WalletError::Busy)));
    drop(lease);
    assert!(token.status().await.is_ok());
}
