use cardea_sdk::Invitation;
use cardea_sdk::transport::{BoxFuture, Connection, Endpoint, TransportError};

use super::*;
use crate::engine::Outcome;

fn session(seed: u64) -> Session {
    let settings = Settings { seed: Some(Seed::new(seed)), ..Settings::default() };
    Session::in_memory(settings, &Env::os()).unwrap()
}

#[test]
fn names_are_what_a_folder_may_be_called_too() {
    for name in ["a", "alice", "Alice-2_x.y", "7", &"x".repeat(48)] {
        assert!(is_name(name), "{name}");
    }
    for name in ["", ".", "..", ".hidden", "a/b", "a b", "ä", "a\0", &"x".repeat(49)] {
        assert!(!is_name(name), "{name}");
    }
}

#[tokio::test]
async fn devices_have_the_names_that_they_were_given_and_no_two_the_same() {
    let session = session(1);
    session.add("bob").await.unwrap();
    session.add("alice").await.unwrap();
    assert!(matches!(session.add("bob").await, Err(EngineError::DeviceExists(name)) if name == "bob"));
    assert!(matches!(session.add("../bob").await, Err(EngineError::Name { .. })));
    assert!(matches!(session.device("carol"), Err(EngineError::NoSuchDevice { .. })));
    assert_eq!(session.device("bob").unwrap().name(), "bob");
    assert_eq!(session.list().iter().map(Device::name).collect::<Vec<_>>(), ["alice", "bob"]);
}

#[tokio::test]
async fn a_session_has_so_many_devices_and_no_more() {
    let session = session(1);
    for number in 0..MOST {
        session.add(&format!("device-{number}")).await.unwrap();
    }
    assert!(matches!(session.add("more").await, Err(EngineError::TooManyDevices)));
    session.remove("device-7").unwrap();
    session.add("more").await.unwrap();
}

#[tokio::test]
async fn a_device_that_was_removed_does_nothing_more_and_its_name_is_free() {
    let session = session(1);
    let bob = session.add("bob").await.unwrap();
    bob.watch().await.unwrap();
    session.remove("bob").unwrap();
    assert!(matches!(bob.status(None).await, Err(EngineError::Removed(_))));
    assert!(matches!(bob.watch().await, Err(EngineError::Removed(_))));
    assert!(matches!(session.remove("bob"), Err(EngineError::NoSuchDevice { .. })));
    session.add("bob").await.unwrap();
    session.end();
    assert!(session.list().is_empty());
    let kinds: Vec<_> = session.journal().since(0).entries.into_iter().map(|entry| entry.kind).collect();
    let failure = |text: &str| Some((0, text.to_owned()));
    let failed =
        Kind::Done { what: "status", failure: failure("the device \"bob\" was removed, or its session has ended") };
    assert_eq!(kinds, [Kind::Made, Kind::Removed, failed, Kind::Made, Kind::Removed]);
}

#[tokio::test]
async fn sessions_know_nothing_of_each_other() {
    let (one, other) = (session(1), session(1));
    one.add("bob").await.unwrap();
    one.time().advance(3_600);
    assert!(other.list().is_empty());
    assert!(one.time().now() >= other.time().now() + 3_590);
    assert_eq!(other.journal().newest(), 0);
}

#[tokio::test]
async fn what_a_device_draws_follows_from_seed_and_name() {
    let drawn = async |seed: u64, name: &str| {
        let device = session(seed).add(name).await.unwrap();
        let mut bytes = [0; 16];
        device.entropy().fill(&mut bytes);
        bytes
    };
    assert_eq!(drawn(1, "bob").await, drawn(1, "bob").await);
    assert_ne!(drawn(1, "bob").await, drawn(1, "alice").await);
    assert_ne!(drawn(1, "bob").await, drawn(2, "bob").await);
    // A second one of the same name is another device.
    let session = session(1);
    let mut bytes = [[0; 16]; 2];
    for bytes in &mut bytes {
        session.add("bob").await.unwrap().entropy().fill(bytes);
        session.remove("bob").unwrap();
    }
    assert_eq!(bytes[0], drawn(1, "bob").await);
    assert_ne!(bytes[0], bytes[1]);
    // Without a seed it is another one each time, and can be asked for.
    let seeds = [(); 2].map(|()| Session::in_memory(Settings::default(), &Env::os()).unwrap().seed().unwrap());
    assert_ne!(seeds[0], seeds[1]);
}

