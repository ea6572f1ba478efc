use std::sync::Arc;

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::Op;

use crate::clock::UnixSeconds;
use crate::domain::enrollment::EnrollOptions;
use crate::domain::rules::ServiceRules;
use crate::domain::throttle::{Gate, Limits};
use crate::domain::world::Window;
use crate::storage::testing::{block_on, file, memory};
use crate::vault::Vault;
use crate::vault::testing::*;

fn rules(tries: u8, unblock_after: u32) -> ServiceRules {
    ServiceRules {
        limits: Limits { tries, unblock_after },
        window: Window::new(100_000, 60),
        ..ServiceRules::default()
    }
}

#[test]
fn wrong_pins_wait_longer_and_longer_and_block_also_across_restarts() {
    block_on(async {
        let mut vault = TestVault::new(file(), rules(10, 0)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        for (fail, wait) in [(1, 0), (2, 0), (3, 0), (4, 0), (5, 30), (6, 60), (7, 300), (8, 900), (9, 3_600)] {
            let answer = vault.open(&device, Pin::Guess(fail)).await.expect("answered");
            assert_eq!(
                (answer.code, answer.tries, answer.status),
                (Code::PinRejected, 10 - fail, DeviceStatus::Closed)
            );
            vault = vault.restarted().await;
            if wait > 0 {
                vault.clock.advance(wait - 1);
                // Not even the right one is looked at, and nothing is counted.
                let early = vault.open(&device, Pin::Normal).await.expect("answered");
                assert_eq!((early.code, early.tries), (Code::Wait, 10 - fail));
                assert_eq!(early.until, vault.clock_now().plus(1));
                vault.clock.advance(1);
            }
        }
        let last = vault.open(&device, Pin::Guess(10)).await.expect("answered");
        assert_eq!((last.code, last.tries, last.status), (Code::PinRejected, 0, DeviceStatus::Blocked));
        vault = vault.restarted().await;
        assert_eq!(vault.status().await, Ok(4));
        vault.clock.advance(100_000);
        assert_eq!(vault.open(&device, Pin::Normal).await, Err(Refused::Blocked));
        assert_eq!(vault.status().await, Ok(4));
        vault.administer(Vault::unblock).await.expect("unblocked");
        assert_eq!(vault.status().await, Ok(2));
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Ok);
    });
}

#[test]
fn a_right_pin_starts_from_the_beginning_whatever_its_role() {
    block_on(async {
        for pin in [Pin::Normal, Pin::Duress] {
            let vault = TestVault::new(memory(), rules(10, 0)).await;
            let device = vault.enroll(1, EnrollOptions::default()).await;
            for guess in 0..4 {
                vault.open(&device, Pin::Guess(guess)).await.expect("answered");
            }
            assert_eq!(vault.open(&device, pin).await.expect("answered").tries, 10);
        }
    });
}

#[test]
fn a_device_that_is_blocked_while_the_token_is_open_leaves_it_closed() {
    block_on(async {
        let vault = TestVault::new(memory(), rules(2, 600)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        vault.open(&device, Pin::Normal).await.expect("answered");
        vault.open(&device, Pin::Guess(1)).await.expect("answered");
        assert_eq!(vault.status().await, Ok(1));
        let answer = vault.open(&device, Pin::Guess(2)).await.expect("answered");
        assert_eq!((answer.status, answer.until), (DeviceStatus::Blocked, vault.clock_now().plus(600)));
        assert_eq!(vault.status().await, Ok(4));
        vault.clock.advance(600);
        assert_eq!(vault.status().await, Ok(2), "the window has not ended, but the block has closed the token");
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Ok);
    });
}

#[test]
fn a_token_is_blocked_only_when_all_its_devices_are() {
    block_on(async {
        let vault = TestVault::new(memory(), rules(1, 0)).await;
        let first = vault.enroll(1, EnrollOptions::default()).await;
        let second = vault.enroll(2, EnrollOptions { replace_device: false, add_device: true }).await;
        vault.open(&first, Pin::Wrong).await.expect("answered");
        assert_eq!(vault.status().await, Ok(2));
        vault.clock.advance(1);
        assert_eq!(vault.open(&second, Pin::Normal).await.expect("answered").code, Code::Ok);
        assert_eq!(vault.status().await, Ok(1));
        vault.open(&second, Pin::Wrong).await.expect("answered");
        assert_eq!(vault.status().await, Ok(4));
    });
}

