//! Bytes from people who mean no good, over real sockets. Whatever they send, no row is touched, no device pays for it,
//! and the server goes on.

use cardea_server::admin::Actor;
use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::crypto::{Dalek, Random};
use cardea_protocol::device::Intent;
use cardea_server::config::ChannelConfig;
use cardea_server::vault::EventKind;

use crate::channel_support::*;

async fn with(config: ChannelConfig) -> World {
    Setup { config, ..Setup::default() }.start().await
}

/// The server lets this address in and answers.
async fn answers(world: &World) -> bool {
    Wire::ask(world.address(), &[0x21; 128]).await.is_some_and(|frame| frame[0] == 0x87)
}

#[tokio::test]
async fn lengths_that_no_frame_has_close_the_connection_unanswered() {
    let world = World::new().await;
    for length in [561_u16, 1_000, 0x1100, u16::MAX] {
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend([0x11; 100]);
        assert!(Wire::throw(world.address(), &bytes).await.is_empty(), "{length}");
    }
    assert!(Wire::throw(world.address(), &[0, 0]).await.is_empty());
}

#[tokio::test]
async fn every_length_but_the_right_one_is_refused_for_every_kind_of_first_frame() {
    let world = World::new().await;
    let _phone = world.enroll().await;
    let image = world.image().await;
    for (kind, right) in [(0x11, 128), (0x12, 176), (0x13, 58), (0x10, 0), (0x14, 0), (0x1f, 0)] {
        for length in (1..=560).filter(|length| *length != right) {
            assert_eq!(Wire::ask(world.address(), &vec![kind; length]).await, None, "{kind:#x} {length}");
            world.clock.advance(60);
        }
    }
    assert_eq!(world.image().await, image);
}

#[tokio::test]
async fn another_version_is_told_so_in_plain_whatever_follows() {
    let world = World::new().await;
    for version in (0..16).filter(|version| *version != 1) {
        for length in [1, 58, 128, 176, 560] {
            let frame = vec![version << 4 | 1; length];
            let answer = Wire::ask(world.address(), &frame).await.unwrap();
            assert_eq!((answer.len(), answer[0]), (63, 0x80 | Code::VersionUnsupported.number()));
        }
    }
}

#[tokio::test]
async fn unfinished_frames_end_with_their_connection() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let frame = phone.start_open(&world, NORMAL).frame().bytes().to_vec();
    let image = world.image().await;
    for sent in 0..128 {
        let mut wire = Wire::connect(world.address()).await;
        wire.raw(&[0, 128]).await;
        wire.raw(&frame[..sent]).await;
        wire.finish().await;
        assert_eq!(wire.receive().await, None, "{sent}");
        world.clock.advance(1);
    }
    assert_eq!(world.image().await, image);
    // In pieces, but whole, it is as good as any.
    let mut phone = world.add_device().await;
    let mut attempt = phone.start_open(&world, NORMAL);
    let mut wire = Wire::connect(world.address()).await;
    wire.raw(&[0]).await;
    wire.raw(&[128]).await;
    for byte in attempt.frame().bytes() {
        wire.raw(&[*byte]).await;
    }
    let reply = wire.receive().await.unwrap();
    assert!(matches!(phone.take(&mut attempt, &reply, wire).await, Got::Reply(reply, _) if reply.code == Code::Ok));
}

#[tokio::test]
async fn every_flipped_bit_of_an_operation_is_dropped_without_a_trace() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut attempt = phone.start_open(&world, WRONG);
    let genuine = *attempt.frame().bytes();
    let image = world.image().await;
    for bit in 0..128 * 8 {
        let mut frame = genuine;
        frame[bit / 8] ^= 1 << (bit % 8);
        let answer = Wire::ask(world.address(), &frame).await;
        match (bit / 8, answer.as_ref().map(|frame| frame[0])) {
            (0, Some(0x87) | None) | (1, Some(0x85)) | (2..10, Some(0x86)) | (10.., None) => {}
            (byte, other) => panic!("byte {byte}: {other:?}"),
        }
        world.clock.advance(1);
        if bit % 59 == 0 {
            world.clock.advance(60);
        }
    }
    assert_eq!(world.image().await, image);
    // The device's own message is still good for what it was; it is only too old by now.
    assert!(
        matches!(phone.deliver(&mut attempt).await, Got::Reply(reply, _) if reply.code == Code::Stale && reply.tries == 10)
    );
}

