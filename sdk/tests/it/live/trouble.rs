//! Live sessions when the network, the server or an administrator ends them.

use std::sync::Arc;

use cardea_sdk::EventKind::*;
use cardea_sdk::{LogLevel, LogSink, WalletError, Window};

use super::watching;
use crate::line::{Line, Lines, next, pass, settle, so_far};
use crate::server::Fault;
use crate::world::{PIN, World, pin};

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_told_once_and_so_is_its_return() {
    let mut it = watching(840).await;
    it.line.set_up(false);
    it.world.server.cut();
    it.wait(3600).await;
    assert_eq!(it.so_far().await, [Offline]);
    let now = it.world.server.state().now;
    it.world.server.state().open_until = now + 900;
    it.line.set_up(true);
    it.wait(301).await;
    // What happened meanwhile is told when it is back.
    assert_eq!(it.so_far().await, [Online, Opened]);
    assert_eq!(it.line.in_use(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_an_operation_told_is_taken_back_by_the_session() {
    let mut it = watching(847).await;
    let token = it.wallet.tokens().await.unwrap().remove(0);
    // New connections only: the session is there, and is asked.
    it.line.set_up(false);
    assert!(matches!(token.status().await, Err(WalletError::Offline(_))));
    assert_eq!(it.so_far().await, [Offline, Online]);
    assert_eq!((it.world.server.subscriptions(), it.line.in_use()), (1, 1));
    // The session goes, too: it tells that once.
    assert!(matches!(token.status().await, Err(WalletError::Offline(_))));
    it.world.server.cut();
    it.wait(60).await;
    assert_eq!(it.so_far().await, [Offline, Offline]);
    it.line.set_up(true);
    it.wait(301).await;
    assert_eq!(it.so_far().await, [Online]);
    assert_eq!((it.world.server.subscriptions(), it.line.in_use()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_app_that_asks_whenever_it_hears_that_the_server_is_there_does_not_hammer_it() {
    let mut it = watching(849).await;
    let token = it.wallet.tokens().await.unwrap().remove(0);
    it.line.set_up(false);
    let before = it.world.server.state().requests.len();
    assert!(matches!(token.status().await, Err(WalletError::Offline(_))));
    for _ in 0..600 {
        it.wait(1).await;
        if it.so_far().await.contains(&Online) {
            assert!(matches!(token.status().await, Err(WalletError::Offline(_))));
        }
    }
    let asked = it.world.server.state().requests.len() - before;
    assert!((3..8).contains(&asked), "{asked} questions in ten minutes");
    assert_eq!(it.world.server.subscriptions(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_goes_live_again_is_told_again_that_the_server_is_away() {
    let mut it = watching(860).await;
    it.line.set_up(false);
    it.world.server.cut();
    assert_eq!(it.so_far().await, [Offline]);
    it.live = None;
    settle().await;
    it.live = Some(it.wallet.go_live());
    assert_eq!(it.so_far().await, [Offline]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_no_is_there() {
    let world = World::enrolled(861).await;
    let (wallet, line) = Line::wallet(&world).await;
    let token = wallet.tokens().await.unwrap().remove(0);
    let mut events = wallet.events();
    line.set_up(false);
    assert!(matches!(token.status().await, Err(WalletError::Offline(_))));
    line.set_up(true);
    assert!(matches!(token.unenroll(pin(b"918273")).await, Err(WalletError::PinRejected { .. })));
    assert_eq!(so_far(&mut events).await[..2], [Offline, Online]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_reaches_the_server_again_tells_that_once() {
    let world = World::enrolled(848).await;
    let (wallet, line) = Line::wallet(&world).await;
    let token = wallet.tokens().await.unwrap().remove(0);
    let mut events = wallet.events();
    line.set_up(false);
    for _ in 0..2 {
        assert!(matches!(token.status().await, Err(WalletError::Offline(_))));
    }
    assert_eq!(so_far(&mut events).await, [Offline, Offline]);
    line.set_up(true);
    // Also one that asks nothing about the token itself.
    assert_eq!(token.confirmations().await.unwrap(), []);
    token.status().await.unwrap();
    assert_eq!(so_far(&mut events).await, [Online, Closed]);
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_to_five_minutes_and_end_when_somebody_wakes_it() {
    let mut it = watching(841).await;
    it.line.pauses();
    it.line.set_up(false);
    it.world.server.cut();
    it.wait(3 * 3600).await;
    let pauses = it.line.pauses();
    assert!((1..=4).contains(&pauses[0]), "{pauses:?}");
    assert!(pauses.windows(2).take(6).all(|pair| pair[1] >= pair[0]), "{pauses:?}");
    let longest = &pauses[pauses.len() - 20..];
    assert!(longest.iter().all(|pause| (150..=300).contains(pause)), "{pauses:?}");
    assert!(longest.iter().any(|pause| pause != &longest[0]), "left to chance");
    it.line.set_up(true);
    it.live.as_ref().unwrap().wake();
    assert_eq!(it.so_far().await, [Offline, Online]);
    // Success starts again from a second.
    it.wait(31).await;
    it.line.set_up(false);
    it.line.pauses();
    it.world.server.cut();
    // Three pauses are at most 2, 4 and 8 seconds long.
    it.wait(15).await;
    assert!(it.line.tries() >= 3);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_every_session_is_not_asked_without_end() {
    let it = watching(842).await;
    for _ in 0..3600 {
        it.world.server.say_over();
        it.wait(1).await;
    }
    assert!(it.world.server.subscriptions() < 60, "{}", it.world.server.subscriptions());
    assert!(!it.world.server.state().devices[0].row.clone_blocked);
}

#[tokio::test(start_paused = true)]
async fn revoked_is_told_once_after_asking_once() {
    let mut it = watching(843).await;
    let before = it.line.tries();
    it.world.server.revoke();
    it.wait(3600).await;
    assert_eq!(it.so_far().await, [Revoked]);
    assert_eq!((it.line.tries(), it.line.in_use()), (before + 1, 0));
    // It is asked again when somebody wants to know.
    it.world.server.state().devices[0].row.revoked = false;
    it.live.as_ref().unwrap().wake();
    it.wait(1).await;
    assert_eq!(it.so_far().await, [Closed]);
}

#[tokio::test(start_paused = true)]
async fn taken_over_is_not_revoked() {
    let mut it = watching(844).await;
    // The same device in another program.
    it.world.token().await.open(pin(PIN), Window::Service).await.unwrap();
    it.wait(5).await;
    assert_eq!(it.so_far().await, [Opened]);
    assert_eq!((it.world.server.subscriptions(), it.line.in_use()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn sleep_is_noticed_and_sessions_are_renewed() {
    let mut it = watching(845).await;
    it.wait(60).await;
    assert_eq!(it.world.server.subscriptions(), 1);
    // The machine slept for an hour: the wall clock went on, the monotonic one did not.
    let now = it.world.server.state().now;
    it.world.clock.set(u64::from(now) + 3600);
    pass(21).await;
    assert_eq!((it.world.server.subscriptions(), it.line.in_use()), (2, 1));
    assert_eq!(it.so_far().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_died_silently_is_found_out() {
    let mut it = watching(846).await;
    it.world.server.fault(std::iter::repeat_n(Fault::Swallow, 1));
    it.wait(14 * 60 + 10).await;
    assert_eq!(it.so_far().await, [Offline, Online]);
    assert_eq!((it.world.server.subscriptions(), it.line.in_use()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn damaged_and_unfinished_answers_are_asked_for_again() {
    for (seed, fault) in (850..).zip([Fault::LoseRequest, Fault::LoseReply, Fault::DamageReply, Fault::Duplicate]) {
        let mut it = watching(seed).await;
        it.world.server.fault([fault.clone(), fault.clone()]);
        it.live.as_ref().unwrap().wake();
        it.wait(60).await;
        assert_eq!(it.line.in_use(), 1, "{fault:?}");
        it.world.server.open_elsewhere(60);
        let heard = it.so_far().await;
        assert_eq!(heard.last(), Some(&Opened), "{fault:?}: {heard:?}");
        assert!(!it.world.server.state().devices[0].row.clone_blocked, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_blocked_token_is_asked_rarely_and_comes_back() {
    let mut it = watching(860).await;
    it.world.server.state().devices[0].row.suspended = true;
    it.world.server.say_over();
    it.wait(3600).await;
    assert_eq!(it.so_far().await, [Blocked]);
    assert!(it.line.tries() < 40, "{} tries in an hour", it.line.tries());
    it.world.server.state().devices[0].row.suspended = false;
    it.wait(301).await;
    assert_eq!(it.so_far().await, [Closed]);
    assert_eq!(it.line.in_use(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_done_is_logged_and_no_secret_is() {
    let world = World::enrolled(861).await;
    let (line, lines) = (Line::to(&world.connector), Arc::new(Lines::default()));
    let wallet = line.builder(&world).log(Arc::clone(&lines) as Arc<dyn LogSink>).open().await.unwrap();
    let mut events = wallet.events();
    let _live = wallet.go_live();
    assert_eq!(next(&mut events).await, Closed);
    settle().await;
    let token = wallet.tokens().await.unwrap().remove(0);
    world.server.ask(1, "pay nobody five");
    world.server.fault([Fault::LoseReply]);
    token.open(pin(PIN), Window::Service).await.unwrap();
    line.set_up(false);
    pass(1).await;
    world.server.cut();
    pass(30).await;
    assert!(so_far(&mut events).await.contains(&Offline));
    let lines = lines.0.lock().unwrap();
    let has = |part: &str| lines.iter().any(|(_, text)| text.contains(part));
    assert!(has("live") && has("the same bytes again") && has("offline") && has("next live session in"), "{lines:#?}");
    assert!(lines.iter().any(|(level, _)| *level == LogLevel::Info));
    let pin = std::str::from_utf8(PIN).unwrap();
    assert!(!has(pin) && !has("pay nobody"), "{lines:#?}");
}
