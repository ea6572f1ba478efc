use std::sync::Arc;

use super::super::Instance;
use super::super::tests::settings;
use super::*;
use crate::clock::{TestClock, UnixSeconds};
use crate::entropy::SeededEntropy;
use crate::storage::{Location, Options};
use crate::vault::KeyLocation;

struct Site {
    folder: tempfile::TempDir,
    clock: Arc<TestClock>,
    admin: Arc<Admin>,
}

impl Site {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(TestClock::new(UnixSeconds::new(1_000)));
        let options = Options { busy_timeout: Duration::from_millis(20), ..Options::default() };
        let location = Location::File(folder.path().join("cardea.db"));
        let key = KeyLocation::Given(cardea_protocol::Secret::new([7; 32]));
        let entropy = Arc::new(SeededEntropy::new(1));
        let instance = Instance::assemble_with(location, options, key, Arc::<TestClock>::clone(&clock), entropy).await;
        let admin = Admin::new(&instance.expect("opens"), settings()).expect("valid");
        Self { folder, clock, admin: Arc::new(admin) }
    }

    async fn parts(&self) -> Vec<Part> {
        // Something to write down.
        self.clock.advance(1);
        self.admin.not_ready().await.into_iter().collect()
    }
}

#[tokio::test]
async fn a_database_that_is_gone_and_comes_back_is_noticed_both_times() {
    let site = Site::new().await;
    let (place, away) = (site.folder.path().join("cardea.db"), site.folder.path().join("away.db"));
    assert_eq!(site.parts().await, []);
    for _ in 0..2 {
        std::fs::rename(&place, &away).expect("renamed");
        assert_eq!(site.parts().await, [Part::Database, Part::Writer]);
        std::fs::rename(&away, &place).expect("renamed");
        assert_eq!(site.parts().await, []);
    }
}

#[tokio::test]
async fn a_database_that_somebody_else_holds_is_a_matter_of_the_lock() {
    let site = Site::new().await;
    let other = rusqlite::Connection::open(site.folder.path().join("cardea.db")).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    assert_eq!(site.parts().await, [Part::Lock]);
    other.execute_batch("ROLLBACK").expect("unlocked");
    assert_eq!(site.parts().await, []);
}

#[test]
fn a_database_server_that_is_gone_and_comes_back_is_noticed_both_times() {
    crate::storage::testing::block_on(async {
        let cluster = crate::storage::testing::Cluster::start("");
        let url = crate::storage::PostgresUrl::parse(&cluster.database()).expect("a good url");
        let clock = Arc::new(TestClock::new(UnixSeconds::new(1_000)));
        let key = KeyLocation::Given(cardea_protocol::Secret::new([7; 32]));
        let entropy = Arc::new(SeededEntropy::new(1));
        let instance = Instance::assemble(Location::Postgres(url), key, clock, entropy).await.expect("opens");
        let admin = Admin::new(&instance, settings()).expect("valid");
        assert!(admin.not_ready().await.is_empty());
        for signal in ["INT", "QUIT"] {
            cluster.down(signal);
            assert_eq!(admin.not_ready().await, [Part::Database, Part::Writer].into());
            cluster.up();
            // After a crash it answers a little later.
            while !admin.not_ready().await.is_empty() {
                tokio::task::yield_now().await;
            }
        }
    });
}

#[test]
fn a_failed_write_says_where_to_look() {
    let of = |error: StorageError| parts_of(&AdminError::from(error));
    assert_eq!(of(StorageError::Full), [Part::Disk]);
    assert_eq!(of(StorageError::ReadOnly), [Part::Disk]);
    assert_eq!(of(StorageError::Busy), [Part::Lock]);
    assert_eq!(of(StorageError::Unreachable("x".to_owned())), [Part::Database, Part::Writer]);
    assert_eq!(of(StorageError::Uncertain), [Part::Writer]);
    assert_eq!(of(StorageError::Conflict), []);
    assert_eq!(parts_of(&VaultError::Damaged("meta").into()), [Part::Writer]);
}

#[tokio::test]
async fn who_comes_while_somebody_looks_is_served_by_the_next_look_all_together() {
    let site = Site::new().await;
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let admin = Arc::clone(&site.admin);
        asking.spawn(async move { admin.not_ready().await });
    }
    assert!(asking.join_all().await.iter().all(BTreeSet::is_empty));
    let looks = site.admin.looks.begun.load(std::sync::atomic::Ordering::SeqCst);
    assert!((1..=2).contains(&looks), "{looks}");
}
