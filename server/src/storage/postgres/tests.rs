//! What only a PostgreSQL server can show: several nodes, and a database that is gone, slow or not ours.

mod refused;

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc;
use std::time::Duration;

use super::PostgresUrl;
use super::testing::{Cluster, database};
use crate::clock::Clock;
use crate::storage::rows::*;
use crate::storage::testing::block_on;
use crate::storage::{Location, Options, StorageError, Store, Transaction};

/// Waits for other nodes for a tenth of a second.
fn options() -> Options {
    Options { busy_timeout: Duration::from_millis(100), ..Options::default() }
}

fn open(url: &PostgresUrl) -> Result<Store, StorageError> {
    Store::open(Location::Postgres(url.clone()), options())
}

fn number(store: &Store) -> Result<u64, StorageError> {
    block_on(store.write(|tx| tx.next_number("n")))
}

fn text(store: &Store, sql: &'static str) -> String {
    let read = store.write(move |tx| {
        let mut found = String::new();
        tx.query(sql, &[], &mut |row| row.text(0).map(|text| found = text))?;
        Ok::<_, StorageError>(found)
    });
    block_on(read).expect("read")
}

/// Asks until there is an answer.
fn until_it_answers(store: &Store) -> u64 {
    loop {
        match number(store) {
            Ok(number) => return number,
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
fn a_database_that_goes_away_is_an_error_at_once_and_is_found_again() {
    let cluster = Cluster::start("");
    let url = PostgresUrl::parse(&cluster.database()).expect("a good url");
    let store = open(&url).expect("opens");
    let read = || block_on(store.read(|tx| tx.token_ids()));
    assert_eq!((number(&store), read()), (Ok(1), Ok(vec![])));
    for (signal, expected) in [("INT", 2), ("QUIT", 3)] {
        cluster.down(signal);
        for _ in 0..10 {
            let (wrote, read) = (number(&store), read());
            assert!(wrote.is_err_and(|error| error.is_transient()) && read.is_err_and(|error| error.is_transient()));
        }
        cluster.up();
        assert_eq!(until_it_answers(&store), expected, "and nothing of the failed ones is there");
        assert_eq!(read(), Ok(vec![]), "also on connections from before");
    }
}

#[test]
fn several_first_starts_at_once_make_one_schema() {
    let url = database();
    let stores: Vec<Store> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| Store::open(Location::Postgres(url.clone()), Options::default()))).collect();
        starts.into_iter().map(|start| start.join().expect("joined").expect("opens")).collect()
    });
    let numbers: Vec<u64> = stores.iter().map(|store| number(store).expect("written")).collect();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
}

#[test]
fn what_is_not_ours_or_newer_is_refused_and_left_alone() {
    let cluster = Cluster::shared();
    for (make, newer) in [
        ("CREATE TABLE theirs (x int)", false),
        ("CREATE TABLE cardea (x int)", false),
        ("CREATE TABLE cardea (id bigint, application bigint, format bigint)", false),
        ("CREATE TABLE cardea AS SELECT 1::bigint AS id, 7::bigint AS application, 1::bigint AS format", false),
        (
            "CREATE TABLE cardea AS SELECT 1::bigint AS id, 1130459748::bigint AS application, 99::bigint AS format",
            true,
        ),
    ] {
        let url = cluster.database();
        cluster.sql(&url, make);
        let error = open(&PostgresUrl::parse(&url).expect("a good url")).expect_err(make);
        assert_eq!(matches!(error, StorageError::Newer { found: 99, .. }), newer, "{make}: {error:?}");
        assert_eq!(matches!(error, StorageError::Foreign(_)), !newer, "{make}: {error:?}");
        let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
        assert_eq!(cluster.sql(&url, tables), "1", "{make}");
    }
}

