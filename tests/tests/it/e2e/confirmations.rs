//! Confirmations from end to end: asked by HTTP, answered by the emulator, proved offline.

use cardea_protocol::crypto::{Dalek, Provider};
use cardea_tests::harness::{Answer, Device, Site, get};
use serde_json::{Value, json};

const PIN: &str = Site::PIN;
const DURESS: &str = "83640275";

fn ask(site: &Site, user: &str, text: &str) -> String {
    let asked = site.call("confirmation", user, &json!({ "text": text, "relyingParty": "Bank" }));
    assert_eq!((asked.code, &asked.json()["state"]), (200, &json!("pending")), "{asked:?}");
    asked.json()["confirmation"].as_str().expect("an id").to_owned()
}

fn poll(site: &Site, key: &str, id: &str) -> Value {
    let target = format!("/token/confirmation?service={}&confirmation={id}&authKey={key}", site.service);
    let answer: Answer = get(site.http(), target.as_bytes());
    assert_eq!(answer.code, 200, "{answer:?}");
    answer.json()
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("text");
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let mut bytes = Vec::new();
    for chunk in text.as_bytes().chunks(4) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 6 | u32::from(digit(*byte))) << (6 * (4 - chunk.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..chunk.len()]);
    }
    bytes
}

fn answered(device: &Device, arguments: &[&str], pins: &[&str]) -> Value {
    device.run(arguments, pins).ended(0).json()
}

#[test]
fn a_text_is_approved_with_the_pin_and_the_receipt_proves_it_to_anybody() {
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    device.run(&["approve"], &[PIN]).failed("no-such-text");
    let id = ask(&site, "joe", "Pay 20 EUR to Ann");
    assert_eq!(device.status().ended(0).json()["confirmations"], 1);
    let waiting = answered(&device, &["confirmations"], &[]);
    let text = "Bank: Pay 20 EUR to Ann";
    assert_eq!(waiting["confirmations"][0]["text"], text);
    assert_eq!(waiting["confirmations"][0]["id"], id.as_str());
    device.run(&["approve"], &["55018243"]).failed("pin-rejected");
    assert_eq!(poll(&site, &site.admin_key, &id)["state"], "pending");
    let said = answered(&device, &["approve", "--id", &id], &[PIN]);
    assert_eq!((&said["answer"], &said["confirmation"]["text"]), (&json!("approved"), &json!(text)));

    let told = poll(&site, &site.admin_key, &id);
    assert_eq!((&told["state"], &told["text"]), (&json!("approved"), &json!(text)));
    let [statement, signature, key] = ["statement", "signature", "publicKey"].map(|name| bytes(&told["receipt"][name]));
    let (signature, key) = (signature.try_into().expect("64 bytes"), key.try_into().expect("32 bytes"));
    assert!(Dalek::ed25519_verify(&key, &statement, &signature));
    assert_eq!(&statement[..13], b"cardea1 stmt\x05");
    assert_eq!(statement[90..], Dalek::sha256(&[text.as_bytes()]));
    assert_eq!(site.status("joe"), 2, "an approval opens nothing");
    device.run(&["approve", "--id", &id], &[PIN]).failed("no-such-text");
    let history = answered(&device, &["history"], &[]);
    assert_eq!(history["history"][0]["what"], "text approved");
    site.power_failure();
    assert_eq!(poll(&site, &site.admin_key, &id), told);
}

#[test]
fn a_text_is_denied_taken_back_or_expires() {
    let mut site = Site::dev();
    let device = site.enrolled("joe");
    let [denied, cancelled, expired] = ["a", "b", "c"].map(|text| ask(&site, "joe", text));
    let more = site.call("confirmation", "joe", &json!({ "text": "d" }));
    assert_eq!(more.code, 400, "{more:?}");
    device.run(&["approve"], &[PIN]).failed("ambiguous");
    answered(&device, &["deny", "--id", &denied, "--reason", "not-me"], &[]);
    let told = poll(&site, &site.admin_key, &denied);
    assert_eq!((&told["state"], &told["reason"]), (&json!("denied"), &json!("not-me")));
    let back = json!({ "service": site.service, "authKey": site.admin_key, "confirmation": cancelled });
    let back = cardea_tests::harness::post(site.http(), "/token/confirmation/cancel", &back);
    assert_eq!((back.code, &back.json()["state"]), (200, &json!("cancelled")));
    site.advance(120);
    assert_eq!(poll(&site, &site.admin_key, &expired)["state"], "expired");
    assert_eq!(answered(&device, &["confirmations"], &[])["confirmations"], json!([]));
}

#[test]
fn an_approval_under_duress_looks_like_one_to_who_forces_it_and_is_none() {
    let site = Site::dev();
    let free = site.enrolled_with("free", &[PIN, DURESS]);
    let forced = site.enrolled_with("forced", &[PIN, DURESS]);
    let ids = [ask(&site, "free", "Pay"), ask(&site, "forced", "Pay")];
    let seen = |device: &Device, pin, id: &str| {
        let ran = device.run(&["approve"], &[pin]);
        let token = ran.json()["token"].as_str().unwrap_or("-").to_owned();
        (ran.code, ran.out.replace(&token, "TOKEN").replace(id, "ID"), ran.err)
    };
    assert_eq!(seen(&free, PIN, &ids[0]), seen(&forced, DURESS, &ids[1]));
    assert_eq!(poll(&site, &site.admin_key, &ids[0])["state"], "approved");
    assert_eq!(poll(&site, &site.admin_key, &ids[1])["state"], "duress");
    assert_eq!((site.status("free"), site.status("forced")), (2, 3));
    site.logged(&["alert", "duress_raised=true"]);
}

#[test]
fn a_device_lists_and_revokes_the_other_devices_of_its_token() {
    let site = Site::dev();
    let first = site.enrolled("joe");
    let offer = site.offer_with("joe", &json!({ "addDevice": true }));
    let second = site.device("second");
    second.run(&["enroll", &offer.link], &[PIN]).ended(0);
    let listed = answered(&first, &["devices"], &[]);
    let devices = listed["devices"].as_array().expect("a list");
    assert_eq!(devices.len(), 2, "{listed}");
    let other = devices.iter().find(|device| device["this"] == false).expect("another one");
    let other = other["device"].as_str().expect("an id");
    first.run(&["revoke-device", "zzzzzzzz", "--yes"], &[PIN]).ended(2);
    first.run(&["revoke-device", other, "--yes"], &[PIN]).ended(0);
    second.open(PIN).failed("not-enrolled");
    assert_eq!(answered(&first, &["devices"], &[])["devices"].as_array().map(Vec::len), Some(1));
    first.run(&["revoke-device", other, "--yes"], &[PIN]).failed("refused");
    assert_eq!(answered(&first, &["info"], &[])["user"], "joe");
}
