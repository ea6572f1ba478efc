//! Copies of a device, backups that come back, and keys that are not good any more.

use cardea_emulator::faults::Rule;
use cardea_sdk::DeviceStatus;
use cardea_tests::harness::Site;
use serde_json::json;

use super::case::{Scene, pin};

/// Each has a test of its own.
pub(super) const ALONE: &[&str] =
    &["clone-first", "clone-after", "rollback", "lost-write", "code-reuse", "revoked-but-talking", "reinstalled"];

/// The token is blocked, and says so; enrolled anew it is as good as new.
async fn is_blocked_until_enrolled_anew(scene: &Scene<'_>, about: &str) {
    assert_eq!(scene.status(), 4, "{about}");
    scene.emulator.faults().clear();
    assert_eq!(scene.phone.open(None, None).await.expect_err("it is blocked").code(), 3, "{about}");
    assert_eq!(scene.phone.status(None).await.expect("told").state, DeviceStatus::Blocked, "{about}");
    assert_eq!(scene.status(), 4, "{about}");
    enrolls_anew(scene, about).await;
}

async fn enrolls_anew(scene: &Scene<'_>, about: &str) {
    let link = scene.site.offer_with(&scene.user, &json!({ "replaceDevice": true })).link;
    let invitation = scene.phone.invitation(&link, None).await.expect("a link");
    scene.phone.enroll(&invitation).await.unwrap_or_else(|error| panic!("{about}: {error}"));
    scene.works(about).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_comes_first_is_proved_when_the_device_comes() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    scene.arm(Rule::new("clone-first").op("open").times(1));
    assert_eq!(scene.phone.open(None, None).await.expect_err("it is blocked").code(), 3);
    assert_eq!(scene.outcomes(), ["the copy was told 2"]);
    site.logged(&["alert", "clone"]);
    is_blocked_until_enrolled_anew(&scene, "clone-first").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_comes_afterwards_is_proved_at_once_and_closes_the_token() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    scene.arm(Rule::new("clone-after").op("open").times(1));
    assert_eq!(scene.phone.open(None, None).await.expect("opened").state, DeviceStatus::Open);
    assert_eq!(scene.outcomes(), ["the copy was told 4"]);
    site.logged(&["alert", "clone"]);
    is_blocked_until_enrolled_anew(&scene, "clone-after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_from_a_backup_is_taken_for_a_copy_however_old_it_is() {
    let site = Site::dev();
    for operations in [1, 3] {
        let scene = Scene::new(&site, &format!("joe-{operations}")).await;
        for _ in 0..2 {
            scene.phone.open(None, None).await.expect("opened");
            scene.phone.close(None).await.expect("closed");
        }
        scene.arm(Rule::new("rollback").op("open").times(1).param("operations", operations));
        assert_eq!(scene.phone.open(None, None).await.expect_err("it is blocked").code(), 3, "{operations}");
        is_blocked_until_enrolled_anew(&scene, &format!("rollback {operations}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_mark_of_what_was_sent_looks_like_a_copy_and_opens_nothing_twice() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    scene.arm(Rule::new("lost-write").op("open").times(1));
    let refused = scene.phone.open_with(None, None, pin()).await.expect_err("the store has changed");
    assert_eq!((refused.code(), scene.status()), (130, 1));
    scene.emulator.faults().clear();
    assert_eq!(scene.phone.open(None, None).await.expect_err("it is blocked").code(), 3);
    is_blocked_until_enrolled_anew(&scene, "lost-write").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_was_used_is_used() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    scene.arm(Rule::new("code-reuse").device("tablet"));
    let tablet = super::case::enrolled(&scene.emulator, &site, "tablet", "ann").await;
    assert_eq!(scene.outcomes(), ["refused with code 10"]);
    assert_eq!(site.status("ann"), 2);
    tablet.open(None, None).await.expect("opened");
    assert_eq!(site.status("ann"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_was_given_up_gets_nothing_whatever_it_still_has() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    scene.arm(Rule::new("revoked-but-talking").times(1));
    scene.phone.unenroll(None, cardea_sdk::Approval::Ask).await.expect("given up");
    scene.emulator.faults().clear();
    assert_eq!(scene.phone.list().await.expect("listed").len(), 1, "it has its keys again");
    assert_eq!(scene.phone.open(None, None).await.expect_err("nobody knows it").code(), 4);
    assert_eq!(scene.phone.status(None).await.expect("told").state, DeviceStatus::NotEnrolled);
    assert_eq!(scene.status(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_was_installed_again_enrolls_again() {
    let site = Site::dev();
    let scene = Scene::new(&site, "joe").await;
    scene.phone.open(None, None).await.expect("opened");
    scene.arm(Rule::new("reinstalled").op("close").times(1));
    assert!(scene.phone.close(None).await.is_err(), "there is no token");
    assert_eq!(scene.phone.list().await.expect("listed"), []);
    assert_eq!(scene.status(), 1, "nobody has closed it");
    scene.emulator.faults().clear();
    enrolls_anew(&scene, "reinstalled").await;
}
