use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::limits::DEVICES_PER_TOKEN;
use cardea_protocol::token::{DeviceId, DeviceInfo, DeviceStatus, ShortString};

use crate::clock::UnixSeconds;
use crate::domain::actor::Actor;
use crate::domain::enrollment::{EnrollOptions, OfferDead, OfferError};
use crate::domain::rules::ServiceRules;
use crate::storage::rows::EnrollmentRows;
use crate::storage::testing::{block_on, file, memory};
use crate::vault::testing::*;
use crate::vault::{EventKind, PinAction, Progress, Vault, VaultError};

const NONE: EnrollOptions = EnrollOptions { replace_device: false, add_device: false };
const REPLACE: EnrollOptions = EnrollOptions { replace_device: true, add_device: false };
const ADD: EnrollOptions = EnrollOptions { replace_device: false, add_device: true };

const DEAD: VaultError = VaultError::OfferDead(OfferDead);

#[test]
fn link_and_typed_code_lead_to_the_same_offer_with_their_own_keys() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        let offer = vault.offer(NONE).await.expect("offered");
        assert_eq!(offer.expires_at, vault.clock_now().plus(600));
        let (link_id, code_id) = (offer.link.id, offer.code.id());
        let by_link = vault.write(move |v, tx| v.pending_offer(tx, &link_id, v.reading())).await.expect("found");
        let by_code = vault.write(move |v, tx| v.pending_offer(tx, &code_id, v.reading())).await.expect("found");
        assert_eq!((by_link.token, by_link.device), (by_code.token, by_code.device));
        assert_eq!(by_link.policy, ServiceRules::default().policy());
        let link_psk =
            vault.write(move |v, tx| v.count_enrollment_try(tx, &by_link, v.reading())).await.expect("counted");
        let code_psk =
            vault.write(move |v, tx| v.count_enrollment_try(tx, &by_code, v.reading())).await.expect("counted");
        assert!(link_psk == offer.link.psk::<Dalek>());
        assert!(code_psk == offer.code.psk::<Dalek>());
        let keys = vault.write(|v, tx| v.server_keys(tx)).await.expect("keys");
        let current = keys.current(vault.clock_now()).expect("a key");
        assert_eq!((offer.link.epoch, offer.link.server_key), (current.record.epoch, current.record.key));
        assert!(current.record.verify::<Dalek>(keys.identity_public()));
    });
}

#[test]
fn unknown_expired_used_and_guessed_codes_are_all_the_same() {
    block_on(async {
        let vault = TestVault::new(memory(), ServiceRules::default()).await;
        for id in [[0x80; 8], *b"ZZZZ\0\0\0\0", [0; 8], [0xff; 8]] {
            let unknown = vault.write(move |v, tx| v.pending_offer(tx, &id, v.reading())).await;
            assert_eq!(unknown, Err(DEAD), "{id:?}");
        }
        let used = vault.offer(NONE).await.expect("offered");
        vault.finish(1, &used.link.id, test_info()).await.expect("enrolled");
        for id in [used.link.id, used.code.id()] {
            assert_eq!(vault.finish(2, &id, test_info()).await.expect_err("used"), DEAD);
        }
        let expired = vault.offer(REPLACE).await.expect("offered");
        vault.clock.advance(600);
        assert_eq!(vault.finish(2, &expired.link.id, test_info()).await.expect_err("expired"), DEAD);

        let guessed = vault.offer(REPLACE).await.expect("offered");
        let id = guessed.code.id();
        let pending = vault.write(move |v, tx| v.pending_offer(tx, &id, v.reading())).await.expect("found");
        for _ in 0..3 {
            vault.write(move |v, tx| v.count_enrollment_try(tx, &pending, v.reading())).await.expect("counted");
        }
        let fourth = vault.write(move |v, tx| v.count_enrollment_try(tx, &pending, v.reading())).await;
        assert_eq!(fourth.expect_err("dead"), DEAD);
        assert_eq!(
            vault.finish(2, &guessed.link.id, test_info()).await.expect_err("dead"),
            DEAD,
            "and the link with it"
        );
        assert_eq!(vault.status().await, Ok(2), "the device that was there is untouched");
    });
}

