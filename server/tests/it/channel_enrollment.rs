//! Getting in, and not getting in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Random};
use cardea_protocol::device::{Credential, EnrollError, Enrollment, Intent, Offered};
use cardea_protocol::pin::PinKey;
use cardea_protocol::token::{DeviceInfo, DeviceStatus, ShortString};
use cardea_protocol::wire::{Link, Reply};
use cardea_protocol::{ProtocolError, Secret};
use cardea_server::admin::{Actor, EnrollOptions};
use cardea_server::domain::rules::ServiceRules;
use cardea_server::vault::EventKind;

use crate::channel_support::phone_parts::{INFO, Way, link_way};
use crate::channel_support::*;

const CODE_USED: EnrollError = EnrollError::Plain(Code::CodeUsed);

async fn try_link(world: &World, link: &Link, info: DeviceInfo) -> Result<Phone, EnrollError> {
    Phone::enroll_with(world, &link_way(link), &[NORMAL, DURESS], info, Seeded::os()).await.0
}

fn refused(result: Result<Phone, EnrollError>) -> Reply {
    match result {
        Err(EnrollError::Refused(reply)) => reply,
        Err(error) => panic!("not refused: {error}"),
        Ok(_) => panic!("enrolled"),
    }
}

/// Goes as far as E2 and keeps the connection.
async fn begin(world: &World, link: &Link) -> (Wire, Offered<Dalek>, Seeded) {
    let mut random = Seeded::os();
    let mut wire = Wire::connect(world.address()).await;
    let credential = Credential::from_link::<Dalek>(link);
    let start = Enrollment::<Dalek>::start(&credential, &link.server_key, link.epoch, &mut random).unwrap();
    wire.send(start.frame().bytes()).await;
    let offered = start.receive(&wire.receive().await.unwrap(), &mut random).unwrap();
    (wire, offered, random)
}

fn keys(random: &mut Seeded) -> [PinKey; 4] {
    std::array::from_fn(|_| PinKey::random(random))
}

#[tokio::test]
async fn a_code_that_is_unknown_used_or_expired_is_answered_alike() {
    let world = World::new().await;
    let offer = world.offer().await;
    let link = Link::parse(&offer.link).unwrap();
    let unknown = Link { id: Link::generate_id(&mut Seeded::os()), ..Link::parse(&offer.link).unwrap() };
    assert_eq!(try_link(&world, &unknown, INFO).await.err(), Some(CODE_USED));
    assert!(try_link(&world, &link, INFO).await.is_ok());
    assert_eq!(try_link(&world, &link, INFO).await.err(), Some(CODE_USED));
    assert_eq!(world.count(EventKind::Enrolled).await, 1);

    let world = World::new().await;
    let offer = world.offer().await;
    let (link, way) = (Link::parse(&offer.link).unwrap(), Phone::code_way(&world, &offer.code).await);
    world.clock.advance(599);
    let (mut wire, offered, mut random) = begin(&world, &link).await;
    world.clock.advance(1);
    assert_eq!(try_link(&world, &link, INFO).await.err(), Some(CODE_USED));
    assert_eq!(Phone::enroll_with(&world, &way, &[NORMAL], INFO, Seeded::os()).await.0.err(), Some(CODE_USED));
    // Begun in time, finished too late.
    let (record, receipt) = offered.accept(&keys(&mut random), &INFO).unwrap().stored();
    wire.send(receipt.frame().bytes()).await;
    let answer = wire.receive().await.unwrap();
    assert!(matches!(receipt.receive(&record, &answer), Err(CODE_USED)));
    assert_eq!(world.status().await, 0);

    // A newer offer is the end of the older one.
    let older = Link::parse(&world.offer().await.link).unwrap();
    let newer = Link::parse(&world.offer().await.link).unwrap();
    assert_eq!(try_link(&world, &older, INFO).await.err(), Some(CODE_USED));
    assert!(try_link(&world, &newer, INFO).await.is_ok());
}

