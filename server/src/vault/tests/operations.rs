use std::sync::Arc;

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Provider};
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::Op;
use tokio::sync::Barrier;

use crate::clock::UnixSeconds;
use crate::domain::enrollment::EnrollOptions;
use crate::domain::rules::ServiceRules;
use crate::domain::world::Window;
use crate::storage::StorageError;
use crate::storage::testing::{block_on, file, memory};
use crate::vault::testing::*;
use crate::vault::{Action, Operation, PinAction, Vault, VaultError};

fn window(seconds: u32) -> ServiceRules {
    ServiceRules { window: Window::new(seconds, 60), ..ServiceRules::default() }
}

const ADD: EnrollOptions = EnrollOptions { replace_device: false, add_device: true };

#[test]
fn a_token_opens_with_its_pin_and_closes_by_itself() {
    block_on(async {
        for test in [memory(), file()] {
            let vault = TestVault::new(test, window(30)).await;
            assert_eq!(vault.status().await, Err(VaultError::Unknown("token")));
            let offer = vault.offer(EnrollOptions::default()).await.expect("offered");
            assert_eq!(vault.status().await, Ok(0));
            let (device, _) = vault.finish(1, &offer.link.id, test_info()).await.expect("enrolled");
            assert_eq!(vault.status().await, Ok(2));
            let answer = vault.open(&device, Pin::Normal).await.expect("answered");
            assert_eq!((answer.code, answer.status, answer.tries), (Code::Ok, DeviceStatus::Open, 10));
            assert_eq!(answer.until, UnixSeconds::new(START + 30));
            assert_eq!(vault.status().await, Ok(1));
            assert_eq!(vault.status().await, Ok(1), "a window is not used up by a check");
            vault.clock.advance(29);
            assert_eq!(vault.status().await, Ok(1));
            vault.clock.advance(1);
            assert_eq!(vault.status().await, Ok(2));
            assert_eq!(vault.ask(&device).await.expect("answered").status, DeviceStatus::Closed);
        }
    });
}

#[test]
fn the_holder_closes_without_a_pin_and_may_cap_the_window() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        let capped = vault.pin(&device, Pin::Normal, PinAction::Open { win: 3 }).await.expect("answered");
        assert_eq!(capped.until, UnixSeconds::new(START + 8));
        vault.clock.advance(8);
        assert_eq!(vault.status().await, Ok(2));
        vault.open(&device, Pin::Normal).await.expect("answered");
        assert_eq!(vault.close(&device).await.expect("answered").status, DeviceStatus::Closed);
        assert_eq!(vault.status().await, Ok(2));
    });
}

#[test]
fn of_64_simultaneous_checks_of_a_single_use_opening_exactly_one_is_told_1() {
    block_on(async {
        for test in [memory(), file()] {
            let vault = Arc::new(TestVault::new(test, window(0)).await);
            let device = vault.enroll(1, EnrollOptions::default()).await;
            for _ in 0..4 {
                vault.open(&device, Pin::Normal).await.expect("answered");
                let barrier = Arc::new(Barrier::new(64));
                let checks: Vec<_> = (0..64)
                    .map(|_| {
                        let (vault, barrier) = (Arc::clone(&vault), Arc::clone(&barrier));
                        tokio::spawn(async move {
                            barrier.wait().await;
                            vault.status().await.expect("answered")
                        })
                    })
                    .collect();
                let mut told = Vec::new();
                for check in checks {
                    told.push(check.await.expect("joined"));
                }
                assert_eq!(told.iter().filter(|status| **status == 1).count(), 1);
                assert_eq!(told.iter().filter(|status| **status == 2).count(), 63);
                assert_eq!(vault.ask(&device).await.expect("answered").status, DeviceStatus::Closed);
                vault.clock.advance(1);
            }
        }
    });
}

#[test]
fn an_unused_single_use_opening_ends_after_its_lifetime() {
    block_on(async {
        let vault = TestVault::new(memory(), window(0)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        vault.clock.advance(60);
        assert_eq!(vault.status().await, Ok(2));
    });
}

#[test]
fn a_close_by_somebody_else_makes_older_openings_stale() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let (first, second) = (vault.enroll(1, EnrollOptions::default()).await, vault.enroll(2, ADD).await);
        vault.open(&first, Pin::Normal).await.expect("answered");
        vault.close(&second).await.expect("answered");
        // In the same second the close wins, whoever was really first.
        let late = vault.open(&first, Pin::Normal).await.expect("answered");
        assert_eq!((late.code, late.status), (Code::Stale, DeviceStatus::Closed));
        assert_eq!(vault.status().await, Ok(2));
        assert_eq!(
            vault.open(&second, Pin::Normal).await.expect("answered").code,
            Code::Ok,
            "its own close is no news"
        );
        vault.administer(Vault::force_close).await.expect("closed");
        assert_eq!(vault.open(&second, Pin::Normal).await.expect("answered").code, Code::Stale);
        vault.clock.advance(1);
        assert_eq!(vault.open(&first, Pin::Normal).await.expect("answered").code, Code::Ok);
    });
}

