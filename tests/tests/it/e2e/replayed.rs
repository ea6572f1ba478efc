//! What was recorded, once more, against the real server: frames byte for byte, and operations by another device.

use cardea_emulator::engine::{EngineError, Outcome, Settings};
use cardea_emulator::faults::{Gate, RuleError};
use cardea_emulator::replay::{Reaction, ReplayError, Replayed, resign, verbatim};
use cardea_emulator::testing::Emulator;
use cardea_emulator::trace::{Difference, File, Name, Secrets, Verdict, differences};
use cardea_sdk::Approval;
use cardea_tests::harness::Site;
use serde_json::json;

fn gated(gate: Gate) -> Emulator {
    Emulator::with(Settings { faults: gate, ..Settings::default() }).expect("a session")
}

/// A device that enrolls and opens while somebody listens.
async fn heard(emulator: &Emulator, site: &Site, user: &str) -> File {
    emulator.trace().start();
    let phone = emulator.add(user).await.expect("a free name");
    let invitation = phone.invitation(&site.offer(user).link, None).await.expect("a link");
    phone.enroll(&invitation).await.expect("enrolled");
    phone.open(None, None).await.expect("opened");
    let file = emulator.trace().file(Secrets::Hidden);
    emulator.trace().stop();
    file
}

fn reaction_to<'a>(all: &'a [Replayed], op: &str) -> &'a Replayed {
    all.iter().rfind(|it| it.op.as_deref() == Some(op)).expect("it was sent")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_are_sent_again_open_nothing() {
    let (site, emulator) = (Site::dev(), gated(Gate::loopback()));
    let heard = heard(&emulator, &site, "joe").await;
    assert_eq!(site.status("joe"), 1);
    let closed = site.call("close", "joe", &json!({}));
    assert_eq!((closed.code, site.status("joe")), (200, 2));

    // The opening is the newest that the server has from this device: it says what it said then, and does nothing.
    let again = verbatim(&emulator, &heard, None, None).await.expect("sent");
    assert!(again.iter().all(Replayed::is_expected), "{again:?}");
    assert_eq!(reaction_to(&again, "OPEN").reaction, Reaction::Recorded);
    assert_ne!(reaction_to(&again, "STATUS").reaction, Reaction::Recorded, "it is not the newest");
    let enrolling = again.iter().find(|it| it.frame == Name::E3).expect("it was sent");
    assert_ne!(enrolling.reaction, Reaction::Anew, "a used link enrolls nobody");
    assert_eq!(site.status("joe"), 2);

    // Nor after the device has gone on: then nothing is known of it.
    let phone = emulator.device("joe").expect("it is there");
    phone.status(None).await.expect("answered");
    let again = verbatim(&emulator, &heard, Some("joe"), None).await.expect("sent");
    assert!(again.iter().all(Replayed::is_expected), "{again:?}");
    let opening = reaction_to(&again, "OPEN").reaction;
    assert!(matches!(opening, Reaction::Refused(_) | Reaction::Closed | Reaction::Silent), "{opening:?}");
    assert_eq!(site.status("joe"), 2);
    // The device is none the worse for it, and is no clone.
    phone.open(None, None).await.expect("opened");
    assert_eq!(site.status("joe"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_knows_nothing_of_what_was_recorded() {
    let (site, other, emulator) = (Site::dev(), Site::dev(), gated(Gate::loopback()));
    let heard = heard(&emulator, &site, "joe").await;
    let there = channel(&other);
    let sent = verbatim(&emulator, &heard, None, Some(&there)).await.expect("sent");
    assert!(!sent.is_empty());
    for it in &sent {
        assert!(!matches!(it.reaction, Reaction::Recorded | Reaction::Anew), "{it:?}");
    }
}

/// Where a server's devices reach it.
fn channel(site: &Site) -> cardea_sdk::transport::Endpoint {
    let invitation = cardea_sdk::Invitation::from_link(&site.offer("stranger").link).expect("a link");
    invitation.endpoint().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_decisions_by_a_new_device_come_to_the_same() {
    let (site, emulator) = (Site::dev(), gated(Gate::loopback()));
    emulator.trace().start();
    let phone = emulator.add("phone").await.expect("a free name");
    let invitation = phone.invitation(&site.offer("joe").link, None).await.expect("a link");
    phone.enroll(&invitation).await.expect("enrolled");
    phone.open(None, None).await.expect("opened");
    phone.status(None).await.expect("answered");
    phone.close(None).await.expect("closed");
    phone.human().next(Outcome::WrongPin);
    phone.open(None, None).await.expect_err("a wrong PIN");
    phone.history(None, 0).await.expect("answered");
    phone.unenroll(None, Approval::Ask).await.expect("given up");
    let first = emulator.trace().file(Secrets::Hidden);

    emulator.trace().start();
    let tablet = emulator.add("tablet").await.expect("a free name");
    let invitation = tablet.invitation(&site.offer("ann").link, None).await.expect("a link");
    let steps = resign(&emulator, &first, None, &tablet, &invitation).await.expect("done again");
    let came: Vec<_> = steps.iter().map(|step| (&*step.op, &*step.recorded, &*step.now)).collect();
    let expected = [
        ("OPEN", "open"),
        ("STATUS", "open"),
        ("CLOSE", "closed"),
        ("OPEN", "pin-rejected"),
        ("HISTORY", "done"),
        ("UNENROLL", "done"),
    ];
    assert_eq!(came, expected.map(|(op, outcome)| (op, outcome, outcome)));
    assert_eq!(site.status("ann"), 0);
    // Other keys and other nonces, and frame by frame the same.
    let second = emulator.trace().file(Secrets::Hidden);
    assert_eq!(differences(&first, &second).expect("short"), []);
    let wires = |file: &File| file.lines.iter().map(|line| line.wire.clone()).collect::<Vec<_>>();
    assert!(wires(&first).iter().all(|wire| !wires(&second).contains(wire)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_to_something_else_is_told() {
    let (site, emulator) = (Site::dev(), gated(Gate::loopback()));
    let mut recorded = heard(&emulator, &site, "joe").await;
    // As if the server had opened nothing.
    let reply = recorded.lines.last_mut().expect("an answer");
    assert_eq!((reply.op.as_deref(), reply.verdict), (Some("OPEN"), Verdict::Authentic));
    reply.fields["status"] = json!(2);
    emulator.trace().start();
    let tablet = emulator.add("tablet").await.expect("a free name");
    let invitation = tablet.invitation(&site.offer("ann").link, None).await.expect("a link");
    let steps = resign(&emulator, &recorded, Some("joe"), &tablet, &invitation).await.expect("done again");
    assert_eq!(steps.len(), 1);
    assert!(!steps[0].is_same() && steps[0].recorded == "closed" && steps[0].now == "open", "{steps:?}");
    let found = differences(&recorded, &emulator.trace().file(Secrets::Hidden)).expect("short");
    let [Difference::Differs { field, was, is, .. }] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&**field, was, is), ("status", &json!(2), &json!(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_replayed_where_faults_may_not_be_seen() {
    let (site, without) = (Site::dev(), gated(Gate::closed()));
    let recorded = heard(&without, &site, "joe").await;
    let refused = verbatim(&without, &recorded, None, None).await.expect_err("not allowed");
    assert!(matches!(refused, ReplayError::Gate(RuleError::NotAllowed)), "{refused}");
    let tablet = without.add("tablet").await.expect("a free name");
    let invitation = tablet.invitation(&site.offer("ann").link, None).await.expect("a link");
    let refused = resign(&without, &recorded, None, &tablet, &invitation).await.expect_err("not allowed");
    assert!(matches!(refused, ReplayError::Gate(RuleError::NotAllowed)), "{refused}");

    let emulator = gated(Gate::loopback());
    let mut elsewhere = recorded.clone();
    for line in &mut elsewhere.lines {
        line.peer = "id.example:8421".into();
    }
    let refused = verbatim(&emulator, &elsewhere, None, None).await.expect_err("another host");
    assert!(refused.to_string().starts_with("id.example is neither"), "{refused}");
    let stranger = emulator.add("stranger").await.expect("a free name");
    let link = site.offer("eve").at_host("id.example.invalid");
    let invitation = stranger.invitation(&link, None).await.expect("a link");
    let refused = resign(&emulator, &recorded, None, &stranger, &invitation).await.expect_err("another host");
    assert!(refused.to_string().starts_with("id.example.invalid is neither"), "{refused}");
    let nobody = verbatim(&emulator, &recorded, Some("bob"), None).await.expect_err("not in the trace");
    assert!(matches!(nobody, ReplayError::Nothing(Some(name)) if name == "bob"));
    assert!(matches!(stranger.status(None).await, Err(EngineError::NoToken)));
}
