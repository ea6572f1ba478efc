//! What a device can do, over real sockets.

use cardea_protocol::Code;
use cardea_protocol::device::{Delivered, Intent, Pending};
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::{LargeReply, Link};
use cardea_server::admin::Actor;
use cardea_server::domain::rules::ServiceRules;
use cardea_server::domain::world::Window;
use cardea_server::vault::EventKind;

use crate::channel_support::phone_parts::{INFO, link_way};
use crate::channel_support::*;

#[tokio::test]
async fn enrollment_by_link_and_by_code_takes_924_bytes() {
    let world = World::new().await;
    let offer = world.offer().await;
    let link = Link::parse(&offer.link).unwrap();
    let (phone, traffic) = Phone::enroll_with(&world, &link_way(&link), &[NORMAL], INFO, Seeded::os()).await;
    assert_eq!(traffic, [60, -220, 562, -82]);
    assert_eq!(world.status().await, 2);
    assert_eq!(phone.unwrap().open(&world, NORMAL).await.code, Code::Ok);

    let world = World::new().await;
    let offer = world.offer().await;
    let way = Phone::code_way(&world, &offer.code).await;
    let (phone, traffic) = Phone::enroll_with(&world, &way, &[NORMAL], INFO, Seeded::os()).await;
    assert_eq!(traffic, [60, -220, 562, -82]);
    assert_eq!(phone.unwrap().open(&world, NORMAL).await.code, Code::Ok);
    assert_eq!(world.status().await, 1);
}

#[tokio::test]
async fn an_open_token_is_open_until_its_window_ends() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    assert_eq!(world.status().await, 2);
    let reply = phone.open(&world, NORMAL).await;
    assert_eq!((reply.code, reply.status), (Code::Ok, DeviceStatus::Open));
    assert_eq!((reply.server_time, reply.until, reply.tries), (world.now(), world.now() + WINDOW, 10));
    assert_eq!(world.status().await, 1);
    world.clock.advance(u64::from(WINDOW) - 1);
    assert_eq!(world.status().await, 1);
    assert_eq!(phone.status(&world).await.status, DeviceStatus::Open);
    world.clock.advance(1);
    assert_eq!(world.status().await, 2);
    assert_eq!(phone.status(&world).await.status, DeviceStatus::Closed);
}

#[tokio::test]
async fn the_holder_may_ask_for_less_time_than_the_service_gives() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let key = phone.key(NORMAL);
    let reply = phone.ask(&world, &Intent::Open { window: 3, key: &key }).await;
    assert_eq!(reply.until, world.now() + 8);
    let reply = phone.ask(&world, &Intent::Open { window: 31, key: &key }).await;
    assert_eq!(reply.until, world.now() + WINDOW);
}

#[tokio::test]
async fn a_cold_and_a_warm_operation_have_their_sizes() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let key = phone.key(NORMAL);
    let Got::Reply(reply, Some(mut warm)) = phone.cold(&world, &Intent::Open { window: 0, key: &key }).await else {
        panic!("no session");
    };
    assert_eq!(reply.code, Code::Ok);
    assert_eq!(warm.wire.traffic, [130, -65]);
    for intent in [Intent::Open { window: 0, key: &key }, Intent::Close, Intent::Status, Intent::Ping] {
        assert_eq!(warm.ask(&phone, &world, &intent).await.unwrap().code, Code::Ok);
    }
    assert_eq!(warm.wire.traffic, [130, -65, 88, -32, 88, -32, 88, -32, 88, -32]);
}

#[tokio::test]
async fn the_holder_closes_cold_and_warm() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    assert_eq!(phone.open(&world, NORMAL).await.status, DeviceStatus::Open);
    let reply = phone.ask(&world, &Intent::Close).await;
    assert_eq!((reply.code, reply.status, reply.until), (Code::Ok, DeviceStatus::Closed, 0));
    assert_eq!(world.status().await, 2);
    // One's own close does not stand in the way of opening in the same second.
    let mut warm = phone.warm(&world).await;
    assert_eq!(warm.open(&phone, &world, NORMAL).await.unwrap().status, DeviceStatus::Open);
    assert_eq!(world.status().await, 1);
    assert_eq!(warm.ask(&phone, &world, &Intent::Close).await.unwrap().status, DeviceStatus::Closed);
    assert_eq!(world.status().await, 2);
}

#[tokio::test]
async fn the_pins_are_replaced_as_a_set() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut warm = phone.warm(&world).await;
    let reply = warm.set_pins(&mut phone, &world, WRONG, &["111111"]).await;
    assert_eq!((reply.code, reply.tries), (Code::PinRejected, 9));
    assert_eq!(warm.set_pins(&mut phone, &world, NORMAL, &["820461", "359174"]).await.code, Code::Ok);
    assert_eq!(warm.wire.traffic[2..], [256, -256, 256, -256]);
    assert_eq!(warm.open(&phone, &world, NORMAL).await.unwrap().code, Code::PinRejected);
    assert_eq!(phone.open(&world, DURESS).await.code, Code::PinRejected);
    assert_eq!(world.status().await, 2);
    assert_eq!(phone.open(&world, "820461").await.code, Code::Ok);
    assert_eq!(world.status().await, 1);
    assert_eq!(phone.open(&world, "359174").await.code, Code::Ok);
    assert_eq!(world.status().await, 3);
}

