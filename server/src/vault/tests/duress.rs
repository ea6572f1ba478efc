use cardea_protocol::Code;
use cardea_protocol::token::DeviceStatus;

use crate::domain::enrollment::EnrollOptions;
use crate::domain::rules::ServiceRules;
use crate::domain::world::Window;
use crate::storage::testing::{block_on, memory};
use crate::vault::testing::*;
use crate::vault::{PinAction, Vault};

fn rules(window: u32, silent_alarm: bool) -> ServiceRules {
    ServiceRules { window: Window::new(window, 60), silent_alarm, ..ServiceRules::default() }
}

async fn enrolled(rules: ServiceRules) -> (TestVault, TestDevice) {
    let vault = TestVault::new(memory(), rules).await;
    let device = vault.enroll(1, EnrollOptions::default()).await;
    (vault, device)
}

async fn code(vault: &TestVault, device: &TestDevice, pin: Pin) -> Code {
    vault.open(device, pin).await.expect("answered").code
}

#[test]
fn duress_stays_until_it_is_cleared_and_the_normal_pin_stays_in_the_shadow() {
    block_on(async {
        let (vault, device) = enrolled(rules(30, false)).await;
        assert_eq!(code(&vault, &device, Pin::Duress).await, Code::Ok);
        assert_eq!(vault.status().await, Ok(3));
        assert_eq!(vault.ask(&device).await.expect("answered").status, DeviceStatus::Open);
        vault.close(&device).await.expect("answered");
        assert_eq!(vault.status().await, Ok(3));
        assert_eq!(code(&vault, &device, Pin::Normal).await, Code::Ok);
        assert_eq!(vault.status().await, Ok(3), "no pin gets out of it");
        vault.clock.advance(1_000);
        assert_eq!(vault.status().await, Ok(3), "nor does time");
        vault.administer(Vault::force_close).await.expect("closed");
        vault.administer(Vault::unblock).await.expect("unblocked");
        assert_eq!(vault.status().await, Ok(3), "nor a forced close, nor an unblock");
        vault.administer(Vault::clear_duress).await.expect("cleared");
        assert_eq!(vault.status().await, Ok(2));
        assert_eq!(vault.ask(&device).await.expect("answered").status, DeviceStatus::Closed);
        vault.clock.advance(1);
        assert_eq!(code(&vault, &device, Pin::Normal).await, Code::Ok);
        assert_eq!(vault.status().await, Ok(1));
    });
}

#[test]
fn a_device_that_reads_its_history_sees_cleared_duress_as_a_forced_close() {
    block_on(async {
        let mut seen = Vec::new();
        for end in [Vault::clear_duress, Vault::force_close] {
            let (vault, device) = enrolled(rules(30, true)).await;
            assert_eq!(code(&vault, &device, Pin::Duress).await, Code::Ok);
            vault.clock.advance(5);
            vault.administer(end).await.expect("ended");
            let key = device.key;
            seen.push(vault.write(move |vault, tx| vault.history_for(tx, &key, 0)).await.expect("read"));
        }
        assert_eq!(seen[0].0[0].map(|line| line.op), Some(cardea_protocol::wire::Op::Close.number()));
        assert_eq!(seen[0], seen[1]);
    });
}

#[test]
fn a_silent_alarm_answers_1_from_the_shadow_and_2_otherwise() {
    block_on(async {
        let (vault, device) = enrolled(rules(30, true)).await;
        assert_eq!(code(&vault, &device, Pin::Duress).await, Code::Ok);
        assert_eq!(vault.status().await, Ok(1));
        vault.clock.advance(30);
        assert_eq!(vault.status().await, Ok(2));
        let events = vault.events().await;
        assert_eq!(events.iter().filter(|event| event.duress_raised && event.is_alert()).count(), 1);
    });
}

#[test]
fn a_check_under_duress_ends_the_shadows_single_use_opening_and_answers_3() {
    block_on(async {
        let (vault, device) = enrolled(rules(0, false)).await;
        assert_eq!(code(&vault, &device, Pin::Duress).await, Code::Ok);
        assert_eq!(vault.ask(&device).await.expect("answered").status, DeviceStatus::Open);
        assert_eq!(vault.status().await, Ok(3));
        assert_eq!(vault.ask(&device).await.expect("answered").status, DeviceStatus::Closed);
    });
}

