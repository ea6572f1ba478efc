//! A confirmation is approved at most once, by a PIN of its token, and never under duress.

use std::sync::Arc;

use cardea_protocol::Code;
use cardea_protocol::token::{DeviceId, DeviceStatus};
use tokio::sync::Barrier;

use crate::clock::{TestClock, UnixSeconds};
use crate::domain::actor::Actor;
use crate::domain::confirmation::{AskError, ConfirmationState};
use crate::domain::enrollment::EnrollOptions;
use crate::domain::rules::ServiceRules;
use crate::storage::testing::{block_on, file, memory};
use crate::vault::testing::*;
use crate::vault::{Named, PinAction, Vault, VaultError};

const ADD: EnrollOptions = EnrollOptions { replace_device: false, add_device: true };
const REPLACE: EnrollOptions = EnrollOptions { replace_device: true, add_device: false };

async fn start() -> (TestVault, TestDevice) {
    let vault = TestVault::new(memory(), ServiceRules::default()).await;
    let device = vault.enroll(1, EnrollOptions::default()).await;
    (vault, device)
}

async fn state(vault: &TestVault, id: [u8; 8]) -> ConfirmationState {
    vault.confirmation(id).await.expect("there").state
}

/// The same database, with a clock that says something else.
async fn restarted_at(vault: TestVault, time: u64) -> TestVault {
    let clock = Arc::new(TestClock::new(UnixSeconds::new(time)));
    TestVault { clock, ..vault }.restarted().await
}

#[test]
fn a_pin_approves_and_the_first_answer_is_final() {
    block_on(async {
        for test in [memory(), file()] {
            let vault = TestVault::new(test, ServiceRules::default()).await;
            let device = vault.enroll(1, EnrollOptions::default()).await;
            let asked = vault.ask_text("Pay 20 EUR to Ann", 120).await.expect("asked");
            assert_eq!((asked.state, asked.expires_at.get()), (ConfirmationState::Pending, START + 120));
            assert_eq!(vault.ask(&device).await.expect("answered").waiting, 0b001);
            let answer = vault.approve(&device, Pin::Normal, asked.id).await.expect("answered");
            assert_eq!((answer.code, answer.status, answer.waiting), (Code::Ok, DeviceStatus::Closed, 0));
            let ended = vault.confirmation(asked.id).await.expect("there");
            assert_eq!((ended.state, ended.ended_at), (ConfirmationState::Approved, Some(vault.clock_now())));
            assert_eq!(ended.device, Some(DeviceId::new(device.key.number)));
            assert_eq!(vault.status().await, Ok(2), "an approval opens nothing");
            assert_eq!(
                vault.approve(&device, Pin::Normal, asked.id).await.expect("answered").code,
                Code::ConfirmationUnknown
            );
            assert_eq!(vault.deny(&device, asked.id, 0).await.expect("answered").code, Code::ConfirmationUnknown);
            assert_eq!(vault.cancel(asked.id).await.expect("there").state, ConfirmationState::Approved);
            let vault = vault.restarted().await;
            vault.clock.advance(1_000);
            assert_eq!(state(&vault, asked.id).await, ConfirmationState::Approved);
        }
    });
}

#[test]
fn a_device_denies_without_a_pin_and_says_why() {
    block_on(async {
        let (vault, device) = start().await;
        let asked = vault.ask_text("Pay", 120).await.expect("asked");
        assert_eq!(vault.deny(&device, asked.id, 2).await.expect("answered").code, Code::Ok);
        assert_eq!(state(&vault, asked.id).await, ConfirmationState::Denied { reason: 2 });
        let late = vault.approve(&device, Pin::Normal, asked.id).await.expect("answered");
        assert_eq!(late.code, Code::ConfirmationUnknown);
        assert_eq!(state(&vault, asked.id).await, ConfirmationState::Denied { reason: 2 });
    });
}

#[test]
fn a_wrong_pin_counts_and_answers_nothing() {
    block_on(async {
        let (vault, device) = start().await;
        let asked = vault.ask_text("Pay", 120).await.expect("asked");
        let answer = vault.approve(&device, Pin::Wrong, asked.id).await.expect("answered");
        assert_eq!((answer.code, answer.tries, answer.waiting), (Code::PinRejected, 9, 1));
        assert_eq!(state(&vault, asked.id).await, ConfirmationState::Pending);
        assert_eq!(vault.approve(&device, Pin::Normal, asked.id).await.expect("answered").tries, 10);
        assert_eq!(state(&vault, asked.id).await, ConfirmationState::Approved);
    });
}

