//! Servers of another version of the protocol are told from broken ones, and nothing is lost to them.

use cardea_protocol::Code;
use cardea_sdk::{DeviceStatus, WalletError, Window};

use crate::server::Fault;
use crate::world::{PIN, World, pin};

/// "The server speaks another version."
const ANOTHER_VERSION: u32 = 7;

fn says_so(error: &WalletError) {
    assert_eq!(error.code(), ANOTHER_VERSION, "{error}");
    assert!(error.to_string().contains("update"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_gone_on_to_later_versions_is_not_enrolled_with() {
    let world = World::new(160).await;
    for (lowest, highest) in [(2, 2), (2, 15)] {
        {
            let policy = &mut world.server.state().policy;
            (policy.version_min, policy.version_max) = (lowest, highest);
        }
        says_so(&world.try_enroll().await.unwrap_err());
    }
    assert!(world.wallet.tokens().await.unwrap().is_empty());
    assert!(!world.server.state().code_used);
    // One that knows both versions is fine.
    world.server.state().policy.version_min = 1;
    world.try_enroll().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_know_the_version_says_so_to_whoever_enrolls() {
    let world = World::new(161).await;
    world.server.fault([Fault::Forge(Code::VersionUnsupported)]);
    says_so(&world.try_enroll().await.unwrap_err());
    assert!(world.wallet.tokens().await.unwrap().is_empty());
    world.try_enroll().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_server_that_gave_the_version_up_is_told_from_one_that_is_gone_and_the_token_is_kept() {
    let world = World::enrolled(162).await;
    let token = world.token().await;
    world.server.fault(std::iter::repeat_n(Fault::Forge(Code::VersionUnsupported), 50));
    says_so(&token.open(pin(PIN), Window::Service).await.unwrap_err());
    world.server.state().faults.clear();
    // Put back, it serves the token again.
    assert_eq!(token.status().await.unwrap().state, DeviceStatus::Closed);
    assert_eq!(token.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
}
