//! What is told again, and what is not news any more.

use std::sync::atomic::AtomicU64;

use cardea_protocol::token::{DeviceId, TokenId};
use cardea_protocol::wire::Op;
use futures_util::FutureExt as _;
use tokio::time::sleep_until;

use super::*;
use crate::env::Clock;
use crate::event::{Event, Events};

const KEY: TokenKey = TokenKey { token: TokenId::new([1; 16]), device: DeviceId::new([2; 4]) };

fn standings() -> (Standings, Events) {
    standings_by(Env::os())
}

fn standings_by(env: Env) -> (Standings, Events) {
    let source = Source::with_capacity(64);
    let events = source.listen();
    (Standings::new(source, env, Handle::current()), events)
}

/// A wall clock that tests set.
#[derive(Debug, Default)]
struct Wall(AtomicU64);

impl Clock for Wall {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

async fn pass(seconds: u64) {
    sleep_until(now() + Duration::from_secs(seconds)).await;
}

fn reply(code: Code, status: DeviceStatus, until: u32) -> Reply {
    Reply { op: Op::PushState, status, code, tries: 5, server_time: 1_000, until, aux: 0 }
}

fn told(events: &mut Events) -> Vec<EventKind> {
    let mut kinds = Vec::new();
    while let Some(Some(Event::Token { kind, .. })) = events.next().now_or_never() {
        kinds.push(kind);
    }
    kinds
}

#[tokio::test(start_paused = true)]
async fn answers_are_always_told_and_pushes_if_they_are_new() {
    let (standings, mut events) = standings();
    let closed = reply(Code::Ok, DeviceStatus::Closed, 0);
    standings.pushed(KEY, 3, &closed);
    standings.pushed(KEY, 3, &closed);
    standings.answered(KEY, &closed);
    standings.answered(KEY, &closed);
    standings.pushed(KEY, 3, &closed);
    assert_eq!(told(&mut events), [EventKind::Closed; 3]);
    let revoked = reply(Code::NotEnrolled, DeviceStatus::NotEnrolled, 0);
    let blocked = reply(Code::Blocked, DeviceStatus::Closed, 0);
    for push in [blocked, revoked] {
        standings.pushed(KEY, 3, &push);
        standings.pushed(KEY, 3, &push);
    }
    // Enrolled, and not confirmed yet.
    standings.pushed(KEY, 3, &reply(Code::Ok, DeviceStatus::NotEnrolled, 0));
    assert_eq!(told(&mut events), [EventKind::Blocked, EventKind::Revoked]);
}

#[tokio::test(start_paused = true)]
async fn what_an_older_session_says_after_an_operation_is_no_news() {
    let (standings, mut events) = standings();
    standings.stored(KEY, 7);
    standings.answered(KEY, &reply(Code::Ok, DeviceStatus::Closed, 0));
    standings.pushed(KEY, 6, &reply(Code::Ok, DeviceStatus::Open, 1_060));
    assert_eq!(told(&mut events), [EventKind::Closed]);
    standings.pushed(KEY, 7, &reply(Code::Ok, DeviceStatus::Open, 1_060));
    assert_eq!(told(&mut events), [EventKind::Opened]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_has_left_has_no_news_until_it_is_back() {
    let (standings, mut events) = standings();
    standings.stored(KEY, 7);
    let opened = reply(Code::Ok, DeviceStatus::Open, 1_060);
    standings.answered(KEY, &opened);
    standings.forget(KEY);
    standings.pushed(KEY, 7, &opened);
    pass(100).await;
    assert_eq!(told(&mut events), [EventKind::Opened], "and neither an opening nor its end after that");
    standings.stored(KEY, 1);
    assert_eq!(standings.generation(KEY), 1);
    standings.pushed(KEY, 1, &opened);
    assert_eq!(told(&mut events), [EventKind::Opened]);
}

#[tokio::test(start_paused = true)]
async fn an_opening_without_an_end_or_long_over_does_no_harm() {
    let (standings, mut events) = standings();
    standings.answered(KEY, &reply(Code::Ok, DeviceStatus::Open, 0));
    pass(100).await;
    assert_eq!(told(&mut events), [EventKind::Opened]);
    standings.answered(KEY, &reply(Code::Ok, DeviceStatus::Open, 900));
    pass(1).await;
    assert_eq!(told(&mut events), [EventKind::Opened, EventKind::Closed]);
    standings.answered(KEY, &reply(Code::Ok, DeviceStatus::Open, u32::MAX));
    drop(standings);
    assert_eq!(told(&mut events), [EventKind::Opened]);
}

#[tokio::test(start_paused = true)]
async fn an_opening_ends_by_the_clock_that_says_so_first() {
    let wall = Arc::new(Wall::default());
    let (standings, mut events) = standings_by(Env { clock: Arc::clone(&wall) as Arc<dyn Clock>, ..Env::os() });
    let opened = reply(Code::Ok, DeviceStatus::Open, 1_060);
    for (slept, told_then) in [
        (0, &[EventKind::Opened][..]),
        (30, &[EventKind::Opened]),
        (51, &[EventKind::Opened, EventKind::ClosingSoon { remaining_seconds: 10 }]),
        (60, &[EventKind::Opened, EventKind::ClosingSoon { remaining_seconds: 1 }]),
        (61, &[EventKind::Opened, EventKind::Closed]),
        (28_800, &[EventKind::Opened, EventKind::Closed]),
    ] {
        wall.0.store(1_800_000_000, Ordering::Relaxed);
        standings.answered(KEY, &opened);
        pass(1).await;
        // The timers stand still meanwhile.
        wall.0.store(1_800_000_000 + slept, Ordering::Relaxed);
        pass(5).await;
        assert_eq!(told(&mut events), told_then, "{slept}");
        // A clock that was set back gives an opening no more time.
        wall.0.store(1_000_000_000, Ordering::Relaxed);
        pass(60).await;
        let _ = told(&mut events);
        let (is_open, is_counting) = {
            let table = standings.shared.table();
            (table.tokens.get(&KEY).unwrap().opening.is_some(), table.counting)
        };
        assert!(!is_open && !is_counting, "{slept}");
    }
}

#[test]
fn an_older_session_never_has_the_last_word() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _inside = runtime.enter();
    let (mut wrong_table, mut wrong_event) = (0, 0);
    for _ in 0..2_000 {
        let (standings, mut events) = standings();
        standings.stored(KEY, 6);
        let barrier = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                standings.pushed(KEY, 6, &reply(Code::Ok, DeviceStatus::Open, 1_060));
            });
            barrier.wait();
            standings.stored(KEY, 7);
            standings.answered(KEY, &reply(Code::Ok, DeviceStatus::Closed, 0));
        });
        wrong_table += u32::from(standings.shared.table().tokens.get(&KEY).unwrap().opening.is_some());
        wrong_event += u32::from(told(&mut events).last() == Some(&EventKind::Opened));
    }
    assert_eq!((wrong_table, wrong_event), (0, 0), "of 2,000 closings, so many end as open");
}