#[tokio::test]
async fn the_static_key_is_replaced() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    for pin in [WRONG, NORMAL, NORMAL] {
        let mut warm = phone.warm(&world).await;
        let (signer, time) = (phone.key(pin), phone.time(&world));
        let step = warm.session.rotate(&phone.record, &signer, time, &mut phone.random).unwrap();
        let (record, rotation) = step.stored();
        phone.record = record;
        warm.wire.send(rotation.frame().bytes()).await;
        let reply = warm.plain().await;
        assert_eq!(reply.code, if pin == NORMAL { Code::Ok } else { Code::PinRejected });
        phone.record = rotation.answered::<cardea_protocol::crypto::Dalek>(&phone.record, &reply).stored().0;
        assert_eq!(phone.status(&world).await.code, Code::Ok);
    }
    assert_eq!(world.count(EventKind::KeyRotated).await, 2);
    assert_eq!(world.count(EventKind::CloneProved).await, 0);
}

#[tokio::test]
async fn a_rotate_whose_reply_is_lost_is_settled_by_a_recover() {
    for arrives in [true, false] {
        let world = World::new().await;
        let mut phone = world.enroll().await;
        let mut warm = phone.warm(&world).await;
        let (signer, time) = (phone.key(NORMAL), phone.time(&world));
        let (record, rotation) = warm.session.rotate(&phone.record, &signer, time, &mut phone.random).unwrap().stored();
        phone.record = record;
        if arrives {
            warm.wire.send(rotation.frame().bytes()).await;
            assert!(warm.wire.receive().await.is_some(), "executed; the device is told but forgets");
        }
        drop(warm);
        let outcome = arrives.then_some(Code::Ok);
        assert!(matches!(phone.recover().await, Got::Recovered(found) if found == outcome));
        for _ in 0..3 {
            assert_eq!(phone.status(&world).await.code, Code::Ok);
        }
        assert_eq!(world.count(EventKind::CloneProved).await, 0);
    }
}

#[tokio::test]
async fn a_device_that_gave_itself_up_is_told_that_it_is_gone() {
    for warmly in [false, true] {
        let world = World::new().await;
        let mut phone = world.enroll().await;
        phone.open(&world, NORMAL).await;
        let key = phone.key(NORMAL);
        let intent = Intent::Unenroll { key: &key };
        let reply = if warmly {
            let mut warm = phone.warm(&world).await;
            let reply = warm.ask(&phone, &world, &intent).await.unwrap();
            assert!(warm.wire.receive().await.is_none(), "the session ends");
            reply
        } else {
            match phone.cold(&world, &intent).await {
                Got::Reply(reply, _) => reply,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((reply.code, reply.status), (Code::Ok, DeviceStatus::NotEnrolled));
        assert_eq!(world.status().await, 0);
        for _ in 0..2 {
            let mut again = phone.copy();
            assert!(matches!(again.cold(&world, &Intent::Status).await, Got::Refused(reply)
                if reply.code == Code::NotEnrolled && reply.status == DeviceStatus::NotEnrolled));
        }
        // A new offer needs no option, and the new device has the token.
        let mut next = world.enroll().await;
        assert_eq!(next.open(&world, NORMAL).await.code, Code::Ok);
        assert_eq!(world.status().await, 1);
        assert!(matches!(phone.copy().cold(&world, &Intent::Status).await, Got::Refused(_)));
    }
}

#[tokio::test]
async fn an_unenroll_with_a_wrong_pin_is_a_wrong_pin() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let key = phone.key(WRONG);
    assert_eq!(phone.ask(&world, &Intent::Unenroll { key: &key }).await.code, Code::PinRejected);
    assert_eq!(world.status().await, 2);
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
}

#[tokio::test]
async fn key_records_are_told_with_the_one_that_comes_next() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut warm = phone.warm(&world).await;
    let mut heard = Vec::new();
    for _ in 0..2 {
        let request = warm.session.request(&phone.record, &Intent::KeyRecords, world.now()).unwrap();
        warm.wire.send(request.frame().bytes()).await;
        let Some(Delivered::Large(LargeReply::KeyRecords(reply, records))) = warm.hear().await else {
            panic!("no records");
        };
        assert_eq!(reply.code, Code::Ok);
        assert!(records.current.verify::<cardea_protocol::crypto::Dalek>(phone.record.identity()));
        assert!(records.next.unwrap().not_before > world.now());
        heard.push(records.current);
        world.clock.advance(1);
        world.admin().rotate_keys(Actor::Operator).await.unwrap();
    }
    assert_eq!(heard[0].key, phone.record.server_key().key);
    assert!(heard[1].not_before > heard[0].not_before, "what was renewed meanwhile is told at once");
    phone.record = phone.record.renew_server_key::<cardea_protocol::crypto::Dalek>(&heard[1]).unwrap().stored().0;
    drop(warm);
    assert_eq!(phone.status(&world).await.code, Code::Ok);
}

