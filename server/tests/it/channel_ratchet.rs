//! Lost replies, crashes, copies: the ratchet over real sockets and a real database.

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{Answer, Intent, Received};
use cardea_protocol::token::DeviceStatus;
use cardea_server::admin::{Actor, EnrollOptions};
use cardea_server::vault::EventKind;

use crate::channel_support::*;

#[tokio::test]
async fn an_operation_whose_reply_is_lost_is_settled_by_a_recover() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    // Executed, and the device forgot everything but its record.
    let attempt = phone.start_open(&world, NORMAL);
    assert!(Wire::ask(world.address(), attempt.frame().bytes()).await.is_some());
    assert!(matches!(phone.recover().await, Got::Recovered(Some(Code::Ok))));
    // What was forked away from is dead.
    assert_eq!(Wire::ask(world.address(), attempt.frame().bytes()).await, None);
    assert_eq!(phone.status(&world).await.status, DeviceStatus::Open);
    assert_eq!(world.count(EventKind::Opened).await, 1);

    // Rejected: the device learns of it and of its tries.
    let attempt = phone.start_open(&world, WRONG);
    assert!(Wire::ask(world.address(), attempt.frame().bytes()).await.is_some());
    assert!(matches!(phone.recover().await, Got::Recovered(Some(Code::PinRejected))));
    assert_eq!(phone.status(&world).await.tries, 9);

    // Never arrived, and never will.
    world.clock.advance(u64::from(WINDOW));
    let late = phone.start_open(&world, NORMAL);
    assert!(matches!(phone.recover().await, Got::Recovered(None)));
    assert_eq!(Wire::ask(world.address(), late.frame().bytes()).await, None);
    assert_eq!(phone.status(&world).await.status, DeviceStatus::Closed);
    assert_eq!(Wire::ask(world.address(), late.frame().bytes()).await.map(|frame| frame[0]), Some(0x86));
    assert_eq!(world.status().await, 2);
    assert_eq!(world.count(EventKind::Opened).await, 1);
    assert_eq!(world.count(EventKind::CloneProved).await, 0);
}

#[tokio::test]
async fn a_recover_is_repeated_byte_for_byte_until_it_is_answered() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    let attempt = phone.start_open(&world, NORMAL);
    assert!(Wire::ask(world.address(), attempt.frame().bytes()).await.is_some());
    let mut replies = Vec::new();
    for _ in 0..3 {
        let recover = phone.start_recover();
        replies.push(Wire::ask(world.address(), recover.frame().bytes()).await.unwrap());
    }
    assert!(replies.iter().all(|reply| *reply == replies[0]));
    let world = world.restart().await;
    phone.address = world.address();
    world.clock.advance(1_000_000);
    let recover = phone.start_recover();
    assert_eq!(Wire::ask(world.address(), recover.frame().bytes()).await.unwrap(), replies[0]);
    assert!(matches!(phone.recover().await, Got::Recovered(Some(Code::Ok))));
    assert_eq!(phone.status(&world).await.code, Code::Ok);
    assert_eq!(world.count(EventKind::Opened).await, 1);
    assert_eq!(world.count(EventKind::CloneProved).await, 0);
}

#[tokio::test]
async fn recorded_frames_get_the_recorded_reply_and_do_nothing() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    let mut attempt = phone.start_open(&world, NORMAL);
    let frame = attempt.frame().bytes().to_vec();
    let reply = Wire::ask(world.address(), &frame).await.unwrap();
    world.admin().close(&world.service, &world.user, Actor::Operator).await.unwrap();
    let image = world.image().await;
    for _ in 0..3 {
        let mut wire = Wire::connect(world.address()).await;
        wire.send(&frame).await;
        assert_eq!(wire.receive().await.as_ref(), Some(&reply));
        // No session starts with a cached reply.
        assert_eq!(wire.receive().await, None);
    }
    assert_eq!(world.image().await, image);
    let world = world.restart().await;
    world.clock.advance(500_000);
    assert_eq!(Wire::ask(world.address(), &frame).await.as_ref(), Some(&reply));
    assert_eq!(world.status().await, 2);
    // The device itself is no worse off for it.
    phone.address = world.address();
    let wire = Wire::connect(world.address()).await;
    assert!(matches!(phone.take(&mut attempt, &reply, wire).await, Got::Reply(reply, _) if reply.code == Code::Ok));
    assert_eq!(phone.status(&world).await.status, DeviceStatus::Closed);
    assert_eq!(phone.status(&world).await.status, DeviceStatus::Closed);
    // Two generations later nobody knows it any more.
    assert_eq!(Wire::ask(world.address(), &frame).await.unwrap()[0], 0x86);
    assert_eq!(world.count(EventKind::CloneProved).await, 0);
}

