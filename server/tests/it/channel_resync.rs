//! After lost data: nothing but an operator's word lets a device begin anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cardea_protocol::Code;
use cardea_protocol::crypto::Dalek;
use cardea_protocol::device::{Confirm, Confirmed, Intent, Resync, ResyncAnswer};
use cardea_protocol::token::DeviceStatus;
use cardea_server::admin::Actor;
use cardea_server::vault::EventKind;

use crate::channel_support::*;

enum Ended {
    Known,
    Resynced,
    Suspended(Code),
    Silent,
}

fn request(phone: &mut Phone, world: &World) -> Resync<Dalek> {
    phone.record.resync::<Dalek>(world.now(), &mut phone.random).unwrap()
}

/// R1 and R2; the connection on which the confirm is awaited.
async fn ask(phone: &mut Phone, world: &World) -> Result<(Wire, Confirm<Dalek>), Ended> {
    let mut resync = request(phone, world);
    let mut wire = Wire::connect(world.address()).await;
    wire.send(resync.frame().bytes()).await;
    let Some(frame) = wire.receive().await else { return Err(Ended::Silent) };
    match resync.receive(&phone.record, &frame) {
        ResyncAnswer::Confirm(confirm) => {
            assert_eq!(frame.len(), 71);
            Ok((wire, confirm))
        }
        ResyncAnswer::Known => Err(Ended::Known),
        other => panic!("{other:?}"),
    }
}

async fn resync(phone: &mut Phone, world: &World) -> Ended {
    let (mut wire, mut confirm) = match ask(phone, world).await {
        Ok(asked) => asked,
        Err(ended) => return ended,
    };
    wire.send(confirm.frame().bytes()).await;
    let Some(frame) = wire.receive().await else { return Ended::Silent };
    match confirm.receive(&phone.record, &frame) {
        Confirmed::Resynced(step) => {
            phone.record = step.stored().0;
            Ended::Resynced
        }
        Confirmed::Suspended(reply) => Ended::Suspended(reply.code),
        other => panic!("{other:?}"),
    }
}

fn database(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("cardea.db"));
    files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn put_back(folder: &std::path::Path, files: &[(std::path::PathBuf, Vec<u8>)]) {
    for (path, _) in database(folder) {
        std::fs::remove_file(path).unwrap();
    }
    for (path, bytes) in files {
        std::fs::write(path, bytes).unwrap();
    }
}

/// A backup is made, the device goes on, and the backup is put back.
async fn rolled_back(mut world: World, phone: &mut Phone) -> World {
    let mut backup = Vec::new();
    world = world.restart_after(|folder| backup = database(folder)).await;
    phone.address = world.address();
    for _ in 0..3 {
        phone.status(&world).await;
    }
    phone.open(&world, NORMAL).await;
    world.clock.advance(200);
    world = world.restart_after(|folder| put_back(folder, &backup)).await;
    phone.address = world.address();
    world
}

#[tokio::test]
async fn after_a_marked_restore_a_device_resyncs_and_goes_on() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    phone.open(&world, NORMAL).await;
    let recorded = phone.copy().start_open(&world, NORMAL);
    let mut world = rolled_back(world, &mut phone).await;
    assert_eq!(world.admin().mark_restored().await.unwrap(), 1);
    world = world.restart().await;
    phone.address = world.address();
    assert_eq!(world.status().await, 2, "a restore closes everything");
    // What was recorded before finds no door.
    assert_eq!(Wire::ask(world.address(), recorded.frame().bytes()).await.unwrap()[0], 0x86);
    assert!(matches!(phone.cold(&world, &Intent::Status).await, Got::Plain(Code::UnknownHint, None)));
    assert!(matches!(resync(&mut phone, &world).await, Ended::Resynced));
    assert_eq!(phone.open(&world, NORMAL).await.status, DeviceStatus::Open);
    assert_eq!(world.status().await, 1);
    assert_eq!(world.count(EventKind::Resynced).await, 1);
    assert_eq!(world.count(EventKind::CloneProved).await, 0);
    // The marker is spent: a second resync is not asked for.
    assert!(matches!(resync(&mut phone, &world).await, Ended::Known));
}

