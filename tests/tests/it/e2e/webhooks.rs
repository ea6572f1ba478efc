//! Webhooks, from a device's operation to a receiver of another process's events.

mod failing;
mod nodes;
mod targets;

use std::process::Command;

use cardea_tests::harness::{Authority, Delivery, Device, Receiver, Reply, Site, output};
use serde_json::{Value, json};

use super::page::blocks;

const PIN: &str = Site::PIN;
const DURESS: &str = "83640275";
const PAGE: &str = include_str!("../../../../docs/server/audit.md");

/// A server on a test clock whose services may have webhooks of any kind.
fn site(more: &[&str]) -> Site {
    Site::dev_with(&[&["--window", "60", "--set", "webhook.allow_http=true"], more].concat())
}

/// Tells the service's events to `receiver` from now on; returns the secret.
fn hook(site: &Site, receiver: &Receiver) -> String {
    let stored = site.manage("service/update", &json!({ "webhook": receiver.url() }));
    assert_eq!(stored.code, 200, "{stored:?}");
    let secret = stored.json()["webhookSecret"].as_str().expect("a secret that is shown once").to_owned();
    site.hide(std::slice::from_ref(&secret));
    secret
}

/// How deliveries stand.
fn state(site: &Site) -> Value {
    let answer = site.look("webhook", "");
    assert_eq!(answer.code, 200, "{answer:?}");
    answer.json()
}

fn open_and_close(device: &Device) {
    device.open(PIN).ended(0);
    device.close().ended(0);
}

/// The types of the events of `user`, in the order in which they came first.
fn types(got: &[Delivery], user: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mine = got.iter().filter(|delivery| delivery.text("user") == user);
    mine.filter(|delivery| {
        let is_new = !seen.contains(&delivery.id());
        seen.push(delivery.id());
        is_new
    })
    .map(|delivery| delivery.text("type"))
    .collect()
}

