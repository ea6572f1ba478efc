use std::cell::Cell;
use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cardea_sdk::{Clock, Env};
use tokio::time::advance;

use super::super::super::sessions::Sessions;
use super::*;
use crate::engine::Settings;

/// A clock that goes with tokio's time, so that a test lets both pass.
#[derive(Debug)]
struct Passing(Instant);

impl Clock for Passing {
    fn now(&self) -> u64 {
        1_000 + self.0.elapsed().as_secs()
    }
}

fn session() -> InUse {
    let world = Env { clock: Arc::new(Passing(now())), ..Env::os() };
    Sessions::new(world).make(None, Settings::default(), None).expect("a session")
}

fn until(text: &str) -> Until {
    serde_json::from_value(json!({ "until": text, "timeoutMs": LONGEST })).expect("a wait")
}

/// Lets time pass, a little at a time, so that timers fire at theirs.
async fn pass(time: Duration) {
    for _ in 0..time.as_millis() / 10 {
        advance(Duration::from_millis(10)).await;
        tokio::task::yield_now().await;
    }
}

/// How often facts that stay as they are were looked at in a minute in which nothing happens.
async fn looks(session: &InUse, text: &str, facts: &Value) -> u32 {
    let looks = Cell::new(0);
    let until = until(text);
    let waiting = wait(session, &until, Scope::Device, || {
        looks.set(looks.get() + 1);
        ready(Ok(facts.clone()))
    });
    tokio::select! {
        biased;
        ended = waiting => panic!("{ended:?}"),
        () = pass(Duration::from_secs(60)) => {}
    }
    looks.get()
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_what_does_not_change_by_itself_looks_once() {
    let session = session();
    let closed = json!({ "enrolled": false, "state": "closed", "remaining": null, "age": null });
    for text in ["enrolled", "state == 'open'", "remaining > 5s", "age > 5s", "!(state == 'closed')"] {
        assert_eq!(looks(&session, text, &closed).await, 1, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_time_looks_once_in_a_second() {
    let session = session();
    let open = json!({ "state": "open", "remaining": 500, "age": 1, "clock": { "now": 1_001 } });
    for text in ["state == 'closed'", "remaining < 5s", "age > 5m", "clock.now < 5", "5m < age"] {
        let looks = looks(&session, text, &open).await;
        assert!((60..=61).contains(&looks), "{text}: {looks}");
    }
    assert_eq!(looks(&session, "enrolled", &json!({ "enrolled": false, "remaining": 500 })).await, 1);
    // What stands still is looked at again when it is moved, and not before.
    session.time().freeze();
    assert_eq!(looks(&session, "remaining < 5s", &open).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_seen_at_once_whatever_it_is() {
    let session = session();
    let is_there = AtomicU64::new(0);
    let until = until("it == 1");
    let waiting =
        wait(&session, &until, Scope::Device, || ready(Ok(json!({ "it": is_there.load(Ordering::Relaxed) }))));
    let began = now();
    let changing = async {
        tokio::task::yield_now().await;
        is_there.store(1, Ordering::Relaxed);
        // Nothing of it is in the journal.
        session.time().advance(0);
    };
    let (waited, ()) = tokio::join!(waiting, changing);
    assert!(waited.is_ok() && began.elapsed() < Duration::from_millis(1), "{waited:?}");
    assert_eq!(session.journal().newest(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_told_to_watch_and_a_clock_that_is_made_wrong_are_seen() {
    let session = session();
    let device = session.add("phone").await.expect("a device");
    for (text, what) in [("watched", "watch"), ("!watched", "rest"), ("clock.skewSeconds == -90", "skew")] {
        let (until, began) = (until(text), now());
        let waiting = wait(&session, &until, Scope::Device, || facts(&session, Some(&device)));
        let changing = async {
            tokio::task::yield_now().await;
            match what {
                "watch" => device.watch().await.expect("watched"),
                "rest" => device.rest(),
                _ => device.clock().set_skew(-90),
            }
        };
        let (waited, ()) = tokio::join!(waiting, changing);
        assert!(waited.is_ok() && began.elapsed() < Duration::from_millis(1), "{what}: {waited:?}");
    }
}