#[tokio::test]
async fn frames_of_one_device_are_worth_nothing_from_another() {
    let world = World::new().await;
    let (mut phone, mut tablet) = (world.enroll().await, world.add_device().await);
    let image = world.image().await;
    let (first, second) = (phone.start_open(&world, NORMAL), tablet.start_open(&world, NORMAL));
    // The head of one with the body of the other, in every way.
    for cut in [10, 42, 112] {
        for (head, body) in [(&first, &second), (&second, &first)] {
            let mut frame = head.frame().bytes()[..cut].to_vec();
            frame.extend(&body.frame().bytes()[cut..]);
            let answer = Wire::ask(world.address(), &frame).await;
            assert_eq!(answer, None, "{cut}");
        }
    }
    assert_eq!(world.image().await, image);
    assert_eq!(world.count(EventKind::Opened).await, 0);
    assert_eq!(world.count(EventKind::CloneProved).await, 0);
}

#[tokio::test]
async fn a_session_takes_each_frame_once_in_its_order_and_nothing_else() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let key = phone.key(NORMAL);
    let open = Intent::Open { window: 0, key: &key };
    let other = {
        let mut tablet = world.add_device().await;
        let mut warm = tablet.warm(&world).await;
        *warm.session.request(&tablet.record, &Intent::Ping, world.now()).unwrap().frame().bytes()
    };
    for attack in 0..7 {
        let mut warm = phone.warm(&world).await;
        let first = *warm.session.request(&phone.record, &open, world.now()).unwrap().frame().bytes();
        let second = *warm.session.request(&phone.record, &Intent::Close, world.now()).unwrap().frame().bytes();
        match attack {
            0 => {
                warm.wire.send(&first).await;
                assert!(warm.wire.receive().await.is_some());
                warm.wire.send(&first).await;
            }
            1 => warm.wire.send(&second).await,
            2 => warm.wire.send(&other).await,
            3 => {
                let mut flipped = first;
                flipped[80] ^= 4;
                warm.wire.send(&flipped).await;
            }
            4 => warm.wire.send(&first[..85]).await,
            5 => warm.wire.send(&[]).await,
            _ => warm.wire.send(&[7; 254]).await,
        }
        assert_eq!(warm.wire.receive().await, None, "attack {attack}");
        assert_eq!(world.count(EventKind::Opened).await, 1);
    }
    assert_eq!(phone.status(&world).await.tries, 10);
}

#[tokio::test]
async fn a_cold_request_in_a_session_and_a_warm_one_first_are_closed() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut warm = phone.warm(&world).await;
    let request = *warm.session.request(&phone.record, &Intent::Ping, world.now()).unwrap().frame().bytes();
    assert!(matches!(Wire::ask(world.address(), &request).await.as_deref(), None | Some([0x87, ..])));
    let cold = phone.start_open(&world, NORMAL);
    warm.wire.send(cold.frame().bytes()).await;
    assert_eq!(warm.wire.receive().await, None);
    assert_eq!(world.status().await, 2);
    assert!(matches!(phone.recover().await, Got::Recovered(None)));
}

#[tokio::test]
async fn recovers_of_nothing_and_forged_declarations_do_not_authenticate() {
    let world = World::new().await;
    let phone = world.enroll().await;
    let image = world.image().await;
    let mut random = Seeded::new(5);
    for _ in 0..50 {
        let mut frame = [0; 128];
        random.fill(&mut frame);
        frame[0] = 0x11;
        frame[1] = phone.record.server_key().epoch;
        frame[2..10].copy_from_slice(phone.record.hint::<Dalek>().bytes());
        assert_eq!(Wire::ask(world.address(), &frame).await, None);
    }
    // The point of order one in place of the ephemeral key.
    let mut frame = [0; 128];
    frame[..2].copy_from_slice(&[0x11, phone.record.server_key().epoch]);
    frame[2..10].copy_from_slice(phone.record.hint::<Dalek>().bytes());
    assert_eq!(Wire::ask(world.address(), &frame).await, None);
    assert_eq!(world.image().await, image);
}

#[tokio::test]
async fn sixty_failures_a_minute_close_the_door_for_the_address_and_open_it_again() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut session = phone.warm(&world).await;
    let mut stranger = [0x11; 128];
    stranger[1] = phone.record.server_key().epoch;
    for _ in 0..60 {
        assert_eq!(Wire::ask(world.address(), &stranger).await.map(|frame| frame[0]), Some(0x86));
    }
    assert!(!answers(&world).await);
    assert_eq!(session.open(&phone, &world, NORMAL).await.unwrap().code, Code::Ok, "who is in stays in");
    world.clock.advance(60);
    assert!(answers(&world).await);
    // Successes and repetitions are never counted.
    let mut attempt = phone.start(&world, &Intent::Ping);
    for _ in 0..100 {
        assert_eq!(Wire::ask(world.address(), attempt.frame().bytes()).await.unwrap().len(), 63);
    }
    assert!(answers(&world).await);
    assert!(matches!(phone.deliver(&mut attempt).await, Got::Reply(..)));
}

