use cardea_sdk::Env;

use super::*;
use crate::engine::{Named, Outcome, Persona, Seed, Settings};

fn session() -> Session {
    let settings = Settings { seed: Some(Seed::new(1)), usual: Outcome::Cancel.into(), ..Settings::default() };
    Session::in_memory(settings, &Env::os()).unwrap()
}

fn names(session: &Session) -> Vec<String> {
    session.list().iter().map(|device| device.name().to_owned()).collect()
}

#[tokio::test]
async fn a_session_is_made_what_it_was() {
    let session = session();
    let phone = session.add("phone").await.unwrap();
    session.add("tablet").await.unwrap();
    phone.human().set_persona(Persona::new("918273", &["605172"]).unwrap());
    phone.human().next(Outcome::WrongPin);
    phone.network().set(Named::G2).unwrap();
    phone.clock().set_skew(-90);
    session.time().freeze();
    let then = session.time().now();
    let info = session.save("baseline", false).await.unwrap();
    assert_eq!((info.name.as_str(), info.devices.len(), info.taken_at), ("baseline", 2, then));

    session.remove("tablet").unwrap();
    session.add("watch").await.unwrap();
    phone.human().set_persona(Persona::default());
    phone.human().clear_next();
    phone.human().set_usual(Outcome::Ignore);
    phone.network().clear();
    phone.clock().set_skew(5);
    session.time().advance(60);
    session.time().resume();

    session.load("baseline").await.unwrap();
    assert_eq!(names(&session), ["phone", "tablet"]);
    assert_eq!(session.time().now(), then);
    assert!(session.time().is_frozen());
    let phone = session.device("phone").unwrap();
    assert_eq!((phone.network().show(), phone.clock().skew()), (Named::G2.into(), -90));
    let habits = phone.human().habits();
    assert_eq!((habits.usual, habits.next.len()), (Outcome::Cancel.into(), 1));
    assert!(habits.persona == Persona::new("918273", &["605172"]).unwrap());
    let restored = session.journal().since(0).entries.into_iter().filter(
        |entry| matches!(&entry.kind, Kind::State { what: "restored", with: Some(name) } if name == "baseline"),
    );
    assert_eq!(restored.count(), 2);
}

#[tokio::test]
async fn what_differs_is_said_and_nothing_that_is_secret() {
    let session = session();
    let phone = session.add("phone").await.unwrap();
    session.time().freeze();
    session.save("one", false).await.unwrap();
    assert_eq!(session.differences("one", None).await.unwrap(), []);
    phone.network().set(Named::Offline).unwrap();
    phone.human().set_persona(Persona::new("918273", &[]).unwrap());
    session.time().advance(5);
    session.add("tablet").await.unwrap();
    session.save("two", false).await.unwrap();
    session.remove("tablet").unwrap();
    let found = session.differences("one", Some("two")).await.unwrap();
    let told: Vec<_> = found.iter().map(|it| (it.device.as_deref(), it.what)).collect();
    let phone = Some("phone");
    assert_eq!(told, [(None, "clock"), (phone, "network"), (phone, "holder"), (Some("tablet"), "device")]);
    assert!(!format!("{found:?}").contains("918273"));
    // The tablet of `two` is gone by now.
    let found = session.differences("two", None).await.unwrap();
    assert_eq!(found.iter().map(|it| it.after.as_str()).collect::<Vec<_>>(), ["not there"]);
}

#[tokio::test]
async fn snapshots_have_names_of_their_own_and_are_no_more_than_may_be() {
    let session = session();
    assert!(matches!(session.save("../one", false).await, Err(EngineError::Name { .. })));
    session.save("one", false).await.unwrap();
    assert!(matches!(session.save("one", false).await, Err(EngineError::SnapshotExists(_))));
    session.save("one", true).await.unwrap();
    for number in 1..100 {
        session.save(&format!("n{number}"), false).await.unwrap();
    }
    assert!(matches!(session.save("more", false).await, Err(EngineError::TooManySnapshots)));
    session.save("one", true).await.unwrap();
    session.forget("one").unwrap();
    session.save("more", false).await.unwrap();
    for lost in [session.forget("one"), session.load("one").await, session.differences("one", None).await.map(drop)] {
        assert!(matches!(lost, Err(EngineError::NoSuchSnapshot { name, .. }) if name == "one"));
    }
}

#[tokio::test]
async fn devices_are_copied_renamed_and_made_new() {
    let session = session();
    let phone = session.add("phone").await.unwrap();
    phone.clock().set_skew(7);
    phone.watch().await.unwrap();
    let copy = session.copy("phone", "copy").await.unwrap();
    assert_eq!((copy.clock().skew(), copy.is_watched()), (7, true));
    assert!(matches!(session.copy("phone", "copy").await, Err(EngineError::DeviceExists(_))));
    assert!(matches!(session.copy("fone", "more").await, Err(EngineError::NoSuchDevice { .. })));
    assert!(matches!(session.copy("phone", ".").await, Err(EngineError::Name { .. })));

    let renamed = session.rename("phone", "telephone").await.unwrap();
    assert_eq!((names(&session), renamed.is_watched()), (vec!["copy".to_owned(), "telephone".to_owned()], true));
    assert!(matches!(session.rename("copy", "telephone").await, Err(EngineError::DeviceExists(_))));
    assert_eq!(session.device("copy").unwrap().clock().skew(), 7, "a rename that fails changes nothing");

    session.reset("copy").await.unwrap();
    assert_eq!((copy.clock().skew(), copy.is_watched(), copy.human().usual()), (0, false, Outcome::Cancel.into()));
}

