use std::sync::Arc;

use tokio::sync::Barrier;

use crate::clock::UnixSeconds;
use crate::storage::rows::*;
use crate::storage::testing::{self, TestStore, block_on, file, memory, postgres};
use crate::storage::{StorageError, Store, Transaction, Value};

/// Runs every check on every driver.
macro_rules! conformance {
    ($($check:ident),* $(,)?) => {
        mod memory_conforms { $(#[test] fn $check() { super::block_on(super::$check(super::memory())); })* }
        mod file_conforms { $(#[test] fn $check() { super::block_on(super::$check(super::file())); })* }
        mod postgres_conforms { $(#[test] fn $check() { super::block_on(super::$check(super::postgres())); })* }
    };
}

conformance!(
    what_is_written_is_read,
    a_failed_job_leaves_nothing_and_its_neighbors_alone,
    a_panicking_job_leaves_nothing_and_the_store_goes_on,
    a_reader_cannot_write,
    the_faster_change_wins,
    of_many_changes_of_one_version_one_wins,
    counters_never_give_a_number_twice,
    a_hint_finds_its_device_in_all_three_columns,
    a_user_has_one_token_per_service_and_ids_are_bytes,
    an_offer_goes_with_its_token_and_devices_stay,
    expired_offers_are_swept,
    confirmations_are_listed_newest_first_and_go_with_their_token,
    the_journal_keeps_its_order,
    checkpoints_are_kept_by_size,
    erased_keys_are_gone,
    authkeys_are_found_by_hash_and_number,
    a_use_of_an_authkey_is_no_new_version_and_never_goes_back,
    subscriptions_go_when_their_services_are_gone,
    a_service_with_tokens_stays_and_a_webhook_goes_with_its_service,
    one_question_finds_what_several_would,
);

mod access;

use access::*;

fn sealed(ver: u64, byte: u8) -> Sealed {
    Sealed { ver, bytes: vec![byte; 40] }
}

fn service_row(id: u64) -> ServiceRow {
    ServiceRow { id, name: format!("default_s{id}"), subscription: "default".to_owned(), sealed: sealed(1, 1) }
}

fn token_row(id: u8, service: u64, user: &str) -> TokenRow {
    TokenRow { id: [id; 16], service, user: user.as_bytes().to_vec(), sealed: sealed(1, id) }
}

fn journal_row(seq: u64, token: u8) -> JournalRow {
    testing::journal_row(seq, token, &[token; 4])
}

fn device_row(token: u8, number: u8) -> DeviceRow {
    DeviceRow {
        key: DeviceKey { token: [token; 16], number: [number; 4] },
        hints: HintColumns { cur: [token ^ number; 8], prev: None, alt: None },
        static_key: [number; 32],
        sealed: sealed(1, number),
    }
}

async fn with_service(store: &Store) {
    store
        .write(|tx| {
            tx.ensure_subscription("default", UnixSeconds::new(1))?;
            tx.ensure_subscription("default", UnixSeconds::new(2))?;
            tx.insert_service(&service_row(1))
        })
        .await
        .expect("written");
}

async fn what_is_written_is_read(test: TestStore) {
    with_service(&test.store).await;
    let found = test
        .store
        .read(|tx| {
            assert!(tx.has_subscription("default")?);
            assert!(!tx.has_subscription("other")?);
            assert_eq!(tx.service_by_id(1)?, Some(service_row(1)));
            assert_eq!(tx.services()?, vec![service_row(1)]);
            assert_eq!(tx.service_by_name("default_other")?, None);
            tx.service_by_name("default_s1")
        })
        .await;
    assert_eq!(found, Ok(Some(service_row(1))));
}

async fn a_failed_job_leaves_nothing_and_its_neighbors_alone(test: TestStore) {
    with_service(&test.store).await;
    let barrier = Arc::new(Barrier::new(40));
    let jobs: Vec<_> = (0..40_u8)
        .map(|number| {
            let (store, barrier) = (test.store.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                let job = move |tx: &mut dyn Transaction| {
                    tx.insert_token(&token_row(number, 1, &format!("user {number}")))?;
                    if number.is_multiple_of(2) { Ok(()) } else { Err(StorageError::Misuse("on purpose")) }
                };
                store.write(job).await
            })
        })
        .collect();
    for (number, job) in jobs.into_iter().enumerate() {
        assert_eq!(job.await.expect("joined").is_ok(), number % 2 == 0);
    }
    let ids = test.store.read(|tx| tx.token_ids()).await.expect("read");
    assert_eq!(ids, (0..40).step_by(2).map(|number| [number; 16]).collect::<Vec<_>>());
}

async fn a_panicking_job_leaves_nothing_and_the_store_goes_on(test: TestStore) {
    with_service(&test.store).await;
    let broken: Result<(), StorageError> = test
        .store
        .write(|tx| {
            tx.insert_token(&token_row(1, 1, "joe"))?;
            panic!("on purpose")
        })
        .await;
    assert_eq!(broken, Err(StorageError::Panicked));
    let broken: Result<(), StorageError> = test.store.read(|_| panic!("on purpose")).await;
    assert_eq!(broken, Err(StorageError::Panicked));
    assert_eq!(test.store.read(|tx| tx.token_ids()).await, Ok(vec![]));
    assert_eq!(test.store.write(|tx| tx.insert_token(&token_row(1, 1, "joe"))).await, Ok(()));
}

async fn a_reader_cannot_write(test: TestStore) {
    with_service(&test.store).await;
    let misuse = Err(StorageError::Misuse("a job for reading wrote"));
    assert_eq!(test.store.read(|tx| tx.insert_token(&token_row(1, 1, "joe"))).await, misuse);
    assert_eq!(test.store.read(|tx| tx.next_number("n")).await.map(|_| ()), misuse);
    assert_eq!(test.store.read(|tx| tx.token_ids()).await, Ok(vec![]));
}

async fn the_faster_change_wins(test: TestStore) {
    with_service(&test.store).await;
    let outcome = test
        .store
        .write(|tx| {
            tx.insert_token(&token_row(1, 1, "joe"))?;
            tx.insert_device(&device_row(1, 1))?;
            tx.put_slots(&device_row(1, 1).key, &sealed(1, 1))?;
            tx.put_attempt(&device_row(1, 1).key, &sealed(1, 1))?;
            tx.put_meta("m", &sealed(1, 1))?;
            let second = DeviceRow { sealed: sealed(2, 2), ..device_row(1, 1) };
            tx.update_token(&[1; 16], &sealed(2, 2))?;
            tx.update_device(&second)?;
            tx.put_slots(&second.key, &sealed(2, 2))?;
            tx.put_attempt(&second.key, &sealed(2, 2))?;
            tx.put_meta("m", &sealed(2, 2))?;
            // The same again was decided on version 1, which is gone; a skipped version never was.
            for ver in [2, 4] {
                let late = DeviceRow { sealed: sealed(ver, 3), ..device_row(1, 1) };
                assert_eq!(tx.update_token(&[1; 16], &late.sealed), Err(StorageError::Conflict));
                assert_eq!(tx.update_device(&late), Err(StorageError::Conflict));
                assert_eq!(tx.put_slots(&late.key, &late.sealed), Err(StorageError::Conflict));
                assert_eq!(tx.put_attempt(&late.key, &late.sealed), Err(StorageError::Conflict));
                assert_eq!(tx.put_meta("m", &late.sealed), Err(StorageError::Conflict));
                assert_eq!(tx.update_service(1, &sealed(ver + 1, 3)), Err(StorageError::Conflict));
            }
            assert_eq!(tx.put_meta("m", &sealed(1, 3)), Err(StorageError::Exists));
            assert_eq!(tx.put_slots(&second.key, &sealed(1, 3)), Err(StorageError::Exists));
            assert_eq!(tx.delete_token(&[9; 16]), Err(StorageError::Conflict));
            Ok::<_, StorageError>((tx.device(&second.key)?, tx.slots(&second.key)?, tx.attempt(&second.key)?))
        })
        .await
        .expect("written");
    let (device, slots, attempt) = outcome;
    assert_eq!(device.expect("there").sealed, sealed(2, 2));
    assert_eq!((slots, attempt), (Some(sealed(2, 2)), Some(sealed(2, 2))));
}

async fn of_many_changes_of_one_version_one_wins(test: TestStore) {
    with_service(&test.store).await;
    test.store.write(|tx| tx.insert_token(&token_row(1, 1, "joe"))).await.expect("written");
    let barrier = Arc::new(Barrier::new(64));
    let racers: Vec<_> = (0..64)
        .map(|_| {
            let (store, barrier) = (test.store.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                store.write(|tx| tx.update_token(&[1; 16], &sealed(2, 2))).await
            })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        match racer.await.expect("joined") {
            Ok(()) => won += 1,
            Err(error) => assert_eq!(error, StorageError::Conflict),
        }
    }
    assert_eq!(won, 1);
}

async fn counters_never_give_a_number_twice(test: TestStore) {
    let numbers =
        test.store.write(|tx| (0..3).map(|_| tx.next_number("a")).collect::<Result<Vec<_>, StorageError>>()).await;
    assert_eq!(numbers, Ok(vec![1, 2, 3]));
    assert_eq!(test.store.write(|tx| tx.next_number("b")).await, Ok(1));
    assert_eq!(test.store.write(|tx| tx.next_number("a")).await, Ok(4));
}

async fn a_hint_finds_its_device_in_all_three_columns(test: TestStore) {
    let hints = HintColumns { cur: [1; 8], prev: Some([2; 8]), alt: Some([3; 8]) };
    let row = DeviceRow { hints, ..device_row(7, 1) };
    let (stored, other) = (row.clone(), device_row(7, 2));
    let twice = DeviceRow { hints: HintColumns { cur: [1; 8], prev: None, alt: None }, ..device_row(8, 2) };
    test.store
        .write(move |tx| {
            tx.insert_device(&stored)?;
            tx.insert_device(&other)?;
            assert_eq!(tx.insert_device(&twice), Err(StorageError::Exists));
            for hint in [[1; 8], [2; 8], [3; 8]] {
                assert_eq!(tx.devices_by_hint(&hint)?, vec![stored.clone()]);
            }
            assert_eq!(tx.devices_by_hint(&[4; 8])?, vec![]);
            assert_eq!(tx.devices_by_static(&[2; 32])?, vec![other.clone()]);
            assert_eq!(tx.devices_of(&[7; 16])?, vec![stored.clone(), other.clone()]);
            assert_eq!(tx.device_keys()?, vec![stored.key, other.key]);
            let moved = HintColumns { cur: [4; 8], prev: Some([1; 8]), alt: None };
            tx.update_device(&DeviceRow { hints: moved, sealed: sealed(2, 1), ..stored })?;
            assert_eq!(tx.devices_by_hint(&[2; 8])?, vec![]);
            assert_eq!(tx.devices_by_hint(&[1; 8])?.len(), 1);
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
}

async fn a_user_has_one_token_per_service_and_ids_are_bytes(test: TestStore) {
    with_service(&test.store).await;
    test.store
        .write(|tx| {
            tx.insert_service(&service_row(2))?;
            tx.insert_token(&token_row(1, 1, "José"))?;
            tx.insert_token(&token_row(2, 1, "Jose\u{301}"))?;
            tx.insert_token(&token_row(3, 1, "José\0"))?;
            tx.insert_token(&token_row(4, 2, "José"))?;
            assert_eq!(tx.insert_token(&token_row(5, 1, "José")), Err(StorageError::Exists));
            assert_eq!(tx.token_of(1, "José")?.map(|row| row.id), Some([1; 16]));
            assert_eq!(tx.token_of(1, "Jose\u{301}")?.map(|row| row.id), Some([2; 16]));
            assert_eq!(tx.token_of(1, "José\0")?.map(|row| row.id), Some([3; 16]));
            assert_eq!(tx.token_of(1, "JOSÉ")?, None);
            assert_eq!(tx.token_by_id(&[4; 16])?, Some(token_row(4, 2, "José")));
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
    let orphan = test.store.write(|tx| tx.insert_token(&token_row(6, 9, "x"))).await;
    assert_eq!(orphan, Err(StorageError::Misuse("a constraint of the schema is broken")), "there is no such service");
}

async fn an_offer_goes_with_its_token_and_devices_stay(test: TestStore) {
    with_service(&test.store).await;
    let offer = |id: u8, token: u8, lookup: &str| EnrollmentRow {
        id: [id; 8],
        lookup: lookup.to_owned(),
        token: [token; 16],
        expires_at: UnixSeconds::new(600),
        sealed: sealed(1, 1),
    };
    test.store
        .write(move |tx| {
            tx.insert_token(&token_row(1, 1, "joe"))?;
            tx.insert_token(&token_row(2, 1, "eva"))?;
            tx.insert_device(&device_row(1, 1))?;
            tx.put_slots(&device_row(1, 1).key, &sealed(1, 1))?;
            tx.insert_enrollment(&offer(1, 1, "ABCD"))?;
            assert_eq!(tx.insert_enrollment(&offer(2, 1, "EFGH")), Err(StorageError::Exists), "one per token");
            assert_eq!(tx.insert_enrollment(&offer(2, 2, "ABCD")), Err(StorageError::Exists), "one per lookup");
            assert_eq!(tx.enrollment(&[1; 8])?, Some(offer(1, 1, "ABCD")));
            assert_eq!(tx.enrollment_by_lookup("ABCD")?, Some(offer(1, 1, "ABCD")));
            assert_eq!(tx.enrollment_of(&[2; 16])?, None);
            tx.update_enrollment(&[1; 8], &sealed(2, 2))?;
            assert_eq!(tx.update_enrollment(&[1; 8], &sealed(2, 2)), Err(StorageError::Conflict));
            tx.delete_token(&[1; 16])?;
            assert_eq!(tx.enrollment(&[1; 8])?, None);
            assert!(tx.device(&device_row(1, 1).key)?.is_some());
            tx.erase_slots(&device_row(1, 1).key)?;
            assert_eq!(tx.slots(&device_row(1, 1).key)?, None);
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
}

async fn confirmations_are_listed_newest_first_and_go_with_their_token(test: TestStore) {
    with_service(&test.store).await;
    let row = |seq: u8, token: u8| ConfirmationRow {
        id: [seq; 8],
        seq: u64::from(seq),
        token: [token; 16],
        service: 1,
        expires_at: UnixSeconds::new(100 + u64::from(seq)),
        sealed: sealed(1, seq),
    };
    test.store
        .write(move |tx| {
            tx.insert_token(&token_row(1, 1, "joe"))?;
            tx.insert_token(&token_row(2, 1, "eva"))?;
            for (seq, token) in [(1, 1), (2, 2), (3, 1), (4, 1)] {
                tx.insert_confirmation(&row(seq, token))?;
            }
            assert_eq!(tx.insert_confirmation(&row(1, 1)), Err(StorageError::Exists));
            assert_eq!(tx.confirmation(&[2; 8])?, Some(row(2, 2)));
            assert_eq!(tx.confirmation(&[9; 8])?, None);
            assert_eq!(tx.confirmations_of(&[1; 16], 4, 10)?, [row(3, 1), row(1, 1)]);
            assert_eq!(tx.confirmations_in(1, i64::MAX.unsigned_abs(), 2)?, [row(4, 1), row(3, 1)]);
            assert_eq!(tx.confirmations_in(2, 10, 10)?, []);
            tx.update_confirmation(&[1; 8], &sealed(2, 9))?;
            assert_eq!(tx.update_confirmation(&[1; 8], &sealed(2, 9)), Err(StorageError::Conflict));
            assert_eq!(tx.confirmations_due(UnixSeconds::new(102), 10)?.len(), 2);
            tx.mark_swept(&[1; 8])?;
            assert_eq!(tx.confirmations_due(UnixSeconds::new(102), 10)?, [row(2, 2)]);
            assert_eq!(tx.delete_confirmations(UnixSeconds::new(102), 0)?, 0, "no more than allowed");
            assert_eq!(tx.delete_confirmations(UnixSeconds::new(102), 9)?, 1, "only what was swept");
            tx.delete_token(&[2; 16])?;
            assert_eq!(tx.confirmation(&[2; 8])?, None);
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
}

async fn expired_offers_are_swept(test: TestStore) {
    with_service(&test.store).await;
    test.store
        .write(|tx| {
            for (id, expires_at) in [(1, 599), (2, 600), (3, 601)] {
                tx.insert_token(&token_row(id, 1, &format!("user {id}")))?;
                tx.insert_enrollment(&EnrollmentRow {
                    id: [id; 8],
                    lookup: format!("AAA{id}"),
                    token: [id; 16],
                    expires_at: UnixSeconds::new(expires_at),
                    sealed: sealed(1, 1),
                })?;
            }
            assert_eq!(tx.sweep_enrollments(UnixSeconds::new(600))?, 2);
            assert!(tx.enrollment(&[3; 8])?.is_some());
            tx.delete_enrollment_of(&[3; 16])?;
            assert!(tx.enrollment(&[3; 8])?.is_none());
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
}

async fn the_journal_keeps_its_order(test: TestStore) {
    test.store
        .write(move |tx| {
            for (seq, token) in [(1, 1), (2, 2), (3, 1), (4, 1)] {
                tx.insert_journal(&journal_row(seq, token))?;
            }
            assert_eq!(tx.insert_journal(&journal_row(4, 1)), Err(StorageError::Exists));
            let numbers = |rows: Vec<JournalRow>| rows.iter().map(|row| row.seq).collect::<Vec<_>>();
            let (one, service) = (JournalFilter::Token([1; 16]), JournalFilter::Service(2));
            let subscription = JournalFilter::Subscription("s1".to_owned());
            assert_eq!(tx.journal(&one, 1, 10)?, vec![journal_row(3, 1), journal_row(4, 1)]);
            assert_eq!(numbers(tx.journal(&one, 0, 1)?), [1]);
            assert_eq!(numbers(tx.journal(&service, 0, 10)?), [2]);
            assert_eq!(numbers(tx.journal(&subscription, 1, 10)?), [3, 4]);
            assert_eq!(numbers(tx.journal(&JournalFilter::All, 1, 2)?), [2, 3]);
            assert_eq!(numbers(tx.journal_back(&one, 4, 10)?), [3, 1]);
            assert_eq!(numbers(tx.journal_back(&service, 9, 10)?), [2]);
            assert_eq!(numbers(tx.journal_back(&subscription, 9, 2)?), [4, 3]);
            assert_eq!(numbers(tx.journal_back(&JournalFilter::All, 4, 2)?), [3, 2]);
            assert_eq!(tx.newest_journal()?, 4);
            let leaf = |seq: u64, hash: u8| LeafRow { seq, at: UnixSeconds::new(seq), hash: [hash; 32] };
            assert_eq!(tx.journal_leaves(1, 2)?, [leaf(2, 2), leaf(3, 1)]);
            assert_eq!((tx.erase_journal(1, 3)?, tx.erase_journal(0, 3)?), (2, 1));
            assert_eq!(tx.journal(&one, 1, 1)?, vec![JournalRow { sealed: None, ..journal_row(3, 1) }]);
            let none = JournalRow { subscription: String::new(), service: 0, token: None, ..journal_row(5, 1) };
            tx.insert_journal(&none)?;
            assert_eq!(tx.journal(&JournalFilter::All, 4, 10)?, vec![none]);
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
}

async fn checkpoints_are_kept_by_size(test: TestStore) {
    let checkpoint = |size: u64| CheckpointRow { size, at: UnixSeconds::new(7), note: format!("note {size}\n") };
    test.store
        .write(move |tx| {
            assert_eq!(tx.newest_checkpoint()?, None);
            for size in [20, 5, 10] {
                tx.insert_checkpoint(&checkpoint(size))?;
            }
            assert_eq!(tx.insert_checkpoint(&checkpoint(10)), Err(StorageError::Exists));
            assert_eq!(tx.newest_checkpoint()?, Some(checkpoint(20)));
            assert_eq!(tx.checkpoints(5, 10)?, [checkpoint(10), checkpoint(20)]);
            assert_eq!(tx.checkpoints(0, 1)?, [checkpoint(5)]);
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
}

async fn erased_keys_are_gone(test: TestStore) {
    let epoch = |serial| EpochRow { serial, record: vec![1; 105], sealed: sealed(1, 1) };
    test.store
        .write(move |tx| {
            for serial in 1..=3 {
                tx.insert_epoch(&epoch(serial))?;
            }
            assert_eq!(tx.insert_epoch(&epoch(3)), Err(StorageError::Exists));
            assert_eq!(tx.erase_epochs_before(3)?, 2);
            assert_eq!(tx.epochs()?, vec![epoch(3)]);
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
}

async fn one_question_finds_what_several_would(test: TestStore) {
    with_service(&test.store).await;
    let key = AuthkeyRow { id: 5, hash: [9; 32], used_at: UnixSeconds::EPOCH, sealed: sealed(1, 5) };
    let stored = key.clone();
    test.store
        .write(move |tx| {
            tx.insert_authkey(&stored)?;
            tx.insert_token(&token_row(1, 1, "joe"))?;
            tx.insert_token(&token_row(2, 1, "eva"))?;
            tx.insert_device(&device_row(1, 2))?;
            tx.insert_device(&device_row(1, 1))?;
            tx.put_slots(&device_row(1, 1).key, &sealed(1, 1))?;
            tx.put_attempt(&device_row(1, 1).key, &sealed(1, 7))?;
            tx.put_meta("marks", &sealed(1, 3))
        })
        .await
        .expect("written");
    let ask = async |hash: u8, name: &'static str, user: &'static str| {
        test.store.ask(move |tx| tx.status_facts(&[hash; 32], name, user, "marks")).await.expect("an answer")
    };
    let all = StatusFacts {
        authkey: Some(key.clone()),
        service: Some(service_row(1)),
        token: Some(token_row(1, 1, "joe")),
        devices: vec![(device_row(1, 1), Some(sealed(1, 7))), (device_row(1, 2), None)],
        marks: Some(sealed(1, 3)),
    };
    assert_eq!(ask(9, "default_s1", "joe").await, all);
    let eva = StatusFacts { token: Some(token_row(2, 1, "eva")), devices: vec![], ..all.clone() };
    assert_eq!(ask(9, "default_s1", "eva").await, eva);
    let nobody = StatusFacts { token: None, devices: vec![], ..all.clone() };
    assert_eq!(ask(9, "default_s1", "ann").await, nobody);
    assert_eq!(ask(9, "default_other", "joe").await, StatusFacts { service: None, ..nobody.clone() });
    assert_eq!(ask(8, "default_s1", "joe").await, StatusFacts { authkey: None, ..all });
}

#[test]
fn statements_number_their_parameters_in_order() {
    // Both databases read `$1` alike only if the numbers first appear in order; a driver that binds by position relies
    // on it. The transaction records what the role traits send.
    struct Recorder(Vec<&'static str>);
    impl Transaction for Recorder {
        fn execute(&mut self, sql: &'static str, _: &[Value<'_>]) -> Result<usize, StorageError> {
            self.0.push(sql);
            Ok(1)
        }
        fn query(
            &mut self,
            sql: &'static str,
            _: &[Value<'_>],
            _: &mut dyn FnMut(&dyn crate::storage::Row) -> Result<(), StorageError>,
        ) -> Result<(), StorageError> {
            self.0.push(sql);
            Ok(())
        }
    }
    let mut tx = Recorder(Vec::new());
    let key = device_row(1, 1).key;
    let run = |tx: &mut Recorder| -> Result<(), StorageError> {
        for ver in [1, 2] {
            tx.put_meta("m", &sealed(ver, 1))?;
            tx.put_slots(&key, &sealed(ver, 1))?;
            tx.put_attempt(&key, &sealed(ver, 1))?;
        }
        tx.insert_device(&device_row(1, 1))?;
        tx.update_device(&device_row(1, 1))?;
        tx.device(&key)?;
        tx.devices_by_hint(&[1; 8])?;
        tx.insert_service(&service_row(1))?;
        tx.update_service(1, &sealed(2, 1))?;
        tx.insert_token(&token_row(1, 1, "joe"))?;
        tx.update_token(&[1; 16], &sealed(2, 1))?;
        tx.token_of(1, "joe")?;
        tx.update_enrollment(&[1; 8], &sealed(2, 1))?;
        tx.insert_journal(&journal_row(1, 1))?;
        for filter in [
            JournalFilter::All,
            JournalFilter::Token([1; 16]),
            JournalFilter::Service(1),
            JournalFilter::Subscription("s1".to_owned()),
        ] {
            tx.journal(&filter, 0, 1)?;
            tx.journal_back(&filter, 0, 1)?;
        }
        tx.erase_journal(0, 1)?;
        tx.journal_leaves(0, 1)?;
        tx.checkpoints(0, 1)?;
        Ok(())
    };
    run(&mut tx).expect("recorded");
    assert!(tx.0.len() > 15);
    for sql in tx.0 {
        let mut highest = 0;
        for part in sql.split('$').skip(1) {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            let number: usize = digits.parse().expect("a number");
            assert!(number <= highest + 1, "{sql}");
            highest = highest.max(number);
        }
    }
}