#[test]
fn a_clock_that_goes_back_revives_no_offer() {
    block_on(async {
        let vault = TestVault::new(file(), ServiceRules::default()).await;
        let id = vault.offer(NONE).await.expect("offered").link.id;
        vault.clock.advance(600);
        vault.write(|v, tx| v.mark_time(tx, v.reading())).await.expect("marked");
        let clock = std::sync::Arc::new(crate::clock::TestClock::new(UnixSeconds::new(START + 1)));
        let vault = TestVault { clock, ..vault }.restarted().await;
        let pending = vault.write(move |v, tx| v.pending_offer(tx, &id, v.reading())).await;
        assert_eq!(pending.expect_err("dead"), DEAD);
    });
}

#[test]
fn of_two_devices_with_one_code_the_first_wins() {
    block_on(async {
        let vault = TestVault::new(memory(), ServiceRules::default()).await;
        let offer = vault.offer(NONE).await.expect("offered");
        let id = offer.link.id;
        let pending = vault.write(move |v, tx| v.pending_offer(tx, &id, v.reading())).await.expect("found");
        for _ in 0..2 {
            vault.write(move |v, tx| v.count_enrollment_try(tx, &pending, v.reading())).await.expect("counted");
        }
        let (first, second) = (new_device(1, &pending, test_info()), new_device(2, &pending, test_info()));
        let won = vault.write(move |v, tx| v.complete_enrollment(tx, &pending, first, v.reading())).await;
        let lost = vault.write(move |v, tx| v.complete_enrollment(tx, &pending, second, v.reading())).await;
        assert!(won.is_ok());
        assert_eq!(lost.expect_err("used"), DEAD);
    });
}

#[test]
fn nothing_finishes_without_a_counted_try() {
    block_on(async {
        let vault = TestVault::new(memory(), ServiceRules::default()).await;
        let id = vault.offer(NONE).await.expect("offered").link.id;
        let pending = vault.write(move |v, tx| v.pending_offer(tx, &id, v.reading())).await.expect("found");
        let new = new_device(1, &pending, test_info());
        let result = vault.write(move |v, tx| v.complete_enrollment(tx, &pending, new, v.reading())).await;
        assert_eq!(result.expect_err("not counted"), DEAD);
    });
}

#[test]
fn a_new_offer_kills_the_old_one() {
    block_on(async {
        let vault = TestVault::new(memory(), ServiceRules::default()).await;
        let old = vault.offer(NONE).await.expect("offered");
        let new = vault.offer(NONE).await.expect("offered");
        assert_eq!(vault.finish(1, &old.link.id, test_info()).await.expect_err("dead"), DEAD);
        vault.finish(1, &new.link.id, test_info()).await.expect("enrolled");
    });
}

#[test]
fn what_becomes_of_the_present_device_must_be_said() {
    block_on(async {
        let vault = TestVault::new(memory(), ServiceRules::default()).await;
        let first = vault.enroll(1, NONE).await;
        assert_eq!(vault.offer(NONE).await.expect_err("enrolled"), VaultError::Offer(OfferError::Enrolled));

        let offer = vault.offer(REPLACE).await.expect("offered");
        vault.open(&first, Pin::Normal).await.expect("the old one works until the new one has finished");
        let (second, enrolled) = vault.finish(2, &offer.link.id, test_info()).await.expect("enrolled");
        assert_eq!(enrolled.replaced, [first.key]);
        assert_eq!(vault.status().await, Ok(2), "what the old one opened is closed");
        let view = vault.view(&first).await.expect("a tombstone");
        assert!(view.device.row.revoked && view.slots.is_none());

        for number in 3..=9 {
            vault.enroll(number, ADD).await;
        }
        assert_eq!(vault.offer(ADD).await.expect_err("full"), VaultError::Offer(OfferError::TooManyDevices));
        let token = second.key.token;
        let devices = vault.write(move |v, tx| v.devices_of(tx, &token)).await.expect("read");
        assert_eq!(devices.iter().filter(|device| !device.row.revoked).count(), DEVICES_PER_TOKEN);
        assert_eq!(vault.open(&second, Pin::Normal).await.expect("answered").code, Code::Ok);
    });
}

