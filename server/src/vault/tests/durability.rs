//! Clocks, restarts, restores.

use std::sync::Arc;

use cardea_protocol::Code;
use cardea_protocol::token::DeviceStatus;

use crate::clock::{TestClock, UnixSeconds};
use crate::domain::enrollment::{EnrollOptions, OfferDead};
use crate::domain::rules::ServiceRules;
use crate::domain::world::Window;
use crate::storage::testing::{block_on, file, memory, postgres};
use crate::vault::Event;
use crate::vault::testing::*;
use crate::vault::{PinAction, Vault, VaultError};

fn rules(window: u32) -> ServiceRules {
    ServiceRules { window: Window::new(window, 60), ..ServiceRules::default() }
}

/// The same instance with a clock that shows another time.
pub(super) async fn at(vault: TestVault, seconds: u64) -> TestVault {
    TestVault { clock: Arc::new(TestClock::new(UnixSeconds::new(seconds))), ..vault }.restarted().await
}

#[test]
fn windows_survive_a_restart() {
    block_on(async {
        let vault = TestVault::new(file(), rules(30)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        let vault = at(vault, START + 29).await;
        assert_eq!(vault.status().await, Ok(1));
        let vault = at(vault, START + 30).await;
        assert_eq!(vault.status().await, Ok(2));
    });
}

#[test]
fn a_clock_that_goes_back_closes_and_opens_nothing() {
    block_on(async {
        let vault = TestVault::new(file(), rules(1_000)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.clock.advance(10);
        vault.open(&device, Pin::Normal).await.expect("answered");
        assert_eq!(vault.status().await, Ok(1));
        let vault = at(vault, START + 9).await;
        assert_eq!(vault.status().await, Ok(2), "a second behind is behind");
        assert_eq!(vault.ask(&device).await.expect("answered").status, DeviceStatus::Closed);
        let refused = vault.open(&device, Pin::Normal).await.expect("answered");
        assert_eq!((refused.code, refused.status), (Code::Internal, DeviceStatus::Closed));
        assert_eq!(vault.status().await, Ok(2));
        let vault = at(vault, START + 10).await;
        assert_eq!(vault.status().await, Ok(1), "a clock that was corrected by a second ends nothing");
    });
}

#[test]
fn what_was_open_when_the_clock_was_set_back_stays_closed_when_it_has_caught_up() {
    block_on(async {
        for window in [60, 0] {
            let vault = TestVault::new(file(), rules(window)).await;
            let device = vault.enroll(1, EnrollOptions::default()).await;
            vault.clock.advance(10);
            vault.open(&device, Pin::Normal).await.expect("answered");
            let vault = at(vault, START - 3_590).await;
            assert_eq!(vault.status().await, Ok(2));
            assert_eq!(vault.ask(&device).await.expect("answered").status, DeviceStatus::Closed);
            for caught_up in [9, 10, 11, 12, 69] {
                let is_trusted = caught_up > 10;
                // A restart each time: what is void stays so.
                let vault = at(vault.again(), START + caught_up).await;
                assert_eq!(vault.vault.reading().trusted().is_some(), is_trusted);
                assert_eq!(vault.status().await, Ok(2), "{window} {caught_up}");
                assert_eq!(vault.ask(&device).await.expect("answered").status, DeviceStatus::Closed);
            }
            let vault = at(vault, START + 69).await;
            let opened = vault.open(&device, Pin::Normal).await.expect("answered");
            assert_eq!((opened.code, opened.status), (Code::Ok, DeviceStatus::Open), "opened anew");
            assert_eq!(vault.status().await, Ok(1));
        }
    });
}

#[test]
fn a_node_learns_from_the_database_what_is_void() {
    for store in [file(), postgres()] {
        block_on(async {
            let vault = TestVault::new(store, rules(1_000)).await;
            let device = vault.enroll(1, EnrollOptions::default()).await;
            vault.open(&device, Pin::Normal).await.expect("answered");
            vault.clock.advance(5);
            let told = async || {
                let (this, name, user) = (Arc::clone(&vault.vault), vault.service.name.clone(), vault.user.clone());
                let asked = vault.test.store.ask(move |tx| this.question(tx, &name, "0123456789abcdef", &user)).await;
                let asked = asked.expect("asked");
                let clock = asked.clock;
                let (_, facts) = vault.vault.facts_in(asked).expect("opens").expect("a token");
                facts.peek(&vault.service.rules, clock).status.number()
            };
            assert_eq!(told().await, 1);
            let other = at(vault.again(), START - 100).await;
            assert_eq!(other.status().await, Ok(2));
            assert_eq!(told().await, 2);
        });
    }
}

#[test]
fn what_was_told_to_be_over_does_not_come_back_with_the_clock() {
    block_on(async {
        let vault = TestVault::new(file(), rules(30)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        vault.clock.advance(31);
        assert_eq!(vault.status().await, Ok(2));
        let vault = at(vault, START + 5).await;
        assert_eq!(vault.status().await, Ok(2));
    });
}

#[test]
fn a_clock_that_was_wrong_can_be_forgotten_and_that_closes() {
    block_on(async {
        let vault = TestVault::new(file(), rules(30)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        let vault = at(vault, START + 1_000_000).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        vault.administer(Vault::force_close).await.expect("closed");
        let vault = at(vault, START + 10).await;
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Stale);
        vault.write(|v, tx| v.forget_future(tx, v.reading())).await.expect("forgotten");
        assert_eq!(vault.status().await, Ok(2));
        let vault = at(vault, START + 11).await;
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Ok);
        assert_eq!(vault.status().await, Ok(1));
    });
}

#[test]
fn an_offer_that_was_made_under_a_wrong_clock_dies_with_it() {
    block_on(async {
        let vault = TestVault::new(file(), rules(30)).await;
        let vault = at(vault, START + 1_000_000).await;
        let offer = vault.offer(EnrollOptions::default()).await.expect("offered");
        let vault = at(vault, START + 10).await;
        vault.write(|v, tx| v.forget_future(tx, v.reading())).await.expect("forgotten");
        // Otherwise it would be good for eleven days.
        let late = vault.finish(1, &offer.link.id, test_info()).await;
        assert_eq!(late.expect_err("dead"), VaultError::OfferDead(OfferDead));
    });
}

#[test]
fn waits_from_under_a_wrong_clock_end_with_it() {
    block_on(async {
        let vault = TestVault::new(file(), rules(30)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        let vault = at(vault, START + 1_000_000).await;
        for _ in 0..5 {
            assert_eq!(vault.open(&device, Pin::Wrong).await.expect("answered").code, Code::PinRejected);
        }
        let vault = at(vault, START + 10).await;
        vault.write(|v, tx| v.forget_future(tx, v.reading())).await.expect("forgotten");
        let vault = at(vault, START + 39).await;
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Wait);
        let vault = at(vault, START + 40).await;
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Ok);
    });
}

#[test]
fn an_offer_in_a_backup_may_have_been_used_since_and_dies_with_the_restore() {
    block_on(async {
        let vault = TestVault::new(file(), rules(30)).await;
        let offer = vault.offer(EnrollOptions::default()).await.expect("offered");
        vault.write(|v, tx| v.mark_restored(tx, v.reading())).await.expect("marked");
        let again = vault.finish(1, &offer.link.id, test_info()).await;
        assert_eq!(again.expect_err("dead"), VaultError::OfferDead(OfferDead));
    });
}

#[test]
fn a_restore_closes_everything_and_asks_every_device_to_resync() {
    block_on(async {
        let vault = TestVault::new(file(), rules(1_000)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        let gone = vault.enroll(2, EnrollOptions { replace_device: false, add_device: true }).await;
        vault.pin(&gone, Pin::Normal, PinAction::Unenroll).await.expect("answered");
        vault.clock.advance(1);
        vault.open(&device, Pin::Normal).await.expect("answered");
        assert_eq!(vault.write(|v, tx| v.mark_restored(tx, v.reading())).await, Ok(1));
        let vault = vault.restarted().await;
        assert_eq!(vault.status().await, Ok(2));
        let view = vault.view(&device).await.expect("viewed");
        assert_eq!(view.device.row.marker, 1);
        assert_eq!(vault.view(&gone).await.expect("viewed").device.row.marker, 0);
        let restored_at = vault.clock_now();
        for (time, stale) in [(restored_at.get() - 1, true), (restored_at.get(), false)] {
            assert_eq!(view.freshness.is_stale(UnixSeconds::new(time)), stale);
        }
        // The device has resynced, as the protocol's responder says it with the next row.
        let mut row = view.device.row.duplicate();
        row.marker = 2;
        let (key, version) = (device.key, view.device.version());
        vault.write(move |v, tx| v.commit_resync(tx, &key, version, row, v.reading())).await.expect("resynced");
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Ok);
        assert_eq!(vault.status().await, Ok(1));
    });
}

#[test]
fn a_device_with_a_foreign_state_is_suspended_and_the_token_with_it() {
    block_on(async {
        let vault = TestVault::new(memory(), rules(1_000)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        let view = vault.view(&device).await.expect("viewed");
        let (key, version, row) = (device.key, view.device.version(), view.refusing_row());
        vault.write(move |v, tx| v.commit_resync(tx, &key, version, row, v.reading())).await.expect("suspended");
        assert_eq!(vault.status().await, Ok(4));
        let late = view.refusing_row();
        let conflict = vault.write(move |v, tx| v.commit_resync(tx, &key, version, late, v.reading())).await;
        assert!(conflict.expect_err("another row").is_conflict());
        let events = vault.events().await;
        assert!(events.last().is_some_and(Event::is_alert));
    });
}

#[test]
fn many_readers_of_an_honest_clock_are_never_told_that_it_went_back() {
    block_on(async {
        let vault = Arc::new(TestVault::new(memory(), rules(100_000)).await);
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        let ticking = Arc::clone(&vault);
        let ticks = tokio::task::spawn_blocking(move || (0..2_000).for_each(|_| _ = ticking.clock.advance(1)));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let vault = Arc::clone(&vault);
                tokio::task::spawn_blocking(move || (0..2_000).all(|_| vault.vault.reading().trusted().is_some()))
            })
            .collect();
        for reader in readers {
            assert!(reader.await.expect("joined"));
        }
        ticks.await.expect("joined");
        assert_eq!(vault.status().await, Ok(1));
    });
}