#[tokio::test]
async fn a_guessed_secret_has_three_tries_by_link_or_by_code() {
    for typed in [false, true] {
        let world = World::new().await;
        let offer = world.offer().await;
        let link = Link::parse(&offer.link).unwrap();
        let guess = |number: u8| -> Way {
            if typed {
                let last = char::from(b"0123456789"[usize::from(number)]);
                let code = format!("{}{}", &offer.code.replace('-', "")[..9], last);
                let code = cardea_protocol::wire::TypedCode::parse(&code).unwrap();
                Way { credential: Credential::from_code::<Dalek>(&code), ..link_way(&link) }
            } else {
                link_way(&Link { code: Secret::new([number; 32]), ..Link::parse(&offer.link).unwrap() })
            }
        };
        let right = offer.code.chars().last().unwrap();
        let wrong: Vec<u8> = (0..10).filter(|digit| char::from(b'0' + digit) != right).collect();
        for number in &wrong[..3] {
            let image = world.image().await;
            let (result, traffic) = Phone::enroll_with(&world, &guess(*number), &[NORMAL], INFO, Seeded::os()).await;
            assert_eq!(result.err(), Some(CODE_USED));
            assert_eq!(traffic, [60, -220, 562, -65]);
            // Its try is counted and nothing else happens.
            let after = world.image().await;
            let changed = image.iter().zip(&after).filter(|(before, after)| before != after).count();
            assert_eq!((image.len(), changed), (after.len(), 1), "{after:?}");
        }
        assert_eq!(try_link(&world, &link, INFO).await.err(), Some(CODE_USED), "the right one comes too late");
        assert_eq!((world.status().await, world.count(EventKind::Enrolled).await), (0, 0));
        assert!(try_link(&world, &Link::parse(&world.offer().await.link).unwrap(), INFO).await.is_ok());
    }
}

#[tokio::test]
async fn guesses_that_run_side_by_side_have_three_tries_together() {
    let world = Setup::durable().start().await;
    let offer = world.offer().await;
    let link = Link::parse(&offer.link).unwrap();
    // All have their E2 before the first E3 is sent.
    let mut waiting = Vec::new();
    for number in 0..8 {
        let secret = if number == 7 { link.code.duplicate() } else { Secret::new([number; 32]) };
        waiting.push(begin(&world, &Link { code: secret, ..Link::parse(&offer.link).unwrap() }).await);
    }
    for (mut wire, offered, mut random) in waiting {
        let (record, receipt) = offered.accept(&keys(&mut random), &INFO).unwrap().stored();
        wire.send(receipt.frame().bytes()).await;
        assert!(matches!(receipt.receive(&record, &wire.receive().await.unwrap()), Err(CODE_USED)));
    }
    assert_eq!(world.status().await, 0);
}

#[tokio::test]
async fn the_last_try_may_be_the_right_one() {
    let world = World::new().await;
    let offer = world.offer().await;
    for number in 0..2 {
        let guess = Link { code: Secret::new([number; 32]), ..Link::parse(&offer.link).unwrap() };
        assert_eq!(try_link(&world, &guess, INFO).await.err(), Some(CODE_USED));
    }
    assert!(try_link(&world, &Link::parse(&offer.link).unwrap(), INFO).await.is_ok());
}

#[tokio::test]
async fn one_of_two_devices_with_the_same_code_gets_in() {
    let world = Setup::durable().start().await;
    let offer = world.offer().await;
    let link = Link::parse(&offer.link).unwrap();
    let (mut first_wire, first, mut random) = begin(&world, &link).await;
    let (mut second_wire, second, _) = begin(&world, &link).await;
    let (first_record, first) = first.accept(&keys(&mut random), &INFO).unwrap().stored();
    let (second_record, second) = second.accept(&keys(&mut random), &INFO).unwrap().stored();
    tokio::join!(first_wire.send(first.frame().bytes()), second_wire.send(second.frame().bytes()));
    let (a, b) = tokio::join!(first_wire.receive(), second_wire.receive());
    let a = first.receive(&first_record, &a.unwrap()).map(|step| step.stored().1);
    let b = second.receive(&second_record, &b.unwrap()).map(|step| step.stored().1);
    assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1, "{a:?} {b:?}");
    match a.err().or(b.err()) {
        Some(CODE_USED) => {}
        Some(EnrollError::Refused(reply)) => assert_eq!(reply.code, Code::CodeUsed),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.count(EventKind::Enrolled).await, 1);
    assert_eq!(world.status().await, 2);
}

#[tokio::test]
async fn a_device_that_the_service_does_not_take_is_told_so_and_nothing_is_stored() {
    let world = World::with(ServiceRules { emulated: false, ..rules() }).await;
    let offer = world.offer().await;
    let link = Link::parse(&offer.link).unwrap();
    let reply = refused(try_link(&world, &link, INFO).await);
    assert_eq!((reply.code, reply.status, reply.server_time), (Code::Policy, DeviceStatus::NotEnrolled, world.now()));
    let (_, traffic) = Phone::enroll_with(&world, &link_way(&link), &[NORMAL], INFO, Seeded::os()).await;
    assert_eq!(traffic, [60, -220, 562, -32]);
    assert_eq!((world.status().await, world.count(EventKind::Enrolled).await), (0, 0));
    assert!(!world.image().await.iter().any(|row| row.starts_with("device")));
    let real = DeviceInfo { emulated: false, ..INFO };
    assert!(try_link(&world, &link, real).await.is_ok());
    assert_eq!(world.status().await, 2);
}

