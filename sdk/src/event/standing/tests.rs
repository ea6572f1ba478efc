//! What is told again, and what is not news any more.

use cardea_protocol::token::{DeviceId, TokenId};
use cardea_protocol::wire::Op;
use futures_util::FutureExt as _;

use super::*;
use crate::event::{Event, Events};

const KEY: TokenKey = TokenKey { token: TokenId::new([1; 16]), device: DeviceId::new([2; 4]) };

fn standings() -> (Standings, Events) {
    let source = Source::new();
    let events = source.listen();
    (Standings::new(source, Handle::current()), events)
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
    // A token that has left and come back begins anew.
    standings.forget(KEY);
    assert_eq!(standings.generation(KEY), 0);
}

#[tokio::test(start_paused = true)]
async fn an_opening_without_an_end_or_long_over_does_no_harm() {
    let (standings, mut events) = standings();
    standings.answered(KEY, &reply(Code::Ok, DeviceStatus::Open, 0));
    sleep_until(now() + Duration::from_secs(100)).await;
    assert_eq!(told(&mut events), [EventKind::Opened]);
    standings.answered(KEY, &reply(Code::Ok, DeviceStatus::Open, 900));
    sleep_until(now() + Duration::from_secs(1)).await;
    assert_eq!(told(&mut events), [EventKind::Opened, EventKind::Closed]);
    standings.answered(KEY, &reply(Code::Ok, DeviceStatus::Open, u32::MAX));
    drop(standings);
    assert_eq!(told(&mut events), [EventKind::Opened]);
}
