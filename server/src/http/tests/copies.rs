//! Statuses from copies are never older than what was acknowledged.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::Request;

use super::support::{STATUS_KEY, Server, State};
use crate::admin::{Actor, EnrollOptions, KeyScope, NewKey, ServiceChange};
use crate::domain::name::{ServiceName, UserId};
use crate::domain::permission::Permissions;
use crate::domain::rules::RulesChange;
use crate::storage::CacheLock;

impl Server {
    /// The status, and whether it came from a copy.
    async fn glance(&self, key: &str) -> (u16, bool) {
        let target = format!("/token/status?id=joe&service=default_demo&authKey={key}");
        let request = Request::builder().uri(&target).body(()).expect("a request");
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        match self.desk.answer(&request, |_| Some(here), None) {
            Some(response) => (u16::from(response.body()[10] - b'0'), true),
            None => {
                let answer = self.get(&target).await;
                (
                    answer.body.as_bytes().get(10).map_or(answer.status, |digit| u16::from(digit.wrapping_sub(b'0'))),
                    false,
                )
            }
        }
    }

    async fn warm(&self) -> u16 {
        self.glance(STATUS_KEY).await;
        let (status, fast) = self.glance(STATUS_KEY).await;
        assert!(fast, "the second call is answered from a copy");
        status
    }
}

#[tokio::test]
async fn every_change_shows_at_once() {
    let server = Server::start_on_disk().await;
    let joe = UserId::parse("joe").expect("a user id");
    let service = server.demo().await;
    for (state, change, expected) in [
        (State::Open, "close", 2),
        (State::Open, "block", 4),
        (State::Open, "delete", 404),
        (State::Blocked, "unblock", 2),
        (State::Duress, "clear", 2),
        (State::Closed, "block", 4),
        (State::Pending, "delete", 404),
    ] {
        server.token("joe", state).await;
        assert_eq!(server.warm().await, u16::from(state.number()), "{change}");
        let admin = &server.admin;
        match change {
            "close" => admin.close(&service, &joe, Actor::Operator).await.expect("closed"),
            "block" => admin.block(&service, &joe, Actor::Operator).await.expect("blocked"),
            "unblock" => admin.unblock(&service, &joe, Actor::Operator).await.expect("unblocked"),
            "clear" => admin.clear_duress(&service, &joe, Actor::Operator).await.expect("cleared"),
            _ => admin.delete(&service, &joe, Actor::Operator).await.expect("deleted"),
        }
        let (status, _) = server.glance(STATUS_KEY).await;
        let status = if status > 4 { 404 } else { status };
        assert_eq!(status, expected, "{change}");
    }
    server.admin.enroll(&service, &joe, EnrollOptions::default(), Actor::Operator).await.expect("an offer");
    assert_eq!(server.warm().await, 0);
}

#[tokio::test]
async fn after_a_change_even_the_first_call_finds_a_copy() {
    let server = Server::start_on_disk().await;
    let joe = UserId::parse("joe").expect("a user id");
    let (service, device) = (server.demo().await, server.device("joe").await);
    assert_eq!(server.warm().await, 2);
    server.open_anew(device).await;
    assert_eq!(server.glance(STATUS_KEY).await, (1, true));
    server.admin.block(&service, &joe, Actor::Operator).await.expect("blocked");
    assert_eq!(server.glance(STATUS_KEY).await, (4, true));
    server.admin.unblock(&service, &joe, Actor::Operator).await.expect("unblocked");
    assert_eq!(server.glance(STATUS_KEY).await, (2, true));
    server.admin.delete(&service, &joe, Actor::Operator).await.expect("deleted");
    assert!(!server.glance(STATUS_KEY).await.1, "there is nothing to copy");
    assert_eq!(server.copies.tokens(), 0);
}

