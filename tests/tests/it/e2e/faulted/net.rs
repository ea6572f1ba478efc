//! Faults of the way to the server.

use cardea_emulator::engine::Named;
use cardea_emulator::faults::{Direction, FrameKind, Rule};

use super::case::{Case, Scene, all, enrolled, pin};
use cardea_sdk::{Deed, DeviceStatus};
use cardea_tests::harness::Site;

pub(super) const CASES: &[Case] = &[
    Case::fails("refuse", 102),
    Case::fails("connect-timeout", 102),
    Case::fails("dns-failure", 102),
    Case::opens("connect-slow").with(|rule| rule.times(1).param("ms", 50)),
    Case::opens("captive-portal"),
    Case::opens("proxy-407"),
    Case::opens("duplicate-connection"),
    Case::opens("slow-close").with(|rule| rule.param("ms", 200)),
    Case::opens("half-open"),
    Case::opens("lost").udp(),
    Case::opens("lost").with(|rule| rule.times(2).dir(Direction::Out)).udp(),
    Case::opens("late").with(|rule| rule.times(1).param("ms", 200)),
    Case::opens("late").with(|rule| rule.times(1).dir(Direction::Out).param("ms", 200)),
    Case::opens("duplicate").with(|rule| rule.times(1).param("copies", 3)),
    Case::opens("duplicate").with(|rule| rule.times(1).param("copies", 3)).udp(),
    Case::opens("reorder").udp(),
    Case::opens("reorder").with(|rule| rule.times(1).dir(Direction::In)).udp(),
    Case::opens("mtu-blackhole").with(|rule| rule).udp(),
];

/// Those with a test of their own besides.
pub(super) const ALONE: &[&str] = &["late"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_way_to_the_server_changes_nothing() {
    all(CASES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_come_when_the_code_has_expired_enroll_nobody() {
    let mut site = Site::dev();
    let emulator = Scene::new(&site, "joe").await.emulator;
    let phone = emulator.add("late").await.expect("a free name");
    let invitation = phone.invitation(&site.offer("ann").link, None).await.expect("a link");
    let rule = Rule::new("late").id("late").frame(FrameKind::E3).dir(Direction::Out).param("ms", 20);
    emulator.faults().arm(rule).expect("a rule");
    let choosing = async |_| {
        site.advance(601);
        Ok(cardea_sdk::NewPins { normal: pin(), duress: Vec::new(), biometric: None })
    };
    assert_eq!(phone.enroll_with(&invitation, choosing).await.expect_err("it has expired").code(), 10);
    assert_eq!(site.status("ann"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn networks_come_and_go_under_a_device_that_goes_on() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    let phone = &scene.phone;
    phone.network().set(Named::Offline).expect("it can be");
    assert_eq!(phone.open(None, None).await.expect_err("there is none").code(), 102);
    assert_eq!(scene.status(), 2);
    phone.network().set(Named::G3).expect("it can be");
    assert_eq!(phone.open(None, None).await.expect("opened").state, DeviceStatus::Open);
    assert_eq!(scene.status(), 1);
    phone.network().clear();
    assert_eq!(scene.deeds(Deed::Opened).await, 1);
    // Other devices have networks of their own.
    phone.network().set(Named::Offline).expect("it can be");
    let tablet = enrolled(&scene.emulator, &site, "tablet", "ann").await;
    tablet.open(None, None).await.expect("opened");
    phone.network().clear();
    scene.works("networks").await;
}
