//! What two servers over one PostgreSQL database have to keep as if they were one: tries, ratchet, settings, authkeys.

use cardea_tests::harness::{Site, get, post, replay};
use serde_json::json;

use super::pair::{DOOR, ONCE, authkey, done, pair, wandering};

const PIN: &str = Site::PIN;
const WRONG: &str = "83640275";
/// First byte of the answer to a device whose state nobody knows.
const UNKNOWN: u8 = 0x86;

fn status_by(site: &Site, user: &str, key: &str) -> (u16, String) {
    let target = site.status_target(user).replace(&site.status_key, key);
    let answer = get(site.http(), target.as_bytes());
    (answer.code, answer.text())
}

#[test]
fn wrong_pins_at_both_nodes_count_together() {
    let [first, second] = pair();
    done(&first, &["service", "update", DOOR, "--tries", "4"]);
    let (device, proxy) = wandering(&first, "joe");
    let nodes = [&first, &second];
    for (number, left) in (0..4).rev().enumerate() {
        proxy.lead_to(nodes[number % 2].channel());
        let ran = device.open(WRONG).failed("pin-rejected");
        assert!(ran.out.contains(&format!("tries left: {left}")), "{ran:?}");
    }
    for node in nodes {
        proxy.lead_to(node.channel());
        assert_eq!(node.status("joe"), 4);
        device.open(PIN).failed("blocked");
    }
    // The administrator of one lifts it for both.
    assert_eq!(second.call("unblock", "joe", &json!({})).code, 200);
    proxy.lead_to(first.channel());
    device.open(WRONG).failed("pin-rejected");
    proxy.lead_to(second.channel());
    device.open(PIN).ended(0);
    assert_eq!((first.status("joe"), second.status("joe")), (1, 1));
}

#[test]
fn copies_that_guess_together_at_both_nodes_get_no_more_than_the_tries() {
    let [first, second] = pair();
    done(&first, &["service", "update", DOOR, "--tries", "3"]);
    let (device, proxy) = wandering(&first, "joe");
    proxy.spread_over(&[first.channel(), second.channel()]);
    let thieves: Vec<_> = (0..6)
        .map(|number| device.copy(&format!("thief{number}")).start(&["open"], &[&format!("8364027{number}")]))
        .collect();
    let ran: Vec<_> = thieves.into_iter().map(cardea_tests::harness::Running::finish).collect();
    let told = ran.iter().filter(|ran| ran.word() == "pin-rejected").count();
    assert!(told <= 3 && ran.iter().all(|ran| ran.code != 0), "{ran:?}");
    assert_eq!((first.status("joe"), second.status("joe")), (4, 4), "{ran:?}");
    for node in [&first, &second] {
        proxy.lead_to(node.channel());
        assert_ne!(device.open(PIN).code, 0);
        assert_eq!(node.status("joe"), 4);
    }
}

#[test]
fn a_request_that_is_replayed_at_the_other_node_gets_the_same_answer_and_does_nothing() {
    let [mut first, mut second] = pair();
    for node in [&mut first, &mut second] {
        ONCE.clone_into(&mut node.service);
    }
    let (device, proxy) = wandering(&first, "joe");
    device.open(PIN).ended(0);
    let [asked, answered] = proxy.last();
    // Before and after it was used up.
    assert_eq!(replay(second.channel(), &asked).as_ref(), Some(&answered));
    assert_eq!((second.status("joe"), first.status("joe")), (1, 2));
    for node in [&second, &first, &second] {
        assert_eq!(replay(node.channel(), &asked).as_ref(), Some(&answered));
        assert_eq!((first.status("joe"), second.status("joe")), (2, 2));
    }
    // What the device did at the other node is the last that counts, and two steps later nobody knows the old request.
    proxy.lead_to(second.channel());
    for _ in 0..2 {
        device.status().ended(0);
    }
    for node in [&first, &second] {
        let refused = replay(node.channel(), &asked).expect("a word about it");
        assert_eq!(refused[2], UNKNOWN, "{refused:?}");
        assert_eq!((first.status("joe"), second.status("joe")), (2, 2));
    }
    device.open(PIN).ended(0);
    assert_eq!((first.status("joe"), second.status("joe")), (1, 2));
}