#[test]
fn an_approval_under_duress_is_none_and_looks_like_one() {
    block_on(async {
        let (free, mine) = start().await;
        let (forced, yours) = start().await;
        let mut told = Vec::new();
        for (vault, device, pin) in [(&free, &mine, Pin::Normal), (&forced, &yours, Pin::Duress)] {
            let first = vault.ask_text("Pay", 120).await.expect("asked");
            let second = vault.ask_text("Pay more", 120).await.expect("asked");
            let third = vault.ask_text("Pay most", 120).await.expect("asked");
            let mut answers = vec![vault.approve(device, pin, first.id).await.expect("answered")];
            // Whichever PIN is typed next, the holder is not free.
            answers.push(vault.approve(device, Pin::Normal, second.id).await.expect("answered"));
            answers.push(vault.deny(device, third.id, 1).await.expect("answered"));
            answers.push(vault.open(device, Pin::Normal).await.expect("answered"));
            told.push((answers, [first.id, second.id, third.id]));
        }
        assert_eq!(told[0].0, told[1].0);
        let denied = ConfirmationState::Denied { reason: 1 };
        for (vault, ids, approved) in
            [(&free, told[0].1, ConfirmationState::Approved), (&forced, told[1].1, ConfirmationState::Duress)]
        {
            assert_eq!(state(vault, ids[0]).await, approved);
            assert_eq!(state(vault, ids[1]).await, approved);
            assert_eq!(state(vault, ids[2]).await, denied);
        }
        assert_eq!((free.status().await, forced.status().await), (Ok(1), Ok(3)), "duress is raised as by an opening");
        forced.administer(Vault::clear_duress).await.expect("cleared");
        assert_eq!(state(&forced, told[1].1[0]).await, ConfirmationState::Duress, "final");
        let after = forced.ask_text("Pay again", 120).await.expect("asked");
        forced.approve(&yours, Pin::Normal, after.id).await.expect("answered");
        assert_eq!(state(&forced, after.id).await, ConfirmationState::Approved);
    });
}

#[test]
fn what_nobody_answers_in_time_expires_and_stays_expired() {
    block_on(async {
        let (vault, device) = start().await;
        let asked = vault.ask_text("Pay", 10).await.expect("asked");
        vault.clock.advance(9);
        assert_eq!(state(&vault, asked.id).await, ConfirmationState::Pending);
        vault.clock.advance(1);
        let found = vault.confirmation(asked.id).await.expect("there");
        assert_eq!((found.state, found.is_overdue), (ConfirmationState::Expired, true));
        let late = vault.approve(&device, Pin::Normal, asked.id).await.expect("answered");
        assert_eq!((late.code, late.waiting), (Code::ConfirmationExpired, 0));
        let (service, id) = (vault.service.clone(), asked.id);
        let settle = move |vault: &Vault, tx: &mut dyn crate::storage::Transaction| {
            vault.settle_confirmation(tx, &service, &id, vault.reading())
        };
        assert!(!vault.write(settle).await.expect("there").is_overdue);
        // Not even with a clock that goes back.
        let back = restarted_at(vault, START).await;
        assert_eq!(back.approve(&device, Pin::Normal, asked.id).await.expect("answered").code, Code::Internal);
        assert_eq!(state(&back, asked.id).await, ConfirmationState::Expired);
    });
}

#[test]
fn a_clock_that_went_back_approves_nothing() {
    block_on(async {
        let (vault, device) = start().await;
        let asked = vault.ask_text("Pay", 600).await.expect("asked");
        let vault = restarted_at(vault, START - 60).await;
        assert_eq!(vault.approve(&device, Pin::Normal, asked.id).await.expect("answered").code, Code::Internal);
        assert_eq!(vault.deny(&device, asked.id, 0).await.expect("answered").code, Code::Internal);
        let vault = restarted_at(vault, START + 1).await;
        assert_eq!(vault.approve(&device, Pin::Normal, asked.id).await.expect("answered").code, Code::Ok);
    });
}

