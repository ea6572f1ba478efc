//! Answers to calls that may be repeated.

use std::sync::Arc;

use tokio::sync::Barrier;

use super::*;

pub(super) fn answer_row(hash: u8, expires_at: u64, content: u8) -> AnswerRow {
    AnswerRow { hash: [hash; 32], expires_at: UnixSeconds::new(expires_at), sealed: sealed(1, content) }
}

pub(super) async fn an_answer_is_kept_as_it_was_first_given_until_it_expires(test: TestStore) {
    let long = AnswerRow { sealed: Sealed { ver: 1, bytes: vec![7; 1 << 20] }, ..answer_row(3, 101, 1) };
    let stored = long.clone();
    test.store
        .write(move |tx| {
            assert_eq!(tx.answer(&[1; 32])?, None);
            tx.insert_answer(&answer_row(1, 99, 1))?;
            tx.insert_answer(&answer_row(2, 100, 2))?;
            tx.insert_answer(&stored)?;
            assert_eq!(tx.insert_answer(&answer_row(2, 500, 9)), Err(StorageError::Exists));
            Ok::<_, StorageError>(())
        })
        .await
        .expect("written");
    let read = async |hash: u8| test.store.read(move |tx| tx.answer(&[hash; 32])).await.expect("read");
    assert_eq!(read(2).await, Some(answer_row(2, 100, 2)), "the first one, to its end and no further");
    assert_eq!(read(3).await, Some(long.clone()));
    assert_eq!(read(4).await, None);
    let sweep = async |now: u64| test.store.write(move |tx| tx.sweep_answers(UnixSeconds::new(now))).await;
    assert_eq!(sweep(98).await, Ok(0));
    assert_eq!(sweep(100).await, Ok(2), "the second in which it expires is the first without it");
    assert_eq!((read(1).await, read(2).await, read(3).await), (None, None, Some(long)));
    assert_eq!(test.store.write(|tx| tx.insert_answer(&answer_row(2, 500, 9))).await, Ok(()));
    assert_eq!(read(2).await, Some(answer_row(2, 500, 9)));
}

pub(super) async fn an_answer_is_there_if_and_only_if_what_was_asked_is_done(test: TestStore) {
    with_service(&test.store).await;
    let create = async |fails: bool| {
        let job = move |tx: &mut dyn Transaction| {
            tx.insert_answer(&answer_row(1, 100, 1))?;
            tx.insert_token(&token_row(1, 1, "joe"))?;
            if fails { Err(StorageError::Misuse("on purpose")) } else { Ok(()) }
        };
        test.store.write(job).await.is_ok()
    };
    let seen = async || {
        let read = test.store.read(|tx| Ok::<_, StorageError>((tx.answer(&[1; 32])?, tx.token_of(1, "joe")?))).await;
        let (answer, token) = read.expect("read");
        (answer.is_some(), token.is_some())
    };
    assert!(!create(true).await);
    assert_eq!(seen().await, (false, false));
    assert!(create(false).await);
    assert_eq!(seen().await, (true, true));
    assert!(!create(false).await, "the second finds the first one's");
    assert_eq!(seen().await, (true, true));
}

pub(super) async fn of_many_equal_calls_at_once_one_is_answered_for_all(test: TestStore) {
    let barrier = Arc::new(Barrier::new(32));
    let racers: Vec<_> = (0..32_u8)
        .map(|number| {
            let (store, barrier) = (test.store.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                barrier.wait().await;
                // As a caller does it: look, and answer if nobody has.
                let job = move |tx: &mut dyn Transaction| match tx.answer(&[1; 32])? {
                    Some(found) => Ok::<_, StorageError>((found.sealed.bytes, false)),
                    None => {
                        tx.insert_answer(&answer_row(1, 100, number))?;
                        Ok((sealed(1, number).bytes, true))
                    }
                };
                store.write(job).await.expect("answered")
            })
        })
        .collect();
    let mut told = Vec::new();
    for racer in racers {
        told.push(racer.await.expect("joined"));
    }
    assert_eq!(told.iter().filter(|(_, is_first)| *is_first).count(), 1);
    assert!(told.windows(2).all(|pair| pair[0].0 == pair[1].0), "all get the same bytes");
}
