//! Two nodes over one PostgreSQL, and one receiver.

use std::collections::HashMap;
use std::thread;

use cardea_tests::harness::{Cluster, Delivery, Receiver, Reply, Site};

use super::{PIN, hook, is_signed, open_and_close, site, types};

/// Two nodes on test clocks that agree.
fn two_nodes() -> (Site, Site) {
    let database = format!("database.url={}", Cluster::shared().database());
    let first = site(&["--set", &database]);
    let second = first.beside();
    (first, second)
}

#[test]
fn two_nodes_deliver_each_event_once_in_order_and_never_at_once() {
    let (first, second) = two_nodes();
    let receiver = Receiver::plain();
    let secret = hook(&first, &receiver);
    let users: Vec<String> = (0..6).map(|number| format!("u{number}")).collect();
    thread::scope(|scope| {
        for (number, user) in users.iter().enumerate() {
            let node = if number % 2 == 0 { &first } else { &second };
            scope.spawn(move || {
                let device = node.enrolled(user);
                (0..3).for_each(|_| open_and_close(&device));
            });
        }
    });
    let got = receiver.count(users.len() * 7);
    let mut times: HashMap<u64, usize> = HashMap::new();
    for delivery in &got {
        *times.entry(delivery.id()).or_default() += 1;
        is_signed(&first, &secret, delivery);
    }
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    for user in &users {
        let ids: Vec<u64> = got.iter().filter(|it| it.text("user") == *user).map(Delivery::id).collect();
        assert!(ids.is_sorted() && ids.len() == 7, "{user}: {ids:?}");
    }
    assert_eq!(receiver.most_at_once(), 1);
}

#[test]
fn when_the_node_that_delivers_dies_another_goes_on_after_a_minute() {
    let database = format!("database.url={}", Cluster::shared().database());
    let mut first = site(&["--set", &database]);
    let receiver = Receiver::plain();
    hook(&first, &receiver);
    let device = first.enrolled("joe");
    receiver.count(1);
    // The only node there is calls, and is left hanging.
    receiver.answer(|_| Reply::Silence);
    device.open(PIN).ended(0);
    device.close().ended(0);
    receiver.count(2);
    let mut second = first.beside();
    first.kill();
    receiver.answer(|_| Reply::Code(204));
    second.advance(61);
    let got = receiver.until("the rest", |got| types(got, "joe").len() >= 3);
    assert_eq!(types(&got, "joe"), ["token.enrolled", "token.opened", "token.closed"]);
    let ids: Vec<u64> = got.iter().map(Delivery::id).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    assert_eq!(receiver.most_at_once(), 1);
}
