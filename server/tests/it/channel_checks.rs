//! "Somebody checked your closed token", over real sockets.

use cardea_protocol::device::{Delivered, Intent};
use cardea_protocol::wire::{Attempt, Push};
use cardea_server::domain::rules::ServiceRules;

use crate::channel_confirmations::subscribe;
use crate::channel_support::*;

const ALL: u8 = 7;

fn telling(tell_checks: bool, silent_alarm: bool) -> ServiceRules {
    ServiceRules { tell_checks, silent_alarm, ..rules() }
}

/// The checks that are told next. How many states come before depends on the pace alone.
async fn told(warm: &mut Warm) -> Attempt {
    loop {
        match warm.hear().await {
            Some(Delivered::Push(Push::State(_))) => {}
            Some(Delivered::Push(Push::Attempt(attempt))) => return attempt,
            other => panic!("no push: {other:?}"),
        }
    }
}

#[tokio::test]
async fn checks_are_granted_where_the_service_tells_them_and_to_who_asks() {
    for (tell, mask, granted) in [(false, ALL, 3), (true, ALL, 7), (true, 3, 3), (true, 5, 5)] {
        let world = World::with(telling(tell, false)).await;
        let mut phone = world.enroll().await;
        let (mut warm, reply, _) = subscribe(&mut phone, &world, mask).await;
        assert_eq!(reply.aux & 0xff, granted, "{tell} {mask}");
        let reply = warm.ask(&phone, &world, &Intent::Subscribe { mask: 0 }).await;
        assert_eq!(reply.map(|reply| reply.aux & 0xff), Some(0));
        let reply = warm.ask(&phone, &world, &Intent::Subscribe { mask }).await;
        assert_eq!(reply.map(|reply| reply.aux & 0xff), Some(granted), "{tell} {mask}");
    }
}

#[tokio::test]
async fn every_device_that_listens_is_told_how_often_and_when() {
    let world = World::with(telling(true, false)).await;
    let (mut phone, mut tablet) = (world.enroll().await, world.add_device().await);
    let (mut first, ..) = subscribe(&mut phone, &world, ALL).await;
    let (mut second, ..) = subscribe(&mut tablet, &world, ALL).await;
    assert_eq!(world.status().await, 2);
    let expected = Attempt { time: world.now(), count: 1 };
    assert_eq!((told(&mut first).await, told(&mut second).await), (expected, expected));
}

#[tokio::test]
async fn a_device_under_duress_is_told_the_same() {
    for silent in [false, true] {
        let mut seen = Vec::new();
        for pin in [NORMAL, DURESS] {
            let world = World::with(telling(true, silent)).await;
            let mut phone = world.enroll().await;
            phone.open(&world, pin).await;
            let (mut warm, reply, _) = subscribe(&mut phone, &world, ALL).await;
            // While it is open, to all that the device may know, nothing is told.
            for _ in 0..3 {
                world.status().await;
            }
            world.clock.advance(u64::from(WINDOW));
            world.status().await;
            seen.push((reply, told(&mut warm).await));
        }
        assert_eq!(seen[0], seen[1], "silent {silent}");
    }
}