#[test]
fn devices_that_make_way_for_another_are_in_the_journal() {
    block_on(async {
        let vault = TestVault::new(memory(), ServiceRules::default()).await;
        let revoked = async || {
            let events = vault.events().await.into_iter().filter(|event| event.kind == EventKind::DeviceRevoked);
            events.map(|event| (event.device.expect("a device"), event.by)).collect::<Vec<_>>()
        };
        let id = |device: &TestDevice| DeviceId::new(device.key.number);
        let (first, second) = (vault.enroll(1, NONE).await, vault.enroll(2, ADD).await);
        assert_eq!(revoked().await, []);
        let third = vault.enroll(3, REPLACE).await;
        let by = Actor::Device(id(&third));
        let mut expected = vec![(id(&first), by), (id(&second), by)];
        expected.sort_unstable_by_key(|(device, _)| *device.bytes());
        assert_eq!(revoked().await, expected);
        let last: Vec<_> = vault.events().await.into_iter().rev().take(1).map(|event| event.kind).collect();
        assert_eq!(last, [EventKind::Enrolled], "what follows is told after what it follows from");

        // Only the one that was left, and not what was revoked before.
        vault.pin(&third, Pin::Normal, PinAction::Unenroll).await.expect("given up");
        let fourth = vault.enroll(4, NONE).await;
        expected.push((id(&third), Actor::Device(id(&fourth))));
        assert_eq!(revoked().await, expected);
    });
}

#[test]
fn a_device_that_dies_with_its_offer_is_in_the_journal_once() {
    block_on(async {
        let rules = ServiceRules { short_string: ShortString::Required, ..ServiceRules::default() };
        let vault = TestVault::new(memory(), rules).await;
        let device = vault.enroll(1, NONE).await;
        vault.offer(NONE).await.expect("offered");
        vault.offer(NONE).await.expect("offered again");
        assert!(cancel(&vault).await);
        let revoked: Vec<_> =
            vault.events().await.into_iter().filter(|event| event.kind == EventKind::DeviceRevoked).collect();
        let [event] = revoked.as_slice() else { panic!("{revoked:?}") };
        assert_eq!((event.device, event.by), (Some(DeviceId::new(device.key.number)), Actor::Operator));
    });
}

#[test]
fn a_service_may_refuse_emulated_devices_and_biometric_slots() {
    block_on(async {
        let rules = ServiceRules { emulated: false, ..ServiceRules::default() };
        let vault = TestVault::new(memory(), rules).await;
        let id = vault.offer(NONE).await.expect("offered").link.id;
        assert_eq!(vault.finish(1, &id, test_info()).await.expect_err("emulated"), VaultError::Emulated);
        let biometric = DeviceInfo { emulated: false, biometric: true, ..test_info() };
        assert_eq!(vault.finish(1, &id, biometric).await.expect_err("biometric"), VaultError::Biometric);
        assert_eq!(vault.status().await, Ok(0));
        vault.finish(1, &id, DeviceInfo { emulated: false, ..test_info() }).await.expect("the third try is right");
        assert_eq!(vault.status().await, Ok(2));
    });
}

#[test]
fn a_required_short_string_keeps_status_0_until_it_is_confirmed() {
    block_on(async {
        let rules = ServiceRules { short_string: ShortString::Required, ..ServiceRules::default() };
        let vault = TestVault::new(memory(), rules).await;
        let device = vault.enroll(1, NONE).await;
        let early = vault.open(&device, Pin::Normal).await.expect("answered");
        assert_eq!((early.code, early.status), (Code::Policy, DeviceStatus::NotEnrolled));
        assert_eq!(vault.status().await, Ok(0));
        let confirm = |v: &Vault, tx: &mut dyn crate::storage::Transaction, service: &_, user: &_| {
            v.confirm_enrollment(tx, service, user, Actor::Operator, v.reading())
        };
        let (service, user) = (vault.service.clone(), vault.user.clone());
        let found =
            vault.write(move |v, tx| Ok((confirm(v, tx, &service, &user)?, confirm(v, tx, &service, &user)?))).await;
        assert_eq!(found, Ok((true, false)));
        assert_eq!(vault.status().await, Ok(2), "the early try has opened nothing");
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Ok);
        assert_eq!(vault.status().await, Ok(1));
    });
}

