//! Neither the wire nor the shape of the database says which PIN it was.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cardea_protocol::crypto::Random;
use cardea_protocol::device::Intent;
use cardea_protocol::token::DeviceStatus;
use cardea_protocol::wire::Reply;

use crate::channel_support::*;

/// Random pairs of operations.
const PAIRS: u32 = 1_000;

/// A device in a world of its own, with one PIN that it always types.
struct Side {
    world: World,
    phone: Phone,
    pin: &'static str,
    warm: Option<Warm>,
}

impl Side {
    async fn new(seed: u64, pin: &'static str) -> Self {
        let world = Setup { seed: Some(seed), ..Setup::default() }.start().await;
        let link = cardea_protocol::wire::Link::parse(&world.offer().await.link).unwrap();
        let way = phone_parts::link_way(&link);
        let random = Seeded::new(seed ^ 1);
        let (phone, _) = Phone::enroll_with(&world, &way, &[NORMAL, DURESS], phone_parts::INFO, random).await;
        Self { world, phone: phone.unwrap(), pin, warm: None }
    }

    /// One operation; its reply and what was on the wire.
    async fn act(&mut self, choice: u8, window: u8) -> (Reply, Vec<i32>) {
        let Self { world, phone, pin, warm } = self;
        let key = phone.key(pin);
        let intent = match choice % 8 {
            0..4 => Intent::Open { window, key: &key },
            4 => Intent::Close,
            5 => Intent::Status,
            6 => Intent::Ping,
            _ => {
                world.clock.advance(u64::from(window));
                Intent::Status
            }
        };
        // Half of them go through the session that the one before has left.
        if choice & 0x80 != 0
            && let Some(live) = warm
        {
            let before = live.wire.traffic.len();
            let reply = live.ask(phone, world, &intent).await.expect("the session lives");
            return (reply, live.wire.traffic[before..].to_vec());
        }
        match phone.cold(world, &intent).await {
            Got::Reply(reply, Some(live)) => {
                let traffic = live.wire.traffic.clone();
                *warm = Some(live);
                (reply, traffic)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_duress_pin_looks_like_the_normal_one_on_the_wire_and_in_the_database() {
    let (mut safe, mut forced) = (Side::new(3, NORMAL).await, Side::new(3, DURESS).await);
    let mut random = Seeded::new(9);
    for pair in 0..PAIRS {
        let mut bytes = [0; 2];
        random.fill(&mut bytes);
        let (choice, window) = (bytes[0], bytes[1] % 6);
        let (a, b) = (safe.act(choice, window).await, forced.act(choice, window).await);
        assert_eq!(a, b, "pair {pair}");
        if pair % 100 == 0 {
            assert_eq!(safe.world.image().await, forced.world.image().await, "pair {pair}");
        }
    }
    assert_eq!(safe.world.image().await, forced.world.image().await);
    assert_eq!(safe.phone.record.encode().expose().len(), forced.phone.record.encode().expose().len());
    assert!([1, 2].contains(&safe.world.status().await));
    assert_eq!(forced.world.status().await, 3);
}

#[tokio::test]
async fn a_wrong_pin_is_written_and_answered_in_the_same_shape() {
    let sides = [NORMAL, DURESS, WRONG].map(|pin| Side::new(4, pin));
    let [normal, duress, wrong] = sides;
    let (mut normal, mut duress, mut wrong) = (normal.await, duress.await, wrong.await);
    // Four in a row: the fifth would have to wait.
    for choice in [0, 0x80, 0, 0x80] {
        let (a, a_traffic) = normal.act(choice, 0).await;
        let (b, b_traffic) = duress.act(choice, 0).await;
        let (c, c_traffic) = wrong.act(choice, 0).await;
        assert_eq!(a, b);
        assert_eq!((a.status, c.status), (DeviceStatus::Open, DeviceStatus::Closed));
        assert_eq!((&a_traffic, &a_traffic), (&b_traffic, &c_traffic));
        let image = normal.world.image().await;
        assert_eq!(image, duress.world.image().await);
        assert_eq!(image, wrong.world.image().await);
    }
}

#[tokio::test]
async fn large_operations_look_alike_too() {
    let mut seen = Vec::new();
    for pin in [NORMAL, DURESS, WRONG] {
        let mut side = Side::new(5, pin).await;
        side.act(6, 0).await;
        let mut warm = side.warm.take().unwrap();
        warm.set_pins(&mut side.phone, &side.world, pin, &["820461", "359174"]).await;
        let (signer, time) =
            (side.phone.key(if pin == WRONG { WRONG } else { "820461" }), side.phone.time(&side.world));
        let rotate = warm.session.rotate(&side.phone.record, &signer, time, &mut side.phone.random).unwrap();
        warm.wire.send(rotate.stored().1.frame().bytes()).await;
        warm.plain().await;
        let unenroll = Intent::Unenroll { key: &signer };
        let reply = warm.ask(&side.phone, &side.world, &unenroll).await.unwrap();
        seen.push((warm.wire.traffic.clone(), side.world.image().await, reply.code, reply.status));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!((&seen[0].0, &seen[0].1), (&seen[2].0, &seen[2].1));
}