#[tokio::test]
async fn a_state_folder_takes_no_seed() {
    let folder = tempfile::tempdir().unwrap();
    let open = |seed| Session::in_folder(folder.path(), Settings { seed, ..Settings::default() }, &Env::os());
    assert!(matches!(open(Some(Seed::new(7))), Err(EngineError::SeedInFolder)));
    let session = open(None).unwrap();
    assert_eq!(session.seed(), None);
    session.add("bob").await.unwrap();
    assert!(folder.path().join("devices").join("bob").is_dir());
}

#[tokio::test]
async fn habits_are_the_session_s_until_a_device_has_its_own() {
    let settings = Settings { usual: Outcome::Cancel.into(), ..Settings::default() };
    let session = Session::in_memory(settings, &Env::os()).unwrap();
    let (bob, alice) = (session.add("bob").await.unwrap(), session.add("alice").await.unwrap());
    alice.human().set_usual(Outcome::Duress);
    assert_eq!((bob.human().usual().outcome, alice.human().usual().outcome), (Outcome::Cancel, Outcome::Duress));
}

/// A defect.
#[derive(Debug)]
struct Defect;

impl Connector for Defect {
    fn connect<'a>(&'a self, _: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Connection>, TransportError>> {
        panic!("of this test");
    }
}

/// Of the published vectors; nobody listens there.
const LINK: &str = "http://localhost:8420/e#AciAAQIDBAUGB8DAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl7lIAlsb2NhbGhvc3Q";

#[tokio::test]
async fn a_panic_breaks_the_device_that_it_came_of_and_nothing_else() {
    let session = session(1);
    let (name, journal): (Arc<str>, _) = ("bad".into(), session.journal().clone());
    let entropy: Arc<dyn Entropy> = Arc::new(Seed::new(1).stream("bad"));
    let bad = Device::new(Parts {
        name: Arc::clone(&name),
        place: Place::Memory(MemoryStore::new()),
        connector: Arc::new(Defect),
        network: Network::new(Luck::new(Seed::new(1), "bad".into()), Arc::clone(&name), journal.clone()),
        faults: None,
        allow_test_argon2: true,
        clock: DeviceClock::new(session.time().clone()),
        luck: None,
        entropy: Arc::clone(&entropy),
        chance: entropy,
        usual: Reaction::default(),
        time: session.time().clone(),
        journal,
    })
    .await
    .unwrap();
    session.devices().insert(name, bad.clone());
    let good = session.add("good").await.unwrap();

    let invitation = Invitation::from_link(LINK).unwrap();
    assert!(matches!(bad.enroll(&invitation).await, Err(EngineError::Broken(name)) if name == "bad"));
    let told = session.journal().since(0).entries.pop().unwrap();
    assert!(matches!(&told.kind, Kind::Done { what: "enroll", failure: Some((0, text)) } if text.contains("broken")));
    // It says so, is seen, and can be taken away.
    assert!(bad.is_broken() && matches!(bad.status(None).await, Err(EngineError::Broken(_))));
    assert!(bad.list().await.unwrap().is_empty());
    assert!(!good.is_broken() && matches!(good.status(None).await, Err(EngineError::NoToken)));
    session.remove("bad").unwrap();
    session.add("bad").await.unwrap();
    assert_eq!(session.list().len(), 2);
}

#[tokio::test]
async fn what_has_come_to_nothing_is_deleted_unless_it_may_have_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let session = Session::in_folder(folder.path(), Settings::default(), &Env::os()).unwrap();
    let devices = folder.path().join("devices");
    for device in ["empty", "has-one", "unreadable"] {
        session.add(device).await.unwrap();
    }
    std::fs::write(devices.join("has-one").join("some.token"), "").unwrap();
    std::fs::remove_dir_all(devices.join("unreadable")).unwrap();
    // Not a folder: what is in it cannot be looked at.
    std::fs::write(devices.join("unreadable"), "").unwrap();
    for device in ["empty", "has-one", "unreadable", "never-there"] {
        session.discard_empty(device);
    }
    assert!(session.list().is_empty());
    let mut left: Vec<_> = std::fs::read_dir(&devices).unwrap().map(|it| it.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["has-one", "unreadable"]);
}

#[tokio::test]
async fn nobody_types_the_well_known_pin_once_a_damaged_folder_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Session::in_folder(folder.path(), Settings::default(), &Env::os()).unwrap();
    let session = open();
    session.add("phone").await.unwrap();
    session.end();
    std::fs::write(folder.path().join("devices/phone/store.key"), "short").unwrap();
    let phone = open().add("phone").await.unwrap();
    assert!(phone.human().persona().is_untold());
}