#[test]
fn three_wait_at_most_and_only_where_somebody_could_answer() {
    block_on(async {
        let vault = TestVault::new(memory(), ServiceRules::default()).await;
        assert_eq!(vault.ask_text("Pay", 60).await, Err(VaultError::Unknown("token")));
        let offer = vault.offer(EnrollOptions::default()).await.expect("offered");
        assert_eq!(vault.ask_text("Pay", 60).await, Err(VaultError::Ask(AskError::NoDevice)));
        let (device, _) = vault.finish(1, &offer.link.id, test_info()).await.expect("enrolled");
        let first = vault.ask_text("Pay", 60).await.expect("asked");
        for _ in 0..2 {
            vault.ask_text("Pay", 120).await.expect("asked");
        }
        assert_eq!(vault.ask_text("Pay", 60).await, Err(VaultError::Ask(AskError::TooMany)));
        assert_eq!(vault.ask(&device).await.expect("answered").waiting, 0b111);
        vault.clock.advance(60);
        assert_eq!(vault.ask(&device).await.expect("answered").waiting, 0b110);
        let next = vault.ask_text("Pay", 120).await.expect("asked");
        assert_eq!(state(&vault, first.id).await, ConfirmationState::Expired, "and not cancelled");
        assert_eq!(vault.cancel(next.id).await.expect("there").state, ConfirmationState::Cancelled);
        assert_eq!(vault.cancel(next.id).await.expect("there").state, ConfirmationState::Cancelled);
        assert_eq!(
            vault.approve(&device, Pin::Normal, next.id).await.expect("answered").code,
            Code::ConfirmationUnknown
        );
    });
}

#[test]
fn what_was_asked_before_a_restore_an_unenrollment_or_a_new_device_cannot_be_approved() {
    block_on(async {
        let (vault, _) = start().await;
        let asked = vault.ask_text("Pay", 600).await.expect("asked");
        vault.clock.advance(1);
        vault.write(|vault, tx| vault.mark_restored(tx, vault.reading())).await.expect("marked");
        assert_eq!(state(&vault, asked.id).await, ConfirmationState::Cancelled);

        let asked = vault.ask_text("Pay", 600).await.expect("asked");
        let new = vault.enroll(2, REPLACE).await;
        assert_eq!(state(&vault, asked.id).await, ConfirmationState::Cancelled);
        let refused = vault.approve(&new, Pin::Normal, asked.id).await.expect("answered");
        assert_eq!(refused.code, Code::ConfirmationUnknown);

        let asked = vault.ask_text("Pay", 600).await.expect("asked");
        assert_eq!(vault.pin(&new, Pin::Normal, PinAction::Unenroll).await.expect("answered").code, Code::Ok);
        let again = vault.enroll(3, EnrollOptions::default()).await;
        assert_eq!(state(&vault, asked.id).await, ConfirmationState::Cancelled);
        vault.clock.advance(1_000);
        assert_eq!(state(&vault, asked.id).await, ConfirmationState::Cancelled, "final");
        assert_eq!(
            vault.approve(&again, Pin::Normal, asked.id).await.expect("answered").code,
            Code::ConfirmationUnknown
        );

        let asked = vault.ask_text("Pay", 600).await.expect("asked");
        vault.administer(Vault::delete).await.expect("deleted");
        assert_eq!(vault.confirmation(asked.id).await, Err(VaultError::Unknown("confirmation")));
        vault.enroll(4, EnrollOptions::default()).await;
        assert_eq!(vault.confirmation(asked.id).await, Err(VaultError::Unknown("confirmation")));
    });
}

#[test]
fn another_service_or_token_is_none_of_its_business() {
    block_on(async {
        let (vault, device) = start().await;
        let asked = vault.ask_text("Pay", 600).await.expect("asked");
        let other = TestVault { user: crate::domain::name::UserId::parse("ann").expect("valid"), ..vault };
        let stranger = other.enroll(2, EnrollOptions::default()).await;
        let refused = other.approve(&stranger, Pin::Normal, asked.id).await.expect("answered");
        assert_eq!(refused.code, Code::ConfirmationUnknown);
        assert_eq!(state(&other, asked.id).await, ConfirmationState::Pending);
        let key = stranger.key;
        let named = other.write(move |vault, tx| vault.named_confirmation(tx, &key, 0, vault.reading())).await;
        assert_eq!(named, Ok(Named::Unknown));
        let key = device.key;
        let named = other.write(move |vault, tx| vault.named_confirmation(tx, &key, 0, vault.reading())).await;
        assert_eq!(named, Ok(Named::Waiting(asked.id, "Pay".to_owned())));
    });
}