#[test]
fn pins_changed_under_duress_seem_to_be_changed_and_are_not() {
    block_on(async {
        let (vault, device) = enrolled(rules(30, false)).await;
        assert_eq!(code(&vault, &device, Pin::Duress).await, Code::Ok);
        let changed = vault.pin(&device, Pin::Normal, TestDevice::other_pins()).await.expect("answered");
        assert_eq!(changed.code, Code::Ok);
        assert_eq!(code(&vault, &device, Pin::Normal).await, Code::PinRejected, "the old one is gone, it seems");
        assert_eq!(code(&vault, &device, Pin::Other(0)).await, Code::Ok);
        assert_eq!(vault.status().await, Ok(3));
        vault.administer(Vault::clear_duress).await.expect("cleared");
        vault.clock.advance(1);
        assert_eq!(code(&vault, &device, Pin::Other(0)).await, Code::PinRejected);
        assert_eq!(code(&vault, &device, Pin::Normal).await, Code::Ok);
        assert_eq!(vault.status().await, Ok(1));
    });
}

#[test]
fn pins_changed_in_peace_are_changed() {
    block_on(async {
        let (vault, device) = enrolled(rules(30, false)).await;
        let rejected = vault.pin(&device, Pin::Wrong, TestDevice::other_pins()).await.expect("answered");
        assert_eq!(rejected.code, Code::PinRejected);
        assert_eq!(code(&vault, &device, Pin::Other(0)).await, Code::PinRejected, "a wrong pin changes nothing");
        let changed = vault.pin(&device, Pin::Normal, TestDevice::other_pins()).await.expect("answered");
        assert_eq!(changed.code, Code::Ok);
        assert_eq!(code(&vault, &device, Pin::Normal).await, Code::PinRejected);
        assert_eq!(code(&vault, &device, Pin::Other(0)).await, Code::Ok);
        assert_eq!(vault.status().await, Ok(1));
        assert_eq!(code(&vault, &device, Pin::Other(1)).await, Code::Ok);
        assert_eq!(vault.status().await, Ok(3), "the other entries raise duress");
    });
}

#[test]
fn every_operation_with_a_duress_pin_raises_duress() {
    block_on(async {
        for action in [PinAction::Open { win: 0 }, TestDevice::other_pins(), PinAction::Rotate, PinAction::Unenroll] {
            let (vault, device) = enrolled(rules(30, false)).await;
            let answer = vault.pin(&device, Pin::Duress, action).await.expect("answered");
            assert_eq!(answer.code, Code::Ok);
            assert_eq!(vault.status().await, Ok(3), "{action:?}");
        }
    });
}

#[test]
fn a_device_given_up_under_duress_seems_to_be_gone_and_is_not() {
    block_on(async {
        let (vault, device) = enrolled(rules(30, false)).await;
        let answer = vault.pin(&device, Pin::Duress, PinAction::Unenroll).await.expect("answered");
        assert_eq!((answer.code, answer.status), (Code::Ok, DeviceStatus::NotEnrolled));
        assert!(vault.view(&device).await.expect("viewed").device.row.revoked);
        assert_eq!(vault.status().await, Ok(3), "relying parties still learn of the duress");
        vault.administer(Vault::clear_duress).await.expect("cleared");
        assert_eq!(vault.status().await, Ok(2));
        vault.clock.advance(1);
        assert_eq!(code(&vault, &device, Pin::Normal).await, Code::Ok);
    });
}

#[test]
fn duress_on_one_device_holds_for_all() {
    block_on(async {
        let (vault, first) = enrolled(rules(30, false)).await;
        let add = EnrollOptions { replace_device: false, add_device: true };
        let second = vault.enroll(2, add).await;
        assert_eq!(code(&vault, &first, Pin::Duress).await, Code::Ok);
        assert_eq!(code(&vault, &second, Pin::Normal).await, Code::Ok);
        assert_eq!(vault.status().await, Ok(3));
    });
}

#[test]
fn duress_that_starts_between_the_look_and_the_commit_is_decided_again() {
    use std::sync::Arc;

    use cardea_protocol::crypto::Dalek;
    use cardea_protocol::wire::Op;

    use crate::vault::Action;

    block_on(async {
        let (vault, first) = enrolled(rules(30, false)).await;
        let second = vault.enroll(2, EnrollOptions { replace_device: false, add_device: true }).await;
        let view = vault.view(&second).await.expect("viewed");
        let time = vault.clock_now().wire();
        let (statement, signature) = second.sign(&view.device.row, Pin::Normal, Op::Open, time);
        let (key, attempt) = (second.key, statement.attempt_key::<Dalek>(&signature));
        let _ = vault.write(move |v, tx| v.count_attempt(tx, &key, attempt, v.reading())).await.expect("counted");
        let judgement = vault.vault.judge(view.slots.as_ref().expect("slots"), &statement, &signature);
        assert_eq!(code(&vault, &first, Pin::Duress).await, Code::Ok);
        let action = Action::Pin { action: PinAction::Open { win: 0 }, time, judgement: Arc::new(judgement) };
        assert!(vault.apply(&view, action).await.expect_err("conflict").is_conflict());
        assert_eq!(code(&vault, &second, Pin::Normal).await, Code::Ok, "again from the beginning");
        assert_eq!(vault.status().await, Ok(3));
    });
}
