//! Faults of the app and of who holds it.

use std::time::Duration;

use cardea_emulator::engine::{EngineError, Outcome};
use cardea_emulator::faults::Rule;
use cardea_sdk::{Approval, Deed, DeviceStatus};
use cardea_tests::harness::Site;
use serde_json::json;
use tokio::time::timeout;

use super::case::{Case, Scene, all};

pub(super) const CASES: &[Case] = &[
    Case::fails("cancel", 106).asks(),
    Case::fails("cannot-ask", 151).asks(),
    Case::opens("slow-holder").with(|rule| rule.times(1).param("ms", 50)).asks(),
    Case { opened: 2, ..Case::opens("double-tap").asks() },
    Case::killed("kill-before-send", &[2]),
    Case::killed("kill-after-send", &[1, 2]),
    Case::killed("kill-before-store", &[1]),
    // In the question how the token stands, which comes before the holder is asked.
    Case::killed("kill-before-store", &[2]).asks(),
];

/// Those with a test of their own.
pub(super) const ALONE: &[&str] = &["ignore", "wrong-pin", "deny", "forget-to-close", "kill-after-send"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holders_and_apps_that_give_up_leave_nothing_half_done() {
    all(CASES).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_who_does_not_look_opens_nothing() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    scene.arm(Rule::new("ignore").times(1));
    let phone = scene.phone.clone();
    let opening = tokio::spawn(async move { phone.open(None, None).await });
    let prompt = timeout(Duration::from_secs(30), async {
        loop {
            let seen = scene.emulator.journal().newest();
            if let Some(prompt) = scene.phone.human().prompts().pop() {
                return prompt;
            }
            scene.emulator.journal().after(seen).await;
        }
    });
    let prompt = prompt.await.expect("somebody is asked");
    assert_eq!(scene.status(), 2);
    // As if the minute were over.
    scene.phone.human().answer(prompt.id, Outcome::Ignore).expect("it waits");
    assert_eq!(opening.await.expect("no panic").expect_err("nobody has answered").code(), 106);
    assert_eq!(scene.status(), 2);
    scene.works("ignore").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_pins_are_counted_up_to_the_limit_and_then_the_device_is_blocked() {
    let mut site = Site::dev();
    let (emulator, phone) = {
        let scene = Scene::new(&site, "joe").await;
        (scene.emulator, scene.phone)
    };
    emulator.time().freeze();
    emulator.time().set(site.time());
    emulator.faults().arm(Rule::new("wrong-pin")).expect("a rule");
    for left in (0..10).rev() {
        let refused = phone.open(None, None).await.expect_err("it is wrong");
        assert_eq!((refused.code(), site.status("joe")), (1, if left == 0 { 4 } else { 2 }), "{left}: {refused}");
        // Longer than any wait.
        site.advance(3_601);
        emulator.time().set(site.time());
    }
    emulator.faults().clear();
    assert_eq!(phone.open(None, None).await.expect_err("it is blocked").code(), 3);
    assert_eq!(site.status("joe"), 4);
    assert_eq!(site.call("unblock", "joe", &json!({})).code, 200);
    assert_eq!(phone.open(None, None).await.expect("opened").state, DeviceStatus::Open);
    assert_eq!(site.status("joe"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_was_denied_is_never_approved() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    scene.arm(Rule::new("deny").id("denied").times(1));
    assert_eq!(site.call("confirmation", "joe", &json!({ "text": "Pay 20 EUR to Ann" })).code, 200);
    scene.phone.approve(None, None, Approval::Ask).await.expect("answered");
    assert_eq!(scene.hits("denied"), 1);
    assert_eq!((scene.deeds(Deed::Denied).await, scene.deeds(Deed::Approved).await), (1, 0));
    assert!(matches!(scene.phone.approve(None, None, Approval::Ask).await, Err(EngineError::NoSuchConfirmation)));
    scene.works("deny").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_nobody_closes_closes_by_itself() {
    let mut site = Site::dev();
    let (emulator, phone) = {
        let scene = Scene::new(&site, "joe").await;
        (scene.emulator, scene.phone)
    };
    emulator.faults().arm(Rule::new("forget-to-close").op("close")).expect("a rule");
    phone.open(None, None).await.expect("opened");
    assert!(matches!(phone.close(None).await, Err(EngineError::Forgotten { .. })));
    assert_eq!(site.status("joe"), 1);
    site.advance(61);
    assert_eq!(site.status("joe"), 2);
    assert_eq!(phone.status(None).await.expect("told").state, DeviceStatus::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_that_is_killed_again_and_again_opens_once_and_is_not_taken_for_a_copy() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    for fault in ["kill-before-send", "kill-after-send", "kill-before-store", "crash-before-write", "crash-after-write"]
    {
        // Also in the middle of finding out.
        scene.emulator.faults().clear();
        scene.arm(Rule::new(fault).times(3));
        for _ in 0..3 {
            assert!(matches!(scene.phone.open(None, None).await, Err(EngineError::Killed { .. })), "{fault}");
            assert!([1, 2].contains(&scene.status()), "{fault}");
        }
        let told = scene.phone.status(None).await.expect("told").state.number();
        assert_eq!(told, scene.status(), "{fault}");
        scene.works(fault).await;
    }
}
