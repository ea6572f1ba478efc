//! Statements between the jobs that the database refuses, while it goes on with the connection.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::{number, text};
use crate::storage::postgres::PostgresUrl;
use crate::storage::postgres::testing::Cluster;
use crate::storage::rows::*;
use crate::storage::testing::block_on;
use crate::storage::{Location, Options, StorageError, Store, Transaction};

/// What the database answers as if somebody had cancelled the statement.
const CANCELLED: &str = "DO'BEGIN RAISE query_canceled;END'";
const BORDER: &str = "RELEASE SAVEPOINT job; SAVEPOINT job";
const SNAPSHOT: &str = "ONLY; SELECT format FROM cardea WHERE id = 1";

/// Forwards everything to a database of its own, but puts `instead` in the place of `wanted` as often as the counter says.
fn changing_proxy(folder: &Path, wanted: &'static str, instead: &str) -> (PostgresUrl, Arc<AtomicUsize>) {
    let instead = format!("{instead:<width$}", width = wanted.len());
    assert_eq!(instead.len(), wanted.len(), "the messages say how long they are");
    let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).expect("a socket");
    let cluster = Cluster::shared();
    let socket = cluster.folder().join(".s.PGSQL.5432");
    let url = cluster.database().replace(&cluster.folder().display().to_string(), &folder.display().to_string());
    let times = Arc::new(AtomicUsize::new(0));
    let left = Arc::clone(&times);
    std::thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = UnixStream::connect(&socket).expect("the server listens");
            let (mut answers, mut to_client) =
                (server.try_clone().expect("cloned"), client.try_clone().expect("cloned"));
            std::thread::spawn(move || std::io::copy(&mut answers, &mut to_client));
            let (left, instead) = (Arc::clone(&left), instead.clone());
            std::thread::spawn(move || forward(client, server, wanted.as_bytes(), instead.as_bytes(), &left));
        }
    });
    (PostgresUrl::parse(&url).expect("a good url"), times)
}

fn forward(mut client: UnixStream, mut server: UnixStream, wanted: &[u8], instead: &[u8], left: &AtomicUsize) {
    let mut bytes = [0; 65_536];
    while let Ok(read @ 1..) = client.read(&mut bytes) {
        let found = bytes[..read].windows(wanted.len()).position(|part| part == wanted);
        if let Some(at) = found
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            bytes[at..at + wanted.len()].copy_from_slice(instead);
        }
        if server.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = server.shutdown(std::net::Shutdown::Both);
}

type Job = fn(&mut dyn Transaction) -> Result<u64, StorageError>;

/// What two jobs in one commit are told when the database refuses what stands between them, and what the counter of the
/// first one shows then.
async fn two_jobs(store: &Store, refuse: &AtomicUsize, jobs: [Job; 2]) -> (Vec<Result<u64, StorageError>>, i64) {
    let (entered, is_in) = tokio::sync::oneshot::channel();
    let (release, released) = mpsc::channel::<()>();
    let hold = move |_: &mut dyn Transaction| {
        let _ = entered.send(());
        released.recv().map_err(|_| StorageError::Closed)
    };
    let holding = tokio::spawn({
        let store = store.clone();
        async move { store.write(hold).await }
    });
    is_in.await.expect("the writer is busy");
    let mut waiting = Vec::new();
    for job in jobs {
        let queued = store.waiting();
        let store_of_job = store.clone();
        waiting.push(tokio::spawn(async move { store_of_job.write(job).await }));
        while store.waiting() == queued {
            tokio::task::yield_now().await;
        }
    }
    refuse.store(1, Ordering::SeqCst);
    release.send(()).expect("it holds");
    holding.await.expect("joined").expect("nothing went wrong yet");
    let mut told = Vec::new();
    for job in waiting {
        told.push(job.await.expect("joined"));
    }
    assert_eq!(refuse.load(Ordering::SeqCst), 0, "the database was asked to refuse it");
    let kept = store.read(|tx| {
        let mut kept = 0;
        let sql = "SELECT value FROM counter WHERE name = 'first'";
        tx.query(sql, &[], &mut |row| row.int(0).map(|value| kept = value))?;
        Ok::<_, StorageError>(kept)
    });
    (told, kept.await.expect("read"))
}

#[test]
fn a_job_is_not_told_as_done_when_the_end_of_its_part_was_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (url, refuse) = changing_proxy(folder.path(), BORDER, CANCELLED);
    let store = Store::open(Location::Postgres(url), Options::default()).expect("opens");
    block_on(async {
        let first: Job = |tx| tx.next_number("first");
        // A statement that is known goes together with what stands before it; one that is not is prepared in between.
        let known: Job = |tx| tx.next_number("second");
        let unknown: Job = |tx| tx.token_ids().map(|_| 0);
        for second in [known, unknown] {
            let (told, kept) = two_jobs(&store, &refuse, [first, second]).await;
            assert_eq!((told, kept), (vec![Err(StorageError::Busy), Err(StorageError::Busy)], 0));
        }
        assert_eq!(store.write(first).await, Ok(1), "and it goes on");
    });
}

#[test]
fn a_reader_whose_beginning_was_refused_reads_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for instead in [CANCELLED, "DO'BEGIN RAISE out_of_memory;END'"] {
        let path = folder.path().join(if instead == CANCELLED { "a" } else { "b" });
        std::fs::create_dir(&path).expect("a folder");
        let (url, refuse) = changing_proxy(&path, SNAPSHOT, &format!("ONLY; {instead}"));
        let store = Store::open(Location::Postgres(url), Options { readers: 1, ..Options::default() }).expect("opens");
        let read = || block_on(store.read(|tx| tx.token_ids()));
        let ask = || block_on(store.ask(|tx| tx.token_ids()));
        assert_eq!((read(), ask()), (Ok(vec![]), Ok(vec![])));
        refuse.store(2, Ordering::SeqCst);
        let refused = read();
        assert!(refused.as_ref().is_err_and(StorageError::is_transient), "{refused:?}");
        refuse.store(0, Ordering::SeqCst);
        assert_eq!((ask(), read(), ask()), (Ok(vec![]), Ok(vec![]), Ok(vec![])), "{instead}");
    }
}

#[test]
fn a_commit_that_may_have_been_kept_is_not_called_undone() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let parsed = PostgresUrl::parse(&url).expect("a good url");
    let store = Store::open(Location::Postgres(parsed), Options::default()).expect("opens");
    cluster.sql(
        &url,
        "CREATE FUNCTION unknown() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE SQLSTATE '40003'; END$$; \
         CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON counter DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION unknown()",
    );
    assert_eq!(number(&store), Err(StorageError::Uncertain));
    cluster.sql(&url, "DROP TRIGGER late ON counter");
    assert_eq!(number(&store), Ok(1));
    assert_eq!(text(&store, "SELECT 'still'"), "still");
}