async fn progress(vault: &TestVault) -> Progress {
    let (service, user) = (vault.service.clone(), vault.user.clone());
    vault.write(move |v, tx| v.progress(tx, &service, &user, v.reading())).await.expect("a token")
}

async fn confirm(vault: &TestVault) -> bool {
    let (service, user) = (vault.service.clone(), vault.user.clone());
    vault
        .write(move |v, tx| v.confirm_enrollment(tx, &service, &user, Actor::Operator, v.reading()))
        .await
        .expect("a token")
}

async fn cancel(vault: &TestVault) -> bool {
    let (service, user) = (vault.service.clone(), vault.user.clone());
    vault
        .write(move |v, tx| v.cancel_enrollment(tx, &service, &user, Actor::Operator, v.reading()))
        .await
        .expect("a token")
        .1
}

#[test]
fn an_enrollment_can_be_followed_from_the_offer_to_the_device() {
    block_on(async {
        let rules = ServiceRules { short_string: ShortString::Required, ..ServiceRules::default() };
        let vault = TestVault::new(memory(), rules).await;
        let offer = vault.offer(NONE).await.expect("offered");
        let expires_at = vault.clock_now().plus(600);
        assert_eq!(progress(&vault).await, Progress::Waiting { expires_at });
        assert!(!confirm(&vault).await, "no device waits");
        vault.clock.advance(599);
        vault.finish(1, &offer.link.id, test_info()).await.expect("enrolled");
        let expires_at = vault.clock_now().plus(600);
        assert_eq!(progress(&vault).await, Progress::Comparing { short_string: 42, expires_at });
        assert_eq!(vault.finish(2, &offer.link.id, test_info()).await.expect_err("used"), DEAD);
        assert_eq!(vault.finish(2, &offer.code.id(), test_info()).await.expect_err("used"), DEAD);
        let vault = vault.restarted().await;
        vault.clock.advance(599);
        assert!(confirm(&vault).await);
        assert_eq!(progress(&vault).await, Progress::Enrolled { short_string: None });
        assert!(!confirm(&vault).await, "once is enough");
        assert!(!cancel(&vault).await, "nothing is open");
        let left = vault.write(|_, tx| tx.sweep_enrollments(UnixSeconds::new(u64::MAX >> 1)).map_err(Into::into)).await;
        assert_eq!(left, Ok(0), "the string is gone");
    });
}

#[test]
fn a_device_that_is_not_confirmed_in_time_or_whose_enrollment_is_cancelled_is_never_used() {
    block_on(async {
        let rules = ServiceRules { short_string: ShortString::Required, ..ServiceRules::default() };
        let vault = TestVault::new(memory(), rules).await;
        vault.enroll(1, NONE).await;
        vault.clock.advance(600);
        let expires_at = vault.clock_now();
        assert_eq!(progress(&vault).await, Progress::Expired { expires_at });
        assert!(!confirm(&vault).await);
        assert!(cancel(&vault).await);
        assert_eq!(progress(&vault).await, Progress::None);

        let given_up = vault.enroll(2, NONE).await;
        let other = vault.offer(NONE).await.expect("another offer");
        assert!(!confirm(&vault).await, "the device died with its offer");
        assert!(vault.view(&given_up).await.expect("a tombstone").device.row.revoked);
        vault.finish(3, &other.link.id, test_info()).await.expect("enrolled");
        assert!(cancel(&vault).await);
        assert_eq!(vault.status().await, Ok(0));
        assert_eq!(progress(&vault).await, Progress::None);

        vault.offer(NONE).await.expect("offered");
        assert!(cancel(&vault).await);
        assert_eq!(progress(&vault).await, Progress::None);
    });
}

