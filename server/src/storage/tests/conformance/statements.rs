//! What drivers rely on in the statements that they are given.

use super::*;
use crate::storage::{Transaction, Value};

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
        tx.tokens_after(1, b"joe", 1)?;
        tx.insert_answer(&answer_row(1, 1, 1))?;
        tx.answer(&[1; 32])?;
        tx.sweep_answers(UnixSeconds::new(1))?;
        tx.update_enrollment(&[1; 8], &sealed(2, 1))?;
        tx.insert_journal(&journal_row(1, 1))?;
        for filter in [
            JournalFilter::All,
            JournalFilter::Token([1; 16]),
            JournalFilter::Service(1),
            JournalFilter::Subscription { name: "s1".to_owned(), since: 1 },
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
