//! What follows from the time alone: an opening ends soon, and has ended.

use std::time::Duration;

use cardea_sdk::{EventKind, Window};

use crate::line::{Line, next, pass, so_far};
use crate::world::{PIN, WRONG, World, paused_now, pin};

const SOON: EventKind = EventKind::ClosingSoon { remaining_seconds: 10 };

#[tokio::test(start_paused = true)]
async fn an_opening_ends_soon_ten_seconds_before_its_end_and_then_has_ended() {
    let world = World::enrolled(700).await;
    let mut events = world.wallet.events();
    world.token().await.open(pin(PIN), Window::Service).await.unwrap();
    let opened = paused_now();
    assert_eq!(next(&mut events).await, EventKind::Opened);
    assert_eq!(next(&mut events).await, SOON);
    assert_eq!(opened.elapsed().as_secs(), 50);
    assert_eq!(next(&mut events).await, EventKind::Closed);
    assert_eq!(opened.elapsed().as_secs(), 60);
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(so_far(&mut events).await, []);
}

#[tokio::test(start_paused = true)]
async fn opening_while_open_extends_and_counts_down_anew() {
    let world = World::enrolled(701).await;
    let token = world.token().await;
    let mut events = world.wallet.events();
    token.open(pin(PIN), Window::Service).await.unwrap();
    tokio::time::advance(Duration::from_secs(52)).await;
    assert_eq!(so_far(&mut events).await.len(), 2);
    world.server.state().now += 52;
    world.clock.set(world.server.state().now.into());
    let extended = token.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!(extended.remaining, Some(Duration::from_secs(60)));
    let opened = paused_now();
    assert_eq!(next(&mut events).await, EventKind::Opened);
    assert_eq!(next(&mut events).await, SOON);
    assert_eq!(opened.elapsed().as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn hearing_of_the_same_opening_again_tells_nothing_twice() {
    let world = World::enrolled(702).await;
    let token = world.token().await;
    let mut events = world.wallet.events();
    token.open(pin(PIN), Window::Service).await.unwrap();
    for _ in 0..5 {
        pass(11).await;
        world.server.state().now += 11;
        token.status().await.unwrap();
    }
    let told = so_far(&mut events).await;
    assert_eq!(told.iter().filter(|kind| **kind == SOON).count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|kind| **kind == EventKind::Opened).count(), 6);
}

#[tokio::test(start_paused = true)]
async fn what_is_known_to_be_closed_ends_no_more() {
    let world = World::enrolled(703).await;
    let token = world.token().await;
    for end in 0..3 {
        let mut events = world.wallet.events();
        token.open(pin(PIN), Window::Service).await.unwrap();
        let expected = match end {
            0 => token.close().await.map(drop).map(|()| EventKind::Closed).unwrap(),
            1 => {
                world.server.state().open_until = 0;
                token.open(pin(WRONG), Window::Service).await.unwrap_err();
                EventKind::Closed
            }
            _ => token.forget().await.map(|()| EventKind::Unenrolled).unwrap(),
        };
        pass(100).await;
        assert_eq!(so_far(&mut events).await, [EventKind::Opened, expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn less_than_ten_seconds_are_told_at_once() {
    let world = World::enrolled(704).await;
    let now = world.server.state().now;
    world.server.state().open_until = now + 7;
    let mut events = world.wallet.events();
    world.token().await.status().await.unwrap();
    assert_eq!(next(&mut events).await, EventKind::Opened);
    let before = paused_now();
    assert_eq!(next(&mut events).await, EventKind::ClosingSoon { remaining_seconds: 7 });
    assert_eq!(before.elapsed(), Duration::ZERO);
    assert_eq!(next(&mut events).await, EventKind::Closed);
    assert_eq!(before.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_ended_while_the_machine_slept_is_told_to_have_ended() {
    let world = World::enrolled(706).await;
    let mut events = world.wallet.events();
    world.token().await.open(pin(PIN), Window::Service).await.unwrap();
    assert_eq!(next(&mut events).await, EventKind::Opened);
    // The lid is closed for a night: the wall clock goes on, the monotonic one does not.
    let morning = world.server.state().now + 8 * 3600;
    world.server.state().now = morning;
    world.clock.set(morning.into());
    let woken = paused_now();
    assert_eq!(next(&mut events).await, EventKind::Closed);
    assert!(woken.elapsed() <= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_wallet_that_is_gone_counts_nothing_down() {
    let world = World::enrolled(705).await;
    let (wallet, _line) = Line::wallet(&world).await;
    let mut events = wallet.events();
    let token = wallet.tokens().await.unwrap().remove(0);
    token.open(pin(PIN), Window::Service).await.unwrap();
    drop((token, wallet));
    assert_eq!(next(&mut events).await, EventKind::Opened);
    assert!(events.next().await.is_none());
}