#[tokio::test]
async fn a_copied_record_blocks_the_token_when_both_were_used() {
    for thief_first in [true, false] {
        let world = Setup::durable().start().await;
        let mut phone = world.enroll().await;
        let mut thief = phone.copy();
        let (first, second) = if thief_first { (&mut thief, &mut phone) } else { (&mut phone, &mut thief) };
        let Got::Reply(_, Some(session)) = first.cold(&world, &Intent::Status).await else { panic!("no session") };
        assert!(matches!(second.cold(&world, &Intent::Status).await, Got::Closed));
        assert!(session.ends_revoked().await, "live sessions end");
        assert_eq!(world.status().await, 4);
        assert_eq!(world.count(EventKind::CloneProved).await, 1);
        assert!(world.events().await.iter().any(|event| event.kind == EventKind::CloneProved && event.is_alert()));
        let mut world = world.restart().await;
        for device in [&mut phone, &mut thief] {
            device.address = world.address();
            let key = device.key(NORMAL);
            let pending = *device.record.pending() != cardea_protocol::device::Pending::None;
            let got = if pending {
                device.recover().await
            } else {
                device.cold(&world, &Intent::Open { window: 0, key: &key }).await
            };
            assert!(matches!(got, Got::Refused(reply) if reply.code == Code::Blocked), "{got:?}");
        }
        world.admin().unblock(&world.service, &world.user, Actor::Operator).await.unwrap();
        assert_eq!(world.status().await, 4, "an administrator's unblock does not lift it");
        let offer = world.offer_with(EnrollOptions { replace_device: true, add_device: false }).await;
        let mut next = Phone::enroll(&world, &offer, &[NORMAL]).await;
        assert_eq!(next.open(&world, NORMAL).await.code, Code::Ok);
        world = world.restart().await;
        assert_eq!(world.status().await, 1);
    }
}

#[tokio::test]
async fn a_thief_who_took_the_reply_is_proved_by_its_next_step() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut thief = phone.copy();
    // The thief has the process, reads the reply, and keeps the connection from the holder.
    let mut attempt = phone.start_open(&world, NORMAL);
    let reply = Wire::ask(world.address(), attempt.frame().bytes()).await.unwrap();
    match attempt.receive(&phone.record, &reply) {
        Received::Answered(step) => match step.stored() {
            (record, Answer::Operation { .. }) => thief.record = record,
            _ => panic!("no operation"),
        },
        _ => panic!("no answer"),
    }
    assert!(matches!(phone.recover().await, Got::Recovered(Some(Code::Ok))), "an honest fork as far as anybody knows");
    assert!(matches!(thief.cold(&world, &Intent::Close).await, Got::Closed));
    assert_eq!(world.status().await, 4);
    assert_eq!(world.count(EventKind::CloneProved).await, 1);
}

#[tokio::test]
async fn an_opening_is_good_for_two_minutes_after_it_was_signed() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    for (late, drift, code) in [
        (120, 0, Code::Ok),
        (121, 0, Code::Stale),
        (0, 120, Code::Ok),
        (0, 121, Code::Stale),
        (0, -120, Code::Ok),
        (0, -121, Code::Stale),
    ] {
        world.clock.advance(u64::from(WINDOW));
        phone.drift = drift;
        let mut attempt = phone.start_open(&world, NORMAL);
        world.clock.advance(late);
        let Got::Reply(reply, _) = phone.deliver(&mut attempt).await else { panic!("no reply") };
        assert_eq!((reply.code, reply.server_time, reply.tries), (code, world.now(), 10), "{late} {drift}");
        assert_eq!(world.status().await, if code == Code::Ok { 1 } else { 2 });
    }
    // A stale wrong PIN is no try.
    phone.drift = 500;
    let reply = phone.open(&world, WRONG).await;
    assert_eq!((reply.code, reply.tries), (Code::Stale, 10));
    // With the server's time, told in the answer, it goes.
    phone.drift = 0;
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
}

