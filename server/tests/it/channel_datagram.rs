//! Single datagrams: one cold operation each way, and silence for everything else.

use std::time::Duration;

use cardea_protocol::Code;
use cardea_protocol::crypto::Random;
use cardea_protocol::device::{Intent, Received};
use cardea_server::admin::Actor;
use cardea_server::config::ChannelConfig;
use tokio::net::UdpSocket;

use crate::channel_support::*;

/// A device's socket.
struct Mail(UdpSocket);

impl Mail {
    async fn new(world: &World) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        socket.connect(world.address()).await.expect("an address");
        Self(socket)
    }

    async fn send(&self, bytes: &[u8]) {
        assert_eq!(self.0.send(bytes).await.expect("sent"), bytes.len());
    }

    async fn receive(&self) -> Vec<u8> {
        let mut bytes = vec![0; 2048];
        let length = self.0.recv(&mut bytes).await.expect("a datagram");
        bytes.truncate(length);
        bytes
    }

    async fn ask(&self, bytes: &[u8]) -> Vec<u8> {
        self.send(bytes).await;
        self.receive().await
    }

    /// Everything that has come. Only after the server has stopped is it known to be all.
    fn rest(&self) -> Vec<Vec<u8>> {
        let mut bytes = [0; 2048];
        std::iter::from_fn(|| self.0.try_recv(&mut bytes).ok().map(|length| bytes[..length].to_vec())).collect()
    }
}

async fn with(config: ChannelConfig) -> World {
    Setup { config, ..Setup::default() }.start().await
}

fn random(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    Seeded::new(seed).fill(&mut bytes);
    bytes
}

#[tokio::test]
async fn an_operation_is_one_datagram_each_way_and_starts_no_session() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let warm = phone.warm(&world).await;
    let mail = Mail::new(&world).await;
    for (pin, code, status) in [(WRONG, Code::PinRejected, 2), (NORMAL, Code::Ok, 1)] {
        let mut attempt = phone.start_open(&world, pin);
        let frame = attempt.frame().bytes().to_vec();
        assert_eq!(frame.len(), 128);
        let answer = mail.ask(&frame).await;
        assert_eq!(answer.len(), 63);
        let Received::Answered(step) = attempt.receive(&phone.record, &answer) else { panic!("not authentic") };
        let (record, answer) = step.stored();
        phone.record = record;
        let cardea_protocol::device::Answer::Operation { reply, .. } = answer else { panic!("no reply") };
        assert_eq!(reply.code, code);
        assert_eq!(world.status().await, status);
    }
    assert!(warm.ends_revoked().await, "the session before it has a key that is gone");
    assert_eq!(phone.status(&world).await.code, Code::Ok, "and the next one works over a connection");
    world.node.stop().await;
    assert!(mail.rest().is_empty());
}

#[tokio::test]
async fn the_identical_datagram_gets_the_identical_answer_over_every_transport_and_does_nothing() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let (mail, other) = (Mail::new(&world).await, Mail::new(&world).await);
    let frame = *phone.start_open(&world, NORMAL).frame().bytes();
    let answer = mail.ask(&frame).await;
    let image = world.image().await;
    for _ in 0..100 {
        assert_eq!(mail.ask(&frame).await, answer);
    }
    assert_eq!(other.ask(&frame).await, answer);
    assert_eq!(Wire::ask(world.address(), &frame).await, Some(answer));
    assert_eq!(world.image().await, image);
}

#[tokio::test]
async fn copies_that_arrive_together_are_one_operation() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    let mail = Mail::new(&world).await;
    let frame = *phone.start_open(&world, WRONG).frame().bytes();
    for _ in 0..12 {
        mail.send(&frame).await;
    }
    let first = mail.receive().await;
    for _ in 1..12 {
        assert_eq!(mail.receive().await, first);
    }
    assert_eq!(world.count(cardea_server::vault::EventKind::PinRejected).await, 1);
}

#[tokio::test]
async fn everything_but_an_authentic_operation_is_met_with_silence_and_changes_nothing() {
    let config = ChannelConfig { max_failures_per_minute: 1_000_000, max_datagrams: 10_000, ..config() };
    let world = with(config).await;
    let mut phone = world.enroll().await;
    let genuine = *phone.start_open(&world, NORMAL).frame().bytes();
    let epoch = phone.record.server_key().epoch;
    let image = world.image().await;
    let mail = Mail::new(&world).await;
    let mut strangers = vec![Vec::new(), vec![0], vec![0x11], vec![0x11; 128], vec![0xff; 1400]];
    // A frame with its length before it, as on a stream; and too long or too short by a byte.
    strangers.push([&[0, 128][..], &genuine].concat());
    strangers.push([&genuine[..], &[0]].concat());
    strangers.push(genuine[..127].to_vec());
    // A resync, an enrollment, other versions and kinds.
    strangers.extend([[&[0x12, epoch][..], &random(1, 174)].concat(), [&[0x13][..], &random(2, 57)].concat()]);
    strangers.extend((0..=255_u8).filter(|first| *first != 0x11).map(|first| {
        let mut frame = genuine.to_vec();
        frame[0] = first;
        frame
    }));
    // An unknown key, unknown hints, and each byte of the genuine one damaged.
    strangers.push([&[0x11, epoch.wrapping_add(1)][..], &genuine[2..]].concat());
    strangers.extend((3..20).map(|seed| [&[0x11, epoch][..], &random(seed, 126)].concat()));
    strangers.extend((1..128).map(|at| {
        let mut frame = genuine.to_vec();
        frame[at] ^= 0x40;
        frame
    }));
    for (count, stranger) in strangers.iter().enumerate() {
        mail.send(stranger).await;
        // Leaves time to empty the socket: a lost datagram would be met with silence as well.
        if count % 16 == 0 {
            Wire::ask(world.address(), &[0x21; 128]).await;
        }
        if count % 100 == 0 {
            world.clock.advance(1);
        }
    }
    assert_eq!(world.image().await, image);
    let answer = mail.ask(&genuine).await;
    world.node.stop().await;
    assert!(mail.rest().is_empty() && answer.len() == 63);
}

