//! Events without a gap, and streams that are none.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::hostile::{Hostile, Reply, Then, json as answer};
use crate::relying_party::{RelyingPartyError, Watch};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

fn event(id: u64, kind: &str) -> String {
    let data = json!({
        "id": id.to_string(), "type": kind, "at": 1_800_000_300, "service": "default_door", "user": "joe",
        "token": "3f9c2a5be07d4c8896ab20e47d5c6f03", "device": "5d20c9e4", "by": { "kind": "device" }, "detail": {},
    });
    format!("id: {id}\nevent: {kind}\ndata: {data}          \n\n")
}

fn stream(events: &[String]) -> Reply {
    format!("{HEAD}{}", events.concat()).into()
}

fn held(events: &[String]) -> Reply {
    Reply { then: Then::Hold, ..stream(events) }
}

async fn ids(watch: &mut Watch, count: usize) -> Vec<u64> {
    let mut ids = Vec::new();
    while ids.len() < count {
        if let Ok(event) = watch.next().await.expect("it goes on") {
            ids.push(event.id);
        }
    }
    ids
}

#[tokio::test(start_paused = true)]
async fn events_come_in_order_and_a_stream_that_breaks_goes_on_behind_the_last() {
    let cut = event(9, "token.closed");
    let server = Hostile::new([
        stream(&["id: 6\n\n".to_owned(), ":\n\n".to_owned(), event(7, "token.opened"), event(8, "token.closed")]),
        stream(&[cut[..cut.len() - 1].to_owned()]),
        "HTTP/1.1 503 X\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n".into(),
        "".into(),
        held(&[event(8, "token.closed"), event(9, "token.closed"), event(12, "token.duress")]),
    ])
    .await;
    let mut watch = server.asked_by().watch(None, &["token.opened", "token.closed"]);
    assert_eq!(watch.position(), None);
    let first = watch.next().await.unwrap().unwrap();
    assert_eq!((first.id, first.kind.as_str(), first.at), (7, "token.opened", 1_800_000_300));
    assert_eq!((first.user.as_deref(), first.device.as_deref()), (Some("joe"), Some("5d20c9e4")));
    assert!(first.json.starts_with('{') && first.json.ends_with('}'));
    assert_eq!(ids(&mut watch, 3).await, [8, 9, 12]);
    let targets: Vec<_> = server.requests().iter().map(|text| text.lines().next().unwrap().to_owned()).collect();
    let again = "GET /token/events?service=default_door&after=8&type=token.opened%2Ctoken.closed HTTP/1.1";
    assert_eq!(targets[0], "GET /token/events?service=default_door&type=token.opened%2Ctoken.closed HTTP/1.1");
    assert_eq!(targets[1..], [again; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_before_its_first_event_goes_on_where_it_began() {
    let server = Hostile::new([stream(&["id: 41\n\n".to_owned()]), held(&[event(42, "token.opened")])]).await;
    let mut watch = server.asked_by().watch(None, &[]);
    assert!(watch.next().await.unwrap().is_err(), "that it broke is said");
    assert_eq!(watch.position(), Some(41));
    assert_eq!(watch.next().await.unwrap().unwrap().id, 42);
    assert!(server.requests()[1].starts_with("GET /token/events?service=default_door&after=41 HTTP/1.1"));
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_begun_again() {
    let server = Hostile::new([held(&[]), held(&[event(2, "token.opened")])]).await;
    let mut watch = server.asked_by().watch(Some(1), &[]);
    assert_eq!(watch.next().await, Some(Err(RelyingPartyError::Timeout)));
    assert_eq!(watch.next().await.unwrap().unwrap().id, 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_pass_is_the_last() {
    let refused = answer(403, r#"{"error":"forbidden","message":"no"}"#);
    let server = Hostile::new([refused]).await;
    let mut watch = server.asked_by().watch(None, &[]);
    assert_eq!(watch.next().await, Some(Err(RelyingPartyError::Forbidden)));
    assert_eq!(watch.next().await, None);
    assert_eq!((watch.next().await, server.requests().len()), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_is_an_error_and_never_an_event() {
    let one = event(5, "token.opened");
    for (reply, code) in [
        (answer(200, "{}").into(), 168),
        (one.clone().into(), 168),
        (format!("{}{one}", HEAD.replace("event-stream", "plain")).into(), 168),
        (format!("{}{one}", HEAD.replace("\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n")).into(), 168),
        (format!("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n{one}").into(), 168),
        (stream(&[one.replace("id: 5\n", "")]), 168),
        (stream(&[one.replace("id: 5\n", "id: 6\n")]), 168),
        (stream(&[one.replace("id: 5\n", "id: +5\n")]), 168),
        (stream(&[one.replace("id: 5\n", "id: 99999999999999999999\n")]), 168),
        (stream(&[one.replace("event: token.opened", "event: token.closed")]), 168),
        (stream(&[one.replace("data: {", "data: [")]), 168),
        (stream(&["data: \u{0}\n\n".to_owned()]), 168),
        (Reply::from([HEAD.as_bytes(), b"data: \xff\n\n"].concat().as_slice()), 168),
        (Reply { bytes: format!("{HEAD}{}", "x".repeat(70_000)).into_bytes(), then: Then::Hold }, 168),
        (format!("{HEAD}{}", &one[..one.len() - 1]).into(), 166),
        ("".into(), 168),
        (Reply { bytes: Vec::new(), then: Then::Hold }, 167),
        (Reply { bytes: HEAD.as_bytes()[..40].to_vec(), then: Then::Hold }, 167),
    ] {
        let shown = String::from_utf8_lossy(&reply.bytes).chars().take(300).collect::<String>();
        let mut watch = Hostile::new([reply]).await.asked_by().watch(None, &[]);
        let error = watch.next().await.expect("an error").expect_err(&shown);
        assert_eq!(error.code(), code, "{error}: {shown}");
        assert_eq!(watch.position(), None, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_loses_no_event_and_a_failing_server_is_not_hurried() {
    let server = Hostile::new([held(&[event(2, "token.opened"), event(3, "token.closed")])]).await;
    let mut watch = server.asked_by().watch(Some(1), &[]);
    let mut ids = Vec::new();
    while ids.len() < 2 {
        tokio::select! {
            biased;
            next = watch.next() => ids.push(next.unwrap().unwrap().id),
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(ids, [2, 3]);

    let server = Hostile::new([""]).await;
    let mut watch = server.asked_by().watch(None, &[]);
    let hour = tokio::time::timeout(Duration::from_secs(3600), async { while watch.next().await.is_some() {} }).await;
    assert!(hour.is_err());
    let asked = server.requests().len();
    assert!((100..260).contains(&asked), "{asked} times in an hour");
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_noticed_by_whoever_waits_in_pieces() {
    for piece in [Duration::ZERO, Duration::from_secs(5), Duration::from_secs(19)] {
        let server = Hostile::new([held(&[]), held(&[event(2, "token.duress")])]).await;
        let mut watch = server.asked_by().watch(Some(1), &[]);
        let (mut told, mut passed) = (Vec::new(), 0);
        while told.len() < 2 && passed < 60 {
            match tokio::time::timeout(piece, watch.next()).await {
                Ok(next) => told.push(next.unwrap().map(|event| event.id)),
                Err(_) => passed += 1,
            }
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(told, [Err(RelyingPartyError::Timeout), Ok(2)], "{piece:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_back_late_to_a_stream_that_lives_hears_of_no_break() {
    let server = Hostile::new([held(&[event(2, "token.opened"), event(3, "token.closed")])]).await;
    let mut watch = server.asked_by().watch(Some(1), &[]);
    assert_eq!(watch.next().await.unwrap().unwrap().id, 2);
    sleep(Duration::from_secs(3_600)).await;
    assert_eq!(watch.next().await.unwrap().unwrap().id, 3);

    let dripping = Hostile::new([Reply { then: Then::Drip, ..stream(&[]) }]).await;
    let mut watch = dripping.asked_by().watch(None, &[]);
    for _ in 0..20 {
        let waited = tokio::time::timeout(Duration::from_secs(3), watch.next()).await;
        assert!(waited.is_err(), "{waited:?}");
        sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(dripping.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_lived_without_an_event_is_no_failure() {
    // Ends after forty seconds of signs of life; without one in between it would wait for half a minute.
    let ends = Reply { then: Then::DripFor(40), ..stream(&[]) };
    let mut replies = vec![Reply::from(""); 8];
    replies.extend([ends.clone(), ends]);
    let server = Hostile::new(replies).await;
    let mut watch = server.asked_by().watch(Some(1), &[]);
    for _ in 0..9 {
        watch.next().await.unwrap().unwrap_err();
    }
    let begun = server.requests().len();
    let again = tokio::time::timeout(Duration::from_secs(2), watch.next()).await;
    assert!(again.is_err());
    assert_eq!(server.requests().len(), begun + 1, "it is begun again at once");
}
