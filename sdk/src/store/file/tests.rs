use std::fs;
use std::path::PathBuf;

use super::*;
use crate::store::conformance::{check, sample};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A store with one token, and that token's file.
fn store() -> (tempfile::TempDir, FileStore, PathBuf) {
    let folder = folder();
    let store = FileStore::open(folder.path(), &Env::os()).unwrap();
    let entry = sample(1, 1);
    store.try_lease(&entry.key()).unwrap().unwrap().compare_and_swap(None, &entry).unwrap();
    let path = folder.path().join(format!("{}.token", entry.key()));
    (folder, store, path)
}

fn load(store: &FileStore) -> Result<Option<Entry>, StoreError> {
    store.load(&sample(1, 1).key())
}

#[test]
fn keeps_every_promise_of_a_store() {
    let folder = folder();
    check(|| Arc::new(FileStore::open(folder.path().join("new/one"), &Env::os()).unwrap()));
}

#[test]
fn leaves_no_file_of_a_removed_token() {
    let (folder, store, _) = store();
    store.try_lease(&sample(1, 1).key()).unwrap().unwrap().remove().unwrap();
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["store.key", "store.lock"]);
}

#[test]
fn a_lease_on_a_removed_name_is_no_lease() {
    let (_folder, store, _) = store();
    let key = sample(1, 1).key();
    // Another process opened the lock file before it was removed and locks it afterwards.
    let late = fs::OpenOptions::new().write(true).open(store.path().join(format!("{key}.lock"))).unwrap();
    store.try_lease(&key).unwrap().unwrap().remove().unwrap();
    late.try_lock().unwrap();
    assert!(store.try_lease(&key).unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn everything_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let inner = folder.path().join("wallet");
    let store = FileStore::open(&inner, &Env::os()).unwrap();
    let entry = sample(1, 1);
    let mut lease = store.try_lease(&entry.key()).unwrap().unwrap();
    lease.compare_and_swap(None, &entry).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    for file in fs::read_dir(&inner).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    fs::set_permissions(inner.join("store.key"), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(FileStore::open(&inner, &Env::os()), Err(StoreError::KeyExposed { .. })));
}

#[test]
fn nothing_readable_is_in_a_file_and_all_files_have_one_size() {
    let (_folder, store, path) = store();
    let file = fs::read(&path).unwrap();
    assert!(!file.windows(10).any(|bytes| bytes == b"id.example"));
    let mut entry = sample(1, 1);
    entry.details.label = "a much longer label".into();
    store.try_lease(&entry.key()).unwrap().unwrap().compare_and_swap(Some(&sample(1, 1)), &entry).unwrap();
    assert_eq!(fs::read(&path).unwrap().len(), file.len());
}

#[test]
fn every_flipped_bit_is_found() {
    let (_folder, store, path) = store();
    let file = fs::read(&path).unwrap();
    for at in 0..file.len() {
        let mut damaged = file.clone();
        damaged[at] ^= 1;
        fs::write(&path, &damaged).unwrap();
        assert!(load(&store).is_err(), "byte {at}");
    }
    fs::write(&path, &file).unwrap();
    assert_eq!(load(&store).unwrap(), Some(sample(1, 1)));
}

#[test]
fn every_other_length_is_found() {
    let (_folder, store, path) = store();
    let file = fs::read(&path).unwrap();
    for length in [0, 1, 16, 17, 40, file.len() - 1] {
        fs::write(&path, &file[..length]).unwrap();
        assert!(matches!(load(&store), Err(StoreError::Truncated { .. })), "{length} bytes");
    }
    fs::write(&path, [&file[..], &[0]].concat()).unwrap();
    assert!(matches!(load(&store), Err(StoreError::Truncated { .. })));
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let (_folder, store, path) = store();
    let mut file = fs::read(&path).unwrap();
    file[8] = 2;
    file.push(0);
    fs::write(&path, &file).unwrap();
    assert!(matches!(load(&store), Err(StoreError::NewerFormat { found: 2, known: 1, .. })));
    fs::write(&path, b"something else entirely, of some length").unwrap();
    assert!(matches!(load(&store), Err(StoreError::Corrupt { .. })));
}

#[test]
fn a_file_in_the_place_of_another_is_found() {
    let (folder, store, path) = store();
    let other = sample(2, 1).key();
    fs::copy(&path, folder.path().join(format!("{other}.token"))).unwrap();
    assert!(matches!(store.load(&other), Err(StoreError::Corrupt { .. })));
}

#[test]
fn another_key_is_told_from_damage() {
    let (folder, store, path) = store();
    let with_another = || FileStore::open_with_key(folder.path(), StoreKey::new([5; 32]), &Env::os());
    assert!(matches!(with_another(), Err(StoreError::WrongKey { .. })));
    // One that was opened while there was none.
    let aside = path.with_extension("aside");
    fs::rename(&path, &aside).unwrap();
    let other = with_another().unwrap();
    fs::rename(&aside, &path).unwrap();
    assert!(matches!(load(&other), Err(StoreError::WrongKey { .. })));
    assert!(load(&store).is_ok());
}

#[test]
fn a_key_that_was_put_in_the_place_of_the_folders_own_is_found_when_it_is_opened() {
    let (folder, _store, path) = store();
    fs::write(folder.path().join("store.key"), [9; 32]).unwrap();
    assert!(matches!(FileStore::open(folder.path(), &Env::os()), Err(StoreError::WrongKey { .. })));
    // What cannot be told from damage is told when it is used.
    fs::write(&path, vec![0; 1 << 20]).unwrap();
    assert!(FileStore::open(folder.path(), &Env::os()).is_ok());
}

#[test]
fn a_lost_key_is_never_replaced_by_a_new_one() {
    let (folder, _store, _) = store();
    let key = folder.path().join("store.key");
    fs::remove_file(&key).unwrap();
    assert!(matches!(FileStore::open(folder.path(), &Env::os()), Err(StoreError::KeyMissing { .. })));
    assert!(!key.exists());
    fs::write(&key, [1; 31]).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(matches!(FileStore::open(folder.path(), &Env::os()), Err(StoreError::Truncated { .. })));
}

#[test]
fn what_a_crash_left_behind_is_overwritten() {
    let (folder, store, path) = store();
    let temporary = path.with_extension("new");
    fs::write(&temporary, vec![7; 5000]).unwrap();
    let mut lease = store.try_lease(&sample(1, 1).key()).unwrap().unwrap();
    lease.compare_and_swap(Some(&sample(1, 1)), &sample(1, 2)).unwrap();
    assert_eq!(load(&store).unwrap(), Some(sample(1, 2)));
    assert!(!temporary.exists());
    assert_eq!(store.list().unwrap().len(), 1);
    drop(folder);
}

#[test]
fn a_change_that_fails_leaves_the_old_token() {
    let (_folder, store, path) = store();
    // The temporary file cannot be made: its name is taken by a folder.
    fs::create_dir(path.with_extension("new")).unwrap();
    let mut lease = store.try_lease(&sample(1, 1).key()).unwrap().unwrap();
    assert!(lease.compare_and_swap(Some(&sample(1, 1)), &sample(1, 2)).is_err());
    assert_eq!(load(&store).unwrap(), Some(sample(1, 1)));
}

#[test]
fn a_folder_that_cannot_be_is_refused_clearly() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let error = FileStore::open(file.join("wallet"), &Env::os()).unwrap_err();
    assert!(error.to_string().contains("wallet"), "{error}");
}