#[test]
fn a_newer_node_stops_the_older_ones_from_writing() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = open(&PostgresUrl::parse(&url).expect("a good url")).expect("opens");
    assert_eq!(number(&store), Ok(1));
    cluster.sql(&url, "UPDATE cardea SET format = 99");
    assert!(matches!(number(&store), Err(StorageError::Newer { found: 99, .. })));
}

#[test]
fn a_server_or_a_name_that_is_not_there_says_so() {
    let gone = PostgresUrl::parse("postgresql:///x?host=/nonexistent&user=joe").expect("a good url");
    assert!(matches!(open(&gone), Err(StorageError::Unreachable(_))));
    let cluster = Cluster::shared();
    let unknown = PostgresUrl::parse(&cluster.url("nothere")).expect("a good url");
    assert!(matches!(open(&unknown), Err(StorageError::Refused(_))));
}

#[test]
fn commits_are_flushed_even_where_the_database_would_not() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let name = url.trim_start_matches("postgresql:///").split('?').next().expect("a name");
    cluster.sql(&url, &format!("ALTER DATABASE {name} SET synchronous_commit = off"));
    let store = open(&PostgresUrl::parse(&url).expect("a good url")).expect("opens");
    assert_eq!(text(&store, "SELECT current_setting('synchronous_commit')"), "on");
    assert_eq!(text(&store, "SELECT current_setting('transaction_isolation')"), "read committed");
    assert_eq!(text(&store, "SELECT current_setting('idle_in_transaction_session_timeout')"), "2100ms");
}

#[test]
fn a_node_waits_for_another_one_and_not_for_ever() {
    let url = database();
    let (first, second) = (open(&url).expect("opens"), open(&url).expect("opens"));
    block_on(async {
        let (entered, is_in) = tokio::sync::oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let hold = move |tx: &mut dyn Transaction| {
            let number = tx.next_number("n");
            let _ = entered.send(());
            released.recv().map_err(|_| StorageError::Closed)?;
            number
        };
        let holding = tokio::spawn({
            let first = first.clone();
            async move { first.write(hold).await }
        });
        is_in.await.expect("the first holds the lock");
        assert_eq!(second.write(|tx| tx.next_number("n")).await, Err(StorageError::Busy));
        assert_eq!(second.read(|tx| tx.token_ids()).await, Ok(vec![]), "readers do not wait");
        release.send(()).expect("the first waits");
        assert_eq!(holding.await.expect("joined"), Ok(1));
        assert_eq!(second.write(|tx| tx.next_number("n")).await, Ok(2));
    });
}

#[test]
fn a_node_that_hangs_loses_its_lock_and_what_it_did() {
    let url = database();
    let (hung, other) = (open(&url).expect("opens"), open(&url).expect("opens"));
    block_on(async {
        let (entered, is_in) = tokio::sync::oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let hang = move |tx: &mut dyn Transaction| {
            let number = tx.next_number("n");
            let _ = entered.send(());
            released.recv().map_err(|_| StorageError::Closed)?;
            number
        };
        let hanging = tokio::spawn({
            let hung = hung.clone();
            async move { hung.write(hang).await }
        });
        is_in.await.expect("it has the lock");
        loop {
            match other.write(|tx| tx.next_number("n")).await {
                Ok(number) => break assert_eq!(number, 1, "what the hung node did is gone"),
                Err(error) => assert_eq!(error, StorageError::Busy),
            }
        }
        release.send(()).expect("it hangs");
        let outcome = hanging.await.expect("joined");
        assert!(matches!(outcome, Err(StorageError::Unreachable(_) | StorageError::Uncertain)), "{outcome:?}");
        assert_eq!(hung.write(|tx| tx.next_number("n")).await, Ok(2), "and it goes on");
    });
}

