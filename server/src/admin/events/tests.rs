//! The feed: who is told what, in which order, and from where on.

use std::task::{Context, Poll, Waker};

use cardea_protocol::wire::KeyRecord;

use super::super::tests::{TestAdmin, joe, start, window};
use super::*;
use crate::domain::actor::Actor;
use crate::domain::rules::ServiceRules;
use crate::vault::testing::Pin;

/// Everything that a feed has to say by now.
async fn told(feed: &mut EventFeed) -> Vec<FeedItem> {
    let mut items = Vec::new();
    while let Ok(item) = tokio::time::timeout(3 * PACE, feed.next()).await {
        items.push(item.expect("read"));
    }
    items
}

async fn silent() -> (TestAdmin, crate::admin::Service) {
    let test = start().await;
    let service = test.service("default_demo", ServiceRules { silent_alarm: true, ..window(30) }).await;
    (test, service)
}

#[tokio::test]
async fn a_feed_begins_where_it_is_told_and_goes_on_as_things_happen() {
    let (test, service) = silent().await;
    let (vault, device) = test.device(&service).await;
    let mut now = test.admin.events(JournalFilter::All, true, None).await.expect("begun");
    assert_eq!(told(&mut now).await, []);
    vault.open(&device, Pin::Normal).await.expect("answered");
    vault.close(&device).await.expect("answered");
    let items = told(&mut now).await;
    assert_eq!(items.iter().map(|item| item.name).collect::<Vec<_>>(), ["token.opened", "token.closed"]);
    let mut again = test.admin.events(JournalFilter::All, true, Some(items[0].seq)).await.expect("begun");
    assert_eq!(told(&mut again).await, items[1..]);
    let mut all = test.admin.events(JournalFilter::Service(service.id), true, Some(0)).await.expect("begun");
    let all = told(&mut all).await;
    assert!(all.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert_eq!(all[all.len() - 2..], items);
    let mut nobody = test.admin.events(JournalFilter::Service(99), true, Some(0)).await.expect("begun");
    assert_eq!(told(&mut nobody).await, []);
}

#[tokio::test]
async fn a_silent_alarm_is_told_to_who_may_know_alone() {
    let (test, service) = silent().await;
    let (vault, device) = test.device(&service).await;
    let begin = async |knows| test.admin.events(JournalFilter::All, knows, None).await.expect("begun");
    let (mut knows, mut plain) = (begin(true).await, begin(false).await);
    vault.open(&device, Pin::Normal).await.expect("answered");
    vault.open(&device, Pin::Duress).await.expect("answered");
    test.admin.clear_duress(&service, &joe(), Actor::Operator).await.expect("cleared");
    test.admin.close(&service, &joe(), Actor::Operator).await.expect("closed");
    let names = |items: Vec<FeedItem>| items.iter().map(|item| item.name).collect::<Vec<_>>();
    assert_eq!(names(told(&mut knows).await), ["token.opened", "token.duress", "token.duress_cleared", "token.closed"]);
    let plain = told(&mut plain).await;
    let told: Vec<_> = plain.iter().map(|item| item.name).collect();
    assert_eq!(told, ["token.opened", "token.opened", "token.closed", "token.closed"]);
    let bare = |item: &FeedItem| {
        let mut body = item.body.clone();
        body["id"] = Value::Null;
        body
    };
    assert_eq!(bare(&plain[2]), bare(&plain[3]), "cleared duress is a forced close");
    assert!(plain.iter().all(|item| !item.body.to_string().contains("duress")));
}

#[tokio::test]
async fn a_key_that_an_operator_replaces_is_the_instances_business() {
    let (test, service) = silent().await;
    let begin = async |scope| test.admin.events(scope, true, None).await.expect("begun");
    let (mut all, mut one) = (begin(JournalFilter::All).await, begin(JournalFilter::Service(service.id)).await);
    test.clock.advance(8 * 24 * 3_600);
    test.admin.maintain_keys().await.expect("replaced in time");
    assert_eq!(told(&mut all).await, [], "nobody did anything");
    test.admin.rotate_keys(Actor::Operator).await.expect("replaced");
    let items = told(&mut all).await;
    assert_eq!(items.iter().map(|item| item.name).collect::<Vec<_>>(), ["instance.keys_rotated"]);
    let record = test.admin.server_identity().await.expect("answered").key_record;
    let epoch = KeyRecord::decode(&record).expect("a record").epoch;
    assert_eq!(items[0].body["detail"], serde_json::json!({ "epoch": epoch }));
    assert_eq!(items[0].body["by"], serde_json::json!({ "kind": "operator" }));
    assert_eq!(told(&mut one).await, []);
}

#[tokio::test]
async fn a_damaged_row_does_not_hold_up_the_feed() {
    let (test, service) = silent().await;
    let mut feed = test.admin.events(JournalFilter::All, true, None).await.expect("begun");
    test.device(&service).await;
    test.admin.block(&service, &joe(), Actor::Operator).await.expect("blocked");
    test.admin
        .write(|_, tx| {
            tx.execute("UPDATE journal SET sealed = x'00' WHERE seq = (SELECT max(seq) - 1 FROM journal)", &[])?;
            Ok(())
        })
        .await
        .expect("edited");
    assert_eq!(told(&mut feed).await.last().map(|item| item.name), Some("token.blocked"));
}

#[tokio::test]
async fn a_reader_that_stops_waiting_loses_nothing() {
    let (test, service) = silent().await;
    let mut feed = test.admin.events(JournalFilter::All, true, None).await.expect("begun");
    test.device(&service).await;
    for _ in 0..20 {
        let mut next = Box::pin(feed.next());
        assert!(matches!(next.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending | Poll::Ready(_)));
    }
    test.admin.block(&service, &joe(), Actor::Operator).await.expect("blocked");
    let names: Vec<_> = told(&mut feed).await.iter().map(|item| item.name).collect();
    assert_eq!(names.last(), Some(&"token.blocked"));
}