#[test]
fn what_the_system_says_is_sorted() {
    use std::io::{Error, ErrorKind};
    let sorted = |kind: ErrorKind| StoreError::from_io("x", Error::from(kind));
    assert!(matches!(sorted(ErrorKind::PermissionDenied), StoreError::ReadOnly { .. }));
    assert!(matches!(sorted(ErrorKind::ReadOnlyFilesystem), StoreError::ReadOnly { .. }));
    assert!(matches!(sorted(ErrorKind::StorageFull), StoreError::NoSpace { .. }));
    assert!(matches!(sorted(ErrorKind::QuotaExceeded), StoreError::NoSpace { .. }));
    assert!(matches!(sorted(ErrorKind::Interrupted), StoreError::Io { .. }));
}

/// What `fork` does to a lease: the child has the same open file, for as long as it lives.
#[cfg(unix)]
#[test]
fn a_lease_that_was_given_back_is_free_although_a_forked_child_has_its_file() {
    let (_folder, store, _) = store();
    let key = sample(1, 1).key();
    let lock = store.0.folder.try_lock(&key).unwrap().unwrap();
    let in_the_child = lock.copy(std::process::id() ^ 1);
    drop(FileLease { inner: Arc::clone(&store.0), key, _lock: lock });
    assert!(store.try_lease(&key).unwrap().is_some());
    drop(in_the_child);
    // What the child drops is not its own to give back.
    let lock = store.0.folder.try_lock(&key).unwrap().unwrap();
    drop(lock.copy(std::process::id() ^ 1));
    assert!(store.try_lease(&key).unwrap().is_none());
}

#[cfg(unix)]
#[test]
fn a_folder_that_others_can_write_is_refused() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let folder = folder();
    let wallet = folder.path().join("wallet");
    fs::create_dir(&wallet).unwrap();
    let open = |mode| {
        fs::set_permissions(&wallet, fs::Permissions::from_mode(mode)).unwrap();
        FileStore::open(&wallet, &Env::os())
    };
    for mode in [0o777, 0o1777, 0o702] {
        let error = open(mode).unwrap_err();
        assert!(matches!(error, StoreError::KeyExposed { .. }), "{mode:o}: {error}");
        assert!(error.to_string().contains("chmod"), "{error}");
        assert_eq!(fs::read_dir(&wallet).unwrap().count(), 0, "{mode:o}");
    }
    let metadata = fs::metadata(&wallet).unwrap();
    assert_eq!(open(0o770).is_ok(), metadata.uid() == metadata.gid());
    assert!(open(0o755).is_ok());
}

/// A link that somebody put where a temporary file will be.
#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let (folder, store, path) = store();
    let theirs = folder.path().join("theirs");
    fs::write(&theirs, b"").unwrap();
    std::os::unix::fs::symlink(&theirs, path.with_extension("new")).unwrap();
    let mut lease = store.try_lease(&sample(1, 1).key()).unwrap().unwrap();
    lease.compare_and_swap(Some(&sample(1, 1)), &sample(1, 2)).unwrap();
    assert_eq!(fs::read(&theirs).unwrap(), b"");
    assert!(fs::symlink_metadata(&path).unwrap().is_file());
    assert_eq!(load(&store).unwrap(), Some(sample(1, 2)));
}