#[test]
fn of_many_simultaneous_answers_one_is_taken() {
    block_on(async {
        for test in [memory(), file()] {
            let vault = Arc::new(TestVault::new(test, ServiceRules::default()).await);
            let mut devices = vec![vault.enroll(1, EnrollOptions::default()).await];
            for number in 2..=8 {
                devices.push(vault.enroll(number, ADD).await);
            }
            for _ in 0..4 {
                let asked = vault.ask_text("Pay", 600).await.expect("asked");
                let barrier = Arc::new(Barrier::new(devices.len()));
                let answers: Vec<_> = devices
                    .iter()
                    .map(|device| {
                        let (vault, barrier, device) = (Arc::clone(&vault), Arc::clone(&barrier), *device);
                        tokio::spawn(async move {
                            barrier.wait().await;
                            if device.number % 2 == 0 {
                                vault.deny(&device, asked.id, device.number).await.expect("answered").code
                            } else {
                                vault.approve(&device, Pin::Normal, asked.id).await.expect("answered").code
                            }
                        })
                    })
                    .collect();
                let mut taken = Vec::new();
                for (device, answer) in devices.iter().zip(answers) {
                    match answer.await.expect("joined") {
                        Code::Ok => taken.push(device.number),
                        code => assert_eq!(code, Code::ConfirmationUnknown),
                    }
                }
                let [one] = taken.as_slice() else { panic!("{taken:?} were taken") };
                let expected = match one % 2 {
                    0 => ConfirmationState::Denied { reason: *one },
                    _ => ConfirmationState::Approved,
                };
                assert_eq!(state(&vault, asked.id).await, expected);
                vault.clock.advance(1);
            }
        }
    });
}

#[test]
fn a_device_revokes_another_one_and_under_duress_only_seems_to() {
    block_on(async {
        for pin in [Pin::Normal, Pin::Duress] {
            let (vault, first) = start().await;
            let second = vault.enroll(2, ADD).await;
            vault.open(&second, Pin::Normal).await.expect("answered");
            let other = PinAction::RevokeDevice(DeviceId::new(second.key.number));
            let wrong = vault.pin(&first, Pin::Wrong, other).await.expect("answered");
            assert_eq!(wrong.code, Code::PinRejected);
            assert_eq!(vault.ask(&second).await.expect("answered").status, DeviceStatus::Open);
            let done = vault.pin(&first, pin, other).await.expect("answered");
            assert_eq!((done.code, done.status), (Code::Ok, DeviceStatus::Closed));
            assert!(vault.view(&second).await.expect("viewed").device.row.revoked);
            let again = vault.pin(&first, pin, other).await.expect("answered");
            assert_eq!(again.code, Code::Policy);
            let itself = PinAction::RevokeDevice(DeviceId::new(first.key.number));
            assert_eq!(vault.pin(&first, pin, itself).await.expect("answered").code, Code::Policy);
            let nobody = PinAction::RevokeDevice(DeviceId::new([9; 4]));
            assert_eq!(vault.pin(&first, pin, nobody).await.expect("answered").code, Code::Policy);
            vault.administer(Vault::clear_duress).await.expect("cleared");
            let is_back = !vault.view(&second).await.expect("viewed").device.row.revoked;
            assert_eq!(is_back, pin == Pin::Duress);
        }
    });
}

#[test]
fn an_administrator_revokes_one_device_in_truth() {
    block_on(async {
        for pin in [Pin::Normal, Pin::Duress] {
            let (vault, first) = start().await;
            let second = vault.enroll(2, ADD).await;
            vault.open(&first, pin).await.expect("answered");
            let (service, user, number) = (vault.service.clone(), vault.user.clone(), second.key.number);
            let revoke = move |vault: &Vault, tx: &mut dyn crate::storage::Transaction| {
                vault.revoke_device(tx, &service, &user, DeviceId::new(number), Actor::Operator, vault.reading())
            };
            vault.write(revoke.clone()).await.expect("revoked");
            assert_eq!(vault.write(revoke).await.err(), Some(VaultError::Unknown("device")));
            assert!(vault.view(&second).await.expect("viewed").device.row.revoked);
            assert_eq!(vault.ask(&first).await.expect("answered").status, DeviceStatus::Closed);
            vault.administer(Vault::clear_duress).await.expect("cleared");
            assert!(vault.view(&second).await.expect("viewed").device.row.revoked);
        }
    });
}
