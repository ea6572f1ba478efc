//! Receivers that fail, and servers that die while they deliver.

use std::sync::{Arc, Mutex};

use cardea_tests::harness::{Delivery, Device, Receiver, Reply, Site, until};
use serde_json::{Value, json};

use super::{PIN, hook, is_signed, open_and_close, site, state, types};

const LIFE: [&str; 3] = ["token.enrolled", "token.opened", "token.closed"];

#[test]
fn what_failed_comes_again_later_and_only_its_token_waits() {
    let mut site = site(&[]);
    let receiver = Receiver::plain();
    let secret = hook(&site, &receiver);
    let mut failures = 2;
    receiver.answer(move |delivery| {
        let fails = failures > 0 && delivery.text("user") == "joe";
        failures -= u32::from(fails);
        Reply::Code(if fails { 500 } else { 204 })
    });
    open_and_close(&site.enrolled("joe"));
    open_and_close(&site.enrolled("ann"));
    let got = receiver.until("those of ann", |got| types(got, "ann") == LIFE);
    assert_eq!(got.iter().filter(|delivery| delivery.text("user") == "joe").count(), 1, "not again yet");
    let waiting = until("the state", || Some(state(&site)).filter(|state| state["waitingTokens"] == 1));
    assert_eq!(waiting["lastError"], Value::Null, "what came after it arrived");
    // The second time it waits for about a minute, the third time it arrives, and the others behind it.
    for (step, count) in [(40, 5), (80, 8)] {
        site.advance(step);
        receiver.count(count);
    }
    let got = receiver.got();
    assert_eq!((types(&got, "joe"), got.len()), (LIFE.map(str::to_owned).to_vec(), 8));
    got.iter().for_each(|delivery| is_signed(&site, &secret, delivery));
    until("nothing that waits", || (state(&site)["waitingTokens"] == 0).then_some(()));
}

#[test]
fn a_webhook_that_fails_for_long_is_disabled_reported_and_begins_again_without_a_gap() {
    let mut site = site(&[]);
    let receiver = Receiver::plain();
    hook(&site, &receiver);
    receiver.answer(|_| Reply::Code(503));
    open_and_close(&site.enrolled("joe"));
    for failure in 1..=20 {
        receiver.count(failure);
        // The wait for the next one begins when the server has noted this one.
        let noted = until("the note of a failure", || Some(state(&site)).filter(|state| state["failures"] == failure));
        assert!(failure == 20 || noted["enabled"] == true, "after {failure}: {noted}");
        // Longer than the longest wait, a quarter more included.
        site.advance(751);
    }
    let off = until("the end of patience", || Some(state(&site)).filter(|state| state["enabled"] == false));
    assert!(off["lastError"].as_str().is_some_and(|error| error.contains("503")), "{off}");
    assert_eq!(off["failures"], 20);
    let alert = site.logged(&["alert", "webhook.disabled"]);
    assert!(alert.contains("WARN"), "{alert}");
    let mut stream = super::super::streams::Stream::open(&site, "&after=0&type=webhook.disabled", "");
    assert_eq!(stream.next().expect("told").data["service"], site.service.as_str());

    open_and_close(&site.enrolled("ann"));
    receiver.answer(|_| Reply::Code(204));
    site.advance(100_000);
    assert_eq!(receiver.got().len(), 20, "it is left alone");
    let told = site.look("webhook", "").json();
    assert_eq!((&told["enabled"], &told["failures"]), (&json!(false), &json!(20)));
    let enabled = site.manage("webhook/enable", &json!({}));
    assert_eq!((enabled.code, enabled.json()), (200, json!({ "enabled": true, "erased": 0 })));
    let got =
        receiver.until("all that happened meanwhile", |got| ["joe", "ann"].iter().all(|user| types(got, user) == LIFE));
    assert_eq!(got.len(), 26);
}

/// Kills the server at the delivery with this number, before or after it is answered, and never again.
fn kill_at(receiver: &Receiver, site: &Site, number: usize, answered: bool) -> Arc<Mutex<bool>> {
    let (killer, dead) = (site.killer(), Arc::new(Mutex::new(false)));
    let (mut count, told) = (0, Arc::clone(&dead));
    receiver.answer(move |_| {
        count += 1;
        if count == number {
            killer.kill();
            *told.lock().expect("nobody panics") = true;
            return if answered { Reply::Code(204) } else { Reply::Silence };
        }
        Reply::Code(204)
    });
    dead
}

#[test]
fn a_server_that_is_killed_while_it_delivers_forgets_nothing_and_keeps_the_order() {
    let mut site = site(&[]);
    let receiver = Receiver::plain();
    let secret = hook(&site, &receiver);
    let users = ["joe", "ann", "bob"];
    let devices: Vec<Device> = users.iter().map(|user| site.enrolled(user)).collect();
    receiver.count(users.len());
    let mut expected = vec!["token.enrolled"];
    for (number, answered) in [(1, false), (1, true), (2, false), (4, true), (6, false)] {
        let dead = kill_at(&receiver, &site, number, answered);
        // Whoever is interrupted tries again until there is a server, and has done it once.
        for device in &devices {
            for (what, pins) in [("open", &[PIN][..]), ("close", &[])] {
                let running = device.start(&[what], pins);
                if *dead.lock().expect("nobody panics") && !site.is_up() {
                    site.power_failure();
                }
                let ran = running.finish();
                if ran.code != 0 {
                    until("the server died", || dead.lock().expect("nobody panics").then_some(()));
                    site.power_failure();
                    settle(device, what, pins);
                }
            }
        }
        expected.extend(["token.opened", "token.closed"]);
        until("the server died", || dead.lock().expect("nobody panics").then_some(()));
        site.power_failure();
        // The dead server's minute has to pass.
        site.advance(61);
        let got =
            receiver.until("what happened", |got| users.iter().all(|user| types(got, user).len() >= expected.len()));
        for user in users {
            assert_eq!(types(&got, user), expected, "{user} after {number} {answered}");
            in_order(&got, user);
        }
    }
    receiver.got().iter().for_each(|delivery| is_signed(&site, &secret, delivery));
    assert_eq!(receiver.most_at_once(), 1);
}

/// Brings the token to where `what` leads, if it is not there.
fn settle(device: &Device, what: &str, pins: &[&str]) {
    let goal = if what == "open" { "open" } else { "closed" };
    if device.status().ended(0).json()["state"] != goal {
        device.run(&[what], pins).ended(0);
    }
}

/// A repetition is that of the event before: nothing comes again after something later of the same token.
fn in_order(got: &[Delivery], user: &str) {
    let ids: Vec<u64> = got.iter().filter(|delivery| delivery.text("user") == user).map(Delivery::id).collect();
    assert!(ids.is_sorted(), "{user}: {ids:?}");
}
