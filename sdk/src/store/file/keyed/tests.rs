use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::store::conformance::sample;
use crate::store::file::FileStore;
use crate::store::secrets::{SecretError, Zeroizing};
use crate::store::{Entry, Store as _};

/// What a store of secrets does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Vice {
    #[default]
    None,
    Unavailable,
    Denied,
    Full,
    /// Says that it saved.
    Forgets,
    /// Gives out something else.
    Lies,
    /// Gives out half.
    Cuts,
    PanicsAtLoad,
    PanicsAtSave,
}

/// Secrets in memory.
#[derive(Debug, Default)]
struct Secrets {
    kept: Mutex<BTreeMap<String, Vec<u8>>>,
    vice: Mutex<Vice>,
}

impl Secrets {
    fn with(vice: Vice) -> Self {
        Self { vice: Mutex::new(vice), ..Self::default() }
    }

    fn set(&self, vice: Vice) {
        *self.vice.lock().unwrap() = vice;
    }

    fn vice(&self) -> Vice {
        *self.vice.lock().unwrap()
    }

    fn names(&self) -> Vec<String> {
        self.kept.lock().unwrap().keys().cloned().collect()
    }
}

impl SecretStore for Secrets {
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        let kept = self.kept.lock().unwrap().get(name).cloned();
        let kept = match self.vice() {
            Vice::Unavailable => return Err(SecretError::Unavailable("locked".into())),
            Vice::Denied => return Err(SecretError::Denied),
            Vice::PanicsAtLoad => panic!("a store that panics"),
            Vice::Lies => kept.map(|_| vec![0x5a; 32]),
            Vice::Cuts => kept.map(|kept| kept[..16].to_vec()),
            _ => kept,
        };
        Ok(kept.map(Zeroizing::new))
    }

    fn save(&self, name: &str, secret: &[u8]) -> Result<(), SecretError> {
        match self.vice() {
            Vice::Full => return Err(SecretError::Full),
            Vice::PanicsAtSave => panic!("a store that panics"),
            Vice::Forgets => return Ok(()),
            _ => {}
        }
        self.kept.lock().unwrap().insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), SecretError> {
        self.kept.lock().unwrap().remove(name);
        Ok(())
    }
}

fn open(folder: &Path, secrets: &Secrets) -> Result<FileStore, WalletError> {
    FileStore::open_with_secrets(folder, secrets, &Env::os())
}

fn put(store: &FileStore, entry: &Entry) {
    store.try_lease(&entry.key()).unwrap().unwrap().compare_and_swap(None, entry).unwrap();
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != "store.lock").collect();
    names.sort();
    names
}

/// A folder with one token, and its secrets.
fn folder() -> (tempfile::TempDir, Secrets) {
    let (folder, secrets) = (tempfile::tempdir().unwrap(), Secrets::default());
    put(&open(folder.path(), &secrets).unwrap(), &sample(1, 1));
    (folder, secrets)
}

fn code(result: Result<FileStore, WalletError>) -> u32 {
    result.unwrap_err().code()
}

#[test]
fn the_key_is_in_the_secret_store_and_nowhere_else() {
    let (folder, secrets) = folder();
    let id = fs::read_to_string(folder.path().join("store.id")).unwrap();
    assert_eq!(secrets.names(), [format!("cardea-{id}")]);
    assert!(!files(folder.path()).contains(&"store.key".to_owned()));
    let key = secrets.kept.lock().unwrap().values().next().unwrap().clone();
    for name in files(folder.path()) {
        let bytes = fs::read(folder.path().join(name)).unwrap();
        assert!(!bytes.windows(key.len()).any(|window| window == key));
    }
    let again = open(folder.path(), &secrets).unwrap();
    assert_eq!(again.load(&sample(1, 1).key()).unwrap(), Some(sample(1, 1)));
}

#[test]
fn two_folders_have_two_keys_and_a_moved_folder_keeps_its_own() {
    let (one, secrets) = folder();
    let home = tempfile::tempdir().unwrap();
    let store = open(&home.path().join("before"), &secrets).unwrap();
    put(&store, &sample(2, 1));
    assert_eq!(secrets.names().len(), 2);
    fs::rename(home.path().join("before"), home.path().join("after")).unwrap();
    let moved = open(&home.path().join("after"), &secrets).unwrap();
    assert_eq!(moved.load(&sample(2, 1).key()).unwrap(), Some(sample(2, 1)));
    assert!(open(one.path(), &secrets).unwrap().load(&sample(1, 1).key()).unwrap().is_some());
}