#[tokio::test]
async fn a_change_that_fails_leaves_no_copy() {
    let server = Server::start_on_disk().await;
    server.token("joe", State::Open).await;
    assert_eq!(server.warm().await, 1);
    let (service, joe) = (server.demo().await, UserId::parse("joe").expect("a user id"));
    server.lose_database();
    server.admin.close(&service, &joe, Actor::Operator).await.expect_err("its file is gone");
    assert_eq!(server.copies.tokens(), 0);
    let (status, fast) = server.glance(STATUS_KEY).await;
    assert!(!fast && status != 1, "{status}");
}

#[tokio::test]
async fn all_tokens_are_copied_before_anybody_asks() {
    let server = Server::start_on_disk().await;
    let service = server.demo().await;
    let users: Vec<UserId> = (0..300).map(|n| UserId::parse(format!("user{n}")).expect("a user id")).collect();
    for user in &users {
        server.admin.enroll(&service, user, EnrollOptions::default(), Actor::Operator).await.expect("an offer");
    }
    server.token("joe", State::Open).await;
    server.copies.switch(true);
    assert_eq!(server.copies.tokens(), 0);
    server.copies.fill().await.expect("readable");
    assert_eq!(server.copies.tokens(), 301);
    assert_eq!(server.warm().await, 1);
    server.copies.switch(false);
    server.copies.fill().await.expect("readable");
    assert_eq!(server.copies.tokens(), 0, "it is switched off");
}

#[tokio::test]
async fn windows_services_and_authkeys_end_at_once_although_nothing_is_written() {
    let server = Server::start_on_disk().await;
    server.token("joe", State::Open).await;
    let scope = KeyScope::Subscription("default".to_owned());
    let until = server.now().plus(30);
    let key = "short-key-01234567";
    let new = NewKey { value: Some(key.to_owned().into()), ..NewKey::new(scope, "short", Permissions::BASIC) };
    let new = NewKey { expires_at: Some(until), ..new };
    server.admin.create_authkey(new, Actor::Operator).await.expect("a key");
    server.glance(key).await;
    assert_eq!(server.glance(key).await, (1, true));
    server.advance(29);
    assert_eq!(server.glance(key).await, (1, true));
    server.advance(1);
    assert!(!server.glance(key).await.1, "expired");
    assert_eq!(server.warm().await, 1);
    let name = ServiceName::parse("default_demo").expect("a name");
    let rules = RulesChange { window: Some(10), ..RulesChange::default() };
    let change = ServiceChange { rules, ..ServiceChange::default() };
    server.admin.update_service(&name, change, Actor::Operator).await.expect("updated");
    assert_eq!(server.glance(STATUS_KEY).await, (2, false), "the window is over now");
}

#[tokio::test]
async fn the_second_in_which_a_window_ends_is_closed_in_a_copy_too() {
    let server = Server::start_on_disk().await;
    server.token("joe", State::Open).await;
    assert_eq!(server.warm().await, 1);
    server.advance(59);
    assert_eq!(server.glance(STATUS_KEY).await, (1, true));
    server.advance(1);
    assert_eq!(server.glance(STATUS_KEY).await.0, 2);
    assert_eq!(server.warm().await, 2);
}

#[tokio::test]
async fn a_revoked_authkey_is_refused_at_once() {
    let server = Server::start_on_disk().await;
    server.token("joe", State::Open).await;
    assert_eq!(server.warm().await, 1);
    let keys = server.admin.list_authkeys().await.expect("keys");
    for key in keys {
        server.admin.revoke_authkey(key.number, Actor::Operator).await.expect("revoked");
    }
    let (_, fast) = server.glance(STATUS_KEY).await;
    assert!(!fast);
    let answer = server.get(&format!("/token/status?id=joe&service=default_demo&authKey={STATUS_KEY}")).await;
    assert_eq!(answer.status, 403, "{answer:?}");
}

