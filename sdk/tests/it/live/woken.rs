//! Live sessions that somebody wakes, once or without end.

use cardea_sdk::EventKind::*;
use tokio::time::Duration;

use super::watching;
use crate::line::{Line, next, settle, so_far};
use crate::world::{World, paused_now};

/// Lets so many tenths of a second pass.
async fn tenths(count: u32) {
    tokio::time::sleep_until(paused_now() + Duration::from_millis(100) * count).await;
}

#[tokio::test(start_paused = true)]
async fn waking_looks_again_at_once_a_few_times_and_then_every_ten_seconds() {
    let it = watching(870).await;
    let (live, sessions) = (it.live.as_ref().unwrap(), || it.world.server.subscriptions());
    for looks in 2..=4 {
        live.wake();
        settle().await;
        assert_eq!(sessions(), looks);
    }
    live.wake();
    tenths(95).await;
    assert_eq!(sessions(), 4);
    tenths(5).await;
    assert_eq!((sessions(), it.line.in_use()), (5, 1));
    // As if nothing had been, after half a minute.
    tenths(300).await;
    for looks in 6..=8 {
        live.wake();
        settle().await;
        assert_eq!(sessions(), looks);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_in_one_go_are_one() {
    let mut it = watching(871).await;
    for _ in 0..10_000 {
        it.live.as_ref().unwrap().wake();
    }
    it.wait(60).await;
    assert_eq!((it.world.server.subscriptions(), it.line.in_use()), (2, 1));
    assert_eq!(it.so_far().await, []);
}

#[tokio::test(start_paused = true)]
async fn calls_without_end_cost_a_look_every_ten_seconds_and_the_last_one_is_not_lost() {
    let mut it = watching(872).await;
    for _ in 0..600 {
        it.live.as_ref().unwrap().wake();
        tenths(1).await;
    }
    let sessions = it.world.server.subscriptions();
    assert!((7..=10).contains(&sessions), "{sessions} in a minute");
    it.wait(11).await;
    assert_eq!((it.world.server.subscriptions(), it.line.in_use()), (sessions + 1, 1));
    it.wait(60).await;
    assert_eq!(it.world.server.subscriptions(), sessions + 1);
    assert_eq!(it.so_far().await, []);
}

#[tokio::test(start_paused = true)]
async fn calls_without_end_do_not_hammer_a_server_that_is_not_there() {
    let mut it = watching(873).await;
    it.line.set_up(false);
    it.world.server.cut();
    settle().await;
    it.line.pauses();
    for _ in 0..600 {
        it.live.as_ref().unwrap().wake();
        tenths(1).await;
    }
    assert!(it.line.tries() < 45, "{} tries in a minute", it.line.tries());
    it.line.set_up(true);
    it.wait(11).await;
    assert_eq!(it.so_far().await, [Offline, Online]);
}

#[tokio::test(start_paused = true)]
async fn a_call_before_anything_has_begun_is_done_by_beginning() {
    let world = World::enrolled(874).await;
    let (wallet, line) = Line::wallet(&world).await;
    let mut events = wallet.events();
    let live = wallet.go_live();
    live.wake();
    assert_eq!(next(&mut events).await, Closed);
    assert_eq!(so_far(&mut events).await, []);
    assert_eq!((world.server.subscriptions(), line.tries()), (1, 1));
    live.wake();
    settle().await;
    assert_eq!((world.server.subscriptions(), line.in_use()), (2, 1));
}