#[test]
fn a_store_that_fails_leaves_an_empty_folder_as_it_was() {
    for (vice, expected) in [
        (Vice::Unavailable, 142),
        (Vice::Denied, 142),
        (Vice::Full, 142),
        (Vice::PanicsAtSave, 142),
        (Vice::PanicsAtLoad, 142),
        (Vice::Forgets, 135),
        (Vice::Lies, 134),
        (Vice::Cuts, 134),
    ] {
        let (folder, secrets) = (tempfile::tempdir().unwrap(), Secrets::with(vice));
        assert_eq!(code(open(folder.path(), &secrets)), expected, "{vice:?}");
        assert_eq!((files(folder.path()), secrets.names()), (vec![], vec![]), "{vice:?}");
        secrets.set(Vice::None);
        assert!(open(folder.path(), &secrets).unwrap().list().unwrap().is_empty(), "{vice:?}");
    }
}

#[test]
fn a_store_that_fails_later_never_makes_an_empty_wallet() {
    for (vice, expected) in
        [(Vice::Unavailable, 142), (Vice::Denied, 142), (Vice::PanicsAtLoad, 142), (Vice::Lies, 134), (Vice::Cuts, 134)]
    {
        let (folder, secrets) = folder();
        let before = files(folder.path());
        secrets.set(vice);
        assert_eq!(code(open(folder.path(), &secrets)), expected, "{vice:?}");
        secrets.set(Vice::None);
        assert_eq!(files(folder.path()), before, "{vice:?}");
        assert_eq!(open(folder.path(), &secrets).unwrap().list().unwrap(), [sample(1, 1).key()], "{vice:?}");
    }
}

#[test]
fn a_restored_folder_opens_with_its_key_and_with_no_other_and_not_without() {
    let (folder, secrets) = folder();
    let backup = tempfile::tempdir().unwrap();
    for name in files(folder.path()) {
        fs::copy(folder.path().join(&name), backup.path().join(&name)).unwrap();
    }
    // On the same device.
    assert_eq!(open(backup.path(), &secrets).unwrap().list().unwrap().len(), 1);
    // On another one, which never had the key.
    let elsewhere = Secrets::default();
    let refused = open(backup.path(), &elsewhere).unwrap_err();
    let WalletError::Store(error) = &refused else { panic!("{refused}") };
    assert!(matches!(**error, StoreError::SecretMissing { .. }), "{refused}");
    assert!(elsewhere.names().is_empty());
    // On another one, which has a key of that name.
    let name = secrets.names().remove(0);
    elsewhere.save(&name, &[7; 32]).unwrap();
    assert_eq!(code(open(backup.path(), &elsewhere)), 134);
    // Without its name, or with half of it.
    let id = backup.path().join("store.id");
    fs::write(&id, "0123").unwrap();
    assert_eq!(code(open(backup.path(), &secrets)), 131);
    fs::write(&id, [b'a'; 33]).unwrap();
    assert_eq!(code(open(backup.path(), &secrets)), 131);
    fs::remove_file(&id).unwrap();
    assert_eq!(code(open(backup.path(), &secrets)), 135);
    assert_eq!(open(folder.path(), &secrets).unwrap().list().unwrap().len(), 1);
}

#[test]
fn a_lost_key_that_nothing_depended_on_is_made_again() {
    let (folder, secrets) = (tempfile::tempdir().unwrap(), Secrets::default());
    drop(open(folder.path(), &secrets).unwrap());
    let first = secrets.names();
    secrets.remove(&first[0]).unwrap();
    put(&open(folder.path(), &secrets).unwrap(), &sample(1, 1));
    assert_ne!(secrets.names(), first);
    assert_eq!(open(folder.path(), &secrets).unwrap().list().unwrap().len(), 1);
}

