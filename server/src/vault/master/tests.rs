use std::fs;
use std::path::PathBuf;

use super::*;
use crate::clock::{TestClock, UnixSeconds};
use crate::entropy::SeededEntropy;
use crate::storage::testing::{block_on, options};
use crate::storage::{Location, Options};
use crate::vault::Vault;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn start(&self, seed: u64) -> Result<Arc<Vault>, VaultError> {
        self.start_with(KeyLocation::Folder(self.0.path().to_owned()), seed)
    }

    fn start_with(&self, location: KeyLocation, seed: u64) -> Result<Arc<Vault>, VaultError> {
        let store = Store::open(Location::File(self.path("cardea.db")), options()).expect("opens");
        let clock = Arc::new(TestClock::new(UnixSeconds::new(1)));
        block_on(Vault::open(&store, location, Arc::new(SeededEntropy::new(seed)), clock))
    }

    fn refused(&self) -> VaultError {
        self.start(9).expect_err("refused")
    }
}

#[test]
fn the_first_start_makes_the_key_and_later_ones_use_it() {
    let folder = Folder::new();
    folder.start(1).expect("starts");
    let key = fs::read(folder.path("vault.key")).expect("made");
    assert!(!folder.path("vault.key.new").exists());
    folder.start(2).expect("starts again");
    assert_eq!(fs::read(folder.path("vault.key")).expect("there"), key);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.path("vault.key")).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_missing_key_is_named_and_not_made_anew() {
    let folder = Folder::new();
    folder.start(1).expect("starts");
    fs::remove_file(folder.path("vault.key")).expect("removed");
    assert_eq!(folder.refused(), VaultError::KeyMissing(folder.path("vault.key")));
    assert!(!folder.path("vault.key").exists() && !folder.path("vault.key.new").exists());
}

#[test]
fn the_key_of_another_database_is_refused() {
    let (folder, other) = (Folder::new(), Folder::new());
    folder.start(1).expect("starts");
    other.start(2).expect("starts");
    fs::copy(other.path("vault.key"), folder.path("vault.key")).expect("copied");
    assert_eq!(folder.refused(), VaultError::KeyWrong(folder.path("vault.key")));
}

#[test]
fn a_damaged_key_is_refused() {
    let folder = Folder::new();
    folder.start(1).expect("starts");
    let good = fs::read(folder.path("vault.key")).expect("read");
    let bad: [&[u8]; 6] = [b"", b"\n", &good[..good.len() - 2], b"cardea1-vault-key:zz\n", &good[1..], &[0xff; 300]];
    for bad in bad {
        fs::write(folder.path("vault.key"), bad).expect("written");
        assert_eq!(folder.refused(), VaultError::KeyDamaged(folder.path("vault.key")));
    }
    fs::write(folder.path("vault.key"), good).expect("written");
    folder.start(3).expect("starts again");
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.start(1).expect("starts");
    fs::set_permissions(folder.path("vault.key"), fs::Permissions::from_mode(0o640)).expect("set");
    assert_eq!(folder.refused(), VaultError::KeyExposed(folder.path("vault.key")));
}

#[test]
fn a_key_without_its_database_is_not_put_to_a_new_one() {
    let folder = Folder::new();
    folder.start(1).expect("starts");
    for name in ["cardea.db", "cardea.db-wal", "cardea.db-shm"] {
        let _ = fs::remove_file(folder.path(name));
    }
    assert_eq!(folder.refused(), VaultError::DatabaseLost(folder.path("vault.key")));
}

