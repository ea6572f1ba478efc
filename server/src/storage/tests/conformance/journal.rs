//! The journal, its checkpoints, and the keys of epochs.

use super::*;

pub(super) async fn the_journal_keeps_its_order(test: TestStore) {
    test.store
        .write(move |tx| {
            for (seq, token) in [(1, 1), (2, 2), (3, 1), (4, 1)] {
                tx.insert_journal(&journal_row(seq, token))?;
            }
            assert_eq!(tx.insert_journal(&journal_row(4, 1)), Err(StorageError::Exists));
            let numbers = |rows: Vec<JournalRow>| rows.iter().map(|row| row.seq).collect::<Vec<_>>();
            let (one, service) = (JournalFilter::Token([1; 16]), JournalFilter::Service(2));
            let since = |since| JournalFilter::Subscription { name: "s1".to_owned(), since };
            let subscription = since(0);
            assert_eq!(tx.journal(&one, 1, 10)?, vec![journal_row(3, 1), journal_row(4, 1)]);
            assert_eq!(numbers(tx.journal(&one, 0, 1)?), [1]);
            assert_eq!(numbers(tx.journal(&service, 0, 10)?), [2]);
            assert_eq!(numbers(tx.journal(&subscription, 1, 10)?), [3, 4]);
            assert_eq!(numbers(tx.journal(&JournalFilter::All, 1, 2)?), [2, 3]);
            assert_eq!(numbers(tx.journal_back(&one, 4, 10)?), [3, 1]);
            assert_eq!(numbers(tx.journal_back(&service, 9, 10)?), [2]);
            assert_eq!(numbers(tx.journal_back(&subscription, 9, 2)?), [4, 3]);
            assert_eq!(numbers(tx.journal(&since(3), 0, 10)?), [3, 4], "not what was before its time");
            assert_eq!(numbers(tx.journal(&since(3), 3, 10)?), [4]);
            assert_eq!(numbers(tx.journal_back(&since(4), 9, 10)?), [4]);
            assert_eq!(tx.count_journal(1, 1, 3)?, 1);
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

pub(super) async fn checkpoints_are_kept_by_size(test: TestStore) {
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

pub(super) async fn erased_keys_are_gone(test: TestStore) {
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