/// What the page says about checking a signature, done by a shell.
fn signature(secret: &str, delivery: &Delivery) -> String {
    let lines: Vec<&str> = PAGE.lines().filter(|line| line.contains("openssl dgst")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let mut shell = Command::new("sh");
    shell.args(["-c", lines[0]]).env("SECRET", secret).env("TIMESTAMP", delivery.header("Cardea-Timestamp"));
    let said = output(shell.env("BODY", String::from_utf8(delivery.body.clone()).expect("text")));
    assert_eq!(said.code, Some(0), "{said:?}");
    said.out.trim_end().rsplit(' ').next().expect("a word").to_owned()
}

/// What the page's Python says of a delivery whose body arrives with `more` at its end, so many seconds later.
fn is_genuine(secret: &str, delivery: &Delivery, more: &str, later: u64) -> bool {
    let code = blocks(PAGE).filter_map(|(language, text)| (language == "python").then_some(text)).collect::<String>()
        + "import os\nof = os.environ\nprint(is_genuine(of['SECRET'], of, of['BODY'].encode(), int(of['NOW'])))\n";
    let mut python = Command::new("python3");
    python.args(["-c", &code]).env("SECRET", secret);
    for header in ["Cardea-Timestamp", "Cardea-Signature"] {
        python.env(header, delivery.header(header));
    }
    let time: u64 = delivery.header("Cardea-Timestamp").parse().expect("a time");
    python.env("BODY", String::from_utf8(delivery.body.clone()).expect("text") + more);
    let said = output(python.env("NOW", (time + later).to_string()));
    assert_eq!(said.code, Some(0), "{said:?}");
    said.out.trim() == "True"
}

fn is_signed(site: &Site, secret: &str, delivery: &Delivery) {
    assert!(is_genuine(secret, delivery, "", 0) && is_genuine(secret, delivery, "", 300), "{delivery:?}");
    assert!(!is_genuine(secret, delivery, " ", 0) && !is_genuine(secret, delivery, "", 301), "{delivery:?}");
    assert!(!is_genuine("another", delivery, "", 0), "{delivery:?}");
    assert_eq!(delivery.header("Cardea-Signature"), format!("v1={}", signature(secret, delivery)), "{delivery:?}");
    assert_eq!(delivery.header("Cardea-Event-Id"), delivery.text("id"));
    let time: u64 = delivery.header("Cardea-Timestamp").parse().expect("a time");
    assert!(time <= site.time(), "{delivery:?}");
    assert_eq!(delivery.header("Content-Type"), "application/json");
    assert!(delivery.head.starts_with("POST /hook?a=b HTTP/1.1\r\n"), "{}", delivery.head);
    assert_eq!(delivery.body.len() % 512, 0, "sizes say nothing");
}

/// The data of the events that the live feed has, which come in the order of their numbers.
fn feed(site: &Site, last: u64) -> Vec<Value> {
    let mut stream = super::streams::Stream::open(site, "&after=0", "");
    stream.until(last).into_iter().map(|event| event.data).collect()
}

/// Lets everything happen that a service is told of; returns what each user's events must be.
fn everything(site: &mut Site) -> Vec<(&'static str, Vec<&'static str>)> {
    let joe = site.enrolled_with("joe", &[PIN, DURESS]);
    joe.open(PIN).ended(0);
    joe.close().ended(0);
    joe.open(DURESS).ended(0);
    assert_eq!(site.status("joe"), 3);
    assert_eq!(site.call("duress/clear", "joe", &json!({})).code, 200);
    joe.open(PIN).ended(0);
    assert_eq!(site.call("close", "joe", &json!({})).code, 200);
    assert_eq!(site.call("block", "joe", &json!({})).code, 200);
    assert_eq!(site.call("delete", "joe", &json!({})).code, 200);

    let ann = site.enrolled("ann");
    open_and_close(&ann);
    let copy = ann.copy("copy-of-ann");
    ann.open(PIN).ended(0);
    site.power_failure();
    copy.open(PIN).failed("blocked");

    let bob = site.enrolled("bob");
    for answer in ["approve", "deny"] {
        let asked = site.call("confirmation", "bob", &json!({ "text": "Pay 20 EUR to Ann" }));
        assert_eq!(asked.code, 200, "{asked:?}");
        bob.run(&[answer], if answer == "approve" { &[PIN] } else { &[] }).ended(0);
    }
    let joe = vec![
        "token.enrolled",
        "token.opened",
        "token.closed",
        "token.duress",
        "token.opened",
        "token.closed",
        "token.blocked",
        "token.deleted",
    ];
    let ann = vec!["token.enrolled", "token.opened", "token.closed", "token.opened", "token.clone_suspected"];
    vec![("joe", joe), ("ann", ann), ("bob", vec!["token.enrolled", "confirmation.answered", "confirmation.answered"])]
}

#[test]
fn everything_that_matters_arrives_in_order_and_signed_as_the_page_says() {
    let mut site = site(&[]);
    let receiver = Receiver::plain();
    let secret = hook(&site, &receiver);
    let expected = everything(&mut site);
    // A server that died meanwhile may have left its work to nobody for a minute.
    site.advance(120);
    let all: usize = expected.iter().map(|(_, types)| types.len()).sum();
    let got = receiver
        .until("everything", |got| expected.iter().map(|(user, _)| types(got, user).len()).sum::<usize>() >= all);
    for (user, expected) in &expected {
        assert_eq!(types(&got, user), *expected, "{user}");
    }
    for delivery in &got {
        is_signed(&site, &secret, delivery);
    }
    let answers: Vec<Value> = got.iter().map(Delivery::json).filter(|body| body["user"] == "bob").collect();
    let states: Vec<&Value> = answers.iter().map(|body| &body["detail"]["state"]).filter(|it| !it.is_null()).collect();
    assert_eq!(states, ["approved", "denied"]);

    // The page about the API promises the same bodies in the feed.
    let last = got.iter().map(Delivery::id).max().expect("some");
    let feed = feed(&site, last);
    for delivery in &got {
        assert!(feed.contains(&delivery.json()), "{delivery:?} is not in {feed:?}");
    }
    assert_eq!(receiver.most_at_once(), 1);
}

#[test]
fn a_receiver_with_a_certificate_of_a_private_authority_is_believed_when_the_authority_is() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!("webhook.ca_file={}", authority.file(folder.path()).display());
    let site = site(&["--set", &file]);
    let receiver = Receiver::secure(authority.server(&["localhost"]));
    let secret = hook(&site, &receiver);
    open_and_close(&site.enrolled("joe"));
    let got = receiver.count(3);
    assert_eq!(types(&got, "joe"), ["token.enrolled", "token.opened", "token.closed"]);
    got.iter().for_each(|delivery| is_signed(&site, &secret, delivery));

    // Another name, another authority, and no TLS at all.
    let test = |receiver: &Receiver| {
        assert_eq!(site.manage("service/update", &json!({ "webhook": receiver.url() })).code, 200);
        let said = site.manage("webhook/test", &json!({}));
        assert_eq!(said.code, 200, "{said:?}");
        (said.json()["delivered"].clone(), said.json()["error"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(test(&receiver).0, true);
    for stranger in [authority.server(&["other.example"]), Authority::new().server(&["localhost"])] {
        let stranger = Receiver::secure(stranger);
        let (delivered, error) = test(&stranger);
        assert!(delivered == false && error.contains("TLS"), "{error}");
        assert!(stranger.got().is_empty());
    }
}

#[test]
fn the_secret_is_shown_once_and_the_old_one_signs_for_a_day() {
    let mut site = site(&[]);
    let receiver = Receiver::plain();
    let old = hook(&site, &receiver);
    let shown = site.look("service", "");
    assert!(shown.code == 200 && !shown.text().contains(&old), "{shown:?}");
    let renewed = site.manage("webhook/secret", &json!({}));
    assert_eq!(renewed.code, 200, "{renewed:?}");
    let new = renewed.json()["secret"].as_str().expect("a secret").to_owned();
    site.hide(std::slice::from_ref(&new));
    let test = |site: &Site, count| {
        assert_eq!(site.manage("webhook/test", &json!({})).json()["delivered"], true);
        receiver.count(count).pop().expect("there is one")
    };
    let delivery = test(&site, 1);
    assert_eq!(delivery.text("type"), "webhook.test");
    let both = format!("v1={},v1={}", signature(&new, &delivery), signature(&old, &delivery));
    assert_eq!(delivery.header("Cardea-Signature"), both);
    site.advance(86_400);
    let delivery = test(&site, 2);
    assert_eq!(delivery.header("Cardea-Signature"), format!("v1={}", signature(&new, &delivery)));
}

#[test]
fn nobody_waits_for_a_receiver_that_does_not_answer() {
    let site = site(&[]);
    let receiver = Receiver::plain();
    hook(&site, &receiver);
    receiver.answer(|_| Reply::Silence);
    let device = site.enrolled("joe");
    receiver.count(1);
    // It hangs, and everything goes on.
    for _ in 0..3 {
        device.open(PIN).ended(0);
        assert_eq!(site.status("joe"), 1);
        device.close().ended(0);
        assert_eq!(site.status("joe"), 2);
    }
    site.enrolled("ann").open(PIN).ended(0);
    assert_eq!(receiver.most_at_once(), 1);
    let mut site = site;
    assert_eq!(site.stop(), Some(0), "a stop does not wait for it either");
}