#[test]
fn a_first_start_that_ended_half_way_is_finished_by_the_next() {
    // Ended after the database learned of the key, before the key got its name.
    let folder = Folder::new();
    folder.start(1).expect("starts");
    fs::rename(folder.path("vault.key"), folder.path("vault.key.new")).expect("renamed");
    folder.start(2).expect("starts");
    assert!(folder.path("vault.key").exists() && !folder.path("vault.key.new").exists());

    // Ended before the database learned of it.
    let fresh = Folder::new();
    fs::copy(folder.path("vault.key"), fresh.path("vault.key.new")).expect("copied");
    fresh.start(3).expect("starts");
    let key = |folder: &Folder| fs::read(folder.path("vault.key")).expect("there");
    assert_eq!(key(&fresh), key(&folder));

    // Ended in the middle of the file.
    let torn = Folder::new();
    fs::write(torn.path("vault.key.new"), &key(&folder)[..20]).expect("written");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(torn.path("vault.key.new"), fs::Permissions::from_mode(0o600)).expect("set");
    }
    torn.start(4).expect("starts");
    assert!(torn.path("vault.key").exists());
}

#[test]
fn first_starts_side_by_side_agree_on_one_key_that_the_next_start_finds() {
    for _ in 0..20 {
        let folder = Folder::new();
        let barrier = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for seed in 0..4 {
                let (folder, barrier) = (&folder, &barrier);
                scope.spawn(move || {
                    let store = Store::open(Location::File(folder.path("cardea.db")), Options::default());
                    barrier.wait();
                    let store = store.expect("opens");
                    let (location, clock) =
                        (KeyLocation::Folder(folder.0.path().to_owned()), TestClock::new(UnixSeconds::new(1)));
                    let vault =
                        block_on(Vault::open(&store, location, Arc::new(SeededEntropy::new(seed)), Arc::new(clock)));
                    vault.expect("starts");
                });
            }
        });
        folder.start(9).expect("starts again");
    }
}

#[test]
fn a_provided_key_is_used_from_where_it_is_and_never_made() {
    let (folder, keys) = (Folder::new(), Folder::new());
    let path = keys.path("credential");
    let provided = || KeyLocation::Provided(path.clone());
    assert_eq!(folder.start_with(provided(), 1).expect_err("missing"), VaultError::KeyMissing(path.clone()));
    save(&path, &Secret::new([5; 32])).expect("saved");
    folder.start_with(provided(), 1).expect("starts");
    folder.start_with(provided(), 2).expect("starts again");
    assert!(!folder.path("vault.key").exists());
    assert_eq!((provided().file(), provided().check()), (Some(path.clone()), Ok(())));

    let good = fs::read(&path).expect("read");
    let bad: [&[u8]; 4] = [b"", b"\n", &good[..good.len() - 3], &good[1..]];
    for bad in bad {
        fs::write(&path, bad).expect("written");
        assert_eq!(folder.start_with(provided(), 3).expect_err("no key"), VaultError::KeyDamaged(path.clone()));
        assert_eq!(provided().check(), Err(VaultError::KeyDamaged(path.clone())));
    }
    fs::remove_file(&path).expect("removed");
    save(&path, &Secret::new([6; 32])).expect("saved");
    assert_eq!(folder.start_with(provided(), 4).expect_err("another"), VaultError::KeyWrong(path.clone()));
    fs::remove_file(&path).expect("removed");
    assert_eq!(folder.start_with(provided(), 5).expect_err("gone"), VaultError::KeyMissing(path.clone()));
    assert_eq!(provided().check(), Err(VaultError::KeyMissing(path.clone())));
    assert!(!path.exists() && !folder.path("vault.key").exists(), "nothing is made in its place");
}

#[cfg(unix)]
#[test]
fn a_provided_key_may_be_for_the_servers_group_and_for_nobody_else() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, keys) = (Folder::new(), Folder::new());
    let path = keys.path("credential");
    save(&path, &Secret::new([5; 32])).expect("saved");
    for (mode, is_fine) in
        [(0o400, true), (0o440, true), (0o640, true), (0o444, false), (0o460, false), (0o404, false), (0o410, false)]
    {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
        let exposed = VaultError::KeyExposed(path.clone());
        let expected = if is_fine { Ok(()) } else { Err(exposed) };
        assert_eq!(KeyLocation::Provided(path.clone()).check(), expected, "{mode:o}");
        assert_eq!(folder.start_with(KeyLocation::Provided(path.clone()), 1).map(drop), expected, "{mode:o}");
    }
}