#[test]
fn what_is_closed_at_one_node_is_closed_at_the_other_at_once() {
    let [first, second] = pair();
    let (device, proxy) = wandering(&first, "joe");
    for (node, other) in [(&first, &second), (&second, &first)] {
        for by_device in [false, true] {
            proxy.lead_to(node.channel());
            device.open(PIN).ended(0);
            assert_eq!((other.status("joe"), node.status("joe")), (1, 1));
            if by_device {
                device.close().ended(0);
            } else {
                assert_eq!(node.call("close", "joe", &json!({})).code, 200);
            }
            assert_eq!(other.status("joe"), 2, "by device: {by_device}");
            proxy.lead_to(other.channel());
            assert_eq!(device.status().ended(0).json()["status"], 2);
        }
    }
}

#[test]
fn an_authkey_is_good_or_bad_at_both_nodes_at_once() {
    let [first, second] = pair();
    assert_eq!(first.call("enroll", "joe", &json!({})).code, 200);
    for (node, other) in [(&first, &second), (&second, &first)] {
        for by_tool in [true, false] {
            let (key, number) = authkey(node, "basic");
            let good = (200, "{\"status\":0}".to_owned());
            assert_eq!([status_by(other, "joe", &key), status_by(node, "joe", &key)], [good.clone(), good]);
            if by_tool {
                done(node, &["authkey", "revoke", &number]);
            } else {
                let number: u64 = number.parse().expect("a number");
                let body = json!({ "subscription": "default", "authKey": node.admin_key, "authkey": number });
                let revoked = post(node.http(), "/token/authkey/revoke", &body);
                assert_eq!(revoked.code, 200, "{revoked:?}");
            }
            for node in [other, node] {
                let (code, body) = status_by(node, "joe", &key);
                assert!(code == 403 && !body.contains('1'), "{code} {body}");
            }
        }
    }
}

#[test]
fn settings_of_a_service_hold_at_both_nodes_at_once() {
    let [first, second] = pair();
    let (device, proxy) = wandering(&first, "joe");
    let update = |node: &Site, change: serde_json::Value| {
        let mut body = json!({ "service": DOOR, "authKey": node.admin_key });
        for (name, value) in change.as_object().expect("members") {
            body[name] = value.clone();
        }
        let answer = post(node.http(), "/token/service/update", &body);
        assert_eq!(answer.code, 200, "{answer:?}");
    };
    for (node, other) in [(&first, &second), (&second, &first)] {
        // An opening that the window of the one lets last is for a single check at the other.
        update(node, json!({ "window": 0, "openingLifetime": 3600 }));
        proxy.lead_to(other.channel());
        device.open(PIN).ended(0);
        assert_eq!((other.status("joe"), node.status("joe"), other.status("joe")), (1, 2, 2));
        update(node, json!({ "window": 3600 }));
        device.open(PIN).ended(0);
        assert_eq!((other.status("joe"), node.status("joe"), other.status("joe")), (1, 1, 1));
        update(node, json!({ "attempts": 1 }));
        let ran = device.open(WRONG).failed("pin-rejected");
        assert!(ran.out.contains("tries left: 0"), "{ran:?}");
        assert_eq!((other.status("joe"), node.status("joe")), (4, 4));
        update(node, json!({ "attempts": 10 }));
        assert_eq!(node.call("unblock", "joe", &json!({})).code, 200);
        assert_eq!(other.status("joe"), 2);
    }
    let gone = post(
        second.http(),
        "/token/service/delete",
        &json!({ "service": DOOR, "authKey": second.admin_key, "force": true }),
    );
    assert_eq!(gone.code, 200, "{gone:?}");
    for node in [&first, &second] {
        let answer = node.ask("joe");
        assert!(answer.code == 404 && !answer.text().contains('1'), "{answer:?}");
    }
}
