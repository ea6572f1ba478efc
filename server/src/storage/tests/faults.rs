use std::fs;

use crate::storage::rows::*;
use crate::storage::testing::{block_on, events, file, insert_event, options};
use crate::storage::{Location, Options, ServerLock, StorageError, Store, Transaction};

fn number(store: &Store) -> Result<u64, StorageError> {
    block_on(store.write(|tx| tx.next_number("n")))
}

fn open(path: &std::path::Path) -> Result<Store, StorageError> {
    Store::open(Location::File(path.to_owned()), options())
}

#[test]
fn what_was_acknowledged_is_there_after_reopening() {
    let test = file();
    let path = test.path().expect("a file");
    assert_eq!((number(&test.store), number(&test.store)), (Ok(1), Ok(2)));
    drop(test.store);
    assert_eq!(number(&open(&path).expect("opens")), Ok(3));
}

#[test]
fn commits_are_flushed_and_freed_pages_overwritten() {
    let test = file();
    let setting = |sql: &'static str| {
        block_on(test.store.read(move |tx| {
            let mut found = None;
            tx.query(sql, &[], &mut |row| {
                found = Some(row.int(0)?);
                Ok(())
            })?;
            Ok::<_, StorageError>(found)
        }))
    };
    assert_eq!(setting("PRAGMA synchronous"), Ok(Some(2)));
    assert_eq!(setting("PRAGMA foreign_keys"), Ok(Some(1)));
    assert_eq!(setting("PRAGMA secure_delete"), Ok(Some(1)));
    assert_eq!(setting("PRAGMA query_only"), Ok(Some(1)));
    let log = test.path().expect("a file").with_extension("db-wal");
    assert!(log.exists(), "the write-ahead log is in use");
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let test = file();
    assert_eq!(number(&test.store), Ok(1));
    for entry in fs::read_dir(test.folder.as_ref().expect("a folder").path()).expect("listed") {
        let entry = entry.expect("an entry");
        assert_eq!(entry.metadata().expect("metadata").permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("no/such/cardea.db");
    assert_eq!(open(&path).expect_err("no folder"), StorageError::Missing(path.clone()));
    fs::write(folder.path().join("file"), "").expect("written");
    let path = folder.path().join("file/cardea.db");
    assert_eq!(open(&path).expect_err("no folder"), StorageError::Missing(path.clone()));
    assert_eq!(open(folder.path()).expect_err("a folder"), StorageError::Foreign(folder.path().to_owned()));
}

#[test]
fn files_of_other_programs_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = folder.path().join("text.db");
    fs::write(&text, "this is no database, but it is long enough to be looked at closely\n".repeat(100))
        .expect("written");
    let before = fs::read(&text).expect("read");
    assert_eq!(open(&text).expect_err("text"), StorageError::Foreign(text.clone()));
    assert_eq!(fs::read(&text).expect("read"), before);

    let other = folder.path().join("other.db");
    let connection = rusqlite::Connection::open(&other).expect("opens");
    connection.execute_batch("CREATE TABLE theirs (x)").expect("created");
    drop(connection);
    assert_eq!(open(&other).expect_err("foreign"), StorageError::Foreign(other.clone()));
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let test = file();
    let path = test.path().expect("a file");
    drop(test.store);
    let connection = rusqlite::Connection::open(&path).expect("opens");
    connection.pragma_update(None, "user_version", 99).expect("set");
    drop(connection);
    let before = fs::read(&path).expect("read");
    let error = open(&path).expect_err("newer");
    assert!(matches!(error, StorageError::Newer { found: 99, .. }), "{error:?}");
    assert_eq!(fs::read(&path).expect("read"), before);
}

#[test]
fn a_database_locked_by_another_program_says_so_and_recovers() {
    let test = file();
    let connection = rusqlite::Connection::open(test.path().expect("a file")).expect("opens");
    connection.execute_batch("BEGIN IMMEDIATE").expect("begun");
    assert_eq!(number(&test.store), Err(StorageError::Busy));
    assert!(StorageError::Busy.is_transient());
    assert_eq!(block_on(test.store.read(|tx| tx.token_ids())), Ok(vec![]), "readers do not wait for writers");
    assert_eq!(open(&test.path().expect("a file")).expect_err("locked"), StorageError::Busy);
    connection.execute_batch("ROLLBACK").expect("rolled back");
    assert_eq!(number(&test.store), Ok(1));
}

#[test]
fn a_full_database_fails_the_write_keeps_the_rest_and_recovers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("cardea.db");
    drop(open(&path).expect("opens"));
    let pages = rusqlite::Connection::open(&path)
        .expect("opens")
        .query_row("PRAGMA page_count", [], |row| row.get::<_, u32>(0))
        .expect("counted");
    let full = Options { max_pages: Some(pages), ..options() };
    let store = Store::open(Location::File(path.clone()), full).expect("opens");
    let big = |tx: &mut dyn Transaction| insert_event(tx, 1, &vec![0; 100_000]);
    assert_eq!(block_on(store.write(big)), Err(StorageError::Full));
    assert_eq!(block_on(store.read(|tx| events(tx, 0, 10))), Ok(vec![]));
    assert_eq!(number(&store), Ok(1), "what fits is still written");
    drop(store);
    let store = open(&path).expect("opens");
    assert_eq!(block_on(store.write(big)), Ok(()));
}

