//! Storage that fails in the middle: connections close, nothing is half-written, and nothing opens.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use cardea_protocol::Code;
use cardea_protocol::device::Intent;
use cardea_protocol::token::DeviceStatus;
use cardea_server::admin::Actor;
use cardea_server::vault::EventKind;

use crate::channel_support::*;

/// Another program holds the database: every write fails once the server has waited.
fn hold(world: &World) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(world.folder.path().join("cardea.db")).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// Makes every change of one table fail, whoever makes it.
fn sabotage(world: &World, table: &str) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(world.folder.path().join("cardea.db")).unwrap();
    for event in ["INSERT", "UPDATE"] {
        let trigger = format!(
            "CREATE TRIGGER fault_{event} BEFORE {event} ON {table} BEGIN SELECT RAISE(FAIL, 'out of order'); END"
        );
        connection.execute_batch(&trigger).unwrap();
    }
    connection
}

fn repair(connection: &rusqlite::Connection) {
    connection.execute_batch("DROP TRIGGER fault_INSERT; DROP TRIGGER fault_UPDATE").unwrap();
}

#[tokio::test]
async fn an_operation_that_cannot_be_written_whole_is_not_written_at_all() {
    // One table after the other is out of order, so that the transaction fails at every place there is.
    for table in ["attempt", "slots", "device", "token", "journal"] {
        let world = Setup::durable().start().await;
        let mut phone = world.enroll().await;
        let before = world.image().await;
        let fault = sabotage(&world, table);
        let mut attempt = phone.start_open(&world, NORMAL);
        assert!(matches!(phone.deliver(&mut attempt).await, Got::Closed), "{table}");
        assert_eq!(world.status().await, 2, "{table}");
        // At most the count of the attempt is there: it precedes the rest on purpose.
        let after = world.image().await;
        let changed = before.iter().zip(&after).filter(|(before, after)| before != after);
        let changed: Vec<_> = changed.map(|(_, after)| after.split(' ').next().unwrap()).collect();
        assert_eq!(before.len(), after.len());
        assert!(changed.iter().all(|row| ["attempt", "meta"].contains(row)), "{table}: {changed:?}");
        repair(&fault);
        // The identical message is counted once and does what it says.
        let Got::Reply(reply, _) = phone.deliver(&mut attempt).await else { panic!("{table}") };
        assert_eq!((reply.code, reply.status, reply.tries), (Code::Ok, DeviceStatus::Open, 10), "{table}");
        assert_eq!(world.count(EventKind::Opened).await, 1);
        assert_eq!(world.status().await, 1);
    }
}

#[tokio::test]
async fn a_wrong_pin_that_cannot_be_settled_is_counted_once_over_a_restart() {
    for table in ["slots", "device", "journal"] {
        let world = Setup::durable().start().await;
        let mut phone = world.enroll().await;
        let fault = sabotage(&world, table);
        let mut attempt = phone.start_open(&world, WRONG);
        for _ in 0..5 {
            assert!(matches!(phone.deliver(&mut attempt).await, Got::Closed));
        }
        repair(&fault);
        drop(fault);
        let world = world.restart().await;
        phone.address = world.address();
        let Got::Reply(reply, _) = phone.deliver(&mut attempt).await else { panic!("{table}") };
        assert_eq!((reply.code, reply.tries), (Code::PinRejected, 9), "{table}");
    }
}

#[tokio::test]
async fn a_warm_operation_that_cannot_be_written_ends_its_session() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    let mut warm = phone.warm(&world).await;
    let fault = sabotage(&world, "journal");
    assert_eq!(warm.open(&phone, &world, NORMAL).await, None);
    repair(&fault);
    assert_eq!(world.status().await, 2);
    assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
}