#[tokio::test]
async fn what_this_server_does_not_offer_is_said_and_changes_nothing() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    phone.open(&world, NORMAL).await;
    let mut warm = phone.warm(&world).await;
    let request = warm.session.request(&phone.record, &Intent::Receipt { index: 0 }, world.now()).unwrap();
    warm.wire.send(request.frame().bytes()).await;
    assert_eq!(warm.plain().await.code, Code::Policy);
    assert_eq!(world.status().await, 1);
}

#[tokio::test]
async fn the_newest_session_wins_and_the_older_one_is_told() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let older = phone.warm(&world).await;
    let mut newer = phone.warm(&world).await;
    assert!(older.ends_revoked().await);
    assert_eq!(newer.open(&phone, &world, NORMAL).await.unwrap().code, Code::Ok);

    // A cached reply takes nothing over.
    let mut attempt = phone.start(&world, &Intent::Ping);
    let Got::Reply(_, Some(mut warm)) = phone.deliver(&mut attempt).await else { panic!("no session") };
    assert!(newer.ends_revoked().await);
    assert!(Wire::ask(world.address(), attempt.frame().bytes()).await.is_some());
    assert_eq!(warm.ask(&phone, &world, &Intent::Ping).await.unwrap().code, Code::Ok);

    // A RECOVER does, although it brings no session.
    drop(phone.start(&world, &Intent::Ping));
    assert!(matches!(phone.recover().await, Got::Recovered(None)));
    assert!(warm.ends_revoked().await);
}

#[tokio::test]
async fn blocking_and_deleting_end_live_sessions() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    phone.open(&world, NORMAL).await;
    let warm = phone.warm(&world).await;
    world.admin().block(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert!(warm.ends_revoked().await);
    assert_eq!(world.status().await, 4);
    let refused = phone.cold(&world, &Intent::Status).await;
    assert!(
        matches!(refused, Got::Refused(reply) if reply.code == Code::Blocked && reply.status == DeviceStatus::Blocked)
    );
    assert_ne!(*phone.record.pending(), Pending::None, "what was refused is still pending");
    assert!(matches!(phone.recover().await, Got::Refused(reply) if reply.code == Code::Blocked));
    world.admin().unblock(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert!(matches!(phone.recover().await, Got::Recovered(None)));
    let warm = phone.warm(&world).await;
    world.admin().delete(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert!(warm.ends_revoked().await);
    assert!(
        matches!(phone.cold(&world, &Intent::Status).await, Got::Refused(reply) if reply.code == Code::NotEnrolled)
    );
}

#[tokio::test]
async fn a_single_use_opening_is_one_one_however_many_ask() {
    let rules = ServiceRules { window: Window::new(0, 60), ..rules() };
    let world = Setup { rules, ..Setup::durable() }.start().await;
    let mut phone = world.enroll().await;
    for round in 0..5 {
        let mut attempt = phone.start_open(&world, NORMAL);
        let (admin, service, user) = (&world.node.admin, &world.service, &world.user);
        // Checks before, while and after it opens.
        let mut checks = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (admin, service, user) = (std::sync::Arc::clone(admin), service.clone(), user.clone());
            checks.spawn(async move { admin.status(&service, &user, Actor::Operator).await.unwrap().number() });
        }
        let reply = match phone.deliver(&mut attempt).await {
            Got::Reply(reply, _) => reply,
            other => panic!("{other:?}"),
        };
        assert_eq!((reply.code, reply.status, reply.until), (Code::Ok, DeviceStatus::Open, world.now() + 60));
        for _ in 0..16 {
            let (admin, service, user) = (std::sync::Arc::clone(admin), service.clone(), user.clone());
            checks.spawn(async move { admin.status(&service, &user, Actor::Operator).await.unwrap().number() });
        }
        let told = checks.join_all().await;
        assert_eq!(told.iter().filter(|status| **status == 1).count(), 1, "{told:?}");
        assert_eq!(told.iter().filter(|status| **status == 2).count(), 31);
        assert_eq!(world.count(EventKind::Consumed).await, round + 1);
        assert_eq!(phone.status(&world).await.status, DeviceStatus::Closed);
    }
}

#[tokio::test]
async fn an_unused_single_use_opening_ends_with_its_lifetime() {
    let world = World::with(ServiceRules { window: Window::new(0, 60), ..rules() }).await;
    let mut phone = world.enroll().await;
    phone.open(&world, NORMAL).await;
    world.clock.advance(60);
    assert_eq!(phone.status(&world).await.status, DeviceStatus::Closed);
    assert_eq!(world.status().await, 2);
}

#[tokio::test]
async fn an_opening_survives_a_restart_and_ends_in_time() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    phone.open(&world, NORMAL).await;
    let world = world.restart().await;
    phone.address = world.address();
    assert_eq!(world.status().await, 1);
    assert_eq!(phone.status(&world).await.status, DeviceStatus::Open);
    world.clock.advance(u64::from(WINDOW));
    assert_eq!(world.status().await, 2);
}
