//! The group commit, seen by jobs that wait behind one that holds the thread.

use std::sync::mpsc;

use crate::storage::rows::*;
use crate::storage::testing::{TestStore, block_on, events, file, insert_event, memory};
use crate::storage::{StorageError, Store, Transaction, Value};

type Work = Box<dyn FnOnce(&mut dyn Transaction) -> Result<u64, StorageError> + Send>;

/// Holds the writing thread until all of `jobs` wait, so that they share one commit; returns their answers.
fn run_together(store: &Store, jobs: Vec<Work>) -> Vec<Result<u64, StorageError>> {
    block_on(async {
        let (entered, is_in) = tokio::sync::oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let holder = store.clone();
        let holding = tokio::spawn(async move {
            let wait = move |_: &mut dyn Transaction| {
                let _ = entered.send(());
                released.recv().map_err(|_| StorageError::Closed)
            };
            holder.write(wait).await
        });
        is_in.await.expect("the holder runs");
        let mut waiting: Vec<_> = jobs.into_iter().map(|job| Box::pin(store.write(job))).collect();
        std::future::poll_fn(|context| {
            for job in &mut waiting {
                assert!(job.as_mut().poll(context).is_pending());
            }
            std::task::Poll::Ready(())
        })
        .await;
        release.send(()).expect("the holder waits");
        holding.await.expect("joined").expect("the holder's own commit");
        let mut answers = Vec::new();
        for job in waiting {
            answers.push(job.await);
        }
        answers
    })
}

fn event() -> Work {
    Box::new(|tx| {
        let seq = tx.next_number("event")?;
        insert_event(tx, seq, &[1])?;
        Ok(seq)
    })
}

/// Leaves a violation that SQLite only looks for at the commit.
fn breaks_the_commit() -> Work {
    Box::new(|tx| {
        tx.query("PRAGMA defer_foreign_keys = on", &[], &mut |_| Ok(()))?;
        let sql = "INSERT INTO service (id, name, subscription, ver, sealed) VALUES (1, 'x', 'none', 1, $1)";
        tx.execute(sql, &[Value::Bytes(&[1])])?;
        Ok(0)
    })
}

fn count(test: &TestStore) -> usize {
    block_on(test.store.read(|tx| events(tx, 0, 1_000))).expect("read").len()
}

#[test]
fn waiting_jobs_share_a_commit_and_a_failed_commit_fails_them_all() {
    for test in [memory(), file()] {
        let answers = run_together(&test.store, vec![event(), breaks_the_commit(), event()]);
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        assert_eq!(count(&test), 0, "nothing of a failed commit is there");
        let answers = run_together(&test.store, (0..100).map(|_| event()).collect());
        assert_eq!(answers, (1..=100).map(Ok).collect::<Vec<_>>(), "and the next one works");
        assert_eq!(count(&test), 100);
    }
}

#[test]
fn a_job_that_fails_in_a_shared_commit_takes_nobody_along() {
    for test in [memory(), file()] {
        let fails: Work = Box::new(|tx| {
            insert_event(tx, 7, &[1])?;
            Err(StorageError::Misuse("on purpose"))
        });
        let panics: Work = Box::new(|tx| {
            insert_event(tx, 8, &[1])?;
            panic!("on purpose")
        });
        let answers = run_together(&test.store, vec![event(), fails, panics, event()]);
        let expected = [Ok(1), Err(StorageError::Misuse("on purpose")), Err(StorageError::Panicked), Ok(2)];
        assert_eq!(answers, expected);
        assert_eq!(count(&test), 2);
    }
}