#[tokio::test]
async fn a_single_use_opening_is_told_once_and_never_from_a_copy() {
    let server = Server::start_single_use().await;
    server.token("joe", State::Closed).await;
    assert_eq!(server.warm().await, 2);
    server.token("joe", State::Open).await;
    assert_eq!(server.glance(STATUS_KEY).await, (1, false));
    assert_eq!(server.glance(STATUS_KEY).await.0, 2);
    server.token("joe", State::Open).await;
    let server = Arc::new(server);
    let asked: Vec<_> = (0..32)
        .map(|_| {
            tokio::spawn({
                let server = Arc::clone(&server);
                async move { server.glance(STATUS_KEY).await.0 }
            })
        })
        .collect();
    let mut ones = 0;
    for ask in asked {
        ones += usize::from(ask.await.expect("no panic") == 1);
    }
    assert_eq!(ones, 1);
}

#[tokio::test]
async fn damaged_rows_are_noticed_although_there_was_a_copy() {
    let server = Server::start_on_disk().await;
    server.token("joe", State::Open).await;
    assert_eq!(server.warm().await, 1);
    server.damage("UPDATE token SET ver = ver + 1").await;
    let (status, fast) = server.glance(STATUS_KEY).await;
    assert!(!fast && status != 1, "{status}");
}

/// Readers ask all the time; whatever they are told has to be true at some moment while they asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_asks_after_a_change_was_acknowledged_sees_it() {
    const CLOSED: usize = 0;
    const OPEN: usize = 2;
    let server = Arc::new(Server::start_on_disk().await);
    let device = server.device("joe").await;
    let service = server.demo().await;
    let joe = UserId::parse("joe").expect("a user id");
    // 4n: closed, 4n+1: opening, 4n+2: open, 4n+3: closing.
    let (phase, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (server, phase, stop) = (Arc::clone(&server), Arc::clone(&phase), Arc::clone(&stop));
            tokio::spawn(async move {
                let (mut copies, mut sure) = (0, 0);
                while stop.load(Ordering::SeqCst) == 0 {
                    let before = phase.load(Ordering::SeqCst);
                    let (status, fast) = server.glance(STATUS_KEY).await;
                    if phase.load(Ordering::SeqCst) == before && before % 2 == 0 {
                        let expected = if before % 4 == OPEN { 1 } else { 2 };
                        assert_eq!(status, expected, "in phase {before}, from a copy: {fast}");
                        sure += 1;
                    }
                    copies += usize::from(fast);
                    tokio::task::yield_now().await;
                }
                (copies, sure)
            })
        })
        .collect();
    for round in 0..60 {
        phase.store(4 * round + 1, Ordering::SeqCst);
        server.advance(1);
        server.open_anew(device).await;
        phase.store(4 * round + OPEN, Ordering::SeqCst);
        assert_eq!(server.glance(STATUS_KEY).await.0, 1, "round {round}");
        tokio::task::yield_now().await;
        phase.store(4 * round + 3, Ordering::SeqCst);
        server.admin.close(&service, &joe, Actor::Operator).await.expect("closed");
        phase.store(4 * (round + 1) + CLOSED, Ordering::SeqCst);
        assert_eq!(server.glance(STATUS_KEY).await.0, 2, "round {round}");
        tokio::task::yield_now().await;
    }
    stop.store(1, Ordering::SeqCst);
    let (mut copies, mut sure) = (0, 0);
    for reader in readers {
        let (more_copies, more_sure) = reader.await.expect("no reader was told anything wrong");
        copies += more_copies;
        sure += more_sure;
    }
    assert!(copies > 0 && sure > 0, "{copies} from copies, {sure} in one phase");
}

#[test]
fn the_lock_is_for_one_server_or_for_any_number_of_tools() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = CacheLock::alone(folder.path()).expect("usable").expect("free");
    assert!(CacheLock::alone(folder.path()).expect("usable").is_none());
    drop(server);
    let tools = [CacheLock::shared(folder.path()).expect("free"), CacheLock::shared(folder.path()).expect("free")];
    assert!(CacheLock::alone(folder.path()).expect("usable").is_none());
    drop(tools);
    assert!(CacheLock::alone(folder.path()).expect("usable").is_some());
    assert!(CacheLock::shared(&folder.path().join("missing")).is_err());
}