#[test]
fn a_clock_that_goes_back_confirms_nothing() {
    block_on(async {
        let rules = ServiceRules { short_string: ShortString::Required, ..ServiceRules::default() };
        let vault = TestVault::new(file(), rules).await;
        vault.enroll(1, NONE).await;
        vault.clock.advance(600);
        vault.write(|v, tx| v.mark_time(tx, v.reading())).await.expect("marked");
        let clock = std::sync::Arc::new(crate::clock::TestClock::new(UnixSeconds::new(START + 1)));
        let vault = TestVault { clock, ..vault }.restarted().await;
        assert!(!confirm(&vault).await);
        assert!(matches!(progress(&vault).await, Progress::Expired { .. }));
    });
}

#[test]
fn a_string_that_is_only_shown_can_be_read_and_the_device_be_used_at_once() {
    block_on(async {
        let rules = ServiceRules { short_string: ShortString::Shown, ..ServiceRules::default() };
        let vault = TestVault::new(memory(), rules).await;
        let device = vault.enroll(1, NONE).await;
        assert_eq!(vault.open(&device, Pin::Normal).await.expect("answered").code, Code::Ok);
        let until = vault.clock_now().plus(600);
        assert_eq!(progress(&vault).await, Progress::Enrolled { short_string: Some((42, until)) });
        assert!(cancel(&vault).await, "the strings were not the same");
        assert_eq!((vault.status().await, progress(&vault).await), (Ok(0), Progress::None));
        vault.enroll(2, NONE).await;
        vault.clock.advance(600);
        assert_eq!(progress(&vault).await, Progress::Enrolled { short_string: None });
    });
}

#[test]
fn a_revoked_device_is_gone_and_what_it_opened_is_closed() {
    block_on(async {
        let vault = TestVault::new(memory(), ServiceRules::default()).await;
        let (first, second) = (vault.enroll(1, NONE).await, vault.enroll(2, ADD).await);
        let revoke = async |number: [u8; 4]| {
            let (service, user, id) = (vault.service.clone(), vault.user.clone(), DeviceId::new(number));
            vault
                .write(move |v, tx| v.revoke_device(tx, &service, &user, id, Actor::Operator, v.reading()))
                .await
                .map(drop)
        };
        vault.open(&first, Pin::Normal).await.expect("opened");
        assert_eq!(vault.status().await, Ok(1));
        assert_eq!(revoke(first.key.number).await, Ok(()));
        assert_eq!(vault.status().await, Ok(2));
        for unknown in [first.key.number, [0; 4]] {
            assert_eq!(revoke(unknown).await, Err(VaultError::Unknown("device")));
        }
        assert!(vault.view(&first).await.expect("a tombstone").device.row.revoked);
        vault.clock.advance(1);
        assert_eq!(vault.open(&second, Pin::Normal).await.expect("answered").code, Code::Ok);
        assert_eq!(revoke(second.key.number).await, Ok(()));
        assert_eq!(vault.status().await, Ok(0));
    });
}

#[test]
fn a_device_for_another_offer_is_refused() {
    block_on(async {
        let vault = TestVault::new(memory(), ServiceRules::default()).await;
        let id = vault.offer(NONE).await.expect("offered").link.id;
        let pending = vault.write(move |v, tx| v.pending_offer(tx, &id, v.reading())).await.expect("found");
        vault.write(move |v, tx| v.count_enrollment_try(tx, &pending, v.reading())).await.expect("counted");
        let mut new = new_device(1, &pending, test_info());
        new.row.device = DeviceId::new([9; 4]);
        let refused = vault.write(move |v, tx| v.complete_enrollment(tx, &pending, new, v.reading())).await;
        assert!(matches!(refused, Err(VaultError::Misuse(_))));
        assert_eq!(vault.status().await, Ok(0));
    });
}