#[test]
fn a_close_between_the_look_at_the_time_and_the_commit_still_wins() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let (first, second) = (vault.enroll(1, EnrollOptions::default()).await, vault.enroll(2, ADD).await);
        let view = vault.view(&first).await.expect("viewed");
        let time = vault.clock_now().wire();
        let (statement, signature) = first.sign(&view.device.row, Pin::Normal, Op::Open, time);
        let (key, attempt) = (first.key, statement.attempt_key::<Dalek>(&signature));
        let _ = vault.write(move |v, tx| v.count_attempt(tx, &key, attempt, v.reading())).await.expect("counted");
        let slots = view.slots.as_ref().expect("slots");
        let judgement = Arc::new(vault.vault.judge(slots, &statement, &signature));
        vault.close(&second).await.expect("answered");
        let action = Action::Pin { action: PinAction::Open { win: 0 }, time, judgement };
        let answer = vault.apply(&view, action).await.expect("answered");
        assert_eq!((answer.code, answer.status, answer.tries), (Code::Stale, DeviceStatus::Closed, 10));
        assert_eq!(vault.status().await, Ok(2));
    });
}

#[test]
fn of_two_messages_of_one_row_one_happens_and_the_other_leaves_nothing() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        let late = vault.view(&device).await.expect("viewed");
        vault.close(&device).await.expect("answered");

        // An opening that was judged on the row before the close.
        let time = vault.clock_now().wire();
        let (statement, signature) = device.sign(&late.device.row, Pin::Normal, Op::Open, time);
        let (key, attempt) = (device.key, statement.attempt_key::<Dalek>(&signature));
        let _ = vault.write(move |v, tx| v.count_attempt(tx, &key, attempt, v.reading())).await.expect("counted");
        let slots = late.slots.as_ref().expect("slots");
        let judgement = Arc::new(vault.vault.judge(slots, &statement, &signature));
        let action = Action::Pin { action: PinAction::Open { win: 0 }, time, judgement: Arc::clone(&judgement) };
        let lost = vault.apply(&late, action).await;
        assert_eq!(lost.expect_err("lost"), VaultError::Storage(StorageError::Conflict));
        assert_eq!(vault.status().await, Ok(2));
        assert_eq!(vault.ask(&device).await.expect("answered").tries, 9, "counted");
        vault.write(move |v, tx| v.settle_lost(tx, &key, &judgement)).await.expect("settled");
        assert_eq!(vault.ask(&device).await.expect("answered").tries, 10, "and given back");
    });
}

#[test]
fn a_row_that_the_message_does_not_belong_to_changes_nothing() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        let view = vault.view(&device).await.expect("viewed");
        let operation = Operation { device: device.key, version: view.device.version(), action: Action::Observe };
        let refused = vault.write(move |v, tx| v.apply::<()>(tx, operation, v.reading(), |_, _| None).map(drop)).await;
        assert_eq!(refused, Err(VaultError::Storage(StorageError::Conflict)));
        assert_eq!(vault.view(&device).await.expect("viewed").device.version(), view.device.version());
    });
}

#[test]
fn blocks_are_seen_by_everybody_and_leave_the_token_closed() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        vault.administer(Vault::block).await.expect("blocked");
        assert_eq!(vault.status().await, Ok(4));
        assert_eq!(vault.open(&device, Pin::Normal).await, Err(Refused::Blocked));
        let view = vault.view(&device).await.expect("viewed");
        assert_eq!(view.reply(Op::Open, Code::Blocked).status, DeviceStatus::Blocked);
        vault.administer(Vault::unblock).await.expect("unblocked");
        assert_eq!(vault.status().await, Ok(2));
        vault.clock.advance(1);
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Ok);
    });
}

#[test]
fn a_block_between_the_look_and_the_commit_lets_nothing_happen() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        let view = vault.view(&device).await.expect("viewed");
        vault.administer(Vault::block).await.expect("blocked");
        let refused = vault.apply(&view, Action::Observe).await;
        assert_eq!(refused, Err(VaultError::Storage(StorageError::Conflict)));
    });
}