#[tokio::test]
async fn a_fleet_that_missed_a_new_key_gets_it_at_once_from_behind_one_address() {
    let world = World::new().await;
    for _ in 0..200 {
        assert_eq!(Wire::ask(world.address(), &[0x11; 128]).await.map(|frame| frame[0]), Some(0x85));
    }
    assert!(answers(&world).await);
}

#[tokio::test]
async fn a_device_has_its_handshakes_per_minute_and_forgeries_do_not_use_them_up() {
    let world = with(ChannelConfig { max_handshakes_per_minute: 5, ..config() }).await;
    let mut phone = world.enroll().await;
    let mut tablet = world.add_device().await;
    let forged = {
        let mut frame = *phone.copy().start(&world, &Intent::Ping).frame().bytes();
        frame[127] ^= 1;
        frame
    };
    for _ in 0..20 {
        assert_eq!(Wire::ask(world.address(), &forged).await, None);
    }
    for _ in 0..5 {
        assert_eq!(phone.status(&world).await.code, Code::Ok);
    }
    let mut attempt = phone.start_open(&world, NORMAL);
    assert!(matches!(phone.deliver(&mut attempt).await, Got::Plain(Code::Overloaded, None)));
    assert_eq!(world.status().await, 2);
    assert_eq!(tablet.status(&world).await.code, Code::Ok);
    world.clock.advance(60);
    assert!(matches!(phone.deliver(&mut attempt).await, Got::Reply(reply, _) if reply.code == Code::Ok));
}

#[tokio::test]
async fn replaying_what_was_refused_uses_up_nothing_that_the_device_needs() {
    let world = with(ChannelConfig { max_handshakes_per_minute: 5, ..config() }).await;
    let mut phone = world.enroll().await;
    world.admin().block(&world.service, &world.user, Actor::Operator).await.unwrap();
    let refused = phone.start(&world, &Intent::Ping);
    for _ in 0..20 {
        Wire::ask(world.address(), refused.frame().bytes()).await;
    }
    world.admin().unblock(&world.service, &world.user, Actor::Operator).await.unwrap();
    world.clock.advance(1);
    assert!(matches!(phone.recover().await, Got::Recovered(None)));
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
}

#[tokio::test]
async fn connections_have_a_limit_per_address_and_make_room_when_they_end() {
    let world = with(ChannelConfig { max_connections_per_address: 3, ..config() }).await;
    let mut phone = world.enroll().await;
    let mut session = phone.warm(&world).await;
    let idle = [Wire::connect(world.address()).await, Wire::connect(world.address()).await];
    assert!(!answers(&world).await);
    assert_eq!(session.open(&phone, &world, NORMAL).await.unwrap().code, Code::Ok);
    for mut wire in idle {
        wire.finish().await;
        assert_eq!(wire.receive().await, None);
    }
    assert!(answers(&world).await);
}

#[tokio::test]
async fn connections_have_a_limit_in_all() {
    let world = with(ChannelConfig { max_connections: 2, ..config() }).await;
    let mut first = Wire::connect(world.address()).await;
    let _second = Wire::connect(world.address()).await;
    for _ in 0..20 {
        assert!(!answers(&world).await);
    }
    first.finish().await;
    assert_eq!(first.receive().await, None);
    assert!(answers(&world).await);
}

#[tokio::test]
async fn whoever_does_not_finish_a_handshake_in_time_is_closed_and_counted() {
    let config = ChannelConfig { handshake_timeout: Duration::from_millis(20), ..config() };
    let world = with(config).await;
    for sent in [0, 1, 2, 3, 129] {
        let mut wire = Wire::connect(world.address()).await;
        wire.raw(&[&[0, 128][..], &[0x11; 128]].concat()[..sent]).await;
        assert_eq!(wire.receive().await, None, "{sent}");
    }
    for _ in 5..60 {
        assert_eq!(Wire::ask(world.address(), &[0x11; 20]).await, None);
    }
    assert!(!answers(&world).await);
    world.clock.advance(60);
    assert!(answers(&world).await);
}

#[tokio::test]
async fn an_idle_session_is_closed() {
    let world = with(ChannelConfig { idle_timeout: Duration::from_millis(20), ..config() }).await;
    let mut phone = world.enroll().await;
    let mut warm = phone.warm(&world).await;
    assert_eq!(warm.wire.receive().await, None);
    assert_eq!(phone.status(&world).await.code, Code::Ok);
}
