//! Duress: told to relying parties, and to nobody who holds the device.

use cardea_protocol::Code;
use cardea_protocol::device::Intent;
use cardea_protocol::token::DeviceStatus;
use cardea_server::admin::Actor;
use cardea_server::domain::rules::ServiceRules;
use cardea_server::vault::EventKind;

use crate::channel_support::*;

fn silent() -> ServiceRules {
    ServiceRules { silent_alarm: true, ..rules() }
}

#[tokio::test]
async fn a_duress_pin_opens_for_the_device_and_alarms_everybody_else() {
    let (safe, forced) = (World::new().await, World::new().await);
    let (mut a, mut b) = (safe.enroll().await, forced.enroll().await);
    assert_eq!(a.open(&safe, NORMAL).await, b.open(&forced, DURESS).await);
    assert_eq!((safe.status().await, forced.status().await), (1, 3));
    assert_eq!(a.status(&safe).await, b.status(&forced).await);
    let (mut a_warm, mut b_warm) = (a.warm(&safe).await, b.warm(&forced).await);
    for _ in 0..2 {
        assert_eq!(a_warm.open(&a, &safe, NORMAL).await, b_warm.open(&b, &forced, DURESS).await);
        assert_eq!(a_warm.ask(&a, &safe, &Intent::Close).await, b_warm.ask(&b, &forced, &Intent::Close).await);
    }
    assert_eq!(a_warm.wire.traffic, b_warm.wire.traffic);
    assert_eq!((safe.status().await, forced.status().await), (2, 3));
    let raised = |event: &&cardea_server::vault::Event| event.duress_raised;
    assert_eq!(forced.events().await.iter().filter(raised).count(), 1);
    assert_eq!(safe.events().await.iter().filter(raised).count(), 0);
}

#[tokio::test]
async fn what_is_counted_is_the_same_with_a_duress_pin() {
    let (safe, forced) = (World::new().await, World::new().await);
    for (world, pin) in [(&safe, NORMAL), (&forced, DURESS)] {
        let mut phone = world.enroll().await;
        phone.open(world, pin).await;
        phone.open(world, WRONG).await;
        let mut warm = phone.warm(world).await;
        warm.open(&phone, world, pin).await.unwrap();
        warm.ask(&phone, world, &Intent::Close).await.unwrap();
        // The session that it had ends with this one.
        phone.status(world).await;
    }
    assert_eq!((safe.status().await, forced.status().await), (2, 3));
    let counted = |world: &World| -> Vec<String> {
        // Connections end when they do.
        world
            .metrics()
            .lines()
            .filter(|line| !line.starts_with("cardea_channel_connections{"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(counted(&safe), counted(&forced));
    for line in [
        "cardea_openings_total 2",
        "cardea_channel_operations_total{op=\"open\",result=\"done\"} 2",
        "cardea_channel_operations_total{op=\"open\",result=\"refused\"} 1",
        "cardea_channel_operations_total{op=\"close\",result=\"done\"} 1",
        "cardea_channel_handshakes_total{kind=\"enrollment\",result=\"done\"} 1",
    ] {
        assert!(counted(&forced).iter().any(|have| have == line), "{line}: {:?}", counted(&forced));
    }
}

#[tokio::test]
async fn duress_lasts_until_an_administrator_clears_it() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    phone.open(&world, DURESS).await;
    world.clock.advance(u64::from(WINDOW));
    assert_eq!((world.status().await, phone.status(&world).await.status), (3, DeviceStatus::Closed));
    assert_eq!(phone.ask(&world, &Intent::Close).await.code, Code::Ok);
    // The holder's own PIN changes nothing while somebody may be watching.
    assert_eq!(phone.open(&world, NORMAL).await.status, DeviceStatus::Open);
    assert_eq!(world.status().await, 3);
    world.admin().close(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert_eq!(world.status().await, 3);
    let world = world.restart().await;
    phone.address = world.address();
    assert_eq!(world.status().await, 3);
    world.admin().clear_duress(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert_eq!((world.status().await, phone.status(&world).await.status), (2, DeviceStatus::Closed));
    world.clock.advance(1);
    assert_eq!(phone.open(&world, NORMAL).await.status, DeviceStatus::Open);
    assert_eq!(world.status().await, 1);
}

#[tokio::test]
async fn a_silent_alarm_lets_relying_parties_see_the_shadow() {
    let world = World::with(silent()).await;
    let mut phone = world.enroll().await;
    phone.open(&world, DURESS).await;
    assert_eq!(world.status().await, 1);
    world.clock.advance(u64::from(WINDOW));
    assert_eq!(world.status().await, 2);
    phone.open(&world, NORMAL).await;
    assert_eq!(world.status().await, 1);
    phone.ask(&world, &Intent::Close).await;
    assert_eq!(world.status().await, 2);
    assert!(world.events().await.iter().any(|event| event.duress_raised && event.is_alert()));
}

#[tokio::test]
async fn pins_set_under_duress_hold_for_the_device_only() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut warm = phone.warm(&world).await;
    assert_eq!(warm.open(&phone, &world, DURESS).await.unwrap().code, Code::Ok);
    assert_eq!(warm.set_pins(&mut phone, &world, DURESS, &["820461", "359174"]).await.code, Code::Ok);
    assert_eq!(warm.open(&phone, &world, NORMAL).await.unwrap().code, Code::PinRejected);
    assert_eq!(warm.open(&phone, &world, "820461").await.unwrap().status, DeviceStatus::Open);
    assert_eq!(world.status().await, 3);
    world.admin().clear_duress(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert!(warm.ends_revoked().await);
    world.clock.advance(1);
    assert_eq!(phone.open(&world, "820461").await.code, Code::PinRejected);
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
    assert_eq!(world.status().await, 1);
}

#[tokio::test]
async fn a_token_given_up_under_duress_is_gone_for_the_device_only() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let key = phone.key(DURESS);
    let Got::Reply(reply, _) = phone.cold(&world, &Intent::Unenroll { key: &key }).await else { panic!("no reply") };
    assert_eq!((reply.code, reply.status), (Code::Ok, DeviceStatus::NotEnrolled));
    let mut copy = phone.copy();
    assert!(matches!(copy.cold(&world, &Intent::Status).await, Got::Refused(reply) if reply.code == Code::NotEnrolled));
    assert_eq!(world.status().await, 3);
    world.admin().clear_duress(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert_eq!(world.status().await, 2);
    world.clock.advance(1);
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
    assert_eq!(world.status().await, 1);
    assert_eq!(world.count(EventKind::CloneProved).await, 0);
}

#[tokio::test]
async fn an_administrators_block_shows_before_duress_and_does_not_end_it() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    phone.open(&world, DURESS).await;
    world.admin().block(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert_eq!(world.status().await, 4);
    world.admin().unblock(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert_eq!(world.status().await, 3);
}
