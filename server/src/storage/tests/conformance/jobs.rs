//! What a transaction is.

use std::sync::Arc;

use tokio::sync::Barrier;

use super::*;

pub(super) async fn a_failed_job_leaves_nothing_and_its_neighbors_alone(test: TestStore) {
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

pub(super) async fn a_panicking_job_leaves_nothing_and_the_store_goes_on(test: TestStore) {
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

pub(super) async fn a_reader_cannot_write(test: TestStore) {
    with_service(&test.store).await;
    let misuse = Err(StorageError::Misuse("a job for reading wrote"));
    assert_eq!(test.store.read(|tx| tx.insert_token(&token_row(1, 1, "joe"))).await, misuse);
    assert_eq!(test.store.read(|tx| tx.next_number("n")).await.map(|_| ()), misuse);
    assert_eq!(test.store.read(|tx| tx.token_ids()).await, Ok(vec![]));
}

pub(super) async fn the_faster_change_wins(test: TestStore) {
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

pub(super) async fn of_many_changes_of_one_version_one_wins(test: TestStore) {
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

pub(super) async fn counters_never_give_a_number_twice(test: TestStore) {
    let numbers =
        test.store.write(|tx| (0..3).map(|_| tx.next_number("a")).collect::<Result<Vec<_>, StorageError>>()).await;
    assert_eq!(numbers, Ok(vec![1, 2, 3]));
    assert_eq!(test.store.write(|tx| tx.next_number("b")).await, Ok(1));
    assert_eq!(test.store.write(|tx| tx.next_number("a")).await, Ok(4));
}