#[tokio::test]
async fn a_close_by_somebody_else_wins_ties() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut tablet = world.add_device().await;
    phone.open(&world, NORMAL).await;
    let mut before = phone.start_open(&world, NORMAL);
    world.clock.advance(5);
    assert_eq!(tablet.ask(&world, &Intent::Close).await.code, Code::Ok);
    assert!(matches!(phone.deliver(&mut before).await, Got::Reply(reply, _) if reply.code == Code::Stale));
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Stale, "in the very second");
    let reply = phone.open(&world, WRONG).await;
    assert_eq!((reply.code, reply.tries), (Code::Stale, 10), "and is no try");
    assert_eq!(world.status().await, 2);
    assert_eq!(tablet.open(&world, NORMAL).await.code, Code::Ok, "its own close does not count");
    world.clock.advance(1);
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
    let mut warm = phone.warm(&world).await;
    let late = phone.time(&world);
    world.clock.advance(3);
    world.admin().close(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert_eq!(world.now(), late + 3);
    assert!(warm.hear().await.is_some(), "the session is ended by the administrator's close");
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Stale);
    assert_eq!(world.status().await, 2);
    // A close itself needs no freshness.
    tablet.drift = -100_000;
    assert_eq!(tablet.ask(&world, &Intent::Close).await.code, Code::Ok);
}

#[tokio::test]
async fn a_warm_operation_whose_reply_is_lost_is_settled_by_a_recover() {
    for arrives in [true, false] {
        let world = World::new().await;
        let mut phone = world.enroll().await;
        let mut warm = phone.warm(&world).await;
        let key = phone.key(NORMAL);
        let request = warm.session.request(&phone.record, &Intent::Open { window: 0, key: &key }, world.now()).unwrap();
        if arrives {
            warm.wire.send(request.frame().bytes()).await;
            assert!(warm.wire.receive().await.is_some());
        }
        let (record, mut recover) =
            phone.record.recover_warm::<Dalek>(request.id(), &mut phone.random).unwrap().stored();
        phone.record = record;
        let got = phone.deliver(&mut recover).await;
        let outcome = arrives.then_some(Code::Ok);
        assert!(matches!(got, Got::Recovered(found) if found == outcome), "{got:?}");
        // Late or again, the frame finds the door closed.
        warm.wire.send(request.frame().bytes()).await;
        while let Some(frame) = warm.wire.receive().await {
            let pushed = warm.session.receive(&frame);
            assert!(
                !matches!(pushed, Ok(cardea_protocol::device::Delivered::Reply(reply)) if reply.op == cardea_protocol::wire::Op::Open)
                    || arrives
            );
        }
        assert_eq!(world.count(EventKind::Opened).await, usize::from(arrives));
        assert_eq!(phone.status(&world).await.code, Code::Ok);
    }
}

#[tokio::test]
async fn a_key_that_the_server_has_replaced_is_accepted_until_it_is_erased() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let old = phone.record.server_key().epoch;
    world.admin().rotate_keys(Actor::Operator).await.unwrap();
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
    world.clock.advance(14 * 24 * 3600 - 1);
    world.admin().maintain_keys().await.unwrap();
    assert_eq!(phone.status(&world).await.code, Code::Ok);

    // Executed, but the reply is lost, and the RECOVER's as well, before the key is erased.
    let attempt = phone.start_open(&world, NORMAL);
    assert!(Wire::ask(world.address(), attempt.frame().bytes()).await.is_some());
    let recover = phone.start_recover();
    assert!(Wire::ask(world.address(), recover.frame().bytes()).await.is_some());
    world.clock.advance(61);
    world.admin().maintain_keys().await.unwrap();
    let Got::Plain(Code::StaleKey, Some(record)) = phone.recover().await else { panic!("the key is erased") };
    let current = world.admin().server_identity().await.unwrap().key_record;
    assert_eq!(record.encode(), current);
    phone.record = phone.record.renew_server_key::<Dalek>(&record).unwrap().stored().0;
    assert_ne!(phone.record.server_key().epoch, old);
    assert!(matches!(phone.recover().await, Got::Recovered(Some(Code::Ok))));
    assert_eq!(phone.status(&world).await.code, Code::Ok);
    assert_eq!(world.count(EventKind::Opened).await, 2);
    assert_eq!(world.count(EventKind::CloneProved).await, 0);
    for frame in [attempt.frame().bytes(), recover.frame().bytes()] {
        assert_eq!(Wire::ask(world.address(), frame).await.unwrap()[0], 0x85);
    }
}