#[tokio::test]
async fn a_token_has_eight_devices() {
    let world = World::new().await;
    let mut phones = vec![world.enroll().await];
    for _ in 0..6 {
        phones.push(world.add_device().await);
    }
    // Offered while there was room, used when there is none any more.
    let add = EnrollOptions { add_device: true, replace_device: false };
    let (service, user) = (&world.service, &world.user);
    assert!(world.admin().enroll(service, user, add, Actor::Operator).await.is_ok());
    phones.push(world.add_device().await);
    assert!(world.admin().enroll(service, user, add, Actor::Operator).await.is_err());
    for phone in &mut phones {
        assert_eq!(phone.status(&world).await.status, DeviceStatus::Closed);
    }
}

#[tokio::test]
async fn a_lost_receipt_is_settled_by_the_next_operation() {
    for arrives in [true, false] {
        let world = World::new().await;
        let link = Link::parse(&world.offer().await.link).unwrap();
        let (mut wire, offered, mut random) = begin(&world, &link).await;
        let (record, receipt) = offered.accept(&keys(&mut random), &INFO).unwrap().stored();
        assert!(record.is_provisional());
        if arrives {
            wire.send(receipt.frame().bytes()).await;
            assert_eq!(wire.receive().await.unwrap().len(), 80, "lost on its way");
        }
        drop(wire);
        let mut phone = Phone { record, random: Seeded::os(), address: world.address(), drift: 0 };
        match phone.cold(&world, &Intent::Ping).await {
            Got::Reply(reply, _) if arrives => assert_eq!(reply.code, Code::Ok),
            Got::Plain(Code::UnknownHint, None) if !arrives => {}
            other => panic!("{arrives} {other:?}"),
        }
        assert_eq!(phone.record.is_provisional(), !arrives);
        assert_eq!(world.status().await, if arrives { 2 } else { 0 });
    }
}

#[tokio::test]
async fn a_replaced_device_is_revoked_when_the_new_one_has_finished() {
    let world = World::new().await;
    let mut old = world.enroll().await;
    old.open(&world, NORMAL).await;
    let offer = world.offer_with(EnrollOptions { replace_device: true, add_device: false }).await;
    assert_eq!(old.open(&world, NORMAL).await.code, Code::Ok, "until then it is what it was");
    let mut session = old.warm(&world).await;
    let mut new = Phone::enroll(&world, &offer, &[NORMAL]).await;
    assert!(session.hear().await.is_some());
    assert!(matches!(old.cold(&world, &Intent::Status).await, Got::Refused(reply) if reply.code == Code::NotEnrolled));
    assert_eq!(world.status().await, 2, "what the old one had opened is closed");
    assert_eq!(new.open(&world, NORMAL).await.code, Code::Ok);
}

#[tokio::test]
async fn every_flipped_bit_of_an_enrollment_stops_it() {
    let world = World::new().await;
    for byte in 0..58 {
        let link = Link::parse(&world.offer().await.link).unwrap();
        let image = world.image().await;
        let mut random = Seeded::os();
        let credential = Credential::from_link::<Dalek>(&link);
        let start = Enrollment::<Dalek>::start(&credential, &link.server_key, link.epoch, &mut random).unwrap();
        let mut e1 = *start.frame().bytes();
        e1[byte] ^= 1 << (byte % 8);
        match Wire::ask(world.address(), &e1).await.as_deref() {
            // Another version, or another id; everything else is dropped without a word.
            Some([0x87, ..]) => assert_eq!(byte, 0),
            Some([0x8a, ..]) => assert!((1..9).contains(&byte)),
            Some([0, ..]) => panic!("E2 for a forged E1, byte {byte}"),
            Some(other) => panic!("{other:?}"),
            None => assert!(byte == 0 || byte >= 9),
        }
        assert_eq!(world.image().await, image, "byte {byte} of E1");
        world.clock.advance(60);
    }
    for byte in (0..560).step_by(7) {
        let link = Link::parse(&world.offer().await.link).unwrap();
        let (mut wire, offered, mut random) = begin(&world, &link).await;
        let (record, receipt) = offered.accept(&keys(&mut random), &INFO).unwrap().stored();
        let mut e3 = *receipt.frame().bytes();
        e3[byte] ^= 1 << (byte % 8);
        wire.send(&e3).await;
        assert!(
            matches!(receipt.receive(&record, &wire.receive().await.unwrap()), Err(CODE_USED)),
            "byte {byte} of E3"
        );
        assert!(wire.receive().await.is_none());
        world.clock.advance(60);
    }
    assert_eq!((world.status().await, world.count(EventKind::Enrolled).await), (0, 0));
}