#[tokio::test]
async fn an_enrollment_that_cannot_be_written_leaves_no_device_and_may_be_tried_again() {
    for table in ["enrollment", "device", "attempt", "slots", "token", "journal"] {
        let world = Setup::durable().start().await;
        let offer = world.offer().await;
        let link = cardea_protocol::wire::Link::parse(&offer.link).unwrap();
        let fault = sabotage(&world, table);
        let mut random = Seeded::os();
        let mut wire = Wire::connect(world.address()).await;
        let credential = cardea_protocol::device::Credential::from_link::<cardea_protocol::crypto::Dalek>(&link);
        let start = cardea_protocol::device::Enrollment::<cardea_protocol::crypto::Dalek>::start(
            &credential,
            &link.server_key,
            link.epoch,
            &mut random,
        );
        let start = start.unwrap();
        wire.send(start.frame().bytes()).await;
        let offered = start.receive(&wire.receive().await.unwrap(), &mut random).unwrap();
        let keys = std::array::from_fn(|_| cardea_protocol::pin::PinKey::random(&mut random));
        let info = phone_parts::INFO;
        let (_, receipt) = offered.accept(&keys, &info).unwrap().stored();
        wire.send(receipt.frame().bytes()).await;
        assert_eq!(wire.receive().await, None, "{table}");
        assert_eq!(world.status().await, 0, "{table}");
        assert!(!world.image().await.iter().any(|row| row.starts_with("device") || row.starts_with("slots")));
        repair(&fault);
        let mut phone = Phone::enroll(&world, &offer, &[NORMAL]).await;
        assert_eq!(phone.open(&world, NORMAL).await.code, Code::Ok);
    }
}

#[tokio::test]
async fn a_clone_that_cannot_be_recorded_gets_nothing_either() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    let mut thief = phone.copy();
    phone.status(&world).await;
    let fault = sabotage(&world, "journal");
    let mut attempt = thief.start_open(&world, NORMAL);
    assert!(matches!(thief.deliver(&mut attempt).await, Got::Closed));
    assert_eq!(world.status().await, 2);
    repair(&fault);
    assert!(matches!(thief.deliver(&mut attempt).await, Got::Closed));
    assert_eq!(world.status().await, 4);
}

#[tokio::test]
async fn rows_that_were_tampered_with_open_nothing() {
    for (table, damage) in [
        ("device", "UPDATE device SET sealed = zeroblob(length(sealed))"),
        ("token", "UPDATE token SET sealed = zeroblob(length(sealed))"),
        ("slots", "UPDATE slots SET sealed = zeroblob(length(sealed))"),
        ("attempt", "UPDATE attempt SET sealed = zeroblob(length(sealed))"),
        ("attempt version", "UPDATE attempt SET ver = ver + 1"),
        ("no slots", "DELETE FROM slots"),
        ("no attempts", "DELETE FROM attempt"),
    ] {
        let world = Setup::durable().start().await;
        let mut phone = world.enroll().await;
        let connection = rusqlite::Connection::open(world.folder.path().join("cardea.db")).unwrap();
        assert_eq!(connection.execute(damage, []).unwrap(), 1);
        let key = phone.key(NORMAL);
        let got = phone.cold(&world, &Intent::Open { window: 0, key: &key }).await;
        assert!(matches!(got, Got::Closed), "{table}: {got:?}");
        let status = world.admin().status(&world.service, &world.user, Actor::Operator).await;
        assert!(status.is_err() || status.unwrap().number() == 2, "{table}");
    }
}

#[tokio::test]
async fn reads_go_on_while_another_program_writes() {
    let world = Setup::durable().start().await;
    let mut phone = world.enroll().await;
    let mut warm = phone.warm(&world).await;
    let held = hold(&world);
    assert_eq!(warm.ask(&phone, &world, &Intent::Status).await.unwrap().status, DeviceStatus::Closed);
    assert_eq!(world.status().await, 2);
    held.execute_batch("ROLLBACK").unwrap();
    assert_eq!(warm.open(&phone, &world, NORMAL).await.unwrap().code, Code::Ok);
}
