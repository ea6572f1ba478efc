//! What tests of this crate need of storage.

use std::time::Duration;

use super::{Location, Options, Store};

/// A store with its folder, if it has one.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) folder: Option<tempfile::TempDir>,
}

/// Waits for nobody, so that no test waits.
pub(crate) fn options() -> Options {
    Options { busy_timeout: Duration::ZERO, ..Options::default() }
}

pub(crate) fn memory() -> TestStore {
    TestStore { store: Store::open(Location::Memory, options()).expect("memory opens"), folder: None }
}

pub(crate) fn file() -> TestStore {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(Location::File(folder.path().join("cardea.db")), options()).expect("the file opens");
    TestStore { store, folder: Some(folder) }
}

impl TestStore {
    /// The path of the database, if it has one.
    pub(crate) fn path(&self) -> Option<std::path::PathBuf> {
        self.folder.as_ref().map(|folder| folder.path().join("cardea.db"))
    }
}

/// One runtime per test, as the program has it.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime starts")
        .block_on(future)
}