#[test]
fn a_reader_sees_one_state_and_all_that_was_answered_before() {
    let url = database();
    let (reading, writing) = (open(&url).expect("opens"), open(&url).expect("opens"));
    assert_eq!(number(&writing), Ok(1));
    let count = |tx: &mut dyn Transaction| {
        let mut found = 0;
        tx.query("SELECT value FROM counter WHERE name = 'n'", &[], &mut |row| row.int(0).map(|value| found = value))?;
        Ok::<_, StorageError>(found)
    };
    block_on(async {
        let (tell, told) = tokio::sync::oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let twice = move |tx: &mut dyn Transaction| {
            let before = count(tx)?;
            let _ = tell.send(());
            released.recv().map_err(|_| StorageError::Closed)?;
            Ok::<_, StorageError>((before, count(tx)?))
        };
        let reader = tokio::spawn({
            let reading = reading.clone();
            async move { reading.read(twice).await }
        });
        told.await.expect("it has read");
        assert_eq!(writing.write(|tx| tx.next_number("n")).await, Ok(2));
        release.send(()).expect("it waits");
        assert_eq!(reader.await.expect("joined"), Ok((1, 1)));
        assert_eq!(reading.read(count).await, Ok(2));
        assert_eq!(reading.ask(count).await, Ok(2));
        let misuse = Err(StorageError::Misuse("a second statement where one was promised"));
        assert_eq!(reading.ask(move |tx| count(tx).and_then(|_| count(tx))).await, misuse);
    });
}

#[test]
fn the_time_is_the_databases_and_goes_on_between_exchanges() {
    let store = open(&database()).expect("opens");
    let clock = store.clock().expect("it has one");
    let before = clock.now();
    let told = text(&store, "SELECT (extract(epoch FROM clock_timestamp()))::bigint::text");
    let told: u64 = told.parse().expect("a number");
    assert!((before.get()..=clock.now().get() + 1).contains(&told), "{before} {told}");
}

/// Forwards everything to the server, until the client commits: then the connection is cut, before or after the server
/// gets to know of it.
fn cutting_proxy(folder: &std::path::Path, cluster: &Cluster, forward: bool) -> PostgresUrl {
    let listener = UnixListener::bind(folder.join(".s.PGSQL.5432")).expect("a socket");
    let server = cluster.folder().join(".s.PGSQL.5432");
    let database = cluster.database();
    let query = format!("host={}", folder.display());
    let url = database.replace(&format!("host={}", cluster.folder().display()), &query);
    std::thread::spawn(move || {
        let mut cuts = 1;
        while let Ok((mut client, _)) = listener.accept() {
            let mut server = UnixStream::connect(&server).expect("the server listens");
            let (mut answers, mut to_client) =
                (server.try_clone().expect("cloned"), client.try_clone().expect("cloned"));
            std::thread::spawn(move || std::io::copy(&mut answers, &mut to_client));
            let mut bytes = [0; 65_536];
            while let Ok(read @ 1..) = client.read(&mut bytes) {
                let is_it = bytes[..read].windows(9).any(|part| part == b"job; COMM");
                if is_it && cuts > 0 {
                    cuts -= 1;
                    // First the client loses the connection, so that no answer gets through.
                    let _ = client.shutdown(std::net::Shutdown::Both);
                    if forward {
                        server.write_all(&bytes[..read]).expect("forwarded");
                        // Until the server has read it and closed in turn.
                        let _ = server.shutdown(std::net::Shutdown::Write);
                        let mut rest = Vec::new();
                        let _ = server.read_to_end(&mut rest);
                    }
                    break;
                }
                if server.write_all(&bytes[..read]).is_err() {
                    break;
                }
            }
            let _ = server.shutdown(std::net::Shutdown::Both);
        }
    });
    PostgresUrl::parse(&url).expect("a good url")
}

#[test]
fn a_commit_whose_answer_is_lost_is_an_error_whatever_became_of_it() {
    for forward in [false, true] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = open(&cutting_proxy(folder.path(), Cluster::shared(), forward)).expect("opens");
        assert_eq!(number(&store), Err(StorageError::Uncertain), "forwarded: {forward}");
        let next = until_it_answers(&store);
        assert_eq!(next, if forward { 2 } else { 1 });
    }
}