#[tokio::test]
async fn a_device_that_is_blocked_or_gone_is_told_so() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mail = Mail::new(&world).await;
    let mut copy = phone.copy();
    let mut attempt = phone.start(&world, &Intent::Ping);
    world.admin().block(&world.service, &world.user, Actor::Operator).await.unwrap();
    let refused = mail.ask(attempt.frame().bytes()).await;
    assert!(
        matches!(attempt.receive(&phone.record, &refused), Received::Refused(reply) if reply.code == Code::Blocked)
    );
    world.admin().unblock(&world.service, &world.user, Actor::Operator).await.unwrap();
    world.admin().delete(&world.service, &world.user, Actor::Operator).await.unwrap();
    let mut attempt = copy.start(&world, &Intent::Ping);
    let refused = mail.ask(attempt.frame().bytes()).await;
    let received = attempt.receive(&copy.record, &refused);
    assert!(matches!(&received, Received::Refused(reply) if reply.code == Code::NotEnrolled));
}

#[tokio::test]
async fn failures_shut_out_the_datagrams_of_an_address_and_nothing_else() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mail = Mail::new(&world).await;
    let mut attempt = phone.start_open(&world, NORMAL);
    let genuine = *attempt.frame().bytes();
    let mut damaged = genuine;
    damaged[127] ^= 1;
    // Repetitions and other lengths never count.
    let answer = mail.ask(&genuine).await;
    for length in 0..127 {
        mail.send(&genuine[..length]).await;
    }
    for count in 0..60 {
        assert_eq!(mail.ask(&genuine).await, answer, "{count}");
        mail.send(&damaged).await;
        // The damaged one has been looked at when the next exchange over a connection is done, and a few more.
        for _ in 0..3 {
            Wire::ask(world.address(), &genuine).await;
        }
    }
    mail.send(&genuine).await;
    // Whoever forges the sender of datagrams closes no door of its owner.
    let wire = Wire::connect(world.address()).await;
    assert!(matches!(phone.take(&mut attempt, &answer, wire).await, Got::Reply(..)));
    assert_eq!(phone.status(&world).await.code, Code::Ok);
    assert!(mail.rest().is_empty());
    world.clock.advance(60);
    let frame = *phone.start(&world, &Intent::Ping).frame().bytes();
    assert_eq!(mail.ask(&frame).await.len(), 63);
    world.node.stop().await;
    assert!(mail.rest().is_empty());
}

#[tokio::test]
async fn more_at_once_than_there_are_places_are_dropped_and_may_come_again() {
    let config = ChannelConfig { max_datagrams: 1, reply_grid: Duration::from_secs(1), ..config() };
    let world = with(config).await;
    let (mut phone, mut tablet) = (world.enroll().await, world.add_device().await);
    let mail = Mail::new(&world).await;
    let mut first = phone.start(&world, &Intent::Ping);
    let mut second = tablet.start(&world, &Intent::Ping);
    mail.send(first.frame().bytes()).await;
    for _ in 0..1_000 {
        mail.send(second.frame().bytes()).await;
    }
    let answer = mail.receive().await;
    assert!(matches!(first.receive(&phone.record, &answer), Received::Answered(_)));
    let answer = mail.ask(second.frame().bytes()).await;
    assert!(matches!(second.receive(&tablet.record, &answer), Received::Answered(_)));
}

#[tokio::test]
async fn what_is_being_answered_when_the_server_stops_is_answered() {
    let config = ChannelConfig { reply_grid: Duration::from_secs(1), ..config() };
    let world = with(config).await;
    let mut phone = world.enroll().await;
    let mail = Mail::new(&world).await;
    let mut attempt = phone.start_open(&world, NORMAL);
    mail.send(attempt.frame().bytes()).await;
    while world.status().await != 1 {
        tokio::task::yield_now().await;
    }
    world.node.stop().await;
    let answers = mail.rest();
    assert_eq!(answers.len(), 1);
    assert!(matches!(attempt.receive(&phone.record, &answers[0]), Received::Answered(_)));
}

#[tokio::test]
async fn datagrams_can_be_switched_off() {
    let world = with(ChannelConfig { udp: false, ..config() }).await;
    assert!(UdpSocket::bind(world.address()).await.is_ok(), "nobody listens there");
    let mut phone = world.enroll().await;
    assert_eq!(phone.status(&world).await.code, Code::Ok);
}

#[tokio::test]
async fn a_copied_device_is_found_by_datagram_and_hears_nothing() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut thief = phone.copy();
    phone.status(&world).await;
    phone.status(&world).await;
    let mail = Mail::new(&world).await;
    // The thief's key is that of two generations ago: unknown, and silence.
    mail.send(thief.start(&world, &Intent::Ping).frame().bytes()).await;
    let mut thief = phone.copy();
    phone.status(&world).await;
    // That of the last generation proves him.
    mail.send(thief.start(&world, &Intent::Ping).frame().bytes()).await;
    while world.status().await != 4 {
        tokio::task::yield_now().await;
    }
    let mut refused = phone.start(&world, &Intent::Ping);
    let answer = mail.ask(refused.frame().bytes()).await;
    assert!(matches!(refused.receive(&phone.record, &answer), Received::Refused(_)));
    world.node.stop().await;
    assert!(mail.rest().is_empty());
}