#[tokio::test]
async fn the_marker_comes_before_a_hint_that_happens_to_be_known() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    phone.open(&world, NORMAL).await;
    world.clock.advance(1);
    world.admin().mark_restored().await.unwrap();
    assert_eq!(world.status().await, 2);
    assert!(matches!(phone.cold(&world, &Intent::Status).await, Got::Plain(Code::UnknownHint, None)));
    assert!(matches!(resync(&mut phone, &world).await, Ended::Resynced));
    assert_eq!(phone.status(&world).await.status, DeviceStatus::Closed);
}

#[tokio::test]
async fn a_session_from_before_a_restore_does_nothing_any_more() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut warm = phone.warm(&world).await;
    world.admin().mark_restored().await.unwrap();
    assert_eq!(warm.open(&phone, &world, NORMAL).await, None);
    assert_eq!(world.status().await, 2);
}

#[tokio::test]
async fn what_was_signed_before_a_restore_is_stale() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    world.clock.advance(10);
    world.admin().mark_restored().await.unwrap();
    assert!(matches!(resync(&mut phone, &world).await, Ended::Resynced));
    phone.drift = -1;
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Stale);
    phone.drift = 0;
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
}

#[tokio::test]
async fn a_lost_answer_to_the_confirm_only_means_another_resync() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    world.admin().mark_restored().await.unwrap();
    for _ in 0..3 {
        let Ok((mut wire, confirm)) = ask(&mut phone, &world).await else { panic!("not allowed") };
        wire.send(confirm.frame().bytes()).await;
        assert!(wire.receive().await.is_some(), "lost on its way");
    }
    // Two are under way and the older one comes last.
    let Ok((mut older, older_confirm)) = ask(&mut phone, &world).await else { panic!("not allowed") };
    let Ok((mut newer, newer_confirm)) = ask(&mut phone, &world).await else { panic!("not allowed") };
    newer.send(newer_confirm.frame().bytes()).await;
    assert!(newer.receive().await.is_some());
    older.send(older_confirm.frame().bytes()).await;
    assert!(older.receive().await.is_some());
    assert!(matches!(resync(&mut phone, &world).await, Ended::Resynced));
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
    assert_eq!(world.count(EventKind::Suspended).await, 0);
}

#[tokio::test]
async fn without_a_marker_a_live_device_with_foreign_state_is_suspended() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    let world = rolled_back(world, &mut phone).await;
    assert!(matches!(phone.cold(&world, &Intent::Status).await, Got::Plain(Code::UnknownHint, None)));
    // The first message alone changes nothing, however often it comes.
    let image = world.image().await;
    for _ in 0..3 {
        assert!(ask(&mut phone, &world).await.is_ok());
    }
    assert_eq!(world.image().await, image);
    assert!(matches!(resync(&mut phone, &world).await, Ended::Suspended(Code::Blocked)));
    assert_eq!(world.status().await, 4);
    assert!(world.events().await.iter().any(|event| event.kind == EventKind::Suspended && event.is_alert()));
    // The operator says that data was lost: that lifts it.
    world.clock.advance(1);
    world.admin().mark_restored().await.unwrap();
    assert!(matches!(resync(&mut phone, &world).await, Ended::Resynced));
    assert_eq!(world.status().await, 2);
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
}

#[tokio::test]
async fn a_known_device_is_told_so_and_a_replayed_request_does_nothing() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    phone.open(&world, NORMAL).await;
    let session = phone.warm(&world).await;
    let recorded = request(&mut phone, &world);
    let image = world.image().await;
    for _ in 0..5 {
        let mut wire = Wire::connect(world.address()).await;
        wire.send(recorded.frame().bytes()).await;
        assert_eq!(wire.receive().await.unwrap().len(), 71);
        wire.send(&[0; 86]).await;
        assert_eq!(wire.receive().await, None);
    }
    assert!(matches!(resync(&mut phone, &world).await, Ended::Known));
    assert_eq!(world.image().await, image);
    assert_eq!(world.status().await, 1);
    let mut session = session;
    assert_eq!(session.ask(&phone, &world, &Intent::Ping).await.unwrap().code, Code::Ok);
}

