//! A server that loses its database while others keep it.

use std::thread;

use cardea_tests::harness::{Answer, Cluster, Link, Site, get, until};
use serde_json::json;

use super::pair::{DOOR, ONCE, over, pair_with};

const PIN: &str = Site::PIN;

/// Two servers that wait for each other for a second. The first reaches the database by a link.
fn parted() -> (Link, [Site; 2]) {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let link = Link::to(cluster);
    let environment = |url: &str| {
        let mut environment = over(url);
        environment.push(("CARDEA_DATABASE_TIMEOUT".to_owned(), "1".to_owned()));
        environment
    };
    let nodes = pair_with(environment(&link.url(&url)), environment(&url));
    (link, nodes)
}

/// The server has failed, says so, and says nothing that anybody could take for "open".
#[track_caller]
pub(super) fn failed(answer: &Answer) {
    assert!([500, 503].contains(&answer.code), "{answer:?}");
    assert!(!answer.text().contains('1'), "{answer:?}");
}

fn ready(site: &Site) -> u16 {
    get(site.http(), b"/readyz").code
}

/// A status in another service than the site's own.
fn ask_in(site: &Site, service: &str, user: &str) -> Answer {
    get(site.http(), site.status_target(user).replace(&site.service, service).as_bytes())
}

/// Opens a token for one check, and another one for an hour.
fn opened(first: &mut Site) {
    for service in [ONCE, DOOR] {
        service.clone_into(&mut first.service);
        first.enrolled(service).open(PIN).ended(0);
    }
}

/// The first server loses its database, fails, and finds it again; the second goes on.
fn without_its_database(break_off: impl Fn(&Link)) {
    let (link, [mut first, second]) = parted();
    opened(&mut first);
    let device = first.device(DOOR);
    let body = json!({});
    assert_eq!((first.status(DOOR), ready(&first), ready(&second)), (1, 200, 200));
    break_off(&link);
    let closing = device.start(&["close"], &[]);
    thread::scope(|scope| {
        // All at once: some of them find out that nobody answers, the others are told.
        let mut asking = Vec::new();
        for _ in 0..8 {
            asking.push(scope.spawn(|| ask_in(&first, DOOR, DOOR)));
            asking.push(scope.spawn(|| ask_in(&first, ONCE, ONCE)));
        }
        asking.push(scope.spawn(|| first.call("block", DOOR, &body)));
        asking.push(scope.spawn(|| first.call("close", DOOR, &body)));
        asking.push(scope.spawn(|| get(first.http(), b"/readyz")));
        // Meanwhile nothing keeps the other one from its work.
        assert_eq!((second.status(DOOR), ready(&second)), (1, 200));
        for (change, status) in [("block", 4), ("unblock", 2)] {
            assert_eq!(second.call(change, DOOR, &body).code, 200);
            assert_eq!(second.status(DOOR), status);
        }
        second.enrolled("ann").open(PIN).ended(0);
        assert_eq!(second.status("ann"), 1);
        for answer in asking {
            failed(&answer.join().expect("it asks"));
        }
    });
    // It would go on trying for a minute.
    closing.killer().kill();
    let closed = closing.finish();
    assert_ne!(closed.code, 0, "{closed:?}");
    // Also when it knows already.
    for target in [first.status_target("ann"), "/readyz".to_owned()] {
        failed(&get(first.http(), target.as_bytes()));
    }
    assert_eq!(get(first.http(), b"/healthz").code, 200, "the process itself is well");
    let told = [ask_in(&second, ONCE, ONCE).text(), ask_in(&second, ONCE, ONCE).text()];
    assert_eq!(told, ["{\"status\":1}", "{\"status\":2}"]);
    link.mend();
    until("the database is found again", || (ready(&first) == 200).then_some(()));
    until("a status", || (ask_in(&first, DOOR, "ann").code == 200).then_some(()));
    assert_eq!((first.status("ann"), first.status(DOOR)), (1, 2));
    assert_eq!(ask_in(&first, ONCE, ONCE).text(), "{\"status\":2}");
    until("a change", || (first.call("block", "ann", &body).code == 200).then_some(()));
    assert_eq!((first.status("ann"), second.status("ann")), (4, 4));
    until("the device gets on", || (device.open(PIN).code == 0).then_some(()));
    assert_eq!((first.status(DOOR), second.status(DOOR)), (1, 1));
}

#[test]
fn a_server_whose_connections_to_the_database_break_fails_and_recovers() {
    without_its_database(Link::cut);
}

#[test]
fn a_server_whose_database_does_not_answer_any_more_fails_and_recovers() {
    without_its_database(Link::swallow);
}

#[test]
fn a_server_that_falls_silent_in_the_middle_of_a_change_holds_nobody_up_for_long() {
    // With the lock, and with the word that commits.
    for (last, kept) in [("FOR UPDATE", &[2][..]), ("job; COMMIT", &[2, 4])] {
        let (link, [first, second]) = parted();
        for (site, user) in [(&first, "joe"), (&second, "ann")] {
            drop(site.enrolled(user));
        }
        link.swallow_after(last.as_bytes());
        thread::scope(|scope| {
            let silent = scope.spawn(|| first.call("block", "joe", &json!({})));
            link.swallows();
            // The database ends its transaction.
            until("the other one writes", || {
                let answer = second.call("block", "ann", &json!({}));
                if answer.code != 200 {
                    failed(&answer);
                }
                (answer.code == 200).then_some(())
            });
            failed(&silent.join().expect("it calls"));
        });
        assert_eq!(second.status("ann"), 4);
        let seen = second.status("joe");
        assert!(kept.contains(&seen), "{last}: {seen}");
        link.mend();
        until("the database is found again", || (ready(&first) == 200).then_some(()));
        // What had been on its way came too late.
        assert_eq!((first.status("joe"), second.status("joe")), (seen, seen));
        until("a change", || (first.call("block", "joe", &json!({})).code == 200).then_some(()));
        assert_eq!((first.status("joe"), second.status("joe")), (4, 4));
    }
}