#[test]
fn a_key_in_a_file_is_moved_and_the_file_goes() {
    let (folder, secrets) = (tempfile::tempdir().unwrap(), Secrets::default());
    put(&FileStore::open(folder.path(), &Env::os()).unwrap(), &sample(1, 1));
    secrets.set(Vice::Full);
    assert_eq!(code(open(folder.path(), &secrets)), 142);
    assert!(files(folder.path()).contains(&"store.key".to_owned()), "nothing was moved");
    secrets.set(Vice::None);
    let moved = open(folder.path(), &secrets).unwrap();
    assert_eq!(moved.load(&sample(1, 1).key()).unwrap(), Some(sample(1, 1)));
    assert!(!files(folder.path()).contains(&"store.key".to_owned()));
    // And it is not made again by whoever does not know.
    assert!(matches!(FileStore::open(folder.path(), &Env::os()), Err(StoreError::KeyMissing { .. })));
}

#[test]
fn a_move_that_was_cut_short_is_finished() {
    let (folder, secrets) = folder();
    let key = secrets.kept.lock().unwrap().values().next().unwrap().clone();
    let file = folder.path().join("store.key");
    fs::write(&file, &key).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(open(folder.path(), &secrets).unwrap().list().unwrap().len(), 1);
    assert!(!file.exists());
}

#[test]
fn programs_that_open_a_new_folder_together_agree_on_its_key() {
    let (folder, secrets) = (tempfile::tempdir().unwrap(), Secrets::default());
    thread::scope(|scope| {
        for token in 0..8 {
            let (folder, secrets) = (folder.path(), &secrets);
            scope.spawn(move || put(&open(folder, secrets).unwrap(), &sample(token, 1)));
        }
    });
    let store = open(folder.path(), &secrets).unwrap();
    assert_eq!(secrets.names().len(), 1);
    for token in 0..8 {
        assert_eq!(store.load(&sample(token, 1).key()).unwrap(), Some(sample(token, 1)));
    }
}

#[test]
fn a_folder_that_somebody_else_has_just_begun_is_no_folder_without_a_key() {
    // It had no name a moment ago, and has one and a token now.
    let (begun, secrets) = folder();
    let look = |path: &Path| fresh(&Folder::open(path.to_owned()).unwrap(), &Guarded(&secrets), &Env::os());
    assert!(matches!(look(begun.path()), Ok(None)));
    // The same of who keeps the key beside the tokens: there it is found at once, and kept elsewhere.
    let plain = tempfile::tempdir().unwrap();
    put(&FileStore::open(plain.path(), &Env::os()).unwrap(), &sample(2, 1));
    assert!(look(plain.path()).unwrap().is_some());
    // And of who has neither.
    fs::remove_file(begun.path().join("store.id")).unwrap();
    let lost = look(begun.path()).map(drop).unwrap_err();
    assert!(matches!(&lost, WalletError::Store(error) if matches!(**error, StoreError::KeyMissing { .. })), "{lost:?}");
}

/// Opens another wallet in the same folder, and says when it is asked.
#[derive(Debug)]
struct Reentrant {
    secrets: Arc<Secrets>,
    folder: std::path::PathBuf,
    asked: Mutex<mpsc::Sender<()>>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl SecretStore for Reentrant {
    fn load(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        self.secrets.load(name)
    }

    fn save(&self, name: &str, secret: &[u8]) -> Result<(), SecretError> {
        drop(open(&self.folder, &self.secrets).unwrap());
        self.asked.lock().unwrap().send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        self.secrets.save(name, secret)
    }

    fn remove(&self, name: &str) -> Result<(), SecretError> {
        self.secrets.remove(name)
    }
}

#[test]
fn nothing_is_locked_while_a_slow_store_is_asked() {
    let (folder, secrets) = (tempfile::tempdir().unwrap(), Arc::new(Secrets::default()));
    let ((asked, is_asked), (go, go_on)) = (mpsc::channel(), mpsc::channel());
    let slow = Reentrant {
        secrets: Arc::clone(&secrets),
        folder: folder.path().to_owned(),
        asked: Mutex::new(asked),
        go_on: Mutex::new(go_on),
    };
    let path = folder.path().to_owned();
    let opening =
        thread::spawn(move || FileStore::open_with_secrets(path, &slow, &Env::os()).map(|store| store.list()));
    is_asked.recv().unwrap();
    // Somebody else is through meanwhile, and the slow one takes his key.
    put(&open(folder.path(), &secrets).unwrap(), &sample(1, 1));
    go.send(()).unwrap();
    assert_eq!(opening.join().unwrap().unwrap().unwrap(), [sample(1, 1).key()]);
    assert_eq!(secrets.names().len(), 1);
}