#[tokio::test]
async fn a_revoked_or_cloned_device_gets_nowhere_with_a_resync() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let mut thief = phone.copy();
    phone.status(&world).await;
    assert!(matches!(thief.cold(&world, &Intent::Status).await, Got::Closed));
    world.clock.advance(1);
    world.admin().mark_restored().await.unwrap();
    let image = world.image().await;
    assert!(matches!(resync(&mut phone, &world).await, Ended::Suspended(Code::Blocked)));
    assert!(matches!(resync(&mut thief, &world).await, Ended::Suspended(Code::Blocked)));
    assert_eq!(world.image().await, image);
    assert_eq!(world.status().await, 4);
    world.admin().delete(&world.service, &world.user, Actor::Operator).await.unwrap();
    assert!(matches!(resync(&mut phone, &world).await, Ended::Suspended(Code::NotEnrolled)));
}

#[tokio::test]
async fn every_flipped_bit_of_a_resync_and_its_confirm_changes_nothing() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    world.clock.advance(1);
    world.admin().mark_restored().await.unwrap();
    let image = world.image().await;
    for byte in 0..176 {
        let mut frame = *request(&mut phone, &world).frame().bytes();
        frame[byte] ^= 1 << (byte % 8);
        let answer = Wire::ask(world.address(), &frame).await;
        world.clock.advance(60);
        match answer.as_deref() {
            Some([0x87, ..]) => assert_eq!(byte, 0),
            Some([0x85, ..]) => assert_eq!(byte, 1),
            None => {}
            Some(_) => panic!("byte {byte} is not authenticated"),
        }
    }
    for byte in 0..86 {
        let Ok((mut wire, confirm)) = ask(&mut phone, &world).await else { panic!("not allowed") };
        let mut frame = *confirm.frame().bytes();
        frame[byte] ^= 1 << (byte % 8);
        wire.send(&frame).await;
        assert_eq!(wire.receive().await, None, "byte {byte}");
        world.clock.advance(60);
    }
    assert_eq!(world.image().await, image);
    assert!(matches!(resync(&mut phone, &world).await, Ended::Resynced));
}

#[tokio::test]
async fn resyncs_have_a_limit_per_address_and_operations_go_on_under_it() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    let recorded = request(&mut phone, &world);
    for _ in 0..60 {
        assert_eq!(Wire::ask(world.address(), recorded.frame().bytes()).await.unwrap().len(), 71);
    }
    assert_eq!(Wire::ask(world.address(), recorded.frame().bytes()).await.unwrap()[0], 0x89);
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
    world.clock.advance(60);
    assert_eq!(Wire::ask(world.address(), recorded.frame().bytes()).await.unwrap().len(), 71);
}

#[tokio::test]
async fn a_confirm_that_comes_after_the_marker_was_spent_takes_nothing_over() {
    let world = World::new().await;
    let mut phone = world.enroll().await;
    world.clock.advance(1);
    world.admin().mark_restored().await.unwrap();
    let mut thief = phone.copy();
    let Ok((mut late, mut confirm)) = ask(&mut thief, &world).await else { panic!("not allowed") };
    assert!(matches!(resync(&mut phone, &world).await, Ended::Resynced));
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
    late.send(confirm.frame().bytes()).await;
    let answer = late.receive().await.unwrap();
    // Two live holders of the device's keys: the operator has to look.
    assert!(
        matches!(confirm.receive(&thief.record, &answer), Confirmed::Suspended(reply) if reply.code == Code::Blocked)
    );
    assert_eq!(world.status().await, 4);
    assert!(matches!(phone.cold(&world, &Intent::Status).await, Got::Refused(reply) if reply.code == Code::Blocked));
}