#[test]
fn a_proved_clone_blocks_until_another_device_takes_its_place() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        let view = vault.view(&device).await.expect("viewed");
        let (key, version) = (device.key, view.device.version());
        let proved =
            move |v: &Vault, tx: &mut dyn crate::storage::Transaction| v.clone_proved(tx, &key, version, v.reading());
        vault.write(proved).await.expect("blocked");
        assert_eq!(vault.write(proved).await, Err(VaultError::Storage(StorageError::Conflict)), "on another row");
        assert_eq!(vault.status().await, Ok(4));
        vault.administer(Vault::unblock).await.expect("unblocked");
        assert_eq!(vault.status().await, Ok(4), "an administrator cannot lift it");
        assert!(vault.view(&device).await.expect("viewed").device.row.clone_blocked);
        let replace = EnrollOptions { replace_device: true, add_device: false };
        let new = vault.enroll(2, replace).await;
        assert_eq!(vault.status().await, Ok(2));
        assert_eq!(vault.open(&new, Pin::Normal).await.expect("answered").code, Code::Ok);
        assert!(vault.view(&device).await.expect("viewed").device.row.revoked);
        assert_eq!(vault.open(&device, Pin::Normal).await, Err(Refused::Gone));
    });
}

#[test]
fn an_unenrolled_or_deleted_device_is_told_so() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        let answer = vault.pin(&device, Pin::Normal, PinAction::Unenroll).await.expect("answered");
        assert_eq!((answer.code, answer.status), (Code::Ok, DeviceStatus::NotEnrolled));
        assert_eq!(vault.status().await, Ok(0));
        let view = vault.view(&device).await.expect("viewed");
        assert!(view.device.row.revoked && view.slots.is_none());

        let second = vault.enroll(2, EnrollOptions::default()).await;
        assert_eq!(vault.status().await, Ok(2));
        vault.administer(Vault::delete).await.expect("deleted");
        assert_eq!(vault.status().await, Err(VaultError::Unknown("token")));
        let view = vault.view(&second).await.expect("a tombstone");
        assert!(view.device.row.revoked && view.slots.is_none());
        assert_eq!(view.reply(Op::Open, Code::NotEnrolled).status, DeviceStatus::NotEnrolled);
        assert_eq!(vault.administer(Vault::delete).await, Err(VaultError::Unknown("token")));
    });
}

#[test]
fn a_hint_and_a_static_key_find_their_device() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        let first = vault.view(&device).await.expect("viewed").device.row;
        vault.ask(&device).await.expect("answered");
        let second = vault.view(&device).await.expect("viewed").device.row;
        let [old, ..] = first.hints::<Dalek>();
        let [new, previous, none] = second.hints::<Dalek>();
        assert_eq!((old, none), (previous, None));
        for hint in [new, previous] {
            let hint = hint.expect("a hint");
            let found = vault.write(move |v, tx| v.view_by_hint(tx, hint, v.reading())).await.expect("found");
            assert_eq!(found.iter().map(|view| view.device.key).collect::<Vec<_>>(), [device.key]);
        }
        let found = vault.write(|v, tx| v.view_by_static(tx, &[1; 32], v.reading())).await.expect("found");
        assert_eq!(found.len(), 1);
        let none = vault.write(|v, tx| v.view_by_static(tx, &[9; 32], v.reading())).await.expect("found");
        assert!(none.is_empty());
    });
}

#[test]
fn what_was_executed_is_in_the_journal_in_order_with_its_signed_statement() {
    block_on(async {
        let vault = TestVault::new(memory(), window(300)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        vault.open(&device, Pin::Wrong).await.expect("answered");
        vault.close(&device).await.expect("answered");
        vault.ask(&device).await.expect("answered");
        let token = vault.view(&device).await.expect("viewed").device.row.token;
        let events = vault.events().await;
        let names: Vec<_> = events.iter().map(|event| event.kind.name()).collect();
        assert_eq!(
            names,
            ["enrollment.offered", "token.enrolled", "token.opened", "token.pin_rejected", "token.closed"]
        );
        assert!(events.iter().all(|event| !event.is_alert() && event.token() == Some(&token)));
        let codes: Vec<_> = events.iter().filter_map(|event| event.code).collect();
        assert_eq!(codes, [Code::Ok, Code::PinRejected, Code::Ok]);
        let verified = events.iter().filter_map(|event| event.signed.as_ref()).map(|signed| {
            assert_eq!(signed.statement.len(), 82);
            signed.key.map(|key| Dalek::ed25519_verify(&key, &signed.statement, &signed.signature))
        });
        assert_eq!(verified.collect::<Vec<_>>(), [Some(true), None, Some(true)]);
    });
}