#[tokio::test]
async fn what_is_no_e3_at_all_is_no_try() {
    let world = World::new().await;
    let link = Link::parse(&world.offer().await.link).unwrap();
    let image = world.image().await;
    for length in [0, 1, 58, 128, 176, 559] {
        let (mut wire, _offered, mut random) = begin(&world, &link).await;
        let mut junk = vec![0; length];
        random.fill(&mut junk);
        wire.send(&junk).await;
        assert_eq!(wire.receive().await, None, "{length}");
    }
    assert_eq!(world.image().await, image);
    assert!(try_link(&world, &link, INFO).await.is_ok());
}

#[tokio::test]
async fn an_old_links_key_is_good_while_the_server_keeps_it() {
    let world = World::with(ServiceRules { enrollment_seconds: 600_000, ..rules() }).await;
    let link = Link::parse(&world.offer().await.link).unwrap();
    world.admin().rotate_keys(Actor::Operator).await.unwrap();
    world.clock.advance(590_000);
    world.admin().maintain_keys().await.unwrap();
    let mut phone = try_link(&world, &link, INFO).await.unwrap();
    assert_eq!(phone.record.server_key().epoch, link.epoch);
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
}

#[tokio::test]
async fn a_server_that_is_somebody_else_gets_no_keys() {
    // The key in the link is another one: E2 does not come, so E3 is never made.
    let world = World::new().await;
    let link = Link::parse(&world.offer().await.link).unwrap();
    let other = Link { server_key: [9; 32], ..Link::parse(&world.offer().await.link).unwrap() };
    let credential = Credential::from_link::<Dalek>(&other);
    let start = Enrollment::<Dalek>::start(&credential, &other.server_key, other.epoch, &mut Seeded::os()).unwrap();
    assert_eq!(Wire::ask(world.address(), start.frame().bytes()).await, None);
    // An epoch that is not the key's is found out by the device.
    let link = Link { epoch: link.epoch.wrapping_add(1), ..Link::parse(&world.offer().await.link).unwrap() };
    let result = try_link(&world, &link, INFO).await.err();
    assert!(matches!(result, Some(EnrollError::Protocol(ProtocolError::PeerMisbehaved(_)))), "{result:?}");
}

#[tokio::test]
async fn where_the_short_string_is_required_nothing_opens_before_it_was_compared() {
    let world = World::with(ServiceRules { short_string: ShortString::Required, ..rules() }).await;
    let mut phone = world.enroll().await;
    assert_eq!(world.status().await, 0);
    for pin in [NORMAL, DURESS] {
        let reply = phone.open(&world, pin).await;
        assert_eq!((reply.code, reply.status), (Code::Policy, DeviceStatus::NotEnrolled));
    }
    assert_ne!(world.status().await, 1);
    let world_2 = World::with(ServiceRules { short_string: ShortString::Required, ..rules() }).await;
    let mut phone = world_2.enroll().await;
    world_2.admin().confirm_enrollment(&world_2.service, &world_2.user, Actor::Operator).await.unwrap();
    assert_eq!(world_2.status().await, 2);
    assert_eq!(phone.open(&world_2, NORMAL).await.code, Code::Ok);
    assert_eq!(world_2.status().await, 1);
}

#[tokio::test]
async fn a_biometric_slot_opens_like_the_holders_own_pin() {
    let world = World::with(ServiceRules { biometric: true, ..rules() }).await;
    let link = Link::parse(&world.offer().await.link).unwrap();
    let info = DeviceInfo { biometric: true, ..INFO };
    let pins = [NORMAL, "820461", DURESS];
    let (phone, _) = Phone::enroll_with(&world, &link_way(&link), &pins, info, Seeded::os()).await;
    let mut phone = phone.unwrap();
    assert_eq!(phone.open(&world, "820461").await.code, Code::Ok);
    assert_eq!(world.status().await, 1);
    assert_eq!(phone.open(&world, DURESS).await.code, Code::Ok);
    assert_eq!(world.status().await, 3);
}

#[tokio::test]
async fn a_server_that_stops_waits_for_no_holder() {
    let world = World::new().await;
    let link = Link::parse(&world.offer().await.link).unwrap();
    // One who has said nothing, one who has said half, one who is choosing a PIN.
    let mut silent = Wire::connect(world.address()).await;
    let mut half = Wire::connect(world.address()).await;
    half.raw(&[0, 128, 0x11]).await;
    let (mut choosing, _, _) = begin(&world, &link).await;
    world.node.stop().await;
    for wire in [&mut silent, &mut half, &mut choosing] {
        assert_eq!(wire.receive().await, None);
    }
}
