//! Wrong PINs: counted, slowed down, blocked, over real sockets and restarts.

use cardea_protocol::Code;
use cardea_protocol::device::{Intent, Pending};
use cardea_protocol::token::DeviceStatus;
use cardea_server::admin::Actor;
use cardea_server::domain::rules::ServiceRules;
use cardea_server::domain::throttle::Limits;
use cardea_server::vault::EventKind;

use crate::channel_support::*;

#[tokio::test]
async fn wrong_pins_wait_and_then_block_over_restarts() {
    let mut world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    let waits = [0, 0, 0, 0, 30, 60, 300, 900, 3600];
    for (index, wait) in waits.into_iter().enumerate() {
        let reply = phone.open(&world, WRONG).await;
        let left = u8::try_from(9 - index).unwrap();
        assert_eq!((reply.code, reply.tries, reply.status), (Code::PinRejected, left, DeviceStatus::Closed));
        if wait == 0 {
            continue;
        }
        world = world.restart().await;
        phone.address = world.address();
        let until = world.now() + wait;
        for pin in [WRONG, NORMAL, DURESS] {
            let reply = phone.open(&world, pin).await;
            assert_eq!((reply.code, reply.tries, reply.until), (Code::Wait, left, until));
        }
        world.clock.advance(u64::from(wait) - 1);
        assert_eq!(phone.open(&world, NORMAL).await.code, Code::Wait);
        world.clock.advance(1);
    }
    assert_eq!(world.status().await, 2);
    let reply = phone.open(&world, WRONG).await;
    assert_eq!((reply.code, reply.tries, reply.status), (Code::PinRejected, 0, DeviceStatus::Blocked));
    assert_eq!(world.status().await, 4);
    assert!(world.events().await.iter().any(|event| event.tries_used_up && event.is_alert()));

    world = world.restart().await;
    phone.address = world.address();
    world.clock.advance(1_000_000);
    for pin in [NORMAL, DURESS, WRONG] {
        let mut attempt = phone.copy().start_open(&world, pin);
        let refused = phone.deliver(&mut attempt).await;
        assert!(
            matches!(refused, Got::Refused(reply) if reply.code == Code::Blocked && reply.tries == 0),
            "{refused:?}"
        );
    }
    assert_eq!(world.status().await, 4);
    assert_eq!(world.count(EventKind::PinRejected).await, 10);

    world.admin().unblock(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert_eq!(world.status().await, 2);
    let reply = phone.open(&world, NORMAL).await;
    assert_eq!((reply.code, reply.tries), (Code::Ok, 10));
    assert_eq!(world.status().await, 1);
}

#[tokio::test]
async fn a_right_pin_gives_all_tries_back() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    for pin in [NORMAL, DURESS, NORMAL] {
        for tries in [9, 8, 7, 6] {
            assert_eq!(phone.open(&world, WRONG).await.tries, tries);
        }
        assert_eq!(phone.open(&world, pin).await.tries, 10);
    }
}

#[tokio::test]
async fn a_service_may_unblock_by_itself() {
    let limits = Limits { tries: 3, unblock_after: 600 };
    let world = World::with(ServiceRules { limits, ..rules() }).await;
    let mut phone = world.enroll().await;
    for tries in [2, 1, 0] {
        assert_eq!(phone.open(&world, WRONG).await.tries, tries);
    }
    let until = world.now() + 600;
    let mut attempt = phone.copy().start_open(&world, NORMAL);
    let refused = phone.deliver(&mut attempt).await;
    assert!(matches!(refused, Got::Refused(reply) if reply.code == Code::Blocked && reply.until == until));
    // What was pending before is settled after the block, not during it.
    let mut pending = phone.copy();
    drop(pending.start(&world, &Intent::Ping));
    assert!(matches!(pending.recover().await, Got::Refused(reply) if reply.code == Code::Blocked));
    world.clock.advance(599);
    assert_eq!(world.status().await, 4);
    world.clock.advance(1);
    assert_eq!(world.status().await, 2);
    assert_eq!(phone.open(&world, WRONG).await.tries, 2);
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
    assert_eq!(world.status().await, 1);
}

#[tokio::test]
async fn what_a_block_closes_does_not_come_back() {
    let limits = Limits { tries: 1, unblock_after: 5 };
    let world = World::with(ServiceRules { limits, ..rules() }).await;
    let mut phone = world.enroll().await;
    phone.open(&world, NORMAL).await;
    assert_eq!(world.status().await, 1);
    let mut warm = phone.warm(&world).await;
    assert_eq!(warm.open(&phone, &world, WRONG).await.unwrap().status, DeviceStatus::Blocked);
    assert_eq!(world.status().await, 4);
    let reply = warm.open(&phone, &world, NORMAL).await.unwrap();
    assert_eq!(reply.code, Code::Blocked);
    assert!(warm.wire.receive().await.is_none(), "the session ends with it");
    world.clock.advance(5);
    assert_eq!(world.status().await, 2);
}

#[tokio::test]
async fn copies_of_one_message_count_once_even_when_they_arrive_together() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    for round in 1..=4 {
        let mut attempt = phone.start_open(&world, WRONG);
        let frame = attempt.frame().bytes().to_vec();
        let mut copies = tokio::task::JoinSet::new();
        for _ in 0..12 {
            let (address, frame) = (world.address(), frame.clone());
            copies.spawn(async move { Wire::ask(address, &frame).await });
        }
        let replies = copies.join_all().await;
        assert!(replies.iter().all(|reply| reply.is_some() && reply == &replies[0]));
        let wire = Wire::connect(world.address()).await;
        let Got::Reply(reply, _) = phone.take(&mut attempt, replies[0].as_ref().unwrap(), wire).await else {
            panic!("no reply");
        };
        assert_eq!((reply.code, reply.tries), (Code::PinRejected, 10 - round));
        assert_eq!(phone.status(&world).await.tries, 10 - round);
    }
    assert_eq!(world.count(EventKind::PinRejected).await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_right_pin_that_a_block_overtakes_costs_no_try() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    for _ in 0..150 {
        let mut attempt = phone.start_open(&world, NORMAL);
        let (got, blocked) = tokio::join!(
            phone.deliver(&mut attempt),
            world.admin().block(&world.service, &world.user, Actor::Operator)
        );
        blocked.unwrap();
        assert_eq!(world.status().await, 4);
        match got {
            Got::Reply(reply, _) => assert_eq!((reply.code, reply.tries), (Code::Ok, 10)),
            Got::Refused(reply) => assert_eq!((reply.code, reply.tries), (Code::Blocked, 10)),
            other => panic!("{other:?}"),
        }
        world.admin().unblock(&world.service, &world.user, Actor::Operator).await.unwrap();
        world.clock.advance(1);
        if *phone.record.pending() != Pending::None {
            assert!(matches!(phone.recover().await, Got::Recovered(None)));
        }
        assert_eq!(world.status().await, 2);
    }
}
