//! Servers that do not know the device any more, and copies of the device.

use std::sync::Arc;

use cardea_protocol::Code;
use cardea_protocol::ratchet::Row;
use cardea_sdk::store::Store;
use cardea_sdk::store::memory::MemoryStore;
use cardea_sdk::{DeviceStatus, WalletError, Window};

use crate::world::{PIN, World, pin};

/// The server is set back to an older copy of its database.
fn restore(world: &World, backup: &Row, marker: u8) {
    let mut state = world.server.state();
    state.devices[0].row = backup.duplicate();
    state.devices[0].row.marker = marker;
}

async fn with_a_backup(seed: u64) -> (World, Row) {
    let world = World::enrolled(seed).await;
    let backup = world.server.state().devices[0].row.duplicate();
    for _ in 0..3 {
        world.token().await.status().await.unwrap();
    }
    (world, backup)
}

#[tokio::test(start_paused = true)]
async fn a_restored_server_is_caught_up_with() {
    let (world, backup) = with_a_backup(200).await;
    restore(&world, &backup, 1);
    let token = world.token().await;
    // What was pending went with the old key: the holder is told so, and tries again.
    assert!(matches!(token.open(pin(PIN), Window::Service).await, Err(WalletError::NotConfirmed)));
    assert_eq!(token.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
}

#[tokio::test(start_paused = true)]
async fn a_silently_restored_server_suspends_the_device() {
    let (world, backup) = with_a_backup(201).await;
    restore(&world, &backup, 0);
    let token = world.token().await;
    assert_eq!(token.status().await.unwrap().state, DeviceStatus::Blocked);
    assert!(world.server.state().devices[0].row.suspended);
    assert!(matches!(token.open(pin(PIN), Window::Service).await, Err(WalletError::Blocked { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_blocked_device_stays_in_step_with_a_server_that_unblocks_it() {
    let world = World::enrolled(202).await;
    let token = world.token().await;
    world.server.state().devices[0].row.clone_blocked = true;
    for _ in 0..3 {
        assert!(matches!(token.open(pin(PIN), Window::Service).await, Err(WalletError::Blocked { .. })));
    }
    assert_eq!(token.status().await.unwrap().state, DeviceStatus::Blocked);
    world.server.state().devices[0].row.clone_blocked = false;
    assert_eq!(token.open(pin(PIN), Window::Service).await.unwrap().state, DeviceStatus::Open);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_device_is_told_that_it_is_not_enrolled() {
    let world = World::enrolled(203).await;
    world.server.state().devices[0].row.revoked = true;
    let token = world.token().await;
    assert_eq!(token.status().await.unwrap().state, DeviceStatus::NotEnrolled);
    assert!(matches!(token.open(pin(PIN), Window::Service).await, Err(WalletError::NotEnrolled)));
    token.unenroll(pin(PIN)).await.unwrap();
    assert!(world.wallet.tokens().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_the_wallet_is_found_out_at_the_next_use_of_either() {
    let mut world = World::enrolled(204).await;
    let key = world.token().await.key();
    let copy = MemoryStore::new();
    let entry = world.store.load(&key).unwrap().unwrap();
    copy.try_lease(&key).unwrap().unwrap().compare_and_swap(None, &entry).unwrap();
    // The original goes on; then the copy is used, and both are blocked.
    world.token().await.status().await.unwrap();
    let original = std::mem::replace(&mut world.store, Arc::new(copy));
    world.restart().await;
    assert_eq!(world.token().await.status().await.unwrap().state, DeviceStatus::Blocked);
    assert!(world.server.state().devices[0].row.clone_blocked);
    world.store = original;
    world.restart().await;
    assert!(matches!(world.token().await.open(pin(PIN), Window::Service).await, Err(WalletError::Blocked { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_lost_everything_is_given_up_on_and_nothing_changes() {
    let world = World::enrolled(205).await;
    let devices = std::mem::take(&mut world.server.state().devices);
    let token = world.token().await;
    let before = crate::world::paused_now();
    assert!(matches!(token.status().await, Err(WalletError::Refused(Code::UnknownHint))));
    assert!(before.elapsed() < std::time::Duration::from_secs(30));
    // It was another server, or somebody in between.
    world.server.state().devices = devices;
    assert_eq!(token.status().await.unwrap().state, DeviceStatus::Closed);
}