/// Counts the attempt as the first transaction of an operation does, and goes no further.
async fn count(vault: &TestVault, device: &TestDevice, pin: Pin) -> (Gate, [u8; 32]) {
    let view = vault.view(device).await.expect("viewed");
    let (statement, signature) = device.sign(&view.device.row, pin, Op::Open, vault.clock_now().wire());
    let (key, attempt) = (device.key, statement.attempt_key::<Dalek>(&signature));
    let gate = vault.write(move |v, tx| v.count_attempt(tx, &key, attempt, v.reading())).await.expect("counted");
    (gate, attempt)
}

#[test]
fn an_attempt_counts_before_it_is_judged_and_once_however_often_it_comes() {
    block_on(async {
        let mut vault = TestVault::new(file(), rules(10, 0)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        for _ in 0..3 {
            assert_eq!(count(&vault, &device, Pin::Normal).await.0, Gate::Counted);
            vault = vault.restarted().await; // killed between the count and the verdict
        }
        assert_eq!(vault.ask(&device).await.expect("answered").tries, 9);
    });
}

#[test]
fn the_identical_retry_of_the_last_try_is_still_judged() {
    block_on(async {
        let vault = TestVault::new(file(), rules(1, 0)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        let (gate, attempt) = count(&vault, &device, Pin::Normal).await;
        assert_eq!(gate, Gate::Counted);
        let vault = vault.restarted().await;
        let view = vault.view(&device).await.expect("viewed");
        assert!(view.is_refused(None) && view.is_refused(Some(&[0; 32])));
        assert!(!view.is_refused(Some(&attempt)));
        assert_eq!(vault.status().await, Ok(4), "until then the device is out of tries");
        assert_eq!(vault.open(&device, Pin::Guess(1)).await, Err(Refused::Blocked));
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Ok);
        assert_eq!(vault.status().await, Ok(1));
    });
}

#[test]
fn guesses_that_are_in_flight_at_once_are_all_counted() {
    block_on(async {
        let vault = Arc::new(TestVault::new(file(), rules(3, 0)).await);
        let device = vault.enroll(1, EnrollOptions::default()).await;
        let guesses: Vec<_> = (0..32)
            .map(|guess| {
                let vault = Arc::clone(&vault);
                tokio::spawn(async move { count(&vault, &device, Pin::Guess(guess)).await.0 })
            })
            .collect();
        let mut gates = Vec::new();
        for guess in guesses {
            gates.push(guess.await.expect("joined"));
        }
        assert_eq!(gates.iter().filter(|gate| **gate == Gate::Counted).count(), 3);
        assert_eq!(gates.iter().filter(|gate| **gate == Gate::Blocked).count(), 29);
    });
}

#[test]
fn a_lost_operation_gets_its_count_back_only_if_its_signature_was_good() {
    block_on(async {
        for (pin, left) in [(Pin::Normal, 10), (Pin::Duress, 10), (Pin::Wrong, 9)] {
            let vault = TestVault::new(memory(), rules(10, 0)).await;
            let device = vault.enroll(1, EnrollOptions::default()).await;
            let view = vault.view(&device).await.expect("viewed");
            let time = vault.clock_now().wire();
            let (statement, signature) = device.sign(&view.device.row, pin, Op::Open, time);
            assert_eq!(count(&vault, &device, pin).await.0, Gate::Counted);
            let judgement = vault.vault.judge(view.slots.as_ref().expect("slots"), &statement, &signature);
            let key = device.key;
            vault.write(move |v, tx| v.settle_lost(tx, &key, &judgement)).await.expect("settled");
            assert_eq!(vault.ask(&device).await.expect("answered").tries, left);
        }
    });
}

#[test]
fn a_stale_operation_is_neither_counted_nor_executed() {
    block_on(async {
        let vault = TestVault::new(memory(), rules(10, 0)).await;
        let device = vault.enroll(1, EnrollOptions::default()).await;
        let view = vault.view(&device).await.expect("viewed");
        for (time, stale) in [(START - 121, true), (START - 120, false), (START + 120, false), (START + 121, true)] {
            assert_eq!(view.open_freshness.is_stale(UnixSeconds::new(time)), stale);
            assert_eq!(view.freshness.is_stale(UnixSeconds::new(time)), stale);
        }
    });
}
