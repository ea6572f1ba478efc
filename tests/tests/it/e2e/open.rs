//! The life of a token: open, closed, blocked, gone.

use cardea_tests::harness::Site;
use serde_json::json;

const PIN: &str = Site::PIN;
const WRONG: &str = "83640275";

#[test]
fn an_opening_answers_exactly_these_bytes_and_ends_by_itself() {
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    let answer = site.ask("joe");
    assert_eq!((answer.code, answer.body.as_slice()), (200, &b"{\"status\":2}"[..]));

    let opened = device.open(PIN).ended(0).json();
    assert_eq!((&opened["status"], &opened["remaining"]), (&json!(1), &json!(60)));
    let answer = site.ask("joe");
    assert_eq!((answer.code, answer.body.as_slice()), (200, &b"{\"status\":1}"[..]));
    assert!(answer.head.to_lowercase().contains("content-type: application/json"), "{}", answer.head);

    site.advance(59);
    assert_eq!(site.status("joe"), 1);
    assert_eq!(device.status().ended(0).json()["remaining"], 1);
    site.advance(1);
    assert_eq!(site.status("joe"), 2);
    assert_eq!(device.status().ended(0).json()["state"], "closed");
    // Hours later the clocks of device and server do not agree any more, and the PIN opens all the same.
    site.advance(5 * 3600);
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
    device.close().ended(0);
    assert_eq!(site.status("joe"), 2);
}

#[test]
fn a_shorter_opening_can_be_asked_for_and_a_longer_one_not() {
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    assert_eq!(device.run(&["open", "--for", "10"], &[PIN]).ended(0).json()["remaining"], 8);
    site.advance(8);
    assert_eq!(site.status("joe"), 2);
    assert_eq!(device.run(&["open", "--for", "86400"], &[PIN]).ended(0).json()["remaining"], 60);
    device.run(&["open", "--for", "1"], &[PIN]).ended(2);
}

#[test]
fn wrong_pins_lead_to_waiting_and_to_a_block_whatever_restarts_in_between() {
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    for left in (6..10).rev() {
        let ran = device.open(WRONG).failed("pin-rejected");
        assert!(ran.out.contains(&format!("tries left: {left}")), "{ran:?}");
        site.power_failure();
    }
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1, "the right one gives all tries back");
    device.close().ended(0);

    let mut blocked_after = 0;
    for wait in [0, 0, 0, 0, 30, 60, 300, 900, 3600] {
        blocked_after += 1;
        device.open(WRONG).failed("pin-rejected");
        if wait > 0 {
            site.power_failure();
            device.open(PIN).failed("wait");
            assert_eq!(site.status("joe"), 2, "waiting is not open");
            site.advance(wait - 1);
            device.open(WRONG).failed("wait");
            site.advance(1);
        }
    }
    assert_eq!(blocked_after, 9);
    let last = device.open(WRONG).failed("pin-rejected");
    assert!(last.out.contains("tries left: 0)"), "{last:?}");
    for _ in 0..2 {
        assert_eq!(site.status("joe"), 4);
        device.open(PIN).failed("blocked");
        site.power_failure();
    }
    site.advance(30 * 86_400);
    device.open(PIN).failed("blocked");
    assert_eq!(site.status("joe"), 4);

    assert_eq!(site.call("unblock", "joe", &json!({})).json(), json!({ "blocked": false }));
    assert_eq!(site.status("joe"), 2);
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
}

#[test]
fn an_administrator_blocks_unblocks_and_deletes() {
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    // The device's clock is behind: its openings look older than the end of the block, in the second of which all of
    // this happens, until it takes the server's time.
    site.advance(100);
    device.open(PIN).ended(0);
    assert_eq!(site.call("block", "joe", &json!({})).json(), json!({ "blocked": true }));
    assert_eq!(site.status("joe"), 4);
    device.open(PIN).failed("blocked");
    assert_eq!(site.call("unblock", "joe", &json!({})).code, 200);
    assert_eq!(site.status("joe"), 2, "what was open before the block is not open after it");
    device.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
    assert_eq!(site.call("delete", "joe", &json!({})).json(), json!({ "deleted": true }));
    assert_eq!(site.ask("joe").code, 404);
    device.open(PIN).failed("not-enrolled");
    assert_eq!(site.ask("joe").code, 404);
    assert_eq!(site.call("delete", "joe", &json!({})).code, 404);
}

#[test]
fn a_holder_changes_the_pin_and_gives_the_token_up() {
    let site = Site::dev();
    let device = site.enrolled("joe");
    device.run(&["change-pin"], &[WRONG, "90517326"]).failed("pin-rejected");
    device.run(&["change-pin"], &[PIN, "111111"]).failed("pin-not-allowed");
    device.open(PIN).ended(0);
    device.run(&["change-pin"], &[PIN, "90517326"]).ended(0);
    device.open(PIN).failed("pin-rejected");
    device.open("90517326").ended(0);

    device.run(&["unenroll", "--yes"], &[WRONG]).failed("pin-rejected");
    assert_eq!(site.status("joe"), 1);
    device.run(&["unenroll", "--yes"], &["90517326"]).ended(0);
    assert_eq!(site.status("joe"), 0);
    device.open("90517326").failed("no-such-token");
    let again = site.enrolled("joe");
    again.open(PIN).ended(0);
    assert_eq!(site.status("joe"), 1);
}

#[test]
fn a_server_that_is_not_there_is_told_from_one_that_refuses() {
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    site.kill();
    for ran in [device.open(PIN), device.close(), device.status()] {
        ran.failed("offline");
    }
    device.run(&["list"], &[]).ended(0);
    device.run(&["unenroll", "--local", "--yes"], &[]).ended(0);
    assert_eq!(device.run(&["list"], &[]).json(), json!({ "tokens": [] }));
}

#[test]
fn one_device_holds_several_tokens_and_says_which_is_meant() {
    let site = Site::dev();
    let device = site.device("phone");
    for user in ["joe", "ann"] {
        device.run(&["enroll", &site.offer(user).link], &[PIN]).ended(0);
    }
    device.open(PIN).failed("ambiguous");
    let tokens = device.run(&["list"], &[]).json();
    let id = tokens["tokens"][0]["token"].as_str().unwrap().to_owned();
    device.run(&["open", &id[..12]], &[PIN]).ended(0);
    let mut states = [site.status("joe"), site.status("ann")];
    states.sort_unstable();
    assert_eq!(states, [1, 2], "exactly the one that was meant");
    device.run(&["open", "zzzz"], &[PIN]).failed("no-such-token");
}