#[test]
fn a_full_database_fails_only_what_does_not_fit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("cardea.db");
    drop(open(&path).expect("opens"));
    let store = Store::open(Location::File(path), Options { max_pages: Some(40), ..options() }).expect("opens");
    let results = block_on(async {
        let jobs: Vec<_> = (0..200)
            .map(|seq: u64| {
                let store = store.clone();
                tokio::spawn(async move { (seq, store.write(move |tx| insert_event(tx, seq, &vec![7; 3_000])).await) })
            })
            .collect();
        let mut results = Vec::new();
        for job in jobs {
            results.push(job.await.expect("joined"));
        }
        results
    });
    let mut kept: Vec<u64> = results.iter().filter(|(_, result)| result.is_ok()).map(|(seq, _)| *seq).collect();
    assert!(results.iter().all(|(_, result)| matches!(result, Ok(()) | Err(StorageError::Full))));
    kept.sort_unstable();
    assert!(kept.len() < 200);
    let stored = block_on(store.read(|tx| events(tx, 0, 1_000))).expect("read");
    let mut stored: Vec<u64> = stored.into_iter().map(|(seq, _)| seq).collect();
    if kept.first() == Some(&0) {
        stored.insert(0, 0); // `events` lists what comes after 0
    }
    assert_eq!(stored, kept, "acknowledged is stored, refused is not");
}

#[test]
fn a_damaged_database_is_an_error_and_never_an_answer() {
    let test = file();
    let path = test.path().expect("a file");
    block_on(test.store.write(|tx| {
        tx.next_number("key_epoch")?;
        (1..200).try_for_each(|seq| insert_event(tx, seq, &[7; 500]))
    }))
    .expect("written");
    drop(test.store);
    let mut bytes = fs::read(&path).expect("read");
    let length = bytes.len();
    for byte in &mut bytes[4096..length] {
        *byte = 0x5a;
    }
    fs::write(&path, bytes).expect("written");
    let error = open(&path).and_then(|store| block_on(store.read(|tx| events(tx, 0, 500)))).expect_err("damaged");
    assert!(matches!(error, StorageError::Corrupt(_)), "{error:?}");
}

#[test]
fn a_truncated_database_is_an_error_and_never_an_answer() {
    let test = file();
    let path = test.path().expect("a file");
    block_on(test.store.write(|tx| (1..200).try_for_each(|seq| insert_event(tx, seq, &[7; 500])))).expect("written");
    drop(test.store);
    let length = fs::metadata(&path).expect("metadata").len();
    fs::OpenOptions::new().write(true).open(&path).expect("opens").set_len(length / 2).expect("cut");
    let error = open(&path).and_then(|store| block_on(store.read(|tx| events(tx, 0, 500)))).expect_err("damaged");
    assert!(matches!(error, StorageError::Corrupt(_)), "{error:?}");
}

#[test]
fn a_database_deleted_under_the_server_acknowledges_nothing() {
    let test = file();
    let path = test.path().expect("a file");
    assert_eq!(number(&test.store), Ok(1));
    assert_eq!(block_on(test.store.read(|tx| tx.token_ids())), Ok(vec![]));
    fs::remove_file(&path).expect("removed");
    assert_eq!(number(&test.store), Err(StorageError::Missing(path.clone())));
    assert_eq!(block_on(test.store.read(|tx| tx.token_ids())), Err(StorageError::Missing(path.clone())));
    drop(open(&path));
    assert_eq!(number(&test.store), Err(StorageError::Missing(path.clone())), "another file is not the same file");
}

#[test]
fn a_read_only_database_is_named() {
    let test = file();
    let path = test.path().expect("a file");
    let connection = rusqlite::Connection::open(&path).expect("opens");
    connection.execute_batch("PRAGMA query_only = on").expect("set");
    let error = connection.execute_batch("DELETE FROM journal").expect_err("read-only");
    assert_eq!(crate::storage::sqlite::failure(&error), StorageError::ReadOnly);
}

#[test]
fn two_processes_on_one_file_see_each_other_and_lose_nothing() {
    let test = file();
    let other = open(&test.path().expect("a file")).expect("a tool may open it too");
    let mut numbers: Vec<u64> = Vec::new();
    for _ in 0..10 {
        numbers.push(number(&test.store).expect("written"));
        numbers.push(number(&other).expect("written"));
    }
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}

#[test]
fn one_server_per_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lock = ServerLock::acquire(folder.path()).expect("free");
    assert_eq!(ServerLock::acquire(folder.path()).expect_err("taken"), StorageError::InUse(folder.path().to_owned()));
    drop(lock);
    drop(ServerLock::acquire(folder.path()).expect("free again"));
    let missing = folder.path().join("none");
    assert_eq!(ServerLock::acquire(&missing).expect_err("missing"), StorageError::Missing(missing.clone()));
}

#[test]
fn jobs_that_were_accepted_run_before_the_store_is_gone() {
    let test = file();
    let path = test.path().expect("a file");
    block_on(async {
        let store = test.store.clone();
        let mut waiting = Box::pin(store.write(|tx| tx.next_number("n")));
        // Polled once: the job is in the queue, and nobody waits for its answer.
        std::future::poll_fn(|context| {
            let _ = waiting.as_mut().poll(context);
            std::task::Poll::Ready(())
        })
        .await;
    });
    drop(test.store);
    assert_eq!(number(&open(&path).expect("opens")), Ok(2));
}
