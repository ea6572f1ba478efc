//! Becoming the holder of a token.

use cardea_tests::harness::{Device, Offer, Ran, Site, output_with};
use serde_json::json;

const PIN: &str = Site::PIN;

fn by_code(device: &Device, site: &Site, code: &str) -> Ran {
    device.run(&["enroll", code, "--host", &format!("http://{}", site.http())], &[PIN])
}

#[test]
fn link_qr_text_uri_and_typed_code_all_lead_to_a_closed_token_that_opens() {
    let site = Site::dev();
    type Way = fn(&Device, &Site, &Offer) -> Ran;
    let ways: [(&str, Way); 5] = [
        ("link", |device, _, offer| device.run(&["enroll", &offer.link], &[PIN])),
        ("uri", |device, _, offer| device.run(&["enroll", &offer.uri], &[PIN])),
        ("scanned", |device, _, offer| device.run(&["enroll", &format!(" {}\n", offer.link)], &[PIN])),
        ("typed", |device, site, offer| by_code(device, site, &offer.code)),
        ("sloppy", |device, site, offer| by_code(device, site, &offer.code.replace('-', " ").to_lowercase())),
    ];
    for (user, way) in ways {
        assert_eq!(site.ask(user).code, 404, "{user}");
        let offer = site.offer(user);
        assert!(offer.answer["qrSvg"].as_str().is_some_and(|svg| svg.contains("<svg")), "{user}");
        assert_eq!(site.status(user), 0, "{user}");
        let device = site.device(user);
        way(&device, &site, &offer).ended(0);
        assert_eq!(site.status(user), 2, "{user}");
        device.open(PIN).ended(0);
        assert_eq!(site.status(user), 1, "{user}");
    }
}

#[test]
fn a_link_can_come_from_standard_input() {
    let site = Site::dev();
    let device = site.device("joe");
    let pins = site.folder().join("pins");
    std::fs::write(&pins, format!("{PIN}\n")).unwrap();
    let mut command = device.command(&["enroll", "-", "--pin-file"]);
    let ran = output_with(command.arg(&pins), &format!("{}\n", site.offer("joe").link));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(site.status("joe"), 2);
}

#[test]
fn used_expired_replaced_and_unknown_offers_are_refused_and_leave_nothing_open() {
    let mut site = Site::dev();
    let used = site.offer("used");
    site.device("used").run(&["enroll", &used.link], &[PIN]).ended(0);
    site.device("thief").run(&["enroll", &used.link], &[PIN]).failed("code-used");
    by_code(&site.device("thief"), &site, &used.code).failed("code-used"); // One offer, two ways in.
    assert_eq!(site.status("used"), 2);

    let replaced = site.offer("replaced");
    let second = site.offer("replaced");
    site.device("replaced").run(&["enroll", &replaced.link], &[PIN]).failed("code-used");
    site.device("replaced").run(&["enroll", &second.link], &[PIN]).ended(0);

    let expired = site.offer("expired");
    site.advance(599);
    let last = site.offer("last");
    site.advance(1);
    let late = site.device("expired");
    late.run(&["enroll", &expired.link], &[PIN]).failed("code-used");
    by_code(&late, &site, &expired.code).failed("code-used");
    assert_eq!(site.status("expired"), 0);
    site.device("last").run(&["enroll", &last.link], &[PIN]).ended(0);

    let elsewhere = Site::dev();
    site.device("lost")
        .run(&["enroll", &elsewhere.offer("lost").through(site.channel().port())], &[PIN])
        .failed("code-used");
}

#[test]
fn a_typed_code_dies_with_the_third_wrong_guess() {
    let site = Site::dev();
    let offer = site.offer("joe");
    let guesser = site.device("guesser");
    // The first four characters say whose code it is; the others are the secret.
    for letters in ["AA", "BB", "CC"] {
        let end = if offer.code.ends_with(letters) { "DD" } else { letters };
        let guess = format!("{}{end}", &offer.code[..offer.code.len() - 2]);
        by_code(&guesser, &site, &guess).failed("code-used");
    }
    by_code(&site.device("joe"), &site, &offer.code).failed("code-used");
    assert_eq!(site.status("joe"), 0);
}

#[test]
fn what_is_no_invitation_is_refused_before_anything_is_sent() {
    let site = Site::dev();
    let device = site.device("joe");
    let link = site.offer("joe").link;
    for text in ["", "http://127.0.0.1/e#", &link[..link.len() - 5], "cardea:AAAA", "https://example.com/"] {
        let code = device.run(&["enroll", text], &[PIN]).code;
        assert!([2, 17].contains(&code), "{text}: {code}");
    }
    device.run(&["enroll", "ABC", "--host", "http://127.0.0.1:1"], &[PIN]).failed("no-invitation");
    device.run(&["enroll", "ABCD-EFGHJK", "--host", "http://127.0.0.1:1"], &[PIN]).failed("offline");
    device.run(&["enroll", "ABCD-EFGHJK", "--host", "http://example.com"], &[PIN]).failed("offline");
    device.run(&["enroll", "ABCD-EFGHJK"], &[PIN]).ended(2);
    device.run(&["enroll", &link], &[PIN]).ended(0);
}

#[test]
fn a_pin_that_is_refused_uses_nothing_up() {
    let site = Site::dev();
    let (device, link) = (site.device("joe"), site.offer("joe").link);
    for pins in [&["12345"][..], &["1234567890123"], &["111111"], &["123456"], &["27495x63"], &[PIN, "27495164"]] {
        device.run(&["enroll", &link], pins).failed("pin-not-allowed");
    }
    device.run(&["enroll", &link, "--pin-file", "/nowhere"], &[]).failed("pins");
    assert_eq!(site.status("joe"), 0);
    device.run(&["enroll", &link], &[PIN]).ended(0);
    assert_eq!(device.run(&["list"], &[]).json()["tokens"].as_array().map(Vec::len), Some(1));
}

#[test]
fn cheap_hashing_is_refused_without_the_flag_for_it() {
    let mut site = Site::dev();
    let link = site.offer("joe").link;
    site.start.run = true;
    let careful = site.device("joe");
    careful.run(&["enroll", &link], &[PIN]).failed("test-argon2");
    site.start.run = false;
    site.device("joe").run(&["enroll", &link], &[PIN]).ended(0);
}

#[test]
fn a_token_in_use_is_given_to_another_device_only_when_that_is_said() {
    let site = Site::dev();
    let first = site.enrolled("joe");
    let refused = site.call("enroll", "joe", &json!({}));
    assert_eq!(refused.code, 400, "{refused:?}");
    first.open(PIN).ended(0);

    let second = site.device("second");
    let link = site.offer_with("joe", &json!({ "addDevice": true })).link;
    second.run(&["enroll", &link], &["83640275"]).ended(0);
    assert_eq!(site.status("joe"), 1, "another device changes nothing for the first");
    second.close().ended(0);
    assert_eq!(site.status("joe"), 2, "either device closes");
    second.open("83640275").ended(0);
    assert_eq!(site.status("joe"), 1, "either device opens");
    // Each device has its own PIN.
    first.open("83640275").failed("pin-rejected");

    let third = site.device("third");
    let link = site.offer_with("joe", &json!({ "replaceDevice": true })).link;
    third.run(&["enroll", &link], &["90517326"]).ended(0);
    first.open(PIN).failed("not-enrolled");
    second.open("83640275").failed("not-enrolled");
    assert_eq!(site.status("joe"), 2);
    third.open("90517326").ended(0);
    assert_eq!(site.status("joe"), 1);
}
