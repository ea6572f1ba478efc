//! Faults of what travels, and of the keys behind it.

use cardea_emulator::engine::Settings;
use cardea_emulator::faults::{Direction, FrameKind, Gate, Rule};
use cardea_emulator::testing::Emulator;
use cardea_sdk::Deed;
use cardea_tests::harness::Site;

use super::case::{Case, Scene, all, enrolled, pin};

pub(super) const CASES: &[Case] = &[
    Case::opens("truncate"),
    Case::opens("truncate").with(|rule| rule.times(1).dir(Direction::In)),
    Case::opens("truncate").with(|rule| rule.times(1).dir(Direction::In).param("bytes", 0)),
    Case::opens("oversize").with(|rule| rule.times(1).dir(Direction::In)),
    Case::opens("zero-length").with(|rule| rule.times(1).dir(Direction::In)),
    Case::opens("bit-flip"),
    Case::opens("bit-flip").with(|rule| rule.times(1).param("bit", 20)),
    Case::opens("bit-flip").with(|rule| rule.times(1).dir(Direction::In)),
    Case::opens("garbage"),
    Case::opens("garbage").with(|rule| rule.times(1).dir(Direction::In)),
    Case::opens("unknown-version"),
    Case::opens("downgrade"),
    Case::opens("unknown-kind"),
    Case::opens("plain-error"),
    Case::opens("plain-error").with(|rule| rule.times(1).param("code", 5)),
    // Believed twice, and found out by a resync.
    Case::opens("plain-error").with(|rule| rule.times(2).param("code", 6)),
    Case::opens("plain-error").with(|rule| rule.times(1).param("code", 7)),
    Case::opens("plain-error").with(|rule| rule.times(1).param("code", 10)),
    Case::opens("plain-error").with(|rule| rule.times(1).param("code", 127)),
    Case::opens("wrong-state"),
    Case::opens("early-close"),
    Case::opens("flood"),
    Case::opens("flood").with(|rule| rule.times(1).dir(Direction::In)),
    Case::opens("ack-lost"),
    Case::opens("ack-lost").udp(),
    Case::opens("ack-duplicated").with(|rule| rule.times(1).param("copies", 3)),
    Case::opens("impostor"),
    Case::opens("stale-key"),
    Case::opens("low-order"),
    Case::opens("low-order").with(|rule| rule.times(1).dir(Direction::In)),
    Case::opens("wrong-hint"),
    Case::opens("wrong-hint").with(|rule| rule.times(2)),
    Case::opens("wrong-epoch"),
];

/// Those with a test of their own.
pub(super) const ALONE: &[&str] =
    &["replay", "replay-later", "replay-cross-token", "replay-cross-server", "ack-for-other-token"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_are_not_as_they_must_be_change_nothing() {
    all(CASES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_again_gets_the_stored_answer_and_does_nothing() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    scene.arm(Rule::new("replay").op("open").frame(FrameKind::C1).times(1).param("copies", 3));
    scene.phone.open_with(None, None, pin()).await.expect("opened");
    assert_eq!(scene.outcomes(), ["answered with S1"; 3]);
    assert_eq!((scene.status(), scene.deeds(Deed::Opened).await), (1, 1));
    scene.works("replay").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opening_that_is_said_again_after_a_close_opens_nothing() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    scene.arm(Rule::new("replay-later").op("open").frame(FrameKind::C1).times(1).param("copies", 2));
    scene.phone.open_with(None, None, pin()).await.expect("opened");
    scene.phone.close(None).await.expect("closed");
    assert_eq!(scene.outcomes(), ["plain code 6"; 2]);
    assert_eq!((scene.status(), scene.deeds(Deed::Opened).await), (2, 1));
    scene.works("replay-later").await;
}

/// What the tablet said when it was opened is said again by the phone, when it is opened.
async fn told_by_another(fault: &str, dir: Direction) {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    let tablet = enrolled(&scene.emulator, &site, "tablet", "ann").await;
    scene.arm(Rule::new(fault).id("crossed").op("open").dir(dir).times(1));
    tablet.open_with(None, None, pin()).await.expect("opened");
    assert_eq!(scene.hits("crossed"), 0, "it has only listened");
    tablet.close(None).await.expect("closed");
    scene.phone.open_with(None, None, pin()).await.expect("opened all the same");
    assert_eq!(scene.hits("crossed"), 1);
    assert_eq!((scene.status(), scene.deeds(Deed::Opened).await), (1, 1));
    assert_eq!(site.status("ann"), 2, "the other one was closed, and is");
    scene.emulator.faults().clear();
    scene.works(fault).await;
    assert_eq!(tablet.open(None, None).await.expect("opened").tries_left, 10);
    assert_eq!(site.status("ann"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_device_has_said_opens_nothing() {
    told_by_another("replay-cross-token", Direction::Out).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_device_was_told_is_no_answer() {
    told_by_another("ack-for-other-token", Direction::In).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_said_to_another_server_opens_nothing() {
    let (site, other) = (Site::dev(), Site::dev());
    let settings = Settings { faults: Gate::loopback(), ..Settings::default() };
    let emulator = Emulator::with(settings).expect("a session");
    let tablet = enrolled(&emulator, &other, "tablet", "joe").await;
    let scene = Scene::with(&site, emulator, "phone", "joe").await;
    scene.arm(Rule::new("replay-cross-server").id("crossed").op("open").times(1));
    tablet.open_with(None, None, pin()).await.expect("opened");
    tablet.close(None).await.expect("closed");
    scene.phone.open_with(None, None, pin()).await.expect("opened all the same");
    assert_eq!(scene.hits("crossed"), 1);
    assert_eq!((site.status("joe"), other.status("joe")), (1, 2));
    assert_eq!(scene.deeds(Deed::Opened).await, 1);
    scene.works("replay-cross-server").await;
}
