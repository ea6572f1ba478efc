//! What tests of this crate need of storage.

use std::time::Duration;

use super::postgres::testing as cluster;
pub(crate) use super::postgres::testing::Cluster;
use super::rows::{JournalFilter, JournalRow, JournalRows};
use super::{Location, Options, StorageError, Store, Transaction};
use crate::clock::UnixSeconds;

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

/// On PostgreSQL, in a database of its own.
pub(crate) fn postgres() -> TestStore {
    let location = Location::Postgres(cluster::database());
    let store = Store::open(location, Options::default()).expect("the database opens");
    TestStore { store, folder: None }
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

/// A row of the journal that holds `sealed`.
pub(crate) fn journal_row(seq: u64, token: u8, sealed: &[u8]) -> JournalRow {
    JournalRow {
        seq,
        at: UnixSeconds::new(seq),
        subscription: format!("s{token}"),
        service: u64::from(token),
        token: Some([token; 16]),
        hash: [token; 32],
        sealed: Some(sealed.to_vec()),
    }
}

/// Adds a row that holds `sealed` to the journal.
pub(crate) fn insert_event(tx: &mut dyn Transaction, seq: u64, sealed: &[u8]) -> Result<(), StorageError> {
    tx.insert_journal(&journal_row(seq, 1, sealed))
}

/// Numbers and contents of at most `limit` rows of the journal, oldest first.
pub(crate) fn events(tx: &mut dyn Transaction, after: u64, limit: u32) -> Result<Vec<(u64, Vec<u8>)>, StorageError> {
    let rows = tx.journal(&JournalFilter::All, after, limit)?;
    Ok(rows.into_iter().map(|row| (row.seq, row.sealed.unwrap_or_default())).collect())
}
