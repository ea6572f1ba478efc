//! Live sessions and everything else that uses the same tokens.

use std::time::Duration;

use cardea_protocol::wire::Op;
use cardea_sdk::EventKind::*;
use cardea_sdk::Window;

use super::watching;
use crate::line::{Line, settle, so_far};
use crate::server::Fault;
use crate::world::{PIN, World, paused_now, pin};

#[tokio::test(start_paused = true)]
async fn an_operation_ends_the_session_and_another_one_begins() {
    let mut it = watching(820).await;
    let token = it.wallet.tokens().await.unwrap().remove(0);
    let before = paused_now();
    token.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO, "nobody waits for a live session");
    it.wait(1).await;
    assert_eq!((it.world.server.subscriptions(), it.line.in_use()), (2, 1));
    assert_eq!(it.so_far().await, [Opened]);
    token.close().await.unwrap();
    it.wait(1).await;
    assert_eq!(it.so_far().await, [Closed]);
    assert_eq!(it.world.server.subscriptions(), 3);
}

#[tokio::test(start_paused = true)]
async fn operations_in_a_row_are_not_interrupted() {
    let it = watching(821).await;
    let token = it.wallet.tokens().await.unwrap().remove(0);
    for _ in 0..5 {
        token.open(pin(PIN), Window::Service).await.unwrap();
        token.close().await.unwrap();
    }
    assert_eq!(it.world.server.subscriptions(), 1);
    it.wait(1).await;
    assert_eq!(it.world.server.subscriptions(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_free_while_a_session_waits() {
    let it = watching(822).await;
    let key = it.wallet.tokens().await.unwrap()[0].key();
    it.wait(1).await;
    assert!(it.world.store.try_lease(&key).unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn an_operation_waits_at_most_a_moment_for_a_session_that_begins() {
    let mut it = watching(823).await;
    let token = it.wallet.tokens().await.unwrap().remove(0);
    // The request for pushes arrives, and nobody says so.
    it.world.server.fault([Fault::Swallow]);
    it.live.as_ref().unwrap().wake();
    it.wait(1).await;
    let before = paused_now();
    token.open(pin(PIN), Window::Service).await.unwrap();
    assert!(before.elapsed() <= Duration::from_millis(1100), "{:?}", before.elapsed());
    it.wait(3).await;
    assert_eq!(it.so_far().await, [Opened]);
    assert_eq!(it.line.in_use(), 1);
    assert_eq!(it.world.server.state().executed.iter().filter(|(op, _)| *op == Op::Open).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_another_program_uses_is_left_to_it() {
    let it = watching(824).await;
    let key = it.wallet.tokens().await.unwrap()[0].key();
    let lease = it.world.store.try_lease(&key).unwrap().unwrap();
    let requests = it.world.server.state().requests.len();
    it.live.as_ref().unwrap().wake();
    it.wait(60).await;
    assert_eq!(it.world.server.state().requests.len(), requests);
    assert!(it.line.tries() < 12, "{} connections for nothing", it.line.tries());
    drop(lease);
    it.wait(120).await;
    assert_eq!(it.world.server.subscriptions(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_live_programs_do_not_fight() {
    let mut it = watching(825).await;
    let (other, line) = Line::wallet(&it.world).await;
    let mut events = other.events();
    let _live = other.go_live();
    it.wait(1).await;
    assert_eq!(so_far(&mut events).await, [Closed]);
    for _ in 0..60 {
        it.wait(60).await;
    }
    let subscriptions = it.world.server.subscriptions();
    assert!(subscriptions < 80, "{subscriptions} in an hour");
    assert_eq!(it.so_far().await, []);
    assert_eq!(so_far(&mut events).await, []);
    assert!(it.line.in_use() + line.in_use() >= 1);
    // Operations of both work.
    for wallet in [&it.wallet, &other] {
        let token = wallet.tokens().await.unwrap().remove(0);
        token.open(pin(PIN), Window::Service).await.unwrap();
    }
    assert!(!it.world.server.state().devices[0].row.clone_blocked);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_pushed_is_stored_and_used_from_its_time_on() {
    let it = watching(826).await;
    let record = it.world.server.state().announce(8, 500);
    it.world.server.push(cardea_protocol::wire::Push::KeyRecord(record));
    settle().await;
    // Before its time the old key is used, afterwards the new one: neither is ever refused.
    let token = it.wallet.tokens().await.unwrap().remove(0);
    let epochs = || it.world.server.state().requests.iter().map(|request| request[1]).collect::<Vec<_>>();
    token.status().await.unwrap();
    assert_eq!(epochs().last(), Some(&7));
    it.wait(501).await;
    it.world.server.state().requests.clear();
    token.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!(epochs(), [8]);
    // One that the server's identity has not signed changes nothing.
    it.wait(1).await;
    let foreign = World::enrolled(827).await.server.state().announce(9, 0);
    it.world.server.push(cardea_protocol::wire::Push::KeyRecord(foreign));
    it.wait(1).await;
    token.close().await.unwrap();
    assert_eq!(epochs().last(), Some(&8));
}

#[tokio::test(start_paused = true)]
async fn all_tokens_are_closed_at_once() {
    let it = watching(828).await;
    let token = it.wallet.tokens().await.unwrap().remove(0);
    token.open(pin(PIN), Window::Service).await.unwrap();
    let closed = it.wallet.close_all().await.unwrap();
    assert_eq!(closed.len(), 1);
    assert_eq!(closed[0].0, token.key());
    assert_eq!(closed[0].1.as_ref().unwrap().state, cardea_sdk::DeviceStatus::Closed);
    it.line.set_up(false);
    let failed = it.wallet.close_all().await.unwrap();
    assert!(failed[0].1.is_err());
    token.forget().await.unwrap();
    assert!(it.wallet.close_all().await.unwrap().is_empty());
}
