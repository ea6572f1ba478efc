use std::sync::Arc;

use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::wire::KeyRecord;

use crate::clock::{TestClock, UnixSeconds};
use crate::domain::rules::ServiceRules;
use crate::storage::testing::{block_on, file};
use crate::vault::testing::*;
use crate::vault::{ServerKeys, VaultError};

const WEEK: u64 = 7 * 24 * 3_600;

async fn keys(vault: &TestVault) -> ServerKeys {
    vault.write(|v, tx| v.server_keys(tx)).await.expect("read")
}

async fn maintain(vault: &TestVault) {
    vault.write(|v, tx| v.maintain_keys(tx, v.reading())).await.expect("maintained");
}

fn serials(keys: &ServerKeys) -> Vec<u64> {
    keys.epochs().iter().map(|key| key.serial).collect()
}

#[test]
fn the_next_key_is_there_ahead_and_the_last_one_for_a_week() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        let first = keys(&vault).await;
        assert_eq!(serials(&first), [1, 2]);
        assert_eq!(first.current(vault.clock_now()).expect("a key").serial, 1);
        assert_eq!(first.next(vault.clock_now()).expect("a key").serial, 2);

        vault.clock.advance(WEEK - 1);
        maintain(&vault).await;
        assert_eq!(serials(&keys(&vault).await), [1, 2]);
        vault.clock.advance(1);
        maintain(&vault).await;
        let second = keys(&vault).await;
        assert_eq!(serials(&second), [1, 2, 3]);
        assert_eq!(second.current(vault.clock_now()).expect("a key").serial, 2);

        vault.clock.advance(WEEK - 1);
        maintain(&vault).await;
        assert!(keys(&vault).await.by_epoch(1).is_some(), "late devices are still understood");
        vault.clock.advance(1);
        maintain(&vault).await;
        let third = keys(&vault).await;
        assert_eq!(serials(&third), [2, 3, 4]);
        assert!(third.by_epoch(1).is_none(), "and then not any more: the secret is erased");
        assert_eq!(third.identity_public(), first.identity_public());
        for key in third.epochs() {
            assert!(key.record.verify::<Dalek>(third.identity_public()));
            assert_eq!(key.record.key, *key.pair.public());
        }
    });
}

#[test]
fn after_a_long_sleep_a_fresh_key_is_current() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        vault.clock.advance(100 * WEEK);
        maintain(&vault).await;
        let keys = keys(&vault).await;
        let current = keys.current(vault.clock_now()).expect("a key");
        assert_eq!(u64::from(current.record.not_before), vault.clock_now().get());
        assert!(keys.next(vault.clock_now()).is_some());
        assert!(keys.by_epoch(1).is_none() && keys.by_epoch(2).is_none());
    });
}

#[test]
fn epochs_wrap_after_256_keys() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        for _ in 0..260 {
            vault.clock.advance(WEEK);
            maintain(&vault).await;
        }
        let keys = keys(&vault).await;
        let current = keys.current(vault.clock_now()).expect("a key");
        assert_eq!(current.record.epoch, (current.serial % 256) as u8);
        assert!(current.serial > 256 && keys.epochs().len() <= 4);
        assert_eq!(keys.by_epoch(current.record.epoch).expect("found").serial, current.serial);
    });
}

#[test]
fn a_key_can_be_replaced_ahead_of_time() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        let before = keys(&vault).await.current(vault.clock_now()).expect("a key").serial;
        vault.write(|v, tx| v.rotate_keys(tx, v.reading())).await.expect("rotated");
        let after = keys(&vault).await;
        let current = after.current(vault.clock_now()).expect("a key");
        assert!(current.serial > before);
        assert!(after.next(vault.clock_now()).is_some_and(|next| next.serial > current.serial));
        assert!(after.by_epoch(before as u8).is_some(), "devices that have the old record are still understood");
        vault.clock.advance(WEEK);
        maintain(&vault).await;
        let later = keys(&vault).await;
        assert!(later.current(vault.clock_now()).expect("a key").serial > current.serial);
    });
}

#[test]
fn after_a_restore_the_current_key_is_newer_than_any_that_the_lost_server_may_have_published() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        vault.write(|v, tx| v.mark_restored(tx, v.reading()).map(drop)).await.expect("marked");
        let restored = keys(&vault).await;
        let current = restored.current(vault.clock_now()).expect("a key").record.epoch;
        // The backup knew the keys 1 and 2. A device that met the lost server a quarter of a year later has key 15: it
        // must be told that its key is gone, and take the current one for a newer one.
        for lost in 3..=15 {
            assert!(restored.by_epoch(lost).is_none(), "{lost} would be another key under the same number");
            assert!(KeyRecord::is_newer(current, lost), "{lost} would refuse {current}");
        }
        assert!(KeyRecord::is_newer(current, 1) && KeyRecord::is_newer(current, 2));
        assert!(restored.next(vault.clock_now()).is_some());
    });
}

#[test]
fn keys_from_under_a_wrong_clock_do_not_keep_the_present_one_for_ever() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        let clock = Arc::new(TestClock::new(vault.clock_now().plus(1_000 * WEEK)));
        let vault = TestVault { clock, ..vault }.restarted().await;
        maintain(&vault).await;
        let future = keys(&vault).await;
        let clock = Arc::new(TestClock::new(UnixSeconds::new(START + 10)));
        let vault = TestVault { clock, ..vault }.restarted().await;
        vault.write(|v, tx| v.forget_future(tx, v.reading())).await.expect("forgotten");
        let now = keys(&vault).await;
        let current = now.current(vault.clock_now()).expect("a key");
        assert_eq!(u64::from(current.record.not_before), START + 10);
        for lost in future.epochs() {
            assert!(now.epochs().iter().all(|key| key.serial != lost.serial));
            assert!(KeyRecord::is_newer(current.record.epoch, lost.record.epoch), "devices may have it");
        }
        vault.clock.advance(WEEK);
        maintain(&vault).await;
        assert!(keys(&vault).await.current(vault.clock_now()).expect("a key").serial > current.serial);
    });
}

#[test]
fn at_the_end_of_the_time_that_fits_on_the_wire_keys_are_made_no_more() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        for end in [u64::from(u32::MAX), u64::from(u32::MAX) + WEEK, u64::MAX] {
            vault.clock.advance_to(UnixSeconds::new(end));
            maintain(&vault).await;
            maintain(&vault).await;
            assert!(keys(&vault).await.epochs().len() <= 4);
        }
    });
}

#[test]
fn a_key_row_that_was_exchanged_does_not_open() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        vault
            .write(|_, tx| {
                tx.execute("UPDATE key_epoch SET record = (SELECT record FROM key_epoch WHERE serial = 2)", &[])?;
                Ok(())
            })
            .await
            .expect("edited");
        assert_eq!(
            vault.write(|v, tx| v.server_keys(tx)).await.expect_err("damaged"),
            VaultError::Damaged("key_epoch")
        );
    });
}

#[test]
fn nothing_secret_is_printed() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        let keys = keys(&vault).await;
        let text = format!("{keys:?} {:?}", vault.vault);
        let secret = data_encoding::HEXLOWER.encode(keys.identity().expose());
        assert!(!text.contains(&secret) && !text.contains(&format!("{:?}", keys.identity().expose())));
        assert_eq!(Dalek::ed25519_public(keys.identity()), *keys.identity_public());
    });
}