#[tokio::test]
async fn a_device_goes_through_a_file_and_is_told_in_the_journal() {
    let (one, other) = (session(), session());
    let phone = one.add("phone").await.unwrap();
    phone.human().set_persona(Persona::new("918273", &[]).unwrap());
    phone.network().set(Named::G3).unwrap();
    let parcel = one.export("phone").await.unwrap();
    let imported = other.import(&parcel, None).await.unwrap();
    assert_eq!((imported.name(), imported.network().show()), ("phone", Named::G3.into()));
    assert!(imported.human().persona() == phone.human().persona());
    assert_eq!(other.import(&parcel, Some("second")).await.unwrap().name(), "second");
    assert!(matches!(other.import(&parcel, None).await, Err(EngineError::DeviceExists(_))));
    let kinds: Vec<_> = other.journal().since(0).entries.into_iter().map(|entry| entry.kind).collect();
    assert!(kinds.contains(&Kind::State { what: "imported", with: None }));
}

#[tokio::test(start_paused = true)]
async fn a_device_that_listens_is_made_again_once_it_has_written_down_what_it_heard() {
    let session = session();
    let phone = session.add("phone").await.unwrap();
    let key: cardea_sdk::store::TokenKey = "000102030405060708090a0b0c0d0e0f-00010203".parse().unwrap();
    let entry = Arc::new(cardea_sdk::store::conformance::sample(1, 1));
    let kept = Kept { tokens: [(key, entry)].into(), ..Kept::default() };
    let busy = |held: Result<_, EngineError>| matches!(held.map(drop), Err(EngineError::Wallet(WalletError::Busy)));
    let alone = phone.hold(&kept).await.unwrap();
    assert!(busy(phone.hold(&kept).await), "somebody else makes it another one");
    drop(alone);
    let writing = phone.lease(key).await;
    assert!(busy(phone.hold(&kept).await), "it does not listen, and is told at once");
    phone.watch().await.unwrap();
    assert!(busy(phone.hold(&kept).await), "it does not end");
    let written = async {
        let moment = std::time::Duration::from_millis(60);
        let _ = tokio::time::timeout(moment, std::future::pending::<()>()).await;
        drop(writing);
    };
    let (held, ()) = tokio::join!(phone.hold(&kept), written);
    assert!(held.is_ok());
}

/// A session in this folder.
fn in_folder(folder: &std::path::Path) -> Session {
    Session::in_folder(folder, Settings::default(), &Env::os()).unwrap()
}

/// Has the key of a device be something else.
fn spoil(folder: &std::path::Path, device: &str) {
    std::fs::write(folder.join("devices").join(device).join("store.key"), "short").unwrap();
}

#[tokio::test]
async fn a_damaged_device_is_left_as_it_is_by_a_snapshot_without_it_and_made_again_by_one_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let session = in_folder(folder.path());
    for device in ["good", "bad"] {
        session.add(device).await.unwrap();
    }
    session.save("whole", false).await.unwrap();
    spoil(folder.path(), "bad");
    let info = session.save("half", false).await.unwrap();
    assert_eq!((info.devices, info.damaged), (vec!["good".to_owned()], vec!["bad".to_owned()]));
    session.load("half").await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("devices/bad/store.key")).unwrap(), b"short");
    assert!(session.device("bad").unwrap().list().await.is_err());
    session.load("whole").await.unwrap();
    assert_eq!(session.device("bad").unwrap().list().await.unwrap(), []);
}

#[tokio::test]
async fn what_cannot_be_made_what_it_was_stays_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let session = in_folder(folder.path());
    let phone = session.add("phone").await.unwrap();
    session.add("gone").await.unwrap();
    session.save("then", false).await.unwrap();
    session.discard("gone").unwrap();
    session.add("later").await.unwrap();
    phone.network().set(Named::G2).unwrap();
    // Nothing can be made where something else is.
    std::fs::write(folder.path().join("devices/gone"), "a file").unwrap();
    assert!(session.load("then").await.is_err());
    assert_eq!(names(&session), ["later", "phone"]);
    assert_eq!(phone.network().show(), Named::G2.into());
    std::fs::remove_file(folder.path().join("devices/gone")).unwrap();
    session.load("then").await.unwrap();
    assert_eq!(names(&session), ["gone", "phone"]);
}

#[tokio::test]
async fn what_may_be_usable_again_is_not_thrown_away_to_make_a_device_new() {
    let folder = tempfile::tempdir().unwrap();
    let session = in_folder(folder.path());
    session.add("phone").await.unwrap();
    let key = folder.path().join("devices/phone/store.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    // A folder in its place: no more than that the system cannot read it.
    std::fs::create_dir(&key).unwrap();
    assert!(session.reset("phone").await.is_err());
    assert!(key.is_dir());
    std::fs::remove_dir(&key).unwrap();
    std::fs::write(&key, kept).unwrap();
    session.reset("phone").await.unwrap();
}
