//! Confirmations.

use super::*;

pub(super) async fn confirmations_are_listed_newest_first_and_go_with_their_token(test: TestStore) {
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
